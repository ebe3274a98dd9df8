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

static void bounce_words(const struct fact *fact, struct buf *out)
{
    if (strcmp(fact->status, "complaint") == 0) {
        buf_add_text(out, "Our mail was marked as spam");
    } else {
        buf_add_text(out, strcmp(fact->status, "hard") == 0
                              ? "Mail bounced"
                              : "Mail could not be delivered for now");
    }
    buf_printf(out, "%s%s", *fact->reason ? ": " : "", fact->reason);
}

static void fact_words(const struct fact *fact, struct buf *out)
{
    switch (fact->kind) {
    case FACT_PAYMENT:
        if (strcmp(fact->status, "paid") != 0) {
            amount_words(out, "Payment failed:", fact);
        } else { /* a trial, or a discount of everything */
            amount_words(out, fact->amount ? "Paid" : "Nothing to pay", fact);
        }
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
    case FACT_BOUNCE:
        bounce_words(fact, out);
        break;
    default:
        break;
    }
}

/* One of two columns of words; otherwise if there is no such row. */
struct words_row {
    const char *name;
    const char *words;
};

static const char *words_of(const struct words_row *rows, const char *name, const char *otherwise)
{
    for (; rows->name; rows++) {
        if (strcmp(rows->name, name) == 0) {
            return rows->words;
        }
    }
    return otherwise;
}

static const struct words_row kind_words[] = {
    {"welcome", "Welcome mail"},
    {"back", "Welcome-back mail"},
    {"card", "Mail about the failed payment"},
    {"goodbye", "Goodbye mail"},
    {"refund", "Support note about the refund"},
    {"partial_refund", "Support note about the refund"},
    {"dispute_closed", "Support note about the closed dispute"},
    {"ticket", "Support note about the ticket"},
    {NULL, NULL},
};
static const struct words_row alert_words[] = {
    {"payment_failed", "Alert about the failed payment"},
    {"dispute", "Alert about the dispute"},
    {NULL, NULL},
};
static const struct words_row verb_words[] = {
    {"crm", "updated"},
    {"support", "written"},
    {"app", "kept for your app"}, /* it asks the console */
    {NULL, NULL},
};
static const struct words_row service_words[] = {
    {"hubspot", "HubSpot"},
    {"mailchimp", "Mailchimp"},
    {"kit", "Kit"},
    {"zendesk", "Zendesk"},
    {"slack", "Slack"},
    {NULL, NULL},
};

static const char *what_of(const char *actor, const char *kind)
{
    if (strcmp(actor, "crm") == 0) {
        return "Contact";
    }
    if (strcmp(actor, "app") == 0) {
        return "Access";
    }
    if (strcmp(actor, "alert") == 0) {
        return words_of(alert_words, kind, "Alert");
    }
    if (strcmp(actor, "support") == 0 && strcmp(kind, "dispute") == 0) {
        return "Support note about the dispute";
    }
    return words_of(kind_words, kind, strcmp(actor, "support") == 0 ? "Support note" : "Mail");
}

/* "Welcome mail sent", "Contact could not be updated in HubSpot, waits for a person". */
static void job_words(const struct event *event, const json_t *data, struct buf *out)
{
    const char *actor = tree_text(data, "actor"), *error = tree_text(data, "error");
    const char *what = what_of(actor, tree_text(data, "kind"));
    const char *target = tree_text(data, "target");
    const char *service = words_of(service_words, target, "");
    const char *verb =
        strcmp(target, "webhook") == 0 ? "told to your app" : words_of(verb_words, actor, "sent");
    const char *in = *service ? " in " : "";
    if (strcmp(event->type, "job.done") == 0) {
        buf_printf(out, "%s %s%s%s", what, verb, in, service);
    } else if (strcmp(event->type, "job.retrying") == 0) {
        buf_printf(out, "%s not yet %s%s%s, will be tried again", what, verb, in, service);
    } else if (strcmp(event->type, "job.dead") == 0) {
        buf_printf(out, "%s could not be %s%s%s, waits for a person", what, verb, in, service);
    } else if (strcmp(event->type, "job.uncertain") == 0) {
        buf_printf(out, "%s perhaps %s, nobody can say", what, verb);
    } else if (strcmp(event->type, "job.superseded") == 0 &&
               (strcmp(actor, "crm") == 0 || strcmp(actor, "app") == 0)) {
        buf_printf(out, "%s was about to be %s, a newer state follows", what, verb);
    } else if (strcmp(event->type, "job.superseded") == 0) {
        buf_printf(out, "%s no longer needed", what);
    } else {
        buf_printf(out, "%s skipped%s%s", what, *error ? ": " : "", error);
    }
}

