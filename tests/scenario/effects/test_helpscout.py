"""The support actor against a Help Scout that misbehaves: one login for all, one note per key."""
import pytest
from sink_helpscout import MAILBOX, HelpScoutSink
from sinks import GARBAGE, LOST, Answer
from stage import effect, member


@pytest.fixture
def desk():
    with HelpScoutSink() as sink:
        yield sink


def helpscout(stage, sink, secret="s & cret"):
    stage.secret("helpscout", secret)
    stage.config("support", f'    provider = helpscout\n    url = "{sink.url}"\n'
                            f'    app = "app-1"\n    mailbox = {MAILBOX}\n    lag = "200ms"\n'
                            '    key = "file:secrets/helpscout"\n    rate = 1000\n')
    return stage.start("support")


def note_member(key, number=1, **more):
    note = effect(key, "support", key.split(":")[0],
                  **{k: more.pop(k) for k in ("urgent", "data") if k in more})
    return member(number, effects=[note], **more)


def refund(stage, number=1, **more):
    key = f"refund:ch_{number}"
    stage.publish(note_member(key, number, **more))
    return key


# --- where a note goes


def test_refund_opens_a_conversation_with_an_internal_note(stage, desk):
    desk.add_conversation("m1@example.com", status="closed")
    helpscout(stage, desk)
    key = refund(stage, name="<b>Ada</b> Lovelace King & co", urgent=True,
                 data={"amount": 2900, "currency": "usd"})
    stage.wait_job("support", key, "done")
    ((number, note),) = desk.notes(key)
    made = desk.conversations[number]
    assert len(desk.conversations) == 2 and note["type"] == "note"
    assert note["body"].startswith("Urgent! A payment was refunded: 29.00 USD.<br>")
    assert "&lt;b&gt;Ada&lt;/b&gt; Lovelace King &amp; co" in note["body"]
    assert '<a href="http://127.0.0.1:8081/members/mem_0001">' in note["body"]
    assert made["tags"] == ["usher", "member_active"]
    assert made["customer"] == {"email": "m1@example.com", "firstName": "<b>Ada</b>",
                                "lastName": "Lovelace King & co"}
    assert stage.news("job.done", "support")[-1]["data"]["learned"]["ticket"] == str(number)


def test_a_refund_goes_to_the_open_conversation_and_keeps_its_tags(stage, desk):
    desk.add_conversation("m1@example.com", status="closed")
    mine = desk.add_conversation("M1@example.com", status="pending",
                                 tags=["vip", "member_inactive"])
    desk.add_conversation("m2@example.com")
    helpscout(stage, desk)
    key = refund(stage)
    stage.wait_job("support", key, "done")
    assert [number for number, _ in desk.notes(key)] == [mine]
    assert desk.conversations[mine]["tags"] == ["vip", "usher", "member_active"]
    assert len(desk.conversations) == 3


def test_a_named_conversation_its_merged_one_and_none(stage, desk):
    other = desk.add_conversation("m1@example.com", tags=["usher", "member_active"])
    merged = desk.add_conversation("m1@example.com", merged=other)
    full = desk.add_conversation("m3@example.com")
    for _ in range(100):
        desk.say(full, "hello")
    helpscout(stage, desk)
    stage.publish(note_member(f"ticket:helpscout:{merged}"))
    stage.publish(note_member("ticket:helpscout:999999", 2))
    stage.publish(note_member(f"ticket:helpscout:{full}", 3))
    stage.wait_job("support", f"ticket:helpscout:{merged}", "done")
    assert [n for n, _ in desk.notes(f"ticket:helpscout:{merged}")] == [other]
    assert not desk.calls("PUT")  # it had the tags
    assert "no conversation" in stage.wait_job("support", "ticket:helpscout:999999",
                                               "dead")["error"]
    assert "100" in stage.wait_job("support", f"ticket:helpscout:{full}", "dead")["error"]
    stage.publish(note_member("refund:ch_4", 4, email=""))
    assert "no address" in stage.wait_job("support", "refund:ch_4", "dead")["error"]
    key = refund(stage, 3)  # an open one that takes no more: another is made
    stage.wait_job("support", key, "done")
    assert desk.notes(key)[0][0] not in (full, other, merged)


