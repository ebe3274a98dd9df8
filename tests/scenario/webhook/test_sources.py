"""Several sources at one door: each with a name, a path and secrets of its own."""
import hashlib
import json
import pathlib
import time

import pytest

import kit
import sellers
import stripe
from usher_client import Client

CONFIG = """\
webhook
    listen = "127.0.0.1:{port}"
    payment
        provider = stripe
        secret = "file:secrets/stripe"
    payment
        provider = stripe
        name = second
"""


def write(home, config, **secrets):
    (pathlib.Path(home) / "usher.cfg").write_text("broker\n" + config, encoding="utf-8")
    folder = pathlib.Path(home) / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, text in secrets.items():
        (folder / name).write_text(text + "\n", encoding="utf-8")
        (folder / name).chmod(0o600)


def check(home):
    process = kit.Process([kit.bin_path("usher-webhook"), "--home", str(home), "--check"])
    code, log = process.wait(), process.log()
    process.close()
    return code, log


@pytest.fixture
def port(home, broker):  # pylint: disable=unused-argument
    port = kit.free_port()
    write(home, CONFIG.format(port=port), stripe="whsec_one", second="whsec_two")
    process = kit.Process([kit.bin_path("usher-webhook"), "--home", str(home)]).wait_ready()
    yield port
    code, log = process.stop(), process.log()
    process.close()
    assert code == 0 and "Sanitizer" not in log and "runtime error" not in log, log


def ids(home):
    with Client(home, "tools") as client:
        client.hello()
        return [event["id"] for event in client.read_all() if event["type"] != "webhook.refused"]


def test_each_source_has_its_path_its_secret_and_its_ids(port, home):
    event = stripe.Person("ada@example.com").paid()
    body = json.dumps(event).encode()
    posts = [("/api/webhooks/payment/stripe", "whsec_one", 200),
             ("/api/webhooks/payment/second", "whsec_two", 200),
             ("/api/webhooks/payment/second", "whsec_one", 400),
             ("/api/webhooks/payment/stripe", "whsec_two", 400),
             ("/api/webhooks/payment", "whsec_one", 200),  # the first that signs this way
             ("/api/webhooks/payment/third", "whsec_one", 404),
             ("/api/webhooks/support", "whsec_one", 404),
             ("/api/webhooks/support/stripe", "whsec_one", 404)]
    for path, secret, wanted in posts:
        status, _ = stripe.post(port, body, stripe.sign(body, secret), path=path)
        assert status == wanted, (path, secret)
    assert ids(home) == ["stripe:" + event["id"], "second:" + event["id"]]


MAPPING = """\
events
    order.paid
        payment
            key = "{data.id}"
            status = done
"""
MISTAKES = [
    ("    payment\n        provider = stripe\n    payment\n        provider = stripe\n", "twice"),
    ("    payment\n        provider = stripe\n        name = \"Not One\"\n", "payment/name"),
    ("    payment\n        provider = stripe\n        name = ledger\n", "payment/name"),
    ("    payment\n        provider = stripe\n        name = empty\n", "payment/secret"),
    ("    payment\n        provider = nobody\n", "payment/provider"),
    ("    payment\n        provider = standard\n        name = stripe\n", "payment/mapping"),
    ("    payment\n        provider = standard\n        name = stripe\n        mapping = nobody\n",
     "or one of clerk polar"),
    ("    payment\n        provider = standard\n        name = stripe\n"
     "        mapping = \"mappings/gone.cfg\"\n", "mappings/gone.cfg: "),
    ("    payment\n        provider = standard\n        name = stripe\n"
     "        mapping = \"mappings/own.cfg\"\n",
     "mappings/own.cfg:5: status: \"done\" is no status of a payment; expected one of paid, failed"),
    ("    support\n        provider = stripe\n", "support/provider"),
    ("    mail\n        name = post\n", "mail/provider"),
]


@pytest.mark.parametrize("section,named", MISTAKES)
def test_a_mistake_in_a_source_is_named(home, section, named):
    write(home, "webhook\n" + section, stripe="whsec_one")
    (pathlib.Path(home) / "mappings").mkdir()
    (pathlib.Path(home) / "mappings" / "own.cfg").write_text(MAPPING, encoding="utf-8")
    code, log = check(home)
    assert code == 78 and named in log, log


SELLERS = """\
webhook
    listen = "127.0.0.1:{port}"
    payment
        provider = paddle
        tolerance = "5s"
    payment
        provider = lemonsqueezy
    payment
        provider = standard
        name = polar
        mapping = polar
"""


