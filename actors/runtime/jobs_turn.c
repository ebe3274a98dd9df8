#include "jobs_core.h"

#include "logs.h"
#include "must.h"

#include <string.h>

enum { TURN_RETRY_MS = 1000, TURN_STUCK_MS = 250, TURN_SECRET_MS = 1000 };

/* --- the transaction --------------------------------------------------------------------------- */

static enum fault conclude(struct jobs *jobs, struct store_txn *txn, struct flight *flight)
{
    struct record record;
    if (flight->look) {
        return look_conclude(jobs, txn, flight);
    }
    enum fault fault = record_load(txn, flight->key, &record);
    if (fault == OK) {
        record.latency_ms = flight->latency_ms;
        fault = plan_conclude(jobs, txn, flight->slot, &record, &flight->verdict);
    }
    record_fini(&record);
    return fault;
}

static enum fault commit_mail(struct jobs *jobs, struct store_txn *txn, struct flight *flight)
{
    struct record record;
    enum fault fault = record_load(txn, flight->key, &record);
    if (fault == OK) {
        fault = jobs_happen(jobs, txn, &record, JOB_ON_COMMIT);
    }
    record_fini(&record);
    return fault;
}

static enum fault keep(struct store_txn *txn, const struct flight *flight)
{
    struct record record;
    enum fault fault = record_load(txn, flight->key, &record);
    if (fault == OK) {
        record_learn(&record, flight->slot->wanted.adapter->name, flight->learned);
        fault = record_save(txn, &record);
    }
    record_fini(&record);
    return fault;
}

static enum fault accept_key(struct jobs *jobs, struct store_txn *txn, struct slot *slot)
{
    int64_t now_ms = jobs_now_ms(jobs);
    slot->refused = false;
    slot->changed_ms = now_ms > slot->changed_ms ? now_ms : slot->changed_ms + 1;
    slot->accepted_ms = slot->changed_ms;
    slot->error[0] = '\0';
    slot->probe_said = PROBE_NONE;
    enum fault fault = slot_save(txn, slot);
    return fault == OK ? tell_target(jobs, txn, slot, "") : fault;
}

static enum fault turn(void *self, struct store_txn *txn)
{
    struct jobs *jobs = self;
    enum fault fault = jobs->recovered ? OK : plan_recover(jobs, txn);
    for (size_t i = 0; fault == OK && i < JOBS_PLANNED_MAX; i++) {
        struct flight *flight = &jobs->flights[i];
        if (flight->stage == FLIGHT_ENDED) {
            fault = conclude(jobs, txn, flight);
            flight->order[0] = '\0'; /* its member's next job may begin in this turn */
        } else if (flight->stage == FLIGHT_HELD) {
            fault = commit_mail(jobs, txn, flight);
        } else if (flight->stage == FLIGHT_KEEPING) {
            fault = keep(txn, flight);
        }
    }
    for (size_t i = 0; fault == OK && i < jobs->slot_count; i++) {
        if (jobs->slots[i].refused && jobs->slots[i].probe_said == PROBE_TAKEN) {
            fault = accept_key(jobs, txn, &jobs->slots[i]);
        }
        if (fault == OK && jobs->slots[i].hold_unsaved) {
            fault = slot_save(txn, &jobs->slots[i]);
            jobs->slots[i].hold_unsaved = false;
        }
        if (fault == OK) {
            fault = plan_slot(jobs, txn, &jobs->slots[i]);
        }
    }
    return fault;
}

/* --- around it --------------------------------------------------------------------------------- */

static bool anything(const struct jobs *jobs)
{
    for (size_t i = 0; i < JOBS_PLANNED_MAX; i++) {
        enum flight_stage stage = jobs->flights[i].stage;
        if (stage == FLIGHT_ENDED || stage == FLIGHT_HELD || stage == FLIGHT_KEEPING) {
            return true;
        }
    }
    for (size_t i = 0; i < jobs->slot_count; i++) {
        if (jobs->slots[i].refused && jobs->slots[i].probe_said == PROBE_TAKEN) {
            return true;
        }
    }
    return !jobs->recovered;
}

/* When the slot's next job may begin; INT64_MAX: none waits. */
static enum fault slot_due(struct jobs *jobs, struct store_txn *txn, struct slot *slot,
                           int64_t *due_ms)
{
    static const enum jobs_class classes[] = {JOBS_FRESH, JOBS_BULK};
    int64_t until_ms = breaker_until_ms(&slot->breaker);
    enum fault fault = OK;
    *due_ms = INT64_MAX;
    for (int bulk = 0; fault == OK && bulk <= 1; bulk++) {
        int64_t class_ms = INT64_MAX;
        fault = queue_first(txn, slot->wanted.name, classes[bulk], &class_ms);
        if (slot->wanted.adapter->perform == NULL && class_ms != INT64_MAX) {
            class_ms = class_ms > until_ms ? class_ms : until_ms;
            class_ms = class_ms > slot->tokens_ms[bulk] ? class_ms : slot->tokens_ms[bulk];
            /* Without room the end of a call wakes. */
            class_ms = plan_room(jobs, bulk) ? class_ms : INT64_MAX;
        }
        *due_ms = class_ms < *due_ms ? class_ms : *due_ms;
    }
    return fault;
}

