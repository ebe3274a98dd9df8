"""Everybody who can be told of an alert: Discord, PagerDuty and any HTTP address, each well, slow,
refusing, lost and talking nonsense; and `usher alert test`."""
import email.header
import email.utils
import json
import pathlib
import subprocess
import time

import pytest

import kit
import peers
from sinks import LOST, Answer, HttpSink, SmtpSink
from usher_client import event

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CONFIG = """broker
alert
    missing = "60s"
    timeout = "500ms"
    retry
        first = "50ms"
        max = "200ms"
    hook
        provider = discord
        url = "{url}/discord"
    hook
        provider = pagerduty
        url = "{url}/pagerduty"
        key = "R0"
    hook
        provider = webhook
        url = "{url}/webhook"
        key = "{key}"
"""
HOOKS = ["discord-1", "pagerduty-2", "webhook-3"]


class Places(HttpSink):
    """The three of them, at one address."""

    def __init__(self):
        super().__init__()
        self.incidents = {}  # PagerDuty's: dedup key -> open?

    def _act(self, request, path, tree):
        if path.path == "/discord":
            return Answer(204, b"")
        if path.path == "/pagerduty":
            self.incidents[tree["dedup_key"]] = tree["event_action"] == "trigger"
            return Answer(202, {"status": "success", "dedup_key": tree["dedup_key"]})
        return Answer(200, {"ok": True})


@pytest.fixture(name="places")
def fixture_places():
    with Places() as places:
        yield places


@pytest.fixture(name="stage")
def fixture_stage(home, broker, connect, processes, places):  # pylint: disable=unused-argument
    pathlib.Path(home, "usher.cfg").write_text(CONFIG.format(url=places.url, key=KEY),
                                               encoding="utf-8")
    actor = kit.Process([kit.bin_path("usher-alert"), "--home", home])
    processes.append(actor)
    actor.wait_ready()
    crm, tools = connect("crm"), connect("tools")

    class Stage:
        serial = 0

        def say(self, kind):
            Stage.serial += 1
            data = {"actor": "crm", "target": "hubspot", "error": "the key is refused (401)"}
            crm.publish([event(f"crm:t{Stage.serial}", kind, data, time=int(time.time() * 1000))])

        def ended(self, count, state="done"):
            def reached():
                jobs = tools.ask("alert", {"ask": "jobs", "state": state})["jobs"]
                return len(jobs) == count and jobs

            return kit.wait_until(reached, 20, f"{count} jobs {state}")

    return Stage()


def usher(home, *words):
    return subprocess.run([kit.bin_path("usher"), "--home", home, *words], capture_output=True,
                          text=True, check=False, timeout=60)


def test_an_alert_from_its_first_word_to_its_last(stage, places):
    stage.say("target.refused")
    stage.ended(3)
    assert list(places.incidents.values()) == [True]
    stage.say("target.accepted")
    stage.ended(6)
    assert list(places.incidents.values()) == [False]  # the same incident, resolved
    [first, second] = places.calls(path="/discord")
    assert "What to do" in first["body"]["content"] and second["body"]["content"].startswith("Over")
    assert first["body"]["allowed_mentions"] == {"parse": []}
    raised, cleared = places.calls(path="/webhook")
    assert [c["body"]["type"] for c in (raised, cleared)] == ["alert.raised", "alert.cleared"]
    verdicts = peers.node("verify.mjs", json.dumps([
        {"library": "standardwebhooks", "secret": KEY, "body": call["raw"].decode(),
         "headers": {name.lower(): value for name, value in call["headers"].items()}}
        for call in (raised, cleared)]))
    assert json.loads(verdicts) == [True, True]


@pytest.mark.parametrize("trouble", [
    Answer(429, {"retry_after": 0.1}, retry_after=None), Answer(500, b"<html>"), Answer(503, b""),
    Answer(200, {}, slow_s=0.8), LOST], ids=["429", "500", "503", "slow", "lost"])
def test_trouble_passes_and_each_is_told(stage, places, trouble):
    for path in ("/discord", "/pagerduty", "/webhook"):
        places.script(trouble, path=path)
    stage.say("target.refused")
    stage.ended(3)
    assert list(places.incidents.values()) == [True]
    ids = {call["headers"]["webhook-id"] for call in places.calls(path="/webhook")}
    assert len(ids) == 1 and len(places.calls(path="/webhook")) == 2


