/* stripe_objects.h - the objects inside Stripe's events; for stripe_bodies.c alone.
 *
 * Use        Each makes a new tree for a case, in the case's shape. A guest's customer is null. */
#ifndef USHER_STRIPE_OBJECTS_H
#define USHER_STRIPE_OBJECTS_H

#include "stripe_bodies.h"

enum { STRIPE_PERIOD_DAYS = 30 };

/* The case's time, so many days later; as json_pack() takes it. */
json_int_t stripe_later(const struct stripe_case *at, int days);

bool stripe_is_guest(const struct stripe_case *at);

json_t *stripe_customer(const struct stripe_case *at);
/* `mode` is "subscription" or "payment"; a trial's total is 0. */
json_t *stripe_checkout(const struct stripe_case *at, const char *mode, bool trial);
json_t *stripe_subscription(const struct stripe_case *at, const char *status);
/* `reason` is the billing reason, "subscription_create" or "subscription_cycle". */
json_t *stripe_invoice(const struct stripe_case *at, const char *reason, bool paid, int64_t amount);
json_t *stripe_invoice_payment(const struct stripe_case *at);
json_t *stripe_charge(const struct stripe_case *at, bool for_invoice, int64_t refunded);
json_t *stripe_payment_intent(const struct stripe_case *at, bool for_invoice);
json_t *stripe_refund(const struct stripe_case *at, int64_t amount);
json_t *stripe_dispute(const struct stripe_case *at, const char *status, bool inquiry);

#endif
