"""What never arrived is found and published, once, whatever happens meanwhile."""
import json
import random
import threading
import time

import pytest

import kit
import stripe
from holes import DAY, history
from sinks import GARBAGE, LOST, Answer

ALL = ("webhook", "ledger", "backfill")


def holes(events, share, seed):
    dice = random.Random(seed)
    return [event for event in events if dice.random() < share]


def rest(events, missing):
    ids = {event["id"] for event in missing}
    return [event for event in events if event["id"] not in ids]


def states(stage, events):
    """Email -> state, of everybody."""
    emails = {event["data"]["object"].get("email") for event in events
              if event["type"] == "customer.created"}
    return {email: (stage.member(email) or {}).get("state") for email in sorted(emails)}


def wanted(count, tag=""):
    after = {0: "active", 1: "revoked", 2: "revoked", 3: "ended"}
    return {f"p{tag}{i}@example.com": after[i % 4] for i in range(count)}


def test_every_hole_is_filled_and_the_second_look_finds_nothing(stage, api):
    events = history(24)
    missing = holes(events, 0.35, 1)
    api.happened(*events)
    stage.start(*ALL).deliver(*rest(events, missing))
    before = stage.ids()

    shown = stage.backfill(code=1)  # only looks
    assert shown["run"]["missing"] == len(missing) and shown["run"]["drifted"] == 0
    assert {line["id"] for line in shown["lines"]} == {f"stripe:{e['id']}" for e in missing}
    assert sum(shown["run"]["types"].values()) == len(missing)
    assert stage.ids() == before

    done = stage.backfill("--apply")["run"]
    assert done["applied"] == len(missing) and not done["troubles"]
    assert stage.has(events) and len(stage.ids()) == len(events)
    filled = [e for e in stage.journal() if e["source"] == "backfill" and "facts" in e["data"]]
    assert all(e["data"]["reason"].startswith("missed") and e["trace"] == e["id"] for e in filled)
    times = [json.loads(e["data"]["raw"])["created"] for e in filled]
    assert times == sorted(times), "oldest first"
    kit.wait_until(lambda: states(stage, events) == wanted(24), 20, "all are as they should be")

    again = stage.backfill("--apply")["run"]
    assert (again["missing"], again["drifted"], again["applied"]) == (0, 0, 0)
    assert stage.run().returncode == 0
    told = [e for e in stage.journal() if e["type"] == "backfill.done"]
    assert len(told) == 1 and told[0]["data"]["applied"] == len(missing)

    more = history(8, days=5, tag="x")  # and once more, with new holes
    api.happened(*more)
    stage.deliver(*more[::2])
    assert stage.backfill("--apply")["run"]["applied"] == len(more[1::2])
    assert stage.has(events + more)
    assert stage.backfill()["run"]["missing"] == 0
    for query in api.asked("/v1/events"):
        assert len(query["types[]"]) <= 20 and query["limit"] == ["100"]


def test_late_webhooks_change_nothing(stage, api):
    events = history(20)
    missing = holes(events, 0.6, 2)
    late = holes(missing, 0.7, 3)
    api.happened(*events)
    stage.start(*ALL).deliver(*rest(events, missing))
    answers = []

    def deliver_late():
        for event in late:
            answers.extend(stage.deliver(event))

    api.close_gate()
    thread = threading.Thread(target=deliver_late)
    asked = stage.ask("backfill", ask="run", days=30, apply=True)["run"]
    api.await_call()
    thread.start()
    api.open_gate()
    kit.wait_until(lambda: stage.run_now()["stage"] == "ended", 30, "the end")
    thread.join()
    run = stage.run_now()
    assert run["id"] == asked["id"]
    answers += stage.deliver(*missing)
    assert all(answer["duplicate"] for answer in answers[len(late):])
    assert stage.has(events) and len(stage.ids()) == len(events)
    kit.wait_until(lambda: states(stage, events) == wanted(20), 20, "all are as they should be")
    assert stage.backfill()["run"]["missing"] == 0


