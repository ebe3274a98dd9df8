#include "ledger.h"

#include "money.h"
#include "must.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- words ------------------------------------------------------------------------------------ */

static void amount_words(struct buf *out, const char *before, const struct fact *fact)
{
    buf_add_text(out, before);
    if (fact->amount) {
        buf_add_text(out, " ");
        money_words(fact->amount, fact->currency, out);
    }
}

static void fact_words(const struct fact *fact, struct buf *out)
{
    switch (fact->kind) {
    case FACT_PAYMENT:
        amount_words(out, strcmp(fact->status, "paid") == 0 ? "Paid" : "Payment failed:", fact);
        break;
    case FACT_REFUND:
        amount_words(out,
                     fact->amount >= fact->of ? "Refunded in full:" : "Partly refunded:", fact);
        break;
    case FACT_REFUND_STATE:
        if (strcmp(fact->status, "failed") == 0) {
            amount_words(out, "A refund failed:", fact);
        }
        break;
    case FACT_DISPUTE:
        amount_words(out,
                     strcmp(fact->status, "open") == 0   ? "Disputed:"
                     : strcmp(fact->status, "won") == 0  ? "Dispute won:"
                     : strcmp(fact->status, "lost") == 0 ? "Dispute lost:"
                                                         : "Inquiry:",
                     fact);
        break;
    case FACT_SUBSCRIPTION:
        buf_printf(out, "Subscription %s%s", fact->status,
                   fact->ends_ms ? ", will end at period end" : "");
        break;
    case FACT_CUSTOMER:
        buf_add_text(out, fact->deleted ? "Customer deleted" : "Customer details");
        break;
    case FACT_TICKET:
        buf_printf(out, "Ticket %s", strcmp(fact->status, "closed") == 0 ? "closed" : "opened");
        break;
    default:
        break;
    }
}

/* "crm contact done", in words. */
static void job_words(const struct event *event, const json_t *data, struct buf *out)
{
    const char *kind = tree_text(data, "kind"), *actor = tree_text(data, "actor");
    const char *what = strcmp(actor, "crm") == 0       ? "Contact"
                       : strcmp(actor, "support") == 0 ? "Support note"
                                                       : "Mail";
    const char *how = strcmp(event->type, "job.done") == 0         ? "done"
                      : strcmp(event->type, "job.retrying") == 0   ? "not taken, tried again"
                      : strcmp(event->type, "job.dead") == 0       ? "refused, waits for a person"
                      : strcmp(event->type, "job.uncertain") == 0  ? "uncertain"
                      : strcmp(event->type, "job.superseded") == 0 ? "no longer needed"
                                                                   : "skipped";
    if (strcmp(actor, "crm") == 0) {
        buf_printf(out, "%s in %s (version %lld): %s", what, tree_text(data, "target"),
                   (long long)tree_int(data, "version"), how);
    } else {
        buf_printf(out, "%s (%s): %s", what, kind, how);
    }
}

static void admin_words(const struct event *event, const json_t *data, struct buf *out)
{
    const char *did = strcmp(event->type, "admin.granted") == 0   ? "granted access"
                      : strcmp(event->type, "admin.revoked") != 0 ? "noted"
                      : tree_flag(data, "lift")                   ? "gave access back"
                                                                  : "revoked access";
    if (strcmp(event->type, "admin.resynced") == 0) {
        did = "asked for the contact to be sent again";
    }
    const char *why = tree_text(data, *tree_text(data, "text") ? "text" : "reason");
    buf_printf(out, "%s %s%s%s", *event->who ? event->who : event->source, did, *why ? ": " : "",
               why);
}

/* --- lines ------------------------------------------------------------------------------------ */

static enum fault save_line(struct store_txn *txn, uint64_t component, const struct event *event,
                            uint8_t part, json_t *line)
{
    uint8_t key[17];
    key_pair(key, component, event->seq);
    key[16] = part;
    tree_set_int(line, "time", event->time_ms);
    tree_set_text(line, "event", event->id);
    enum fault fault = tree_save(txn, TABLE_TIMELINE, (struct slice){key, sizeof key}, line);
    json_decref(line);
    return fault;
}

static void set_words(json_t *line, struct buf *words)
{
    json_t *text = json_string(buf_text(words));
    tree_set(line, "text", text ? text : json_string("?"));
}

