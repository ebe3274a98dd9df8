#include "hunts.h"

#include "http_out.h"
#include "known.h"
#include "picture.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    const char *path, *query; /* the id stands behind one of them */
} whats[HUNT_WHATS] = {
    [HUNT_CHARGE] = {"charge", "/v1/charges/", NULL},
    [HUNT_PAYMENTS] = {"payments", "/v1/invoice_payments",
                       "payment%5Btype%5D=payment_intent&payment%5Bpayment_intent%5D="},
    [HUNT_INVOICE] = {"invoice", "/v1/invoices/", NULL},
    [HUNT_CHECKOUT] = {"checkout", "/v1/checkout/sessions", "payment_intent="},
    [HUNT_CUSTOMER] = {"customer", "/v1/customers/", NULL},
};

void hunt_path(const struct hunt *hunt, struct buf *path, struct buf *query)
{
    const char *before = whats[hunt->what].query;
    buf_add_text(path, whats[hunt->what].path);
    buf_add_text(query, before ? before : "");
    call_escape(before ? query : path, hunt->id);
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool row_key(const struct hunt *hunt, char key[STORE_KEY_BYTES_MAX + 1])
{
    int len = snprintf(key, STORE_KEY_BYTES_MAX + 1, "%s\n%s\n%s", hunt->source,
                       whats[hunt->what].word, hunt->id);
    return len > 0 && len <= STORE_KEY_BYTES_MAX;
}

static enum fault save(struct store_txn *txn, const struct hunt *hunt)
{
    char key[STORE_KEY_BYTES_MAX + 1];
    if (!row_key(hunt, key)) {
        return OK;
    }
    json_t *row = json_object();
    tree_set_text(row, "source", hunt->source);
    tree_set_int(row, "what", hunt->what);
    tree_set_text(row, "id", hunt->id);
    tree_set_text(row, "cause", hunt->cause);
    tree_set_text(row, "trace", hunt->trace);
    tree_set_int(row, "due", hunt->due_ms);
    tree_set_int(row, "tries", hunt->tries);
    enum fault fault = tree_save(txn, TABLE_HUNTS, text_slice(key), row);
    json_decref(row);
    return fault;
}

/* A new one; one that waits already keeps its time. */
static enum fault add(struct store_txn *txn, const struct hunt *hunt)
{
    char key[STORE_KEY_BYTES_MAX + 1];
    struct slice value;
    bool needed = false;
    if (!*hunt->id || !row_key(hunt, key) || store_count(txn, TABLE_HUNTS) >= HUNTS_MAX) {
        return OK;
    }
    enum fault fault = store_get(txn, TABLE_HUNTS, text_slice(key), &value);
    if (fault != FAULT_NOT_FOUND) {
        return fault;
    }
    fault = hunt_needed(txn, hunt, &needed);
    return fault == OK && needed ? save(txn, hunt) : fault;
}

static enum fault want(struct store_txn *txn, const struct hunt *like, enum hunt_what what,
                       const char *id)
{
    struct hunt hunt = *like;
    hunt.what = what;
    hunt.tries = 0;
    EVENT_SET(hunt.id, id);
    return add(txn, &hunt);
}

enum fault hunts_over(struct store_txn *txn, const struct hunt *hunt)
{
    char key[STORE_KEY_BYTES_MAX + 1];
    return row_key(hunt, key) ? store_delete(txn, TABLE_HUNTS, text_slice(key)) : OK;
}

enum fault hunts_later(struct store_txn *txn, const struct hunt *hunt, int64_t due_ms, bool asked)
{
    struct hunt later = *hunt;
    later.tries += asked;
    later.due_ms = due_ms;
    return later.tries > HUNT_TRIES_MAX ? hunts_over(txn, hunt) : save(txn, &later);
}

struct looking {
    struct hunt *hunt;
    int64_t now_ms;
    bool there;
};

static bool look(void *self, struct slice key, struct slice value)
{
    (void)key;
    struct looking *looking = self;
    json_t *row = NULL;
    if (value_unpack(value.bytes, value.len, &row) == OK &&
        tree_int(row, "due") <= looking->now_ms && tree_int(row, "what") >= 0 &&
        tree_int(row, "what") < HUNT_WHATS) {
        struct hunt *hunt = looking->hunt;
        *hunt = (struct hunt){.what = (enum hunt_what)tree_int(row, "what"),
                              .due_ms = tree_int(row, "due"),
                              .tries = tree_int(row, "tries")};
        EVENT_SET(hunt->source, tree_text(row, "source"));
        EVENT_SET(hunt->id, tree_text(row, "id"));
        EVENT_SET(hunt->cause, tree_text(row, "cause"));
        EVENT_SET(hunt->trace, tree_text(row, "trace"));
        looking->there = true;
    }
    json_decref(row);
    return !looking->there;
}

enum fault hunts_next(struct store_txn *txn, int64_t now_ms, struct hunt *hunt, bool *there)
{
    struct looking looking = {hunt, now_ms, false};
    struct slice all = {NULL, 0};
    enum fault fault = store_scan(txn, TABLE_HUNTS, all, all, false, look, &looking);
    *there = looking.there;
    return fault;
}

/* --- what is needed --------------------------------------------------------------------------- */

static enum fault is_known(struct store_txn *txn, const struct hunt *hunt, enum fact_kind kind,
                           bool *is)
{
    struct known known;
    enum fault fault = picture_known(txn, hunt->source, kind, hunt->id, &known);
    *is = known.there;
    known_fini(&known);
    return fault;
}

/* A charge is needed while it leads nowhere, or while a refund of it is known that the charge
 * itself never told of. */
static enum fault charge_needed(struct store_txn *txn, const struct hunt *hunt, bool *needed)
{
    char refund[EVENT_ID_BYTES_MAX + 1];
    bool homed = false, told = false;
    enum fault fault = picture_homed(txn, hunt->source, hunt->id, &homed);
    if (fault == OK) {
        fault = picture_linked(txn, hunt->source, hunt->id, "re_", refund);
    }
    if (fault == OK) {
        fault = is_known(txn, hunt, FACT_REFUND, &told);
    }
    *needed = !homed || (*refund && !told);
    return fault;
}

enum fault hunt_needed(struct store_txn *txn, const struct hunt *hunt, bool *needed)
{
    bool known = false;
    enum fault fault = OK;
    switch (hunt->what) {
    case HUNT_CHARGE:
        return charge_needed(txn, hunt, needed);
    case HUNT_PAYMENTS:
    case HUNT_CHECKOUT:
        fault = picture_homed(txn, hunt->source, hunt->id, &known);
        break;
    case HUNT_INVOICE:
        fault = is_known(txn, hunt, FACT_PAYMENT, &known);
        break;
    case HUNT_CUSTOMER:
        fault = is_known(txn, hunt, FACT_CUSTOMER, &known);
        break;
    default:
        known = true;
    }
    *needed = !known;
    return fault;
}

/* Ours, of an object as it was found: nothing else will come by itself. */
static bool is_repair(const struct event *event)
{
    const char *colon = strchr(event->id, ':');
    return colon && strncmp(colon + 1, "state:", 6) == 0;
}

enum fault hunts_note(struct store_txn *txn, const struct event *event, const json_t *facts,
                      int64_t settle_ms)
{
    bool repaired = is_repair(event);
    struct hunt hunt = {.due_ms = event->time_ms + (repaired ? 0 : settle_ms)};
    enum fault fault = OK;
    picture_source(event->id, hunt.source);
    EVENT_SET(hunt.cause, event->id);
    EVENT_SET(hunt.trace, event->trace);
    if (repaired && *event->cause) {
        return OK; /* of a hunt, whose trail was followed when it was found */
    }
    for (size_t i = 0; fault == OK && i < json_array_size(facts); i++) {
        struct fact fact;
        if (fact_read(json_array_get(facts, i), &fact) != OK || fact.foreign) {
            continue;
        }
        if (fact.kind == FACT_REFUND) {
            fault = want(txn, &hunt, HUNT_CHARGE, fact.key);
        } else if (fact.kind == FACT_DISPUTE || fact.kind == FACT_REFUND_STATE) {
            fault = want(txn, &hunt, HUNT_CHARGE, fact.object);
        } else if (fact.kind == FACT_SUBSCRIPTION && repaired) {
            fault = want(txn, &hunt, HUNT_CUSTOMER, fact.customer);
        } else if (fact.kind == FACT_LINK && repaired && strncmp(fact.object, "in_", 3) == 0) {
            fault = want(txn, &hunt, HUNT_INVOICE, fact.object);
        }
    }
    return fault;
}

enum fault hunts_follow(struct store_txn *txn, const struct hunt *hunt)
{
    char intent[EVENT_ID_BYTES_MAX + 1] = "", invoice[EVENT_ID_BYTES_MAX + 1] = "";
    enum fault fault = OK;
    if (hunt->what == HUNT_CHARGE) {
        fault = picture_linked(txn, hunt->source, hunt->id, "pi_", intent);
        return fault == OK ? want(txn, hunt, HUNT_PAYMENTS, intent) : fault;
    }
    if (hunt->what == HUNT_PAYMENTS) {
        fault = picture_linked(txn, hunt->source, hunt->id, "in_", invoice);
        if (fault == OK && *invoice) {
            return want(txn, hunt, HUNT_INVOICE, invoice);
        }
        return fault == OK ? want(txn, hunt, HUNT_CHECKOUT, hunt->id) : fault;
    }
    return fault;
}
