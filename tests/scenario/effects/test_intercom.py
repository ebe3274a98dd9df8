"""The support actor against an Intercom that misbehaves: one internal note per key, and every
request as Intercom's own description wants it."""
import time
import urllib.parse

import pytest
from openapi_spec import Spec
from sink_intercom import ADMIN, TICKET_TYPE, IntercomSink, refusal
from sinks import GARBAGE, LOST, Answer
from stage import effect, member

import kit

SPEC = kit.ROOT.parent / "shared" / "specs" / "intercom" / "api.intercom.io-2.15.yaml"


@pytest.fixture
def desk():
    with IntercomSink() as sink:
        yield sink
    if SPEC.exists():
        judge(Spec(SPEC), sink)


def judge(spec, sink):
    """What usher sent; and what the stand-in said, lest it be unlike Intercom."""
    assert sink.log
    for call in sink.log:
        path = urllib.parse.urlsplit(call["path"]).path
        spec.judge(call["method"], path, call["body"])
    for method, path, status, body in sink.answers:
        if status == 200:
            spec.judge(method, path, body, status)


def intercom(stage, sink):
    stage.secret("intercom", "dG9rOjEyMw==")
    stage.config("support", f'    provider = intercom\n    url = "{sink.url}"\n'
                            f'    admin = "{ADMIN}"\n    ticket_type = "{TICKET_TYPE}"\n'
                            '    lag = "200ms"\n    rate = 1000\n'
                            '    key = "file:secrets/intercom"\n')
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


def test_a_refund_goes_to_the_newest_open_conversation(stage, desk):
    desk.add_conversation("m1@example.com", state="closed", updated_at=10**10)
    mine = desk.add_conversation("M1@example.com", state="snoozed", updated_at=9 * 10**9,
                                 tags=["vip", "member_inactive", "usher"])
    desk.add_conversation("m1@example.com", updated_at=10**9)
    desk.add_conversation("m2@example.com")
    intercom(stage, desk)
    key = refund(stage, name="<b>Ada</b> & co", urgent=True,
                 data={"amount": 2900, "currency": "usd"})
    stage.wait_job("support", key, "done")
    ((number, text),) = desk.notes(key)
    assert number == mine
    assert text.startswith("Urgent! A payment was refunded: 29.00 USD.<br>")
    assert "&lt;b&gt;Ada&lt;/b&gt; &amp; co" in text
    assert '<a href="http://127.0.0.1:8081/members/mem_0001">' in text
    assert desk.tags_of(mine) == ["vip", "usher", "member_active"]
    assert not desk.tickets
    assert stage.news("job.done", "support")[-1]["data"]["learned"]["ticket"] == mine


def test_without_one_a_ticket_that_the_member_does_not_see(stage, desk):
    desk.add_contact("m1@example.com")
    desk.add_conversation("m2@example.com", state="closed")
    intercom(stage, desk)
    for number in [1, 2, 3]:  # a contact, one with a closed conversation, a stranger
        stage.wait_job("support", refund(stage, number), "done")
    assert len(desk.tickets) == 3 and len(desk.contacts_by_id) == 3
    for ticket in desk.tickets.values():
        assert ticket["names"] == ["usher", "member_active"]
        assert ticket["ticket_attributes"]["_default_title_"] == "A payment was refunded"
    assert not desk.calls("POST", "/reply")
    stage.publish(note_member("dispute:dp_1", 1, data={"why": "fraudulent"}))
    stage.wait_job("support", "dispute:dp_1", "done")  # the ticket is open: it goes there
    assert len(desk.tickets) == 3
    assert desk.notes("dispute:dp_1")[0][0] == desk.notes("refund:ch_1")[0][0]


def test_the_founders_own_id_finds_a_contact_with_another_address(stage, desk):
    desk.add_contact("ada@elsewhere.example", external_id="u7")
    mine = desk.add_conversation("ada@elsewhere.example")
    intercom(stage, desk)
    key = refund(stage, app_user="u7")
    stage.wait_job("support", key, "done")
    assert desk.notes(key)[0][0] == mine and len(desk.contacts_by_id) == 1


def test_a_named_conversation_a_named_ticket_and_none(stage, desk):
    closed = desk.add_conversation("m1@example.com", state="closed")
    ticket = desk.add_ticket("m2@example.com", category="Customer",
                             ticket_attributes={"_default_description_":
                                                "[usher:ticket:intercom:1] typed by a member"})
    intercom(stage, desk)
    for number, name in enumerate([closed, ticket, "999999"], 1):
        stage.publish(note_member(f"ticket:intercom:{name}", number))
    stage.wait_job("support", f"ticket:intercom:{closed}", "done")
    stage.wait_job("support", f"ticket:intercom:{ticket}", "done")
    assert [n for n, _ in desk.notes(f"ticket:intercom:{closed}")] == [closed]
    assert [n for n, _ in desk.notes(f"ticket:intercom:{ticket}")] == [ticket]
    assert "404" in stage.wait_job("support", "ticket:intercom:999999", "dead")["error"]


def test_a_contact_that_the_search_does_not_show_yet(stage, desk):
    mine = desk.add_conversation("m1@example.com")
    intercom(stage, desk)
    desk.blind = 1
    key = refund(stage)
    stage.wait_job("support", key, "done")
    assert desk.notes(key)[0][0] == mine and len(desk.contacts_by_id) == 1


# --- once


ACT = Answer(act=True)


