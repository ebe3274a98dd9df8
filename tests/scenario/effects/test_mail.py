"""The mailer against a mail server that misbehaves: each mail once, and the one window shown."""
import email
import email.policy
import time

from sinks import SmtpSink
from stage import effect, member
from usher_client import event


def mail_member(number=1, **more):
    return member(number, effects=[effect(f"welcome:mem_{number:04d}")], **more)


def test_sent_once_as_plain_text_and_html(stage, smtp_sink):
    stage.smtp(smtp_sink)
    stage.publish(mail_member(name="Ada Lovelace"))
    stage.wait_job("mailer", "welcome:mem_0001", "done")
    (mail,) = smtp_sink.mails
    assert mail["to"] == ["m1@example.com"] and mail["from"] == "hello@example.com"
    message = mail["message"]
    assert message["Subject"] == "Welcome to Community, Ada Lovelace!"
    assert message["From"].replace("\r\n", "") == '"Community" <hello@example.com>'
    assert [p.get_content_type() for p in message.get_payload()] == ["text/plain", "text/html"]
    assert mail["id"].endswith("@example.com>")


def test_starttls_and_login(stage, tmp_path):
    with SmtpSink(tls=True, login=("usher", "secret"), folder=tmp_path) as sink:
        stage.secret("smtp", "secret")
        stage.smtp(sink, f'    user = "usher"\n    key = "file:secrets/smtp"\n'
                         f'    tls = required\n    ca = "{sink.ca}"\n')
        stage.publish(mail_member())
        stage.wait_job("mailer", "welcome:mem_0001", "done")
        assert len(sink.mails) == 1


def test_no_starttls_no_mail(stage, smtp_sink):
    stage.smtp(smtp_sink, "    tls = required\n")
    stage.publish(mail_member())
    stage.kit.wait_until(lambda: stage.news("job.retrying"), what="an attempt")
    assert not smtp_sink.mails


def test_refused_login_is_one_alarm(stage, tmp_path):
    with SmtpSink(tls=True, login=("usher", "new"), folder=tmp_path) as sink:
        stage.secret("smtp", "old")
        stage.smtp(sink, f'    user = "usher"\n    key = "file:secrets/smtp"\n'
                         f'    tls = required\n    ca = "{sink.ca}"\n')
        for number in range(1, 6):
            stage.publish(mail_member(number))
        stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
        assert not sink.mails
        stage.secret("smtp", "new")
        stage.wait_all("mailer", 5)
        assert len(sink.mails) == 5 and len(stage.news("target.refused")) == 1
        assert not stage.news("job.dead")


def test_4xx_is_tried_again_with_the_same_id_and_5xx_is_not(stage, smtp_sink):
    stage.smtp(smtp_sink)
    smtp_sink.answers = ["451 later", "451 later"]
    stage.publish(mail_member())
    job = stage.wait_job("mailer", "welcome:mem_0001", "done")
    assert job["attempt"] == 3 and len(smtp_sink.mails) == 1
    smtp_sink.rcpt_answers = ["550 no such user"]
    stage.publish(mail_member(2))
    dead = stage.wait_job("mailer", "welcome:mem_0002", "dead")
    assert "550" in dead["error"] and "m2@" not in dead["error"]


def test_lost_behind_the_dot_is_uncertain_and_not_sent_again(stage, smtp_sink):
    stage.smtp(smtp_sink)
    smtp_sink.drop_after_dot = 1
    stage.publish(mail_member())
    stage.wait_job("mailer", "welcome:mem_0001", "uncertain")
    stage.publish(mail_member(2))
    stage.wait_job("mailer", "welcome:mem_0002", "done")
    assert len(smtp_sink.mails) == 2 and len(stage.news("job.uncertain")) == 1
    # a person decides; the repeat carries the same Message-ID
    stage.admin("admin.retried", {"actor": "mailer", "key": "welcome:mem_0001", "reason": "ask"})
    stage.wait_job("mailer", "welcome:mem_0001", "done")
    ids = smtp_sink.ids()
    assert len(ids) == 3 and ids[0] == ids[2]


