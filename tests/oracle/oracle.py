#!/usr/bin/env python3
"""The oracle: the membership rules written a second time, from schema/RULES.md and not from the C.

Fed with lines of JSON, each with the facts that were told and the members that the ledger made of
them; says where the two differ, and exits 1 if they do.

    oracle.py FILE

As a module: judge(events, now, grace) -> {"members": [...], "orphans": [...]}. Each event is
{"facts": [...], "act": {...}, "source": "stripe"}; a fact is a map as in schema/facts.h.
"""
import collections
import hashlib
import json
import sys

FOREVER = 1 << 62
SUBSCRIPTION_ORDER = ["incomplete", "trialing", "active", "paused", "past_due", "unpaid",
                      "incomplete_expired", "canceled"]
STATE_ORDER = ["none", "ended", "revoked", "paused", "trialing", "ending", "active"]
GIVES = ("trialing", "ending", "active")


def record_id(source, what, key):
    return "mem_" + hashlib.sha256(f"{source}\0{what}\0{key}".encode()).hexdigest()[:20]


def normal(email):
    email = (email or "").strip()
    return email.lower() if "@" in email else ""


class Groups:  # union-find over anything hashable
    def __init__(self):
        self.parent = {}

    def find(self, thing):
        self.parent.setdefault(thing, thing)
        while self.parent[thing] != thing:
            thing = self.parent[thing]
        return thing

    def join(self, a, b):
        a, b = self.find(a), self.find(b)
        if a != b:
            self.parent[max(a, b)] = min(a, b)


class Payment:
    def __init__(self, key, facts):
        self.key = key
        paid = [f for f in facts if f["status"] == "paid"]
        failed = [f for f in facts if f["status"] != "paid"]
        self.paid = bool(paid)
        self.failed = not self.paid
        self.paid_at = min((f["at_ms"] for f in paid), default=0)
        self.failed_at = min((f["at_ms"] for f in failed), default=0)
        self.until = max(f.get("until_ms", 0) for f in facts)
        self.amount = max((f.get("amount", 0) for f in paid), default=0)
        self.ours = any(not f.get("foreign") for f in facts)
        self.refunds, self.disputes, self.item = [], [], None

    @property
    def at(self):
        return self.paid_at if self.paid else self.failed_at

    def order(self):
        return (self.until or self.at, self.at, self.key)

    def whole_refund(self):
        real = [r for r in self.refunds if r["net"] > 0]
        return real[-1] if real and all(r["whole"] for r in real) else None

    def live_dispute(self):
        held = [d for d in self.disputes if d["status"] in ("open", "lost")]
        return max(held, key=lambda d: (d["at"], d["key"])) if held else None


class Item:
    def __init__(self, key, is_subscription, subscription):
        self.key, self.is_subscription, self.subscription = key, is_subscription, subscription
        self.payments, self.records, self.ours = [], set(), False

    def word(self):
        return self.subscription["status"] if self.subscription else ""

    def paid(self):
        return [p for p in self.payments if p.paid]

    def evaluate(self, now, grace):
        """RULES.md, "Does an item give access?", from the first row that fits."""
        self.payments.sort(key=Payment.order)
        newest = self.payments[-1] if self.payments else None
        paid = self.paid()[-1] if self.paid() else None
        self.newest, self.newest_paid = newest, paid
        self.first_paid = min(self.paid(), key=lambda p: p.paid_at) if paid else None
        word, sub = self.word(), self.subscription
        self.over = word in ("canceled", "incomplete_expired")
        self.state, self.changed = self._decide(newest, paid, word, sub, now, grace)
        self.access = self.state in GIVES
        self.start = self.first_paid.paid_at if paid else 0 if self.access else FOREVER
        self.lost = FOREVER if self.access else self.changed

    def _decide(self, newest, paid, word, sub, now, grace):
        if paid and paid.live_dispute():
            return "revoked", paid.live_dispute()["at"]
        if paid and paid.whole_refund():
            return "revoked", paid.whole_refund()["whole_at"]
        if word == "canceled":
            return "ended", sub.get("ended_ms") or sub["at_ms"]
        if word == "incomplete_expired":
            return "none", 0
        failed = newest is not None and newest.failed
        if failed and not (grace and now < newest.failed_at + grace):
            return "paused", newest.failed_at
        if word == "past_due" and not failed and not (grace and now < sub["at_ms"] + grace):
            return "paused", sub["at_ms"]
        if word in ("unpaid", "paused"):
            return "paused", sub["at_ms"]
        if not paid and (not sub or word == "incomplete"):
            return "none", 0
        if self.is_subscription and not sub and paid.until and now >= paid.until:
            return "ended", paid.until
        state = "trialing" if word == "trialing" else "ending" if sub and sub.get(
            "ends_ms") else "active"
        return state, paid.paid_at if paid else sub["at_ms"]