@pytest.mark.parametrize("at", ["listing", "publishing"])
def test_killed_in_the_middle_it_goes_on_where_it_was(stage, api, at):
    events = history(60)
    api.happened(*events)
    stage.configure(found_max=100)  # published in between, too
    stage.start(*ALL)
    api.close_gate()
    stage.ask("backfill", ask="run", days=30, apply=True)
    if at == "listing":
        for _ in range(2):
            api.await_call()
            api.let_pass()
        api.await_call()  # the third call is never answered
    else:
        api.open_gate()
        kit.wait_until(lambda: 100 < stage.run_now()["applied"] < len(events), 20, "some of it")
    first = [call["path"] for call in api.calls()]
    stage.actors["backfill"].kill()
    api.open_gate()
    stage.start("backfill")
    kit.wait_until(lambda: stage.run_now()["stage"] == "ended", 30, "the end")
    assert stage.has(events) and len(stage.ids()) == len(events)
    paths = [call["path"] for call in api.calls()]
    assert paths.count(first[0]) == paths.count(first[1]) == 1, "pages that were read are kept"
    assert stage.backfill()["run"]["missing"] == 0


TROUBLE = {
    "too many calls": [Answer(429, {"error": {}}, retry_after=0), Answer(429, {"error": {}})],
    "down": [Answer(500, {"error": {}}), Answer(503, b"<html>no</html>")],
    "garbage": [GARBAGE, Answer(200, {"object": "list", "data": 7}), Answer(200, b"")],
    "cut off": [Answer(200, b'{"object": "list", "data": [{"id": "evt_1", "obj')],
    "endless": [Answer(200, b"[" + b" " * (3 << 20)), Answer(200, b"[" + b" " * (3 << 20))],
    "wrong type": [Answer(200, {"object": "list", "data": [1, 2], "has_more": True})],
    "no cursor": [Answer(200, {"object": "list", "data": [{"object": "event"}], "has_more": True})],
    "no answer": [LOST, LOST],
}


def test_trouble_is_waited_for(stage, api):
    stage.start(*ALL)
    for number, (kind, answers) in enumerate(TROUBLE.items()):
        events = history(1, tag=f"t{number}")[:6]
        api.happened(*events)
        stage.deliver(*events[::2])
        api.script(*answers, path="/v1/events")
        run = stage.backfill("--apply")["run"]
        assert not run["troubles"] and not api.scripts_left(), kind
        assert run["applied"] == len(events[1::2]) and stage.has(events), kind


def test_a_slow_provider_and_large_pages(stage, api):
    events = history(12)
    api.happened(*events)
    api.pad = 20000  # a hundred of them are more than is read at once
    stage.configure(timeout="500ms")
    api.script(Answer(200, {}, slow_s=1.0), path="/v1/events")
    stage.start(*ALL)
    assert stage.backfill("--apply")["run"]["applied"] == len(events)
    limits = [query["limit"][0] for query in api.asked("/v1/events")]
    assert limits[0] == "100" and "25" in limits
    assert stage.has(events)


def test_a_restricted_key_that_lacks_a_right_is_named(stage, api):
    events = history(3)
    api.happened(*events)
    api.rights = {"events", "customers", "subscriptions", "checkout/sessions", "refunds"}
    stage.start(*ALL)
    run = stage.backfill("--apply", code=1)["run"]
    assert run["applied"] == len(events) and run["failed"]
    assert any("Disputes" in line for line in run["troubles"])
    api.rights.add("disputes")
    assert not stage.backfill("--apply")["run"]["troubles"]


