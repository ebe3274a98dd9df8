#include "stripe_facts.h"

#include "stripe_read.h"

#include <string.h>

static bool type_is(const struct reader *reader, const char *type)
{
    return strcmp(reader->out->provider_type, type) == 0;
}

static const char *first_of(const char *a, const char *b)
{
    return *a ? a : b;
}

/* --- checkout sessions ----------------------------------------------------------------------- */

static void checkout_payment(struct reader *reader, const char *key, const char *status, bool final)
{
    struct fact *payment = add_fact(reader, FACT_PAYMENT, key);
    if (payment) {
        payment->status = status;
        payment->customer = read_id_path(reader, "customer");
        payment->email = reader->email;
        payment->name = reader->name;
        payment->app_user = reader->app_user;
        payment->amount = read_amount(reader, "amount_total");
        payment->currency = read_word(reader, "currency");
        payment->final = final;
    }
}

static void read_checkout(struct reader *reader)
{
    const char *session = read_id_path(reader, "id");
    const char *intent = read_id_path(reader, "payment_intent");
    const char *invoice = read_id_path(reader, "invoice");
    reader->email = first_of(read_words(reader, "customer_details.email"),
                             read_words(reader, "customer_email"));
    reader->name = read_words(reader, "customer_details.name");
    reader->app_user =
        first_of(read_word(reader, "client_reference_id"), read_app_user(reader, "metadata"));
    see_lines(reader, "line_items");
    see_metadata(reader, "metadata");

    const char *key = first_of(first_of(invoice, intent), session);
    const char *money = read_word(reader, "payment_status");
    bool one_off = strcmp(read_word(reader, "mode"), "payment") == 0;
    bool paid = strcmp(money, "paid") == 0 || strcmp(money, "no_payment_required") == 0;
    bool left_to_invoice = *reader->rules->products && !reader->shows_product && *invoice;
    if (one_off && !left_to_invoice) {
        if (type_is(reader, "checkout.session.async_payment_failed")) {
            checkout_payment(reader, key, "failed", true);
        } else if (paid) {
            checkout_payment(reader, key, "paid", false);
        }
    }
    add_link(reader, session, intent);
    add_link(reader, session, invoice);
    add_link(reader, session, read_id_path(reader, "subscription"));
    add_link(reader, session, read_id_path(reader, "customer"));
    add_link(reader, intent, invoice);
}

/* --- subscriptions --------------------------------------------------------------------------- */

static int64_t period_end(const struct reader *reader)
{
    const struct tape *tape = reader->tape;
    int64_t end = read_ms_path(reader, "current_period_end"); /* before basil */
    uint32_t items = tape_path(tape, reader->object, "items.data");
    for (uint32_t item = tape_first(tape, items); item; item = tape_next(tape, items, item)) {
        int64_t its_end = read_ms(reader, tape_get(tape, item, "current_period_end"));
        end = its_end > end ? its_end : end;
    }
    return end;
}

static void read_subscription(struct reader *reader)
{
    see_lines(reader, "items");
    see_price(reader, tape_get(reader->tape, reader->object, "plan"));
    bool deleted = type_is(reader, "customer.subscription.deleted");
    const char *word = read_word(reader, "status");
    /* what was never paid stays so when it is deleted */
    const char *status = deleted && !is_over(word) ? "canceled" : word;
    struct fact *subscription =
        *status ? add_fact(reader, FACT_SUBSCRIPTION, read_id_path(reader, "id")) : NULL;
    if (!subscription) {
        return;
    }
    subscription->status = status;
    subscription->customer = read_id_path(reader, "customer");
    subscription->app_user = read_app_user(reader, "metadata");
    subscription->until_ms = period_end(reader);
    subscription->ended_ms = read_ms_path(reader, "ended_at");
    subscription->trial_until_ms = read_ms_path(reader, "trial_end");
    if (!is_over(status)) {
        const struct tape *tape = reader->tape;
        bool at_end = tape_flag(tape, tape_get(tape, reader->object, "cancel_at_period_end"));
        int64_t named = read_ms_path(reader, "cancel_at");
        subscription->ends_ms = named ? named : at_end ? subscription->until_ms : 0;
    }
    add_link(reader, subscription->key, read_id_path(reader, "latest_invoice"));
}

