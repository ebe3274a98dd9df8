"""Five payment sources at one door, of four kinds of provider: whoever sells, the member, the CRM's
contact, the mail and the note are the same, each once."""
import json
import random

import pytest

import sellers
import stripe
from fleet import SECRET, Fleet
from kit import wait_until

SECRETS = {"paddle": "pdl_ntfset_fleet", "lemonsqueezy": "lemon secret",
           "polar": "polar_whs_fleet", "clerk": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}
SIGN = {"paddle": sellers.paddle, "lemonsqueezy": sellers.lemonsqueezy,
        "polar": sellers.standard, "clerk": sellers.svix}
CONFIG = """\
webhook
    listen = "127.0.0.1:{port}"
    payment
        provider = stripe
    payment
        provider = paddle
    payment
        provider = lemonsqueezy
    payment
        provider = standard
        name = polar
        mapping = polar
    payment
        provider = standard
        name = clerk
        mapping = "mappings/own.cfg"
crm
    provider = local
support
    provider = local
mailer
    provider = maildir
alert
    hook
        provider = local
console
    listen = "127.0.0.1:{console}"
"""
JOIN = {
    "paddle": ["customer_created", "subscription_created", "transaction_completed",
               "subscription_activated"],
    "lemonsqueezy": ["order_created", "subscription_created", "first_invoice",
                     "subscription_updated"],
    "polar": ["customer_created", "order_created", "order_paid", "subscription_created",
              "subscription_active"],
    "clerk": ["user_created", "item_free", "payment_paid", "item_active"],
}
FAIL = {"paddle": ["renewal_failed", "subscription_past_due"],
        "lemonsqueezy": ["renewal_failed", "subscription_past_due"],
        "polar": ["subscription_past_due"],
        "clerk": ["renewal_failed", "item_past_due"]}
REFUND = {"paddle": ["refund_pending", "refund_approved"], "lemonsqueezy": ["order_refunded"],
          "polar": ["order_refunded", "refund_created"]}
NOTE = {"paddle": "refund:txn_{who}_1", "lemonsqueezy": "refund:order_7", "polar": "refund:0a01"}


@pytest.fixture(scope="module", name="fleet")
def fixture_fleet(fleet_home_module):
    fleet = Fleet(fleet_home_module, CONFIG)
    for name, secret in SECRETS.items():
        fleet.secret(name, secret)
    (fleet.home / "mappings").mkdir()
    shipped = sellers.kit.ROOT / "actors" / "webhook" / "mappings" / "clerk.cfg"
    (fleet.home / "mappings" / "own.cfg").write_text(shipped.read_text())
    with fleet:
        yield fleet


def who_of(source):
    return "of" + source


def address(source):
    return f"{who_of(source)}@example.com"


def bodies(source, names):
    """Made once each, so that a repetition is one."""
    return [(source, name, sellers.body(source, name, who_of(source))) for name in names]


def tell(fleet, telling):
    """True for each that was new."""
    source, name, data = telling
    headers = SIGN[source](data, SECRETS[source], f"msg_{name}")
    status, answer = sellers.post(fleet.port, data, headers, source)
    assert status == 200, (source, name, status, answer)
    return not json.loads(answer)["duplicate"]


def mails(fleet, source):
    return [mail for mail in fleet.maildir() if address(source) in (mail["To"] or "")]


def join(fleet):
    """All of them at once, three times each, shuffled, and Stripe among them."""
    person = stripe.Person("stripe@example.com")
    tellings = [telling for source, names in JOIN.items() for telling in bodies(source, names)]
    events = person.purchase()
    mixed = tellings * 3 + events * 3
    random.Random(11).shuffle(mixed)
    new = 0
    for telling in mixed:
        if isinstance(telling, tuple):
            new += tell(fleet, telling)
        else:
            new += not stripe.deliver(fleet.port, telling, SECRET)[1]["duplicate"]
    assert new == len(tellings) + len(events)
    assert fleet.member(person.email, access=True)["state"] == "active"


def states(fleet, stories, state, tags):
    for source in stories:
        wait_until(lambda of=source: fleet.member(address(of))["state"] == state, 20, source)
        assert set(tags) <= set(fleet.member(address(source))["tags"]), source


def test_whoever_sells_it_happens_once(fleet):
    join(fleet)
    states(fleet, JOIN, "active", ["member"])
    for source in JOIN:
        wait_until(lambda of=source: mails(fleet, of), 20)
        wait_until(lambda of=source: fleet.contact(address(of))["tags"] == ["member"], 20)
    fleet.settle()
    for source in JOIN:
        assert len(mails(fleet, source)) == 1, source
        assert len([c for c in fleet.contacts() if c["email"] == address(source)]) == 1, source
    sources = {event["id"].split(":")[0] for event in fleet.journal() if event["source"] == "webhook"}
    assert sources >= {"stripe", *JOIN}

    for source, names in FAIL.items():
        for telling in bodies(source, names):
            tell(fleet, telling)
    states(fleet, FAIL, "paused", ["payment-failed"])

    for source, names in REFUND.items():
        for telling in bodies(source, names) * 2:
            tell(fleet, telling)
    states(fleet, REFUND, "revoked", ["refunded"])
    notes = {source: NOTE[source].format(who=who_of(source)) for source in REFUND}
    for key in notes.values():
        wait_until(lambda of=key: fleet.notes(of), 20, key)
    fleet.settle()
    for key in notes.values():
        assert len(fleet.notes(key)) == 1, key
