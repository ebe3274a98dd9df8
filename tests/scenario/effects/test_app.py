"""The web app is told who has access: signed, in order, once it can be."""
import base64
import hashlib
import hmac
import json

import pytest

import peers
from sinks import Answer, HttpSink
from stage import member

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture(name="sink")
def fixture_sink():
    with HttpSink() as sink:
        yield sink


def tell(stage, sink, secret=SECRET):
    stage.secret("app", secret)
    stage.config("app", f'    provider = webhook\n    url = "{sink.url}/api/usher"\n'
                        '    secret = "file:secrets/app"\n')
    return stage.start("app")


def signature(secret, call):
    """Written from the specification, not from the code."""
    headers = {name.lower(): value for name, value in call["headers"].items()}
    signed = f'{headers["webhook-id"]}.{headers["webhook-timestamp"]}.'.encode() + call["raw"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def versions(sink):
    return [call["body"]["data"]["version"] for call in sink.calls("POST")]


def test_signed_as_standard_webhooks(stage, sink):
    other = "whsec_" + base64.b64encode(b"o" * 24).decode()
    sink.script(Answer(200, {}), path="/api/usher")
    tell(stage, sink, f"{SECRET}\n{other}")
    stage.publish(member(1, version=2))
    stage.wait_job("app", "access:mem_0001", "done")
    call = sink.calls("POST")[0]
    assert call["headers"]["webhook-signature"].split() == [signature(SECRET, call), signature(other, call)]
    assert call["body"]["type"] == "access.changed"
    data = call["body"]["data"]
    assert data == {"member": "mem_0001", "version": 2, "access": True, "until": None,
                    "reason": "invoice in_1 paid, no refund", "features": ["member"],
                    "state": "active", "asOf": data["asOf"]}


def test_other_peoples_libraries_verify_it(stage, sink):
    other = "whsec_" + base64.b64encode(b"o" * 24).decode()
    stranger = "whsec_" + base64.b64encode(b"x" * 24).decode()
    sink.script(Answer(200, {}), path="/api/usher")
    tell(stage, sink, f"{SECRET}\n{other}")
    stage.publish(member(1, version=2))
    stage.wait_job("app", "access:mem_0001", "done")
    call = sink.calls("POST")[0]
    sent = {name.lower(): value for name, value in call["headers"].items()}
    rows = [{"library": library, "secret": secret, "body": call["raw"].decode(), "headers": sent}
            for library in ("standardwebhooks", "svix") for secret in (SECRET, other, stranger)]
    assert json.loads(peers.node("verify.mjs", json.dumps(rows))) == 2 * [True, True, False]


def test_newest_wins_whatever_the_answers(stage, sink):
    sink.script(Answer(503), Answer(429, retry_after=1), Answer(200, {}), path="/api/usher")
    tell(stage, sink)
    stage.publish(member(1, version=1))
    stage.kit.wait_until(lambda: sink.calls("POST"), what="the first attempt")
    stage.publish(member(1, version=2, access=False, tags=["refunded"], state="revoked"), "member.revoked")
    stage.kit.wait_until(lambda: 2 in versions(sink) and stage.job("app", "access:mem_0001")["state"] == "done",
                         what="the newest version got through")
    assert versions(sink) == sorted(versions(sink))
    last = sink.calls("POST")[-1]["body"]["data"]
    assert last["access"] is False and last["features"] == [] and last["version"] == 2


def test_the_same_message_after_a_lost_answer_and_a_crash(stage, sink):
    sink.script(Answer(200, {}, slow_s=1.0), path="/api/usher")  # longer than a call may take
    process = tell(stage, sink)
    stage.publish(member(1))
    stage.kit.wait_until(lambda: sink.calls("POST"), what="the first attempt")
    process.kill()
    sink.script(Answer(200, {}), Answer(200, {}), path="/api/usher")
    stage.start("app")
    stage.wait_job("app", "access:mem_0001", "done")
    ids = {call["headers"]["webhook-id"] for call in sink.calls("POST")}
    assert len(ids) == 1 and len(sink.calls("POST")) > 1


@pytest.mark.parametrize("status,state", [(410, "dead"), (404, "dead"), (400, "dead")])
def test_an_app_that_does_not_want_it(stage, sink, status, state):
    sink.script(Answer(status), path="/api/usher")
    tell(stage, sink)
    stage.publish(member(1))
    stage.wait_job("app", "access:mem_0001", state)


@pytest.mark.parametrize("text,words", [
    ("    provider = webhook\n", "app/url"),
    ('    provider = webhook\n    url = "http://example.com/x"\n', "app/url"),
    ('    provider = webhook\n    url = "https://example.com/x"\n', "app/secret"),
    ('    provider = webhook\n    url = "https://example.com/x"\n    secret = "whsec_c2hvcnQ="\n', "app/secret"),
])
def test_a_mistake_is_named(stage, text, words):
    stage.secret("app", SECRET)
    stage.config("app", text)
    code, said = stage.check("app")
    assert code == 78 and words in said


def test_an_old_id_is_told_on(stage, sink):
    """Whoever kept the id of a member that became part of another one learns of the refund."""
    sink.script(*[Answer(200, {})] * 9, path="/api/usher")
    tell(stage, sink)
    stage.publish(member(2, version=4))
    stage.wait_job("app", "access:mem_0002", "done")
    both = {"aliases": ["mem_0001", "mem_0002"], "merged": ["mem_0002"]}
    stage.publish(member(1, version=5, **both), "member.changed")
    stage.publish(member(1, version=6, access=False, tags=[], state="revoked", **both), "member.revoked")

    def told():
        newest = {}
        for call in sink.calls("POST"):
            data = call["body"]["data"]
            newest[data["member"]] = (data["version"], data["access"])
        return newest == {"mem_0001": (6, False), "mem_0002": (6, False)}

    stage.kit.wait_until(told, what="both ids were told")
    seen = [(call["headers"]["webhook-id"], call["body"]["data"]["member"]) for call in sink.calls("POST")]
    assert len({message for message, _ in seen}) == len(set(seen))


def test_nothing_is_sent_unless_it_is_wanted(stage):
    stage.config("app")
    stage.start("app")
    stage.publish(member(1))
    assert stage.wait_job("app", "access:mem_0001", "done")["target"] == "local"
