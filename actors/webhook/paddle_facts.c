#include "paddle_facts.h"

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

static void see_items(struct reader *reader)
{
    const struct tape *tape = reader->tape;
    uint32_t items = tape_get(tape, reader->object, "items");
    for (uint32_t item = tape_first(tape, items); item; item = tape_next(tape, items, item)) {
        uint32_t price = tape_get(tape, item, "price");
        see(reader, read_id(reader, price));
        see(reader, read_id(reader, tape_get(tape, price, "product_id")));
        see(reader, read_id(reader, tape_get(tape, item, "price_id")));
    }
}

/* --- transactions ---------------------------------------------------------------------------- */

/* Somebody sits before the checkout of a first purchase: nothing is owed yet. */
static bool is_open_checkout(const struct reader *reader)
{
    return !*read_id_path(reader, "subscription_id") && !word_is(reader, "status", "past_due");
}

static int64_t count_attempts(const struct reader *reader)
{
    int64_t count = 0;
    uint32_t payments = tape_get(reader->tape, reader->object, "payments");
    for (uint32_t at = tape_first(reader->tape, payments); at;
         at = tape_next(reader->tape, payments, at)) {
        count++;
    }
    return count;
}

static void add_payment(struct reader *reader, bool paid)
{
    struct fact *payment = add_fact(reader, FACT_PAYMENT, read_id_path(reader, "id"));
    if (payment) {
        payment->status = paid ? "paid" : "failed";
        payment->customer = read_id_path(reader, "customer_id");
        payment->app_user = reader->app_user;
        payment->subscription = read_id_path(reader, "subscription_id");
        payment->amount = read_amount(reader, "details.totals.grand_total");
        payment->currency = read_currency(reader, "currency_code");
        payment->until_ms = read_time_path(reader, "billing_period.ends_at");
        payment->attempt = count_attempts(reader);
        payment->reason = read_word(reader, "origin");
    }
}

static void read_transaction(struct reader *reader)
{
    const char *transaction = read_id_path(reader, "id");
    reader->app_user = read_app_user(reader, "custom_data");
    see_items(reader);
    bool paid = type_is(reader, "transaction.completed");
    bool no_money = word_is(reader, "origin", "subscription_payment_method_change") &&
                    read_amount(reader, "details.totals.grand_total") == 0;
    if (paid ? !no_money : !is_open_checkout(reader)) {
        add_payment(reader, paid);
    }
    add_link(reader, transaction, read_id_path(reader, "subscription_id"));
    add_link(reader, transaction, read_id_path(reader, "customer_id"));
}

/* --- subscriptions --------------------------------------------------------------------------- */

static int64_t trial_end(const struct reader *reader)
{
    const struct tape *tape = reader->tape;
    uint32_t items = tape_get(tape, reader->object, "items");
    int64_t end = 0;
    for (uint32_t item = tape_first(tape, items); item; item = tape_next(tape, items, item)) {
        int64_t its_end = read_time(reader, tape_path(tape, item, "trial_dates.ends_at"));
        end = its_end > end ? its_end : end;
    }
    return end;
}

static void read_subscription(struct reader *reader)
{
    see_items(reader);
    const char *status = read_word(reader, "status"); /* Paddle's words are the ledger's */
    struct fact *subscription =
        *status ? add_fact(reader, FACT_SUBSCRIPTION, read_id_path(reader, "id")) : NULL;
    if (!subscription) {
        return;
    }
    subscription->status = status;
    subscription->customer = read_id_path(reader, "customer_id");
    subscription->app_user = read_app_user(reader, "custom_data");
    subscription->until_ms = read_time_path(reader, "current_billing_period.ends_at");
    subscription->trial_until_ms = trial_end(reader);
    if (is_over(status)) {
        subscription->ended_ms = read_time_path(reader, "canceled_at");
    } else if (word_is(reader, "scheduled_change.action", "cancel")) {
        subscription->ends_ms = read_time_path(reader, "scheduled_change.effective_at");
    }
    /* subscription.created alone names the transaction that began it */
    add_link(reader, read_id_path(reader, "transaction_id"), subscription->key);
    add_link(reader, subscription->key, subscription->customer);
}

/* --- adjustments ----------------------------------------------------------------------------- */

static const char *refund_status(const struct reader *reader)
{
    if (word_is(reader, "status", "approved")) {
        return "succeeded";
    }
    bool failed = word_is(reader, "status", "rejected") || word_is(reader, "status", "reversed");
    return failed ? "failed" : "pending";
}

/* A partial refund does not say how much was given back of the transaction in all: the sum of the
 * states does. */
