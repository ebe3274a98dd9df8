#include "jobs_core.h"

#include "logs.h"
#include "must.h"

#include <string.h>

enum {
    PLAN_CANDIDATES_MAX = 128,
    PLAN_EARLIER_MAX = 64,
    PLAN_HOLD_MS = 250,
    PLAN_BULK_EVERY = 8,
    PLAN_FRESH_PART = 4 /* of the calls at once: a quarter is kept for what is fresh */
};

/* --- after a start ---------------------------------------------------------------------------- */

static enum fault each_key(struct jobs *jobs, struct store_txn *txn, const struct key_list *list,
                           enum fault (*each)(struct jobs *, struct store_txn *, struct record *))
{
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < list->count; i++) {
        struct record record;
        fault = record_load(txn, list->keys[i], &record);
        fault = fault == OK ? each(jobs, txn, &record) : fault;
        record_fini(&record);
    }
    return fault;
}

static enum fault on_crashed(struct jobs *jobs, struct store_txn *txn, struct record *record)
{
    EVENT_SET(record->error, "the attempt was cut off");
    return jobs_happen(jobs, txn, record, JOB_ON_CRASH);
}

static enum fault on_homeless(struct jobs *jobs, struct store_txn *txn, struct record *record)
{
    struct job_happened happened = {.input = JOB_ON_CRASH};
    EVENT_SET(record->error, "its target is no longer configured");
    enum fault fault = jobs_step(jobs, txn, record, &happened); /* if it was under way */
    if (fault == OK && job_is_open(record->job.state)) {
        happened.input = JOB_ON_SKIP;
        fault = jobs_step(jobs, txn, record, &happened);
    }
    return fault == OK ? record_keep(jobs, txn, record) : fault;
}

static enum fault on_far(struct jobs *jobs, struct store_txn *txn, struct record *record)
{
    if (record->job.state == JOB_WAITING) {
        record->job.next_ms = jobs_now_ms(jobs) + jobs->policy.max_ms;
        record->held_ms = 0;
    }
    return record_save(txn, record);
}

static enum fault recover_slot(struct jobs *jobs, struct store_txn *txn, const char *slot)
{
    struct key_list list;
    enum fault fault = OK;
    bool homeless = jobs_slot_of(jobs, slot) == NULL;
    static const enum jobs_class classes[] = {JOBS_UNDER_WAY, JOBS_FRESH, JOBS_BULK};
    key_list_init(&list, 4096);
    for (size_t i = 0; fault == OK && i < 3; i++) {
        bool under_way = classes[i] == JOBS_UNDER_WAY;
        int64_t from_ms = homeless || under_way ? 0 : jobs_now_ms(jobs) + JOBS_AHEAD_MS;
        do {
            list.count = 0;
            fault = queue_from(txn, slot, classes[i], from_ms, &list);
            if (fault == OK) {
                fault = each_key(jobs, txn, &list,
                                 homeless    ? on_homeless
                                 : under_way ? on_crashed
                                             : on_far);
            }
        } while (fault == OK && homeless && list.count > 0);
    }
    key_list_fini(&list);
    return fault;
}

enum fault plan_recover(struct jobs *jobs, struct store_txn *txn)
{
    struct key_list slots;
    key_list_init(&slots, 256);
    enum fault fault = queue_slots(txn, &slots);
    for (size_t i = 0; fault == OK && i < slots.count; i++) {
        fault = recover_slot(jobs, txn, slots.keys[i]);
    }
    key_list_fini(&slots);
    return fault;
}

/* --- what an attempt came to ------------------------------------------------------------------- */

static enum fault refuse(struct jobs *jobs, struct store_txn *txn, struct slot *slot,
                         const struct record *record, const struct verdict *verdict)
{
    if (slot->refused) {
        return OK; /* told already */
    }
    int64_t now_ms = jobs_now_ms(jobs);
    slot->refused = true;
    slot->changed_ms = now_ms > slot->changed_ms ? now_ms : slot->changed_ms + 1;
    slot->probe_ms = now_ms + jobs->probe_ms;
    EVENT_SET(slot->error, verdict->words);
    EVENT_SET(slot->target, slot->wanted.adapter->name);
    enum fault fault = slot_save(txn, slot);
    return fault == OK ? tell_target(jobs, txn, slot, record->trace) : fault;
}