def test_killed_under_load_repeats_only_what_is_uncertain(stage, smtp_sink):
    process = stage.smtp(smtp_sink)
    stage.publish_many([mail_member(n) for n in range(1, 201)])
    for done in [10, 60, 120]:
        stage.kit.wait_until(lambda: len(smtp_sink.mails) >= done, 20, f"{done} mails")
        process.kill()
        process = stage.start("mailer")
    stage.kit.wait_until(lambda: len(stage.jobs("mailer", state="done") or []) +
                         len(stage.jobs("mailer", state="uncertain") or []) == 200, 30, "all ended")
    ids = smtp_sink.ids()
    assert len(ids) == len(set(ids)), "a mail was sent twice"
    done = {j["key"] for j in stage.jobs("mailer", state="done")}
    uncertain = {j["key"] for j in stage.jobs("mailer", state="uncertain")}
    assert len(uncertain) <= 3 * 8
    assert len(done) + len(uncertain) == 200 and len(set(ids)) >= len(done)


def test_settles_and_is_superseded_when_it_no_longer_holds(stage, smtp_sink):
    stage.smtp(smtp_sink)
    card = effect("card:in_1", kind="card", settle_ms=1500)
    stage.publish(member(1, state="paused", access=False, effects=[card]), "member.paused")
    stage.publish(member(2, state="paused", access=False,
                         effects=[{**card, "key": "card:in_2"}]), "member.paused")
    stage.wait_job("mailer", "card:in_1", "settling")
    stage.publish(member(1, 2, effects=[]), "member.activated")
    stage.wait_job("mailer", "card:in_1", "superseded")
    stage.wait_job("mailer", "card:in_2", "done")
    assert [m["to"] for m in smtp_sink.mails] == [["m2@example.com"]]
    assert len(stage.news("job.superseded")) == 1
    # the invoice failed once more: a superseded key may come back
    stage.publish(member(1, 3, state="paused", effects=[{**card, "settle_ms": 0}]), "member.paused")
    stage.wait_job("mailer", "card:in_1", "done")


def test_old_cause_sends_nothing(stage, smtp_sink):
    stage.smtp(smtp_sink)
    old = int(time.time() * 1000) - 73 * 3600 * 1000
    stage.publish(member(1, effects=[effect("welcome:mem_0001", at=old)]))
    skipped = stage.wait_job("mailer", "welcome:mem_0001", "skipped")
    assert skipped["error"] == "too old" and not smtp_sink.mails
    assert len(stage.news("job.skipped")) == 1


def test_a_key_holds_for_all_aliases(stage, smtp_sink):
    stage.smtp(smtp_sink)
    stage.publish(mail_member(2))
    stage.wait_job("mailer", "welcome:mem_0002", "done")
    stage.publish(member(1, 3, aliases=["mem_0001", "mem_0002"], merged=["mem_0002"],
                         effects=[effect("welcome:mem_0001")]), "member.changed")
    stage.publish(mail_member(3))
    stage.wait_job("mailer", "welcome:mem_0003", "done")
    assert [m["to"][0] for m in smtp_sink.mails] == ["m2@example.com", "m3@example.com"]


def test_skipped_by_a_person(stage, smtp_sink):
    stage.smtp(smtp_sink)
    stage.publish(member(1, effects=[effect("card:in_1", kind="card", settle_ms=60000)]))
    stage.wait_job("mailer", "card:in_1", "settling")
    ada = stage.person("ada")
    ada.publish([event("tools:skip", "admin.skipped", {"actor": "mailer", "key": "card:in_1",
                                                       "reason": "called her"})])
    skipped = stage.wait_job("mailer", "card:in_1", "skipped")
    assert skipped["error"] == "called her" and skipped["who"] == "ada"
    told = stage.kit.wait_until(lambda: stage.news("job.skipped"), what="job.skipped")
    assert told[0]["data"]["who"] == "ada"
    assert not smtp_sink.mails


