/* jobs_looks.c - what targets show, against what they were told: each level job that is done is
 * looked at once every `look_every_ms`, spread over that time, one at a time, behind everything
 * that waits. What is as it should be writes nothing, neither there nor here. */
#include "jobs_core.h"

#include "must.h"

#include <string.h>

enum {
    LOOKS_GAP_MS_MIN = 250,
    LOOKS_SCANNED_MAX = 64 /* records gone through for one that is to be looked at */
};

static void look_again_in(struct jobs *jobs, int64_t in_ms)
{
    jobs->looks.next_ms = jobs_now_ms(jobs) + in_ms;
    jobs_wake(jobs, in_ms);
}

/* So that a round takes as long as it may. */
static enum fault gap_of(struct jobs *jobs, struct store_txn *txn, int64_t *gap_ms, int64_t *done)
{
    int64_t counts[JOB_STATE_COUNT];
    enum fault fault = count_states(txn, counts);
    *done = fault == OK ? counts[JOB_DONE] : 0;
    *gap_ms = jobs->options.look_every_ms / (*done + 1);
    *gap_ms = *gap_ms > LOOKS_GAP_MS_MIN ? *gap_ms : LOOKS_GAP_MS_MIN;
    return fault;
}

struct walk {
    struct key_list *list;
    int64_t skip;
};

static bool on_key(void *self, struct slice key, struct slice value)
{
    (void)value;
    struct walk *walk = self;
    return walk->skip-- > 0 || key_list_add(walk->list, key);
}

/* The keys behind the last one that was looked at. The first round after a start begins anywhere,
 * so that restarts leave nobody out. */
static enum fault next_keys(struct jobs *jobs, struct store_txn *txn, int64_t done,
                            struct key_list *list)
{
    struct looks *looks = &jobs->looks;
    struct walk walk = {.list = list};
    size_t len = *looks->at ? strlen(looks->at) + 1 : 0;
    if (looks->began_ms == 0) {
        looks->began_ms = jobs_now_ms(jobs);
        walk.skip = (int64_t)(random_u64() % (uint64_t)(done + 1));
    }
    return store_scan(txn, JOBS_TABLE_JOBS, (struct slice){NULL, 0}, (struct slice){looks->at, len},
                      false, on_key, &walk);
}

static bool may_look(struct jobs *jobs, const struct record *record)
{
    const struct slot *slot = jobs_slot_of(jobs, record->slot);
    const struct job *job = &record->job;
    int64_t now_ms = jobs_now_ms(jobs);
    return job->state == JOB_DONE && job->wanted > 0 && slot && slot->wanted.adapter->look &&
           now_ms - record->updated_ms >= jobs->options.look_every_ms && !slot_stopped(slot) &&
           now_ms >= slot->bulk_ms && breaker_lets(&slot->breaker, now_ms);
}

/* Starts to look. False: it is not to be looked at. *wait_ms: it is, but not now. */
static bool start_look(struct jobs *jobs, struct store_txn *txn, const struct record *record,
                       int64_t *wait_ms)
{
    struct slot *slot = jobs_slot_of(jobs, record->slot);
    struct flight *flight = plan_room(jobs, true);
    json_t *document = NULL;
    struct jobs_view view;
    struct buf why = {0};
    enum fault fault = document_load(txn, record->member, &document);
    record_view(jobs, record, document, &view);
    view.look = true;
    json_t *payload =
        fault == OK ? jobs->options.prepare(jobs->options.self, txn, &view, &fault, &why) : NULL;
    bool starts = payload && flight &&
                  bucket_take(&slot->bucket, slot->per_10s, true, jobs_now_ms(jobs), wait_ms);
    if (starts) {
        flight_board(flight, slot, record, json_incref(payload));
        flight->look = true;
        flight->change = record->job.change;
        flight->order[0] = '\0'; /* it holds up nobody */
        breaker_started(&slot->breaker);
        flight_launch(flight);
    }
    bool later = payload && !starts;
    *wait_ms = later && *wait_ms < LOOKS_GAP_MS_MIN ? LOOKS_GAP_MS_MIN : *wait_ms;
    json_decref(payload);
    json_decref(document);
    buf_fini(&why);
    return starts || later;
}

/* The end: a round takes its time, however few of all there were to look at. */
static int64_t end_round(struct jobs *jobs, int64_t gap_ms)
{
    int64_t now_ms = jobs_now_ms(jobs);
    int64_t left_ms = jobs->looks.began_ms + jobs->options.look_every_ms - now_ms;
    int64_t wait_ms = left_ms > gap_ms ? left_ms : gap_ms;
    jobs->looks.at[0] = '\0';
    jobs->looks.began_ms = now_ms + wait_ms;
    return wait_ms;
}

/* *next_ms: when to go on. */
static enum fault look_at_next(struct jobs *jobs, struct store_txn *txn, struct key_list *list,
                               int64_t *next_ms)
{
    int64_t gap_ms = 0, done = 0, wait_ms = 0;
    bool found = false;
    enum fault fault = gap_of(jobs, txn, &gap_ms, &done);
    fault = fault == OK ? next_keys(jobs, txn, done, list) : fault;
    for (size_t i = 0; fault == OK && !found && i < list->count; i++) {
        struct record record;
        fault = record_load(txn, list->keys[i], &record);
        found = fault == OK && may_look(jobs, &record) && start_look(jobs, txn, &record, &wait_ms);
        if (fault == OK && wait_ms == 0) {
            EVENT_SET(jobs->looks.at, list->keys[i]);
        }
        record_fini(&record);
    }
    *next_ms = wait_ms > 0 ? wait_ms : found ? gap_ms : LOOKS_GAP_MS_MIN;
    if (fault == OK && !found && list->count < list->most) {
        *next_ms = end_round(jobs, gap_ms);
    }
    return fault;
}

void looks_turn(struct jobs *jobs, bool idle)
{
    struct store_txn *txn = NULL;
    struct key_list list;
    int64_t gap_ms = LOOKS_GAP_MS_MIN;
    int64_t wait_ms = jobs->looks.next_ms - jobs_now_ms(jobs);
    if (jobs->options.look_every_ms == 0) {
        return;
    }
    if (wait_ms > 0) {
        jobs_wake(jobs, wait_ms);
        return;
    }
    if (idle && store_begin(actor_store(jobs->options.actor), false, &txn) == OK) {
        key_list_init(&list, LOOKS_SCANNED_MAX);
        if (look_at_next(jobs, txn, &list, &gap_ms) != OK) {
            gap_ms = jobs->policy.first_ms; /* the store's trouble is told by whoever writes */
        }
        key_list_fini(&list);
        store_abort(&txn);
    }
    look_again_in(jobs, gap_ms);
}

enum fault look_conclude(struct jobs *jobs, struct store_txn *txn, const struct flight *flight)
{
    struct record record;
    enum fault fault = record_load(txn, flight->key, &record);
    bool same = fault == OK && record.job.state == JOB_DONE && record.job.change == flight->change;
    if (same) {
        record.bulk = true;
        fault = tell_differing(jobs, txn, &record, flight->verdict.words);
        fault = fault == OK ? jobs_happen(jobs, txn, &record, JOB_ON_DIFFERS) : fault;
    }
    record_fini(&record);
    return fault == FAULT_NOT_FOUND ? OK : fault;
}
