#include "stripe_bodies.h"

#include "digest.h"
#include "must.h"
#include "stripe_objects.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

#define VERSION_OLD "2024-06-20"
#define VERSION_NEW "2026-05-27.dahlia"

enum { ID_RANDOM_CHARS = 22 };

/* --- ids and signature ----------------------------------------------------------------------- */

static void add_token(const char *text, char *id, size_t room)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint8_t digest[SHA256_BYTES];
    sha256(text, strlen(text), digest);
    size_t at = strlen(id);
    for (size_t i = 0; i < ID_RANDOM_CHARS && at + 1 < room; i++) {
        id[at++] = digits[digest[i] % (sizeof digits - 1)];
    }
    id[at] = '\0';
}

const char *stripe_id(const struct stripe_case *at, const char *prefix, enum stripe_scope scope,
                      char id[STRIPE_ID_CHARS_MAX])
{
    bool named = at->customer && !stripe_is_guest(at);
    if (strcmp(prefix, "cus_") == 0 && named) {
        snprintf(id, STRIPE_ID_CHARS_MAX, "%s", at->customer);
        return id;
    }
    char *seed = must_sprintf("%s/%s/%d/%d", prefix, named ? at->customer : at->email,
                              scope >= STRIPE_SUBSCRIPTION ? at->nth : 0,
                              scope >= STRIPE_PERIOD ? at->period : 0);
    snprintf(id, STRIPE_ID_CHARS_MAX, "%s", prefix);
    add_token(seed, id, STRIPE_ID_CHARS_MAX);
    free(seed);
    return id;
}

void stripe_sign(const char *secret, int64_t now_s, const void *body, size_t len,
                 struct buf *header)
{
    char time[32], hex[SHA256_HEX_CHARS + 1];
    int time_len = snprintf(time, sizeof time, "%lld.", (long long)now_s);
    uint8_t mac[SHA256_BYTES];
    struct slice parts[] = {{time, (size_t)time_len}, {body, len}};
    hmac_sha256((struct slice){secret, strlen(secret)}, parts, 2, mac);
    hex_encode(mac, sizeof mac, hex);
    buf_printf(header, "t=%lld,v1=%s", (long long)now_s, hex);
}

/* --- envelopes ------------------------------------------------------------------------------- */

/* Appends an event that happens `after_s` seconds into the story. Takes object and previous. */
static void add(json_t *events, const struct stripe_case *at, int after_s, const char *type,
                json_t *object, json_t *previous)
{
    char id[STRIPE_ID_CHARS_MAX] = "evt_1U", request[STRIPE_ID_CHARS_MAX] = "req_";
    char *seed = at->id ? must_sprintf("%s/%s", at->id, type)
                        : must_sprintf("%s/%s/%lld/%s", type, tree_text(object, "id"),
                                       (long long)at->at_s, tree_text(object, "status"));
    add_token(seed, id, sizeof id);
    add_token(seed, request, sizeof request);
    free(seed);
    json_t *data = json_pack("{s:o}", "object", object);
    MUST(data);
    if (previous) {
        tree_set(data, "previous_attributes", previous);
    }
    json_t *event =
        json_pack("{s:s, s:s, s:s, s:I, s:o, s:b, s:i, s:{s:s, s:n}, s:s}", "id", id, "object",
                  "event", "api_version", at->old_shape ? VERSION_OLD : VERSION_NEW, "created",
                  (json_int_t)at->at_s + after_s, "data", data, "livemode", at->livemode,
                  "pending_webhooks", 1, "request", "id", request, "idempotency_key", "type", type);
    MUST(event && json_array_append_new(events, event) == 0);
}

/* --- stories --------------------------------------------------------------------------------- */

static void tell_money(const struct stripe_case *at, json_t *events, const char *reason)
{
    add(events, at, 2, "charge.succeeded", stripe_charge(at, true, 0), NULL);
    add(events, at, 2, "payment_intent.succeeded", stripe_payment_intent(at, true), NULL);
    add(events, at, 3, "invoice.paid", stripe_invoice(at, reason, true, at->amount), NULL);
    if (!at->old_shape) {
        add(events, at, 3, "invoice_payment.paid", stripe_invoice_payment(at), NULL);
    }
}

static void tell_status(const struct stripe_case *at, json_t *events, int after_s, const char *now,
                        const char *before)
{
    add(events, at, after_s, "customer.subscription.updated", stripe_subscription(at, now),
        json_pack("{s:s}", "status", before));
}

