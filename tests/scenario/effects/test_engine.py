"""The job engine by itself: order, bulk behind fresh, settings and templates that are refused."""
import pathlib
import time

import pytest
from sinks import Answer
from stage import effect, member


def test_jobs_of_one_member_go_in_order(stage, smtp_sink):
    stage.smtp(smtp_sink)
    smtp_sink.answers = ["451 later", "451 later"]
    stage.publish(member(1, effects=[effect("welcome:mem_0001")]))
    stage.kit.wait_until(lambda: stage.news("job.retrying"), what="the first attempt")
    stage.publish(member(1, 2, effects=[effect("welcome:mem_0001"),
                                        effect("goodbye:sub_1", kind="goodbye")]))
    stage.wait_job("mailer", "goodbye:sub_1", "done")
    assert [m["message"]["Subject"].split()[0] for m in smtp_sink.mails] == ["Welcome", "Goodbye,"]


def test_a_clock_ahead_of_ours_delays_nothing(stage):
    """As after a host was suspended: events carry a time that the engine's own has not reached."""
    stage.config("mailer")
    stage.start("mailer")
    stage.publish(member(1, effects=[effect("welcome:mem_0001"),
                                     effect("card:in_1", kind="card", settle_ms=300)]),
                  time=int(time.time() * 1000) + 3600 * 1000)
    stage.wait_job("mailer", "welcome:mem_0001", "done")
    stage.wait_job("mailer", "card:in_1", "done")


def test_fresh_payments_go_ahead_of_bulk(stage, http_sink):
    http_sink.down = True
    stage.hubspot(http_sink, more="    rate = 200\n    calls = 1\n")
    old = int(time.time() * 1000) - 24 * 3600 * 1000
    stage.publish_many([member(n, last_payment_at=old) for n in range(1, 61)], "member.changed")
    stage.publish_many([member(n) for n in range(61, 66)])
    stage.kit.wait_until(lambda: len(stage.jobs("crm") or []) == 65, what="65 jobs")
    http_sink.down = False
    stage.wait_all("crm", 65)
    order = [c["body"]["properties"]["email"] for c in http_sink.calls("POST")]
    fresh = [order.index(f"m{n}@example.com") for n in range(61, 66)]
    assert max(fresh) < 20, fresh


def test_one_slow_member_does_not_hold_up_the_others(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.script(Answer(act=True, slow_s=0.45), method="POST")
    stage.publish(member(1))
    stage.kit.wait_until(lambda: http_sink.calls("POST"), what="the slow call")
    started = time.monotonic()
    stage.publish(member(2))
    stage.wait_job("crm", "crm:mem_0002", "done")
    assert time.monotonic() - started < 0.4


def test_thousands_are_drained(stage):
    stage.config("crm")
    stage.config("mailer")
    stage.publish_many([member(n, effects=[effect(f"welcome:mem_{n:04d}")])
                        for n in range(1, 2001)])
    for actor in ["crm", "mailer"]:
        stage.start(actor)
    for actor in ["crm", "mailer"]:
        stage.kit.wait_until(lambda a=actor: stage.job(a, "crm:mem_2000" if a == "crm" else
                                                       "welcome:mem_2000") and
                             not stage.jobs(a, state="waiting"), 60, f"{actor} drained")
        assert len(stage.jobs(actor, state="done")) == 2000
    assert len(list(pathlib.Path(stage.home, "mail", "new").iterdir())) == 2000


@pytest.mark.parametrize("actor, text, words", [
    ("crm", "    provider = hubspot\n", "crm/key"),
    ("crm", "    provider = hubspot\n    key = x\n    url = \"http://example.com\"\n", "crm/url"),
    ("crm", "    provider = salesforce\n", "crm/provider"),
    ("crm", "    retry\n        first = soon\n", "crm/retry/first"),
    ("support", "    provider = zendesk\n", "support/url"),
    ("mailer", "    from = nobody\n", "mailer/from"),
    ("mailer", "    provider = smtp\n    url = \"https://example.com\"\n", "mailer/url"),
])
def test_bad_settings_are_refused(stage, actor, text, words):
    stage.config(actor, text, fast=False)
    code, said = stage.check(actor)
    assert code == 78 and words in said, said


def test_a_template_with_a_mistake_is_refused_with_its_line(stage):
    folder = pathlib.Path(stage.home, "templates")
    folder.mkdir()
    (folder / "welcome.txt").write_text("Subject: Hi\n\nHello {{nmae}}\n")
    code, said = stage.check("mailer")
    assert code == 78 and "templates/welcome.txt:3: unknown variable \"nmae\"" in said
    (folder / "welcome.txt").write_text("Subject: Hi\n\nHello {{name}}\n")
    assert stage.check("mailer")[0] == 0


def test_a_founders_template_is_used(stage, smtp_sink):
    folder = pathlib.Path(stage.home, "templates")
    folder.mkdir()
    (folder / "welcome.txt").write_text("Subject: Servus {{name|du}}\n\nGrüß dich, {{name}}!\n")
    stage.smtp(smtp_sink)
    stage.publish(member(1, name="Zoë", effects=[effect("welcome:mem_0001")]))
    stage.wait_job("mailer", "welcome:mem_0001", "done")
    message = smtp_sink.mails[0]["message"]
    assert message.get_content_type() == "text/plain"
    assert message.get_payload(decode=True).decode() == "Grüß dich, Zoë!\n".replace("\n", "\r\n")


def test_a_secret_never_shows(stage, http_sink):
    http_sink.key = "other"
    process = stage.hubspot(http_sink, key="canary-secret-4711")
    stage.publish(member(1))
    stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    everything = process.log() + str(stage.tools.read_all()) + str(stage.jobs("crm"))
    assert "canary-secret" not in everything