/* The first fact that says something, and only one line per event. */
static enum fault add_facts(struct store_txn *txn, uint64_t component, const struct event *event,
                            const json_t *facts)
{
    char source[EVENT_NAME_BYTES_MAX + 1];
    struct buf words = {0};
    enum fault fault = OK;
    ledger_source(event, source, sizeof source);
    for (size_t i = 0; i < json_array_size(facts) && words.len == 0; i++) {
        struct fact fact;
        if (fact_read(json_array_get(facts, i), &fact) != OK || fact.foreign) {
            continue;
        }
        fact_words(&fact, &words);
        if (words.len) {
            json_t *line = json_object();
            tree_set_text(line, "lane", fact.kind == FACT_TICKET ? "tools" : "money");
            tree_set_text(line, "object", fact.key);
            tree_set_text(line, "source", source);
            set_words(line, &words);
            fault = save_line(txn, component, event, 0, line);
        }
    }
    buf_fini(&words);
    return fault;
}

enum fault timeline_add(struct store_txn *txn, uint64_t component, const struct event *event,
                        const json_t *data)
{
    const json_t *facts = tree_get(data, "facts");
    if (facts) {
        return add_facts(txn, component, event, facts);
    }
    struct buf words = {0};
    json_t *line = json_object();
    const char *lane = "access", *member = event->subject;
    if (strncmp(event->type, "job.", 4) == 0) {
        lane = strcmp(tree_text(data, "actor"), "mailer") == 0 ? "mail" : "tools";
        job_words(event, data, &words);
    } else if (strncmp(event->type, "admin.", 6) == 0) {
        member = tree_text(data, "member");
        admin_words(event, data, &words);
    } else {
        buf_printf(&words, "%s: %s", tree_text(data, "state"), tree_text(data, "reason"));
        tree_set_text(line, "rule", tree_text(data, "rule"));
    }
    tree_set_text(line, "lane", lane);
    tree_set_text(line, "member", member);
    set_words(line, &words);
    buf_fini(&words);
    return save_line(txn, component, event, 0, line);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct lister {
    const struct view *view;
    const struct member *member;
    json_t *list;
};

static bool list_line(void *self, struct slice key, struct slice value)
{
    (void)key;
    struct lister *lister = self;
    json_t *line = NULL;
    if (value_unpack(value.bytes, value.len, &line) != OK) {
        return true;
    }
    const struct member *its =
        *tree_text(line, "member")
            ? view_member_named(lister->view, tree_text(line, "member"))
            : view_member_of(lister->view, tree_text(line, "source"), tree_text(line, "object"));
    if (its == lister->member) {
        json_object_del(line, "member");
        json_object_del(line, "source");
        if (!tree_get(line, "rule")) {
            tree_set(line, "rule", json_null());
        }
        MUST(json_array_append(lister->list, line) == 0);
    }
    json_decref(line);
    return true;
}

enum fault timeline_list(struct store_txn *txn, uint64_t component, const struct view *view,
                         const struct member *member, json_t *list)
{
    uint8_t prefix[8];
    struct lister lister = {view, member, list};
    store_key_u64(component, prefix);
    return store_scan(txn, TABLE_TIMELINE, (struct slice){prefix, sizeof prefix},
                      (struct slice){NULL, 0}, false, list_line, &lister);
}

/* --- when components become one --------------------------------------------------------------- */

struct mover {
    struct buf bytes;
};

static bool collect(void *self, struct slice key, struct slice value)
{
    struct mover *mover = self;
    uint32_t sizes[2] = {(uint32_t)key.len, (uint32_t)value.len};
    buf_add(&mover->bytes, sizes, sizeof sizes);
    buf_add(&mover->bytes, key.bytes, key.len);
    buf_add(&mover->bytes, value.bytes, value.len);
    return true;
}

enum fault timeline_move(struct store_txn *txn, uint64_t from, uint64_t to)
{
    uint8_t prefix[8];
    struct mover mover = {{0}};
    store_key_u64(from, prefix);
    enum fault fault = store_scan(txn, TABLE_TIMELINE, (struct slice){prefix, sizeof prefix},
                                  (struct slice){NULL, 0}, false, collect, &mover);
    for (size_t at = 0; fault == OK && at < mover.bytes.len;) {
        uint32_t sizes[2];
        memcpy(sizes, mover.bytes.bytes + at, sizeof sizes);
        uint8_t *key = mover.bytes.bytes + at + sizeof sizes;
        struct slice value = {key + sizes[0], sizes[1]};
        fault = store_delete(txn, TABLE_TIMELINE, (struct slice){key, sizes[0]});
        store_key_u64(to, key);
        if (fault == OK) {
            fault = store_put(txn, TABLE_TIMELINE, (struct slice){key, sizes[0]}, value);
        }
        at += sizeof sizes + sizes[0] + sizes[1];
    }
    buf_fini(&mover.bytes);
    return fault;
}