class Judge:
    def __init__(self, events, now, grace):
        self.now, self.grace = now, grace
        self.facts = collections.defaultdict(list)
        self.acts = []
        for event in events:
            for fact in event.get("facts", []):
                fact = {"at_ms": 0, "status": "", **fact}
                self.facts[fact["kind"]].append(fact)
            if event.get("act"):
                self.acts.append(event["act"])
        self.src = next((e["source"] for e in events if e.get("source")), "stripe")

    def by_key(self, kind):
        found = collections.defaultdict(list)
        for fact in self.facts[kind]:
            found[fact["key"]].append(fact)
        return found

    def structure(self):
        facts = self.facts
        self.customers = {f["customer"] for k in ("payment", "subscription", "refund")
                          for f in facts[k] if f.get("customer")}
        self.customers |= {f["key"] for f in facts["customer"]}
        self.subs = {f["key"] for f in facts["subscription"]}
        self.subs |= {f["subscription"] for f in facts["payment"] if f.get("subscription")}
        self.links = {(f["key"], f["object"]) for f in facts["link"] if f.get("object")}
        for kind in ("dispute", "refund_state"):
            for fact in facts[kind]:
                for end in (fact.get("object"), fact.get("payment_intent")):
                    if end:
                        self.links.add((fact["key"], end))
        self.links = {(a, b) for a, b in self.links if a != b}
        hubs = self.customers | self.subs
        self.objects = Groups()
        for a, b in self.links:
            if a not in hubs and b not in hubs:
                self.objects.join(a, b)
        self.payments = {}
        rows = collections.defaultdict(list)
        for fact in sorted(facts["payment"], key=lambda f: f["key"]):
            rows[self.objects.find(fact["key"])].append(fact)
        for root, its in rows.items():
            self.payments[root] = Payment(min(f["key"] for f in its), its)
        self.subscriptions = {}
        for key, its in self.by_key("subscription").items():
            newest = max(its, key=lambda f: (f["at_ms"], SUBSCRIPTION_ORDER.index(f["status"]),
                                             f.get("customer", ""), f.get("ends_ms", 0)))
            self.subscriptions[key] = dict(newest, ours=any(not f.get("foreign") for f in its))
        self._items(rows)

    def _items(self, rows):
        self.items = {}
        for key, sub in self.subscriptions.items():
            self.items["sub", key] = Item(key, True, sub)
            self.items["sub", key].ours = sub["ours"]
        for root, its in rows.items():
            payment = self.payments[root]
            named = max((f.get("subscription", "") for f in its), default="")
            if not named:
                ends = {b if self.objects.find(a) == root else a for a, b in self.links
                        if root in (self.objects.find(a), self.objects.find(b))}
                named = min(ends & self.subs, default="")
            place = ("sub", named) if named else ("one", payment.key)
            if place not in self.items:
                self.items[place] = Item(place[1], bool(named), None)
            item = payment.item = self.items[place]
            item.payments.append(payment)
            item.ours = item.ours or payment.ours

    def payment_of(self, thing):
        if thing in self.customers or thing in self.subs:
            return None
        return self.payments.get(self.objects.find(thing))

    def people(self):
        self.records = {}
        # customer -> items, ours or not; group -> customers by links; group -> records
        owned, leads, crowd = (collections.defaultdict(set) for _ in range(3))
        for a, b in self.links:
            for thing, customer in ((a, b), (b, a)):
                if customer in self.customers and thing not in self.customers | self.subs:
                    leads[self.objects.find(thing)].add(customer)
        for fact in self.facts["customer"]:
            if not fact.get("foreign"):
                self._record(fact["key"], True)
        for kind in ("payment", "subscription"):
            merged = collections.defaultdict(str)
            ours = set()
            for fact in self.facts[kind]:
                if kind == "payment":
                    merged[fact["key"]] = max(merged[fact["key"]], fact.get("customer", ""))
                else:
                    merged[fact["key"]] = self.subscriptions[fact["key"]].get("customer", "")
                if not fact.get("foreign"):
                    ours.add(fact["key"])
            for key, customer in merged.items():
                item = (self.payment_of(key).item if kind == "payment" else self.items["sub", key])
                if customer:
                    owned[customer].add(item)
                if key in ours:
                    record = self._record(customer or key, bool(customer))
                    item.records.add(record)
                    if kind == "payment":
                        crowd[self.objects.find(key)].add(record)
        for root, customers in leads.items():
            payment = self.payments.get(root)
            for customer in customers:
                if payment:
                    owned[customer].add(payment.item)
                    if payment.ours:
                        self._record(customer, True)
                record = self._known(customer)
                if record:
                    crowd[root].add(record)
                    if payment:
                        payment.item.records.add(record)
        for a, b in self.links:
            for thing, sub in ((a, b), (b, a)):
                root = self.objects.find(thing)
                if ("sub", sub) in self.items and thing not in self.customers | self.subs and (
                        root not in self.payments):
                    crowd[root] |= self.items["sub", sub].records
        self.owned, self.leads, self.crowd = owned, leads, crowd
        self._claims()
        self._connect()

    def _record(self, key, customer):
        name = record_id(self.src, "customer" if customer else "guest", key)
        self.records.setdefault(name, {"key": key, "customer": customer, "email": (0, 0, ""),
                                       "users": set()})
        return name

    def _known(self, customer):
        name = record_id(self.src, "customer", customer)
        return name if name in self.records else None

    def _led_to(self, key):
        """The records that what came with an object counts for."""
        if key in self.customers:
            return {self._known(key)} - {None}
        guest = record_id(self.src, "guest", key)
        if guest in self.records:
            return {guest}
        if ("sub", key) in self.items:
            return self.items["sub", key].records
        return self.crowd[self.objects.find(key)]

    def _claims(self):
        payments = {f["key"] for f in self.facts["payment"]}
        for kind in ("payment", "subscription", "link", "refund", "refund_state", "dispute",
                     "customer"):
            for fact in self.facts[kind]:
                if fact.get("foreign"):
                    continue
                for name in self._led_to(fact["key"]):
                    record = self.records[name]
                    if fact.get("app_user"):
                        record["users"].add((fact["at_ms"], fact["app_user"]))
                    if kind != "customer" and normal(fact.get("email")):
                        rank = 2 if fact["key"] in payments else 1
                        record["email"] = max(record["email"],
                                              (rank, fact["at_ms"], normal(fact["email"])))
        for key, its in self.by_key("customer").items():
            newest = max(its, key=lambda f: (f["at_ms"], f.get("name", ""),
                                             normal(f.get("email")), f.get("deleted", False)))
            if self._known(key) and normal(newest.get("email")):
                self.records[self._known(key)]["email"] = (3, newest["at_ms"],
                                                           normal(newest["email"]))

    def _connect(self):
        who = self.who = Groups()
        for name in self.records:
            who.find(name)
        for item in self.items.values():
            for name in item.records:
                who.join(name, min(item.records))
        by_user = collections.defaultdict(list)
        for name, record in self.records.items():
            if record["users"]:
                by_user[min(record["users"])[1]].append(name)
        for names in by_user.values():
            for name in names:
                who.join(name, names[0])
        known = {who.find(name) for name, record in self.records.items() if record["users"]}
        by_email = collections.defaultdict(list)
        for name, record in self.records.items():
            if record["email"][2] and who.find(name) not in known:
                by_email[record["email"][2]].append(name)
        for names in by_email.values():
            for name in names:
                who.join(name, names[0])

    def _home(self, key, customer, amount, refund=False):
        payment = self.payment_of(key)
        if payment:
            return payment
        customer = customer or min(self.leads[self.objects.find(key)], default="")
        items = self.owned.get(customer, ())
        if len(items) != 1:
            return None
        payments = sorted(next(iter(items)).payments, key=Payment.order)
        paid = [p for p in payments if p.paid]
        exact = [p for p in paid if amount and p.amount == amount]
        rest = [None] if refund and amount and paid else paid or payments or [None]
        return (exact or rest)[-1]

    def _refunds_told_alone(self, states):
        """Nobody said how much of their charge was given back in all: what succeeded, added up."""
        sums = {}
        for key, (_, named, amount, at) in states.items():
            payment = self.payment_of(key)
            if payment:
                charge = named or payment.key
                _, old, when = sums.get((charge, id(payment)), (payment, 0, 0))
                sums[charge, id(payment)] = payment, old + amount, max(at, when)
        for (charge, _), (payment, net, at) in sums.items():
            refund = {"net": net, "whole": 0 < payment.amount <= net, "whole_at": at}
            payment.refunds.append(refund)
            if net:
                self.notes.append((payment, "support|refund:" + charge +
                                   ("" if refund["whole"] else f":{net}")))

    def money(self):
        self.orphans, self.notes = [], []
        states = {}
        for fact in self.facts["refund_state"]:
            order = ["pending", "succeeded", "failed"].index(fact["status"])
            old = states.get(fact["key"], (-1, "", 0, 0))
            states[fact["key"]] = (max(order, old[0]), max(fact.get("object", ""), old[1]),
                                   max(fact.get("amount", 0), old[2]), max(fact["at_ms"], old[3]))
        alone = {key for key, state in states.items() if state[0] == 1}
        for charge, its in sorted(self.by_key("refund").items()):
            mine = {key: (order, amount) for key, (order, named, amount, _) in states.items()
                    if named == charge or (not named and
                                           self.objects.find(key) == self.objects.find(charge))}
            alone -= set(mine)
            mine = mine.values()
            failed = sum(a for order, a in mine if order == 2)
            succeeded = sum(a for order, a in mine if order == 1)
            net = max(max(f.get("amount", 0) for f in its) - failed, succeeded, 0)
            of = max(f.get("of", 0) for f in its)
            customer = max(f.get("customer", "") for f in its)
            payment = self._home(charge, customer, of, refund=True)
            if not payment:
                if any(not f.get("foreign") for f in its):
                    self.orphans.append(charge)
                continue
            of = of or payment.amount
            whole_at = min((f["at_ms"] for f in its if f.get("of") and f["amount"] >= f["of"]),
                           default=max(f["at_ms"] for f in its))
            refund = {"net": net, "whole": 0 < of <= net, "whole_at": whole_at}
            payment.refunds.append(refund)
            if net:
                self.notes.append((payment, "support|refund:" + charge +
                                   ("" if refund["whole"] else f":{net}")))
        self._refunds_told_alone({key: states[key] for key in sorted(alone)})
        for key, its in sorted(self.by_key("dispute").items()):
            steps = {"inquiry": 0, "open": 1, "won": 2, "lost": 2}
            newest = max(its, key=lambda f: (steps[f["status"]], f["at_ms"],
                                             ["inquiry", "open", "won", "lost"].index(f["status"]),
                                             f.get("amount", 0)))
            status = newest["status"]
            payment = self._home(key, "", newest.get("amount", 0))
            if not payment:
                if status != "inquiry" and any(not f.get("foreign") for f in its):
                    self.orphans.append(key)
                continue
            payment.disputes.append({"key": key, "status": status, "at": newest["at_ms"]})
            if status == "open":
                self.notes += [(payment, f"support|dispute:{key}"),
                               (payment, f"alert|dispute:{key}")]
            elif status != "inquiry":
                self.notes.append((payment, f"support|dispute:{key}:closed"))

    def members(self):
        groups = collections.defaultdict(list)
        for name in sorted(self.records):
            groups[self.who.find(name)].append(name)
        for item in self.items.values():
            item.evaluate(self.now, self.grace)
        self.people_of = {name: {"id": name, "aliases": names, "items": [
            i for i in self.items.values()
            if i.ours and i.records and self.who.find(min(i.records)) == name]}
            for name, names in groups.items()}
        for step in (self._state, self._effects):
            for member in self.people_of.values():
                step(member)
        self._tickets()
        return [{"id": m["id"], "aliases": m["aliases"], "state": m["state"],
                 "access": m["state"] in GIVES, "effects": sorted(m["effects"])}
                for _, m in sorted(self.people_of.items())]

    def _state(self, member):
        for item in member["items"]:  # failed, and tried again as another purchase
            if item.newest and not item.paid() and not item.over and any(
                    i.first_paid and i.first_paid.paid_at >= item.newest.failed_at
                    for i in member["items"]):
                item.state, item.changed, item.access, item.over = "none", 0, False, True

        def rank(item):
            first = STATE_ORDER.index(item.state)
            return (first if first == 0 or first >= 3 else 1, item.changed)

        best = max(member["items"], key=rank, default=None)
        member["state"] = best.state if best else "none"
        member["item_access"] = bool(best and best.access)
        acts = [a for a in self.acts if a["record"] in member["aliases"]]
        revokes = sorted((a["at"], a["id"], a["lift"]) for a in acts if a["revoke"])
        granted = any(not a["until"] or a["until"] > self.now for a in acts if not a["revoke"])
        member["revoked"] = bool(revokes) and not revokes[-1][2]
        if member["revoked"]:
            member["state"] = "revoked"
        elif granted and member["state"] not in GIVES:
            member["state"] = "active"

    def _returns(self, member, payment):
        items, item, at = member["items"], payment.item, payment.paid_at
        first = min((p for i in items for p in i.paid()), key=lambda p: (p.paid_at, p.key))
        if payment is first or any(i is not item and i.start < at < i.lost for i in items):
            return False
        failed_before = payment.failed_at and payment.failed_at + self.grace <= at
        lost_before = any(i is not item and i.start <= at and i.lost <= at for i in items)
        return bool(failed_before or (payment is item.first_paid and lost_before))

    def _effects(self, member):
        effects = member["effects"] = set()
        items = member["items"]
        if member["item_access"] and not member["revoked"]:
            if not any(self._returns(member, p) for i in items for p in i.paid()):
                effects.add(f"mailer|welcome:{member['id']}")
            effects |= {f"mailer|back:{i.newest_paid.key}" for i in items if i.access and
                        i.newest_paid and self._returns(member, i.newest_paid)}
        for item in items:
            for payment in item.payments:
                if payment.failed and not item.over:
                    effects |= {f"mailer|card:{payment.key}", f"alert|card:{payment.key}"}
        over = [(i.subscription.get("ended_ms") or i.subscription["at_ms"], i.key) for i in items
                if i.word() == "canceled"]
        if over and member["state"] not in GIVES:
            effects.add(f"mailer|goodbye:{max(over)[1]}")
        if not any(self.records[name]["email"][2] for name in member["aliases"]):
            member["effects"] = effects = {e for e in effects if not e.startswith("mailer|")}
        effects |= {note for payment, note in self.notes if payment.item in items}

    def _tickets(self):
        for key, its in self.by_key("ticket").items():
            newest = max(its, key=lambda f: (f["status"] == "closed", f["at_ms"],
                                             f.get("reason", "")))
            email = max(normal(f.get("email")) for f in its)
            names = [n for n, r in sorted(self.records.items()) if r["email"][2] == email]
            if newest["status"] == "closed" or not email or not names:
                continue
            found = [self.people_of[self.who.find(n)] for n in names]
            found.sort(key=lambda m: m["state"] not in GIVES)
            found[0]["effects"].add(f"support|ticket:{self.src}:{key}")


def judge(events, now=0, grace=0):
    court = Judge(events, now, grace)
    for step in (court.structure, court.people, court.money):
        step()
    return {"members": court.members(), "orphans": sorted(court.orphans)}


def of_ledger(line):
    members = [{"id": m["id"], "aliases": m["aliases"], "state": m["state"], "access": m["access"],
                "effects": sorted(f"{e['to']}|{e['key']}" for e in m["effects"])}
               for m in line["members"]]
    return {"members": members, "orphans": sorted(line["orphans"])}


def main(path):
    wrong = count = 0
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            line = json.loads(text)
            count += 1
            ours = judge(line["events"], line["now"], line["grace"])
            theirs = of_ledger(line)
            if ours != theirs:
                wrong += 1
                if wrong <= 3:
                    print(f"line {number}: told {json.dumps(line['events'])}\n"
                          f"  oracle {json.dumps(ours)}\n  ledger {json.dumps(theirs)}")
    print(f"oracle: {count} histories, {wrong} differ")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
