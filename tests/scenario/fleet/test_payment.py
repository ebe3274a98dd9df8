"""A real payment, from the signed body to member, CRM, support note and mail, each once."""

import json
import random

import pytest

from fleet import EMBEDDED, Fleet
from stripe import Person, deliver
from kit import wait_until


@pytest.fixture(scope="module")
def fleet(fleet_home_module):
    with Fleet(fleet_home_module, EMBEDDED) as fleet:
        yield fleet


def pay(fleet, person, **more):
    for event in person.purchase(**more):
        fleet.deliver(event)
    return fleet.member(person.email, access=True)


def keys(fleet, member, *states):
    return sorted(job["key"] for job in fleet.jobs(member) if not states or job["state"] in states)


def mails(fleet, email):
    return [mail for mail in fleet.maildir() if mail["To"] and email in mail["To"]]


@pytest.mark.parametrize("old", [False, True], ids=["current shape", "old shape"])
def test_a_purchase_makes_one_member_one_contact_one_mail(fleet, old):
    person = Person("old@example.com" if old else "new@example.com", old=old)
    member = pay(fleet, person)
    assert member["state"] == "active" and member["tags"] == ["member"]
    wait_until(lambda: mails(fleet, person.email), 20)
    contact = wait_until(lambda: fleet.contact(person.email), 20)
    wait_until(lambda: fleet.contact(person.email)["tags"] == ["member"], 20)
    fleet.settle()
    assert len(mails(fleet, person.email)) == 1
    assert len([c for c in fleet.contacts() if c["email"] == person.email]) == 1
    assert contact["member"] == member["id"]


def test_twenty_copies_shuffled_across_a_restart_change_nothing(fleet):
    person = Person("grace@example.com", "Grace")
    copies = person.purchase() * 20
    random.Random(7).shuffle(copies)
    answers = [fleet.deliver(event) for event in copies[:70]]
    fleet.restart()
    answers += [fleet.deliver(event) for event in copies[70:]]
    assert sum(not answer["duplicate"] for answer in answers) == 7
    member = fleet.member(person.email, access=True)
    wait_until(lambda: mails(fleet, person.email), 20)
    fleet.settle()
    assert len(mails(fleet, person.email)) == 1
    assert len([c for c in fleet.contacts() if c["email"] == person.email]) == 1
    assert keys(fleet, member["id"], "done") == sorted([
        f"access:{member['id']}", f"crm:{member['id']}", f"welcome:{member['id']}"])
    ids = [event["id"] for event in fleet.journal()]
    assert len(ids) == len(set(ids))


def test_a_refund_revokes_and_writes_one_note(fleet):
    person = Person("ref@example.com")
    member = pay(fleet, person)
    fleet.deliver(person.refunded())
    gone = fleet.member(person.email, access=False)
    assert gone["state"] == "revoked" and "refunded" in gone["tags"]
    note = wait_until(lambda: fleet.notes(f"refund:{person.charge}"), 20)
    assert len(note) == 1
    fleet.deliver(person.refunded())
    fleet.settle()
    assert len(fleet.notes(f"refund:{person.charge}")) == 1
    assert member["id"] == gone["id"]


def test_an_older_invoice_refunded_while_the_newest_is_paid_keeps_access(fleet):
    person = Person("older@example.com")
    pay(fleet, person)
    old = person.refunded()
    for event in person.renewal():
        fleet.deliver(event)
    fleet.deliver(old)
    wait_until(lambda: fleet.notes("refund:" + old["data"]["object"]["id"]), 20)
    assert fleet.member(person.email)["access"] is True


def test_a_partial_refund_is_a_note_only(fleet):
    person = Person("part@example.com")
    pay(fleet, person)
    fleet.deliver(person.refunded(amount=500))
    wait_until(lambda: fleet.notes(f"refund:{person.charge}:500"), 20)
    member = fleet.member(person.email)
    assert member["access"] is True and member["state"] == "active"


def test_a_failed_payment_pauses_and_mails_after_its_settle_time(fleet):
    person = Person("fail@example.com")
    pay(fleet, person)
    person.renewal()
    fleet.deliver(person.failed())
    member = fleet.member(person.email, access=False)
    assert member["state"] == "paused" and "payment-failed" in member["tags"]
    wait_until(lambda: len(mails(fleet, person.email)) == 2, 20)
    wait_until(lambda: [j for j in fleet.jobs() if j["actor"] == "alert"
                        and j["key"].startswith(f"card:{person.invoice}") and j["state"] == "done"],
               20)


def test_a_failure_that_is_paid_in_time_mails_nothing(fleet_slow_settle):
    fleet = fleet_slow_settle
    person = Person("intime@example.com")
    pay(fleet, person)
    person.renewal()
    fleet.deliver(person.failed())
    fleet.member(person.email, access=False)
    fleet.deliver(person.paid("subscription_cycle"))
    member = fleet.member(person.email, access=True)
    wait_until(lambda: f"card:{person.invoice}" in keys(fleet, member["id"], "superseded"), 20)
    assert not [m for m in mails(fleet, person.email) if "card" in m["Subject"].lower()]


def test_a_dispute_without_a_customer_is_found_through_its_links(fleet):
    person = Person("disp@example.com")
    pay(fleet, person)
    fleet.deliver(person.disputed())
    member = fleet.member(person.email, access=False)
    assert member["state"] == "revoked" and "disputed" in member["tags"]
    dispute = person.dispute()["id"]
    wait_until(lambda: fleet.notes(f"dispute:{dispute}"), 20)
    fleet.deliver(person.dispute_closed("won"))
    assert fleet.member(person.email, access=True)["state"] == "active"
    wait_until(lambda: fleet.notes(f"dispute:{dispute}:closed"), 20)


