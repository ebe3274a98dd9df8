"""Every answer of the API is what its description says; what people type in breaks nothing."""
import json
import pathlib
import re

import jsonschema
import pytest

from console_client import Console
from kit import wait_until
from stripe import Person

HOSTILE = ["<script>alert(1)</script>", "\u202egnp.exe", "😀" * 50, "x" * 2000, 'a"b\'c\\', "a\tb"]


@pytest.fixture(scope="module", name="people")
def fixture_people(fleet):
    """Some members, with names that somebody thought were funny; one is refunded."""
    people = [Person(f"p{n}@example.com", name) for n, name in enumerate(["Ada", "Bob", *HOSTILE])]
    for person in people:
        for event in person.purchase():
            fleet.deliver(event)
    fleet.deliver(people[1].refunded())
    for n, person in enumerate(people):
        fleet.member(person.email, access=n != 1)
    fleet.settle()
    return people


@pytest.fixture(scope="module", name="shape")
def fixture_shape(owner):
    """Validates an answer by the name of its schema in the served description."""
    described = owner.get("openapi.json")

    def validate(name, answer):
        schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer)

    validate.described = described
    return validate


def wait_known(owner, people):
    wait_until(lambda: owner.get("members", limit=200)["total"] == len(people), 20, "all are known")


def test_the_description_is_of_this_program(shape):
    described = shape.described
    assert described["openapi"] == "3.1.0"
    table = pathlib.Path(__file__).parents[3] / "actors/console/route_table.h"
    rows = re.findall(r'^X\((\w+), "(/api/[^"]+)"', table.read_text(encoding="utf-8"), re.M)
    assert {(method.lower(), path) for method, path in rows} == {
        (method, path) for path, item in described["paths"].items() for method in item}


def test_every_get_is_as_described(owner, people, shape):
    wait_known(owner, people)
    member = owner.get("members", q="p0@example.com")["members"][0]["id"]
    job = owner.get("jobs", actor="crm")["jobs"][0]
    event = owner.get("events", type="payment.")["events"][0]["id"]
    values = {"members/{id}": member, "members/{id}/timeline": member, "events/{id}": event,
              "access/{who}": "p0@example.com", "jobs/{actor}/{key}": (job["actor"], job["key"])}
    seen = 0
    for path, item in shape.described["paths"].items():
        if "get" not in item or path in ("/api/v1/openapi.json", "/api/v1/live"):
            continue
        path = path.removeprefix("/api/v1/")
        if path == "problems/{id}":
            continue  # there is none here: test_problems.py
        value = values.get(path, ())
        parts = [value] if isinstance(value, str) else list(value)
        where = re.sub(r"\{\w+\}", lambda _: parts.pop(0), path)  # pylint: disable=cell-var-from-loop
        query = {"event": event} if path == "rules/try" else {}
        name = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        shape(name, owner.get(where, **query))
        seen += 1
    assert seen > 18


def test_problems_are_as_described(owner, shape):
    for path in ("members/nobody@example.com", "events/evt_none", "jobs/crm/none", "problems/none", "nothing"):
        answer = owner.request("GET", "/api/v1/" + path)
        assert answer.status == 404, path
        shape("Problem9457", answer.json)
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_members_are_found_by_every_name(owner, people):
    wait_known(owner, people)
    ada = owner.get("members/p0@example.com")["member"]
    names = [ada["id"], "P0@EXAMPLE.com", *ada["customers"]]
    assert {owner.get(f"members/{name}")["member"]["id"] for name in names} == {ada["id"]}
    for text, found in [("ada", 1), ("p0@", 1), ("example.com", len(people)), ("ada p0", 1), ("ada bob", 0),
                        (ada["customers"][0][:9], 1), ("zzz", 0)]:
        assert len(owner.get("members", q=text, limit=200)["members"]) == found, text
    assert [m["email"] for m in owner.get("members", state="revoked")["members"]] == ["p1@example.com"]
    assert owner.get("members", access="false")["total"] == 1


def test_pages_have_everybody_once(owner, people):
    wait_known(owner, people)
    for query in ({}, {"q": "example"}, {"access": "true"}):
        seen, after = [], ""
        while True:
            page = owner.get("members", limit=3, after=after, **query)
            seen += [member["id"] for member in page["members"]]
            after = page["next"]
            if not after:
                break
        assert len(seen) == len(set(seen)) == len(people) - (query == {"access": "true"})
    lines, after = [], ""
    while after is not None:
        page = owner.get("members/p0@example.com/timeline", limit=2, after=after)
        lines += [line["seq"] for line in page["timeline"]]
        after = page["next"]
    assert lines == sorted(set(lines), reverse=True)
    assert lines == [line["seq"] for line in owner.get("members/p0@example.com")["timeline"]]