/* --- invoices -------------------------------------------------------------------------------- */

/* Whose line this is: a subscription, or "". */
static const char *line_subscription(const struct reader *reader, uint32_t line)
{
    const struct tape *tape = reader->tape;
    const char *since = first_of(
        read_id(reader, tape_path(tape, line, "parent.subscription_item_details.subscription")),
        read_id(reader, tape_path(tape, line, "parent.invoice_item_details.subscription")));
    return first_of(since, read_id(reader, tape_get(tape, line, "subscription")));
}

/* The invoice's own period_end lies at its start for what is billed in advance; the lines say
 * what is covered, but for those that give back the rest of an old plan. */
static void read_lines(const struct reader *reader, const char **subscription, int64_t *until_ms)
{
    const struct tape *tape = reader->tape;
    uint32_t lines = tape_path(tape, reader->object, "lines.data");
    *until_ms = 0;
    for (uint32_t line = tape_first(tape, lines); line; line = tape_next(tape, lines, line)) {
        const char *whose = line_subscription(reader, line);
        int64_t end = read_ms(reader, tape_path(tape, line, "period.end"));
        *subscription = first_of(*subscription, whose);
        bool given_back = tape_int(tape, tape_get(tape, line, "amount")) < 0;
        if (*whose && !given_back && end > *until_ms) {
            *until_ms = end;
        }
    }
}

static const char *invoice_app_user(const struct reader *reader)
{
    const char *since = read_app_user(reader, "parent.subscription_details.metadata");
    const char *before = read_app_user(reader, "subscription_details.metadata");
    return first_of(first_of(since, before), read_app_user(reader, "metadata"));
}

static void invoice_links(struct reader *reader, const char *subscription)
{
    const struct tape *tape = reader->tape;
    const char *invoice = read_id_path(reader, "id");
    add_link(reader, invoice, subscription);
    add_link(reader, invoice, read_id_path(reader, "customer"));
    add_link(reader, read_id_path(reader, "payment_intent"), invoice); /* before basil */
    add_link(reader, read_id_path(reader, "charge"), invoice);
    uint32_t payments = tape_path(tape, reader->object, "payments.data");
    for (uint32_t at = tape_first(tape, payments); at; at = tape_next(tape, payments, at)) {
        add_link(reader, read_id(reader, tape_path(tape, at, "payment.payment_intent")), invoice);
        add_link(reader, read_id(reader, tape_path(tape, at, "payment.charge")), invoice);
    }
}

static void read_invoice(struct reader *reader)
{
    const char *subscription =
        first_of(read_id_path(reader, "parent.subscription_details.subscription"),
                 read_id_path(reader, "subscription"));
    int64_t until_ms;
    read_lines(reader, &subscription, &until_ms);
    reader->email = read_words(reader, "customer_email");
    reader->name = read_words(reader, "customer_name");
    reader->app_user = invoice_app_user(reader);
    see_lines(reader, "lines");
    see_metadata(reader, "metadata");

    bool failed = type_is(reader, "invoice.payment_failed");
    bool links_only = type_is(reader, "invoice.payment_action_required");
    struct fact *payment =
        links_only ? NULL : add_fact(reader, FACT_PAYMENT, read_id_path(reader, "id"));
    if (payment) {
        payment->status = failed ? "failed" : "paid";
        payment->customer = read_id_path(reader, "customer");
        payment->email = reader->email;
        payment->name = reader->name;
        payment->app_user = reader->app_user;
        payment->subscription = subscription;
        payment->amount = read_amount(reader, failed ? "amount_due" : "amount_paid");
        payment->currency = read_word(reader, "currency");
        payment->until_ms = until_ms;
        payment->attempt = read_amount(reader, "attempt_count");
        payment->reason = read_word(reader, "billing_reason");
        payment->final = failed && read_ms_path(reader, "next_payment_attempt") == 0;
    }
    invoice_links(reader, subscription);
}

