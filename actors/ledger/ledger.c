#include "ledger.h"

#include "clock.h"
#include "logs.h"
#include "must.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 100, FORMAT = 1 };

static const char *const compare_note = "compare";

void ledger_source(const struct event *event, const json_t *data, char *source, size_t room)
{
    if (strcmp(event->type, "ticket.identified") == 0) {
        event_set_text(source, room, tree_text(data, "source"));
        return;
    }
    const char *colon = strchr(event->id, ':');
    size_t len = colon ? (size_t)(colon - event->id) : strlen(event->id);
    snprintf(source, room, "%.*s", (int)(len < room ? len : room - 1), event->id);
}

/* --- events ----------------------------------------------------------------------------------- */

/* What an event adds to the component that its names lead to. */
struct addition {
    const char *source; /* of the facts */
    const json_t *facts;
    const struct act *act;
    int64_t due_ms;
};

static void add(struct component *component, const struct event *event,
                const struct addition *addition)
{
    for (size_t i = 0; i < json_array_size(addition->facts); i++) {
        struct fact fact;
        if (fact_read(json_array_get(addition->facts, i), &fact) == OK) {
            factset_add(&component->facts, addition->source, &fact, event->time_ms);
        }
    }
    if (addition->act) {
        factset_add_act(&component->facts, addition->act);
    }
    if (addition->due_ms) {
        factset_add_due(&component->facts, addition->due_ms);
    }
}

/* --- orphans that a person was told of, and that have found home --- */

struct told_orphans {
    json_t *keys;
    int64_t now_ms;
};

static void note_told(void *self, const struct row *row)
{
    struct told_orphans *told = self;
    if (row->seen_ms + ORPHAN_MS <= told->now_ms) {
        tree_set_text(told->keys, row->key, row->source);
    }
}

static void note_waiting(void *self, const struct row *row)
{
    json_object_del(self, row->key);
}

/* The keys of orphans whose hour is over. Only where time is known to have passed can there be. */
static json_t *told_orphans(struct ledger *ledger, const struct component *component)
{
    struct told_orphans told = {json_object(), factset_now(&component->facts)};
    if (told.now_ms) {
        struct view *view = view_new(&component->facts, &ledger->rules);
        view_orphans(view, note_told, &told);
        view_destroy(&view);
    }
    return told.keys;
}

static enum fault tell_found(struct ledger *ledger, struct store_txn *txn, const struct view *view,
                             json_t *told, const struct event *cause)
{
    const char *key;
    json_t *source;
    enum fault fault = OK;
    view_orphans(view, note_waiting, told);
    json_object_foreach(told, key, source)
    {
        struct event event = {.time_ms = cause->time_ms, .version = EVENT_VERSION};
        const struct member *member = view_member_of(view, json_string_value(source), key);
        json_t *data = json_object();
        tree_set_text(data, "orphan", key);
        tree_set_text(data, "source", json_string_value(source));
        tree_set_flag(data, "linked", true);
        snprintf(event.id, sizeof event.id, "ledger:linked:%.200s", key);
        EVENT_SET(event.type, "member.due");
        EVENT_SET(event.subject, member ? member->id : "");
        EVENT_SET(event.cause, cause->id);
        EVENT_SET(event.trace, cause->trace);
        fault = fault == OK ? actor_emit(ledger->actor, txn, &event, data) : fault;
        json_decref(data);
    }
    return fault;
}

/* --- joining --- */

static enum fault settle(struct ledger *ledger, struct store_txn *txn, struct component *component,
                         const struct event *event, const struct addition *addition)
{
    json_t *told = told_orphans(ledger, component);
    add(component, event, addition);
    struct view *view = view_new(&component->facts, &ledger->rules);
    enum fault fault = keep_save(txn, component, view);
    if (fault == OK) {
        fault = publish_members(ledger, txn, view, event);
    }
    if (fault == OK) {
        fault = tell_found(ledger, txn, view, told, event);
    }
    view_destroy(&view);
    json_decref(told);
    return fault;
}

