/* watch.c - what holds now against what was told. */
#include "watch_store.h"

#include "actor.h"
#include "must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct alert_row rows[ALERT_RULES] = {
#define ITEMS    WATCH_ITEMS_OPEN
#define COUNTED  WATCH_COUNTED
#define MEASURED WATCH_MEASURED
#define RATED    WATCH_RATED
#define QUIET    WATCH_QUIET
#define SEEN     WATCH_SEEN
#define X(rule, name, kind, hold_ms, title, todo, page)                                            \
    [rule] = {name, kind, hold_ms, title, todo, page},
#include "alert_table.h"
#undef X
#undef ITEMS
#undef COUNTED
#undef MEASURED
#undef RATED
#undef QUIET
#undef SEEN
};

const struct alert_row *alert_row(enum alert_rule rule)
{
    MUST(rule < ALERT_RULES);
    return &rows[rule];
}

enum alert_rule alert_rule_of(const char *name)
{
    enum alert_rule rule = 0;
    while (rule < ALERT_RULES && strcmp(rows[rule].name, name) != 0) {
        rule++;
    }
    return rule;
}

void watch_init(struct watch *watch, int first_table)
{
    *watch = (struct watch){.first_table = first_table, .latency_ms_max = WATCH_LATENCY_MS_MAX};
    for (enum alert_rule rule = 0; rule < ALERT_RULES; rule++) {
        watch->hold_ms[rule] = rows[rule].hold_ms;
    }
}

struct judge {
    const struct watch *watch;
    struct store_txn *txn;
    int64_t now_ms;
    watch_tell *tell;
    void *self;
    size_t count;
};

/* --- telling ---------------------------------------------------------------------------------- */

static enum fault tell(struct judge *judge, const struct watch_news *news)
{
    judge->count++;
    if (!judge->tell) {
        return OK;
    }
    json_t *told = json_object();
    tree_set_text(told, "rule", rows[news->rule].name);
    tree_set_text(told, "object", news->object);
    tree_set_text(told, "text", news->text);
    tree_set_text(told, "todo", rows[news->rule].todo);
    tree_set_text(told, "state", news->raised ? "raised" : "cleared");
    tree_set_int(told, "since", news->since_ms);
    tree_set_int(told, "n", news->nth);
    enum fault fault = told_save(judge->watch, judge->txn, news->rule, news->object, told);
    json_decref(told);
    return fault == OK ? judge->tell(judge->self, judge->txn, news) : fault;
}

/* Brings what was told of one alert up to what holds. */
static enum fault settle(struct judge *judge, enum alert_rule rule, const char *object, bool holds,
                         int64_t since_ms, const char *text)
{
    json_t *told = NULL;
    enum fault fault = told_load(judge->watch, judge->txn, rule, object, &told);
    bool stands = strcmp(tree_text(told, "state"), "raised") == 0;
    if (fault == OK && holds && !stands) {
        fault = tell(judge, &(struct watch_news){rule, object, true, tree_int(told, "n") + 1,
                                                 since_ms, text});
    } else if (fault == OK && !holds && stands) {
        fault = tell(judge, &(struct watch_news){rule, object, false, tree_int(told, "n"),
                                                 tree_int(told, "since"), tree_text(told, "text")});
    }
    json_decref(told);
    return fault;
}

/* --- items ------------------------------------------------------------------------------------ */

static bool is_due(const struct judge *judge, enum alert_rule rule, const struct open_object *open)
{
    return open->since_ms + judge->watch->hold_ms[rule] <= judge->now_ms;
}

static enum fault raise_items(struct judge *judge, enum alert_rule rule)
{
    struct open_object open = {.object = ""};
    char after[WATCH_OBJECT_BYTES_MAX + 1] = "";
    char text[WATCH_TEXT_BYTES];
    bool found = true;
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && found && i < WATCH_OBJECTS_MAX; i++) {
        fault = object_next(judge->watch, judge->txn, rule, after, &open, &found);
        if (fault == OK && found && is_due(judge, rule, &open)) {
            fault = object_text(judge->watch, judge->txn, rule, &open, text);
            fault =
                fault == OK ? settle(judge, rule, open.object, true, open.since_ms, text) : fault;
        }
        memcpy(after, open.object, sizeof after);
    }
    return fault;
}

static enum fault clear_items(struct judge *judge)
{
    json_t *standing = json_array();
    enum fault fault = told_standing(judge->watch, judge->txn, standing);
    for (size_t i = 0; fault == OK && i < json_array_size(standing); i++) {
        const json_t *told = json_array_get(standing, i);
        enum alert_rule rule = alert_rule_of(tree_text(told, "rule"));
        struct open_object open;
        bool found;
        if (rule == ALERT_RULES || rows[rule].kind != WATCH_ITEMS_OPEN) {
            continue;
        }
        fault =
            object_find(judge->watch, judge->txn, rule, tree_text(told, "object"), &open, &found);
        if (fault == OK && !(found && is_due(judge, rule, &open))) {
            fault = settle(judge, rule, tree_text(told, "object"), false, 0, "");
        }
    }
    json_decref(standing);
    return fault;
}

/* --- windows ---------------------------------------------------------------------------------- */

struct numbers {
    int64_t sum;
    int64_t *all;
    size_t count;
};

static void take_number(void *self, int64_t number)
{
    struct numbers *numbers = self;
    numbers->sum += number;
    if (numbers->all && numbers->count < WATCH_LATENCIES_MAX) {
        numbers->all[numbers->count] = number;
    }
    numbers->count++;
}

