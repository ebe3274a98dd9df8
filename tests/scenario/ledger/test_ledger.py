"""The ledger on the real broker, fed by the webhook's key: whatever is killed, every event counts
once; a rebuilt ledger is the same one and says nothing twice; time passes by member.due events."""

import hashlib
import json
import pathlib
import random
import shutil
import sys
import time

import pytest
from kit import ROOT, Process, bin_path, wait_until
from usher_client import Refused, Silence, event

sys.path.insert(0, str(ROOT / "tests" / "oracle"))

import oracle  # noqa: E402  pylint: disable=wrong-import-position

START = 1790000000000
DAY = 86400000


def fact(kind, key, at=0, **more):
    return {"kind": kind, "key": key, "at_ms": START + at, **more}


def told(number, *facts):
    """A provider event as the webhook publishes it."""
    return event(f"stripe:evt_{number}", "payment.linked",
                 {"facts": list(facts), "provider_type": "test", "livemode": False})


def purchase(who):
    """The events of one person's life: some of it, in some order."""
    sub, cus, invoice = f"sub_{who}", f"cus_{who}", f"in_{who}"
    email = f"person{who}@example.com"
    paid = dict(status="paid", customer=cus, subscription=sub, amount=2900, currency="usd",
                email=email, until_ms=START + 400 * DAY)
    facts = [
        [fact("customer", cus, email=email, name=f"Person {who}")],
        [fact("payment", invoice, 1000, **paid), fact("link", invoice, object=sub)],
        [fact("subscription", sub, 1000, status="active", customer=cus)],
        [fact("link", f"ch_{who}", object=f"pi_{who}")],
        [fact("link", f"pi_{who}", object=invoice)],
    ]
    if who % 3 == 1:
        facts.append([fact("refund", f"ch_{who}", 5000, amount=2900, of=2900, currency="usd")])
    if who % 3 == 2:
        facts.append([fact("subscription", sub, 9000, status="canceled", customer=cus)])
        facts.append([fact("dispute", f"dp_{who}", 8000, status="won", object=f"ch_{who}")])
    return facts


class Ledger:
    def __init__(self, home):
        self.home = home
        self.process = None
        self.start()

    def start(self):
        self.process = Process([bin_path("usher-ledger"), "--home", self.home])
        self.process.wait_ready(30)

    def kill(self):
        self.process.kill()
        self.process.close()
        self.start()

    def stop(self):
        assert self.process.stop() == 0, self.process.log()
        self.process.close()

    def close(self):
        self.process.close()


@pytest.fixture
def ledger(home, broker, processes):  # pylint: disable=unused-argument
    actor = Ledger(home)
    processes.append(actor)
    return actor


def ask(client, question):
    try:
        return client.ask("ledger", question)
    except (Refused, Silence):
        return None


def digest(client):
    """The digest once the ledger has read everything, its own events too."""

    def whole():
        before = client.read(1, 1)[2]
        answer = ask(client, {"ask": "digest"})
        return answer if answer and answer["cursor"] == before == client.read(1, 1)[2] else None

    steady = [None, None]

    def twice():
        steady.append(wait_until(whole, 60, "the ledger at the head"))
        return steady[-1] == steady[-2]

    wait_until(twice, 60, "a steady ledger")
    return steady[-1]["digest"]


def members(client):
    found, after = [], ""
    while True:
        answer = client.ask("ledger", {"ask": "members", "after": after, "limit": 50})
        found += answer["members"]
        after = answer["next"]
        if not after:
            return found


def one(client, who):
    found = client.ask("ledger", {"ask": "member", "who": who})["members"]
    assert len(found) == 1, found
    return found[0]


def test_killed_at_random_every_event_counts_once_and_a_rebuild_is_the_same(home, ledger, connect):
    chance = random.Random(20261123)
    webhook, tools = connect("webhook"), connect("tools")
    stories = [facts for who in range(60) for facts in purchase(who)]
    events = [told(number, *facts) for number, facts in enumerate(stories)]
    events += chance.sample(events, 60)
    chance.shuffle(events)
    for start in range(0, len(events), 20):
        webhook.publish(events[start:start + 20], deadline_s=30)
        if chance.random() < 0.5:
            ledger.kill()
    before = digest(tools)

    judged = oracle.judge([{"facts": facts} for facts in stories])["members"]
    expected = {m["id"]: (m["state"], m["access"]) for m in judged}
    assert {m["id"]: (m["state"], m["access"]) for m in members(tools)} == expected
    assert len(expected) == 60

    journal = tools.read_all(topics=["member.*"])
    versions = {}
    for said in journal:
        versions.setdefault(said["subject"], []).append(said["data"]["version"])
    for subject, numbers in versions.items():  # each once, in order, none missing
        assert numbers == list(range(1, len(numbers) + 1)), subject
    newest = {said["subject"]: said["data"] for said in journal}
    for judge in judged:
        effects = sorted(f"{e['to']}|{e['key']}" for e in newest[judge["id"]]["effects"])
        assert effects == judge["effects"]

    head = tools.read(1, 1)[2]
    ledger.stop()
    data = pathlib.Path(home) / "data" / "ledger"
    shutil.move(data, str(data) + ".old")
    data.mkdir(mode=0o700)
    (data / "REBUILD").write_text(f"{head}\n", encoding="utf-8")
    ledger.start()
    ledger.kill()  # in the middle of it, perhaps
    assert digest(tools) == before
    assert tools.read(1, 1)[2] == head, "a rebuild said something"