static enum fault apply_facts(struct ledger *ledger, struct store_txn *txn,
                              const struct event *event, const json_t *data)
{
    struct component component = {0};
    struct finder finder = {txn, &component, OK};
    char source[EVENT_NAME_BYTES_MAX + 1];
    struct addition addition = {.source = source, .facts = tree_get(data, "facts")};
    ledger_source(event, data, source, sizeof source);
    size_t good = 0;
    for (size_t i = 0; i < json_array_size(addition.facts); i++) {
        struct fact fact;
        if (fact_read(json_array_get(addition.facts, i), &fact) == OK) {
            fact_names(source, &fact, keep_find, &finder);
            good++;
        }
    }
    enum fault fault = finder.fault;
    if (fault == OK && good) {
        fault = settle(ledger, txn, &component, event, &addition);
    }
    if (fault == OK && good) {
        fault = timeline_add(txn, component.number, event, data);
    }
    keep_fini(&component);
    return fault;
}

static enum fault apply_act(struct ledger *ledger, struct store_txn *txn, const struct event *event,
                            const json_t *data)
{
    const char *member = tree_text(data, "member");
    bool revoke = strcmp(event->type, "admin.revoked") == 0;
    bool decides = revoke || strcmp(event->type, "admin.granted") == 0;
    struct act act = {.revoke = revoke,
                      .lift = revoke && tree_flag(data, "lift"),
                      .id = event->id,
                      .record = member,
                      .who = *event->who ? event->who : event->source,
                      .reason = tree_text(data, "reason"),
                      .at_ms = event->time_ms,
                      .until_ms = revoke ? 0 : tree_int(data, "until")};
    struct addition addition = {.act = decides ? &act : NULL};
    struct component component = {0};
    struct finder finder = {txn, &component, OK};
    if (!*member || strlen(member) >= RECORD_ID_BYTES) {
        return OK;
    }
    keep_find(&finder, 'm', "", member);
    enum fault fault = finder.fault;
    if (fault == OK && component.number) { /* a member that nobody knows: nothing to decide */
        fault = settle(ledger, txn, &component, event, &addition);
        if (fault == OK) {
            fault = timeline_add(txn, component.number, event, data);
        }
    }
    keep_fini(&component);
    return fault;
}

static enum fault apply_due(struct ledger *ledger, struct store_txn *txn, const struct event *event,
                            const json_t *data)
{
    struct addition addition = {.due_ms = tree_int(data, "at")};
    struct component component = {0};
    struct finder finder = {txn, &component, OK};
    const char *member = tree_text(data, "member");
    if (*member) {
        keep_find(&finder, 'm', "", member);
    } else {
        keep_find(&finder, 'o', tree_text(data, "source"), tree_text(data, "orphan"));
    }
    enum fault fault = finder.fault;
    if (fault == OK && component.number && addition.due_ms > 0) {
        fault = settle(ledger, txn, &component, event, &addition);
    }
    keep_fini(&component);
    return fault;
}

/* A line for what happened to a member elsewhere. */
static enum fault apply_other(struct store_txn *txn, const struct event *event, const json_t *data)
{
    uint64_t number = 0;
    enum fault fault = OK;
    if (*event->subject) {
        fault = keep_number(txn, 'm', "", event->subject, &number);
    }
    return fault == OK && number ? timeline_add(txn, number, event, data) : fault;
}

static enum fault index_trace(struct store_txn *txn, const struct event *event)
{
    char key[EVENT_ID_BYTES_MAX + 16];
    size_t len = strlen(event->trace);
    memcpy(key, event->trace, len);
    key[len] = '\n';
    store_key_u64(event->seq, (uint8_t *)key + len + 1);
    enum fault fault = store_put(txn, TABLE_TRACES, (struct slice){key, len + 9}, text_slice(""));
    if (fault == OK && strcmp(event->id, event->trace) != 0) {
        fault = store_put(txn, TABLE_CAUSES, text_slice(event->id), text_slice(event->trace));
    }
    return fault;
}

static bool type_begins(const struct event *event, const char *prefix)
{
    return strncmp(event->type, prefix, strlen(prefix)) == 0;
}