# --- once


def test_lost_answers_make_no_second_note_or_conversation(stage, desk):
    number = desk.add_conversation("m1@example.com")
    helpscout(stage, desk)
    desk.script(LOST, method="POST", path=f"/{number}/notes")
    desk.script(LOST, method="POST", path="/v2/conversations")
    for _ in range(30):
        desk.say(number, "[usher:refund:ch_1] typed by a customer")
    stage.publish(note_member(f"ticket:helpscout:{number}"))
    key = refund(stage, 2)
    stage.wait_job("support", f"ticket:helpscout:{number}", "done")
    stage.wait_job("support", key, "done")
    assert not desk.scripts_left()
    assert len(desk.notes(f"ticket:helpscout:{number}")) == 1
    assert len(desk.notes(key)) == 1
    assert len(desk.conversations) == 2


def test_a_list_that_is_behind_makes_no_second_conversation(stage, desk):
    helpscout(stage, desk)
    desk.script(LOST, method="POST", path="/v2/conversations")
    desk.blind = 2  # the first, which finds nothing open, and the first after the loss
    key = refund(stage)
    stage.wait_job("support", key, "done")
    assert desk.blind == 0
    assert len(desk.notes(key)) == 1 and len(desk.conversations) == 1


@pytest.mark.parametrize("trouble", [
    [Answer(503), Answer(500, body=b"oops")],
    [Answer(429, headers={"X-RateLimit-Retry-After": "1"})],
    [GARBAGE], [LOST], [Answer(act=True, slow_s=0.8)], [Answer(201, body=b"x" * (2 << 20))],
    [Answer(200, {"error": "internal"})], [Answer(200, [7])], [Answer(200, body=b'{"id":')],
], ids=["5xx", "429", "html", "lost", "slow", "endless", "error-in-200", "type", "cut"])
def test_one_note_whatever_is_answered(stage, desk, trouble):
    number = desk.add_conversation("m1@example.com")
    helpscout(stage, desk)
    for member_number, path in [(1, f"/{number}/notes"), (2, "/v2/conversations")]:
        desk.script(*trouble, method="POST", path=path)
        key = refund(stage, member_number)
        stage.wait_job("support", key, "done")
        assert not desk.scripts_left()
        assert len(desk.notes(key)) == 1
    assert len(desk.conversations) == 2


def test_trouble_while_reading_writes_nothing_twice(stage, desk):
    number = desk.add_conversation("m1@example.com")
    helpscout(stage, desk)
    desk.script(LOST, method="POST", path=f"/{number}/notes")
    desk.script(GARBAGE, Answer(200, {"error": "internal"}), method="GET", path="/threads")
    key = refund(stage)
    stage.wait_job("support", key, "done")
    assert not desk.scripts_left()
    assert len(desk.notes(key)) == 1


def test_a_desk_that_is_down_gets_all_when_it_is_back(stage, desk):
    desk.down = True
    helpscout(stage, desk)
    stage.publish_many([note_member(f"refund:ch_{n}", n) for n in range(1, 4)])
    stage.kit.wait_until(lambda: len(stage.news("job.retrying")) >= 3, what="attempts")
    desk.down = False
    stage.wait_all("support", 3)
    assert len(desk.conversations) == 3 and not stage.news("target.refused")


def test_killed_during_calls_writes_each_note_once(stage, desk):
    for number in range(1, 31):
        desk.add_conversation(f"m{number}@example.com")
    process = helpscout(stage, desk)
    stage.publish_many([note_member(f"refund:ch_{n}", n) for n in range(1, 61)])

    def written():
        return sum(bool(desk.notes(f"refund:ch_{n}")) for n in range(1, 61))

    for done in [5, 15, 30]:
        stage.kit.wait_until(lambda: written() >= done, 20, f"{done} notes")
        process.kill()
        for number in range(1, 31):
            desk.add_conversation(f"m{number}@example.com")
        process = stage.start("support")
    stage.wait_all("support", 60)
    assert all(len(desk.notes(f"refund:ch_{n}")) == 1 for n in range(1, 61))