static void admin_words(const struct event *event, const json_t *data, struct buf *out)
{
    static const struct words_row deeds[] = {
        {"admin.granted", "granted access"},
        {"admin.revoked", "revoked access"},
        {"admin.resynced", "asked for the contact to be sent again"},
        {"admin.resent", "had the mail sent once more"},
        {NULL, NULL},
    };
    static const struct words_row things[] = {
        {"crm", "the contact"}, {"support", "the support note"}, {"mailer", "the mail"},
        {"alert", "the alert"}, {"app", "the news for the app"}, {NULL, NULL},
    };
    const char *thing = words_of(things, tree_text(data, "actor"), "something");
    const char *why = tree_text(data, *tree_text(data, "text") ? "text" : "reason");
    buf_printf(out, "%s ", *event->who ? event->who : event->source);
    if (strcmp(event->type, "admin.retried") == 0) {
        buf_printf(out, "had %s tried again", thing);
    } else if (strcmp(event->type, "admin.skipped") == 0) {
        buf_printf(out, "skipped %s", thing);
    } else {
        buf_add_text(out, tree_flag(data, "lift") ? "gave access back"
                                                  : words_of(deeds, event->type, "noted"));
    }
    buf_printf(out, "%s%s", *why ? ": " : "", why);
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

static const char *lane_of(const struct fact *fact)
{
    return fact->kind == FACT_TICKET ? "tools" : fact->kind == FACT_BOUNCE ? "mail" : "money";
}

/* The first fact that says something, and only one line per event. */
static enum fault add_facts(struct store_txn *txn, uint64_t component, const struct event *event,
                            const json_t *data)
{
    const json_t *facts = tree_get(data, "facts");
    char source[EVENT_NAME_BYTES_MAX + 1];
    struct buf words = {0};
    enum fault fault = OK;
    ledger_source(event, data, source, sizeof source);
    for (size_t i = 0; i < json_array_size(facts) && words.len == 0; i++) {
        struct fact fact;
        if (fact_read(json_array_get(facts, i), &fact) != OK || fact.foreign) {
            continue;
        }
        fact_words(&fact, &words);
        if (words.len) {
            json_t *line = json_object();
            tree_set_text(line, "lane", lane_of(&fact));
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
    if (strcmp(event->type, "ticket.identified") == 0) {
        return OK; /* the ticket has its line already */
    }
    if (tree_get(data, "facts")) {
        return add_facts(txn, component, event, data);
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

struct placed {
    json_t *line;
    int64_t time_ms;
    size_t place; /* by seq */
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return x->time_ms != y->time_ms ? (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms)
                                    : (x->place > y->place) - (x->place < y->place);
}

/* They stand by seq; what came first stays first where times are the same. */
static void sort_by_time(json_t *list)
{
    size_t count = json_array_size(list);
    struct placed *placed = must_calloc(count + 1, sizeof *placed);
    for (size_t i = 0; i < count; i++) {
        json_t *line = json_incref(json_array_get(list, i));
        placed[i] = (struct placed){line, tree_int(line, "time"), i};
    }
    qsort(placed, count, sizeof *placed, compare_placed);
    for (size_t i = 0; i < count; i++) {
        MUST(json_array_set_new(list, i, placed[i].line) == 0);
    }
    free(placed);
}

enum fault timeline_list(struct store_txn *txn, uint64_t component, const struct view *view,
                         const struct member *member, json_t *list)
{
    uint8_t prefix[8];
    struct lister lister = {view, member, list};
    store_key_u64(component, prefix);
    enum fault fault = store_scan(txn, TABLE_TIMELINE, (struct slice){prefix, sizeof prefix},
                                  (struct slice){NULL, 0}, false, list_line, &lister);
    sort_by_time(list);
    return fault;
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
