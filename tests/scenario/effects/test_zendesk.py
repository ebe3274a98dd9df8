"""The support actor against a Zendesk that misbehaves: one internal note per key."""
import pytest
from sink_zendesk import ZendeskSink
from sinks import GARBAGE, LOST, REDIRECT, Answer
from stage import effect, member


@pytest.fixture
def desk():
    with ZendeskSink() as sink:
        yield sink


def zendesk(stage, sink):
    return stage.zendesk(sink, more="    rate = 1000\n")


def note_member(key, number=1, **more):
    return member(number, effects=[effect(key, "support", key.split(":")[0], **more)])


def test_refund_opens_a_ticket_with_an_internal_note(stage, desk):
    zendesk(stage, desk)
    stage.publish(note_member("refund:ch_1", data={"amount": 2900, "currency": "usd"}))
    stage.wait_job("support", "refund:ch_1", "done")
    (ticket,) = desk.tickets.values()
    (note,) = ticket["comments"]
    assert note["public"] is False and "29.00 USD" in note["body"]
    assert "http://127.0.0.1:8081/members/mem_0001" in note["body"]
    assert ticket["external_id"] == "refund:ch_1"
    assert ticket["requester"]["email"] == "m1@example.com"
    assert set(ticket["tags"]) == {"usher", "member_active"}
    assert desk.calls("POST")[0]["headers"]["Idempotency-Key"]


def test_urgent_and_the_link_leads_to_the_console(stage, desk):
    stage.config("console", '    url = "https://usher.example.com"\n', fast=False)
    zendesk(stage, desk)
    stage.publish(note_member("dispute:dp_1", urgent=True))
    stage.wait_job("support", "dispute:dp_1", "done")
    (ticket,) = desk.tickets.values()
    assert ticket["priority"] == "urgent"
    assert "https://usher.example.com/members/mem_0001" in ticket["comments"][0]["body"]


def test_ticket_gets_context_and_keeps_its_tags(stage, desk):
    number = desk.add_ticket(tags=["billing", "member_inactive"])
    zendesk(stage, desk)
    stage.publish(note_member(f"ticket:{number}"))
    stage.wait_job("support", f"ticket:{number}", "done")
    ticket = desk.tickets[number]
    assert ticket["tags"] == ["billing", "member_active", "usher"]
    assert len(desk.notes(f"ticket:{number}")) == 1


def test_a_refund_goes_to_the_open_ticket_of_the_member(stage, desk):
    desk.add_ticket(email="m1@example.com", status="solved")
    mine = desk.add_ticket(email="M1@example.com", status="pending", tags=["billing"])
    desk.add_ticket(email="m2@example.com", status="open")
    zendesk(stage, desk)
    stage.publish(note_member("refund:ch_1"))
    stage.wait_job("support", "refund:ch_1", "done")
    assert [number for number, _ in desk.notes("refund:ch_1")] == [mine]
    assert desk.tickets[mine]["tags"] == ["billing", "member_active", "usher"]
    assert len(desk.tickets) == 3 and not desk.calls("POST")
    job = stage.news("job.done", "support")[-1]["data"]
    assert job["learned"]["ticket"] == mine


def test_a_closed_ticket_is_not_used_and_one_closed_meanwhile_gets_a_follow_up(stage, desk):
    old = desk.add_ticket(email="m1@example.com", status="closed")
    named = desk.add_ticket(email="m2@example.com", status="closed")
    zendesk(stage, desk)
    stage.publish(note_member("refund:ch_1"))
    stage.publish(note_member(f"ticket:{named}", number=2))
    stage.wait_job("support", "refund:ch_1", "done")
    stage.wait_job("support", f"ticket:{named}", "done")
    ((opened, _),) = desk.notes("refund:ch_1")
    ((follow_up, _),) = desk.notes(f"ticket:{named}")
    assert opened not in (old, named) and follow_up not in (old, named)
    assert "via_followup_source_id" not in desk.tickets[opened]
    assert desk.tickets[follow_up]["via_followup_source_id"] == named


def test_a_repeat_goes_to_the_ticket_of_the_first_attempt(stage, desk):
    """Between the two a newer ticket was opened, which the member's list shows first."""
    first = desk.add_ticket(email="m1@example.com")
    zendesk(stage, desk)
    desk.script(LOST, method="PUT", path=f"/tickets/{first}.json")
    desk.script(Answer(503), method="GET", path="comments.json")
    stage.publish(note_member("refund:ch_1"))
    stage.kit.wait_until(lambda: desk.notes("refund:ch_1"), what="the note")
    newer = desk.add_ticket(email="m1@example.com", updated=10**6)
    stage.wait_job("support", "refund:ch_1", "done")
    assert [number for number, _ in desk.notes("refund:ch_1")] == [first]
    assert not desk.tickets[newer]["comments"]