def test_lost_answers_make_no_second_note_or_ticket(stage, desk):
    number = desk.add_conversation("m1@example.com")
    intercom(stage, desk)
    desk.script(LOST, method="POST", path=f"/{number}/reply")
    desk.script(LOST, method="POST", path="/tags")
    stage.publish(note_member(f"ticket:intercom:{number}"))
    stage.wait_job("support", f"ticket:intercom:{number}", "done")
    assert len(desk.notes(f"ticket:intercom:{number}")) == 1
    assert not desk.scripts_left()
    desk.script(ACT, LOST, method="POST", path="/contacts")  # a search, then a new one
    desk.script(ACT, LOST, method="POST", path="/tickets")
    key = refund(stage, 2)
    stage.wait_job("support", key, "done")
    assert not desk.scripts_left()
    assert len(desk.notes(key)) == 1 and len(desk.tickets) == 1
    assert len(desk.contacts_by_id) == 2


def test_a_search_that_is_behind_makes_no_second_ticket(stage, desk):
    desk.add_contact("m1@example.com")
    intercom(stage, desk)
    nothing = Answer(200, {"type": "ticket.list", "tickets": []})
    desk.script(ACT, LOST, nothing, method="POST", path="/tickets")
    key = refund(stage)
    stage.wait_job("support", key, "done")
    assert not desk.scripts_left()
    assert len(desk.notes(key)) == 1 and len(desk.tickets) == 1


def test_killed_during_calls_writes_each_note_once(stage, desk):
    for number in range(1, 31):
        desk.add_conversation(f"m{number}@example.com")
    process = intercom(stage, desk)
    stage.publish_many([note_member(f"refund:ch_{n}", n) for n in range(1, 61)])

    def written():
        return sum(bool(desk.notes(f"refund:ch_{n}")) for n in range(1, 61))

    for done in [5, 15, 30]:
        stage.kit.wait_until(lambda: written() >= done, 20, f"{done} notes")
        process.kill()
        for number in range(1, 31):
            desk.add_conversation(f"m{number}@example.com", updated_at=10**10)
        process = stage.start("support")
    stage.wait_all("support", 60)
    assert all(len(desk.notes(f"refund:ch_{n}")) == 1 for n in range(1, 61))


# --- trouble


@pytest.mark.parametrize("trouble", [
    [Answer(503), Answer(500, body=b"oops")], [GARBAGE], [LOST], [Answer(act=True, slow_s=0.8)],
    [Answer(200, body=b"x" * (2 << 20))], [refusal(200, "server_error", "x")],
    [Answer(200, [7])], [Answer(200, body=b'{"id":')], [refusal(409, "conflict", "x")],
], ids=["5xx", "html", "lost", "slow", "endless", "error-in-200", "type", "cut", "409"])
def test_one_note_whatever_is_answered(stage, desk, trouble):
    number = desk.add_conversation("m1@example.com")
    desk.add_conversation("m1@example.com", state="closed")
    intercom(stage, desk)
    for member_number, path in [(1, f"/{number}/reply"), (2, "/tickets")]:
        desk.script(*trouble, method="POST", path=path)
        key = refund(stage, member_number)
        stage.wait_job("support", key, "done")
        assert not desk.scripts_left()
        assert len(desk.notes(key)) == 1
    assert len(desk.tickets) == 1 and len(desk.contacts_by_id) == 2


def test_trouble_while_reading_writes_nothing_twice(stage, desk):
    number = desk.add_conversation("m1@example.com")
    intercom(stage, desk)
    desk.script(LOST, method="POST", path=f"/{number}/reply")
    desk.script(GARBAGE, refusal(200, "server_error", "x"), method="GET")
    key = refund(stage)
    stage.wait_job("support", key, "done")
    assert not desk.scripts_left()
    assert len(desk.notes(key)) == 1


def test_the_limit_is_waited_for_until_its_window_ends(stage, desk):
    intercom(stage, desk)
    limit = refusal(429, "rate_limit_exceeded", "Exceeded rate limit")
    limit.headers["X-RateLimit-Reset"] = str(int(time.time()) + 2)
    desk.script(limit, method="POST", path="/contacts/search")
    key = refund(stage)
    stage.wait_job("support", key, "done")
    first, second = desk.calls("POST", "/contacts/search")
    assert first["status"] == 429 and 0.9 < second["time"] - first["time"] < 5


def test_a_refused_token_pauses_the_desk_and_a_plan_does_not(stage, desk):
    desk.key = "another"
    intercom(stage, desk)
    stage.publish(note_member("refund:ch_1"))
    stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    stage.publish(note_member("refund:ch_2", 2))
    desk.key = "dG9rOjEyMw=="
    stage.wait_all("support", 2)
    assert len(desk.tickets) == 2 and len(stage.news("target.refused")) == 1
    desk.script(refusal(403, "api_plan_restricted", "no"), method="POST", path="/tickets")
    stage.publish(note_member("refund:ch_3", 3))
    stage.wait_job("support", "refund:ch_3", "dead")
    desk.script(refusal(400, "parameter_invalid", "ada@example.com"), method="POST",
                path="/contacts/search")
    stage.publish(note_member("refund:ch_4", 4))
    dead = stage.wait_job("support", "refund:ch_4", "dead")
    assert "parameter_invalid" in dead["error"] and "ada@" not in dead["error"]


@pytest.mark.parametrize("text, words", [
    ("", "support/key"), ("    key = x\n", "support/admin"),
    ("    key = x\n    admin = 1\n", "support/ticket_type"),
])
def test_settings_are_checked(stage, text, words):
    stage.config("support", "    provider = intercom\n" + text, fast=False)
    code, said = stage.check("support")
    assert code == 78 and words in said
