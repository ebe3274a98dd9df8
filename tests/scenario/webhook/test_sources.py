"""Several sources at one door: each with a name, a path and secrets of its own."""
import json
import pathlib

import pytest

import kit
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


MISTAKES = [
    ("    payment\n        provider = stripe\n    payment\n        provider = stripe\n", "twice"),
    ("    payment\n        provider = stripe\n        name = \"Not One\"\n", "payment/name"),
    ("    payment\n        provider = stripe\n        name = ledger\n", "payment/name"),
    ("    payment\n        provider = stripe\n        name = empty\n", "payment/secret"),
    ("    payment\n        provider = nobody\n", "payment/provider"),
    ("    support\n        provider = stripe\n", "support/provider"),
    ("    mail\n        name = post\n", "mail/provider"),
]


@pytest.mark.parametrize("section,named", MISTAKES)
def test_a_mistake_in_a_source_is_named(home, section, named):
    write(home, "webhook\n" + section, stripe="whsec_one")
    code, log = check(home)
    assert code == 78 and named in log, log
