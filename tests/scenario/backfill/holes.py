"""The stage of the backfill's scenarios: broker, door, ledger and backfill, and a stand-in for the
provider's API, which knows everything that happened, whatever was delivered."""
import json
import pathlib
import subprocess
import time

import kit
import stripe
from usher_client import Client

SECRET = "whsec_backfill"
DAY = 86400

CONFIG = """\
broker
webhook
    listen = "127.0.0.1:{port}"
    payment
        provider = stripe
        secret = "file:secrets/stripe"
        key = "file:secrets/stripe-key"
        api = "{api}"
backfill
    every = "{every}"
    daily = "{daily}"
    settle = "{settle}"
    retry = "50ms"
    timeout = "{timeout}"
    found_max = {found_max}
"""


class Stage:
    def __init__(self, home, processes, api):
        self.home, self.processes, self.api = pathlib.Path(home), processes, api
        self.port = kit.free_port()
        self.actors = {}
        (self.home / "secrets").mkdir(mode=0o700, exist_ok=True)
        self.secret("stripe", SECRET)
        self.secret("stripe-key", api.key)
        self.configure()

    def configure(self, every="0s", daily="0s", settle="60s", timeout="2s", found_max=20000,
                  api=None):
        (self.home / "usher.cfg").write_text(CONFIG.format(
            port=self.port, api=api or self.api.url, every=every, daily=daily, settle=settle,
            timeout=timeout, found_max=found_max))

    def secret(self, name, text):
        path = self.home / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(text + "\n")

    def start(self, *names):
        for name in names:
            process = kit.Process([kit.bin_path(f"usher-{name}"), "--home", str(self.home)])
            self.processes.append(process)
            self.actors[name] = process.wait_ready()
        return self

    def stop(self):
        for name, process in self.actors.items():
            if process.child.poll() is None:
                assert process.stop() == 0, f"{name}: {process.log()}"
            log = process.log()
            assert "Sanitizer" not in log and "runtime error" not in log, log

    def deliver(self, *events):
        return [stripe.deliver(self.port, event, SECRET)[1] for event in events]

    def ask(self, actor, **question):
        with Client(str(self.home), "tools") as client:
            client.hello()
            return client.ask(actor, question)

    def run(self, *arguments):
        return subprocess.run(
            [kit.bin_path("usher"), "--home", str(self.home), "backfill", *arguments],
            capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)

    def backfill(self, *arguments, code=0):
        """The verb with --json; its exit code is the one expected."""
        done = self.run("--json", *arguments)
        assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout) if done.stdout else None

    def journal(self):
        with Client(str(self.home), "tools") as client:
            client.hello()
            return client.read_all()

    def ids(self):
        return [e["id"] for e in self.journal() if e["id"].startswith("stripe:")]

    def has(self, events):
        """Every one of them stands in the journal once."""
        ids = self.ids()
        assert len(ids) == len(set(ids))
        return {f"stripe:{event['id']}" for event in events} <= set(ids)

    def member(self, email):
        found = self.ask("ledger", ask="member", who=email)["members"]
        return found[0] if found else None

    def state(self, email, state):
        def look():
            member = self.member(email)
            return member if member and member["state"] == state else None
        return kit.wait_until(look, 20, f"{email} is {state}")

    def finds(self):
        """How many things a look finds now."""
        run = json.loads(self.run("--json").stdout)["run"]
        return run["missing"] + run["drifted"]

    def run_now(self):
        return self.ask("backfill", ask="progress")["run"]


def history(count, days=27, tag=""):
    """What happened to so many people in the last weeks, as events, oldest first."""
    now, events = int(time.time()), []
    for i in range(count):
        person = stripe.Person(f"p{tag}{i}@example.com", name=f"P{i}", old=i % 5 == 4,
                               at=now - days * DAY + i * (days - 2) * DAY // count)
        events += person.purchase()
        if i % 4 == 1:
            events.append(person.refunded())
        elif i % 4 == 2:
            events.append(person.disputed())
        elif i % 4 == 3:
            events.append(person.ended())
    return sorted(events, key=lambda event: event["created"])
