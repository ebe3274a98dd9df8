/* publish.c - what a run found, to the journal: oldest first, a batch at a time. A batch waits
 * until the one before it has been read back, so that what is under way stays bounded. */
#include "backfill_core.h"

#include "clock.h"
#include "logs.h"
#include "values.h"

#include <string.h>

enum { BATCH = 100, BATCH_BYTES_MAX = 4 << 20, AWAIT_MS = 10000, KEY_BYTES = 16 };

struct batch {
    struct backfill *backfill;
    struct store_txn *txn;
    uint8_t keys[BATCH][KEY_BYTES];
    struct buf events[BATCH];
    size_t count, bytes;
    int64_t applied, late;
    char last[EVENT_ID_BYTES_MAX + 1];
    bool over;
};

static bool collect(void *self, struct slice key, struct slice value)
{
    struct batch *batch = self;
    if (key.len == KEY_BYTES) {
        memcpy(batch->keys[batch->count], key.bytes, KEY_BYTES);
        buf_add(&batch->events[batch->count++], value.bytes, value.len);
        batch->bytes += value.len;
    }
    return batch->count < BATCH && batch->bytes < BATCH_BYTES_MAX;
}

/* Whatever came by itself meanwhile is left alone. */
static enum fault publish_one(struct batch *batch, const struct buf *packed)
{
    struct event event;
    bool seen = false;
    if (event_parse(packed->bytes, packed->len, &event) != OK) {
        return FAULT_CORRUPT;
    }
    enum fault fault = picture_seen(batch->txn, event.id, &seen);
    if (fault != OK || seen) {
        batch->late += seen;
        return fault;
    }
    json_t *data = event_data(&event);
    event.time_ms = clock_wall_ms();
    fault = actor_emit(batch->backfill->actor, batch->txn, &event, data);
    json_decref(data);
    if (fault == FAULT_TOO_LARGE || fault == FAULT_MALFORMED) {
        batch->backfill->run.skipped++;
        return OK;
    }
    batch->applied++;
    snprintf(batch->last, sizeof batch->last, "%s", event.id);
    return fault;
}

static enum fault work_batch(void *self, struct store_txn *txn)
{
    struct batch *batch = self;
    struct backfill *backfill = batch->backfill;
    struct slice all = {NULL, 0};
    struct step step;
    batch->txn = txn;
    enum fault fault = store_scan(txn, TABLE_FOUND, all, all, false, collect, batch);
    for (size_t i = 0; fault == OK && i < batch->count; i++) {
        fault = publish_one(batch, &batch->events[i]);
        if (fault == OK) {
            fault = store_delete(txn, TABLE_FOUND, (struct slice){batch->keys[i], KEY_BYTES});
        }
    }
    struct run *run = &backfill->run;
    run->applied += batch->applied;
    run->late += batch->late;
    if (fault != OK || batch->count) {
        return fault == OK ? keep_run(backfill, txn) : fault;
    }
    if (run_step(run, run->step, backfill->names, backfill->remote_count, backfill->batches,
                 &step)) {
        run->stage = RUN_LISTING;
        return keep_run(backfill, txn);
    }
    batch->over = true;
    return keep_end(backfill, txn);
}

/* The last batch has been read back, or does not come back in time (the broker refused it). */
static bool is_back(struct backfill *backfill)
{
    struct store_txn *txn = NULL;
    bool seen = false;
    if (!*backfill->awaited || clock_mono_ms() - backfill->awaited_mono_ms > AWAIT_MS) {
        return true;
    }
    if (store_begin(actor_store(backfill->actor), false, &txn) == OK) {
        (void)!picture_seen(txn, backfill->awaited, &seen);
        store_abort(&txn);
    }
    return seen;
}

void publish_on(struct backfill *backfill)
{
    if (!is_back(backfill)) {
        return;
    }
    backfill->awaited[0] = '\0';
    struct batch batch = {.backfill = backfill};
    json_t *before = run_tree(&backfill->run);
    enum fault fault = actor_change(backfill->actor, work_batch, &batch);
    if (fault != OK) {
        run_fini(&backfill->run);
        (void)!run_read(before, &backfill->run);
        logs_write(LOGS_WARN, "what was found is not published yet", "fault", fault_name(fault),
                   NULL);
        wait_for(backfill, backfill->retry_ms);
    } else if (batch.applied) {
        memcpy(backfill->awaited, batch.last, sizeof backfill->awaited);
        backfill->awaited_mono_ms = clock_mono_ms();
    }
    for (size_t i = 0; i < BATCH; i++) {
        buf_fini(&batch.events[i]);
    }
    json_decref(before);
}