static enum fault next_due(struct jobs *jobs, int64_t *due_ms)
{
    struct store_txn *txn = NULL;
    *due_ms = INT64_MAX;
    enum fault fault = store_begin(actor_store(jobs->options.actor), false, &txn);
    for (size_t i = 0; fault == OK && i < jobs->slot_count; i++) {
        int64_t slot_ms = INT64_MAX;
        if (!slot_stopped(&jobs->slots[i])) {
            fault = slot_due(jobs, txn, &jobs->slots[i], &slot_ms);
        }
        *due_ms = slot_ms < *due_ms ? slot_ms : *due_ms;
    }
    store_abort(&txn);
    return fault;
}

/* After the commit: answers are dealt with, mails may go on, calls may leave. */
static void go_on(struct jobs *jobs)
{
    jobs->recovered = true;
    for (size_t i = 0; i < JOBS_PLANNED_MAX; i++) {
        struct flight *flight = &jobs->flights[i];
        if (flight->stage == FLIGHT_ENDED) {
            flight_clear(flight);
        } else if (flight->stage == FLIGHT_HELD) {
            flight->stage = FLIGHT_CALLING;
            http_out_release(jobs->http, flight->call);
        } else if (flight->stage == FLIGHT_PLANNED) {
            flight_launch(flight);
        } else if (flight->stage == FLIGHT_KEEPING) {
            flight->stage = FLIGHT_NEXT;
        }
    }
    flights_go_on(jobs);
}

static void forget_plans(struct jobs *jobs)
{
    for (size_t i = 0; i < JOBS_PLANNED_MAX; i++) {
        if (jobs->flights[i].stage == FLIGHT_PLANNED) {
            flight_clear(&jobs->flights[i]);
        }
    }
}

static void failed(struct jobs *jobs, enum fault fault, const char *what)
{
    if (fault == FAULT_FULL || fault == FAULT_BUSY) {
        logs_write(LOGS_WARN, what, "fault", fault_name(fault), NULL);
        jobs_wake(jobs, TURN_RETRY_MS);
        return;
    }
    actor_stop(jobs->options.actor, fault, what);
}

/* Did the batch that planned it reach the disk? An aborted one leaves its flights behind. */
static bool planned_for_good(struct store_txn *txn, const struct flight *flight)
{
    struct record record;
    bool good = record_load(txn, flight->key, &record) == OK && record.job.state == JOB_SENDING &&
                record.job.attempt == flight->attempt;
    record_fini(&record);
    return good;
}

void jobs_leave(struct jobs *jobs)
{
    struct store_txn *txn = NULL;
    for (size_t i = 0; i < JOBS_PLANNED_MAX; i++) {
        struct flight *flight = &jobs->flights[i];
        if (flight->stage != FLIGHT_PLANNED) {
            continue;
        }
        if (!txn && store_begin(actor_store(jobs->options.actor), false, &txn) != OK) {
            break;
        }
        if (planned_for_good(txn, flight)) {
            flight_launch(flight);
        } else {
            flight->slot->breaker.trying = false;
            flight_clear(flight);
        }
    }
    store_abort(&txn);
}

static bool run(struct jobs *jobs)
{
    struct slot before[JOBS_SLOTS_MAX];
    jobs_leave(jobs);
    memcpy(before, jobs->slots, sizeof before);
    jobs->in_turn = true;
    enum fault fault = actor_change(jobs->options.actor, turn, jobs);
    jobs->in_turn = false;
    if (fault == OK) {
        go_on(jobs);
        return true;
    }
    memcpy(jobs->slots, before, sizeof before);
    forget_plans(jobs);
    failed(jobs, fault, "jobs wait for the store");
    return false;
}

static void tend_refused(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->slot_count; i++) {
        if (jobs->slots[i].refused && !jobs->slots[i].paused) {
            slot_probe(jobs, &jobs->slots[i]);
            jobs_wake(jobs, jobs->probe_ms < TURN_SECRET_MS ? jobs->probe_ms : TURN_SECRET_MS);
        }
    }
}

void jobs_turn(struct jobs *jobs)
{
    int64_t due_ms = 0;
    enum fault fault = next_due(jobs, &due_ms);
    jobs->progress = false;
    flights_go_on(jobs);
    if (fault == OK && (anything(jobs) || due_ms <= jobs_now_ms(jobs))) {
        if (!run(jobs)) {
            return;
        }
        fault = next_due(jobs, &due_ms);
    }
    if (fault != OK) {
        failed(jobs, fault, "jobs wait for the store");
        return;
    }
    tend_refused(jobs);
    if (due_ms != INT64_MAX) {
        int64_t wait_ms = due_ms - jobs_now_ms(jobs);
        /* Due and not begun: its member is busy, or the target's tokens are out. */
        int64_t least_ms = jobs->progress ? 0 : TURN_STUCK_MS;
        jobs_wake(jobs, wait_ms > 0 ? wait_ms : least_ms);
    }
    looks_turn(jobs, due_ms > jobs_now_ms(jobs));
}