def test_hostile_names_stay_names(stage, smtp_sink):
    stage.smtp(smtp_sink)
    stage.publish(mail_member(name="Eve\r\nBcc: victim@example.com\r\n\r\nhello"))
    stage.wait_job("mailer", "welcome:mem_0001", "done")
    (mail,) = smtp_sink.mails
    assert mail["message"]["Bcc"] is None and mail["to"] == ["m1@example.com"]
    stage.publish(mail_member(2, email="m2@example.com\r\nRCPT TO:<victim@example.com>"))
    stage.wait_job("mailer", "welcome:mem_0002", "dead")
    assert len(smtp_sink.mails) == 1


LEFT_OUT = ["Eve\r\nBcc: victim@example.com\r\n\r\nhello", "Eve\nX-Evil: 1", "a" * 10240,
            "turn \u202emoc.live", "next\u0085line"]
KEPT = ['Ada "the Countess" \\ King', "<script>alert(1)</script>", "Zoë 😀", "שלום עולם",
        "=?UTF-8?B?QmNjOg==?=", "a@b.c, d@e.f", "{{email}}"]
# a name -> what stands for it
HOSTILE = {**{name: "" for name in LEFT_OUT}, **{name: name for name in KEPT}, "Eve\0Bcc: x": "Eve"}


def test_whatever_a_name_is_the_mail_goes_and_is_one_mail(stage, smtp_sink):
    stage.smtp(smtp_sink)
    stage.publish(mail_member(100, name="Ada"))
    for number, name in enumerate(HOSTILE, 1):
        stage.publish(mail_member(number, name=name))
    stage.wait_all("mailer", len(HOSTILE) + 1)
    mails = {mail["to"][0]: mail for mail in smtp_sink.mails}
    assert len(mails) == len(smtp_sink.mails) == len(HOSTILE) + 1
    usual = mails.pop("m100@example.com")["message"].keys()
    for number, shown in enumerate(HOSTILE.values(), 1):
        mail = mails[f"m{number}@example.com"]
        message = email.message_from_bytes(mail["text"], policy=email.policy.default)
        assert message.keys() == usual and mail["to"] == [f"m{number}@example.com"]
        (to,) = message["To"].addresses
        assert to.addr_spec == f"m{number}@example.com" and to.display_name == shown
        assert message["Subject"] == f"Welcome to Community, {shown or 'friend'}!"
        assert "<script" not in message.get_body(("html",)).get_content()


def test_an_address_that_no_mail_can_go_to_is_dead_with_the_reason(stage, smtp_sink):
    stage.smtp(smtp_sink)
    bad = ["m@example.com\r\nRCPT TO:<victim@example.com>", "m@example.com\nBcc: x", '"m m"@x.org',
           "m" * 10240 + "@example.com", "m@\u202eexample.com", "😀@example.com",
           "m@example.com,v@x", "<m@example.com>", "m", "@", "m@-x"]
    for number, address in enumerate(bad, 1):
        stage.publish(mail_member(number, email=address))
    for number in range(1, len(bad) + 1):
        dead = stage.wait_job("mailer", f"welcome:mem_{number:04d}", "dead")
        assert "not one that mail can be sent to" in dead["error"]
    assert not smtp_sink.mails


def test_crm_down_while_mail_goes_out(stage, http_sink, smtp_sink):
    http_sink.down = True
    stage.hubspot(http_sink)
    stage.smtp(smtp_sink)
    stage.publish_many([mail_member(n) for n in range(1, 11)])
    stage.wait_all("mailer", 10)
    assert len(smtp_sink.mails) == 10 and not http_sink.contacts
    http_sink.down = False
    stage.wait_all("crm", 10)
    assert len(http_sink.contacts) == 10
    assert {m["id"] for m in smtp_sink.mails} == set(smtp_sink.ids())