def test_a_members_story_is_told(ledger, connect):  # pylint: disable=unused-argument
    webhook, tools = connect("webhook"), connect("tools")
    for number, facts in enumerate(purchase(1)):
        webhook.publish([told(number, *facts)])
    digest(tools)
    for who in ("person1@example.com", "cus_1", "in_1", "ch_1", "pi_1", "PERSON1@example.com "):
        assert one(tools, who)["state"] == "revoked", who
    member = one(tools, "cus_1")
    assert member["reason"] == "charge ch_1 refunded in full"
    assert "effects" not in member and member["suggestions"] == []
    texts = [line["text"] for line in member["timeline"]]
    assert "Paid 29.00 USD" in texts and "Refunded in full: 29.00 USD" in texts
    assert {line["lane"] for line in member["timeline"]} >= {"money", "access"}
    why = tools.ask("ledger", {"ask": "why", "who": "person1@example.com"})
    assert why["sentence"] == ("Person 1 (person1@example.com) has no access: "
                               "charge ch_1 refunded in full (rule: refunded in full).")
    webhook.publish([told(99, fact("customer", "cus_1", 9000, email="person1@example.com",
                                   name="Person One"))])
    wait_until(lambda: one(tools, "cus_1")["rule"] == "details changed", 10)
    why = tools.ask("ledger", {"ask": "why", "who": "person1@example.com"})
    assert why["rule"] == "refunded in full" and why["rule"] in why["sentence"]
    seqs = tools.ask("ledger", {"ask": "trace", "id": "evt_1"})["seqs"]
    types = [e["type"] for e in tools.read_all() if e["seq"] in seqs]
    assert types == ["payment.linked", "member.activated"] or types == ["payment.linked",
                                                                       "member.joined"]
    chain = tools.ask("ledger", {"ask": "trace", "id": "stripe:evt_1"})
    for said in tools.read_all():
        if said["seq"] in seqs:  # whichever event of the chain is named
            assert tools.ask("ledger", {"ask": "trace", "id": said["id"]}) == chain
    assert tools.ask("ledger", {"ask": "trace", "id": "evt_none"})["seqs"] == []
    assert ask(tools, {"ask": "member", "who": "nobody@example.com"}) == {"members": []}


def test_a_grant_runs_out_and_an_orphan_is_told(ledger, connect):
    webhook, tools = connect("webhook"), connect("tools")
    webhook.publish([told(0, *purchase(2)[0])])
    long_ago = int(time.time() * 1000) - 3600 * 1000 - 1000
    webhook.publish([{**told(1, fact("refund", "ch_lost", amount=5, of=5)), "time": long_ago}])
    member = wait_until(lambda: (ask(tools, {"ask": "member", "who": "cus_2"}) or {}).get(
        "members"), 10)[0]
    assert not member["access"]
    until = int(time.time() * 1000) + 1500
    tools.publish([event("tools:a", "admin.granted",
                         {"member": member["id"], "until": until, "reason": "a friend"})])
    wait_until(lambda: one(tools, "cus_2")["access"], 10, "granted")
    ledger.kill()
    wait_until(lambda: ask(tools, {"ask": "digest"}), 10)
    wait_until(lambda: not one(tools, "cus_2")["access"], 10, "the grant ran out")
    said = [e for e in tools.read_all(topics=["member.*"]) if e["type"] != "member.due"][-1]
    assert said["type"] == "member.ended"
    assert said["data"]["rule"] == "granted or revoked by a person"
    dues = tools.read_all(topics=["member.due"])
    assert [d["data"]["at"] for d in dues if d.get("subject") == member["id"]] == [until]
    orphan = [d["data"] for d in dues if d["data"].get("orphan")]
    assert [o["orphan"] for o in orphan] == ["ch_lost"]
    assert [o["key"] for o in tools.ask("ledger", {"ask": "orphans"})["orphans"]] == ["ch_lost"]
    webhook.publish([told(2, fact("link", "ch_lost", object="in_2"), *purchase(2)[1])])
    wait_until(lambda: tools.ask("ledger", {"ask": "orphans"})["orphans"] == [], 10, "it is home")
    wait_until(lambda: [d for d in tools.read_all(topics=["member.due"])
                        if d["data"].get("linked") and d["data"]["orphan"] == "ch_lost"], 10,
               "said that it is home")