enum fault plan_conclude(struct jobs *jobs, struct store_txn *txn, struct slot *slot,
                         struct record *record, const struct verdict *verdict)
{
    struct job_happened happened = {
        .delay_ms = verdict->retry_after_ms, .ambiguous = verdict->ambiguous, .dice = random_u64()};
    happened.held = verdict->hold_ms > 0;
    happened.delay_ms = verdict->hold_ms > happened.delay_ms ? verdict->hold_ms : happened.delay_ms;
    enum fault fault = OK;
    EVENT_SET(record->error, verdict->words);
    record_learn(record, slot->wanted.adapter->name, verdict->learned);
    switch (verdict->kind) {
    case VERDICT_DONE:
        happened.input = JOB_ON_SUCCESS;
        break;
    case VERDICT_AGAIN:
        happened.input = JOB_ON_AGAIN;
        break;
    case VERDICT_REFUSED:
        happened.input = JOB_ON_REFUSED;
        fault = refuse(jobs, txn, slot, record, verdict);
        break;
    case VERDICT_UNCERTAIN:
        happened.input = JOB_ON_UNCERTAIN;
        break;
    default:
        happened.input = JOB_ON_NEVER;
        break;
    }
    if (fault == OK) {
        fault = jobs_step(jobs, txn, record, &happened);
    }
    return fault == OK ? record_keep(jobs, txn, record) : fault;
}

/* --- beginning -------------------------------------------------------------------------------- */

struct flight *plan_room(struct jobs *jobs, bool bulk)
{
    size_t busy = 0;
    size_t most = bulk ? jobs->calls_max - jobs->calls_max / PLAN_FRESH_PART : jobs->calls_max;
    struct flight *room = NULL;
    for (size_t i = 0; i < JOBS_PLANNED_MAX; i++) {
        if (jobs->flights[i].stage == FLIGHT_FREE) {
            room = room ? room : &jobs->flights[i];
        } else if (jobs->flights[i].stage != FLIGHT_ENDED) {
            busy++;
        }
    }
    return busy < most ? room : NULL;
}

static bool order_busy(const struct jobs *jobs, const struct record *record)
{
    const char *order = record_order(record);
    for (size_t i = 0; i < JOBS_PLANNED_MAX; i++) {
        const struct flight *flight = &jobs->flights[i];
        if (flight->stage != FLIGHT_FREE && *order && strcmp(flight->order, order) == 0) {
            return true;
        }
    }
    return false;
}

/* Behind an earlier job of its member or order that waits: looked at again when that one moves on. */
static enum fault held_back(struct jobs *jobs, struct store_txn *txn, struct record *record,
                            bool *held)
{
    struct key_list list;
    key_list_init(&list, PLAN_EARLIER_MAX);
    *held = false;
    const char *order = record_order(record);
    enum fault fault = *order ? member_keys(txn, order, true, &list) : OK;
    for (size_t i = 0; fault == OK && !*held && i < list.count; i++) {
        struct record earlier;
        if (strcmp(list.keys[i], record->key) == 0) {
            break;
        }
        fault = record_load(txn, list.keys[i], &earlier);
        if (fault == OK && earlier.job.state != JOB_SETTLING &&
            strcmp(earlier.slot, record->slot) == 0) {
            int64_t now_ms = jobs_now_ms(jobs);
            int64_t until_ms = earlier.job.next_ms;
            *held = true;
            record->held_ms = until_ms > now_ms ? until_ms + 1 : now_ms + PLAN_HOLD_MS;
            jobs->progress = true;
            fault = record_save(txn, record);
        }
        record_fini(&earlier);
    }
    key_list_fini(&list);
    return fault;
}

