/* keep.c - a run in the store: its beginning, how far it is, its end. */
#include "backfill_core.h"

#include "clock.h"
#include "must.h"
#include "values.h"

enum fault keep_run(struct backfill *backfill, struct store_txn *txn)
{
    json_t *tree = run_tree(&backfill->run);
    enum fault fault = tree_save(txn, TABLE_NOTES, text_slice(NOTE_RUN), tree);
    json_decref(tree);
    return fault;
}

static enum fault work_begin(void *self, struct store_txn *txn)
{
    struct backfill *backfill = self;
    static const int tables[] = {TABLE_WOULD, TABLE_FOUND, TABLE_LINES};
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < sizeof tables / sizeof *tables; i++) {
        fault = store_clear(txn, tables[i]);
    }
    return fault == OK ? keep_run(backfill, txn) : fault;
}

enum fault keep_begin(struct backfill *backfill, struct run *run)
{
    snprintf(run->id, sizeof run->id, "%s:%lld", run_kind_word(run->kind),
             (long long)run->started_ms);
    run->stage = RUN_LISTING;
    run->limit = API_PAGE_ITEMS_MAX;
    run->types = json_object();
    run->troubles = run->troubles ? run->troubles : json_array();
    run_fini(&backfill->run);
    backfill->run = *run;
    backfill->awaited[0] = '\0';
    enum fault fault = actor_change(backfill->actor, work_begin, backfill);
    if (fault != OK) {
        run_fini(&backfill->run);
    }
    return fault;
}

/* What people and the alerts hear of it. A run that found nothing says nothing. */
static enum fault tell(struct backfill *backfill, struct store_txn *txn)
{
    static const char *const shown[] = {"kind",     "since_s", "until_s", "looked",  "missing",
                                        "drifted",  "applied", "late",    "skipped", "types",
                                        "troubles", "failed",  NULL};
    struct event event = {.time_ms = clock_wall_ms(), .version = EVENT_VERSION};
    const struct run *run = &backfill->run;
    json_t *tree = run_tree(run), *data = json_object();
    for (const char *const *name = shown; *name; name++) {
        tree_set(data, *name, json_incref(tree_get(tree, *name)));
    }
    tree_set_int(data, "took_ms", run->ended_ms - run->started_ms);
    snprintf(event.id, sizeof event.id, "backfill:done:%s", run->id);
    EVENT_SET(event.type, "backfill.done");
    EVENT_SET(event.trace, event.id);
    enum fault fault = actor_emit(backfill->actor, txn, &event, data);
    json_decref(data);
    json_decref(tree);
    return fault;
}

/* When what was looked for the last time, and up to when all is known to be here. */
static enum fault note_end(struct backfill *backfill, struct store_txn *txn)
{
    const struct run *run = &backfill->run;
    json_t *last = NULL;
    enum fault fault = tree_load(txn, TABLE_NOTES, text_slice(NOTE_LAST), &last);
    if (fault != OK || run->kind == RUN_MEMBER) {
        json_decref(last);
        return fault;
    }
    last = last ? last : json_object();
    if (run->kind != RUN_ASKED) {
        tree_set_int(last, "hourly", run->started_ms);
    }
    if (run->kind == RUN_DAILY) {
        tree_set_int(last, "daily", run->started_ms);
    }
    if (run->apply && !run->failed) {
        tree_set_int(last, "covered_s", run->until_s);
    }
    fault = tree_save(txn, TABLE_NOTES, text_slice(NOTE_LAST), last);
    json_decref(last);
    return fault;
}

enum fault keep_end(struct backfill *backfill, struct store_txn *txn)
{
    struct run *run = &backfill->run;
    run->stage = RUN_ENDED;
    run->ended_ms = clock_wall_ms();
    enum fault fault = run->apply && run->applied + run->late > 0 ? tell(backfill, txn) : OK;
    if (fault == OK) {
        fault = picture_forget_would(txn);
    }
    if (fault == OK) {
        fault = note_end(backfill, txn);
    }
    return fault == OK ? keep_run(backfill, txn) : fault;
}

enum fault keep_load(const struct backfill *backfill, const char *name, json_t **tree)
{
    struct store_txn *txn = NULL;
    *tree = NULL;
    enum fault fault = store_begin(actor_store(backfill->actor), false, &txn);
    if (fault == OK) {
        fault = tree_load(txn, TABLE_NOTES, text_slice(name), tree);
    }
    store_abort(&txn);
    return fault;
}
