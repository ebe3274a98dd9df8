"""The stage of what comes in by desks and mail providers: a broker and the actors that it concerns, the
real binaries, with Stripe in front, and a stand-in for Zendesk behind."""
import http.client
import json
import pathlib

import kit
import posts
import sink_zendesk
import stripe
from sink_helpscout import MAILBOX
from sink_intercom import ADMIN, TICKET_TYPE
from sinks import Answer
from usher_client import Client, event

FAST = """    timeout = "700ms"
    probe = "200ms"
    rate = 100000
    retry
        first = "50ms"
        max = "200ms"
"""
CONFIG = """\
webhook
    listen = "127.0.0.1:{port}"
    payment
        provider = stripe
    support
        provider = zendesk
    support
        provider = helpscout
    support
        provider = intercom
    mail
        provider = resend
    mail
        provider = postmark
    mail
        provider = ses
        certificates = "{sns}"
    limits
        answer = "3s"
support
    provider = {desk}
{notes}mailer
    provider = maildir
    from = "Community <hello@example.com>"
"""
# Where notes go, by desk; `url` is the stand-in's.
NOTES = {
    "local": "",
    "zendesk": '    url = "{url}"\n    user = "agent@example.com"\n    key = "literal-key"\n' + FAST,
    "helpscout": f'    url = "{{url}}"\n    app = "app-1"\n    mailbox = {MAILBOX}\n'
                 '    lag = "100ms"\n    key = "literal-key"\n' + FAST,
    "intercom": f'    url = "{{url}}"\n    admin = "{ADMIN}"\n    ticket_type = "{TICKET_TYPE}"\n'
                '    lag = "100ms"\n    key = "literal-key"\n' + FAST,
}
RULES = "back\n    settle = 0s\nover\n    settle = 0s\npayment_failed\n    settle = 0s\n"
STRIPE = "whsec_inbox"


class Desk(sink_zendesk.ZendeskSink):
    """Zendesk, which says who has a number."""

    def _users(self, path):
        number = path.path.removeprefix("/api/v2/users/").removesuffix(".json")
        if not number.isdigit():
            return super()._users(path)
        for address, known in self.users.items():
            if str(known) == number:
                return Answer(200, {"user": {"id": known, "email": address, "name": "Ada"}})
        return Answer(404, {"error": "RecordNotFound"})

    def opened_by(self, address, **fields):
        """A ticket of a person; (ticket, person)."""
        return self.add_ticket(email=address, **fields), str(self.user(address))


class Inbox:
    def __init__(self, home, processes, url, sns="http://127.0.0.1:9/", desk="zendesk"):
        self.home, self.processes, self.port = pathlib.Path(home), processes, kit.free_port()
        (self.home / "usher.cfg").write_text("broker\n" + CONFIG.format(
            port=self.port, sns=sns, desk=desk, notes=NOTES[desk].format(url=url)),
            encoding="utf-8")
        (self.home / "rules.cfg").write_text(RULES, encoding="utf-8")
        secrets = self.home / "secrets"
        secrets.mkdir(mode=0o700, exist_ok=True)
        for name, text in {"stripe": STRIPE, "zendesk": posts.ZENDESK,
                           "helpscout": posts.HELPSCOUT, "intercom": posts.INTERCOM,
                           "resend": posts.RESEND, "postmark": posts.POSTMARK,
                           "ses": posts.Topic.ARN}.items():
            (secrets / name).touch(mode=0o600)
            (secrets / name).write_text(text + "\n", encoding="utf-8")
        self.running = {}
        for name in ("webhook", "ledger", "support", "mailer"):
            self.start(name)
        self.acts = 0

    def start(self, name):
        process = kit.Process([kit.bin_path(f"usher-{name}"), "--home", str(self.home)])
        self.processes.append(process)
        self.running[name] = process.wait_ready(15)

    def stop(self, name):
        process = self.running.pop(name)
        code = process.stop()
        assert code == 0, process.log()

    # --- what comes in

    def send(self, post, check=True):
        path, body, headers = post
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", "/api/webhooks/" + path, body,
                               {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if check:
            assert answer.status == 200, (answer.status, text)
        return answer.status, json.loads(text)

    def pay(self, address):
        person = stripe.Person(address)
        for one in person.purchase():
            stripe.deliver(self.port, one, STRIPE)
        self.member(address, lambda member: member["access"])
        return person

    def deliver(self, one):
        stripe.deliver(self.port, one, STRIPE)

    # --- what came of it

    def ask(self, actor, question):
        with Client(str(self.home), "tools") as client:
            client.hello()
            return client.ask(actor, question)

    def act(self, kind, data):
        self.acts += 1
        with Client(str(self.home), "tools") as client:
            client.hello()
            client.publish([event(f"tools:{self.acts}", kind, data, subject=data["member"])])

    def journal(self, *kinds):
        with Client(str(self.home), "tools") as client:
            client.hello()
            return [e for e in client.read_all() if not kinds or e["type"] in kinds]

    def member(self, who, condition=lambda member: True):
        def look():
            found = self.ask("ledger", {"ask": "member", "who": who})["members"]
            return found[0] if found and condition(found[0]) else None
        return kit.wait_until(look, 15, f"{who} as wanted")

    def job(self, actor, key, state):
        def look():
            found = self.ask(actor, {"ask": "jobs", "key": key})["jobs"]
            return found[0] if found and found[0]["state"] == state else None
        return kit.wait_until(look, 15, f"{actor}: {key} {state}")

    def has_job(self, actor, key):
        return bool(self.ask(actor, {"ask": "jobs", "key": key})["jobs"])

    def caught_up(self):
        """Everybody has read what there is, and nothing waits."""
        def look():
            status = self.ask("broker", {"ask": "status"})
            peers = {p["name"]: p for p in status["peers"]}
            busy = sum(self.ask(actor, {"ask": "jobs", "state": state})["jobs"] != []
                       for actor in ("support", "mailer") for state in ("waiting", "sending"))
            return not busy and not any(peers[n]["lag"] for n in ("ledger", "support", "mailer"))
        kit.wait_until(look, 15, "everybody caught up")

    def lines(self, who):
        return [line["text"] for line in self.member(who)["timeline"]]
