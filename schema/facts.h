/* facts.h - canonical facts: what any provider of payments, tickets or mail says, in our words.
 *
 * One provider event carries one fact or more (data.facts, in order). A fact is about one provider
 * object, its key, and is joined into the ledger: commutative, associative, idempotent. A fact says
 * only what its event says; what is not said is "" or 0.
 *
 * Kinds and fields (fields not named are not used by the kind):
 *
 *   payment       key invoice, or payment intent (or checkout session without one) of a one-off
 *                 status "paid" | "failed"; customer, email, subscription, amount, currency,
 *                 until_ms (end of the period it covers), final (no further attempt will be made),
 *                 attempt, reason ("subscription_create", ...), app_user, name
 *   refund        key charge; amount = refunded so far in all, of = the charge's whole amount,
 *                 currency, customer; object = newest refund id if known
 *   refund_state  key refund; status "succeeded" | "failed" | "pending"; object = charge (may be
 *                 "", then the payment that links lead to), payment_intent; amount, currency
 *   dispute       key dispute; status "open" | "won" | "lost" | "inquiry"; object = charge,
 *                 payment_intent; amount, currency, reason
 *   subscription  key subscription; status as the provider's word ("trialing", "active",
 *                 "past_due", "unpaid", "paused", "incomplete", "incomplete_expired", "canceled");
 *                 customer, until_ms (period end), ends_ms (will end at, 0: no), ended_ms,
 *                 trial_until_ms, app_user
 *   customer      key customer; email, name, deleted, app_user
 *   link          key one provider object, object the other one: "ch_1" -> "pi_1"; unordered in
 *                 meaning. email and app_user may ride along (a checkout's, a charge's)
 *   ticket        key ticket; customer's email ("" where the desk tells only customer, its number for
 *                 the person), reason = subject line, status "open" | "closed"
 *   bounce        key the mail provider's id of the mail; email of the recipient, status "soft" |
 *                 "hard" | "complaint", reason = the provider's word for it, object = our Message-ID
 *
 * foreign: the object is of a product that is not ours (shared account): it is known, so that
 * refunds and links that lead to it are not orphans, and has no effect.
 *
 * Format     In an event a fact is a msgpack map of the fields that are set, plus "kind".
 * Ownership  Texts are borrowed from what the fact was read from. */
#ifndef USHER_FACTS_H
#define USHER_FACTS_H

#include "buf.h"
#include "fault.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum fact_kind {
    FACT_PAYMENT,
    FACT_REFUND,
    FACT_REFUND_STATE,
    FACT_DISPUTE,
    FACT_SUBSCRIPTION,
    FACT_CUSTOMER,
    FACT_LINK,
    FACT_TICKET,
    FACT_BOUNCE,
    FACT_KIND_COUNT
};

enum { FACTS_MAX = 32 }; /* per event */

struct fact {
    enum fact_kind kind;
    const char *key;
    int64_t at_ms; /* the provider's time of the event */
    const char *status;
    const char *customer;
    const char *email;
    const char *name;
    const char *app_user; /* the app's own user id */
    const char *subscription;
    const char *payment_intent;
    const char *object;
    const char *reason;
    const char *currency; /* lower case ISO 4217 */
    int64_t amount;       /* in the currency's smallest unit */
    int64_t of;
    int64_t attempt;
    int64_t until_ms;
    int64_t ends_ms;
    int64_t ended_ms;
    int64_t trial_until_ms;
    bool final;
    bool deleted;
    bool foreign;
};

const char *fact_kind_name(enum fact_kind kind);

/* Appends the fact's msgpack map. NULL texts count as "". */
void fact_pack(const struct fact *fact, struct buf *out);

/* Reads data.facts[i]; texts are borrowed from the tree, never NULL afterwards.
 * FAULT_MALFORMED if it is not a fact. */
enum fault fact_read(const json_t *tree, struct fact *fact) NODISCARD;

/* The fact as a tree (new reference). */
json_t *fact_tree(const struct fact *fact);

#endif
