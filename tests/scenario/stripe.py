"""A payment provider's side of the door: Stripe's event bodies, its signature, its retries.

Person   one customer with an e-mail; makes the bodies of what happens to them, in the current shape
         (basil and later) or the old one. Ids are derived from the e-mail, so that a refund knows
         its charge without state.
sign     the Stripe-Signature header of a body.
deliver  posts as Stripe does: again and again, with a new timestamp, until it is answered 2xx.

The shapes follow docs.stripe.com/api; the bodies are our own and shorter than real ones.
"""

import hashlib
import hmac
import http.client
import itertools
import json
import time

MONTH = 30 * 86400
OLD_VERSION, NEW_VERSION = "2024-06-20", "2026-05-27.dahlia"


def token(*parts):
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:16]


def sign(body, secret, at=None):
    at = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


class Person:
    def __init__(self, email, name="Ada", old=False, app_user=None, at=None, nth=0,
                 product="prod_member", livemode=False, customer=None):
        self.email, self.name, self.old, self.app_user = email, name, old, app_user
        self.product, self.livemode = product, livemode
        self.at = int(time.time() if at is None else at)
        self.customer = customer or "cus_" + token(email)
        self.use(nth)
        self.serial = itertools.count(1)

    def use(self, nth):
        """The nth subscription of this person: its invoice, charge and payment intent."""
        self.nth = nth
        self.sub, self.invoice, self.charge, self.intent, self.session = (
            kind + token(self.customer, nth) for kind in ("sub_", "in_", "ch_", "pi_", "cs_test_"))
        return self

    # --- envelopes ---------------------------------------------------------------------------

    def event(self, type_, obj, previous=None, at=None, id_=None):
        at = self.at if at is None else at
        event = {
            "id": id_ or "evt_" + token(self.customer, self.nth, type_, obj.get("id"), at,
                                        json.dumps(obj, sort_keys=True)),
            "object": "event", "api_version": OLD_VERSION if self.old else NEW_VERSION,
            "created": at, "type": type_, "livemode": self.livemode, "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None}, "data": {"object": obj},
        }
        if previous is not None:
            event["data"]["previous_attributes"] = previous
        return event

    @property
    def metadata(self):
        return {"user_id": self.app_user} if self.app_user else {}

    # --- objects -----------------------------------------------------------------------------

    def checkout(self, mode="subscription", paid="paid", email=None):
        return {
            "id": self.session, "object": "checkout.session", "mode": mode, "status": "complete",
            "payment_status": paid, "amount_total": 2900, "currency": "usd",
            "customer": self.customer, "customer_email": None,
            "customer_details": {"email": email or self.email, "name": self.name},
            "client_reference_id": self.app_user, "metadata": self.metadata,
            "subscription": self.sub if mode == "subscription" else None,
            "invoice": self.invoice if mode == "subscription" else None,
            "payment_intent": None if mode == "subscription" else self.intent,
            "livemode": self.livemode,
        }

    def subscription(self, status="active", **more):
        end = self.at + MONTH
        price = {"id": "price_member", "object": "price", "product": self.product,
                 "unit_amount": 2900, "currency": "usd"}
        item = {"id": "si_" + token(self.sub), "object": "subscription_item", "price": price,
                "quantity": 1, "subscription": self.sub}
        obj = {
            "id": self.sub, "object": "subscription", "customer": self.customer, "status": status,
            "cancel_at": None, "cancel_at_period_end": False, "canceled_at": None,
            "created": self.at, "ended_at": None, "latest_invoice": self.invoice,
            "livemode": self.livemode, "metadata": self.metadata, "trial_end": None,
            "items": {"object": "list", "data": [item], "has_more": False},
        }
        if self.old:
            obj["current_period_end"] = end
        else:
            item["current_period_end"] = end
        obj.update(more)
        return obj

    def invoice_object(self, paid=True, reason="subscription_create", attempt=1, last=False):
        line = {"id": "il_" + token(self.invoice), "object": "line_item", "amount": 2900,
                "currency": "usd", "period": {"start": self.at, "end": self.at + MONTH}}
        obj = {
            "id": self.invoice, "object": "invoice", "customer": self.customer,
            "customer_email": self.email, "customer_name": self.name, "currency": "usd",
            "amount_due": 2900, "amount_paid": 2900 if paid else 0,
            "amount_remaining": 0 if paid else 2900, "attempt_count": attempt, "attempted": True,
            "billing_reason": reason, "status": "paid" if paid else "open",
            "next_payment_attempt": None if paid or last else self.at + 3 * 86400,
            "livemode": self.livemode, "metadata": {}, "created": self.at,
            "period_start": self.at, "period_end": self.at + MONTH,
            "lines": {"object": "list", "data": [line], "has_more": False},
        }
        if self.old:
            obj.update(subscription=self.sub, charge=self.charge, payment_intent=self.intent)
            line.update(subscription=self.sub,
                        price={"id": "price_member", "product": self.product})
        else:
            obj["parent"] = {"type": "subscription_details", "subscription_details": {
                "subscription": self.sub, "metadata": self.metadata}}
            line["parent"] = {"type": "subscription_item_details", "subscription_item_details": {
                "subscription": self.sub, "subscription_item": "si_" + token(self.sub)}}
            line["pricing"] = {"type": "price_details", "price_details": {
                "price": "price_member", "product": self.product}}
        return obj

    def charge_object(self, refunded=0):
        obj = {
            "id": self.charge, "object": "charge", "amount": 2900, "amount_captured": 2900,
            "amount_refunded": refunded, "refunded": refunded >= 2900, "captured": True,
            "currency": "usd", "customer": self.customer, "paid": True, "status": "succeeded",
            "payment_intent": self.intent, "receipt_email": None, "disputed": False,
            "billing_details": {"email": self.email, "name": self.name},
            "livemode": self.livemode, "metadata": {}, "created": self.at,
        }
        if self.old:
            obj["invoice"] = self.invoice
        return obj

    def dispute(self, status="needs_response"):
        return {
            "id": "du_" + token(self.charge), "object": "dispute", "amount": 2900,
            "currency": "usd", "charge": self.charge, "payment_intent": self.intent,
            "status": status, "reason": "fraudulent", "created": self.at,
            "evidence_details": {"due_by": self.at + 7 * 86400}, "livemode": self.livemode,
            "metadata": {},
        }

    # --- stories: lists of events --------------------------------------------------------------

    def purchase(self, **checkout):
        """A first payment, in the seven events that Stripe sends."""
        events = [
            self.event("customer.created", self.customer_object()),
            self.event("checkout.session.completed", self.checkout(**checkout)),
            self.event("customer.subscription.created", self.subscription()),
            self.event("charge.succeeded", self.charge_object()),
            self.event("payment_intent.succeeded", {
                "id": self.intent, "object": "payment_intent", "customer": self.customer,
                "amount": 2900, "currency": "usd", "status": "succeeded", "receipt_email": None,
                "latest_charge": self.charge, "livemode": self.livemode, "metadata": {},
                **({"invoice": self.invoice} if self.old else {})}),
            self.paid(),
        ]
        if not self.old:
            events.append(self.event("invoice_payment.paid", {
                "id": "inpay_" + token(self.invoice), "object": "invoice_payment",
                "invoice": self.invoice, "amount_paid": 2900, "currency": "usd", "status": "paid",
                "payment": {"type": "payment_intent", "payment_intent": self.intent},
                "livemode": self.livemode}))
        return events

    def customer_object(self, **more):
        return {"id": self.customer, "object": "customer", "email": self.email, "name": self.name,
                "created": self.at, "livemode": self.livemode, "metadata": self.metadata, **more}

    def paid(self, reason="subscription_create", **more):
        return self.event("invoice.paid", self.invoice_object(reason=reason), **more)

    def failed(self, reason="subscription_cycle", **more):
        return self.event("invoice.payment_failed",
                          self.invoice_object(paid=False, reason=reason), **more)

    def renewal(self):
        """Moves on to the next month's invoice; returns its paid event and links."""
        self.at += MONTH
        self.invoice, self.charge, self.intent = (
            kind + token(self.customer, self.nth, self.at) for kind in ("in_", "ch_", "pi_"))
        events = [self.paid("subscription_cycle"),
                  self.event("charge.succeeded", self.charge_object())]
        if not self.old:
            events.append(self.event("invoice_payment.paid", {
                "id": "inpay_" + token(self.invoice), "object": "invoice_payment",
                "invoice": self.invoice, "amount_paid": 2900, "currency": "usd", "status": "paid",
                "payment": {"type": "payment_intent", "payment_intent": self.intent},
                "livemode": self.livemode}))
        return events

    def refunded(self, amount=2900, before=0):
        return self.event("charge.refunded", self.charge_object(refunded=amount),
                          previous={"amount_refunded": before}, at=self.at + 60)

    def disputed(self, status="needs_response"):
        return self.event("charge.dispute.created", self.dispute(status), at=self.at + 70)

    def dispute_closed(self, status):
        return self.event("charge.dispute.closed", self.dispute(status), at=self.at + 80)

    def ended(self):
        at = self.at + 90
        return self.event("customer.subscription.deleted",
                          self.subscription("canceled", ended_at=at, canceled_at=at), at=at)


def post(port, body, header, path="/api/webhooks/payment", timeout=30, connection=None):
    own = connection is None
    connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json"}
        if header is not None:
            headers["Stripe-Signature"] = header
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        if own:
            connection.close()


def deliver(port, event, secret, deadline=60):
    """Posts until it is answered 2xx. Returns (status, answer, tries)."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    until, tries, last = time.monotonic() + deadline, 0, None
    while time.monotonic() < until:
        tries += 1
        try:
            status, answer = post(port, body, sign(body, secret))
            if 200 <= status < 300:
                return status, json.loads(answer), tries
            last = (status, answer)
            if 400 <= status < 500 and status != 429:
                break
        except (OSError, http.client.HTTPException) as error:
            last = error
        time.sleep(min(0.02 * tries, 0.5))  # the provider's back-off, scaled
    raise AssertionError(f"not accepted after {tries} tries: {last}")
