"""kill -9 of each process in turn under a stream of events: nothing lost, nothing doubled.

Witnesses outside: the sender (what was answered 2xx), an HTTP sink and a mail server with their own
logs. USHER_KILLS and USHER_EVENTS make the campaign longer; the seed is printed, USHER_SEED gives it.
"""

import collections
import concurrent.futures
import hashlib
import json
import os
import random
import threading

import sinks
from console_client import Console
from fleet import OUTSIDE, PROCESSES, Fleet
from kit import wait_until
from stripe import Person

KILLS = int(os.environ.get("USHER_KILLS", 100 * len(PROCESSES)))
EVENTS = int(os.environ.get("USHER_EVENTS", 2000))
SEED = int(os.environ.get("USHER_SEED", random.randrange(1 << 30)))
UNCERTAIN_MAX = 8  # mails under way at once: the mailer's calls
AHEAD = 16  # events that may be under way beyond what the kills have let through
TAGS = {"member", "trial", "payment-failed", "refunded", "disputed", "ending", "cancelled",
        "needs-support"}


def story(number):
    """A person's events: all buy; some are refunded, some end."""
    person = Person(f"k{number}@example.com", f"Kay {number}")
    events = person.purchase()
    if number % 5 == 1:
        events.append(person.refunded())
    elif number % 5 == 2:
        events.append(person.ended())
    elif number % 5 == 3:
        events.append(person.refunded(amount=500))
    return person, events


def stream(dice):
    people, events = [], []
    while len(events) < EVENTS:
        person, own = story(len(people))
        people.append(person)
        events += own
    window = 64  # providers reorder, within reason
    for start in range(0, len(events), window):
        part = events[start:start + window]
        dice.shuffle(part)
        events[start:start + window] = part
    return people, events


def test_nothing_lost_nothing_doubled(fleet_home):
    print(f"seed {SEED}, {EVENTS} events, {KILLS} kills")
    dice = random.Random(SEED)
    people, events = stream(dice)
    with sinks.HttpSink(options=TAGS) as crm, sinks.SmtpSink() as smtp, \
            Fleet(fleet_home, OUTSIDE, crm=crm.url, smtp=smtp.url) as fleet:
        kills = collections.Counter()
        # The stream lasts as long as the kills do: each of them lets further events through.
        may_send = threading.Semaphore(AHEAD)

        def killer():
            for turn in range(KILLS):
                name = PROCESSES[turn % len(PROCESSES)]
                fleet.kill(name)
                kills[name] += 1
                through = (turn + 1) * len(events) // KILLS - turn * len(events) // KILLS
                may_send.release(max(1, through))

        def send(event):
            assert may_send.acquire(timeout=120)
            fleet.deliver(event, deadline=120)

        thread = threading.Thread(target=killer, daemon=True)
        thread.start()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(send, events))
        thread.join(600)
        assert not thread.is_alive() and sum(kills.values()) == KILLS
        fleet.settle(180)
        audit(fleet, crm, smtp, people, events, kills)


def audit(fleet, crm, smtp, people, events, kills):
    journal = fleet.journal()
    # A1, A2, A9: what was accepted is there, once, byte for byte, and nothing else
    wanted = {"stripe:" + event["id"]: event for event in events}
    there = collections.Counter(e["id"] for e in journal)
    assert [i for i, n in there.items() if n > 1] == []
    assert {i for i in there if i.startswith("stripe:")} == set(wanted)
    for event in journal:
        if event["id"] in wanted:
            raw = event["data"]["raw"].encode()
            body = json.dumps(wanted[event["id"]]).encode()
            assert hashlib.sha256(raw).digest() == hashlib.sha256(body).digest()
    assert [e["seq"] for e in journal] == list(range(1, len(journal) + 1))

    # A5, A8: every member as the story says
    for number, person in enumerate(people):
        member = fleet.member(person.email)
        assert member["access"] == (number % 5 not in (1, 2)), member

    # the console: what it shows is what the ledger knows, each event of the journal counted once
    console = Console(fleet).owner()
    for number, person in enumerate(people):
        shown = console.get(f"members/{person.email}")["member"]
        assert shown["access"] == (number % 5 not in (1, 2)), shown
        assert shown["version"] == fleet.member(person.email)["version"]
    home = console.get("home")
    tiles = {tile["id"]: tile["value"] for tile in home["tiles"]}
    assert tiles["members_with_access"] == str(sum(n % 5 not in (1, 2) for n in range(len(people))))
    assert tiles["payments_today"].startswith(f"{len(people)} ("), tiles

    # A6 CRM: one contact each, in the newest state
    contacts = collections.Counter(c["email"] for c in crm.contacts.values())
    assert contacts == {person.email: 1 for person in people}
    by_mail = {c["email"]: c for c in crm.contacts.values()}
    tags = {0: "member", 1: "refunded", 2: "cancelled", 3: "member", 4: "member"}
    wrong = {p.email: by_mail[p.email]["usher_tags"] for n, p in enumerate(people)
             if by_mail[p.email]["usher_tags"] != tags[n % 5]}
    assert wrong == {}

    # A6 support: one note for each refund, whatever was sent twice
    notes = collections.Counter(
        key for ticket in crm.tickets.values() for comment in ticket["comments"]
        for key in [comment["body"].partition("[usher:")[2].partition("]")[0]] if key)
    refunds = {f"refund:{p.charge}": 1 for n, p in enumerate(people) if n % 5 == 1}
    refunds |= {f"refund:{p.charge}:500": 1 for n, p in enumerate(people) if n % 5 == 3}
    assert dict(notes) == refunds

    # A6 mail: each key is one Message-ID; not sent twice by itself, and what may have been is said
    jobs = [job for job in fleet.jobs() if job["actor"] == "mailer"]
    states = collections.Counter(job["state"] for job in jobs)
    print("kills", dict(kills), "mails", dict(states), "journal", len(journal))
    assert [(job["state"], job["error"]) for job in jobs
            if job["state"] not in ("done", "uncertain", "superseded")] == []
    arrived = collections.Counter(smtp.ids())
    assert [i for i, n in arrived.items() if n > 1] == []
    certain = states["done"]
    assert certain <= len(arrived) <= certain + states["uncertain"]
    assert states["uncertain"] <= UNCERTAIN_MAX * kills["mailer"]
