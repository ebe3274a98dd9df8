"""No way around a role: every route with every method, asked by everybody who could ask."""
import base64
import hashlib
import hmac
import http.client
import pathlib
import re
import time
import urllib.parse

import pytest

from console_client import PASSWORD, Console
from kit import wait_until
from stripe import Person

TABLE = pathlib.Path(__file__).parents[3] / "actors/console/route_table.h"
ROW = re.compile(r'^X\((\w+), "([^"]+)", (\w+), (\w+), (\w+), \w+, "(\w*)"', re.M)
ROUTES = [match.groups() for match in ROW.finditer(TABLE.read_text(encoding="utf-8"))]
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
# The words of the design, a second time: not read from the program.
ROLES = {
    "viewer": {"READ"},
    "support": {"READ", "PERSONAL", "NOTE"},
    "operator": {"READ", "PERSONAL", "NOTE", "OPERATE", "SETTINGS"},
    "owner": {"READ", "PERSONAL", "NOTE", "OPERATE", "SETTINGS", "ACCESS", "PEOPLE"},
}
GUESSES = {"/login", "/api/v1/me/password"}  # each wrong one makes the next wait: tested below
ANYBODYS = {"/login", "/welcome", "/login.css", "/healthz"}
SCOPES = {"MEMBERS", "JOBS", "EVENTS", "ACCESS", "METRICS"}


@pytest.fixture(scope="module", name="crew")
def fixture_crew(owner):
    return {role: owner if role == "owner" else owner.add(f"a-{role}", role) for role in ROLES}


def concrete(path):
    return re.sub(r"\{\w+\}", "x", path)


def ask(visitor, method, path):
    """An empty body asks for nothing that could be done."""
    form = not path.startswith("/api")
    return visitor.request(method, concrete(path), None if method == "GET" else {}, form=form)


def refused(status):
    return status in (401, 403)


def test_the_table_was_read():
    assert len(ROUTES) > 60 and {row[2] for row in ROUTES} == {"ANYONE"} | ROLES["owner"]


@pytest.mark.parametrize("role", ROLES)
def test_every_route_and_method(crew, role):
    """Whoever may come in hears 400, 404 or 409; whoever may not, 403."""
    me = crew[role]
    known = {path for _, path, *_ in ROUTES}
    for path in known:
        if path in {"/logout", "/api/v1/live"} | GUESSES:
            continue
        rights = {method: right for method, where, right, *_ in ROUTES if where == path}
        for method in METHODS:
            answer = ask(me, method, path)
            if method not in rights:
                assert answer.status in (404, 405, 415), (role, method, path, answer.status)
            elif rights[method] == "ANYONE" or rights[method] in ROLES[role]:
                assert not refused(answer.status), \
                    (role, method, path, answer.status, answer.text)
            else:
                assert answer.status == 403, (role, method, path, answer.status)


def test_anonymous_reaches_login_health_and_nothing_else(fleet):
    for path in {path for _, path, *_ in ROUTES}:
        for method in METHODS if path != "/login" else ["GET", "PUT"]:
            answer = ask(Console(fleet), method, path)
            known = any(path == where and method == verb for verb, where, *_ in ROUTES)
            if path in ANYBODYS or not known:
                assert answer.status != 500
            elif method == "GET" and not path.startswith(("/api", "/assets", "/metrics")):
                assert answer.status == 303 and answer.headers["Location"].startswith("/login")
            else:
                assert answer.status == 401, (method, path, answer.status)
            assert "example.com" not in answer.text


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_a_key_reads_what_its_scope_says(fleet, owner, scope):
    program = Console(fleet, key=owner.key(scope.lower()))
    for method, path, right, wanted, *_ in ROUTES:
        if right == "ANYONE" or path in {"/api/v1/live"} | GUESSES:
            continue
        answer = ask(program, method, path)
        may = method == "GET" and wanted in (scope, "ANY_KEY")
        assert (answer.status == 403) != may, (scope, method, path, answer.status)


