/* stripe_table.h - what usher needs of Stripe: the one place for `usher doctor`.
 *
 * READ(path, "right")   a list that missed payments are looked for in (actors/backfill), and how
 *                       Stripe's page of keys calls the right to read it
 * EVENT("type")         what the endpoint has to send, or members are wrong */
#ifndef READ
#define READ(path, right)
#endif
#ifndef EVENT
#define EVENT(type)
#endif

READ("/v1/events?limit=1", "Events")
READ("/v1/customers?limit=1", "Customers")
READ("/v1/subscriptions?limit=1&status=all", "Subscriptions")
READ("/v1/invoices?limit=1", "Invoices")
READ("/v1/checkout/sessions?limit=1", "Checkout Sessions")
READ("/v1/charges?limit=1", "Charges and Refunds")
READ("/v1/payment_intents?limit=1", "Payment Intents")
READ("/v1/refunds?limit=1", "Charges and Refunds")
READ("/v1/disputes?limit=1", "Disputes")

EVENT("checkout.session.completed")
EVENT("checkout.session.async_payment_succeeded")
EVENT("customer.subscription.created")
EVENT("customer.subscription.updated")
EVENT("customer.subscription.deleted")
EVENT("invoice.paid")
EVENT("invoice.payment_failed")
EVENT("charge.succeeded")
EVENT("charge.refunded")
EVENT("charge.dispute.created")
EVENT("charge.dispute.closed")
EVENT("customer.updated")

#undef READ
#undef EVENT
