"""A real Prometheus reads the fleet by a key of its own; rules and dashboard name metrics that are there."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "fleet"))

import kit  # noqa: E402  pylint: disable=wrong-import-position
from console_client import Console  # noqa: E402  pylint: disable=wrong-import-position
from fleet import EMBEDDED, Fleet  # noqa: E402  pylint: disable=wrong-import-position
from kit import wait_until  # noqa: E402  pylint: disable=wrong-import-position

OPS = pathlib.Path(__file__).parents[3] / "ops"
LABELLED = {"usher_jobs", "usher_target_state", "usher_broker_refused_total", "usher_webhook_refused_total",
            "usher_members_by_state", "usher_broker_up"}


@pytest.fixture(scope="module", name="fleet")
def fixture_fleet():
    home = tempfile.mkdtemp(prefix="ush", dir="/tmp")
    with Fleet(home, EMBEDDED) as fleet:
        yield fleet
    kit.drop_home(home)


@pytest.fixture(scope="module", name="key")
def fixture_key(fleet):
    return Console(fleet).owner().key("metrics")


def metrics(fleet, key):
    answer = Console(fleet, key=key).request("GET", "/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
    return answer.text


def test_the_text_is_clean(fleet, key):
    wait_until(lambda: all(f'usher_actor_uptime_seconds{{actor="{name}"}}' in metrics(fleet, key)
                           for name in ("crm", "webhook")), 20, "they have reported")
    text = metrics(fleet, key)
    ran = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and not ran.stdout + ran.stderr, ran.stdout + ran.stderr
    assert 'actor="webhook",share="own"} 0' in text
    assert 'actor="tools"' not in text  # whoever has just asked, and goes again, is no actor
    families = re.findall(r"^# TYPE (\S+)", text, re.M)
    assert len(families) == len(set(families))


def test_rules_and_dashboard_are_of_metrics_that_are_there():
    for kind, name in (("rules", "alerts.yml"), ("config", "prometheus.yml")):
        ran = subprocess.run(["promtool", "check", kind, *(["--syntax-only"] if kind == "config" else []),
                              str(OPS / "prometheus" / name)], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    table = (OPS.parent / "actors/console/metric_table.h").read_text(encoding="utf-8")
    known = set(re.findall(r'"(usher_\w+)"', table)) | LABELLED
    dashboard = json.loads((OPS / "grafana/usher.json").read_text(encoding="utf-8"))
    named = " ".join(t["expr"] for panel in dashboard["panels"] for t in panel["targets"])
    named += (OPS / "prometheus/alerts.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\busher_\w+", named)) - known == set()
    sections = re.findall(r"^## (\w+)", (OPS / "RUNBOOK.md").read_text(encoding="utf-8"), re.M)
    anchors = re.findall(r"RUNBOOK.md#(\w+)", (OPS / "prometheus/alerts.yml").read_text(encoding="utf-8"))
    assert set(anchors) <= set(sections)


def test_a_real_prometheus_reads_it(fleet, key, tmp_path):
    port = kit.free_port()
    (tmp_path / "key").write_text(key)
    shutil.copy(OPS / "prometheus/alerts.yml", tmp_path)
    config = (OPS / "prometheus/prometheus.yml").read_text(encoding="utf-8")
    config = config.replace("/etc/prometheus/usher.key", str(tmp_path / "key")).replace("15s", "1s")
    (tmp_path / "prometheus.yml").write_text(config.replace("127.0.0.1:8081", f"127.0.0.1:{fleet.console_port}"))
    process = subprocess.Popen(["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
                                f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def value(query):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(query)}", timeout=5) as answer:
                result = json.load(answer)["data"]["result"]
        except OSError:
            return None
        return result[0]["value"][1] if result else None

    try:
        wait_until(lambda: value('up{job="usher"}') == "1", 30, "it is scraped")
        wait_until(lambda: value('usher_actor_up{actor="crm"}') == "1", 10, "the CRM actor is seen")
        assert value("usher_broker_up") == "1"
    finally:
        process.terminate()
        process.wait(20)