static enum fault apply_kind(struct ledger *ledger, struct store_txn *txn,
                             const struct event *event)
{
    if (type_begins(event, "alert.") || strcmp(event->type, "webhook.refused") == 0) {
        return OK;
    }
    json_t *data = event_data(event);
    enum fault fault = OK;
    if (strcmp(event->type, "member.due") == 0) {
        fault = apply_due(ledger, txn, event, data);
    } else if (type_begins(event, "member.")) {
        fault = publish_seen(txn, event);
        if (fault == OK) {
            fault = apply_other(txn, event, data);
        }
    } else if (type_begins(event, "job.")) {
        fault = apply_other(txn, event, data);
    } else if (type_begins(event, "admin.")) {
        fault = apply_act(ledger, txn, event, data);
    } else if (tree_get(data, "facts")) {
        fault = apply_facts(ledger, txn, event, data);
    }
    json_decref(data);
    return fault;
}

static enum fault ledger_apply(void *state, struct store_txn *txn, const struct event *event)
{
    struct ledger *ledger = state;
    enum fault fault = index_trace(txn, event);
    if (fault == OK && actor_rebuilding(ledger->actor) && !ledger->compare) {
        fault = keep_note(txn, compare_note, 1);
        ledger->compare = true;
    }
    return fault == OK ? apply_kind(ledger, txn, event) : fault;
}

/* --- deadlines -------------------------------------------------------------------------------- */

struct dues {
    uint8_t keys[DUE_AT_ONCE_MAX][DUE_KEY_BYTES];
    size_t count;
    int64_t now_ms;
};

static bool collect_due(void *self, struct slice key, struct slice value)
{
    (void)value;
    struct dues *dues = self;
    if (key.len != DUE_KEY_BYTES || (int64_t)store_key_number(key.bytes) > dues->now_ms ||
        dues->count == DUE_AT_ONCE_MAX) {
        return false;
    }
    memcpy(dues->keys[dues->count++], key.bytes, DUE_KEY_BYTES);
    return true;
}

struct due_orphan {
    int64_t at_ms;
    const struct row *row;
};

static void find_orphan(void *self, const struct row *row)
{
    struct due_orphan *orphan = self;
    if (row->seen_ms + ORPHAN_MS == orphan->at_ms) {
        orphan->row = row;
    }
}

static enum fault tell_due(struct ledger *ledger, struct store_txn *txn, const uint8_t *key,
                           int64_t now_ms)
{
    struct component component;
    struct due_orphan orphan = {.at_ms = (int64_t)store_key_number(key)};
    enum fault fault = keep_load(txn, store_key_number(key + 8), &component);
    if (fault != OK) {
        return fault;
    }
    struct view *view = view_new(&component.facts, &ledger->rules);
    view_orphans(view, find_orphan, &orphan);
    const char *member = view->member_count ? view->members[0].id : "";
    struct event event = {.time_ms = now_ms, .version = EVENT_VERSION};
    json_t *data = json_object();
    tree_set_text(data, "member", member);
    tree_set_int(data, "at", orphan.at_ms);
    if (orphan.row) {
        tree_set_text(data, "orphan", orphan.row->key);
        tree_set_text(data, "source", orphan.row->source);
        tree_set_text(data, "kind", orphan.row->kind == ROW_REFUND ? "refund" : "dispute");
    }
    const char *about = *member ? member : orphan.row ? orphan.row->key : "";
    snprintf(event.id, sizeof event.id, "ledger:due:%.200s:%lld", about, (long long)orphan.at_ms);
    EVENT_SET(event.type, "member.due");
    EVENT_SET(event.subject, member);
    EVENT_SET(event.trace, event.id);
    if (*about) {
        fault = actor_emit(ledger->actor, txn, &event, data);
    }
    json_decref(data);
    view_destroy(&view);
    keep_fini(&component);
    return fault;
}

