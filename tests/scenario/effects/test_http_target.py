"""The CRM actor in front of an endpoint that a file describes, and that misbehaves: one effect, signed."""
import json
import pathlib
import shutil

import kit
import peers
import pytest
import sink_endpoint
from sinks import GARBAGE, LOST, REDIRECT, Answer
from stage import member

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_Y2Fubm90IGJlIGd1ZXNzZWQgYnkgYW55Ym9keQ=="
ZAPIER = '    target = "targets/zapier.cfg"\n'


@pytest.fixture
def sink():
    with sink_endpoint.EndpointSink() as endpoint:
        yield endpoint


def put(stage, name, text):
    folder = pathlib.Path(stage.home, "targets")
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def configure(stage, sink, more=""):
    stage.secret("hook", sink.url + "/hook/1")
    stage.secret("signing", SECRET + "\n" + OLD_SECRET)
    stage.config("crm", '    provider = http\n    url = "file:secrets/hook"\n'
                        '    secret = "file:secrets/signing"\n' + more)


def start(stage, sink, more=""):
    configure(stage, sink, more)
    return stage.start("crm")


def zapier(stage, sink, more=""):
    """As ops/targets has it for Zapier."""
    shutil.copytree(kit.ROOT / "ops" / "targets", pathlib.Path(stage.home, "targets"))
    stage.secret("zapier", sink.url + "/hooks/catch/1/2/")
    return start(stage, sink, ZAPIER + more)


def synced(stage, number=1):
    return stage.wait_job("crm", f"crm:mem_{number:04d}", "done")


def test_told_once_and_signed_as_others_verify_it(stage, sink):
    start(stage, sink)
    stage.publish(member(1, name='Zoë "Z" \u202e\U0001f642\r\nX-Evil: 1'))
    stage.publish(member(2, email='"a\\"\n@example.com', name="x" * 10240))
    synced(stage)
    synced(stage, 2)
    stage.publish(member(1, 2, state="ended", access=False, tags=["trial"]), "member.ended")
    stage.kit.wait_until(lambda: sink.members["mem_0001"]["state"] == "ended", what="the newer state")
    synced(stage)
    assert sink.members["mem_0001"] == {
        "member": "mem_0001", "version": 2, "email": "m1@example.com", "name": "Member 1",
        "state": "ended", "access": False, "tags": ["trial"], "app_user": "",
        "contact": "mem_0001", "retired": False}
    first = next(c for c in sink.log if c["body"]["data"]["member"] == "mem_0001")  # two in parallel
    assert first["body"]["data"]["name"] == 'Zoë "Z" \u202e\U0001f642\r\nX-Evil: 1'
    assert first["path"] == "/hook/1" and "X-Evil" not in first["headers"]
    assert first["headers"]["Content-Type"] == "application/json"
    assert sink.members["mem_0002"]["email"] == '"a\\"\n@example.com'
    assert sink.members["mem_0002"]["name"] == "x" * 10240
    letters = [{"library": "standardwebhooks", "secret": secret, "body": call["raw"].decode(),
                "headers": {k.lower(): v for k, v in call["headers"].items()}}
               for call in sink.log for secret in (SECRET, OLD_SECRET)]
    forged = {**letters[0], "body": letters[0]["body"].replace("active", "ending")}
    said = json.loads(peers.node("verify.mjs", json.dumps(letters + [forged])))
    assert said == [True] * 6 + [False]


TROUBLES = [Answer(500), Answer(429, {}), Answer(503, retry_after=0.1), LOST, GARBAGE,
            Answer(200, {"status": "error"}), Answer(200, body=b'{"status": "succ'),
            Answer(200, ["success"]), Answer(act=True, slow_s=0.9)]


def test_trouble_is_over_and_each_message_counts_once(stage, sink):
    zapier(stage, sink)
    for number, trouble in enumerate(TROUBLES, 1):
        sink.script(trouble)
        stage.publish(member(number))
        synced(stage, number)
        assert len(sink.taken) == number == len(stage.news("job.retrying"))
    ids = [call["headers"]["webhook-id"] for call in sink.log]
    assert len(set(ids)) == len(TROUBLES) < len(ids)  # the same for each attempt at the same news
    assert not stage.news("job.dead")
    sink.script(REDIRECT)
    stage.publish(member(20))
    assert "redirect" in stage.wait_job("crm", "crm:mem_0020", "dead")["error"]
    assert not sink.calls(path="elsewhere")


