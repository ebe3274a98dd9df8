"""The verbs of `usher` against a fleet that `usher up` runs: shapes, exit codes, refusals, live tap."""

import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import tempfile

import jsonschema
import kit
import pytest

TEXT = {"type": "string"}
TEXT_OR_NULL = {"type": ["string", "null"]}
NUMBER = {"type": "integer"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$"}
TIME_OR_NULL = {"anyOf": [TIME, {"type": "null"}]}


def shape(required, **properties):
    return {"type": "object", "properties": properties, "required": required}


LANE = shape(["state", "version", "attempts", "at", "error"], state=TEXT, version=NUMBER,
             attempts=NUMBER, at=TIME_OR_NULL, error=TEXT_OR_NULL)
LINE = shape(["time", "lane", "text", "event", "rule"], time=TIME, text=TEXT, event=TEXT_OR_NULL,
             rule=TEXT_OR_NULL, lane={"enum": ["money", "access", "tools", "mail"]})
MEMBER = shape(
    ["id", "email", "name", "state", "access", "version", "reason", "last_payment_at", "tags", "crm",
     "support", "mail", "timeline"],
    id={"type": "string", "pattern": "^mem_"}, email=TEXT, name=TEXT,
    state={"enum": ["trialing", "active", "ending", "paused", "revoked", "ended", "none"]},
    access={"type": "boolean"}, version=NUMBER, reason=TEXT, last_payment_at=TIME_OR_NULL,
    tags={"type": "array", "items": TEXT}, crm=LANE, support=LANE, mail=LANE,
    timeline={"type": "array", "items": LINE, "minItems": 1})
EVENT = shape(["specversion", "id", "source", "type", "time", "data", "seq"],
              specversion={"const": "1.0"}, id=TEXT, source=TEXT, type=TEXT, time=TIME, seq=NUMBER,
              data={"type": "object"})
JOB = shape(["actor", "kind", "key", "state", "attempt"], actor=TEXT, kind=TEXT, key=TEXT,
            state=TEXT, attempt=NUMBER)
TRACE = shape(["trace", "events", "jobs"], trace=TEXT,
              events={"type": "array", "items": EVENT, "minItems": 1},
              jobs={"type": "array", "items": JOB})


class Usher:
    def __init__(self, home):
        self.home = home

    def environment(self, **more):
        return {**os.environ, "USHER_HOME": self.home, **more}

    def run(self, *words, code=0, timeout=60, **more):
        done = subprocess.run([kit.bin_path("usher"), *words], env=self.environment(**more),
                              capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def json(self, *words, schema=None, code=0):
        done = self.run(*words, "--json", code=code)
        value = json.loads(done.stdout)
        if schema:
            jsonschema.validate(value, schema)
        return value

    def lines(self, *words, code=0):
        return [json.loads(line) for line in self.run(*words, "--json", code=code)
                .stdout.splitlines()]

    def tap(self, *words):
        return subprocess.Popen([kit.bin_path("usher"), "tap", *words], env=self.environment(),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def pay(self, name, **options):
        words = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
        self.run("trigger", "payment.succeeded", "--email", f"{name}@example.com",
                 "--id", f"evt_{name}", *words)
        self.run("trace", f"evt_{name}", "--wait", "20s")


@pytest.fixture(scope="module")
def usher():
    home = tempfile.mkdtemp(prefix="ush", dir="/tmp")
    fleet = Usher(home)
    fleet.run("init", "--ports", f"{kit.free_port()},{kit.free_port()}")
    fleet.run("up", timeout=120)
    yield fleet
    fleet.run("down", timeout=60)
    shutil.rmtree(home, ignore_errors=True)


# --- the chain --------------------------------------------------------------------------------


def test_purchase_from_door_to_mail(usher):
    usher.pay("ada")
    member = usher.json("member", "ada@example.com", schema=MEMBER)
    assert member["access"] and member["state"] == "active" and "member" in member["tags"]
    assert member["crm"]["state"] == "synced" and member["mail"]["state"] == "sent"
    assert any(line["event"] == "evt_ada" for line in member["timeline"])

    trace = usher.json("trace", "evt_ada", schema=TRACE)
    assert trace["trace"] == "evt_ada"
    types = [event["type"] for event in trace["events"]]
    assert types[0] == "payment.succeeded" and "member.joined" in types
    done = {event["source"] for event in trace["events"] if event["type"] == "job.done"}
    assert done == {"crm", "mailer", "app"}
    assert usher.json("trace", "stripe:evt_ada", schema=TRACE)["events"] == trace["events"]

    tree = usher.run("trace", "evt_ada").stdout
    assert "└─" in tree and "member.joined" in tree and "ada@" not in tree
    assert "access" in usher.run("why", "ada@example.com").stdout
    assert usher.json("why", member["id"])["access"] is True


def test_the_same_again_changes_nothing(usher):
    usher.pay("bob")
    before = usher.json("member", "bob@example.com", schema=MEMBER)
    lines = usher.lines("trigger", "payment.succeeded", "--email", "bob@example.com",
                        "--id", "evt_bob", "--copies", "5", "--shuffle")
    assert len(lines) == 40 and all(line["status"] == 200 for line in lines)
    assert all(line["duplicate"] for line in lines)
    usher.run("trace", "evt_bob", "--wait", "10s")
    after = usher.json("member", "bob@example.com", schema=MEMBER)
    assert after["version"] == before["version"]
    mails = [j for j in usher.json("jobs", "--member", after["id"]) if j["kind"] == "welcome"]
    assert len(mails) == 1


def test_refund_follows_the_payment(usher):
    usher.pay("carl")
    usher.run("trigger", "payment.refunded", "--email", "carl@example.com", "--id", "evt_carl_back")
    usher.run("trace", "evt_carl_back", "--wait", "20s")
    member = usher.json("member", "carl@example.com", schema=MEMBER)
    assert not member["access"] and member["state"] == "revoked"
    assert member["support"]["state"] == "sent"
    assert "refund" in usher.run("why", "carl@example.com").stdout


# --- tap --------------------------------------------------------------------------------------


def test_tap_is_live(usher):
    with usher.tap("--json", "payment.succeeded", "member.joined", "--count", "2",
                   "--wait", "30s") as tap:
        names = iter(range(1000))  # somebody pays again and again until the tap has seen enough

        def ended():
            usher.run("trigger", "payment.succeeded", "--email",
                      f"live{next(names)}@example.com")
            return tap.poll() is not None

        kit.wait_until(ended, 30, "two events seen")
        events = [json.loads(line) for line in tap.stdout.read().splitlines()]
    assert tap.returncode == 0
    assert {event["type"] for event in events} <= {"payment.succeeded", "member.joined"}
    assert events[1]["seq"] > events[0]["seq"]
    for event in events:
        jsonschema.validate(event, EVENT)


def test_tap_redacts(usher):
    usher.pay("dora")
    hidden = usher.run("tap", "--since", "1", "--until-now", "--json").stdout
    assert "dora@example.com" not in hidden and "d***@example.com" in hidden
    assert '"raw":' not in hidden and '"raw_bytes":' in hidden
    shown = usher.run("tap", "--since", "1", "--until-now", "--json", "--show-personal", "--raw")
    assert "dora@example.com" in shown.stdout and '"raw":' in shown.stdout
    assert "dora@example.com" not in usher.run("tap", "--since", "1", "--until-now").stdout


def test_tap_from_where(usher):
    usher.pay("emil")
    everything = usher.lines("tap", "--since", "1", "--until-now")
    assert [event["seq"] for event in everything] == list(range(1, len(everything) + 1))
    assert usher.lines("tap", "--last", "3", "--until-now") == everything[-3:]
    joined = [event for event in everything if event["type"] == "member.joined"]
    assert usher.lines("tap", "member.joined", "--last", "1", "--until-now") == joined[-1:]
    assert usher.lines("tap", "--since", "1h", "--until-now") == everything
    since = everything[len(everything) // 2]["time"]
    later = usher.lines("tap", "--since", since, "--until-now")
    assert later and all(event["seq"] >= later[0]["seq"] for event in later)
    followed = usher.lines("tap", "--follow", "evt_emil", "--until-now")
    assert [event["id"] for event in followed][0] == "stripe:evt_emil" and len(followed) >= 4
    assert {event["trace"] for event in followed} == {"stripe:evt_emil"}


def test_tap_dump(usher, tmp_path):
    usher.pay("fay")
    usher.run("tap", "--since", "1", "--count", "2", "--dump", str(tmp_path / "dump"))
    files = sorted((tmp_path / "dump").iterdir())
    assert len(files) == 2 and all(file.stat().st_mode & 0o077 == 0 for file in files)
    jsonschema.validate(json.loads(files[0].read_text(encoding="utf-8")), EVENT)


def test_tap_gives_up(usher):
    done = usher.run("tap", "alert.cleared", "--count", "1", "--wait", "200ms", code=1)
    assert done.stdout == ""


# --- people's changes -------------------------------------------------------------------------


def test_grant_and_revoke(usher):
    usher.pay("gil")
    assert "--reason" in usher.run("member", "grant", "gil@example.com", code=2).stderr
    usher.run("member", "revoke", "gil@example.com", "--reason", "code of conduct")
    assert not usher.json("member", "gil@example.com", schema=MEMBER)["access"]
    usher.run("member", "revoke", "gil@example.com", "--lift", "--reason", "a mistake")
    assert usher.json("member", "gil@example.com", schema=MEMBER)["access"]
    usher.run("trigger", "payment.refunded", "--email", "gil@example.com", "--id", "evt_gil_back")
    usher.run("trace", "evt_gil_back", "--wait", "20s")
    usher.run("member", "grant", "gil@example.com", "--days", "3", "--reason", "speaker")
    member = usher.json("member", "gil@example.com", schema=MEMBER)
    assert member["access"] and member["until"]
    usher.run("member", "note", "gil@example.com", "--reason", "called, is happy")
    events = usher.lines("tap", "admin.*", "--since", "1", "--until-now")
    mine = [event for event in events if event["subject"] == member["id"]]
    assert [event["type"] for event in mine] == ["admin.revoked", "admin.revoked", "admin.granted",
                                                 "admin.noted"]
    assert mine[0]["data"]["reason"] == "code of conduct" and mine[0]["source"] == "tools"


def test_jobs(usher):
    usher.pay("hal")
    member = usher.json("member", "hal@example.com", schema=MEMBER)
    jobs = usher.json("jobs", schema={"type": "array", "items": JOB, "minItems": 2})
    assert {"crm", "mailer"} <= {job["actor"] for job in jobs}
    assert {j["actor"] for j in usher.json("jobs", "--actor", "crm")} == {"crm"}
    assert {j["state"] for j in usher.json("jobs", "--state", "done")} == {"done"}
    key = f"welcome:{member['id']}"
    assert usher.json("jobs", "show", key, schema=JOB)["state"] == "done"
    assert "--reason" in usher.run("jobs", "retry", key, code=2).stderr
    assert "nothing to retry" in usher.run("jobs", "retry", key, "--reason", "x", code=1).stderr
    usher.run("jobs", "show", "welcome:nobody", code=1)
    usher.run("jobs", "--state", "ded", code=2)


def test_skip_keeps_the_reason(usher):
    usher.pay("ida")
    usher.run("trigger", "payment.failed", "--email", "ida@example.com", "--id", "evt_ida_fail")

    def settling():
        jobs = usher.json("jobs", "--actor", "mailer", "--state", "settling")
        return [job for job in jobs if job["kind"] != "welcome"]

    job = kit.wait_until(settling, 20, "a mail that settles")[0]
    counted = usher.run("jobs", "skip", "--like", job["key"], "--reason", "told her", code=1)
    assert "1 job" in counted.stderr and "--yes" in counted.stderr
    usher.run("jobs", "skip", "--like", job["key"], "--reason", "told her", "--yes")
    kit.wait_until(lambda: usher.json("jobs", "show", job["key"])["state"] == "skipped", 10, "skipped")
    event = usher.lines("tap", "admin.skipped", "--last", "1", "--until-now")[0]
    assert event["data"]["reason"] == "told her" and event["data"]["key"] == job["key"]
    assert event["trace"] == "stripe:evt_ida_fail"


def test_members(usher):
    usher.pay("jan")
    members = usher.json("members", schema={"type": "array", "items": {"type": "object"}})
    emails = [member["email"] for member in members]
    assert "jan@example.com" in emails
    assert len({member["id"] for member in members}) == len(members)
    assert all(m["state"] == "active" for m in usher.json("members", "--state", "active"))
    assert len(usher.json("members", "--limit", "1")) == 1
    assert "member" in usher.run("members").stdout.splitlines()[0]


# --- the disk ---------------------------------------------------------------------------------


def test_verify(usher):
    usher.pay("kim")
    report = usher.json("verify")
    assert report["sound"] and report["journal"]["sound"] and report["journal"]["events"] > 8
    assert {"ledger", "crm", "mailer", "webhook"} <= {store["name"] for store in report["stores"]}


def test_verify_finds_damage(usher, tmp_path):
    usher.pay("lea")
    copy = tmp_path / "home"
    shutil.copytree(usher.home, copy, ignore=shutil.ignore_patterns("run", "*.ipc"))
    segments = [p for p in (copy / "data" / "broker").rglob("*") if p.is_file() and
                p.stat().st_size > 1 << 20]
    segment = bytearray(segments[0].read_bytes())
    at = segment.find(b"evt_lea")
    assert at > 0
    segment[at] ^= 1
    segments[0].write_bytes(segment)
    done = Usher(str(copy)).run("verify", "--json", code=1)
    report = json.loads(done.stdout)
    assert not report["sound"] and not report["journal"]["sound"] and report["journal"]["findings"]


def test_rebuild_is_identical_and_sends_nothing(usher):
    usher.pay("mia")
    sent = len(usher.lines("tap", "job.done", "--since", "1", "--until-now"))
    report = usher.json("rebuild", "ledger")
    assert report["compared"] and report["identical"] and report["differences"] == 0
    assert pathlib.Path(report["kept"]).is_dir()
    report = usher.json("rebuild", "mailer")
    assert report["missing"] == 0
    assert len(usher.lines("tap", "job.done", "--since", "1", "--until-now")) == sent
    assert usher.json("member", "mia@example.com", schema=MEMBER)["access"]
    assert "log of deliveries" in usher.run("rebuild", "webhook", code=1).stderr
    usher.run("rebuild", "nobody", code=2)


# --- manners ----------------------------------------------------------------------------------


def test_trigger_refuses_live_mode(usher, tmp_path):
    home = tmp_path / "home"
    other = Usher(str(home))
    other.run("init", "--ports", f"{kit.free_port()},{kit.free_port()}")
    config = home / "usher.cfg"
    text = config.read_text(encoding="utf-8")
    config.write_text(re.sub(r"mode = test", "mode = live", text, count=1), encoding="utf-8")
    assert "--really" in other.run("trigger", "payment.succeeded", code=1).stderr
    bodies = other.lines("trigger", "payment.succeeded", "--dry-run")
    assert len(bodies) == 8 and all(body["livemode"] for body in bodies)
    down = other.run("trigger", "payment.succeeded", "--really", code=69)
    assert "does not answer" in down.stderr and "next:" in down.stderr


def test_a_wrong_secret_is_refused(usher):
    secret = pathlib.Path(usher.home, "secrets", "stripe")
    right = secret.read_text(encoding="utf-8")
    copy = tempfile.mkdtemp(prefix="ush", dir="/tmp")
    shutil.copytree(usher.home, copy, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("run", "data"))
    pathlib.Path(copy, "secrets", "stripe").write_text(right[:-4] + "xxxx", encoding="utf-8")
    done = Usher(copy).run("trigger", "customer.updated", code=1)
    assert " 400 " in done.stdout and "refused" in done.stderr
    shutil.rmtree(copy)


@pytest.mark.parametrize("words, said", [
    (["trigger"], "payment.succeeded"),
    (["trigger", "paymnt"], "payment.refunded"),
    (["trigger", "payment.succeeded", "--email", "ada"], "--email"),
    (["trigger", "payment.succeeded", "--at", "noon"], "--at"),
    (["trigger", "payment.succeeded", "--copies", "0"], "--copies"),
    (["trigger", "dispute.closed", "--outcome", "maybe"], "--outcome"),
    (["tap", "paymnt"], "topic"),
    (["tap", "--since", "noon"], "--since"),
    (["trace"], "id"),
    (["why"], "member"),
    (["member"], "member"),
    (["member", "note", "x"], "--reason"),
    (["member", "gran", "x"], "grant"),
    (["members", "x"], "options"),
    (["members", "--state", "pausd"], "paused"),
    (["jobs", "--actor", "crn"], "crn"),
    (["jobs", "frobnicate"], "retry"),
    (["jobs", "retry", "--reason", "x"], "--like"),
    (["rebuild"], "ledger"),
    (["bench", "everything"], "publish"),
    (["verify", "x"], "words"),
])
def test_usage(usher, words, said):
    done = usher.run(*words, code=2)
    assert said in done.stderr and done.stdout == ""


def test_nobody_known(usher):
    for words in (["why", "nobody@example.com"], ["member", "nobody@example.com"],
                  ["trace", "evt_nothing"], ["member", "note", "mem_0", "--reason", "x"]):
        done = usher.run(*words, code=1)
        assert "known by" in done.stderr and "next:" in done.stderr and done.stdout == ""


def test_no_fleet(tmp_path):
    other = Usher(str(tmp_path / "home"))
    for words in (["tap"], ["trace", "x"], ["members"], ["jobs"], ["verify"], ["rebuild", "ledger"]):
        assert "usher init" in other.run(*words, code=78).stderr
    other.run("init", "--ports", f"{kit.free_port()},{kit.free_port()}")
    for words in (["tap"], ["trace", "x"], ["members"], ["why", "x"], ["rebuild", "ledger"]):
        assert "usher up" in other.run(*words, code=69).stderr


def on_terminal(usher, *words, **more):
    """What the program prints to a terminal."""
    leader, follower = pty.openpty()
    environment = usher.environment(TERM="xterm")
    environment.pop("NO_COLOR", None)
    subprocess.run([kit.bin_path("usher"), *words], env={**environment, **more},
                   stdout=follower, stderr=subprocess.DEVNULL, timeout=60, check=False)
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 65536):
            shown += piece
    except OSError:
        pass
    os.close(leader)
    return shown.decode()


def test_colour_only_on_a_terminal(usher):
    usher.pay("nan")
    for words in (["member", "nan@example.com"], ["tap", "--last", "3", "--until-now"],
                  ["trace", "evt_nan"], ["jobs"], ["members"]):
        assert "\x1b[" in on_terminal(usher, *words), words
        assert "\x1b[" not in on_terminal(usher, *words, NO_COLOR="1"), words
        assert "\x1b[" not in usher.run(*words).stdout, words


def test_tap_outlives_the_broker(usher):
    usher.pay("ole")
    with usher.tap("--json", "member.joined", "--follow", "evt_pia", "--count", "1",
                   "--wait", "60s") as tap:
        subprocess.run(["s6-svc", "-wR", "-r", "-T", "20000", f"{usher.home}/run/s6/broker"],
                       check=True)
        usher.run("trigger", "payment.succeeded", "--email", "pia@example.com", "--id", "evt_pia",
                  "--retry", "30s")
        seen = json.loads(tap.stdout.readline())
    assert tap.returncode == 0 and seen["type"] == "member.joined"


def test_bench(usher, tmp_path):
    spread = shape(["median", "min", "max"], median={"type": "number", "exclusiveMinimum": 0})
    row = shape(["case", "load", "runs", "per_second", "p50_ms", "p99_ms", "max_ms", "failed"],
                per_second=spread, p50_ms=spread, p99_ms=spread, failed={"const": 0})
    report = shape(["sync", "cpu", "cores", "filesystem", "results", "memory", "start_ms"],
                   results={"type": "array", "items": row, "minItems": 2})
    words = ["--rounds", "1", "--seconds", "1", "--yes", "--dir", str(tmp_path)]
    publish = usher.json("bench", "publish", *words, schema=report)
    assert [row["load"] for row in publish["results"]] == [1, 16, 64, 256]
    assert "fdatasync" in publish["sync"]
    effect = usher.json("bench", "effect", *words, schema=report)
    assert {row["case"] for row in effect["results"]} == {"effect-answer", "effect-crm-call"}
    assert {process["name"] for process in effect["memory"]} >= {"broker", "ledger", "crm"}
    assert not list(tmp_path.iterdir())
    assert "--yes" in usher.run("bench", "publish", "--here", code=1).stderr