def test_a_dispute_before_its_link_waits_for_it(fleet):
    person = Person("orphan@example.com")
    events = {event["type"]: event for event in person.purchase()}
    late = [events.pop("charge.succeeded"), events.pop("payment_intent.succeeded"),
            events.pop("invoice_payment.paid")]
    for event in events.values():
        fleet.deliver(event)
    fleet.member(person.email, access=True)
    fleet.deliver(person.disputed())
    wait_until(lambda: fleet.orphans(), 20)
    for event in late:
        fleet.deliver(event)
    fleet.member(person.email, access=False)
    wait_until(lambda: person.dispute()["id"] not in json.dumps(fleet.orphans()), 20)


def test_an_inquiry_changes_nothing(fleet):
    person = Person("inq@example.com")
    before = pay(fleet, person)
    fleet.deliver(person.disputed("warning_needs_response"))
    fleet.settle()
    after = fleet.member(person.email)
    assert after["access"] is True and after["tags"] == before["tags"]
    assert not fleet.notes(f"dispute:{person.dispute()['id']}")


def test_one_of_two_subscriptions_ended_keeps_access(fleet):
    person = Person("two@example.com")
    pay(fleet, person)
    first_end = person.ended()
    person.use(1)
    for event in person.purchase():
        fleet.deliver(event)
    fleet.deliver(first_end)
    fleet.settle()
    member = fleet.member(person.email)
    assert member["access"] is True
    assert not [k for k in keys(fleet, member["id"], "done") if k.startswith("goodbye:")]


def test_a_reactivation_is_one_welcome_back(fleet):
    person = Person("back@example.com")
    pay(fleet, person)
    fleet.deliver(person.ended())
    assert fleet.member(person.email, access=False)["state"] == "ended"
    wait_until(lambda: len(mails(fleet, person.email)) == 2, 20)  # welcome, goodbye
    person.use(1)
    person.at += 200
    for event in person.purchase() * 3:
        fleet.deliver(event)
    member = fleet.member(person.email, access=True)
    wait_until(lambda: len(mails(fleet, person.email)) == 3, 20)
    fleet.settle()
    assert len(mails(fleet, person.email)) == 3
    back = [k for k in keys(fleet, member["id"], "done") if k.startswith("back:")]
    assert back == [f"back:{person.invoice}"]


def test_a_stranger_who_types_a_members_address_gains_nothing(fleet):
    member = Person("victim@example.com", app_user="user_1")
    known = pay(fleet, member)
    stranger = Person("victim@example.com", "Mallory", customer="cus_stranger")
    # an unpaid checkout under the member's address
    fleet.deliver(stranger.event("checkout.session.completed", stranger.checkout(paid="unpaid")))
    fleet.deliver(stranger.event("customer.created", stranger.customer_object()))
    fleet.settle()
    found = fleet.members_of("victim@example.com")
    assert len(found) == 2
    assert {m["id"]: m["access"] for m in found}[known["id"]] is True
    assert [m["access"] for m in found if m["id"] != known["id"]] == [False]


def test_foreign_products_and_unknown_types_are_recorded_without_effect(fleet):
    person = Person("unknown@example.com")
    fleet.deliver(person.event("radar.early_fraud_warning.created", {"id": "issfr_1",
                                                                   "object": "x"}))
    live = Person("live@example.com", livemode=True)
    for event in live.purchase():
        fleet.deliver(event)
    fleet.settle()
    assert not fleet.members_of(person.email) and not fleet.members_of(live.email)
    ignored = [e for e in fleet.journal() if e["type"] == "provider.ignored"]
    assert len(ignored) == 8
    assert all(e["data"]["ignored"] for e in ignored)


def test_trace_why_and_tap_show_the_whole_chain(fleet):
    person = Person("chain@example.com")
    with fleet.tap() as tap:
        member = pay(fleet, person)
        wait_until(lambda: mails(fleet, person.email), 20)
        seen = tap.until(lambda events: any(e["type"] == "job.done" and
                                            e["data"]["key"] == f"welcome:{member['id']}"
                                            for e in events), 20)
    joined = [e for e in seen if e["type"] == "member.joined"]
    assert len(joined) == 1 and joined[0]["subject"] == member["id"]
    trace = fleet.usher("trace", joined[0]["trace"])
    assert [e["id"] for e in trace["events"] if e["type"] == "member.joined"] == [joined[0]["id"]]
    assert {"crm", "mailer"} <= {job["actor"] for job in trace["jobs"]}
    assert fleet.usher("trace", joined[0]["id"])["trace"] == trace["trace"]
    followed = fleet.usher_text("tap", "--json", "--follow", joined[0]["id"], "--until-now")
    assert {json.loads(line)["id"] for line in followed.splitlines()} >= {
        event["id"] for event in trace["events"]}
    why = fleet.usher_text("why", person.email)
    assert person.invoice in why and why.count("\n") <= 1


def test_rebuild_of_the_ledger_is_identical_and_sends_nothing(fleet):
    before = fleet.ask("ledger", {"ask": "digest"})["digest"]
    sent, notes, head = len(fleet.maildir()), len(fleet.notes()), len(fleet.journal())
    fleet.rebuild_ledger()
    wait_until(lambda: fleet.ask("ledger", {"ask": "digest"})["digest"] == before, 30)
    fleet.settle()
    assert len(fleet.maildir()) == sent and len(fleet.notes()) == notes
    new = fleet.journal()[head:]
    assert [e["type"] for e in new if not e["type"].startswith("webhook.")] == []
