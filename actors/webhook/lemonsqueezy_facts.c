#include "lemonsqueezy_facts.h"

#include "reader.h"

#include <string.h>

static bool type_is(const struct reader *reader, const char *type)
{
    return strcmp(reader->out->provider_type, type) == 0;
}

static bool word_is(const struct reader *reader, const char *path, const char *word)
{
    return strcmp(read_word(reader, path), word) == 0;
}

static void see_number(struct reader *reader, const char *path)
{
    see(reader, read_numbered(reader, "", path));
}

static const char *customer_of(const struct reader *reader)
{
    return read_numbered(reader, "cus_", "attributes.customer_id");
}

static void add_payment(struct reader *reader, const char *key, const char *subscription, bool paid)
{
    struct fact *payment = add_fact(reader, FACT_PAYMENT, key);
    if (payment) {
        payment->status = paid ? "paid" : "failed";
        payment->customer = customer_of(reader);
        payment->email = reader->email;
        payment->name = reader->name;
        payment->app_user = reader->app_user;
        payment->subscription = subscription;
        payment->amount = read_amount(reader, "attributes.total");
        payment->currency = read_currency(reader, "attributes.currency");
        payment->reason = read_word(reader, "attributes.billing_reason");
    }
}

/* Orders and invoices show alike what was given back of them. */
static int64_t refunded(const struct reader *reader)
{
    const struct tape *tape = reader->tape;
    bool whole = tape_flag(tape, tape_path(tape, reader->object, "attributes.refunded"));
    return read_amount(reader, whole ? "attributes.total" : "attributes.refunded_amount");
}

static void add_refund(struct reader *reader, const char *key)
{
    struct fact *refund = add_fact(reader, FACT_REFUND, key);
    if (refund) {
        refund->of = read_amount(reader, "attributes.total");
        refund->amount = refunded(reader);
        refund->currency = read_currency(reader, "attributes.currency");
        refund->customer = customer_of(reader);
    }
}

/* The order tells of the same refund: whichever comes, or both, it is one. */
static void add_refund_of_order(struct reader *reader, const char *invoice)
{
    struct fact *state = add_fact(reader, FACT_REFUND_STATE, invoice);
    if (state) {
        state->status = "succeeded";
        state->amount = refunded(reader);
        state->currency = read_currency(reader, "attributes.currency");
    }
}

static void read_order(struct reader *reader)
{
    const char *order = read_numbered(reader, "order_", "id");
    see_number(reader, "attributes.first_order_item.product_id");
    see_number(reader, "attributes.first_order_item.variant_id");
    if (type_is(reader, "order_refunded")) {
        add_refund(reader, order);
    } else if (word_is(reader, "attributes.status", "paid")) {
        add_payment(reader, order, "", true);
    }
    add_link(reader, order, customer_of(reader));
}

static const char *status_of(const struct reader *reader)
{
    static const struct {
        const char *word, *status;
    } words[] = {
        {"on_trial", "trialing"}, {"active", "active"}, {"cancelled", "active"},
        {"past_due", "past_due"}, {"unpaid", "unpaid"}, {"expired", "canceled"},
    };
    if (word_is(reader, "attributes.status", "paused")) {
        return word_is(reader, "attributes.pause.mode", "free") ? "active" : "paused";
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (word_is(reader, "attributes.status", words[i].word)) {
            return words[i].status;
        }
    }
    return "";
}

static void read_subscription(struct reader *reader)
{
    const char *key = read_numbered(reader, "sub_", "id");
    const char *status = status_of(reader);
    see_number(reader, "attributes.product_id");
    see_number(reader, "attributes.variant_id");
    struct fact *subscription = *status ? add_fact(reader, FACT_SUBSCRIPTION, key) : NULL;
    if (subscription) {
        int64_t ends_ms = read_time_path(reader, "attributes.ends_at");
        int64_t renews_ms = read_time_path(reader, "attributes.renews_at");
        subscription->status = status;
        subscription->customer = customer_of(reader);
        subscription->email = reader->email;
        subscription->app_user = reader->app_user;
        subscription->until_ms = renews_ms;
        subscription->trial_until_ms = read_time_path(reader, "attributes.trial_ends_at");
        if (is_over(status)) {
            subscription->ended_ms = ends_ms;
        } else if (word_is(reader, "attributes.status", "cancelled")) {
            subscription->ends_ms = ends_ms ? ends_ms : renews_ms;
        }
    }
    const char *order = read_numbered(reader, "order_", "attributes.order_id");
    add_link(reader, order, key);
    add_link(reader, order, read_numbered(reader, "first_", "id"));
    add_link(reader, key, customer_of(reader));
}