@pytest.fixture(name="door")
def fixture_door(home, broker):  # pylint: disable=unused-argument
    port = kit.free_port()
    write(home, SELLERS.format(port=port), paddle="pdl_ntfset_1", lemonsqueezy="lemon1",
          polar="polar_whs_1")
    process = kit.Process([kit.bin_path("usher-webhook"), "--home", str(home)]).wait_ready()
    yield port
    code, log = process.stop(), process.log()
    process.close()
    assert code == 0 and "Sanitizer" not in log and "runtime error" not in log, log


def refusals(home):
    with Client(home, "tools") as client:
        client.hello()
        counts = client.ask("webhook", {"ask": "stats"})
    return {name: counts.get(name, 0) for name in ("forged", "stale", "unsigned", "doubled",
                                                   "malformed", "received", "duplicate")}


def test_the_header_says_whose_a_post_is(door, home):
    """At the path without a name: each is told apart by what it is signed with."""
    paddle = sellers.body("paddle", "transaction_completed")
    lemon = sellers.body("lemonsqueezy", "order_created")
    polar = sellers.body("polar", "order_paid")
    for _ in range(2):
        assert sellers.post(door, paddle, sellers.paddle(paddle, "pdl_ntfset_1"))[0] == 200
        assert sellers.post(door, lemon, sellers.lemonsqueezy(lemon, "lemon1"))[0] == 200
        assert sellers.post(door, polar, sellers.standard(polar, "polar_whs_1", "msg_1"))[0] == 200
    assert ids(home) == ["paddle:evt_ada_03",
                         "lemonsqueezy:" + hashlib.sha256(lemon).hexdigest(), "polar:msg_1"]
    assert refusals(home)["received"] == refusals(home)["duplicate"] == 3


def test_what_is_not_theirs_is_refused(door, home):
    body = sellers.body("paddle", "transaction_completed")
    order = sellers.body("lemonsqueezy", "order_created")
    paid = sellers.body("polar", "order_paid")
    now = int(time.time())
    good = sellers.paddle(body, "pdl_ntfset_1")
    doubled = [("X-Signature", sellers.lemonsqueezy(order, "lemon1")["X-Signature"])] * 2
    rows = [
        ("paddle", body, sellers.paddle(body, "pdl_ntfset_sandbox"), "forged"),
        ("paddle", body + b" ", good, "forged"),
        ("paddle", body, sellers.paddle(body, "pdl_ntfset_1", at=now - 60), "stale"),
        ("paddle", body, sellers.paddle(body, "pdl_ntfset_1", at=now + 60), "stale"),
        ("paddle", body, {}, "unsigned"),
        ("paddle", body, {"Paddle-Signature": "ts=1;h2=00"}, "malformed"),
        ("lemonsqueezy", order, sellers.lemonsqueezy(order, "lemon2"), "forged"),
        ("lemonsqueezy", order, {"X-Event-Name": "order_created"}, "unsigned"),
        ("lemonsqueezy", order, doubled, "doubled"),
        ("polar", paid, sellers.standard(paid, "polar_whs_2", "msg_1"), "forged"),
        ("polar", paid, sellers.standard(paid, "polar_whs_1", "msg_1", at=now - 600), "stale"),
        ("polar", paid, {"webhook-id": "msg_1", "webhook-timestamp": str(now)}, "unsigned"),
    ]
    wanted = dict.fromkeys(refusals(home), 0)
    for source, data, headers, outcome in rows:
        status, _ = sellers.post(door, data, headers, source)
        assert status == 400, (source, outcome)
        wanted[outcome] += 1
        assert refusals(home) == wanted, (source, headers)
    assert not ids(home)


def test_a_payment_provider_is_one_short_file():
    """What it takes to verify, beside what its events mean; nothing else names a provider."""
    folder = kit.ROOT / "actors" / "webhook"
    lines = {name: len((folder / "providers" / f"{name}.c").read_text().splitlines())
             for name in ("stripe", "paddle", "lemonsqueezy", "standard")}
    assert min(lines.values()) < 50 and max(lines.values()) < 150, lines
    named = [path.name for path in [*folder.glob("*.c"), *folder.glob("*.h"), kit.ROOT / "CMakeLists.txt"]
             if not path.name.startswith("paddle") and "provider_paddle" in path.read_text()]
    assert not named, named
