"""The stage of the effects' scenarios: a broker, effect actors, and member documents published by
a Python client as `ledger`."""
import json
import pathlib
import subprocess

from usher_client import Refused, Silence, event, write_key_pair

FAST = """    timeout = "500ms"
    probe = "300ms"
    retry
        first = "100ms"
        max = "400ms"
"""


def member(number=1, version=1, **more):
    """A member's document as the ledger writes it."""
    name = f"mem_{number:04d}"
    document = {"id": name, "aliases": [name], "version": version, "state": "active",
                "access": True, "reason": "invoice in_1 paid, no refund",
                "rule": "first access, paid", "email": f"m{number}@example.com",
                "name": f"Member {number}", "app_user": "", "source": "stripe",
                "customers": [f"cus_{number}"], "tags": ["member"],
                "all_tags": ["member", "trial", "payment-failed", "refunded"],
                "last_payment_at": 0, "last_payment": {}, "until": 0, "effects": []}
    document.update(more)
    return document


def effect(key, to="mailer", kind="welcome", **more):
    base = {"key": key, "to": to, "kind": kind, "settle_ms": 0, "at": 0, "data": {}}
    return {**base, **more}


class Stage:
    def __init__(self, home, connect, processes, kit):
        self.home, self.processes, self.kit, self.connect = home, processes, kit, connect
        self.ledger, self.tools = connect("ledger"), connect("tools")
        self.published = 0
        self.sections = {}

    # --- processes

    def config(self, section, text="", fast=True):
        """Sets a section of usher.cfg."""
        self.sections[section] = text + (FAST if fast else "")
        whole = "".join(f"{name}\n{body}" for name, body in self.sections.items())
        pathlib.Path(self.home, "usher.cfg").write_text("broker\n" + whole, encoding="utf-8")

    def secret(self, name, text):
        folder = pathlib.Path(self.home, "secrets")
        folder.mkdir(exist_ok=True, mode=0o700)
        (folder / name).write_text(text + "\n", encoding="utf-8")
        (folder / name).chmod(0o600)

    def start(self, actor):
        process = self.kit.Process([self.kit.bin_path(f"usher-{actor}"), "--home", self.home])
        self.processes.append(process)
        return process.wait_ready(15)

    def check(self, actor):
        """--check: (exit code, what it says)."""
        ran = subprocess.run([self.kit.bin_path(f"usher-{actor}"), "--home", self.home, "--check"],
                             capture_output=True, text=True, check=False, timeout=20)
        return ran.returncode, ran.stderr

    def hubspot(self, sink, **options):
        self.secret("hubspot", options.pop("key", "pat-1"))
        self.config("crm", f'    provider = hubspot\n    url = "{sink.url}"\n'
                           '    key = "file:secrets/hubspot"\n' + options.pop("more", ""))
        return self.start("crm")

    def zendesk(self, sink, more=""):
        self.secret("zendesk", "token-1")
        self.config("support", f'    provider = zendesk\n    url = "{sink.url}"\n'
                               '    user = "agent@example.com"\n'
                               '    key = "file:secrets/zendesk"\n' + more)
        return self.start("support")

    def smtp(self, sink, more=""):
        self.config("mailer", f'    provider = smtp\n    url = "{sink.url}"\n'
                              '    from = "Community <hello@example.com>"\n' + more)
        return self.start("mailer")

    # --- events

    def publish(self, document, kind="member.joined", **more):
        """One member event; returns its id."""
        self.published += 1
        name = f"ledger:{self.published}:{document['id']}"
        self.ledger.publish([event(name, kind, document, subject=document["id"],
                                   cause=f"stripe:evt_{self.published}",
                                   trace=f"stripe:evt_{self.published}", **more)])
        return name

    def publish_many(self, documents, kind="member.joined"):
        events = []
        for document in documents:
            self.published += 1
            events.append(event(f"ledger:{self.published}:{document['id']}", kind, document,
                                subject=document["id"], trace=f"stripe:evt_{self.published}"))
        for start in range(0, len(events), 200):
            self.ledger.publish(events[start:start + 200])

    def admin(self, kind, data):
        self.published += 1
        self.tools.publish([event(f"tools:{self.published}", kind, data)])

    def person(self, name):
        """A connection of a person with a key of her own."""
        write_key_pair(self.home, f"people/{name}")
        return self.connect(f"people/{name}")

    # --- looking

    def ask(self, actor, question):
        try:
            return self.tools.ask(actor, question)
        except (Refused, Silence):
            return None

    def jobs(self, actor, **filters):
        found, after = [], ""
        while True:
            answer = self.ask(actor, {"ask": "jobs", "after": after, "limit": 200, **filters})
            if answer is None:
                return None
            found += answer["jobs"]
            after = answer["next"]
            if not after:
                return found

    def job(self, actor, key):
        found = self.jobs(actor, key=key)
        return found[0] if found else None

    def wait_job(self, actor, key, state, seconds=15):
        def reached():
            job = self.job(actor, key)
            return job if job and job["state"] == state else None

        try:
            return self.kit.wait_until(reached, seconds, f"{key} {state}")
        except AssertionError as late:
            raise AssertionError(f"{late}; is {json.dumps(self.job(actor, key))}") from late

    def wait_all(self, actor, count, state="done", seconds=30):
        def reached():
            jobs = self.jobs(actor, state=state)
            return jobs if jobs is not None and len(jobs) == count else None

        return self.kit.wait_until(reached, seconds, f"{count} jobs of {actor} {state}")

    def news(self, kind, actor=None):
        """Events of a type in the journal."""
        found = self.tools.read_all(topics=[kind])
        return [e for e in found if actor is None or e["data"].get("actor") == actor]