/* Settled: does the newest document still name it? */
static enum fault settle(struct jobs *jobs, struct store_txn *txn, struct record *record,
                         const json_t *document)
{
    struct job_happened happened = {.input = JOB_ON_SETTLED};
    const char *to = actor_name(jobs->options.actor);
    if (record->from_document && !document_names(document, record->key, to)) {
        happened.input = JOB_ON_GONE;
    }
    jobs->progress = true;
    enum fault fault = jobs_step(jobs, txn, record, &happened);
    return fault == OK ? record_keep(jobs, txn, record) : fault;
}

/* The payload for the adapter. NULL with OK: not wanted any more; else why it cannot be made. */
static json_t *prepare(struct jobs *jobs, struct store_txn *txn, const struct record *record,
                       const json_t *document, enum fault *fault, struct buf *why)
{
    *fault = OK;
    if (!jobs->options.prepare) {
        return record->payload ? json_incref(record->payload) : json_object();
    }
    struct jobs_view view;
    record_view(jobs, record, document, &view);
    return jobs->options.prepare(jobs->options.self, txn, &view, fault, why);
}

void flight_board(struct flight *flight, struct slot *slot, const struct record *record,
                  json_t *payload)
{
    json_t *learned = record_learned(record, slot->wanted.adapter->name);
    flight->slot = slot;
    EVENT_SET(flight->key, record->key);
    EVENT_SET(flight->kind, record->kind);
    EVENT_SET(flight->member, record->member);
    EVENT_SET(flight->order, record_order(record));
    flight->version = record->version;
    flight->attempt = record->job.attempt;
    flight->bulk = record->bulk;
    flight->repeat = record->job.repeat || record->job.attempt > 1;
    flight->created_ms = record->job.created_ms;
    flight->began_ms = jobs_now_ms(slot->jobs);
    flight->payload = payload;
    flight->learned = learned ? json_deep_copy(learned) : json_object();
    flight->step = 0;
    flight->steps = 1;
    flight->verdict = (struct verdict){.learned = flight->learned};
}

/* An embedded provider: done in this very transaction. */
static enum fault perform(struct jobs *jobs, struct store_txn *txn, struct slot *slot,
                          struct record *record, json_t *payload)
{
    struct flight flight = {.jobs = jobs};
    flight_board(&flight, slot, record, payload);
    struct task task = flight_task(&flight);
    slot->wanted.adapter->perform(&task, txn, &flight.verdict);
    enum fault fault = plan_conclude(jobs, txn, slot, record, &flight.verdict);
    flight_clear(&flight);
    return fault;
}

static enum fault unprepared(struct jobs *jobs, struct store_txn *txn, struct slot *slot,
                             struct record *record, enum fault fault, struct buf *why)
{
    struct job_happened happened = {.input = JOB_ON_GONE};
    if (fault != OK && fault_again(fault)) {
        return fault;
    }
    if (fault == OK) {
        fault = jobs_step(jobs, txn, record, &happened);
        return fault == OK ? record_keep(jobs, txn, record) : fault;
    }
    if (fault == FAULT_DENIED) {
        EVENT_SET(record->error, buf_text(why));
        return jobs_happen(jobs, txn, record, JOB_ON_SKIP);
    }
    struct verdict verdict = {0};
    verdict_set(&verdict, VERDICT_NEVER, "%s", why->len > 0 ? buf_text(why) : fault_words(fault));
    happened.input = JOB_ON_START;
    fault = jobs_step(jobs, txn, record, &happened);
    return fault == OK ? plan_conclude(jobs, txn, slot, record, &verdict) : fault;
}

static enum fault begin(struct jobs *jobs, struct store_txn *txn, struct slot *slot,
                        struct record *record, const json_t *document)
{
    struct buf why = {0};
    enum fault fault = OK;
    struct job_happened happened = {.input = JOB_ON_START};
    jobs->progress = true;
    json_t *payload = prepare(jobs, txn, record, document, &fault, &why);
    if (!payload) {
        fault = unprepared(jobs, txn, slot, record, fault, &why);
        goto out;
    }
    fault = jobs_step(jobs, txn, record, &happened);
    if (fault != OK) {
        json_decref(payload);
        goto out;
    }
    if (slot->wanted.adapter->perform) {
        fault = perform(jobs, txn, slot, record, payload);
        goto out;
    }
    struct flight *flight = plan_room(jobs, false);
    MUST(flight);
    flight_board(flight, slot, record, payload);
    breaker_started(&slot->breaker); /* not sooner: what needs no call never ends one */
    flight->stage = FLIGHT_PLANNED;
    fault = record_keep(jobs, txn, record);
out:
    buf_fini(&why);
    return fault;
}