static void read_invoice_payment(struct reader *reader)
{
    const char *invoice = read_id_path(reader, "invoice");
    add_link(reader, read_id_path(reader, "payment.payment_intent"), invoice);
    add_link(reader, read_id_path(reader, "payment.charge"), invoice);
    if (reader->out->fact_count == 0) { /* money from elsewhere, recorded by hand */
        add_link(reader, read_id_path(reader, "id"), invoice);
    }
}

/* --- charges, refunds, disputes -------------------------------------------------------------- */

static void charge_links(struct reader *reader)
{
    const char *charge = read_id_path(reader, "id");
    const char *intent = read_id_path(reader, "payment_intent");
    const char *invoice = read_id_path(reader, "invoice"); /* before basil */
    add_link(reader, charge, intent);
    add_link(reader, charge, invoice);
    add_link(reader, charge, read_id_path(reader, "customer"));
    add_link(reader, intent, invoice);
}

static void see_charge(struct reader *reader)
{
    reader->email =
        first_of(read_words(reader, "billing_details.email"), read_words(reader, "receipt_email"));
    reader->app_user = read_app_user(reader, "metadata");
    see_metadata(reader, "metadata");
}

static void read_charge(struct reader *reader)
{
    see_charge(reader);
    charge_links(reader);
}

static void read_payment_intent(struct reader *reader)
{
    const char *intent = read_id_path(reader, "id");
    reader->email = read_words(reader, "receipt_email");
    reader->app_user = read_app_user(reader, "metadata");
    see_metadata(reader, "metadata");
    add_link(reader, read_id_path(reader, "latest_charge"), intent);
    add_link(reader, intent, read_id_path(reader, "invoice")); /* before basil */
    add_link(reader, intent, read_id_path(reader, "customer"));
}

static void read_refunded_charge(struct reader *reader)
{
    const struct tape *tape = reader->tape;
    see_charge(reader);
    struct fact *refund = add_fact(reader, FACT_REFUND, read_id_path(reader, "id"));
    if (refund) {
        refund->amount = read_amount(reader, "amount_refunded");
        refund->of = read_amount(reader, "amount");
        refund->currency = read_word(reader, "currency");
        refund->customer = read_id_path(reader, "customer");
        uint32_t refunds = tape_path(tape, reader->object, "refunds.data"); /* the newest first */
        refund->object = read_id(reader, tape_first(tape, refunds));
    }
    charge_links(reader);
}

static const char *refund_status(const struct reader *reader)
{
    const char *status = read_word(reader, "status");
    if (type_is(reader, "refund.failed") || strcmp(status, "failed") == 0 ||
        strcmp(status, "canceled") == 0) {
        return "failed";
    }
    return strcmp(status, "succeeded") == 0 ? "succeeded" : "pending";
}

static void read_refund(struct reader *reader)
{
    struct fact *state = add_fact(reader, FACT_REFUND_STATE, read_id_path(reader, "id"));
    if (state) {
        state->status = refund_status(reader);
        state->object = read_id_path(reader, "charge");
        state->payment_intent = read_id_path(reader, "payment_intent");
        state->amount = read_amount(reader, "amount");
        state->currency = read_word(reader, "currency");
        add_link(reader, state->object, state->payment_intent);
    }
}

/* What is not known to be harmless counts as open. "prevented" and "charge_refunded" are over
 * without a loss by the dispute itself: the refund speaks for itself. */
static const char *dispute_status(const char *word)
{
    if (strncmp(word, "warning_", strlen("warning_")) == 0 || strcmp(word, "prevented") == 0) {
        return "inquiry";
    }
    if (strcmp(word, "won") == 0 || strcmp(word, "charge_refunded") == 0) {
        return "won";
    }
    return strcmp(word, "lost") == 0 ? "lost" : "open";
}

static void read_dispute(struct reader *reader)
{
    struct fact *dispute = add_fact(reader, FACT_DISPUTE, read_id_path(reader, "id"));
    if (dispute) {
        dispute->status = dispute_status(read_word(reader, "status"));
        dispute->object = read_id_path(reader, "charge");
        dispute->payment_intent = read_id_path(reader, "payment_intent");
        dispute->amount = read_amount(reader, "amount");
        dispute->currency = read_word(reader, "currency");
        dispute->reason = read_word(reader, "reason");
        add_link(reader, dispute->object, dispute->payment_intent);
    }
}

