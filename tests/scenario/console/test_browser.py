"""The pages in a real browser: what a founder does, and every view in every state looked at by axe.

Screenshots lie in build/pages afterwards; USHER_SHOTS names another folder.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import kit
import sinks
from console_client import PASSWORD, Console
from fleet import OUTSIDE, Fleet
from kit import wait_until
from stripe import Person

ROOT = pathlib.Path(__file__).parents[3]
PAGES = ROOT / "tests/pages"
OUT = pathlib.Path(os.environ.get("USHER_SHOTS", ROOT / "build/pages"))
TAGS = {"member", "trial", "payment-failed", "refunded", "disputed", "ending", "cancelled", "needs-support"}
HOSTILE = ["<img src=x onerror=alert(1)>", "\u202egnp.exe \u202c", "😀" * 40, "W" * 300]


@pytest.fixture(scope="module", name="node")
def fixture_node():
    OUT.mkdir(parents=True, exist_ok=True)
    if not (PAGES / "node_modules/axe-core").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=PAGES, check=True, capture_output=True, timeout=200)
    return shutil.which("node")


@pytest.fixture(name="world")
def fixture_world():
    home = tempfile.mkdtemp(prefix="ush", dir="/tmp")
    with sinks.HttpSink(options=TAGS) as crm, sinks.SmtpSink() as smtp:
        crm.key = "key-1"
        with Fleet(home, OUTSIDE, crm=crm.url, smtp=smtp.url) as fleet:
            yield fleet, crm, smtp
    kit.drop_home(home)


def base_of(fleet):
    return f"http://127.0.0.1:{fleet.console_port}"


class Walk:
    def __init__(self, node, fleet, size):
        environment = {**os.environ, "BASE": base_of(fleet), "SIZE": size, "OUT": str(OUT)}
        self.process = subprocess.Popen([node, str(PAGES / "walk.mjs")], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, step, **rest):
        self.process.stdin.write(json.dumps({"step": step, **rest}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "failed" not in answer, answer["failed"]
        return answer["said"]

    def close(self):
        self.process.kill()
        self.process.wait(10)


def buy(fleet, number, name=None):
    person = Person(f"w{number}@example.com", name or f"Wanda {number}")
    for event in person.purchase():
        fleet.deliver(event)
    return person


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_a_founders_day(node, world, size):
    fleet, crm, smtp = world
    walk = Walk(node, fleet, size)
    try:
        # the first owner, by the link that `usher up` prints; then somebody pays
        link = fleet.ask("console", {"ask": "first_owner"})["link"]
        assert walk("begin", link=link, name="ada", password=PASSWORD).endswith("/start")
        walk("go", path="/")
        walk("see_heading", text="Everything is fine")
        person = buy(fleet, 0)
        walk("see", text=" new")  # the pill, live
        text = walk("find", text=person.email)
        fleet.settle()
        for words in ("Has access", "29.00 USD", "CRM", "In step", "Mail"):
            walk("see", text=words)
        assert person.email in text
        assert len(crm.contacts) == 1 and len(smtp.ids()) == 1
        walk("shot", name="member")
        # a refund closes it while the page is open, and the support desk has a note
        fleet.deliver(person.refunded())
        walk("see", text="No access")
        fleet.settle()
        walk("see", text="Refund note left in Zendesk")
        # the CRM refuses our key: one problem, and from the alert's link to fixed in three taps
        crm.key = "key-2"
        for number in range(1, 143):
            buy(fleet, number)
        console = Console(fleet)
        assert console.sign_in("ada").status == 303
        wait_until(lambda: any(p["count"] == 142 for p in console.get("problems")["problems"]), 60, "142 jobs wait")
        walk("go", path="/")
        walk("see", text="HubSpot refuses our key: 142 jobs wait")
        walk("shot", name="red")
        alert = wait_until(lambda: [a for a in fleet.ask("alert", {"ask": "alerts"})["alerts"] if a["rule"] == "key_refused"], 20)
        walk("go", path=alert[0]["href"])
        walk("see", text="142 jobs, one cause")
        walk("shot", name="problems")
        walk("expect_errors", pattern=" 404 ")  # how it hears that a problem is over
        walk("tap", name="Fix it", role="link")
        walk("see", text="What to do")
        walk("tap", name="Put a new key in place")
        walk("fill", label="The new key", text="key-2-of-hubspot")
        walk("reason", text="it had expired")
        crm.key = "key-2-of-hubspot"
        walk("submit", name="Put it in place")
        assert walk("taps") == 3
        walk("see", text="This is over", seconds=60)  # it drains by itself, and the page says so
        fleet.settle(90)
        assert len(crm.contacts) == 143
        # and by hand: dead letters, all of one cause
        crm.script(*[sinks.Answer(400, {"message": "bad"}) for _ in range(30)], path="/crm/")
        for number in range(200, 203):
            buy(fleet, number)
        wait_until(lambda: any(p["cause"] == "dead" and p["count"] == 3 for p in console.get("problems")["problems"]), 30)
        fleet.settle()
        crm.unscript()
        walk("go", path="/problems")
        walk("see", text="3 jobs, one cause")
        walk("tap", name="Fix it", role="link")
        walk("tap", name="Try all 3 again")
        walk("reason", text="mended")
        walk("submit", name="Try again")
        walk("see", text="This is over", seconds=60)
        # the fleet goes away while the page is open: it says so, keeps what it has, and comes back
        walk("go", path="/members")
        walk("expect_errors", pattern="503|ERR_|Failed to load")
        fleet.children["broker"].stop()
        walk("see", text="The fleet does not answer", seconds=30)
        assert "Wanda" in walk("text")
        fleet.children["broker"].start()
        fleet.children["broker"].wait_ready()
        walk("go", path="/")
        walk("see_heading", text="Everything is fine", seconds=60)
        # a session that ended leads to the sign-in page by itself, and from there back
        walk("expect_errors", pattern=" 401 |ERR_")
        walk("go", path="/rules")
        for each in console.get("settings")["sessions"]:
            if not each["current"]:
                console.act(f"sessions/{each['id']}", method="DELETE", reason="a lost phone")
        walk("see_heading", text="Sign in")
        assert walk("sign_in", name="ada", password=PASSWORD, next="/rules") == "/rules"
        walk("expect_errors", pattern="")
        assert walk("palette", text="Rules") == "/rules"
        assert walk("end") == []
    finally:
        walk.close()


def test_every_view_in_every_state(node, world):
    fleet, crm, _ = world
    owner = Console(fleet).owner()
    people = [buy(fleet, number, name) for number, name in enumerate(["Ada Lovelace", "Grace Hopper", *HOSTILE])]
    fleet.deliver(people[1].refunded())
    fleet.settle()
    # as many as there may be versions of her until the last
    crm.script(*[sinks.Answer(400, {"message": "Property values were not valid"}) for _ in range(9)], path="/crm/")
    buy(fleet, 99, "Dead Letter")
    fleet.settle()
    problem = wait_until(lambda: next((p for p in owner.get("problems")["problems"] if p["cause"] == "dead"), None), 30)
    sample = problem["sample"]
    owner.act("alerts/silence", rule="disk", object="", hours=8, reason="known, a new disk is on its way")
    owner.act("people", name="bob", role="support", reason="joins us")
    owner.key("access")
    owner.act(f"members/{sample['member']}/note", text="called, is happy")
    event = owner.get("events", type="payment.")["events"][0]["id"]
    views = {"home": "/", "start": "/start", "problems": "/problems", "problem": f"/problems/{problem['id']}",
             "jobs": "/jobs", "job": f"/jobs/crm/{sample['key'].replace(':', '%3A')}", "members": "/members",
             "member": "/members/w0%40example.com", "hostile": "/members/w2%40example.com",
             "events": "/events", "event": f"/events/{event.replace(':', '%3A')}", "fleet": "/fleet", "rules": "/rules",
             "alerts": "/alerts", "audit": "/audit", "settings": "/settings"}
    environment = {**os.environ, "BASE": base_of(fleet), "COOKIE": owner.cookie, "VIEWS": json.dumps(views), "OUT": str(OUT)}
    ran = subprocess.run([node, str(PAGES / "look.mjs")], env=environment, capture_output=True, text=True,
                         check=False, timeout=280)
    assert ran.returncode == 0, ran.stderr[-3000:]
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["faults"] == [], "\n".join(said["faults"])
    assert said["shots"] == len(views) * (6 + 1) * 2 + 2