static void tell_subscribed(const struct stripe_case *at, json_t *events)
{
    add(events, at, 1, "customer.subscription.created", stripe_subscription(at, "incomplete"),
        NULL);
    tell_money(at, events, "subscription_create");
    tell_status(at, events, 3, "active", "incomplete");
    add(events, at, 4, "checkout.session.completed", stripe_checkout(at, "subscription", false),
        NULL);
}

static void tell_purchase(const struct stripe_case *at, json_t *events)
{
    add(events, at, 0, "customer.created", stripe_customer(at), NULL);
    tell_subscribed(at, events);
}

static void tell_one_off(const struct stripe_case *at, json_t *events)
{
    if (!stripe_is_guest(at)) {
        add(events, at, 0, "customer.created", stripe_customer(at), NULL);
    }
    add(events, at, 2, "charge.succeeded", stripe_charge(at, false, 0), NULL);
    add(events, at, 2, "payment_intent.succeeded", stripe_payment_intent(at, false), NULL);
    add(events, at, 3, "checkout.session.completed", stripe_checkout(at, "payment", false), NULL);
}

static void tell_renewed(const struct stripe_case *at, json_t *events)
{
    tell_money(at, events, "subscription_cycle");
    tell_status(at, events, 3, "active", "past_due");
}

static void tell_failed(const struct stripe_case *at, json_t *events)
{
    const char *reason = at->period ? "subscription_cycle" : "subscription_create";
    add(events, at, 1, "invoice.payment_failed", stripe_invoice(at, reason, false, at->amount),
        NULL);
    tell_status(at, events, 1, at->period ? "past_due" : "incomplete", "active");
}

static void tell_refund(const struct stripe_case *at, json_t *events, int64_t refunded)
{
    add(events, at, 1, "refund.created", stripe_refund(at, refunded), NULL);
    add(events, at, 1, "charge.refunded", stripe_charge(at, true, refunded),
        json_pack("{s:i, s:b}", "amount_refunded", 0, "refunded", 0));
    add(events, at, 2, "refund.updated", stripe_refund(at, refunded),
        json_pack("{s:n}", "destination_details"));
}

static void tell_refunded(const struct stripe_case *at, json_t *events)
{
    tell_refund(at, events, at->amount);
}

static void tell_partly_refunded(const struct stripe_case *at, json_t *events)
{
    tell_refund(at, events, at->refunded ? at->refunded : at->amount / 2);
}

static void tell_dispute(const struct stripe_case *at, json_t *events)
{
    add(events, at, 0, "charge.dispute.created", stripe_dispute(at, "needs_response", false), NULL);
    add(events, at, 1, "charge.dispute.funds_withdrawn",
        stripe_dispute(at, "needs_response", false), NULL);
}

static void tell_inquiry(const struct stripe_case *at, json_t *events)
{
    add(events, at, 0, "charge.dispute.created", stripe_dispute(at, "warning_needs_response", true),
        NULL);
}

static void tell_dispute_closed(const struct stripe_case *at, json_t *events)
{
    add(events, at, 0, "charge.dispute.closed", stripe_dispute(at, at->outcome, false),
        json_pack("{s:s}", "status", "under_review"));
    if (strcmp(at->outcome, "won") == 0) {
        add(events, at, 1, "charge.dispute.funds_reinstated",
            stripe_dispute(at, at->outcome, false), NULL);
    }
}

static void tell_trial(const struct stripe_case *at, json_t *events)
{
    add(events, at, 0, "customer.created", stripe_customer(at), NULL);
    add(events, at, 1, "customer.subscription.created", stripe_subscription(at, "trialing"), NULL);
    add(events, at, 2, "invoice.paid", stripe_invoice(at, "subscription_create", true, 0), NULL);
    add(events, at, 3, "checkout.session.completed", stripe_checkout(at, "subscription", true),
        NULL);
}

static void tell_will_end(const struct stripe_case *at, json_t *events)
{
    json_t *subscription = stripe_subscription(at, "active");
    tree_set_flag(subscription, "cancel_at_period_end", true);
    tree_set_int(subscription, "cancel_at", stripe_later(at, STRIPE_PERIOD_DAYS));
    tree_set_int(subscription, "canceled_at", at->at_s);
    add(events, at, 0, "customer.subscription.updated", subscription,
        json_pack("{s:b, s:n, s:n}", "cancel_at_period_end", 0, "cancel_at", "canceled_at"));
}

