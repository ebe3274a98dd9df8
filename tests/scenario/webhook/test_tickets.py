"""Tickets in: a desk's webhook leads to one note with the member's context, whatever is repeated,
refused, slow or our own."""
import json

import pytest

import posts
from sink_helpscout import HelpScoutSink
from sink_intercom import IntercomSink
from sinks import GARBAGE, LOST, Answer


def note_of(zendesk, number):
    (note,) = zendesk.tickets[number]["comments"]
    assert note["public"] is False
    return note["body"]


def opened(inbox, zendesk, address, **fields):
    number, user = zendesk.opened_by(address, **fields)
    inbox.send(posts.zendesk("created", number, requester_id=user, subject="Cannot log in"))
    return number, user


def test_a_members_ticket_gets_one_note(inbox_of, zendesk):
    inbox = inbox_of()
    inbox.pay("ada@example.com")
    number, user = opened(inbox, zendesk, "Ada@Example.com", tags=["billing"])
    job = inbox.job("support", f"ticket:zendesk:{number}", "done")
    text = note_of(zendesk, number)
    assert "ada@example.com" in text and "Access: yes (active)" in text and "29.00 USD" in text
    assert set(zendesk.tickets[number]["tags"]) == {"billing", "member_active", "usher"}

    # One trace from the desk's post to the note, the look-up between them.
    trace = [e["type"] for e in inbox.journal() if e["trace"] == job["trace"]]
    assert trace[0] == "ticket.opened" and trace[-1] == "job.done"
    assert "ticket.identified" in trace and "member.changed" in trace
    member = inbox.member("ada@example.com", lambda m: "needs-support" in m["tags"])
    assert "Ticket opened" in inbox.lines("ada@example.com")

    # Our note and tags are events of the desk, too; and everything comes twice.
    inbox.send(posts.zendesk("comment_added", number, requester_id=user))
    inbox.send(posts.zendesk("tags_changed", number, tags=["usher", "member_active"]))
    _, again = inbox.send(posts.zendesk("created", number, requester_id=user))
    assert again["duplicate"] is True
    inbox.send(posts.zendesk("created", number, id_="other-id", requester_id=user))
    inbox.send(posts.zendesk("status_changed", number, event={"current": "SOLVED"}))
    inbox.member("ada@example.com", lambda m: "needs-support" not in m["tags"])
    inbox.caught_up()
    note_of(zendesk, number)
    assert len(zendesk.calls("GET", "/users/")) == 1
    assert member["id"] == inbox.member("ada@example.com")["id"]
    assert "Ticket closed" in inbox.lines("ada@example.com")


def test_a_stranger_gets_no_note_until_she_is_a_member(inbox_of, zendesk):
    inbox = inbox_of()
    number, _ = opened(inbox, zendesk, "eve@example.com")
    inbox.job("support", f"requester:zendesk:{number}", "done")
    inbox.caught_up()
    assert zendesk.tickets[number]["comments"] == []
    inbox.pay("eve@example.com")
    inbox.job("support", f"ticket:zendesk:{number}", "done")
    assert "eve@example.com" in note_of(zendesk, number)


def test_what_we_opened_ourselves_is_no_ticket(inbox_of, zendesk):
    inbox = inbox_of()
    person = inbox.pay("ada@example.com")
    inbox.deliver(person.refunded())
    inbox.job("support", f"refund:{person.charge}", "done")
    ((number, ticket),) = zendesk.tickets.items()
    user = str(zendesk.user("ada@example.com"))
    inbox.send(posts.zendesk("created", number, tags=ticket["tags"], requester_id=user,
                             description=ticket["comments"][0]["body"]))
    inbox.caught_up()
    assert len(ticket["comments"]) == 1 and not inbox.has_job("support", f"ticket:zendesk:{number}")
    (event,) = [e for e in inbox.journal("provider.ignored") if e["id"].startswith("zendesk:")]
    assert event["data"]["ignored"] == "we opened it ourselves"


@pytest.mark.parametrize("trouble", [
    pytest.param([Answer(429, retry_after=1)], id="429"),
    pytest.param([Answer(500), Answer(503)], id="5xx"),
    pytest.param([LOST], id="lost"),
    pytest.param([GARBAGE, Answer(200, [1]), Answer(200, b'{"user":{"em')], id="garbage"),
    pytest.param([Answer(200, {"user": {}}, slow_s=1)], id="slow"),
    pytest.param([Answer(401)], id="expired key"),
])
def test_a_look_up_in_trouble_still_gives_one_note(inbox_of, zendesk, trouble):
    inbox = inbox_of()
    inbox.pay("ada@example.com")
    zendesk.script(*trouble, path="/users/")
    number, _ = opened(inbox, zendesk, "ada@example.com")
    inbox.job("support", f"ticket:zendesk:{number}", "done")
    inbox.caught_up()
    note_of(zendesk, number)
    assert zendesk.scripts_left() == 0
    assert len(inbox.journal("ticket.identified")) == 1


def test_a_person_that_the_desk_does_not_know_waits_for_a_human(inbox_of, zendesk):
    inbox = inbox_of()
    number = zendesk.add_ticket()
    inbox.send(posts.zendesk("created", number, requester_id="4711"))
    dead = inbox.job("support", f"requester:zendesk:{number}", "dead")
    assert "no person" in dead["error"]


