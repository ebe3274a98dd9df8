"""The alert actor, real, on a real broker; the others are played by the Python client."""
import http.server
import itertools
import json
import pathlib
import threading
import time

import pytest

from kit import Process, bin_path, wait_until
from usher_client import event

CONFIG = """broker
alert
    missing = "60s"
    timeout = "1s"
    probe = "300ms"
    retry
        first = "50ms"
        max = "200ms"
    hook
        provider = local
    hook
        provider = slack
        url = "file:secrets/slack"
"""


class Slack:
    """Says what it is told to say, else "ok"; keeps what it was sent."""

    def __init__(self):
        self.texts, self.answers = [], []
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, text = sink.answers.pop(0) if sink.answers else (200, b"ok")
                if status == 200 and text == b"ok":
                    sink.texts.append(body["text"])
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/x"


class Stage:
    def __init__(self, home, connect, processes, slack):
        self.home, self.connect, self.processes, self.slack = home, connect, processes, slack
        self.clients, self.number = {}, itertools.count(1)
        self.tools = connect("tools")
        pathlib.Path(home, "usher.cfg").write_text(CONFIG, encoding="utf-8")
        secret = pathlib.Path(home, "secrets")
        secret.mkdir(exist_ok=True)
        (secret / "slack").write_text(slack.url + "\n", encoding="utf-8")
        self.start()

    def start(self):
        self.actor = Process([bin_path("usher-alert"), "--home", self.home])
        self.processes.append(self.actor)
        self.actor.wait_ready()

    def say(self, who, kind, **data):
        """An event of an actor's."""
        if who not in self.clients:
            self.clients[who] = self.connect(who)
        name = "stripe" if who == "webhook" else who
        self.clients[who].publish([event(f"{name}:t{next(self.number)}", kind, data,
                                         time=int(time.time() * 1000))])

    def ask(self, question="alerts"):
        return self.tools.ask("alert", {"ask": question})

    def standing(self):
        return sorted((alert["rule"], alert["object"]) for alert in self.ask()["alerts"])

    def told(self):
        """Every alert.* event there is, in order."""
        return [(found["type"].split(".")[1], found["data"]["rule"], found["data"]["object"])
                for found in self.tools.read_all(1, ["alert.*"])]

    def expect(self, *alerts):
        wait_until(lambda: self.standing() == sorted(alerts), 10, f"standing: {alerts}")


@pytest.fixture(name="stage")
def fixture_stage(home, broker, connect, processes):  # pylint: disable=unused-argument
    slack = Slack()
    yield Stage(home, connect, processes, slack)
    slack.server.shutdown()
    slack.server.server_close()


def test_raised_once_cleared_once_to_every_hook(stage):
    refused = ("key_refused", "crm/hubspot")
    stage.say("crm", "target.refused", actor="crm", target="hubspot", error="the key is refused (401)")
    stage.expect(refused)
    stage.say("crm", "target.refused", actor="crm", target="hubspot", error="the key is refused (401)")
    # Slack knows no keys: a crash between its answer and our commit would tell it once more
    wait_until(lambda: len(stage.tools.read_all(1, ["job.done"])) == 2, 10, "two jobs are done")
    stage.actor.kill()  # remembered across a crash
    stage.start()
    assert len(stage.slack.texts) == 1
    stage.say("crm", "target.accepted", actor="crm", target="hubspot")
    stage.expect()
    wait_until(lambda: len(stage.slack.texts) == 2, 10, "Slack was told that it is over")
    assert "crm/hubspot" in stage.slack.texts[0] and "What to do" in stage.slack.texts[0]
    assert stage.slack.texts[1].startswith("Over: ")
    assert stage.told() == [("raised", *refused), ("cleared", *refused)]
    states = [notice["state"] for notice in stage.ask()["notices"]]
    assert states == ["cleared", "raised"]  # the local hook, newest first
    # the hooks' jobs are told as all jobs are
    wait_until(lambda: len(stage.tools.read_all(1, ["job.done"])) == 4, 10, "four jobs are done")


def test_slack_in_trouble(stage):
    stage.slack.answers += [(429, b""), (500, b"rollup_error")]
    stage.say("mailer", "job.dead", actor="mailer", key="welcome:mem_a", error="no such mailbox")
    stage.expect(("dead_letter", "mailer: no such mailbox"))
    wait_until(lambda: len(stage.slack.texts) == 1, 10, "told after all")
    stage.slack.answers += [(404, b"no_service")]
    stage.say("mailer", "job.done", actor="mailer", key="welcome:mem_a")
    # the hook's own dead letter is an alert, and only one
    stage.expect(("dead_letter", "alert: hooks"))
    wait_until(lambda: len(stage.slack.texts) == 2, 10, "the hook works again: it is told")
    dead = [job for job in stage.tools.ask("alert", {"ask": "jobs", "state": "dead"})["jobs"]]
    assert [job["target"] for job in dead] == ["slack"]