static void tell_ended(const struct stripe_case *at, json_t *events)
{
    json_t *subscription = stripe_subscription(at, "canceled");
    tree_set_int(subscription, "canceled_at", at->at_s);
    tree_set_int(subscription, "ended_at", at->at_s);
    add(events, at, 0, "customer.subscription.deleted", subscription, NULL);
}

static void tell_customer(const struct stripe_case *at, json_t *events)
{
    add(events, at, 0, "customer.updated", stripe_customer(at), json_pack("{s:n}", "name"));
}

static void tell_expired(const struct stripe_case *at, json_t *events)
{
    json_t *session = stripe_checkout(at, "subscription", false);
    tree_set(session, "status", json_string("expired"));
    tree_set(session, "payment_status", json_string("unpaid"));
    tree_set(session, "subscription", json_null());
    tree_set(session, "invoice", json_null());
    add(events, at, 0, "checkout.session.expired", session, NULL);
}

static const struct stripe_story stories[] = {
    {"payment.succeeded", "somebody subscribes and pays: everything Stripe sends", 0, 0,
     tell_purchase, "invoice.paid", 4},
    {"payment.renewed", "the next month is paid", 0, 1, tell_renewed, "invoice.paid", 3},
    {"payment.failed", "the card for the next month fails", 0, 1, tell_failed,
     "invoice.payment_failed", 1},
    {"payment.refunded", "the payment is refunded in full", 0, 0, tell_refunded, "charge.refunded",
     2},
    {"payment.partly_refunded", "part of it is refunded (--refunded AMOUNT in all so far)", 0, 0,
     tell_partly_refunded, "charge.refunded", 2},
    {"payment.one_off", "a purchase without a subscription (--customer none: a guest's)", 0, 0,
     tell_one_off, "checkout.session.completed", 3},
    {"dispute.opened", "the card's owner disputes the payment", 0, 0, tell_dispute,
     "charge.dispute.created", 1},
    {"dispute.inquiry", "the bank asks; nothing is withdrawn", 0, 0, tell_inquiry,
     "charge.dispute.created", 0},
    {"dispute.closed", "the dispute is decided (--outcome won|lost)", 0, 0, tell_dispute_closed,
     "charge.dispute.closed", 1},
    {"trial.started", "a trial begins, nothing is paid", 0, 0, tell_trial,
     "customer.subscription.created", 3},
    {"subscription.cancel_at_period_end", "it will end when the paid period does", 0, 0,
     tell_will_end, "customer.subscription.updated", 0},
    {"subscription.ended", "the subscription is over", 0, 0, tell_ended,
     "customer.subscription.deleted", 0},
    {"reactivated", "the same customer subscribes again", 1, 0, tell_subscribed, "invoice.paid", 4},
    {"customer.updated", "the customer's name or address changes", 0, 0, tell_customer,
     "customer.updated", 0},
    {"checkout.expired", "somebody looked and did not buy", 0, 0, tell_expired,
     "checkout.session.expired", 0},
};

const struct stripe_story *stripe_story_nth(size_t n)
{
    return n < sizeof stories / sizeof *stories ? &stories[n] : NULL;
}

const struct stripe_story *stripe_story_find(const char *word)
{
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        if (strcmp(stories[i].word, word) == 0) {
            return &stories[i];
        }
    }
    return NULL;
}

struct stripe_case stripe_case_default(const char *email, int64_t at_s)
{
    return (struct stripe_case){.email = email,
                                .name = "Ada Lovelace",
                                .currency = "usd",
                                .price = "price_1UMembershipMonthly",
                                .product = "prod_UMembership",
                                .outcome = "won",
                                .amount = 2900,
                                .at_s = at_s,
                                .nth = -1,
                                .period = -1};
}

void stripe_story_tell(const struct stripe_story *story, const struct stripe_case *at,
                       json_t *events)
{
    struct stripe_case told = *at;
    told.nth = at->nth < 0 ? story->nth : at->nth;
    told.period = at->period < 0 ? story->period : at->period;
    told.at_s = at->at_s - story->seconds; /* nothing is created in the future */
    size_t first = json_array_size(events);
    story->tell(&told, events);
    for (size_t i = first; at->id && i < json_array_size(events); i++) {
        json_t *event = json_array_get(events, i);
        if (strcmp(tree_text(event, "type"), story->main_type) == 0) {
            tree_set_text(event, "id", at->id);
            return;
        }
    }
}
