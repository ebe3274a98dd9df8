"""A whole fleet under test: the real binaries, each a child of ours that is started again at once
when it dies (the delays of the real supervisor are tested where `usher up` is).

    with Fleet(home, EMBEDDED) as fleet:
        fleet.deliver(event)              # signed, through the real door, as often as it takes
        fleet.member("ada@example.com", access=True)   # waits until it is so
        fleet.kill("crm")                 # -9, and waits until it is back and ready
"""

import email
import email.policy
import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import stripe
from kit import BIN, free_port, wait_until
from usher_client import Client

ACTORS = ["webhook", "backfill", "ledger", "crm", "support", "mailer", "app", "alert", "console"]
PROCESSES = ["broker"] + ACTORS
SECRET = "whsec_test_fleet"

# Settle times are scaled from minutes to half seconds; every other setting is the default.
RULES = """\
payment_failed
    settle = "{settle}"
back
    settle = "{settle}"
over
    settle = "{settle}"
"""

EMBEDDED = """\
webhook
    listen = "127.0.0.1:{port}"
    payment
        provider = stripe
        mode = test
        secret = "file:secrets/stripe"
crm
    provider = local
support
    provider = local
mailer
    provider = maildir
alert
    hook
        provider = local
console
    listen = "127.0.0.1:{console}"
"""

# Real providers' shapes, played by sinks; back-off scaled from seconds to tenths of one.
OUTSIDE = """\
webhook
    listen = "127.0.0.1:{port}"
    payment
        provider = stripe
        mode = test
        secret = "file:secrets/stripe"
crm
    provider = hubspot
    url = "{crm}"
    key = "file:secrets/hubspot"
    timeout = "2s"
    probe = "300ms"
    rate = 100000
    retry
        first = "100ms"
        max = "1s"
support
    provider = zendesk
    url = "{crm}"
    user = "agent@example.com"
    key = "file:secrets/zendesk"
    timeout = "2s"
    rate = 100000
    retry
        first = "100ms"
        max = "1s"
mailer
    provider = smtp
    url = "{smtp}"
    from = "Community <hello@example.com>"
    timeout = "2s"
    retry
        first = "100ms"
        max = "1s"
alert
    hook
        provider = local
console
    listen = "127.0.0.1:{console}"
"""