def test_founder_is_told_of_a_payment(stage):
    document = {"id": "mem_a", "version": 2, "email": "ada@example.com", "effects": [
        {"key": "card:in_1", "to": "alert", "kind": "payment_failed", "name": "Ada",
         "at": int(time.time() * 1000), "data": {"amount": 2900, "currency": "usd", "object": "in_1"}},
        {"key": "card:in_1", "to": "mailer", "kind": "card", "at": 0, "data": {}},
        {"key": "card:in_0", "to": "alert", "kind": "payment_failed", "at": 5, "data": {}}]}
    stage.say("ledger", "member.paused", **document)
    stage.say("ledger", "member.changed", **{**document, "version": 3})
    wait_until(lambda: stage.slack.texts, 10, "Slack was told")
    wait_until(lambda: len(stage.ask()["notices"]) == 1, 10, "the local hook was told")
    assert stage.slack.texts == ["A payment failed: 29.00 USD, Ada (in_1)\n"
                                 "What to do: usher member mem_a\n"
                                 "http://127.0.0.1:8081/members/mem_a"]
    assert stage.standing() == []
    skipped = stage.tools.read_all(1, ["job.skipped"])
    assert {found["data"]["error"] for found in skipped} == {"too old"} and len(skipped) == 2
    done = stage.tools.read_all(1, ["job.done"])
    assert {(e["subject"], e["data"]["member"]) for e in done + skipped} == {("mem_a", "mem_a")}
    jobs = stage.tools.ask("alert", {"ask": "jobs", "member": "mem_a"})["jobs"]
    assert sorted(job["key"] for job in jobs) == ["card:in_0@local-1", "card:in_0@slack-2",
                                                  "card:in_1@local-1", "card:in_1@slack-2"]


def test_a_notice_that_had_to_wait_is_not_too_old(stage):
    stage.slack.answers += [(500, b"")] * 3
    now = int(time.time() * 1000)
    effects = [{"key": "card:in_1", "to": "alert", "kind": "payment_failed", "name": "Ada",
                "at": now, "data": {"object": "in_1"}}]
    document = {"id": "mem_a", "version": 2, "email": "ada@example.com", "effects": effects}
    stage.say("ledger", "member.paused", **document)
    wait_until(lambda: stage.tools.read_all(1, ["job.retrying"]), 10, "Slack is in trouble")
    effects[0]["at"] = now - 80 * 3600 * 1000  # the same notice, seen three days later
    stage.say("ledger", "member.changed", **{**document, "version": 3})
    wait_until(lambda: stage.slack.texts, 10, "Slack was told")
    assert not stage.tools.read_all(1, ["job.skipped"])


def test_missing_actor(stage):
    """Nobody but the alert actor is there; one that comes is no longer missing."""
    assert stage.actor.stop() == 0
    pathlib.Path(stage.home, "usher.cfg").write_text(CONFIG.replace("60s", "3s"), encoding="utf-8")
    stage.start()
    missing = [("actor_missing", name) for name in
               ("app", "backfill", "crm", "ledger", "mailer", "support", "webhook")]
    stage.expect(*missing)
    crm = stage.connect("crm")
    ended = threading.Event()

    def beat():
        while not ended.wait(0.3):
            crm.beat(0)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        stage.expect(*(alert for alert in missing if alert[1] != "crm"))
    finally:
        ended.set()
        thread.join()
    assert stage.told().count(("raised", "actor_missing", "crm")) == 1
    assert stage.told().count(("cleared", "actor_missing", "crm")) == 1


def test_webhook_failures(stage):
    stage.say("webhook", "webhook.refused", total=900, signatures=0, own=0)
    stage.say("webhook", "webhook.refused", total=4, signatures=3, own=1)
    stage.expect(("webhook_failures", "webhook"))


def test_orphan_and_conflict(stage):
    stage.say("ledger", "member.due", member="", at=5, orphan="ch_1", source="stripe")
    stage.say("ledger", "member.changed", id="mem_a", version=1, identity_conflict=True)
    stage.expect(("identity_conflict", "mem_a"), ("orphan", "ch_1"))
    wait_until(lambda: len(stage.slack.texts) == 2, 10, "Slack was told of both")
    assert any(text.endswith("/members/mem_a") for text in stage.slack.texts)
    assert any(text.endswith("/events") for text in stage.slack.texts)
    assert {alert["href"] for alert in stage.ask()["alerts"]} == {"/members/mem_a", "/events"}
    stage.say("ledger", "member.revoked", id="mem_a", version=2,
              effects=[{"key": "refund:ch_1", "to": "support"}])
    stage.expect()