static bool was_told(const struct ledger *ledger, const uint8_t *key)
{
    for (size_t i = 0; i < ledger->told_count; i++) {
        if (memcmp(ledger->told[i], key, DUE_KEY_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

static bool any_untold(const struct ledger *ledger, const struct dues *dues)
{
    for (size_t i = 0; i < dues->count; i++) {
        if (!was_told(ledger, dues->keys[i])) {
            return true;
        }
    }
    return false;
}

struct due_work {
    struct ledger *ledger;
    struct dues dues;
};

static enum fault work_due(void *self, struct store_txn *txn)
{
    struct due_work *work = self;
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < work->dues.count; i++) {
        if (was_told(work->ledger, work->dues.keys[i])) {
            continue;
        }
        fault = tell_due(work->ledger, txn, work->dues.keys[i], work->dues.now_ms);
    }
    return fault;
}

/* Deadlines that have passed become events; the events, read back, let the core know the time.
 * Always from the first: what comes late may bring a deadline before one that was told. */
static enum fault find_dues(struct ledger *ledger, struct dues *dues)
{
    struct store_txn *txn = NULL;
    struct slice all = {NULL, 0};
    enum fault fault = store_begin(actor_store(ledger->actor), false, &txn);
    if (fault == OK) {
        fault = store_scan(txn, TABLE_DEADLINES, all, all, false, collect_due, dues);
        store_abort(&txn);
    }
    return fault;
}

static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    struct ledger *ledger = self;
    if (!actor_caught_up(ledger->actor) || actor_rebuilding(ledger->actor)) {
        return 0;
    }
    struct due_work *work = must_calloc(1, sizeof *work);
    work->ledger = ledger;
    work->dues.now_ms = clock_wall_ms();
    if (find_dues(ledger, &work->dues) == OK && any_untold(ledger, &work->dues) &&
        actor_change(ledger->actor, work_due, work) == OK) {
        memcpy(ledger->told, work->dues.keys, sizeof ledger->told);
        ledger->told_count = work->dues.count;
    }
    free(work);
    return 0;
}

/* --- the end of a rebuild --------------------------------------------------------------------- */

static enum fault work_compare(void *self, struct store_txn *txn)
{
    struct ledger *ledger = self;
    uint64_t noted;
    enum fault fault = keep_noted(txn, compare_note, &noted);
    if (fault == OK && noted) {
        fault = publish_compare(ledger, txn);
        if (fault == OK) {
            fault = store_delete(txn, TABLE_NOTES, text_slice(compare_note));
        }
    }
    return fault;
}

static void ledger_committed(void *state)
{
    struct ledger *ledger = state;
    if (ledger->compare && actor_caught_up(ledger->actor) && !actor_rebuilding(ledger->actor)) {
        ledger->compare = false;
        if (actor_change(ledger->actor, work_compare, ledger) != OK) {
            ledger->compare = true; /* with the next commit */
        }
    }
}

/* --- the actor -------------------------------------------------------------------------------- */

static enum fault ledger_open(struct actor *actor, bool check_only, void **state, struct buf *why)
{
    struct ledger *ledger = must_calloc(1, sizeof *ledger);
    ledger->actor = actor;
    ledger->timer = -1;
    *state = ledger;
    enum fault fault = rules_load(actor_home(actor), &ledger->rules, why);
    if (fault != OK || check_only) {
        return fault;
    }
    struct store_txn *txn = NULL;
    uint64_t noted = 0;
    fault = store_begin(actor_store(actor), false, &txn);
    if (fault == OK) {
        fault = keep_noted(txn, compare_note, &noted);
        store_abort(&txn);
    }
    ledger->compare = noted != 0;
    ledger->timer = zloop_timer(actor_loop(actor), TICK_MS, 0, on_tick, ledger);
    return fault;
}

static void ledger_close(void **state)
{
    free(*state);
    *state = NULL;
}

static const struct setting no_settings[] = {
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};
static const struct setting *const settings[] = {no_settings, NULL};
static const char *const topics[] = {"*", NULL};
static const char *const tables[] = {"components", "names",   "members",  "published",
                                     "deadlines",  "orphans", "timeline", "traces",
                                     "notes",      "causes",  NULL};

const struct actor_class ledger_actor = {
    .name = "ledger",
    .settings = settings,
    .topics = topics,
    .tables = tables,
    .format = FORMAT,
    .open = ledger_open,
    .close = ledger_close,
    .apply = ledger_apply,
    .committed = ledger_committed,
    .answer = ledger_answer,
    .report = ledger_report,
};
