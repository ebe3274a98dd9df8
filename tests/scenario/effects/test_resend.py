"""The mailer against a Resend that misbehaves: one mail, whatever is lost, and never an uncertain
one while Resend remembers the key."""
import json
import pathlib

import jsonschema
import pytest
import yaml

from sink_resend import ResendSink, limit
from sinks import GARBAGE, LOST, REDIRECT, Answer
from stage import effect, member

import kit

SPEC = kit.ROOT.parent / "shared" / "specs" / "resend" / "resend.yaml"


@pytest.fixture
def sink():
    with ResendSink() as one:
        yield one


def welcome(number=1, **more):
    return member(number, effects=[effect(f"welcome:mem_{number:04d}")], **more)


def start(stage, sink, more="    rate = 1000\n", key="re_1"):
    stage.secret("resend", key)
    stage.config("mailer", f'    provider = resend\n    url = "{sink.url}"\n'
                           '    from = "Club, Inc. <hello@example.com>"\n'
                           '    key = "file:secrets/resend"\n' + more)
    return stage.start("mailer")


def done(stage, number=1):
    return stage.wait_job("mailer", f"welcome:mem_{number:04d}", "done")


def test_a_mail_leaves_in_parts_and_as_the_specification_says(stage, sink):
    start(stage, sink)
    stage.publish(welcome(name='Zoë "Ada" 😀'))
    stage.publish(welcome(2, name=""))
    done(stage)
    done(stage, 2)
    mail = next(m for m in sink.mails if "m1@" in m["to"][0])
    assert mail["from"] == '"Club, Inc." <hello@example.com>'
    assert mail["to"] == ['"Zoë \\"Ada\\" 😀" <m1@example.com>']
    assert mail["subject"] == 'Welcome to Club, Inc., Zoë "Ada" 😀!'
    assert "Hello Zoë" in mail["text"] and "<p>Hello Zoë &quot;Ada&quot; 😀" in mail["html"]
    assert mail["headers"] == {"Auto-Submitted": "auto-generated"}
    assert mail["tags"] == [{"name": "usher", "value": mail["key"]}] and len(mail["key"]) == 32
    if SPEC.exists():
        spec = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
        schema = {**spec["components"]["schemas"]["SendEmailRequest"],
                  "components": spec["components"]}
        known = set(schema["properties"])
        for call in sink.calls("POST"):
            jsonschema.validate(call["body"], schema)
            assert set(call["body"]) <= known and len(call["headers"]["Idempotency-Key"]) <= 256


@pytest.mark.parametrize("trouble", [
    [Answer(500, {"name": "application_error"}), Answer(503, b"busy")], [GARBAGE], [LOST],
    [Answer(200, b'{"id":"email')], [Answer(200, [])], [Answer(200, {"name": "error"})],
    [Answer(200, b"x" * (2 << 20))], [Answer(act=True, slow_s=1.0)],
    [Answer(409, {"name": "concurrent_idempotent_requests"})],
    [Answer(500, {}, act=False), LOST, LOST],
], ids=["5xx", "html", "lost", "cut", "type", "error-in-200", "endless", "slow", "concurrent",
        "all"])
def test_one_mail_whatever_is_lost(stage, sink, trouble):
    start(stage, sink)
    sink.script(*trouble, method="POST")
    stage.publish(welcome())
    job = done(stage)
    assert len(sink.mails) == 1 and job["attempt"] == len(trouble) + 1
    bodies = {json.dumps(c["body"]) for c in sink.calls("POST")}
    keys = {c["headers"]["Idempotency-Key"] for c in sink.calls("POST")}
    assert len(bodies) == len(keys) == 1
    assert not stage.news("job.uncertain") and not stage.news("job.dead")


def test_taken_and_answered_with_a_page_is_one_mail(stage, sink):
    start(stage, sink)
    sink.garble = 1
    stage.publish(welcome())
    assert done(stage)["attempt"] == 2 and len(sink.mails) == 1