static enum fault judge_refused(struct judge *judge)
{
    struct numbers numbers = {0};
    char text[WATCH_TEXT_BYTES];
    enum alert_rule rule = ALERT_WEBHOOK_FAILURES;
    enum fault fault = window_walk(judge->watch, judge->txn, rule,
                                   judge->now_ms - WATCH_REFUSED_MS + 1, take_number, &numbers);
    snprintf(text, sizeof text, "%s: %lld deliveries in %d minutes", rows[rule].title,
             (long long)numbers.sum, WATCH_REFUSED_MS / 60000);
    if (fault == OK && (numbers.sum > WATCH_REFUSED_MAX || numbers.sum == 0)) {
        fault = settle(judge, rule, "webhook", numbers.sum > 0, judge->now_ms, text);
    }
    return fault;
}

static int by_size(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a;
    int64_t other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static enum fault judge_latency(struct judge *judge)
{
    struct numbers numbers = {.all = must_calloc(WATCH_LATENCIES_MAX, sizeof(int64_t))};
    char text[WATCH_TEXT_BYTES];
    enum alert_rule rule = ALERT_SYNC_LATENCY;
    int64_t p95 = 0;
    enum fault fault =
        window_walk(judge->watch, judge->txn, rule, judge->now_ms - WATCH_LATENCY_WINDOW_MS + 1,
                    take_number, &numbers);
    size_t count = numbers.count < WATCH_LATENCIES_MAX ? numbers.count : WATCH_LATENCIES_MAX;
    if (count >= WATCH_LATENCY_MIN) {
        qsort(numbers.all, count, sizeof *numbers.all, by_size);
        p95 = numbers.all[(count * 95 + 99) / 100 - 1]; /* nearest rank */
    }
    snprintf(text, sizeof text,
             "%s: 95 of 100 changes are there within %lld s, the limit is %lld s", rows[rule].title,
             (long long)p95 / 1000, (long long)judge->watch->latency_ms_max / 1000);
    if (fault == OK) {
        fault = settle(judge, rule, "crm", p95 > judge->watch->latency_ms_max, judge->now_ms, text);
    }
    free(numbers.all);
    return fault;
}

/* Each mail that left is a 0 in the window, each that bounced a 1. */
static enum fault judge_bounces(struct judge *judge)
{
    struct numbers numbers = {0};
    char text[WATCH_TEXT_BYTES];
    enum alert_rule rule = ALERT_BOUNCES;
    enum fault fault =
        window_walk(judge->watch, judge->txn, rule, judge->now_ms - WATCH_BOUNCE_WINDOW_MS + 1,
                    take_number, &numbers);
    int64_t bounced = numbers.sum, sent = (int64_t)numbers.count - bounced;
    bool holds = sent >= WATCH_BOUNCE_MAILS_MIN && bounced * 100 > sent * WATCH_BOUNCE_PERCENT_MAX;
    snprintf(text, sizeof text, "%s: %lld of %lld in a day, the limit is %d in a hundred",
             rows[rule].title, (long long)bounced, (long long)sent, WATCH_BOUNCE_PERCENT_MAX);
    return fault == OK ? settle(judge, rule, "mail", holds, judge->now_ms, text) : fault;
}

static enum fault judge_quiet(struct judge *judge)
{
    char text[WATCH_TEXT_BYTES];
    enum alert_rule rule = ALERT_NO_WEBHOOKS;
    int64_t heard_ms, max_ms = judge->watch->quiet_ms_max;
    enum fault fault = heard_load(judge->watch, judge->txn, &heard_ms);
    bool holds = max_ms > 0 && heard_ms > 0 && judge->now_ms - heard_ms > max_ms;
    snprintf(text, sizeof text, "%s: nothing has come for more than %lld min", rows[rule].title,
             (long long)max_ms / 60000);
    return fault == OK ? settle(judge, rule, "webhook", holds, heard_ms, text) : fault;
}

/* --- sights ----------------------------------------------------------------------------------- */

static enum fault judge_sights(struct judge *judge, const struct watch_sight *sights, size_t count)
{
    char text[WATCH_TEXT_BYTES];
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < count; i++) {
        const struct watch_sight *sight = &sights[i];
        MUST(rows[sight->rule].kind == WATCH_SEEN);
        if (!sight->known ||
            (sight->for_ms >= 0 && sight->for_ms < judge->watch->hold_ms[sight->rule])) {
            continue;
        }
        snprintf(text, sizeof text, "%s: %s", rows[sight->rule].title, sight->text);
        fault = settle(judge, sight->rule, sight->object, sight->for_ms >= 0,
                       judge->now_ms - (sight->for_ms > 0 ? sight->for_ms : 0), text);
    }
    return fault;
}

enum fault watch_judge(const struct watch *watch, struct store_txn *txn, int64_t now_ms,
                       const struct watch_sight *sights, size_t sight_count, watch_tell *told,
                       void *self, size_t *count)
{
    struct judge judge = {watch, txn, now_ms, told, self, 0};
    enum fault fault = clear_items(&judge);
    for (enum alert_rule rule = 0; fault == OK && rule < ALERT_RULES; rule++) {
        if (rows[rule].kind == WATCH_ITEMS_OPEN) {
            fault = raise_items(&judge, rule);
        }
    }
    fault = fault == OK ? judge_refused(&judge) : fault;
    fault = fault == OK ? judge_latency(&judge) : fault;
    fault = fault == OK ? judge_bounces(&judge) : fault;
    fault = fault == OK ? judge_quiet(&judge) : fault;
    fault = fault == OK ? judge_sights(&judge, sights, sight_count) : fault;
    *count = judge.count;
    return fault;
}

enum fault watch_list(const struct watch *watch, struct store_txn *txn, json_t *list)
{
    return told_standing(watch, txn, list);
}
