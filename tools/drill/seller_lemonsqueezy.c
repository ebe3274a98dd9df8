/* seller_lemonsqueezy.c - Lemon Squeezy: orders, subscriptions and their invoices. It is the
 * merchant, and tells of no disputes. Objects have numbers; an event is known by its body alone.
 *
 * Format     https://docs.lemonsqueezy.com/help/webhooks/event-types */
#include "seller.h"

#include "must.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_DIGITS = 7 };

/* One subscription of one person, and one of its invoices. */
struct deal {
    const struct sale *sale;
    int period;
    long customer, order, subscription, invoice;
};

static long number(const char *kind, const char *email, int nth, int period)
{
    char id[SELLER_TOKEN_CHARS + 16];
    seller_id("", kind, nth, period, id);
    uint8_t hash[SHA256_BYTES];
    char *seed = must_sprintf("%s/%s", id, email), hex[SHA256_HEX_CHARS + 1];
    sha256(seed, strlen(seed), hash);
    hex_encode(hash, sizeof hash, hex);
    hex[NUMBER_DIGITS] = '\0';
    free(seed);
    return strtol(hex, NULL, 16) + 1;
}

static struct deal deal_of(const struct sale *sale, int nth, int period)
{
    return (struct deal){.sale = sale,
                         .period = period,
                         .customer = number("customer", sale->email, 0, 0),
                         .order = number("order", sale->email, nth, 0),
                         .subscription = number("subscription", sale->email, nth, 0),
                         .invoice = number("invoice", sale->email, nth, period)};
}

static void sign(const char *secret, int64_t now_s, struct slice body, struct buf *value)
{
    (void)now_s;
    char hex[SHA256_HEX_CHARS + 1];
    seller_mac(secret, body, (struct slice){"", 0}, hex);
    buf_add_text(value, hex);
}

/* --- what there is -------------------------------------------------------------------------- */

/* Takes the attributes. */
static void add(const struct deal *deal, json_t *events, const char *name, const char *type,
                long id, json_t *attributes)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", id);
    json_t *event =
        json_pack("{s:{s:s, s:b}, s:{s:s, s:s, s:o}}", "meta", "event_name", name, "test_mode", 1,
                  "data", "type", type, "id", text, "attributes", attributes);
    MUST(event && json_array_append_new(events, event) == 0);
    tree_set_int(attributes, "customer_id", deal->customer);
    tree_set_text(attributes, "user_name", deal->sale->name);
    tree_set_text(attributes, "user_email", deal->sale->email);
    tree_set_text(attributes, "updated_at", seller_time(deal->sale, 0));
    tree_set_flag(attributes, "test_mode", true);
}

static int product_of(const struct deal *deal)
{
    return *deal->sale->product ? atoi(deal->sale->product) : 1;
}

static void add_order(const struct deal *deal, json_t *events, const char *name, int refunded)
{
    bool whole = refunded == SELLER_AMOUNT;
    add(deal, events, name, "orders", deal->order,
        json_pack("{s:s, s:s, s:i, s:b, s:i, s:{s:i, s:i}}", "status", whole ? "refunded" : "paid",
                  "currency", "USD", "total", SELLER_AMOUNT, "refunded", whole, "refunded_amount",
                  refunded, "first_order_item", "product_id", product_of(deal), "variant_id", 2));
}

static void add_subscription(const struct deal *deal, json_t *events, const char *name,
                             const char *status)
{
    bool over = strcmp(status, "expired") == 0;
    add(deal, events, name, "subscriptions", deal->subscription,
        json_pack("{s:I, s:i, s:i, s:s, s:s, s:s?}", "order_id", (json_int_t)deal->order,
                  "product_id", product_of(deal), "variant_id", 2, "status", status, "renews_at",
                  seller_time(deal->sale, SELLER_PERIOD_S), "ends_at",
                  over ? seller_time(deal->sale, 0) : NULL));
}

static void add_invoice(const struct deal *deal, json_t *events, const char *name)
{
    add(deal, events, name, "subscription-invoices", deal->invoice,
        json_pack("{s:I, s:s, s:s, s:i, s:b, s:i}", "subscription_id",
                  (json_int_t)deal->subscription, "billing_reason",
                  deal->period ? "renewal" : "initial", "currency", "USD", "total", SELLER_AMOUNT,
                  "refunded", 0, "refunded_amount", 0));
}

/* --- what happens --------------------------------------------------------------------------- */

static int tell_join(const struct deal *deal, json_t *events)
{
    add_order(deal, events, "order_created", 0);
    add_subscription(deal, events, "subscription_created", "active");
    add_invoice(deal, events, "subscription_payment_success");
    return 0;
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
        add_invoice(&next, events, "subscription_payment_failed");
        add_subscription(&next, events, "subscription_updated", "past_due");
    } else if (strcmp(word, "payment.refunded") == 0) {
        add_order(&first, events, "order_refunded", SELLER_AMOUNT);
    } else if (strcmp(word, "payment.partly_refunded") == 0) {
        add_order(&first, events, "order_refunded", SELLER_AMOUNT / 2);
    } else if (strcmp(word, "subscription.ended") == 0) {
        add_subscription(&first, events, "subscription_expired", "expired");
    } else {
        return -1;
    }
    return 0;
}

const struct seller seller_lemonsqueezy = {
    .provider = "lemonsqueezy", .header = "X-Signature", .sign = sign, .tell = tell};