def test_a_deadline_before_one_that_passed_is_told_too(ledger, connect):
    """Events come late: what they say may be over by the time that they are heard."""
    del ledger
    webhook, tools = connect("webhook"), connect("tools")
    webhook.publish([told(0, *purchase(1)[0]), told(1, *purchase(2)[0])])
    wait_until(lambda: (ask(tools, {"ask": "member", "who": "cus_2"}) or {}).get("members"), 10)
    now = int(time.time() * 1000)
    for who, until in (("cus_1", now - 1000), ("cus_2", now - 60_000)):
        tools.publish([event(f"tools:{who}", "admin.granted", {
            "member": one(tools, who)["id"], "until": until, "reason": "a friend"})])
        wait_until(lambda who=who: tools.read_all(topics=["member.due"]) and
                   not one(tools, who)["access"] and one(tools, who)["version"] == 3, 10,
                   f"the grant of {who} ran out")


def test_the_timeline_speaks_to_a_founder_in_order(ledger, connect):
    del ledger
    webhook, tools = connect("webhook"), connect("tools")
    connected = {name: connect(name) for name in ("crm", "mailer", "support", "alert", "app")}
    start = int(time.time() * 1000)
    free = fact("payment", "in_0", status="paid", customer="cus_1", currency="usd")
    webhook.publish([{**told(0, *purchase(1)[0]), "time": start},
                     {**told(1, free), "time": start + 1}])
    wait_until(lambda: (ask(tools, {"ask": "member", "who": "cus_1"}) or {}).get("members"), 10)
    member = one(tools, "cus_1")["id"]

    def job(actor, type_, kind, target, at, **more):
        connected[actor].publish([{**event(f"{actor}:{type_}:{at}", type_, {
            "actor": actor, "kind": kind, "target": target, "member": member, **more}),
            "time": start + at, "subject": member}])

    job("mailer", "job.done", "welcome", "smtp", 900)
    job("crm", "job.done", "contact", "hubspot", 800)
    job("crm", "job.retrying", "contact", "hubspot", 700)
    job("support", "job.done", "refund", "zendesk", 1000)
    job("support", "job.dead", "dispute", "zendesk", 1100)
    job("mailer", "job.skipped", "card", "maildir", 1200, error="too old")
    job("alert", "job.done", "payment_failed", "slack", 1300)
    job("app", "job.retrying", "access", "webhook", 1310)
    job("app", "job.superseded", "access", "webhook", 1320)
    job("app", "job.done", "access", "webhook", 1330)
    job("app", "job.done", "access", "local", 1340)
    tools.publish([{**event("tools:1", "admin.retried", {
        "actor": "support", "key": "x", "member": member, "reason": "key changed"}),
        "time": start + 1400}, {**event("tools:2", "admin.noted", {
            "member": member, "text": "called"}), "time": start + 1400}])
    digest(tools)
    lines = one(tools, "cus_1")["timeline"]
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    assert [line["text"] for line in lines if line["lane"] != "access"] == [
        "Customer details", "Nothing to pay",
        "Contact not yet updated in HubSpot, will be tried again",
        "Contact updated in HubSpot", "Welcome mail sent",
        "Support note about the refund written in Zendesk",
        "Support note about the dispute could not be written in Zendesk, waits for a person",
        "Mail about the failed payment skipped: too old",
        "Alert about the failed payment sent in Slack",
        "Access not yet told to your app, will be tried again",
        "Access was about to be told to your app, a newer state follows",
        "Access told to your app", "Access kept for your app"]
    assert [line["text"] for line in lines][-2:] == [
        "tools had the support note tried again: key changed", "tools noted: called"]


def test_a_bad_rules_file_is_refused_with_its_line(home, broker):  # pylint: disable=unused-argument
    pathlib.Path(home, "rules.cfg").write_text("back\n    settle = \"soon\"\n", encoding="utf-8")
    process = Process([bin_path("usher-ledger"), "--home", home, "--check"])
    assert process.wait() == 78
    assert "rules.cfg:2" in process.log()
    process.close()


def test_record_ids_are_the_oracles():
    name = oracle.record_id("stripe", "customer", "cus_1")
    assert name == "mem_" + hashlib.sha256(b"stripe\0customer\0cus_1").hexdigest()[:20]
    assert json.dumps(name)