def test_nothing_changed_is_not_sent_again(owner, people):
    wait_known(owner, people)
    first = owner.request("GET", "/api/v1/members/p0@example.com")
    again = owner.request("GET", "/api/v1/members/p0@example.com", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304 and again.raw == b""


@pytest.mark.parametrize("method,path,body,status", [
    ("POST", "members/p0@example.com/note", b"[]", 400),
    ("POST", "members/p0@example.com/note", b"{", 400),
    ("POST", "members/p0@example.com/note", b'{"text":"a","text":"b"}', 400),
    ("POST", "members/p0@example.com/note", b'{"text":7}', 400),
    ("POST", "members/p0@example.com/note", b'{"text":"   "}', 400),
    ("POST", "members/p0@example.com/note", b'{"text":"\\u0000"}', 400),
    ("POST", "members/p0@example.com/note", b"{" + b'"a":' * 3000 + b"1" + b"}" * 3000, 400),
    ("POST", "members/p0@example.com/note", b" " * 40000, 413),
    ("POST", "members/p0@example.com/grant", b'{"reason":"x","days":-1}', 400),
    ("POST", "members/p0@example.com/grant", b'{"reason":"x","days":1e99}', 400),
    ("POST", "members/p0@example.com/grant", b'{"reason":"x","until":"yesterday"}', 400),
    ("POST", "members/p0@example.com/grant", b'{"days":3}', 400),
    ("POST", "members/nobody/grant", b'{"reason":"x","days":3}', 404),
    ("POST", "people", b'{"name":"../x","role":"viewer","reason":"x"}', 400),
    ("POST", "people", b'{"name":"x","role":"king","reason":"x"}', 400),
    ("POST", "keys", b'{"name":"x","scopes":["everything"],"reason":"x"}', 400),
    ("POST", "secrets/rotate", b'{"id":"../../etc/passwd","value":"12345678","reason":"x"}', 404),
    ("POST", "secrets/rotate", b'{"id":"webhook/payment/secret","value":"a\\nb12345678","reason":"x"}', 400),
    ("POST", "alerts/silence", b'{"rule":"disk","object":"","hours":"x","reason":"x"}', 400),
    ("POST", "alerts/silence", b'{"rule":"disk","object":[],"hours":1,"reason":"x"}', 400),
    ("POST", "alerts/test", b"{}", 400),
    ("POST", "members/p0@example.com/grant", b'{"reason":"x","until":1795682504000}', 400),
    ("POST", "members/p0@example.com/grant", b'{"reason":"x","untill":"2030-01-01T00:00:00Z"}', 400),
    ("GET", "jobs?state=%ff&member=%ff&after=crm/%ff", None, 200),
    ("POST", "jobs/nobody/x/retry", b'{"reason":"x"}', 404),
    ("POST", "jobs/crm/%00/retry", b'{"reason":"x"}', 400),
    ("GET", "members/" + "x" * 5000, None, 414),
    ("GET", "members/%ff", None, 400),
    ("GET", "members/..%2f..%2fetc", None, 404),
    ("GET", "events?type=" + "y" * 3000, None, 200),
    ("GET", "members?limit=-5&after=zz&q=%27%22", None, 200),
    ("DELETE", "people/ada", b'{"reason":"x"}', 409),
    ("PUT", "people", b"{}", 405),
])
def test_bad_input_is_refused(owner, method, path, body, status):
    answer = owner.request(method, "/api/v1/" + path, body)
    assert answer.status == status, answer.text
    assert owner.get("me")["name"] == "ada"


def test_hostile_names_stand_as_they_are(owner, people):
    wait_known(owner, people)
    for person in people:
        shown = owner.get(f"members/{person.email}")["member"]["name"]
        assert shown == owner.fleet.member(person.email)["name"]
        assert "<script>" not in json.dumps(shown) or shown == HOSTILE[0]


def test_headers_of_every_answer(fleet, owner):
    for path in ("/", "/login", "/healthz", "/api/v1/home", "/api/v1/nothing", "/assets/app.mjs", "/nothing"):
        headers = owner.request("GET", path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "require-trusted-types-for 'script'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert Console(fleet).request("GET", "/healthz").json == {"status": "pass"}
