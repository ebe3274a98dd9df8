"""A real Next.js app behind usher: pay and the page opens, refund and it closes; and when usher is away."""
import pathlib
import subprocess
import tempfile
import time

import pytest

import kit
import nextjs
from console_client import Console
from fleet import EMBEDDED, Fleet
from kit import wait_until
from stripe import Person

APP = """app
    provider = webhook
    url = "{hook}"
    secret = "file:secrets/app"
"""


@pytest.fixture(scope="module", name="shop")
def fixture_shop(processes_module):
    problem = nextjs.node_problem()
    if problem:
        pytest.skip(problem)
    home = tempfile.mkdtemp(prefix="ush", dir="/tmp")
    with Fleet(home, EMBEDDED) as fleet:
        key = Console(fleet).owner().key("access")
        secret = (pathlib.Path(home) / "secrets/app").read_text().strip()
        app = nextjs.start_app(f"http://127.0.0.1:{fleet.console_port}", key, secret)
        processes_module.append(app)
        fleet.children["app"].stop()
        fleet.configure(EMBEDDED + APP.format(hook=app.hook))
        fleet.children["app"].start()
        fleet.children["app"].wait_ready()
        yield fleet, app
    kit.drop_home(home)


@pytest.fixture(scope="module")
def processes_module():
    started = []
    yield started
    for process in reversed(started):
        process.close()


def seconds_until(condition):
    started = time.monotonic()
    wait_until(condition, 10)
    return time.monotonic() - started


def test_pay_and_refund(shop):
    fleet, app = shop
    opened, closed = [], []
    for n in range(10):
        person = Person(f"n{n}@example.com", "N")
        assert app.page("/members", person.email).status != 200 or \
            app.page("/members", person.email).access == "off"
        for event in person.purchase():
            fleet.deliver(event)
        opened.append(seconds_until(lambda: app.page("/members", person.email).access == "on"))
        fleet.deliver(person.refunded())
        closed.append(seconds_until(lambda: app.page("/members", person.email).access == "off"))
    print(f"opened {sorted(opened)[5]:.3f} s, worst {max(opened):.3f}; closed {sorted(closed)[5]:.3f}, worst {max(closed):.3f}")
    assert sorted(opened)[5] < 1 and max(opened) < 5
    assert sorted(closed)[5] < 1 and max(closed) < 5


def test_usher_is_away(shop):
    fleet, app = shop
    person, stranger = Person("known@example.com", "K"), Person("unknown@example.com", "U")
    for event in person.purchase():
        fleet.deliver(event)
    wait_until(lambda: app.page("/members", person.email).access == "on", 10)
    fleet.stop()
    try:
        page = app.page("/members", person.email)
        assert page.access == "on", page  # known, and young enough
        assert app.page("/members", stranger.email).access == "off"  # nobody says: not let in
    finally:
        fleet.start()
    wait_until(lambda: app.page("/members", person.email).access == "on", 10)


def test_types_and_tests_of_the_package():
    """Its own tests, as its users would run them."""
    if nextjs.node_problem():
        pytest.skip(nextjs.node_problem())
    folder = pathlib.Path(__file__).parents[3] / "tools/node"
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True, timeout=200)
    subprocess.run(["npm", "test"], cwd=folder, check=True, capture_output=True, timeout=200)