static void read_invoice(struct reader *reader)
{
    const char *invoice = read_numbered(reader, "inv_", "id");
    const char *subscription = read_numbered(reader, "sub_", "attributes.subscription_id");
    bool first = word_is(reader, "attributes.billing_reason", "initial");
    if (type_is(reader, "subscription_payment_refunded") && first) {
        add_refund_of_order(reader, invoice);
    } else if (type_is(reader, "subscription_payment_refunded")) {
        add_refund(reader, invoice);
    } else if (type_is(reader, "subscription_payment_failed")) {
        add_payment(reader, invoice, subscription, false);
    } else if (!first) {
        add_payment(reader, invoice, subscription, true);
    }
    if (first) {
        add_link(reader, invoice, read_numbered(reader, "first_", "attributes.subscription_id"));
    }
    add_link(reader, invoice, subscription);
    add_link(reader, invoice, customer_of(reader));
}

static const struct row {
    const char *type;
    void (*read)(struct reader *reader);
    enum weight weight;
} rows[] = {
    {"order_created", read_order, BUYS},
    {"order_refunded", read_order, BUYS},
    {"subscription_created", read_subscription, BUYS},
    {"subscription_updated", read_subscription, BUYS},
    {"subscription_plan_changed", read_subscription, BUYS},
    {"subscription_cancelled", read_subscription, BUYS},
    {"subscription_resumed", read_subscription, BUYS},
    {"subscription_expired", read_subscription, BUYS},
    {"subscription_paused", read_subscription, BUYS},
    {"subscription_unpaused", read_subscription, BUYS},
    {"subscription_payment_success", read_invoice, FOLLOWS},
    {"subscription_payment_recovered", read_invoice, FOLLOWS},
    {"subscription_payment_failed", read_invoice, FOLLOWS},
    {"subscription_payment_refunded", read_invoice, FOLLOWS},
};

static const char *hash_of(struct slice body, struct translation *out)
{
    uint8_t digest[SHA256_BYTES];
    sha256(body.bytes, body.len, digest);
    hex_encode(digest, sizeof digest, out->id_room);
    return out->id_room;
}

static bool is_test(const struct reader *reader, uint32_t meta)
{
    const struct tape *tape = reader->tape;
    return tape_flag(tape, tape_get(tape, meta, "test_mode")) ||
           tape_flag(tape, tape_path(tape, reader->object, "attributes.test_mode"));
}

enum fault lemonsqueezy_facts(struct slice body, const struct tape *tape,
                              const struct provider_rules *rules, struct translation *out)
{
    static const char *const names[] = {"meta", "data"};
    enum { META, DATA, NAMES };
    uint32_t at[NAMES];
    struct reader reader = reader_begin(tape, rules, out);
    enum fault fault = reader_envelope(&reader, names, NAMES, at);
    reader.object = at[DATA];
    int64_t at_ms = read_time_path(&reader, "attributes.updated_at");
    at_ms = at_ms ? at_ms : read_time_path(&reader, "attributes.created_at");
    const char *type = tape_text(tape, tape_get(tape, at[META], "event_name"));
    fault = fault != OK ? fault : reader_name(&reader, hash_of(body, out), type, at_ms);
    if (fault != OK || !reader_is_of_mode(&reader, !is_test(&reader, at[META]))) {
        return fault;
    }
    reader.email = read_words(&reader, "attributes.user_email");
    reader.name = read_words(&reader, "attributes.user_name");
    reader.app_user = read_app_user_in(&reader, tape_get(tape, at[META], "custom_data"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (type_is(&reader, rows[i].type)) {
            rows[i].read(&reader);
            return reader_conclude(&reader, rows[i].weight);
        }
    }
    reader_ignore(&reader, "a type that has no meaning here");
    return OK;
}
