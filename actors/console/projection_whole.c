#include "projection_core.h"

#include "money.h"
#include "must.h"
#include "shown.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAIL_DAYS = 30, STANDING_MAX = 500, AUDIT_LOOKED_AT_MAX = 20000 };

static bool is(const char *type, const char *name)
{
    return strcmp(type, name) == 0;
}

/* --- counting ---------------------------------------------------------------------------------- */

static enum fault count_day(struct store_txn *txn, const char *what, int64_t time_ms, int64_t more)
{
    char name[128];
    snprintf(name, sizeof name, "day:%.64s:%lld", what, (long long)(time_ms / DAY_MS));
    return count_add(txn, name, more);
}

/* Money is counted by what the ledger makes of it: a provider tells of one payment in several events,
 * and of payments for what is not ours. */
enum fault whole_payment(struct store_txn *txn, const json_t *document)
{
    const json_t *payment = tree_get(document, "last_payment");
    int64_t at_ms = tree_int(document, "last_payment_at");
    char what[64];
    enum fault fault = count_day(txn, "payments", at_ms, 1);
    snprintf(what, sizeof what, "paid:%.16s", tree_text(payment, "currency"));
    return fault == OK ? count_day(txn, what, at_ms, tree_int(payment, "amount")) : fault;
}

static enum fault count_rule(struct store_txn *txn, const struct event *event, const char *rule)
{
    char name[160];
    snprintf(name, sizeof name, "rule:%.120s", rule);
    enum fault fault = count_add(txn, name, 1);
    snprintf(name, sizeof name, "last:%.120s", rule);
    int64_t last = fault == OK ? count_of(txn, name) : 0;
    bool newer = event->time_ms > last;
    return fault == OK && newer ? count_add(txn, name, event->time_ms - last) : fault;
}

static enum fault mark_seen(struct store_txn *txn, const char *name)
{
    return count_of(txn, name) ? OK : count_add(txn, name, 1);
}

static enum fault count_job(struct store_txn *txn, const struct event *event, const json_t *data)
{
    const char *actor = tree_text(data, "actor");
    if (!is(event->type, "job.done")) {
        return OK;
    }
    if (is(actor, "mailer")) {
        enum fault fault = count_day(txn, "mails", event->time_ms, 1);
        return fault == OK ? mark_seen(txn, "seen:mail") : fault;
    }
    return is(actor, "crm") ? mark_seen(txn, "seen:crm") : OK;
}

/* A mail that comes later is no bounce. */
static bool bounced_for_good(const json_t *data)
{
    const json_t *facts = tree_get(data, "facts");
    for (size_t i = 0; i < json_array_size(facts); i++) {
        if (is(tree_text(json_array_get(facts, i), "status"), "hard")) {
            return true;
        }
    }
    return false;
}

static enum fault count_event(struct store_txn *txn, const struct event *event, const json_t *data)
{
    const char *type = event->type;
    if (is(type, "mail.bounced")) {
        return bounced_for_good(data) ? count_day(txn, "bounces", event->time_ms, 1) : OK;
    }
    if (strncmp(type, "job.", 4) == 0) {
        return count_job(txn, event, data);
    }
    if (strncmp(type, "member.", 7) == 0 && *tree_text(data, "rule")) {
        enum fault fault = mark_seen(txn, "seen:member");
        return fault == OK ? count_rule(txn, event, tree_text(data, "rule")) : fault;
    }
    return is(event->source, "webhook") && !is(type, "webhook.refused")
               ? mark_seen(txn, "seen:provider")
               : OK;
}

/* --- alerts ------------------------------------------------------------------------------------ */

static void key_alert(struct key *key, const json_t *data)
{
    key_text(key, tree_text(data, "rule"));
    key_text(key, tree_text(data, "object"));
}

static enum fault apply_alert(struct store_txn *txn, const struct event *event, const json_t *data)
{
    static const char *const copied[] = {"rule", "object", "text", "todo", "since"};
    struct key key = {.len = 0};
    key_alert(&key, data);
    if (is(event->type, "alert.cleared")) {
        return store_delete(txn, TABLE_ALERTS, key_slice(&key));
    }
    json_t *alert = json_object();
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        copy_or_null(alert, data, copied[i]);
    }
    enum fault fault = tree_save(txn, TABLE_ALERTS, key_slice(&key), alert);
    json_decref(alert);
    return fault;
}

