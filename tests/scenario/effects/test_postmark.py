"""The mailer against a Postmark that misbehaves: it has no idempotency key, and gets one mail."""
import pytest

from sink_postmark import PostmarkSink
from sinks import GARBAGE, LOST, REDIRECT, Answer
from stage import effect, member


@pytest.fixture
def sink():
    with PostmarkSink() as one:
        yield one


def welcome(number=1, **more):
    return member(number, effects=[effect(f"welcome:mem_{number:04d}")], **more)


def start(stage, sink, more="    stream = club\n", key="pm-1"):
    stage.secret("postmark", key)
    stage.config("mailer", f'    provider = postmark\n    url = "{sink.url}"\n'
                           '    from = "Club, Inc. <hello@example.com>"\n'
                           '    look_after = "150ms"\n    key = "file:secrets/postmark"\n' + more)
    return stage.start("mailer")


def done(stage, number=1):
    return stage.wait_job("mailer", f"welcome:mem_{number:04d}", "done")


def test_a_mail_leaves_in_parts(stage, sink):
    start(stage, sink)
    stage.publish(welcome(name='Zoë "Ada" 😀'))
    done(stage)
    (mail,) = sink.mails
    assert mail["From"] == '"Club, Inc." <hello@example.com>' and mail["MessageStream"] == "club"
    assert mail["To"] == '"Zoë \\"Ada\\" 😀" <m1@example.com>'
    assert mail["Subject"] == 'Welcome to Club, Inc., Zoë "Ada" 😀!'
    assert "Hello Zoë" in mail["TextBody"] and "<p>Hello Zoë" in mail["HtmlBody"]
    assert mail["Headers"] == [{"Name": "Auto-Submitted", "Value": "auto-generated"}]
    assert [c["method"] for c in sink.log] == ["POST"]
    assert sink.log[0]["headers"]["X-Postmark-Server-Token"] == "pm-1"


@pytest.mark.parametrize("trouble", [
    [Answer(500, {})], [Answer(503, b"busy", retry_after=0)], [GARBAGE], [LOST],
    [Answer(200, b'{"ErrorCode"')], [Answer(200, [])], [Answer(200, b"x" * (2 << 20))],
    [Answer(act=True, slow_s=1.0)],
], ids=["5xx", "busy", "html", "lost", "cut", "type", "endless", "slow"])
@pytest.mark.parametrize("lag", [0, 1])
def test_one_mail_whatever_is_lost(stage, sink, trouble, lag):
    start(stage, sink)
    sink.lag = lag
    sink.script(*trouble, method="POST")
    stage.publish(welcome())
    done(stage)
    assert len(sink.mails) == 1
    assert sink.calls("GET", "/messages/outbound"), "no look before the repeat"
    assert not stage.news("job.uncertain") and not stage.news("job.dead")


def test_what_was_surely_refused_needs_no_look(stage, sink):
    start(stage, sink)
    sink.script(Answer(429, {}, retry_after=1), Answer(422, {"ErrorCode": 100}), method="POST")
    stage.publish(welcome())
    done(stage)
    assert [c["method"] for c in sink.log] == ["POST"] * 3 and len(sink.mails) == 1


def test_a_look_that_fails_is_made_again(stage, sink):
    start(stage, sink)
    sink.script(LOST, method="POST")
    sink.script(Answer(500), GARBAGE, LOST, method="GET")
    stage.publish(welcome())
    done(stage)
    assert len(sink.mails) == 1 and len(sink.calls("POST")) == 1


def test_taken_and_answered_with_a_page_is_one_mail(stage, sink):
    start(stage, sink)
    sink.garble = 1
    stage.publish(welcome())
    assert done(stage)["attempt"] == 2 and len(sink.mails) == 1


def test_killed_during_calls_sends_each_once(stage, sink):
    process = start(stage, sink)
    stage.publish_many([welcome(n) for n in range(1, 41)])
    for count in [5, 20]:
        stage.kit.wait_until(lambda: len(sink.mails) >= count, 20, f"{count} mails")
        process.kill()
        process = stage.start("mailer")
    stage.wait_all("mailer", 40)
    assert len(sink.mails) == 40 == len({m["Metadata"]["usher"] for m in sink.mails})
    assert not stage.news("job.uncertain")


def test_an_expired_key_is_one_alarm(stage, sink):
    sink.key = "pm-new"
    start(stage, sink)
    stage.publish_many([welcome(n) for n in range(1, 6)])
    stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    assert not sink.mails
    stage.secret("postmark", "pm-new")
    stage.wait_all("mailer", 5)
    assert len(sink.mails) == 5 and len(stage.news("target.refused")) == 1


def test_credits_used_up_hold_all(stage, sink):
    start(stage, sink)
    sink.script(Answer(422, {"ErrorCode": 405}), method="POST")
    stage.publish(welcome())
    job = stage.kit.wait_until(
        lambda: (lambda j: j if j and "credits" in j.get("error", "") else None)(
            stage.job("mailer", "welcome:mem_0001")), what="held")
    assert job["state"] == "waiting" and job["attempt"] == 0
    stage.publish(welcome(2))
    assert stage.ask("mailer", {"ask": "problems"})["problems"][0]["cause"] == "held"
    assert len(sink.calls()) == 1


def test_what_postmark_never_takes_is_dead_with_the_reason(stage, sink):
    start(stage, sink)
    sink.inactive = {"m1@example.com"}
    stage.publish(welcome())
    assert "inactive" in stage.wait_job("mailer", "welcome:mem_0001", "dead")["error"]
    rows = [(Answer(200, {"ErrorCode": 406}), "inactive"), (REDIRECT, "redirect"),
            (Answer(422, {"ErrorCode": 400}), "confirm mailer/from"),
            (Answer(422, {"ErrorCode": 300, "Message": "m9@example.com"}), "invalid")]
    for number, (answer, words) in enumerate(rows, 2):
        sink.script(answer, method="POST")
        stage.publish(welcome(number))
        dead = stage.wait_job("mailer", f"welcome:mem_{number:04d}", "dead")
        assert words in dead["error"] and "@" not in dead["error"]
    assert not sink.mails


def test_settings_are_checked(stage, sink):
    stage.config("mailer", "    provider = postmark\n")
    code, said = stage.check("mailer")
    assert code == 78 and "mailer/key: expected a server API token" in said
    start(stage, sink, "    stream = nosuch\n")
    stage.publish(welcome())
    assert "mailer/stream" in stage.wait_job("mailer", "welcome:mem_0001", "dead")["error"]