def test_lost_answers_make_no_second_note_or_ticket(stage, desk):
    number = desk.add_ticket()
    zendesk(stage, desk)
    desk.script(LOST, method="PUT", path=f"/tickets/{number}.json")
    desk.script(LOST, method="POST")
    stage.publish(member(1, effects=[effect(f"ticket:{number}", "support", "ticket"),
                                     effect("refund:ch_1", "support", "refund")]))
    stage.wait_job("support", f"ticket:{number}", "done")
    stage.wait_job("support", "refund:ch_1", "done")
    assert len(desk.notes(f"ticket:{number}")) == 1
    assert len(desk.notes("refund:ch_1")) == 1
    assert len(desk.tickets) == 2


def test_trouble_then_fine_and_unknown_ticket_is_dead(stage, desk):
    zendesk(stage, desk)
    desk.script(Answer(503), Answer(429, body=b"Too many requests", retry_after=1), GARBAGE,
                Answer(200, {"error": "InternalError"}), method="POST")
    stage.publish(note_member("refund:ch_1"))
    stage.wait_job("support", "refund:ch_1", "done")
    assert not desk.scripts_left()
    assert len(desk.tickets) == 1
    stage.publish(note_member("ticket:9999", number=2))
    dead = stage.wait_job("support", "ticket:9999", "dead")
    assert "no ticket" in dead["error"]


def test_slow_endless_cut_off_and_elsewhere(stage, desk):
    zendesk(stage, desk)
    desk.script(Answer(act=True, slow_s=0.8), method="POST")
    desk.script(Answer(200, body=b"x" * (2 << 20)), Answer(200, body=b'{"tickets":[{"id":'),
                method="GET", path="external_id")
    stage.publish(note_member("refund:ch_1"))
    stage.wait_job("support", "refund:ch_1", "done")
    assert not desk.scripts_left()
    assert len(desk.notes("refund:ch_1")) == 1
    desk.script(REDIRECT, method="GET", path="/users/search")
    stage.publish(note_member("refund:ch_2", number=2))
    dead = stage.wait_job("support", "refund:ch_2", "dead")
    assert "redirect" in dead["error"]


def test_a_ticket_changed_too_often_holds_up_no_other(stage, desk):
    number = desk.add_ticket()
    zendesk(stage, desk)
    desk.script(Answer(429, body=b"slow down", retry_after=600,
                       headers={"X-Rate-Limit-Remaining": "600"}),
                method="PUT", path=f"/tickets/{number}.json")
    stage.publish(note_member(f"ticket:{number}"))
    waits = stage.wait_job("support", f"ticket:{number}", "waiting")
    stage.kit.wait_until(lambda: not desk.scripts_left(), what="the limit")
    stage.publish(note_member("refund:ch_2", number=2))
    stage.wait_job("support", "refund:ch_2", "done")
    waits = stage.wait_job("support", f"ticket:{number}", "waiting")
    assert "this ticket" in waits["error"]


def test_a_refused_token_pauses_the_desk_and_loses_nothing(stage, desk):
    desk.key = "another"
    zendesk(stage, desk)
    stage.publish(note_member("refund:ch_1"))
    stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    stage.publish(note_member("refund:ch_2", number=2))
    desk.key = "token-1"
    stage.wait_all("support", 2)
    assert len(desk.tickets) == 2
    assert len(stage.news("target.refused")) == 1


def test_killed_during_calls_writes_each_note_once(stage, desk):
    """Some members have an open ticket, which a repeat must find again, and all get a newer one."""
    for number in range(1, 31):
        desk.add_ticket(email=f"m{number}@example.com")
    process = zendesk(stage, desk)
    stage.publish_many([note_member(f"refund:ch_{n}", number=n) for n in range(1, 61)])

    def written():
        return sum(bool(desk.notes(f"refund:ch_{n}")) for n in range(1, 61))

    for done in [5, 15, 30]:
        stage.kit.wait_until(lambda: written() >= done, 20, f"{done} notes")
        process.kill()
        for number in range(1, 31):
            desk.add_ticket(email=f"m{number}@example.com", updated=10**6)
        process = stage.start("support")
    stage.wait_all("support", 60)
    assert all(len(desk.notes(f"refund:ch_{n}")) == 1 for n in range(1, 61))
