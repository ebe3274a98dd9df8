#include "objects.h"

#include <string.h>

static const char *text(const struct tape *tape, const char *path)
{
    return tape_text(tape, tape_path(tape, TAPE_ROOT, path));
}

static int64_t number(const struct tape *tape, const char *path)
{
    return tape_int(tape, tape_path(tape, TAPE_ROOT, path));
}

static bool status_is(const struct tape *tape, const char *status)
{
    return strcmp(text(tape, "status"), status) == 0;
}

/* --- what each kind of object tells --- */

static bool always(const struct tape *tape)
{
    (void)tape;
    return true;
}

static bool invoice_paid(const struct tape *tape)
{
    return status_is(tape, "paid");
}

static bool invoice_failed(const struct tape *tape)
{
    bool owed = status_is(tape, "open") || status_is(tape, "uncollectible");
    return owed && number(tape, "attempt_count") > 0;
}

static bool charge_refunded(const struct tape *tape)
{
    return number(tape, "amount_refunded") > 0;
}

static bool succeeded(const struct tape *tape)
{
    return status_is(tape, "succeeded");
}

static bool complete(const struct tape *tape)
{
    return status_is(tape, "complete");
}

static const struct row {
    const char *object;
    const char *type;
    bool (*tells)(const struct tape *tape);
    const char *time; /* the first of these paths that is there, separated by blanks */
} rows[] = {
    {"customer", "customer.updated", always, "created"},
    {"subscription", "customer.subscription.updated", always, "ended_at created"},
    {"invoice", "invoice.paid", invoice_paid, "status_transitions.paid_at created"},
    {"invoice", "invoice.payment_failed", invoice_failed, "created"},
    {"invoice_payment", "invoice_payment.paid", invoice_paid, "status_transitions.paid_at created"},
    {"charge", "charge.refunded", charge_refunded, "created"},
    {"charge", "charge.updated", succeeded, "created"},
    {"payment_intent", "payment_intent.succeeded", succeeded, "created"},
    {"refund", "refund.updated", always, "created"},
    {"dispute", "charge.dispute.updated", always, "created"},
    {"checkout.session", "checkout.session.completed", complete, "created"},
};

static const struct row *row_of(const struct tape *tape)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].object, text(tape, "object")) == 0 && rows[i].tells(tape)) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *object_type(const struct tape *tape)
{
    const struct row *row = row_of(tape);
    return row ? row->type : NULL;
}

int64_t object_time(const struct tape *tape)
{
    enum { MS = 1000, SECONDS_MAX = 253402300 }; /* of thousands: the year 10000 */
    const struct row *row = row_of(tape);
    for (const char *at = row ? row->time : ""; *at;) {
        char path[40] = "";
        size_t chars = strcspn(at, " ");
        memcpy(path, at, chars);
        int64_t seconds = number(tape, path);
        if (seconds > 0 && seconds / MS < SECONDS_MAX) {
            return seconds * MS;
        }
        at += chars;
        at += strspn(at, " ");
    }
    return 0;
}

void object_envelope(const struct envelope *envelope, const struct tape *tape, struct buf *out)
{
    uint32_t said = tape_get(tape, TAPE_ROOT, "livemode");
    bool live = tape_kind(tape, said) == TAPE_FLAG ? tape_flag(tape, said) : envelope->livemode;
    buf_reset(out);
    buf_printf(out,
               "{\"id\":\"%s\",\"object\":\"event\",\"type\":\"%s\",\"created\":%lld,"
               "\"livemode\":%s,\"data\":{\"object\":",
               envelope->id, envelope->type, (long long)(envelope->at_ms / 1000),
               live ? "true" : "false");
    buf_add(out, envelope->object.bytes, envelope->object.len);
    buf_add_text(out, "}}");
}
