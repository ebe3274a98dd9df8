/* backfill.h - asks the provider what never reached us, and publishes it as the webhook would have.
 *
 * Use        usher-backfill is actor_main() with backfill_actor. Without a key for the provider's
 *            API (webhook/payment/key) it only listens.
 * Does       every hour: events of the last two; every day: events of the last thirty, and what is
 *            so now (subscriptions, customers, checkouts, refunds, disputes) against what the
 *            journal says, which finds what is older; and at any time the charge, invoice or
 *            customer that a fact speaks of and nothing told us about.
 * Promise    What is missing is published under the webhook's own id, oldest first, with the reason
 *            in data.reason: a late webhook finds it there and changes nothing. Killed anywhere, a
 *            run goes on with the next page. One run at a time, one call at a time.
 * Questions  {"ask":"run","days","apply","customers"}, {"ask":"progress"}, {"ask":"lines","after"}.
 * See        run.h, sift.h, picture.h, hunts.h; ops/RUNBOOK.md */
#ifndef USHER_BACKFILL_H
#define USHER_BACKFILL_H

#include "actor.h"

extern const struct actor_class backfill_actor;

#endif