static void read_refund(struct reader *reader)
{
    const char *transaction = read_id_path(reader, "transaction_id");
    const char *status = refund_status(reader);
    int64_t amount = read_amount(reader, "totals.total");
    bool whole = word_is(reader, "type", "full");
    struct fact *refund =
        strcmp(status, "succeeded") == 0 ? add_fact(reader, FACT_REFUND, transaction) : NULL;
    if (refund) {
        refund->amount = whole ? amount : 0;
        refund->of = whole ? amount : 0;
        refund->currency = read_currency(reader, "currency_code");
        refund->customer = read_id_path(reader, "customer_id");
        refund->object = read_id_path(reader, "id");
    }
    struct fact *state = add_fact(reader, FACT_REFUND_STATE, read_id_path(reader, "id"));
    if (state) {
        state->status = status;
        state->object = transaction;
        state->amount = amount;
        state->currency = read_currency(reader, "currency_code");
    }
}

static void read_chargeback(struct reader *reader, const char *status)
{
    struct fact *dispute = add_fact(reader, FACT_DISPUTE, read_id_path(reader, "transaction_id"));
    if (dispute) {
        dispute->status = status;
        dispute->object = dispute->key;
        dispute->amount = read_amount(reader, "totals.total");
        dispute->currency = read_currency(reader, "currency_code");
        dispute->reason = read_word(reader, "reason");
    }
}

static void read_adjustment(struct reader *reader)
{
    static const struct {
        const char *action;
        const char *status; /* NULL: a refund */
    } actions[] = {
        {"refund", NULL},
        {"chargeback", "open"},
        {"chargeback_reverse", "won"},
        {"chargeback_warning", "inquiry"},
        {"chargeback_warning_reverse", "inquiry"},
    };
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (!word_is(reader, "action", actions[i].action)) {
            continue;
        }
        if (actions[i].status) {
            read_chargeback(reader, actions[i].status);
        } else {
            read_refund(reader);
        }
        const char *transaction = read_id_path(reader, "transaction_id");
        add_link(reader, transaction, read_id_path(reader, "subscription_id"));
        add_link(reader, transaction, read_id_path(reader, "customer_id"));
    }
}

/* --- customers ------------------------------------------------------------------------------- */

static void read_customer(struct reader *reader)
{
    struct fact *customer = add_fact(reader, FACT_CUSTOMER, read_id_path(reader, "id"));
    if (customer) {
        customer->email = read_words(reader, "email");
        customer->name = read_words(reader, "name");
        customer->app_user = read_app_user(reader, "custom_data");
    }
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct row {
    const char *type;
    void (*read)(struct reader *reader);
    enum weight weight;
} rows[] = {
    {"transaction.completed", read_transaction, BUYS},
    {"transaction.payment_failed", read_transaction, BUYS},
    {"transaction.past_due", read_transaction, BUYS},
    {"subscription.created", read_subscription, BUYS},
    {"subscription.activated", read_subscription, BUYS},
    {"subscription.trialing", read_subscription, BUYS},
    {"subscription.updated", read_subscription, BUYS},
    {"subscription.past_due", read_subscription, BUYS},
    {"subscription.paused", read_subscription, BUYS},
    {"subscription.resumed", read_subscription, BUYS},
    {"subscription.canceled", read_subscription, BUYS},
    {"subscription.imported", read_subscription, BUYS},
    {"adjustment.created", read_adjustment, LEADS},
    {"adjustment.updated", read_adjustment, LEADS},
    {"customer.created", read_customer, LEADS},
    {"customer.updated", read_customer, LEADS},
    {"customer.imported", read_customer, LEADS},
};

enum fault paddle_facts(const struct tape *tape, const struct provider_rules *rules,
                        struct translation *out)
{
    static const char *const names[] = {"event_id", "event_type", "occurred_at", "data"};
    enum { ID, TYPE, TIME, DATA, NAMES };
    uint32_t at[NAMES];
    struct reader reader = reader_begin(tape, rules, out);
    enum fault fault = reader_envelope(&reader, names, NAMES, at);
    fault = fault != OK ? fault
                        : reader_name(&reader, tape_text(tape, at[ID]), tape_text(tape, at[TYPE]),
                                      read_time(&reader, at[TIME]));
    if (fault != OK) {
        return fault;
    }
    reader.object = at[DATA];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (type_is(&reader, rows[i].type)) {
            rows[i].read(&reader);
            return reader_conclude(&reader, rows[i].weight);
        }
    }
    reader_ignore(&reader, "a type that has no meaning here");
    return OK;
}