static enum fault apply_silence(struct store_txn *txn, const struct event *event,
                                const json_t *data)
{
    struct key key = {.len = 0};
    key_alert(&key, data);
    if (is(event->type, "admin.unsilenced")) {
        return store_delete(txn, TABLE_SILENCES, key_slice(&key));
    }
    json_t *silence = json_object();
    tree_set_text(silence, "rule", tree_text(data, "rule"));
    tree_set(silence, "object", json_string(tree_text(data, "object")));
    tree_set_int(silence, "until", tree_int(data, "until"));
    tree_set(silence, "who", json_string(event->who));
    tree_set(silence, "reason", json_string(tree_text(data, "reason")));
    enum fault fault = tree_save(txn, TABLE_SILENCES, key_slice(&key), silence);
    json_decref(silence);
    return fault;
}

enum fault whole_apply(struct store_txn *txn, const struct event *event, const json_t *data)
{
    enum fault fault = count_event(txn, event, data);
    if (fault == OK && strncmp(event->type, "alert.", 6) == 0) {
        fault = apply_alert(txn, event, data);
    } else if (fault == OK &&
               (is(event->type, "admin.silenced") || is(event->type, "admin.unsilenced"))) {
        fault = apply_silence(txn, event, data);
    }
    return fault;
}

struct silences {
    json_t *list;
    int64_t now_ms;
};

static bool on_silence(void *self, struct slice key, struct slice value)
{
    struct silences *silences = self;
    json_t *tree = NULL;
    (void)key;
    if (value_unpack(value.bytes, value.len, &tree) == OK &&
        tree_int(tree, "until") > silences->now_ms) {
        tree_set(tree, "until", shown_time(tree_int(tree, "until")));
        MUST(json_array_append(silences->list, tree) == 0);
    }
    json_decref(tree);
    return json_array_size(silences->list) < STANDING_MAX;
}

static const json_t *silence_of(const json_t *silences, const json_t *alert)
{
    json_t *silence;
    size_t i;
    json_array_foreach(silences, i, silence)
    {
        const char *object = tree_text(silence, "object");
        if (is(tree_text(silence, "rule"), tree_text(alert, "rule")) &&
            (!*object || is(object, tree_text(alert, "object")))) {
            return silence;
        }
    }
    return NULL;
}

static bool on_alert(void *self, struct slice key, struct slice value)
{
    json_t *tree = NULL, *list = self;
    (void)key;
    if (value_unpack(value.bytes, value.len, &tree) == OK) {
        tree_set(tree, "since", shown_time(tree_int(tree, "since")));
        MUST(json_array_append(list, tree) == 0);
    }
    json_decref(tree);
    return json_array_size(list) < STANDING_MAX;
}

static json_t *history_of(const json_t *events)
{
    json_t *history = json_array(), *line;
    size_t i;
    json_array_foreach(events, i, line)
    {
        json_t *shown = json_object();
        bool cleared = is(tree_text(line, "type"), "alert.cleared");
        tree_set(shown, "time", json_incref(tree_get(line, "time")));
        tree_set(shown, "rule", json_string(tree_text(line, "alert")));
        tree_set(shown, "object", json_string(tree_text(line, "object")));
        tree_set(shown, "state", json_string(cleared ? "cleared" : "raised"));
        tree_set(shown, "text", json_incref(tree_get(line, "text")));
        tree_set(shown, "event", json_incref(tree_get(line, "event")));
        MUST(json_array_append_new(history, shown) == 0);
    }
    return history;
}

