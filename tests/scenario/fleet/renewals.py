"""Members who renew all at once, in front of a CRM that enforces its limit: for the scenario and for
the bench.

    story = Renewals(home, sink, count=150)
    with story.fleet:
        story.join()              everybody is a member, and in the CRM
        story.renew(limit=240)    the limit holds from here on; all of them pay
        story.fresh()             seconds from a new payment to its call to the CRM
        story.drained(60)         waits until each renewal has reached the CRM; in which time
"""
import concurrent.futures
import time

import stripe
from fleet import SECRET, Fleet
from kit import wait_until

CONFIG = """\
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
    rate = {rate}
console
    listen = "127.0.0.1:{console}"
"""
NEEDED = ["broker", "webhook", "ledger", "crm"]


class Renewals:
    def __init__(self, home, sink, count):
        self.sink, self.count = sink, count
        self.fleet = Fleet(home, CONFIG, crm=sink.url, rate=100000)
        self.fleet.children = {name: self.fleet.children[name] for name in NEEDED}
        then = int(time.time()) - stripe.MONTH
        self.people = [stripe.Person(f"p{n}@example.com", at=then) for n in range(count)]
        self.began = 0.0
        self.newcomers = 0

    def _deliver(self, events):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for _ in pool.map(self.fleet.deliver, events):
                pass

    def join(self, seconds=60):
        # what an invoice of a subscription needs, and no more
        self._deliver([event for person in self.people
                       for event in (person.purchase()[0], person.purchase()[2], person.paid())])
        wait_until(lambda: len(self.sink.contacts) == self.count, seconds, "all in the CRM")
        wait_until(self.idle, seconds, "the CRM at rest")

    def idle(self):
        """Nothing waits or is under way."""
        for state in ("waiting", "sending"):
            if self.fleet.ask("crm", {"ask": "jobs", "state": state, "limit": 1})["jobs"]:
                return False
        return True

    def renew(self, limit):
        child = self.fleet.children["crm"]
        child.stop()
        self.fleet.configure(CONFIG, crm=self.sink.url, rate=limit)
        self.sink.limit = limit
        child.start()
        child.wait_ready()
        self.began = time.monotonic()
        self._deliver([person.renewal()[0] for person in self.people])

    def written(self):
        """Whose contact was written since, in order."""
        numbers = [call["path"].rpartition("/")[2] for call in self.sink.calls("PATCH")
                   if call["time"] >= self.began and call["status"] == 200]
        return [self.sink.contacts[number]["email"] for number in numbers]

    def fresh(self):
        self.newcomers += 1
        person = stripe.Person(f"new{self.newcomers}@example.com")
        started = time.monotonic()
        for event in person.purchase():
            self.fleet.deliver(event)

        def called():
            return next((call["time"] for call in self.sink.calls("POST")
                         if call["body"]["properties"].get("email") == person.email), None)

        return wait_until(called, 30, "the newcomer's call") - started

    def drained(self, seconds):
        wait_until(lambda: len(set(self.written())) >= self.count, seconds, "all renewals drained")
        return time.monotonic() - self.began