/* Takes a token, too. */
static bool may_call(struct jobs *jobs, struct slot *slot, bool bulk)
{
    int64_t now_ms = jobs_now_ms(jobs);
    int64_t wait_ms = bulk && slot->bulk_ms > now_ms ? slot->bulk_ms - now_ms : 0;
    bool spares = bulk && !slot->bulk_turn; /* what is kept for fresh ones */
    bool may = wait_ms == 0 && plan_room(jobs, spares) && breaker_lets(&slot->breaker, now_ms) &&
               bucket_take(&slot->bucket, slot->per_10s, spares, now_ms, &wait_ms);
    slot->tokens_ms[bulk] = now_ms + wait_ms;
    return may;
}

/* One candidate. *full: no more calls to this slot for now. */
static enum fault consider(struct jobs *jobs, struct store_txn *txn, struct slot *slot,
                           const char *key, bool *full)
{
    struct record record;
    json_t *document = NULL;
    bool held = false;
    enum fault fault = record_load(txn, key, &record);
    if (fault == OK && *record.member) {
        fault = document_load(txn, record.member, &document);
    }
    if (fault == OK && record.job.state == JOB_SETTLING) {
        fault = settle(jobs, txn, &record, document);
    }
    if (fault != OK || record.job.state != JOB_WAITING || order_busy(jobs, &record)) {
        goto out;
    }
    fault = held_back(jobs, txn, &record, &held);
    if (fault != OK || held) {
        goto out;
    }
    if (slot->wanted.adapter->perform == NULL && !may_call(jobs, slot, record.bulk)) {
        *full = true;
        goto out;
    }
    slot->picks++;
    fault = begin(jobs, txn, slot, &record, document);
out:
    json_decref(document);
    record_fini(&record);
    return fault;
}

enum fault plan_now(struct jobs *jobs, struct store_txn *txn, const struct record *record)
{
    struct slot *slot = jobs_slot_of(jobs, record->slot);
    bool full = false;
    bool due = record->job.state == JOB_WAITING && record->job.next_ms <= jobs_now_ms(jobs);
    if (!due || record->bulk || !jobs->recovered || !slot || slot_stopped(slot) ||
        slot->wanted.adapter->perform || !actor_caught_up(jobs->options.actor)) {
        return OK;
    }
    return consider(jobs, txn, slot, record->key, &full);
}

enum fault plan_slot(struct jobs *jobs, struct store_txn *txn, struct slot *slot)
{
    struct key_list fresh;
    struct key_list bulk;
    size_t at[2] = {0, 0};
    bool full[2] = {slot_stopped(slot), slot_stopped(slot)};
    int64_t now_ms = jobs_now_ms(jobs);
    key_list_init(&fresh, PLAN_CANDIDATES_MAX);
    key_list_init(&bulk, PLAN_CANDIDATES_MAX);
    enum fault fault = queue_due(txn, slot->wanted.name, JOBS_FRESH, now_ms, &fresh);
    if (fault == OK) {
        fault = queue_due(txn, slot->wanted.name, JOBS_BULK, now_ms, &bulk);
    }
    while (fault == OK) {
        bool some[2] = {at[0] < fresh.count && !full[0], at[1] < bulk.count && !full[1]};
        if (!some[0] && !some[1]) {
            break;
        }
        /* Bulk goes behind, and still moves while payments keep coming. */
        bool turn = some[1] && slot->picks % PLAN_BULK_EVERY == PLAN_BULK_EVERY - 1;
        int which = some[0] && !turn ? 0 : 1;
        slot->bulk_turn = turn && some[0];
        const char *key = which == 0 ? fresh.keys[at[0]++] : bulk.keys[at[1]++];
        fault = consider(jobs, txn, slot, key, &full[which]);
    }
    key_list_fini(&fresh);
    key_list_fini(&bulk);
    return fault;
}
