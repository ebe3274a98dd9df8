"""A stand-in for the part of Stripe's API that is read: lists with cursors, filters and limits,
single objects, a key with rights; and everything that can go wrong with a call (sinks.Answer).

    with StripeApi() as api:
        api.happened(event)       /v1/events has it for 30 days, and its object is as it says
        api.put(obj)              an object as it is now
        api.rights = {"events"}   a restricted key: everything else is 403
        api.close_gate()          calls wait, until let_pass() for the next or open_gate() for all
        api.asked("/v1/events")   the queries that were made, parsed
"""
import json
import threading
import time
import urllib.parse

from sinks import Answer, HttpSink

DAY = 86400
COLLECTIONS = {
    "customer": "customers", "subscription": "subscriptions", "invoice": "invoices",
    "charge": "charges", "refund": "refunds", "dispute": "disputes",
    "checkout.session": "checkout/sessions", "invoice_payment": "invoice_payments",
    "payment_intent": "payment_intents",
}
FILTERS = {"customer", "payment_intent", "charge", "status"}


def error(status, message, code=None):
    return Answer(status, {"error": {"type": "invalid_request_error", "message": message,
                                     "code": code}})


class StripeApi(HttpSink):
    def __init__(self, key="rk_test_1"):
        super().__init__()
        self.key = key
        self.rights = None  # collections that the key may read; None: all
        self.events = {}
        self.objects = {name: {} for name in COLLECTIONS.values()}
        self.order = {}  # id -> the order in which it came to be, for those of one second
        self.pad = 0  # bytes by which every event is larger
        self.shut = False
        self.passes = threading.Semaphore(0)
        self.waiting = threading.Semaphore(0)

    # --- what is so

    def happened(self, *events):
        with self.lock:
            for event in events:
                self.order.setdefault(event["id"], len(self.order))
                self.events[event["id"]] = event
                self._keep(event)

    def _keep(self, event):
        obj = event["data"]["object"]
        rows = self.objects.get(COLLECTIONS.get(obj.get("object"), ""))
        if rows is None or not obj.get("id"):
            return
        old = rows.get(obj["id"])
        if old is None or old["_at"] <= event["created"]:
            rows[obj["id"]] = {**obj, "_at": event["created"]}
            self.order.setdefault(obj["id"], len(self.order))

    def put(self, *objects):
        """Objects as they are now, without any event that told of it."""
        with self.lock:
            for obj in objects:
                self.objects[COLLECTIONS[obj["object"]]][obj["id"]] = {**obj, "_at": 0}
                self.order.setdefault(obj["id"], len(self.order))

    def asked(self, path):
        return [urllib.parse.parse_qs(urllib.parse.urlsplit(call["path"]).query)
                for call in self.calls("GET", path)]

    # --- a gate

    def close_gate(self):
        self.shut = True

    def let_pass(self):
        """The call that waits now, or the next one."""
        self.passes.release()

    def open_gate(self):
        self.shut = False
        self.passes.release(100)

    def await_call(self):
        """Until one more call waits at the gate."""
        assert self.waiting.acquire(timeout=20), "nobody called"

    # --- one call

    def _handle(self, request):
        if self.shut:
            self.waiting.release()
            self.passes.acquire(timeout=30)
        super()._handle(request)

    def _act(self, request, path, tree):
        if request.headers.get("Authorization", "") != f"Bearer {self.key}":
            return error(401, "Invalid API Key provided")
        if not request.headers.get("Stripe-Version") or request.command != "GET":
            return error(400, "usher reads, and names its version")
        what = path.path.removeprefix("/v1/")
        query = urllib.parse.parse_qs(path.query)
        with_id = what.rpartition("/")
        name = what if what == "events" or what in self.objects else with_id[0]
        if self.rights is not None and name not in self.rights:
            return error(403, f"The provided key does not have the required permissions: {name}")
        if name == "events":
            return self._list_events(query)
        if name == what and name in self.objects:
            return self._list(name, query)
        return self._one(name, with_id[2])

    def _one(self, name, number):
        obj = self.objects.get(name, {}).get(number)
        if obj is None:
            return error(404, f"No such {name}: '{number}'", "resource_missing")
        return Answer(200, self._shown(obj))

    @staticmethod
    def _shown(obj):
        return {key: value for key, value in obj.items() if not key.startswith("_")}

    def _list_events(self, query):
        types = set(query.get("types[]", []))
        if len(types) > 20:
            return error(400, "You may specify up to 20 types")
        oldest = time.time() - 30 * DAY
        rows = [event for event in self.events.values()
                if event["created"] >= oldest and (not types or event["type"] in types)]
        return self._page(rows, query, "/v1/events")

    def _list(self, name, query):
        rows = list(self.objects[name].values())
        for key in FILTERS & query.keys():
            wanted = query[key][0]
            if (name, key, wanted) != ("subscriptions", "status", "all"):
                rows = [row for row in rows if row.get(key) == wanted]
        if name == "subscriptions" and query.get("status") != ["all"]:
            rows = [row for row in rows if row["status"] != "canceled"]
        if name == "invoice_payments" and "payment[payment_intent]" in query:
            wanted = query["payment[payment_intent]"][0]
            rows = [row for row in rows if row["payment"].get("payment_intent") == wanted]
        return self._page(rows, query, "/v1/" + name)

    def _page(self, rows, query, url):
        limit = int(query.get("limit", ["10"])[0])
        if not 1 <= limit <= 100:
            return error(400, "Invalid integer: limit")
        since, until = (int(query.get(f"created[{end}]", [default])[0])
                        for end, default in (("gte", "0"), ("lte", "99999999999")))
        rows = [row for row in rows if since <= row.get("created", 0) <= until]
        rows.sort(key=lambda row: (row.get("created", 0), self.order[row["id"]]), reverse=True)
        after = query.get("starting_after", [None])[0]
        if after is not None:
            at = [i for i, row in enumerate(rows) if row["id"] == after]
            if not at:
                return error(400, f"No such object: '{after}'", "resource_missing")
            rows = rows[at[0] + 1:]
        page = [self._shown(row) for row in rows[:limit]]
        if self.pad and url == "/v1/events":
            page = [{**row, "padding": "x" * self.pad} for row in page]
        body = {"object": "list", "data": page, "has_more": len(rows) > limit, "url": url}
        return Answer(200, json.dumps(body, indent=2).encode())  # as Stripe writes it