def test_an_own_file_an_own_body_and_a_token_that_expires(stage, sink):
    put(stage, "own.json", (kit.ROOT / "ops" / "targets" / "own.json").read_text())
    put(stage, "own.cfg", (kit.ROOT / "ops" / "targets" / "own.cfg").read_text().replace(
        "https://crm.example.com", sink.url))
    sink.token, sink.says = "new", {"ok": True, "contact": {"id": 4711}}
    stage.secret("token", "old")
    start(stage, sink, '    target = "targets/own.cfg"\n    key = "file:secrets/token"\n')
    stage.publish_many([member(1, name="")] + [member(n) for n in range(2, 8)])

    def held():
        found = (stage.ask("crm", {"ask": "problems"}) or {}).get("problems", [])
        return [p for p in found if p["cause"] == "held"]

    problem, = stage.kit.wait_until(held, what="held")
    assert "refuses our key (401)" in problem["error"]
    stage.kit.wait_until(lambda: not stage.jobs("crm", state="sending"), what="the calls' ends")
    calls = len(sink.log)
    assert calls <= 7 and {j["attempt"] for j in stage.jobs("crm", state="waiting")} == {0}
    stage.secret("token", "new")
    stage.admin("admin.resumed", {"actor": "crm", "slot": "crm"})
    for number in range(1, 8):
        stage.admin("admin.retried", {"actor": "crm", "key": f"crm:mem_{number:04d}", "reason": "x"})
    stage.wait_all("crm", 7)
    assert len(sink.members) == 7 and not stage.news("job.dead")
    told = sink.members["/contacts/mem_0001"]
    assert told["person"] == {"email": "m1@example.com", "name": "friend", "user": ""}
    assert told["summary"].startswith("friend is active since 20") and told["tags"] == ["member"]
    assert told["known_to_you_as"] == ""
    stage.publish(member(1, 2), "member.changed")
    stage.kit.wait_until(lambda: sink.members["/contacts/mem_0001"]["known_to_you_as"] == "4711",
                         what="its id")
    sink.says = {"ok": False}
    stage.publish(member(1, 3), "member.changed")
    assert '"ok"' in stage.wait_job("crm", "crm:mem_0001", "dead")["error"]


def test_a_mistake_is_refused_with_its_line_and_an_edit_counts_at_once(stage, sink):
    configure(stage, sink, '    target = "targets/x.cfg"\n')
    put(stage, "x.cfg", "target\n    body = x.json\n")
    put(stage, "x.json", '{\n  "email": {{emial}}\n}\n')
    code, said = stage.check("crm")
    assert code == 78 and 'targets/x.json:2: unknown placeholder "emial"' in said, said
    put(stage, "x.cfg", "target\n    answers\n        done = 2xx\n")
    code, said = stage.check("crm")
    assert code == 78 and "targets/x.cfg:3: done: expected status codes" in said, said

    put(stage, "x.cfg", "target\n    method = PUT\n")
    assert stage.check("crm")[0] == 0
    stage.start("crm")
    stage.publish(member(1))
    synced(stage)
    put(stage, "x.cfg", "target\n    method = PUSH\n")
    stage.publish(member(2))
    stage.kit.wait_until(lambda: stage.news("job.retrying"), what="it waits for the file")
    put(stage, "x.cfg", "target\n    method = PATCH\n")
    synced(stage, 2)
    assert [c["method"] for c in sink.log] == ["PUT", "PATCH"]


def test_nothing_secret_shows(stage, sink):
    sink.token = "other"
    process = zapier(stage, sink, '    key = "canary-key-4711"\n')
    stage.publish(member(1))
    stage.kit.wait_until(lambda: stage.news("job.retrying"), what="the first attempt")
    everything = process.log() + str(stage.tools.read_all()) + str(stage.jobs("crm")) + str(
        stage.ask("crm", {"ask": "problems"}))
    for word in ["canary-key", "hooks/catch", "whsec_"]:
        assert word not in everything


def test_merged_members_are_told_as_such(stage, sink):
    start(stage, sink)
    for number in [1, 2]:
        stage.publish(member(number))
    stage.wait_all("crm", 2)
    stage.publish(member(1, 5, aliases=["mem_0001", "mem_0002"], merged=["mem_0002"]),
                  "member.changed")
    stage.kit.wait_until(lambda: [c for c in sink.log if c["body"]["data"]["retired"]],
                         what="the retired one")
    retired, = [c["body"]["data"] for c in sink.log if c["body"]["data"]["retired"]]
    assert (retired["contact"], retired["state"], retired["tags"]) == ("mem_0002", "merged", [])


def test_the_files_that_are_shipped_are_good(stage, sink):
    for name in ["zapier", "own"]:
        shutil.copytree(kit.ROOT / "ops" / "targets", pathlib.Path(stage.home, "targets"),
                        dirs_exist_ok=True)
        stage.secret("zapier", "https://hooks.zapier.com/hooks/catch/1/2/")
        configure(stage, sink, f'    target = "targets/{name}.cfg"\n')
        code, said = stage.check("crm")
        assert code == 0, said