def test_a_removed_key_and_a_wrong_one(fleet, owner):
    made = owner.act("keys", name="short", scopes=["members"], reason="x")
    assert Console(fleet, key=made["key"]).request("GET", "/api/v1/members").status == 200
    owner.act(f"keys/{made['id']}", method="DELETE", reason="x")
    for key in (made["key"], made["key"][:-1] + "x", "", "usk_", "x" * 5000):
        assert Console(fleet, key=key).request("GET", "/api/v1/members").status in (401, 431)
    listed = owner.get("settings")["keys"]
    assert all("key" not in each and made["key"] not in str(each) for each in listed)


# --- forged and stolen ----------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [
    {"X-Usher-CSRF": None}, {"X-Usher-CSRF": "0" * 64}, {"Origin": None}, {"Origin": "null"},
    {"Origin": "https://evil.example"}, {"Origin": "http://127.0.0.1:1"},
])
def test_a_forged_act_does_nothing(owner, headers):
    before = len(owner.get("audit", limit=200)["entries"])
    answer = owner.request("POST", "/api/v1/alerts/silence", {"rule": "disk", "object": "", "hours": 1, "reason": "x"},
                           headers=headers)
    assert answer.status == 403
    assert len(owner.get("audit", limit=200)["entries"]) == before


def test_a_body_of_another_kind_is_not_read(owner):
    answer = owner.request("POST", "/api/v1/alerts/silence", "rule=disk&hours=1&reason=x",
                           headers={"Content-Type": "text/plain"})
    assert answer.status == 415


def test_a_session_that_was_ended_is_over(fleet, owner):
    bob = owner.add("bob", "viewer")
    other = Console(fleet)
    assert other.sign_in("bob").status == 303
    mine = next(s["id"] for s in bob.get("settings")["sessions"] if s["current"])
    assert bob.act(f"sessions/{mine}", method="DELETE")["event"]
    assert bob.request("GET", "/api/v1/me").status == 401
    assert other.get("me")["name"] == "bob"
    owner.act("people/bob", method="DELETE", reason="left")
    assert other.request("GET", "/api/v1/me").status == 401
    assert Console(fleet).sign_in("bob").status == 401


def test_one_cannot_end_somebody_elses_session(crew):
    owners = next(s["id"] for s in crew["owner"].get("settings")["sessions"] if s["current"])
    crew["operator"].act(f"sessions/{owners}", status=404, method="DELETE")
    assert crew["owner"].get("me")["role"] == "owner"


def test_a_role_changes_at_once(owner):
    cem = owner.add("cem", "operator")
    owner.act("people/cem/role", role="viewer", reason="x")
    assert cem.get("me")["role"] == "viewer"
    assert cem.request("POST", "/api/v1/alerts/silence", {}).status == 403


def test_guessing_is_slowed_down(fleet, owner):
    owner.add("dora", "viewer")
    stranger = Console(fleet)
    answers = [stranger.sign_in("dora", "wrong password", address="10.5.5.5").status for _ in range(7)]
    assert answers[:3] == [401] * 3 and answers[-1] == 429
    # the same words for who does not exist
    assert Console(fleet).sign_in("nobody", PASSWORD, address="10.6.6.6").status == 401


@pytest.mark.parametrize("wanted", ["//evil.example", "/\\evil.example", "/\t/evil.example", "/\x01/evil.example", "/%FF", "https://evil.example", "javascript:alert(1)"])
def test_sign_in_leads_to_pages_of_ours_only(fleet, owner, wanted):
    page = Console(fleet).request("GET", "/login?next=" + (wanted if wanted.endswith("%FF") else urllib.parse.quote(wanted, safe=""))).text
    assert 'name="next" value="/"' in page
    assert owner.get("me")["name"] == "ada"


# --- masked ---------------------------------------------------------------------------------------