def test_a_place_that_wants_no_more_is_a_dead_letter(stage, places):
    places.script(Answer(404, {"code": 10015}), path="/discord")
    places.script(Answer(400, {"status": "invalid event"}), path="/pagerduty")
    places.script(Answer(410, b""), path="/webhook")
    stage.say("target.refused")
    kit.wait_until(lambda: not places.scripts_left(), 10, "all three have refused")
    # which is an alert of its own, told to them as they work again
    stage.ended(3)
    words = {job["error"] for job in stage.ended(3, "dead")}
    assert any("deleted in Discord" in word for word in words)
    assert any("no more" in word for word in words)


def test_the_test_message(stage, places, home):  # pylint: disable=unused-argument
    said = usher(home, "alert", "test", "--json")
    rows = json.loads(said.stdout)
    assert said.returncode == 0 and [row["hook"] for row in rows] == HOOKS
    assert all(row["reached"] for row in rows)
    assert list(places.incidents.values()) == [False]  # a test leaves no incident open
    [call] = places.calls(path="/webhook")
    assert call["body"]["type"] == "alert.test" and "test" in call["body"]["data"]["text"]
    places.script(Answer(404, {}), path="/discord")
    said = usher(home, "alert", "test")
    assert said.returncode == 1
    assert "discord-1" in said.stdout and "deleted in Discord" in said.stdout


def test_what_stands_is_listed(stage, home):
    assert json.loads(usher(home, "alert", "--json").stdout) == []
    stage.say("target.refused")
    stage.ended(3)
    said = usher(home, "alert")
    assert said.returncode == 0 and "A service refuses our key" in said.stdout
    [alert] = json.loads(usher(home, "alert", "list", "--json").stdout)
    assert alert["rule"] == "key_refused"


@pytest.mark.parametrize("hook,words", [
    ("provider = discord\n", "alert/hook/url"),
    ("provider = pagerduty\n", "alert/hook/key"),
    ('provider = pagerduty\n        key = "k"\n        url = "http://example.com"\n', "https"),
    ('provider = webhook\n        key = "whsec_x"\n        url = "https://example.com"\n', "whsec_"),
    (f'provider = webhook\n        key = "{KEY}"\n', "alert/hook/url"),
    ('provider = email\n        url = "https://example.com"\n', "smtp://"),
    ('provider = email\n        url = "smtp://127.0.0.1:25"\n        from = "a@b.c"\n', "alert/hook/to"),
    ('provider = email\n        url = "smtp://127.0.0.1:25"\n        to = "a@b.c"\n', "hook/from")])
def test_a_hook_that_cannot_work_is_refused(home, processes, hook, words):
    pathlib.Path(home, "usher.cfg").write_text(f"broker\nalert\n    hook\n        {hook}",
                                               encoding="utf-8")
    actor = kit.Process([kit.bin_path("usher-alert"), "--home", home, "--check"])
    processes.append(actor)
    assert actor.wait() == 78 and words in actor.log()


# --- by mail ----------------------------------------------------------------------------------------


def test_by_mail(home, broker, connect, processes, tmp_path):  # pylint: disable=unused-argument
    """A real mail server, with a login; a mail that may have been taken comes again, as the same."""
    with SmtpSink(login=("usher", "secret")) as sink:
        pathlib.Path(home, "usher.cfg").write_text(f"""broker
alert
    missing = "60s"
    retry
        first = "50ms"
        max = "200ms"
    hook
        provider = email
        url = "{sink.url}"
        from = "usher <usher@example.com>"
        to = "ada@example.com"
        user = "usher"
        key = "secret"
""", encoding="utf-8")
        actor = kit.Process([kit.bin_path("usher-alert"), "--home", home])
        processes.append(actor)
        actor.wait_ready()
        crm = connect("crm")
        sink.answers.append("451 later")
        sink.drop_after_dot = 1
        crm.publish([event("crm:t1", "job.dead", {
            "actor": "crm", "key": "crm:mem_a", "error": "no\r\nBcc: eve@example.com \u202eevil"},
            time=int(time.time() * 1000))])
        kit.wait_until(lambda: len(sink.mails) == 2, 15, "taken, lost, and taken again")
        first, second = sink.mails
        assert first["id"] == second["id"] and first["to"] == ["ada@example.com"]
        message = second["message"]
        assert email.utils.parseaddr(message["From"]) == ("usher", "usher@example.com")
        assert message["Bcc"] is None
        subject = str(email.header.make_header(email.header.decode_header(message["Subject"])))
        assert subject.startswith("Jobs wait for a person: crm crm:mem_a (no  Bcc: eve")
        text = message.get_payload(decode=True).decode()
        assert "What to do" in text and "/problems" in text