enum fault projection_alerts(struct store_txn *txn, int64_t now_ms, size_t history, json_t **answer)
{
    struct silences silences = {json_array(), now_ms};
    struct slice all = {NULL, 0};
    json_t *standing = json_array(), *events = NULL, *alert;
    size_t i;
    enum fault fault = store_scan(txn, TABLE_SILENCES, all, all, false, on_silence, &silences);
    fault =
        fault == OK ? store_scan(txn, TABLE_ALERTS, all, all, false, on_alert, standing) : fault;
    fault = fault == OK ? projection_events(txn, "alert.", "", history, &events) : fault;
    json_array_foreach(standing, i, alert)
    {
        const json_t *silence = silence_of(silences.list, alert);
        tree_set(alert, "silenced_until",
                 silence ? json_incref(tree_get(silence, "until")) : json_null());
    }
    *answer = NULL;
    if (fault == OK) {
        *answer = json_object();
        tree_set(*answer, "standing", json_incref(standing));
        tree_set(*answer, "silences", json_incref(silences.list));
        tree_set(*answer, "history", history_of(tree_get(events, "events")));
    }
    json_decref(events);
    json_decref(standing);
    json_decref(silences.list);
    return fault;
}

/* --- numbers ----------------------------------------------------------------------------------- */

struct numbers {
    json_t *into;
    size_t prefix_len;
};

static bool on_number(void *self, struct slice key, struct slice value)
{
    const struct numbers *numbers = self;
    const char *name = (const char *)key.bytes + numbers->prefix_len;
    if (value.len == SEQ_BYTES) {
        tree_set_int(numbers->into, name, (int64_t)store_key_number(value.bytes));
    }
    return true;
}

/* Every number whose name begins so, by the rest of it. */
static enum fault numbers_of(struct store_txn *txn, const char *prefix, json_t **out)
{
    struct numbers numbers = {json_object(), strlen(prefix)};
    *out = numbers.into;
    return store_scan(txn, TABLE_COUNTS, text_slice(prefix), (struct slice){NULL, 0}, false,
                      on_number, &numbers);
}

enum fault projection_rules(struct store_txn *txn, json_t **answer)
{
    json_t *counts = NULL, *lasts = NULL, *rules = json_object(), *value;
    const char *name;
    enum fault fault = numbers_of(txn, "rule:", &counts);
    fault = fault == OK ? numbers_of(txn, "last:", &lasts) : fault;
    json_object_foreach(counts, name, value)
    {
        json_t *rule = json_object();
        tree_set(rule, "count", json_incref(value));
        tree_set(rule, "last_at", shown_time(tree_int(lasts, name)));
        tree_set(rules, name, rule);
    }
    json_decref(counts);
    json_decref(lasts);
    *answer = rules;
    return fault;
}

static int64_t days(struct store_txn *txn, const char *what, int64_t now_ms, int count)
{
    int64_t sum = 0;
    for (int i = 0; i < count; i++) {
        char name[128];
        snprintf(name, sizeof name, "day:%s:%lld", what, (long long)(now_ms / DAY_MS - i));
        sum += count_of(txn, name);
    }
    return sum;
}

/* "58.00 USD, 10.00 EUR" */
static enum fault set_paid(struct store_txn *txn, json_t *numbers, int64_t now_ms)
{
    json_t *paid = NULL, *value;
    const char *name;
    struct buf words = {0};
    char today[32];
    snprintf(today, sizeof today, ":%lld", (long long)(now_ms / DAY_MS));
    enum fault fault = numbers_of(txn, "day:paid:", &paid);
    json_object_foreach(paid, name, value)
    {
        const char *at = strrchr(name, ':');
        if (at && is(at, today)) {
            char currency[32];
            snprintf(currency, sizeof currency, "%.*s", (int)(at - name), name);
            buf_add_text(&words, words.len ? ", " : "");
            money_words(json_integer_value(value), currency, &words);
        }
    }
    tree_set_text(numbers, "paid_today", buf_text(&words));
    buf_fini(&words);
    json_decref(paid);
    return fault;
}

enum fault projection_home(struct store_txn *txn, int64_t now_ms, json_t **out)
{
    json_t *numbers = json_object(), *states = NULL;
    tree_set_int(numbers, "members", count_of(txn, "members:"));
    tree_set_int(numbers, "with_access", count_of(txn, "members:a:true"));
    tree_set_int(numbers, "payments_today", days(txn, "payments", now_ms, 1));
    tree_set_int(numbers, "mails", days(txn, "mails", now_ms, MAIL_DAYS));
    tree_set_int(numbers, "bounces", days(txn, "bounces", now_ms, MAIL_DAYS));
    enum fault fault = numbers_of(txn, "members:s:", &states);
    tree_set(numbers, "by_state", states);
    fault = fault == OK ? set_paid(txn, numbers, now_ms) : fault;
    *out = numbers;
    if (fault != OK) {
        json_decref(numbers);
        *out = NULL;
    }
    return fault;
}