# --- the login


def test_one_login_serves_many_and_its_token_is_renewed_once_refused(stage, desk):
    process = helpscout(stage, desk, secret="canary-4711")
    desk.script(Answer(act=True, slow_s=0.3), path="/oauth2/token")
    stage.publish_many([note_member(f"refund:ch_{n}", n) for n in range(1, 7)])
    stage.wait_all("support", 6)
    assert desk.logins == 1
    desk.revoke()
    key = refund(stage, 7)
    stage.wait_job("support", key, "done")
    assert desk.logins == 2
    assert not stage.news("target.refused") and not stage.news("job.retrying")
    everything = process.log() + str(stage.tools.read_all()) + str(stage.jobs("support"))
    assert "canary" not in everything and "token-1" not in everything


def test_a_short_token_is_renewed_before_it_ends(stage, desk):
    desk.lifetime_s = 1
    helpscout(stage, desk)
    stage.wait_job("support", refund(stage, 1), "done")
    first = desk.calls("POST", "/oauth2/token")[0]["time"]

    def renewed():
        number = 1 + len(stage.jobs("support"))
        stage.wait_job("support", refund(stage, number), "done")
        return desk.logins > 1

    stage.kit.wait_until(renewed, 15, "another login")
    assert not [c for c in desk.log if c["status"] == 401]
    assert desk.calls("POST", "/oauth2/token")[1]["time"] - first >= 0.9


def test_a_refused_login_pauses_the_desk_with_one_alert_and_loses_nothing(stage, desk):
    desk.secret = "right"
    helpscout(stage, desk, secret="wrong")
    stage.publish_many([note_member(f"refund:ch_{n}", n) for n in range(1, 6)])
    (refused,) = stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    assert "login" in refused["data"]["error"]
    probed = desk.logins
    stage.kit.wait_until(lambda: desk.logins > probed, what="a probe, which is a login")
    assert not desk.calls("", "/v2/conversations")
    stage.secret("helpscout", "right")
    stage.wait_all("support", 5)
    assert len(desk.conversations) == 5
    assert len(stage.news("target.refused")) == 1 and len(stage.news("target.accepted")) == 1
    assert not [job for job in stage.jobs("support") if job["attempt"] > 1]


def test_a_login_in_trouble_is_tried_again(stage, desk):
    helpscout(stage, desk)
    desk.script(Answer(500), GARBAGE, Answer(200, {"access_token": "bad token"}),
                path="/oauth2/token")
    key = refund(stage)
    stage.wait_job("support", key, "done")
    assert not desk.scripts_left() and not stage.news("target.refused")
    assert len(desk.notes(key)) == 1


def test_a_user_without_rights_pauses_the_desk(stage, desk):
    desk.rights = False
    helpscout(stage, desk)
    stage.publish(note_member("refund:ch_1"))
    stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    probed = desk.logins
    stage.kit.wait_until(lambda: desk.logins > probed + 1, what="probes")
    assert not stage.news("target.accepted")  # a login alone says too little
    desk.rights = True
    stage.wait_job("support", "refund:ch_1", "done")
    assert len(stage.news("target.refused")) == 1


@pytest.mark.parametrize("text, words", [
    ("", "support/app"), ("    app = x\n", "support/key"),
    ("    app = x\n    key = y\n", "support/mailbox"),
    ("    app = x\n    key = y\n    mailbox = z\n", "support/mailbox"),
])
def test_settings_are_checked(stage, text, words):
    stage.config("support", "    provider = helpscout\n" + text, fast=False)
    code, said = stage.check("support")
    assert code == 78 and words in said