def test_a_key_that_is_refused_missing_or_of_the_other_mode_is_said(stage, api):
    api.happened(*history(1))
    stage.start(*ALL)
    api.key = "rk_test_other"
    run = stage.backfill(code=1)["run"]
    assert any("refused (401)" in line for line in run["troubles"]), run
    stage.backfill(code=1)
    api.key = "rk_test_1"
    stage.backfill(code=1)

    def told():
        return [e["type"] for e in stage.journal() if e["type"].startswith("target.")]
    kit.wait_until(lambda: told() == ["target.refused", "target.accepted"], 10, "each told once")
    stage.configure(api="http://api.example.com")
    check = kit.Process([kit.bin_path("usher-backfill"), "--home", str(stage.home), "--check"])
    assert check.wait() == 78 and "webhook/payment/api" in check.log()
    check.close()
    stage.secret("stripe-key", "rk_live_1")
    done = stage.run()
    assert done.returncode == 78 and "live key" in done.stderr
    stage.secret("stripe-key", "")
    done = stage.run()
    assert done.returncode == 78 and "webhook/payment/key" in done.stderr
    assert "Subscriptions" in done.stderr and "Events" in done.stderr
    assert "rk_" not in stage.actors["backfill"].log()


def test_what_is_older_than_the_events_is_found_by_its_state(stage, api):
    """Everything of these people happened before the thirty days, and half of it never arrived."""
    now = int(time.time())
    old = {}
    for name in ("gone", "unknown", "same", "moved", "chargeback", "refund"):
        old[name] = stripe.Person(f"{name}@example.com", at=now - 50 * DAY)
    bought = {name: person.purchase() for name, person in old.items()}
    for name, events in bought.items():
        api.happened(*events)
    stage.start(*ALL)
    for name, events in bought.items():
        if name != "unknown":
            stage.deliver(*events)
    api.happened(old["gone"].ended())
    api.happened(old["moved"].event("customer.updated",
                                    old["moved"].customer_object(name="Other"), at=now - 45 * DAY))
    api.happened(old["chargeback"].disputed("lost"))
    api.happened(old["refund"].refunded())
    refund = {"id": "re_1", "object": "refund", "charge": old["refund"].charge, "amount": 2900,
              "currency": "usd", "status": "succeeded", "created": now - 49 * DAY,
              "payment_intent": old["refund"].intent}
    lifetime = stripe.Person("lifetime@example.com", at=now - 40 * DAY)
    api.put(refund, {**lifetime.checkout(mode="payment"), "created": lifetime.at})
    stranger = stripe.Person("stranger@example.com", at=now - 90 * DAY)  # over before we came
    api.happened(*stranger.purchase(), stranger.refunded(), stranger.disputed("lost"),
                 stranger.ended())
    kit.wait_until(lambda: stage.member("same@example.com"), 10, "they are known")
    assert stage.member("gone@example.com")["state"] == "active"

    shown = stage.backfill(code=1)
    assert shown["run"]["missing"] == 0 and shown["run"]["drifted"] > 0
    reasons = {line["reason"] for line in shown["lines"]}
    assert "drift: active here, canceled at the provider" in reasons, reasons
    assert not any(word in json.dumps(line) for line in shown["lines"]
                   for word in ("same@", "stranger@", stranger.customer))

    stage.backfill("--apply")
    stage.state("gone@example.com", "ended")
    stage.state("unknown@example.com", "active")
    stage.state("chargeback@example.com", "revoked")
    stage.state("refund@example.com", "revoked")  # its charge was asked for, too
    kit.wait_until(lambda: stage.member("moved@example.com")["name"] == "Other", 10, "the name")
    stage.state("lifetime@example.com", "active")
    assert stage.member("same@example.com")["state"] == "active"
    assert stage.member("stranger@example.com") is None
    repaired = [e for e in stage.journal() if ":state:" in e["id"] and "facts" in e["data"]]
    assert repaired and all(e["data"]["reason"] for e in repaired)

    kit.wait_until(lambda: not stage.finds(), 10, "the second look finds nothing")
    assert stage.member("gone@example.com")["state"] == "ended"


