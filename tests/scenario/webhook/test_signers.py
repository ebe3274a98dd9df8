"""What other people's libraries sign, the door takes; what it refuses, they refuse as well. (That
they take what the fleet signs: effects/test_app.py.)"""
import base64
import json
import pathlib

import pytest

import kit
import peers
import sellers
import stripe
from usher_client import Client

STANDARD = "whsec_" + base64.b64encode(b"s" * 32).decode()
TEXT = "polar_whs_chosen_by_somebody"  # the key is the text: Polar's libraries encode it first
STRIPE = "whsec_as_it_stands"
CONFIG = """\
broker
webhook
    listen = "127.0.0.1:{port}"
    payment
        provider = stripe
    payment
        provider = standard
        name = polar
        mapping = polar
    payment
        provider = standard
        name = clerk
        mapping = clerk
"""


def secret(home, name, text):
    folder = pathlib.Path(home) / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / name).write_text(text + "\n", encoding="utf-8")
    (folder / name).chmod(0o600)


@pytest.fixture(name="port")
def fixture_port(home, broker):  # pylint: disable=unused-argument
    port = kit.free_port()
    (pathlib.Path(home) / "usher.cfg").write_text(CONFIG.format(port=port), encoding="utf-8")
    secret(home, "stripe", STRIPE)
    secret(home, "polar", f"{STANDARD}\n{TEXT}")
    secret(home, "clerk", STANDARD)
    process = kit.Process([kit.bin_path("usher-webhook"), "--home", str(home)]).wait_ready()
    yield port
    code, log = process.stop(), process.log()
    process.close()
    assert code == 0 and "Sanitizer" not in log, log


def ids(home):
    with Client(home, "tools") as client:
        client.hello()
        return [event["id"] for event in client.read_all() if event["type"] != "webhook.refused"]


def test_what_they_sign_is_taken(port, home):
    paid = sellers.body("polar", "order_paid").decode()
    user = sellers.body("clerk", "user_created").decode()
    event = stripe.Person("ada@example.com").paid()
    as_text = base64.b64encode(TEXT.encode()).decode()
    rows = [("polar", "standardwebhooks", STANDARD, "msg_1", paid),
            ("polar", "standardwebhooks", as_text, "msg_2", paid),
            ("clerk", "svix", STANDARD, "msg_3", user),
            ("stripe", "stripe", STRIPE, "", json.dumps(event))]
    names = ("library", "secret", "id", "body")
    asked = [(source, dict(zip(names, row))) for source, *row in rows]
    signed = json.loads(peers.node("sign.mjs", json.dumps([row for _, row in asked])))
    for (source, row), headers in zip(asked, signed):
        status, answer = sellers.post(port, row["body"].encode(), headers, source)
        assert (status, json.loads(answer)["duplicate"]) == (200, False), (source, answer)
        status, _ = sellers.post(port, row["body"].encode() + b" ", headers, source)
        assert status == 400, source
    assert ids(home) == ["polar:msg_1", "polar:msg_2", "clerk:msg_3", "stripe:" + event["id"]]


def test_they_and_we_agree_on_what_is_forged(port):
    body = sellers.body("clerk", "user_created")
    other = "whsec_" + base64.b64encode(b"o" * 32).decode()
    good = sellers.svix(body, STANDARD, "msg_1")
    tries = [good, sellers.svix(body, other, "msg_1"), {**good, "svix-id": "msg_2"},
             sellers.svix(body, STANDARD, "msg_1", at=1), {**good, "svix-signature": "v1,"},
             {**good, "svix-signature": "v1, " + good["svix-signature"]}]
    rows = [{"library": "svix", "secret": STANDARD, "body": body.decode(), "headers": headers}
            for headers in tries]
    theirs = json.loads(peers.node("verify.mjs", json.dumps(rows)))
    ours = [sellers.post(port, body, headers, "clerk")[0] == 200 for headers in tries]
    assert ours == theirs == [True, False, False, False, False, True]