def test_a_viewer_sees_no_names(fleet, crew):
    person = Person("secret.person@example.com", "Grace Hopper")
    for event in person.purchase():
        fleet.deliver(event)
    member = fleet.member(person.email, access=True)["id"]
    fleet.settle()
    viewer = crew["viewer"]
    wait_until(lambda: viewer.get("members", q=member)["members"], 10, "known")
    event = viewer.get("events", type="payment.")["events"][0]["id"]
    for path in ("home", "members", f"members/{member}", f"members/{member}/timeline", "events", f"events/{event}",
                 "jobs", f"jobs/crm/crm:{member}", "audit", "problems"):
        text = viewer.request("GET", "/api/v1/" + path.replace(":", "%3A")).text
        assert "Grace" not in text and "Hopper" not in text and "secret.person" not in text, path
    # nor finds them out: only a whole name is found, and what people wrote is theirs
    for text in ("Grace", "grac", "secret.", "secret.person@", "hopper"):
        assert viewer.get("members", q=text)["members"] == [], text
    assert len(viewer.get("members", q=person.email)["members"]) == 1
    crew["owner"].act(f"members/{member}/note", text="Grace Hopper called")
    for path in ("home", "audit", "events", f"members/{member}", "settings", f"rules/try?event={event}"):
        assert "Hopper" not in viewer.request("GET", "/api/v1/" + path).text, path
    assert "Hopper" in crew["owner"].request("GET", "/api/v1/audit").text
    assert "secret.person" in crew["support"].request("GET", f"/api/v1/members/{member}").text


def test_a_page_that_is_open_has_the_role_of_now(fleet, owner):
    fred = owner.add("fred", "support")
    connection = http.client.HTTPConnection(fred.host, timeout=20)
    connection.request("GET", "/api/v1/live", headers={"Cookie": fred.cookie})
    stream = connection.getresponse()
    owner.act("people/fred/role", role="viewer", reason="x")
    stream.read()  # it ends; the page comes back by itself, with the new role
    connection.close()
    assert fred.get("me")["role"] == "viewer"


def test_guesses_of_a_stranger_block_nobodys_own_affairs(fleet, owner):
    gail = owner.add("gail", "viewer")
    for _ in range(9):
        gail.request("POST", "/api/v1/me/password", {"old": "wrong password", "new": "another good one"},
                     headers={"X-Forwarded-For": "10.7.7.7"})
    answer = owner.request("POST", "/api/v1/me/password", {"old": PASSWORD, "new": PASSWORD},
                           headers={"X-Forwarded-For": "10.8.8.8"})
    assert answer.status == 200, answer.text


def test_two_steps(fleet, owner):
    henri = owner.add("henri", "viewer")
    start = henri.act("me/totp")
    henri.act("me/totp/confirm", status=400, code="000000")
    henri.act("me/totp/confirm", code=code_of(start["secret"]))
    where = {"X-Forwarded-For": "10.9.9.9"}
    form = {"name": "henri", "password": PASSWORD, "code": "", "next": "/"}
    page = Console(fleet).request("POST", "/login", form, form=True, headers=where)
    assert page.status == 200 and 'name="code"' in page.text
    spent = Console(fleet).request("POST", "/login", {**form, "code": code_of(start["secret"])}, form=True, headers=where)
    assert spent.status == 401  # it has counted once


def code_of(secret):
    """RFC 6238, written from the text."""
    key = base64.b32decode(secret)
    mac = hmac.new(key, int(time.time() // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(int.from_bytes(mac[at:at + 4], 'big') & 0x7fffffff) % 1000000:06}"


def test_a_forged_host_is_not_ours(owner):
    answer = owner.request("POST", "/api/v1/alerts/silence", {"rule": "disk", "object": "", "hours": 1, "reason": "x"},
                           headers={"Host": "rebound.example", "Origin": "http://rebound.example"})
    assert answer.status == 403
