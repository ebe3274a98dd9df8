"""What staff does has a name and a reason, is seen in the audit, and happens."""
import http.client
import json
import re
import subprocess

import pytest

import sinks
from console_client import Console
from fleet import OUTSIDE, Fleet
from kit import wait_until
from stripe import Person


def buy(fleet, email):
    person = Person(email, "Ada")
    for event in person.purchase():
        fleet.deliver(event)
    return person, fleet.member(email, access=True)["id"]


def newest(owner, what):
    return next(entry for entry in owner.get("audit", limit=50)["entries"] if entry["what"] == what)


def test_grant_revoke_note(fleet, owner):
    _, member = buy(fleet, "acts@example.com")
    fleet.settle()
    wait_until(lambda: owner.get("members", q="acts@")["members"], 10, "known")
    owner.act(f"members/{member}/revoke", reason="code of conduct")
    wait_until(lambda: not owner.get(f"members/{member}")["member"]["access"], 10, "revoked")
    entry = wait_until(lambda: newest(owner, "admin.revoked") if newest(owner, "admin.revoked")["after"] else None,
                       10, "its outcome")
    assert entry["who"] == "ada" and entry["reason"] == "code of conduct" and entry["member"] == member
    assert entry["before"] == {"state": "active", "access": True}
    assert entry["after"] == {"state": "revoked", "access": False}
    owner.act(f"members/{member}/unrevoke", reason="talked")
    wait_until(lambda: owner.get(f"members/{member}")["member"]["access"], 10, "given back")
    owner.act(f"members/{member}/grant", days=30, reason="speaker")
    owner.act(f"members/{member}/note", text="called, is happy")
    texts = [line["text"] for line in owner.get(f"members/{member}")["timeline"]]
    assert any("called, is happy" in text for text in texts) and any("speaker" in text for text in texts)
    # it is the journal's: the command line sees the same, with the name
    granted = next(e for e in fleet.journal() if e["type"] == "admin.granted")
    assert granted["who"] == "ada" and granted["source"] == "console" and granted["data"]["reason"] == "speaker"
    result = subprocess.run([fleet.run.__globals__["BIN"] / "usher", "--home", str(fleet.home), "verify", "--json"],
                            capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout


def test_resend_and_two_tabs(fleet, owner):
    person, member = buy(fleet, "tabs@example.com")
    fleet.settle()
    wait_until(lambda: owner.get("members", q="tabs@")["members"], 10, "known")
    before = len(fleet.maildir())
    owner.act(f"members/{member}/resend", key=f"welcome:{member}", reason="lost")
    wait_until(lambda: len(fleet.maildir()) == before + 1, 10, "one mail more")
    owner.act(f"members/{member}/resend", status=404, key="welcome:other", reason="x")
    # what is done is not tried again: the second tab hears what is so
    job = owner.request("POST", f"/api/v1/jobs/mailer/welcome%3A{member}/retry", {"reason": "x"})
    assert job.status == 409 and "done" in job.json["detail"]
    owner.act(f"members/{member}/resync", reason="edited by hand")
    assert person.email == owner.get(f"members/{member}")["member"]["email"]


def test_rotate_and_retire_a_secret(fleet, owner):
    path = fleet.home / "secrets/stripe"
    old = path.read_text()
    owner.act("secrets/rotate", id="webhook/payment/secret", value="whsec_new_one", reason="yearly")
    assert path.read_text() == "whsec_new_one\n" + old and path.stat().st_mode & 0o777 == 0o600
    assert "whsec_" not in json.dumps(owner.get("settings")) + json.dumps(owner.get("audit"))
    owner.act("secrets/rotate", id="webhook/payment/secret", value=old.strip(), reason="back")
    owner.act("secrets/retire", id="webhook/payment/secret", reason="back")
    assert path.read_text() == old
    assert newest(owner, "admin.rotated")["who"] == "ada"


def test_people_by_link(fleet, owner):
    link = owner.act("people", name="eve", role="support", reason="joins")["link"]
    owner.act("people", status=409, name="eve", role="support", reason="again")
    again = owner.act("people/eve/invite", reason="lost the link")["link"]
    assert "over" in Console(fleet).request("GET", link.partition(str(fleet.console_port))[2]).text
    eve = Console(fleet).redeem(again)
    assert eve.get("me")["role"] == "support"
    owner.act("people/ada", status=409, method="DELETE", reason="x")  # the only owner


def test_the_way_back_for_the_only_owner(fleet, owner):
    """Who has the machine has the house: a new link, seen in the audit, that ends what was before."""
    made = fleet.run("owner", "ada").stdout.strip()
    assert fleet.run("owner", "nobody", check=False).returncode == 1
    assert owner.request("GET", "/api/v1/me").status == 401
    owner.csrf = ""
    owner.redeem(made)
    assert owner.get("me")["role"] == "owner"
    entry = next(e for e in owner.get("audit", limit=50)["entries"] if e["reason"] == "at the machine: usher owner")
    assert entry["text"].startswith("ada got a new link")


def test_events_are_seen_as_they_happen(fleet, owner):
    connection = http.client.HTTPConnection(owner.host, timeout=20)
    connection.request("GET", "/api/v1/live", headers={"Cookie": owner.cookie})
    stream = connection.getresponse()
    assert stream.status == 200 and stream.headers["Content-Type"].startswith("text/event-stream")
    _, member = buy(fleet, "live@example.com")
    wanted = re.compile(rb'^data: (\{.*"member.joined".*\})', re.M)
    seen = b""
    while not wanted.search(seen):
        seen += stream.readline()
    line = json.loads(wanted.search(seen).group(1))
    assert line["member"] == member and line["name"] == "Ada" and line["lane"] == "access"
    connection.close()


# --- a target in trouble --------------------------------------------------------------------------


@pytest.fixture(name="outside")
def fixture_outside(tmp_path_factory):
    home = tmp_path_factory.mktemp("u", numbered=True)
    tags = {"member", "trial", "payment-failed", "refunded", "disputed", "ending", "cancelled", "needs-support"}
    with sinks.HttpSink(options=tags) as crm, sinks.SmtpSink() as smtp:
        crm.key = "key-1"
        with Fleet(f"/tmp/ush{home.name}", OUTSIDE, crm=crm.url, smtp=smtp.url) as fleet:
            yield fleet, crm
        subprocess.run(["rm", "-rf", str(fleet.home)], check=True)


def test_142_jobs_one_cause_fixed_from_the_page(outside):
    fleet, crm = outside
    owner = Console(fleet).owner()
    crm.key = "key-2"  # ours is not taken any more
    people = [Person(f"m{n}@example.com", f"M {n}") for n in range(142)]
    for person in people:
        for event in person.purchase():
            fleet.deliver(event)
    problem = wait_until(lambda: next((p for p in owner.get("problems")["problems"] if p["count"] == 142), None),
                         60, "one problem with 142 jobs")
    assert problem["cause"] == "refused" and problem["members"] == 142 and problem["secret"] == "crm/key"
    assert "HubSpot" in problem["sentence"] and problem["serious"]
    home = owner.get("home")
    assert home["color"] == "red" and home["advice"]["href"] == f"/problems/{problem['id']}"
    whole = owner.get(f"problems/{problem['id']}")
    assert len(whole["jobs"]) == 50 and all(job["state"] == "waiting" for job in whole["jobs"])
    # more than was seen: nothing is done
    owner.act(f"problems/{problem['id']}/retry", status=409, count=10, reason="x")
    owner.act("secrets/rotate", id="crm/key", value="key-2-is-not-it", reason="a guess")
    (fleet.home / "secrets/hubspot").write_text("key-2\n")
    done = owner.act(f"problems/{problem['id']}/retry", count=142, reason="new key")
    assert done["done"] == 142
    fleet.settle(120)
    wait_until(lambda: owner.get("home")["color"] == "green", 20, "all is fine")
    assert len(crm.contacts) == 142
    owner.act(f"problems/{problem['id']}/retry", status=404, count=142, reason="again")


def test_pause_from_the_page(outside):
    fleet, crm = outside
    owner = Console(fleet).owner()
    wait_until(lambda: any(actor["targets"] for actor in owner.get("fleet")["actors"] if actor["name"] == "crm"),
               10, "the target has reported")
    owner.act("targets/crm/crm/pause", reason="moving")
    wait_until(lambda: owner.request("POST", "/api/v1/targets/crm/crm/pause", {"reason": "x"}).status == 409,
               10, "paused already")
    buy(fleet, "paused@example.com")
    wait_until(lambda: owner.get("problems")["problems"][0]["count"] == 1, 10, "it waits")
    assert crm.contacts == {}
    owner.act("targets/crm/crm/resume", reason="moved")
    fleet.settle()
    assert len(crm.contacts) == 1


def test_the_fleet_goes_and_comes_back(outside):
    fleet, _ = outside
    owner = Console(fleet).owner()
    _, member = buy(fleet, "away@example.com")
    fleet.settle()
    wait_until(lambda: owner.get("members", q="away@")["members"], 10, "known")
    fleet.children["crm"].stop()
    whole = wait_until(lambda: owner.get(f"members/{member}") if "crm" in owner.get(f"members/{member}")["partial"]
                       else None, 20, "partial")
    assert whole["crm"]["state"] == "synced" and whole["member"]["access"]  # what was heard last
    fleet.children["crm"].start()
    fleet.children["broker"].stop()
    wait_until(lambda: owner.get("home")["fleet"] == "down", 20, "it says so")
    assert owner.get(f"members/{member}")["member"]["access"]
    owner.act(f"members/{member}/note", status=503, text="x")
    fleet.children["broker"].start()
    wait_until(lambda: owner.get("home")["fleet"] == "up", 20, "it is back")
    owner.act(f"members/{member}/note", text="x")