/* --- customers ------------------------------------------------------------------------------- */

static void read_customer(struct reader *reader)
{
    struct fact *customer = add_fact(reader, FACT_CUSTOMER, read_id_path(reader, "id"));
    if (customer) {
        const struct tape *tape = reader->tape;
        customer->email = read_words(reader, "email");
        customer->name = read_words(reader, "name");
        customer->app_user = read_app_user(reader, "metadata");
        customer->deleted = type_is(reader, "customer.deleted") ||
                            tape_flag(tape, tape_get(tape, reader->object, "deleted"));
    }
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct row {
    const char *type;
    void (*read)(struct reader *reader);
    enum weight weight;
} rows[] = {
    {"checkout.session.completed", read_checkout, BUYS},
    {"checkout.session.async_payment_succeeded", read_checkout, BUYS},
    {"checkout.session.async_payment_failed", read_checkout, BUYS},
    {"customer.subscription.created", read_subscription, BUYS},
    {"customer.subscription.updated", read_subscription, BUYS},
    {"customer.subscription.deleted", read_subscription, BUYS},
    {"customer.subscription.paused", read_subscription, BUYS},
    {"customer.subscription.resumed", read_subscription, BUYS},
    {"customer.subscription.trial_will_end", read_subscription, BUYS},
    {"invoice.paid", read_invoice, BUYS},
    {"invoice.payment_succeeded", read_invoice, BUYS},
    {"invoice.payment_failed", read_invoice, BUYS},
    {"invoice.payment_action_required", read_invoice, BUYS},
    {"invoice_payment.paid", read_invoice_payment, LEADS},
    {"charge.succeeded", read_charge, LEADS},
    {"charge.updated", read_charge, LEADS},
    {"payment_intent.succeeded", read_payment_intent, LEADS},
    {"charge.refunded", read_refunded_charge, LEADS},
    {"refund.created", read_refund, LEADS},
    {"refund.updated", read_refund, LEADS},
    {"refund.failed", read_refund, LEADS},
    {"charge.refund.updated", read_refund, LEADS},
    {"charge.dispute.created", read_dispute, LEADS},
    {"charge.dispute.updated", read_dispute, LEADS},
    {"charge.dispute.closed", read_dispute, LEADS},
    {"charge.dispute.funds_withdrawn", read_dispute, LEADS},
    {"charge.dispute.funds_reinstated", read_dispute, LEADS},
    {"customer.created", read_customer, LEADS},
    {"customer.updated", read_customer, LEADS},
    {"customer.deleted", read_customer, LEADS},
};

const char *stripe_type_nth(size_t n)
{
    return n < sizeof rows / sizeof *rows ? rows[n].type : NULL;
}

static const struct row *find_row(const char *type)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].type, type) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

enum fault stripe_facts(const struct tape *tape, const struct provider_rules *rules,
                        struct translation *out)
{
    static const char *const names[] = {"id", "type", "object", "created", "livemode", "data"};
    enum { ID, TYPE, OBJECT, CREATED, LIVEMODE, DATA, NAMES };
    uint32_t at[NAMES];
    struct reader reader = reader_begin(tape, rules, out);
    enum fault fault = reader_envelope(&reader, names, NAMES, at);
    fault = fault != OK ? fault
                        : reader_name(&reader, tape_text(tape, at[ID]), tape_text(tape, at[TYPE]),
                                      read_ms(&reader, at[CREATED]));
    if (fault != OK) {
        return fault;
    }
    reader.object = tape_get(tape, at[DATA], "object");
    const struct row *row = find_row(out->provider_type);
    if (!reader_is_of_mode(&reader, tape_flag(tape, at[LIVEMODE]))) {
        return OK;
    }
    if (strcmp(tape_text(tape, at[OBJECT]), "event") != 0) {
        reader_ignore(&reader, "not an event of API version 1");
    } else if (strcmp(out->provider_type, "checkout.session.expired") == 0) {
        reader_ignore(&reader, "nothing was bought");
    } else if (!row) {
        reader_ignore(&reader, "a type that has no meaning here");
    } else {
        row->read(&reader);
        fault = reader_conclude(&reader, row->weight);
    }
    return fault;
}