enum fault projection_setup(struct store_txn *txn, json_t **seen)
{
    *seen = json_object();
    tree_set_flag(*seen, "provider_event", count_of(txn, "seen:provider") > 0);
    tree_set_flag(*seen, "member", count_of(txn, "seen:member") > 0);
    tree_set_flag(*seen, "crm_done", count_of(txn, "seen:crm") > 0);
    tree_set_flag(*seen, "mail_done", count_of(txn, "seen:mail") > 0);
    return OK;
}

/* --- the audit --------------------------------------------------------------------------------- */

struct audit {
    struct store_txn *txn;
    const char *who;
    const char *text;
    json_t *entries;
    size_t limit;
    size_t looked_at;
    uint64_t last;
    bool more;
    enum fault fault;
};

static enum fault add_entry(struct audit *audit, const json_t *line)
{
    struct key key = {.len = 0};
    json_t *outcome = NULL, *entry = json_object();
    const char *text = tree_text(line, "text");
    key_hash(&key, tree_text(line, "event"), "");
    enum fault fault = tree_load(audit->txn, TABLE_OUTCOMES, key_slice(&key), &outcome);
    tree_set(entry, "time", json_incref(tree_get(line, "time")));
    tree_set(entry, "who", shown_text(tree_text(line, "who")));
    tree_set(entry, "what", json_string(tree_text(line, "type")));
    tree_set(entry, "text", json_string(text));
    tree_set(entry, "member", shown_text(tree_text(line, "member")));
    tree_set(entry, "name", shown_text(tree_text(line, "name")));
    tree_set(entry, "reason", shown_text(tree_text(line, "reason")));
    tree_set(entry, "event", json_string(tree_text(line, "event")));
    json_t *before = tree_get(outcome, "before"), *after = tree_get(outcome, "after");
    tree_set(entry, "before", before ? json_incref(before) : json_null());
    tree_set(entry, "after", after ? json_incref(after) : json_null());
    json_decref(outcome);
    MUST(json_array_append_new(audit->entries, entry) == 0);
    return fault;
}

static bool on_act(void *self, struct slice key, struct slice value)
{
    struct audit *audit = self;
    json_t *line = NULL;
    (void)value;
    if (json_array_size(audit->entries) == audit->limit ||
        audit->looked_at == AUDIT_LOOKED_AT_MAX) {
        audit->more = true;
        return false;
    }
    audit->looked_at++;
    audit->last = key_last_seq(key);
    audit->fault = line_load(audit->txn, audit->last, &line);
    bool fits = audit->fault == OK && line &&
                (!*audit->who || is(audit->who, tree_text(line, "who"))) &&
                (!*audit->text || strcasestr(tree_text(line, "text"), audit->text));
    if (fits) {
        audit->fault = line_name(audit->txn, line);
        audit->fault = audit->fault == OK ? add_entry(audit, line) : audit->fault;
    }
    json_decref(line);
    return audit->fault == OK;
}

enum fault projection_audit(struct store_txn *txn, const char *who, const char *text,
                            const char *after, size_t limit, json_t **answer)
{
    struct audit audit = {.txn = txn,
                          .who = who,
                          .text = text,
                          .entries = json_array(),
                          .limit = limit < PROJECTION_PAGE_MAX ? limit : PROJECTION_PAGE_MAX};
    struct key prefix = {.len = 0};
    uint64_t below = 0;
    (void)place_read(after, &below);
    key_text(&prefix, "admin");
    enum fault fault = scan_newest(txn, TABLE_FAMILIES, &prefix, below, on_act, &audit);
    fault = fault == OK ? audit.fault : fault;
    *answer = NULL;
    if (fault == OK) {
        *answer = json_object();
        tree_set(*answer, "entries", json_incref(audit.entries));
        tree_set(*answer, "next", audit.more ? place_text(audit.last) : json_null());
    }
    json_decref(audit.entries);
    return fault;
}
