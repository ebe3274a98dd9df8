"""The support actor against a Zendesk that misbehaves: one internal note per key."""
from sinks import LOST, Answer
from stage import effect, member


def note_member(key, **more):
    return member(1, effects=[effect(key, "support", key.split(":")[0], **more)])


def notes_with(sink, key):
    return [c for t in sink.tickets.values() for c in t["comments"]
            if f"[usher:{key}]" in c["body"]]


def test_refund_opens_a_ticket_with_an_internal_note(stage, http_sink):
    stage.zendesk(http_sink)
    stage.publish(note_member("refund:ch_1", data={"amount": 2900, "currency": "usd"}))
    stage.wait_job("support", "refund:ch_1", "done")
    (ticket,) = http_sink.tickets.values()
    (note,) = ticket["comments"]
    assert note["public"] is False and "29.00 USD" in note["body"]
    assert ticket["external_id"] == "refund:ch_1"
    assert ticket["requester"]["email"] == "m1@example.com"
    assert set(ticket["tags"]) == {"usher", "member_active"}
    assert http_sink.log[0]["headers"]["Idempotency-Key"]


def test_urgent(stage, http_sink):
    stage.zendesk(http_sink)
    stage.publish(note_member("dispute:dp_1", urgent=True))
    stage.wait_job("support", "dispute:dp_1", "done")
    (ticket,) = http_sink.tickets.values()
    assert ticket["priority"] == "urgent"


def test_ticket_gets_context_and_keeps_its_tags(stage, http_sink):
    number = http_sink.add_ticket(tags=["billing"])
    stage.zendesk(http_sink)
    stage.publish(note_member(f"ticket:{number}"))
    stage.wait_job("support", f"ticket:{number}", "done")
    ticket = http_sink.tickets[number]
    assert ticket["tags"] == ["billing", "member_active", "usher"]
    assert len(notes_with(http_sink, f"ticket:{number}")) == 1


def test_lost_answers_make_no_second_note_or_ticket(stage, http_sink):
    number = http_sink.add_ticket()
    stage.zendesk(http_sink)
    http_sink.script(LOST, method="PUT", path=f"/tickets/{number}.json")
    http_sink.script(LOST, method="POST")
    stage.publish(member(1, effects=[effect(f"ticket:{number}", "support", "ticket"),
                                     effect("refund:ch_1", "support", "refund")]))
    stage.wait_job("support", f"ticket:{number}", "done")
    stage.wait_job("support", "refund:ch_1", "done")
    assert len(notes_with(http_sink, f"ticket:{number}")) == 1
    assert len(notes_with(http_sink, "refund:ch_1")) == 1
    assert len(http_sink.tickets) == 2


def test_trouble_then_fine_and_unknown_ticket_is_dead(stage, http_sink):
    stage.zendesk(http_sink)
    http_sink.script(Answer(503), Answer(429, retry_after=1), method="POST")
    stage.publish(note_member("refund:ch_1"))
    stage.wait_job("support", "refund:ch_1", "done")
    assert len(http_sink.tickets) == 1
    stage.publish(member(2, effects=[effect("ticket:9999", "support", "ticket")]))
    dead = stage.wait_job("support", "ticket:9999", "dead")
    assert "no ticket" in dead["error"]


def test_killed_during_calls_writes_each_note_once(stage, http_sink):
    process = stage.zendesk(http_sink)
    stage.sections["support"] += "    rate = 1000\n"
    stage.config("support", stage.sections["support"], fast=False)
    stage.publish_many([member(n, effects=[effect(f"refund:ch_{n}", "support", "refund")])
                        for n in range(1, 61)])
    for done in [5, 15, 30]:
        stage.kit.wait_until(lambda: len(http_sink.tickets) >= done, 20, f"{done} tickets")
        process.kill()
        process = stage.start("support")
    stage.wait_all("support", 60)
    assert len(http_sink.tickets) == 60
    assert all(len(notes_with(http_sink, f"refund:ch_{n}")) == 1 for n in range(1, 61))