def test_a_dispute_whose_charge_nobody_told_of_is_led_home(stage, api):
    person = stripe.Person("ada@example.com", at=int(time.time()) - 3 * DAY)
    events = person.purchase()
    api.happened(*events)
    stage.configure(settle="0s")
    stage.start(*ALL)
    told = [e for e in events if e["type"] in ("customer.created", "customer.subscription.created",
                                               "invoice.paid")]
    second = person.use(1).purchase()  # so that the customer alone does not say which it is
    api.happened(*second)
    stage.deliver(*told, *[e for e in second if e["type"] == "invoice.paid"])
    stage.state("ada@example.com", "active")
    person.use(0)
    dispute = person.disputed()
    stage.deliver(dispute)

    def homed():
        return [e for e in stage.journal() if e.get("cause") == f"stripe:{dispute['id']}"
                and e["source"] == "backfill"]
    kit.wait_until(lambda: len(homed()) >= 2, 20, "the charge and its invoice")
    assert {e["type"] for e in homed()} == {"payment.linked"}
    assert all(e["data"]["reason"].startswith("fetched") for e in homed())
    kit.wait_until(lambda: not stage.ask("ledger", ask="orphans")["orphans"], 10, "no orphan")
    paths = [c["path"].partition("?")[0] for c in api.calls()]
    assert paths == [f"/v1/charges/{person.charge}", "/v1/invoice_payments"]


def test_a_refund_of_a_purchase_that_nobody_told_of(stage, api):
    """One-off: no invoice, so the checkout says whose it is; its charge, that all is given back."""
    bob = stripe.Person("bob@example.com", at=int(time.time()) - 3 * DAY)
    checkout = {**bob.checkout(mode="payment"), "created": bob.at}
    api.put({**bob.charge_object(refunded=2900), "customer": None}, checkout)
    stage.configure(settle="0s")
    stage.start(*ALL)
    api.script(Answer(429, {"error": {}}), path="/v1/charges")
    stage.deliver(bob.event("refund.created", {
        "id": "re_1", "object": "refund", "charge": bob.charge, "payment_intent": bob.intent,
        "amount": 2900, "currency": "usd", "status": "succeeded", "created": bob.at + 60}))
    stage.state("bob@example.com", "revoked")
    paths = [call["path"].partition("?")[0] for call in api.calls() if call["status"] == 200]
    assert paths == [f"/v1/charges/{bob.charge}", "/v1/invoice_payments", "/v1/checkout/sessions"]


def test_it_looks_by_itself(stage, api):
    events = history(6, days=1)
    api.happened(*events)
    stage.configure(every="2s", daily="1h", settle="0s")
    stage.start(*ALL)
    kit.wait_until(lambda: len(stage.ids()) == len(events), 20, "the first look")
    more = history(2, days=0.05, tag="y")
    recent = [e for e in more if e["created"] > time.time() - 7000]
    api.happened(*recent)
    kit.wait_until(lambda: stage.has(recent), 20, "the hourly look")

    def kinds():
        return [e["data"]["kind"] for e in stage.journal() if e["type"] == "backfill.done"]
    kit.wait_until(lambda: kinds() == ["daily", "hourly"], 10, "both are told")


def test_one_member_alone(stage, api):
    now = int(time.time())
    ada, bob = (stripe.Person(f"{n}@example.com", at=now - 60 * DAY) for n in ("ada", "bob"))
    api.happened(*ada.purchase(), *bob.purchase(), ada.refunded(), bob.refunded())
    stage.start(*ALL).deliver(*ada.purchase(), *bob.purchase())
    stage.state("ada@example.com", "active")
    shown = stage.backfill("--member", "ada@example.com", code=1)["run"]
    assert shown["kind"] == "member" and shown["types"] == {"payment.refunded": 1}
    stage.backfill("--member", "ada@example.com", "--apply")
    stage.state("ada@example.com", "revoked")
    assert stage.member("bob@example.com")["state"] == "active"
    assert stage.backfill("--member", "ada@example.com")["run"]["drifted"] == 0
    assert stage.run("--member", "nobody@example.com").returncode == 1
