/* seller_paddle.c - Paddle Billing: customers, subscriptions, transactions and adjustments.
 *
 * Format     https://developer.paddle.com/webhooks/overview */
#include "seller.h"

#include "must.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = SELLER_TOKEN_CHARS + 16 };

/* One subscription of one person, and one of its periods. */
struct deal {
    const struct sale *sale;
    int nth, period;
    char customer[ID_BYTES], subscription[ID_BYTES], transaction[ID_BYTES];
};

static struct deal deal_of(const struct sale *sale, int nth, int period)
{
    struct deal deal = {.sale = sale, .nth = nth, .period = period};
    seller_id("ctm_", sale->email, 0, 0, deal.customer);
    seller_id("sub_", sale->email, nth, 0, deal.subscription);
    seller_id("txn_", sale->email, nth, period, deal.transaction);
    return deal;
}

static void sign(const char *secret, int64_t now_s, struct slice body, struct buf *value)
{
    char time[32], hex[SHA256_HEX_CHARS + 1];
    int len = snprintf(time, sizeof time, "%lld:", (long long)now_s);
    seller_mac(secret, (struct slice){time, (size_t)len}, body, hex);
    buf_printf(value, "ts=%lld;h1=%s", (long long)now_s, hex);
}

/* --- what there is -------------------------------------------------------------------------- */

/* Takes the data. */
static void add(const struct deal *deal, json_t *events, const char *type, json_t *data)
{
    char id[ID_BYTES];
    char *seed =
        must_sprintf("%s/%s/%lld", type, tree_text(data, "id"), (long long)deal->sale->at_s);
    seller_id("evt_", seed, deal->nth, deal->period, id);
    json_t *event = json_pack("{s:s, s:s, s:s, s:o}", "event_id", id, "event_type", type,
                              "occurred_at", seller_time(deal->sale, 0), "data", data);
    MUST(event && json_array_append_new(events, event) == 0);
    free(seed);
}

static json_t *items(const struct deal *deal)
{
    const char *product = deal->sale->product;
    bool is_product = strncmp(product, "pro_", 4) == 0;
    return json_pack("[{s:{s:s, s:s}, s:i}]", "price", "id",
                     *product && !is_product ? product : "pri_drill", "product_id",
                     is_product ? product : "pro_drill", "quantity", 1);
}

static json_t *period(const struct deal *deal)
{
    return json_pack("{s:s, s:s}", "starts_at", seller_time(deal->sale, 0), "ends_at",
                     seller_time(deal->sale, SELLER_PERIOD_S));
}

static json_t *customer(const struct deal *deal)
{
    return json_pack("{s:s, s:s, s:s}", "id", deal->customer, "email", deal->sale->email, "name",
                     deal->sale->name);
}

static json_t *subscription(const struct deal *deal, const char *status)
{
    bool over = strcmp(status, "canceled") == 0;
    json_t *data = json_pack("{s:s, s:s, s:s, s:o, s:o, s:s?}", "id", deal->subscription, "status",
                             status, "customer_id", deal->customer, "items", items(deal),
                             "current_billing_period", over ? json_null() : period(deal),
                             "canceled_at", over ? seller_time(deal->sale, 0) : NULL);
    MUST(data);
    if (deal->period == 0 && strcmp(status, "active") == 0) {
        tree_set_text(data, "transaction_id", deal->transaction);
    }
    return data;
}

static json_t *transaction(const struct deal *deal, bool paid)
{
    char amount[16];
    snprintf(amount, sizeof amount, "%d", SELLER_AMOUNT);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:{s:{s:s}}, s:[{s:s}]}", "id",
                     deal->transaction, "status", paid ? "completed" : "past_due", "customer_id",
                     deal->customer, "subscription_id", deal->subscription, "origin",
                     deal->period ? "subscription_recurring" : "web", "currency_code", "USD",
                     "billing_period", period(deal), "items", items(deal), "details", "totals",
                     "grand_total", amount, "payments", "status", paid ? "captured" : "error");
}

static json_t *adjustment(const struct deal *deal, const char *action, bool whole)
{
    char id[ID_BYTES], amount[16];
    snprintf(amount, sizeof amount, "%d", whole ? SELLER_AMOUNT : SELLER_AMOUNT / 2);
    seller_id("adj_", deal->sale->email, deal->nth, whole, id);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s}}", "id", id, "action",
                     action, "type", whole ? "full" : "partial", "status", "approved",
                     "transaction_id", deal->transaction, "subscription_id", deal->subscription,
                     "customer_id", deal->customer, "reason", "drill", "currency_code", "USD",
                     "totals", "total", amount);
}

/* --- what happens --------------------------------------------------------------------------- */

static int tell_join(const struct deal *deal, json_t *events)
{
    add(deal, events, "customer.created", customer(deal));
    add(deal, events, "subscription.created", subscription(deal, "active"));
    add(deal, events, "transaction.completed", transaction(deal, true));
    return 2;
}

static int tell(const struct sale *sale, json_t *events)
{
    struct deal first = deal_of(sale, 0, 0), next = deal_of(sale, 0, 1),
                again = deal_of(sale, 1, 0);
    const char *word = sale->word;
    if (strcmp(word, "payment.succeeded") == 0) {
        return tell_join(&first, events);
    }
    if (strcmp(word, "reactivated") == 0) {
        return tell_join(&again, events);
    }
    if (strcmp(word, "payment.failed") == 0) {
        add(&next, events, "transaction.payment_failed", transaction(&next, false));
        add(&next, events, "subscription.past_due", subscription(&next, "past_due"));
    } else if (strcmp(word, "payment.refunded") == 0) {
        add(&first, events, "adjustment.created", adjustment(&first, "refund", true));
    } else if (strcmp(word, "payment.partly_refunded") == 0) {
        add(&first, events, "adjustment.created", adjustment(&first, "refund", false));
    } else if (strcmp(word, "dispute.opened") == 0) {
        add(&first, events, "adjustment.created", adjustment(&first, "chargeback", true));
    } else if (strcmp(word, "subscription.ended") == 0) {
        add(&first, events, "subscription.canceled", subscription(&first, "canceled"));
    } else {
        return -1;
    }
    return 0;
}

const struct seller seller_paddle = {
    .provider = "paddle", .header = "Paddle-Signature", .sign = sign, .tell = tell};
