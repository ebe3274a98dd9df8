"""Targets that are down, refuse our key, or lose answers: only their own effects wait."""

import time

import pytest

import sinks
from fleet import OUTSIDE, Fleet
from kit import wait_until
from stripe import Person

OUTAGE_S = 4  # stands for 15 minutes: the back-off is scaled by 50, its longest wait by 3600


@pytest.fixture
def outside(fleet_home):
    with sinks.HttpSink(options={"member", "trial", "payment-failed", "refunded", "disputed",
                                 "ending", "cancelled", "needs-support"}) as crm, \
            sinks.SmtpSink() as smtp, \
            Fleet(fleet_home, OUTSIDE, crm=crm.url, smtp=smtp.url) as fleet:
        fleet.crm, fleet.smtp = crm, smtp
        yield fleet


def contact_of(crm, address):
    found = [c for c in crm.contacts.values() if c.get("email") == address]
    assert len(found) <= 1
    return found[0] if found else None


def pay(fleet, person):
    for event in person.purchase():
        fleet.deliver(event)
    return fleet.member(person.email, access=True)


def test_crm_down_delays_the_contact_and_nothing_else(outside):
    outside.crm.down = True
    people = [Person(f"down{n}@example.com", f"Down {n}") for n in range(5)]
    for person in people:
        pay(outside, person)
    started = time.monotonic()
    wait_until(lambda: len(outside.smtp.mails) == 5, 20)  # mail goes out meanwhile
    outside.deliver(people[0].ended())  # the newest state is another one by then
    outside.member(people[0].email, access=False)
    wait_until(lambda: time.monotonic() - started > OUTAGE_S, OUTAGE_S + 5)
    assert not outside.crm.contacts
    outside.crm.down = False
    wait_until(lambda: len(outside.crm.contacts) == 5, 30)
    wait_until(lambda: "cancelled" in contact_of(outside.crm, people[0].email)["usher_tags"], 30)
    outside.settle()
    for person in people[1:]:
        assert contact_of(outside.crm, person.email)["usher_tags"] == "member"
    posts = outside.crm.calls("POST", "/crm/v3/objects/contacts")
    created = [c for c in posts if c["status"] == 201]
    assert len(created) == 5


def test_an_expired_key_is_one_alert_spends_no_attempts_and_one_new_key_heals_it(outside):
    outside.crm.key = "key-2"
    people = [Person(f"key{n}@example.com", f"Key {n}") for n in range(5)]
    members = [pay(outside, person) for person in people]
    wait_until(lambda: [a for a in outside.alerts() if a["state"] == "raised"], 20)
    wait_until(lambda: len(outside.crm.calls()) >= 3, 20)  # it probes
    refused = [e for e in outside.journal() if e["type"] == "target.refused"]
    assert len(refused) == 1
    raised = [e for e in outside.journal() if e["type"] == "alert.raised"]
    assert len(raised) == 1
    for member in members:
        job = next(j for j in outside.jobs(member["id"]) if j["actor"] == "crm")
        assert job["state"] == "waiting" and job["attempt"] == 0
    outside.secret("hubspot", "key-2")
    wait_until(lambda: len(outside.crm.contacts) == 5, 20)
    outside.settle()
    types = [e["type"] for e in outside.journal()]
    assert types.count("target.accepted") == 1 and types.count("target.refused") == 1
    wait_until(lambda: [e["type"] for e in outside.journal()].count("alert.cleared") == 1, 20)


def test_lost_answers_make_no_second_contact_and_no_second_note(outside):
    outside.crm.script(sinks.LOST, path="/crm/v3/objects/contacts", method="POST")
    outside.crm.script(sinks.LOST, path="/api/v2/tickets", method="POST")
    person = Person("lost@example.com")
    pay(outside, person)
    wait_until(lambda: contact_of(outside.crm, person.email), 20)
    outside.deliver(person.refunded())
    outside.member(person.email, access=False)
    wait_until(lambda: contact_of(outside.crm, person.email)["usher_tags"] == "refunded", 30)
    outside.settle()
    assert len(outside.crm.contacts) == 1
    notes = [comment for ticket in outside.crm.tickets.values() for comment in ticket["comments"]
             if f"refund:{person.charge}" in comment["body"]]
    assert len(notes) == 1 and len(outside.crm.tickets) == 1


def test_garbage_redirects_and_throttling_lose_nothing(outside):
    outside.crm.script(sinks.GARBAGE, sinks.REDIRECT, sinks.Answer(500), path="/crm/")
    outside.crm.script(sinks.Answer(429, retry_after=1), path="/crm/")
    person = Person("garbage@example.com")
    member = pay(outside, person)
    wait_until(lambda: not outside.crm.scripts_left() or outside.jobs(member["id"]), 20)
    wait_until(lambda: {j["state"] for j in outside.jobs(member["id"]) if j["actor"] == "crm"} <=
               {"done", "dead"}, 60)
    job = next(j for j in outside.jobs(member["id"]) if j["actor"] == "crm")
    if job["state"] == "dead":  # a redirect is never followed: a person retries it
        outside.run("jobs", "retry", job["key"], "--reason", "the address is right now")
        wait_until(lambda: contact_of(outside.crm, person.email), 30)
    outside.settle()
    assert contact_of(outside.crm, person.email)["usher_tags"] == "member"
    assert len(outside.crm.contacts) == 1