class Child:
    """One process, kept running: started again at once unless it was told to stop."""

    def __init__(self, name, home):
        self.name, self.home = name, home
        self.log = open(home / f"{name}.log", "ab")
        self.stopping = False
        self.starts = 0
        self.ready = threading.Event()
        self.exits = []
        self.thread = threading.Thread(target=self.keep, daemon=True)

    def keep(self):
        while not self.stopping:
            self.ready.clear()
            read, write = os.pipe()
            environment = {**os.environ, "NOTIFY_FD": str(write), "USHER_HOME": str(self.home)}
            self.process = subprocess.Popen(
                [BIN / f"usher-{self.name}", "--home", str(self.home)], env=environment,
                pass_fds=[write], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
            self.starts += 1
            os.close(write)
            with os.fdopen(read, "rb") as pipe:
                if pipe.read(1):
                    self.ready.set()
                code = self.process.wait()
            self.exits.append(code)
            if code not in (0, 111, -signal.SIGKILL) and not self.stopping:
                self.ready.set()  # somebody waits for it: let them find it dead
                return

    def start(self):
        self.stopping = False
        self.thread = threading.Thread(target=self.keep, daemon=True)
        self.thread.start()

    def alive(self):
        return self.process.poll() is None

    def wait_ready(self):
        assert self.ready.wait(30), f"{self.name} is not ready: {self.tail()}"
        assert self.alive(), f"{self.name} exited with {self.exits}: {self.tail()}"

    def kill(self):
        """SIGKILL; returns when the process is gone, not when it is back."""
        exits = len(self.exits)
        self.process.kill()
        wait_until(lambda: len(self.exits) > exits, 10)

    def stop(self):
        self.stopping = True
        if self.alive():
            self.process.terminate()
        self.thread.join(20)
        assert not self.thread.is_alive(), f"{self.name} does not stop: {self.tail()}"

    def tail(self):
        return (self.home / f"{self.name}.log").read_text(errors="replace")[-3000:]


class Tap:
    def __init__(self, fleet, *arguments):
        self.events = []
        head = fleet.ask("broker", {"ask": "status"})["head"]
        self.process = subprocess.Popen(
            [BIN / "usher", "--home", str(fleet.home), "tap", "--json", "--show-personal",
             "--since", str(head + 1), *arguments], stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def until(self, condition, seconds):
        wait_until(lambda: condition(self.events), seconds)
        return list(self.events)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)


class Fleet:
    def __init__(self, home, config, settle="500ms", **settings):
        self.home = Path(home)
        self.port, self.console_port = free_port(), free_port()
        self.run("init", "--yes")
        self.secret("stripe", SECRET)
        for name in ("hubspot", "zendesk"):
            self.secret(name, "key-1")
        self.configure(config, settle=settle, **settings)
        self.children = {name: Child(name, self.home) for name in PROCESSES}

    def configure(self, config, settle="500ms", **settings):
        text = config.format(port=self.port, console=self.console_port, **settings)
        (self.home / "usher.cfg").write_text(text)
        (self.home / "rules.cfg").write_text(RULES.format(settle=settle))

    def secret(self, name, text):
        path = self.home / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(text + "\n")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        for child in self.children.values():
            child.start()
        for child in self.children.values():
            child.wait_ready()

    def stop(self):
        for child in reversed(self.children.values()):
            child.stop()
        for child in self.children.values():
            assert child.exits[-1] == 0, f"{child.name} ended with {child.exits}: {child.tail()}"

    def restart(self):
        self.stop()
        self.start()

    def kill(self, name):
        child = self.children[name]
        child.wait_ready()
        child.kill()
        wait_until(lambda: child.ready.is_set(), 30)
        child.wait_ready()

    # --- the door ----------------------------------------------------------------------------

    def deliver(self, event, deadline=60):
        return stripe.deliver(self.port, event, SECRET, deadline)[1]

    # --- the command line -----------------------------------------------------------------------

    def run(self, *arguments, check=True):
        result = subprocess.run([BIN / "usher", "--home", str(self.home), *arguments],
                                capture_output=True, text=True, timeout=60,
                                stdin=subprocess.DEVNULL)
        if check:
            assert result.returncode == 0, f"usher {arguments}: {result.stdout}{result.stderr}"
        return result

    def usher(self, *arguments):
        result = self.run(*arguments, "--json", check=False)
        assert result.returncode in (0, 1), f"usher {arguments}: {result.stdout}{result.stderr}"
        return json.loads(result.stdout)

    def usher_text(self, *arguments):
        return self.run(*arguments).stdout

    def tap(self, *topics):
        return Tap(self, *topics)

    # --- questions -----------------------------------------------------------------------------

    def client(self):
        client = Client(str(self.home), "tools")
        try:
            client.hello()
        except Exception:
            client.close()
            raise
        return client

    def ask(self, actor, question):
        with self.client() as client:
            return client.ask(actor, question)

    def members_of(self, who):
        return self.ask("ledger", {"ask": "member", "who": who})["members"]

    def member(self, who, access=None):
        """The member; with `access`, as soon as it is so."""
        def look():
            found = self.members_of(who)
            return found[0] if found and access in (None, found[0]["access"]) else None
        return wait_until(look, 20)

    def jobs(self, member=None):
        jobs = []
        for actor in ("crm", "support", "mailer", "app", "alert"):
            after = ""
            while True:
                page = self.ask(actor, {"ask": "jobs", "member": member or "", "after": after,
                                        "limit": 100})
                jobs += page["jobs"]
                after = page.get("next", "")
                if not after:
                    break
        return jobs

    def contacts(self):
        return self.ask("crm", {"ask": "contacts"})["contacts"]

    def contact(self, address):
        return next((c for c in self.contacts() if c["email"] == address), None)

    def notes(self, key=None):
        notes = self.ask("support", {"ask": "notes"})["notes"]
        return [note for note in notes if key in (None, note["key"])]

    def alerts(self):
        return self.ask("alert", {"ask": "alerts"})["alerts"]

    def orphans(self):
        return self.ask("ledger", {"ask": "orphans"})["orphans"]

    def journal(self):
        with self.client() as client:
            return client.read_all()

    def maildir(self):
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                for path in sorted(self.home.glob("mail/new/*"))]

    # --- waiting -------------------------------------------------------------------------------

    def settled(self):
        """True when every actor has read all there is and no job waits or is under way."""
        peers = {p["name"]: p for p in self.ask("broker", {"ask": "status"})["peers"]}
        if any(not peers.get(name, {}).get("connected") or peers[name]["lag"]
               for name in ACTORS if name != "webhook"):
            return False
        return all(job["state"] in ("done", "superseded", "skipped", "dead", "uncertain")
                   for job in self.jobs())

    def settle(self, seconds=60):
        wait_until(self.settled, seconds)

    def rebuild_ledger(self):
        """What `usher rebuild ledger` does, for a fleet that s6 does not hold."""
        cursor = self.ask("ledger", {"ask": "digest"})["cursor"]
        child = self.children["ledger"]
        child.stop()
        data = self.home / "data" / "ledger"
        data.rename(self.home / "data" / "ledger.old")
        data.mkdir(mode=0o700)
        (data / "REBUILD").write_text(str(cursor))
        child.start()
        child.wait_ready()