def test_killed_during_calls_sends_each_once_and_none_is_uncertain(stage, sink):
    process = start(stage, sink)
    stage.publish_many([welcome(n) for n in range(1, 81)])
    for count in [10, 30, 55]:
        stage.kit.wait_until(lambda: len(sink.mails) >= count, 20, f"{count} mails")
        process.kill()
        process = stage.start("mailer")
    stage.wait_all("mailer", 80)
    assert len(sink.mails) == 80 == len({m["key"] for m in sink.mails})
    assert not stage.news("job.uncertain")


def test_the_three_429s(stage, sink):
    start(stage, sink)
    sink.script(limit("rate_limit_exceeded", retry_after=1), method="POST")
    stage.publish(welcome())
    done(stage)
    first, second = sink.calls("POST")
    assert second["time"] - first["time"] >= 0.99 and len(sink.mails) == 1
    for number, (name, words) in enumerate([("daily_quota_exceeded", "daily quota is used up"),
                                            ("monthly_quota_exceeded", "raise the plan")], 2):
        sink.script(limit(name), method="POST")
        stage.publish(welcome(number))
        job = stage.kit.wait_until(
            lambda n=number, w=words: (lambda j: j if j and w in j.get("error", "") else None)(
                stage.job("mailer", f"welcome:mem_{n:04d}")), what=words)
        assert job["state"] == "waiting" and job["attempt"] == 0
        calls = len(sink.calls())
        stage.publish(welcome(number + 10))
        assert stage.ask("mailer", {"ask": "problems"})["problems"][0]["cause"] == "held"
        assert len(sink.calls()) == calls  # no storm: the others wait as well
        stage.admin("admin.paused", {"slot": "mailer", "actor": "mailer", "reason": "plan"})
        stage.admin("admin.resumed", {"slot": "mailer", "actor": "mailer", "reason": "raised"})
        done(stage, number + 10)
        stage.admin("admin.retried", {"actor": "mailer", "key": f"welcome:mem_{number:04d}",
                                      "reason": "raised"})
        done(stage, number)
    assert len(sink.mails) == 5


def test_no_more_than_two_calls_a_second(stage, sink):
    start(stage, sink, "")
    stage.publish_many([welcome(n) for n in range(1, 6)])
    stage.wait_all("mailer", 5)
    times = [call["time"] for call in sink.calls("POST")]
    assert len(times) == 5 and all(b - a >= 0.45 for a, b in zip(times, times[1:]))


def test_an_expired_key_is_one_alarm_also_for_a_key_that_may_only_send(stage, sink):
    sink.key, sink.restricted = "re_new", True
    start(stage, sink)
    stage.publish_many([welcome(n) for n in range(1, 6)])
    stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    assert not sink.mails
    stage.secret("resend", "re_new")
    stage.wait_all("mailer", 5)
    assert len(sink.mails) == 5 and len(stage.news("target.refused")) == 1


def test_what_resend_never_takes_is_dead_with_the_reason(stage, sink):
    start(stage, sink)
    rows = [(Answer(403, {"name": "validation_error"}), "verified"), (REDIRECT, "redirect"),
            (Answer(422, {"name": "invalid_to_address"}), "invalid_to_address"),
            (Answer(409, {"name": "invalid_idempotent_request"}), "other words")]
    for number, (answer, words) in enumerate(rows, 1):
        sink.script(answer, method="POST")
        stage.publish(welcome(number))
        dead = stage.wait_job("mailer", f"welcome:mem_{number:04d}", "dead")
        assert words in dead["error"] and "@" not in dead["error"]
    assert not sink.mails


def test_settings_are_checked(stage):
    stage.config("mailer", "    provider = resend\n")
    code, said = stage.check("mailer")
    assert code == 78 and "mailer/key: expected an API key of Resend" in said
    assert not pathlib.Path(stage.home, "mail").exists()