def test_a_store_made_anew_tells_nothing_twice(stage):
    stage.say("crm", "target.refused", actor="crm", target="hubspot")
    stage.expect(("key_refused", "crm/hubspot"))
    wait_until(lambda: len(stage.tools.read_all(1, ["job.done"])) == 2, 10, "both hooks were told")
    assert stage.actor.stop() == 0
    for path in pathlib.Path(stage.home, "data/alert").iterdir():
        path.unlink()
    stage.start()
    stage.expect(("key_refused", "crm/hubspot"))
    stage.say("crm", "target.accepted", actor="crm", target="hubspot")
    stage.expect()
    wait_until(lambda: len(stage.slack.texts) == 2, 10, "Slack was told that it is over")
    assert [word for word, *_ in stage.told()] == ["raised", "cleared"]


def test_bad_hooks_are_refused(home, processes):
    config = pathlib.Path(home, "usher.cfg")
    for hook, words in (("provider = slack\n", "alert/hook/url"),
                        ('provider = slack\n        url = "http://example.com/x"\n', "https"),
                        ("provider = pigeon\n", "usher.cfg:4")):
        config.write_text(f"broker\nalert\n    hook\n        {hook}", encoding="utf-8")
        actor = Process([bin_path("usher-alert"), "--home", home, "--check"])
        processes.append(actor)
        assert actor.wait() == 78
        assert words in actor.log()


def test_silenced(stage):
    """While it is silenced no hook is told; what still stands then is told, across a crash too."""
    now = int(time.time() * 1000)
    refused = ("key_refused", "crm/hubspot")
    stage.say("console", "admin.silenced", rule="key_refused", object="crm/hubspot",
              until=now + 3600000, reason="known")
    stage.say("crm", "target.refused", actor="crm", target="hubspot", error="401")
    stage.expect(refused)
    alert = stage.ask()["alerts"][0]
    assert alert["silenced_until"] == now + 3600000 and alert["href"] == "/problems"
    assert [s["reason"] for s in stage.ask()["silences"]] == ["known"]
    stage.say("support", "target.refused", actor="support", target="zendesk", error="401")
    wait_until(lambda: len(stage.slack.texts) == 1, 10, "of the other one Slack is told")
    assert "support/zendesk" in stage.slack.texts[0]
    # Slack knows no keys: a crash between its answer and our commit would tell it once more
    wait_until(lambda: len(stage.tools.read_all(1, ["job.done"])) == 2, 10, "two jobs are done")
    stage.actor.kill()
    stage.start()
    stage.say("console", "admin.unsilenced", rule="key_refused", object="crm/hubspot", reason="x")
    wait_until(lambda: len(stage.slack.texts) == 2, 10, "told when it may speak again")
    assert "crm/hubspot" in stage.slack.texts[1] and "/problems" in stage.slack.texts[1]


def test_silenced_and_over(stage):
    """What is over before anybody was told is over without a word; the whole rule can be silenced."""
    stage.say("console", "admin.silenced", rule="key_refused", object="",
              until=int(time.time() * 1000) + 3600000, reason="maintenance")
    stage.say("crm", "target.refused", actor="crm", target="hubspot", error="401")
    stage.expect(("key_refused", "crm/hubspot"))
    stage.say("crm", "target.accepted", actor="crm", target="hubspot")
    stage.expect()
    stage.say("mailer", "job.dead", actor="mailer", key="welcome:mem_a", error="no such mailbox")
    wait_until(lambda: stage.slack.texts, 10, "another rule is told")
    assert len(stage.slack.texts) == 1 and "no such mailbox" in stage.slack.texts[0]


def test_a_silence_runs_out(stage):
    """A store that is made anew holds and tells it as before: once."""
    until = int(time.time() * 1000) + 2000
    stage.say("console", "admin.silenced", rule="key_refused", object="", until=until, reason="short")
    stage.say("crm", "target.refused", actor="crm", target="hubspot", error="401")
    stage.expect(("key_refused", "crm/hubspot"))
    wait_until(lambda: stage.slack.texts, 10, "told when the silence is over")
    assert time.time() * 1000 >= until
    wait_until(lambda: len(stage.tools.read_all(1, ["job.done"])) == 2, 10, "both hooks were told")
    assert stage.ask()["silences"] == []
    assert stage.actor.stop() == 0
    for path in pathlib.Path(stage.home, "data/alert").iterdir():
        path.unlink()
    stage.start()
    stage.expect(("key_refused", "crm/hubspot"))
    stage.say("crm", "target.accepted", actor="crm", target="hubspot")
    stage.expect()
    wait_until(lambda: len(stage.tools.read_all(1, ["alert.cleared"])) == 1, 10, "cleared")
    stage.say("mailer", "job.dead", actor="mailer", key="welcome:mem_a", error="no such mailbox")
    wait_until(lambda: any("no such mailbox" in text for text in stage.slack.texts), 10, "told of the next")
    assert sum(text.startswith("A service refuses") for text in stage.slack.texts) == 1