def test_two_desks_with_one_number_are_two_tickets(inbox_of):
    inbox = inbox_of(desk="local")
    inbox.pay("ada@example.com")
    inbox.send(posts.helpscout("convo.created", 77,
                                 primaryCustomer={"email": "ada@example.com"}))
    inbox.send(posts.intercom("conversation.user.created", 77, source={
        "author": {"type": "user", "email": "ada@example.com"}, "body": "<p>Hi</p>"}))
    for desk in ("helpscout", "intercom"):
        inbox.job("support", f"ticket:{desk}:77", "done")
    inbox.send(posts.helpscout("convo.status", 77, status="closed"))
    inbox.caught_up()
    assert "needs-support" in inbox.member("ada@example.com")["tags"]
    inbox.send(posts.intercom("conversation.admin.closed", 77))
    inbox.member("ada@example.com", lambda m: "needs-support" not in m["tags"])
    notes = inbox.ask("support", {"ask": "notes"})["notes"]
    assert sorted((n["key"], n["ticket"], n["applied"]) for n in notes) == [
        ("ticket:helpscout:77", "77", 1), ("ticket:intercom:77", "77", 1)]


def test_help_scouts_conversation_gets_its_note(inbox_of):
    with HelpScoutSink() as desk:
        inbox = inbox_of(url=desk.url, desk="helpscout")
        inbox.pay("ada@example.com")
        number = desk.add_conversation("ada@example.com")
        for copy in range(2):  # with other bytes: for the door it is another event
            inbox.send(posts.helpscout("convo.created", number, threads=copy,
                                       primaryCustomer={"email": "Ada@example.com"}))
        inbox.job("support", f"ticket:helpscout:{number}", "done")
        inbox.caught_up()
        ((found, note),) = desk.notes(f"ticket:helpscout:{number}")
        assert found == number and "Access: yes (active)" in note["body"]
        # What we opened ourselves comes back with our tag.
        inbox.send(posts.helpscout("convo.created", 4711, tags=[{"id": 1, "tag": "usher"}],
                                   primaryCustomer={"email": "ada@example.com"}))
        inbox.caught_up()
        assert not inbox.has_job("support", "ticket:helpscout:4711")


def test_intercoms_conversation_gets_its_note(inbox_of):
    with IntercomSink() as desk:
        inbox = inbox_of(url=desk.url, desk="intercom")
        inbox.pay("ada@example.com")
        number = desk.add_conversation("ada@example.com")
        source = {"author": {"type": "user", "email": "ada@example.com"}, "body": "<p>Hi</p>"}
        for attempts in (1, 2):
            inbox.send(posts.intercom("conversation.user.created", number, attempts=attempts,
                                      source=source))
        inbox.job("support", f"ticket:intercom:{number}", "done")
        inbox.send(posts.intercom("conversation.admin.noted", number, source=source))
        inbox.caught_up()
        notes = desk.notes(f"ticket:intercom:{number}")
        assert len(notes) == 1 and "Access: yes (active)" in str(notes)


def test_a_ticket_of_another_desk_is_not_looked_for_in_this_one(inbox_of, zendesk):
    inbox = inbox_of()
    inbox.pay("ada@example.com")
    number = zendesk.add_ticket()
    inbox.send(posts.helpscout("convo.created", int(number),
                                 primaryCustomer={"email": "ada@example.com"}))
    skipped = inbox.job("support", f"ticket:helpscout:{number}", "skipped")
    assert "another desk (helpscout)" in skipped["error"]
    assert zendesk.tickets[number]["comments"] == []


def test_forged_stale_doubled_and_foreign_signatures_say_nothing(inbox_of):
    inbox = inbox_of(desk="local")
    path, body, good = posts.zendesk("created", 1, requester_id="2")
    other = posts.zendesk("created", 1, secret="whsec_of_a_test_mode", requester_id="2")
    late = posts.zendesk("created", 1, at=1700000000, requester_id="2")
    scout_path, scout_body, scout = posts.helpscout("convo.created", 1)
    bad = [(path, body, {}), other, late, (path, body + b" ", good),
           (path, body, {**good, "X-Zendesk-Webhook-Signature-Timestamp": "2026-01-01T00:00:00Z"}),
           (path, body, {"X-Zendesk-Webhook-Signature": good["X-Zendesk-Webhook-Signature"]}),
           (scout_path, scout_body[:-1] + b' }', scout),
           posts.helpscout("convo.created", 1, secret=posts.INTERCOM),
           posts.intercom("conversation.user.created", 1, secret=posts.HELPSCOUT),
           ("support/intercom", b"{}", {"X-Hub-Signature": "sha1=00"}),
           ("support/helpscout", body, good), ("support/zendesk", scout_body, scout)]
    for post in bad:
        status, answer = inbox.send(post, check=False)
        assert status == 400, (post, answer)
    assert inbox.journal("ticket.opened") == []


def test_a_post_without_an_id_is_taken_once(inbox_of):
    inbox = inbox_of(desk="local")
    ping = ("support/intercom", *posts.intercom("ping", 0)[1:])
    body = json.dumps({**json.loads(ping[1]), "id": None}).encode()
    resigned = {"X-Hub-Signature": "sha1=" + posts._mac(  # pylint: disable=protected-access
        "sha1", posts.INTERCOM, body).hex()}
    scout = posts.helpscout("convo.created", 9, primaryCustomer={"email": "x@example.com"})
    for post in ((ping[0], body, resigned), scout):
        assert inbox.send(post)[1]["duplicate"] is False
        assert inbox.send(post)[1]["duplicate"] is True
    assert len(inbox.journal("ticket.opened")) == 1
