#include "jobs_core.h"

#include "clock.h"
#include "logs.h"
#include "must.h"

#include <string.h>

int64_t jobs_now_ms(const struct jobs *jobs)
{
    return jobs->wall_ms + clock_mono_ms() - jobs->mono_ms;
}

struct slot *jobs_slot_of(struct jobs *jobs, const char *name)
{
    for (size_t i = 0; i < jobs->slot_count; i++) {
        if (strcmp(jobs->slots[i].wanted.name, name) == 0) {
            return &jobs->slots[i];
        }
    }
    return NULL;
}

/* --- what a target says to all of us ----------------------------------------------------------- */

void slot_hold(struct slot *slot, int64_t wait_ms, const char *words)
{
    int64_t now_ms = jobs_now_ms(slot->jobs);
    int64_t until_ms = now_ms + (wait_ms < JOBS_AHEAD_MS ? wait_ms : JOBS_AHEAD_MS);
    breaker_hold(&slot->breaker, until_ms);
    if (wait_ms < JOBS_HOLD_KEPT_MS || until_ms <= slot->held_until_ms) {
        return;
    }
    bool goes_on = now_ms - slot->held_until_ms < JOBS_HOLD_SHOWN_MS; /* tried, and held again */
    slot->held_ms = goes_on ? slot->held_ms : now_ms;
    slot->held_until_ms = until_ms;
    EVENT_SET(slot->held_words, words);
    EVENT_SET(slot->held_target, slot->wanted.adapter->name);
    slot->hold_unsaved = true;
    logs_write(LOGS_WARN, "the target takes nothing for now", "slot", slot->wanted.name, "words",
               words, NULL);
}

void slot_unhold(struct slot *slot)
{
    breaker_unhold(&slot->breaker);
    slot->held_until_ms = 0;
}

/* From before a restart. Another provider, and a clock that was wrong, are not waited for. */
static void hold_again(struct slot *slot)
{
    int64_t now_ms = jobs_now_ms(slot->jobs);
    bool same = strcmp(slot->held_target, slot->wanted.adapter->name) == 0;
    if (!same || slot->held_until_ms > now_ms + JOBS_AHEAD_MS) {
        slot->held_until_ms = 0;
    } else if (slot->held_until_ms > now_ms) {
        breaker_hold(&slot->breaker, slot->held_until_ms);
    }
}

/* --- timer ------------------------------------------------------------------------------------ */

static int on_timer(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    struct jobs *jobs = self;
    jobs->timer = -1;
    if (!actor_caught_up(jobs->options.actor)) {
        jobs_wake(jobs, 20);
        return 0;
    }
    jobs_turn(jobs);
    return 0;
}

void jobs_wake(struct jobs *jobs, int64_t in_ms)
{
    zloop_t *loop = actor_loop(jobs->options.actor);
    int64_t due_ms = clock_mono_ms() + (in_ms > 0 ? in_ms : 0);
    if (jobs->timer >= 0 && jobs->timer_ms <= due_ms) {
        return;
    }
    if (jobs->timer >= 0) {
        zloop_timer_end(loop, jobs->timer);
    }
    jobs->timer_ms = due_ms;
    jobs->timer = zloop_timer(loop, (size_t)(in_ms > 0 ? in_ms : 0), 1, on_timer, jobs);
    MUST(jobs->timer >= 0);
}

void jobs_committed(struct jobs *jobs)
{
    if (jobs && !jobs->in_turn) {
        jobs_leave(jobs);
        jobs_wake(jobs, 0);
    }
}

/* --- making ----------------------------------------------------------------------------------- */

static int64_t number_of(const struct jobs *jobs, const char *name)
{
    char *path = must_sprintf("%s/%s", jobs->options.section, name);
    int64_t number = settings_number(actor_settings(jobs->options.actor), path);
    free(path);
    return number;
}

static void read_settings(struct jobs *jobs)
{
    jobs->policy.first_ms = number_of(jobs, "retry/first");
    jobs->policy.max_ms = number_of(jobs, "retry/max");
    jobs->policy.give_up_ms = number_of(jobs, "retry/give_up");
    jobs->timeout_ms = (int)number_of(jobs, "timeout");
    jobs->policy.timeout_ms = jobs->timeout_ms;
    jobs->probe_ms = number_of(jobs, "probe");
    jobs->calls_max = (size_t)number_of(jobs, "calls");
    if (jobs->policy.max_ms < jobs->policy.first_ms) {
        jobs->policy.max_ms = jobs->policy.first_ms;
    }
}

static bool check(const struct jobs *jobs, struct buf *why)
{
    bool good = true;
    for (size_t i = 0; i < jobs->slot_count; i++) {
        const struct jobs_slot *slot = &jobs->slots[i].wanted;
        good &= !slot->adapter->check || slot->adapter->check(slot->settings, why);
    }
    return good;
}

static enum fault open_slots(struct jobs *jobs)
{
    struct store_txn *txn = NULL;
    enum fault fault = store_begin(actor_store(jobs->options.actor), false, &txn);
    for (size_t i = 0; fault == OK && i < jobs->slot_count; i++) {
        fault = slot_load(txn, &jobs->slots[i]);
        hold_again(&jobs->slots[i]);
    }
    store_abort(&txn);
    return fault;
}

/* What the adapters can, or must not do. */
static void make_slots(struct jobs *jobs, const struct jobs_options *options)
{
    int64_t rate = number_of(jobs, "rate");
    bool looks = false;
    for (size_t i = 0; i < options->slot_count; i++) {
        const struct adapter *adapter = options->slots[i].adapter;
        size_t at_once = (size_t)adapter->calls_at_once;
        jobs->calls_max = at_once > 0 && at_once < jobs->calls_max ? at_once : jobs->calls_max;
        looks = looks || adapter->look;
        jobs->slots[i].jobs = jobs;
        jobs->slots[i].wanted = options->slots[i];
        jobs->slots[i].per_10s = rate > 0 ? (int)rate : adapter->calls_per_10s;
        MUST(strlen(options->slots[i].name) <= JOBS_SLOT_BYTES_MAX);
    }
    jobs->options.look_every_ms = looks ? options->look_every_ms : 0;
}

enum fault jobs_new(const struct jobs_options *options, bool check_only, struct jobs **out,
                    struct buf *why)
{
    struct jobs *jobs = must_calloc(1, sizeof *jobs);
    enum fault fault = OK;
    jobs->options = *options;
    jobs->timer = -1;
    jobs->wall_ms = clock_wall_ms();
    jobs->mono_ms = clock_mono_ms();
    MUST(options->slot_count <= JOBS_SLOTS_MAX);
    jobs->slot_count = options->slot_count;
    read_settings(jobs);
    make_slots(jobs, options);
    for (size_t i = 0; i < JOBS_PLANNED_MAX; i++) {
        jobs->flights[i].jobs = jobs;
    }
    if (!check(jobs, why)) {
        fault = FAULT_CONFIG;
    } else if (!check_only) {
        fault = http_out_new(actor_loop(options->actor), &jobs->http);
        fault = fault == OK ? open_slots(jobs) : fault;
    }
    if (fault != OK || check_only) {
        jobs_destroy(&jobs);
        *out = NULL;
        return fault;
    }
    jobs_wake(jobs, 10);
    *out = jobs;
    return OK;
}

void jobs_destroy(struct jobs **out)
{
    struct jobs *jobs = *out;
    if (!jobs) {
        return;
    }
    *out = NULL;
    http_out_destroy(&jobs->http);
    for (size_t i = 0; i < JOBS_PLANNED_MAX; i++) {
        flight_clear(&jobs->flights[i]);
    }
    for (size_t i = 0; i < jobs->slot_count; i++) {
        login_fini(&jobs->slots[i]);
    }
    if (jobs->timer >= 0) {
        zloop_timer_end(actor_loop(jobs->options.actor), jobs->timer);
    }
    free(jobs);
}

/* --- inside a batch --------------------------------------------------------------------------- */

static bool key_fits(const char *key)
{
    return *key && strlen(key) <= JOBS_KEY_BYTES_MAX;
}

static void record_make(struct jobs *jobs, struct record *record, const struct jobs_spec *spec,
                        const struct event *event)
{
    record_init(record);
    EVENT_SET(record->key, spec->key);
    EVENT_SET(record->kind, spec->kind ? spec->kind : "");
    EVENT_SET(record->member, spec->member ? spec->member : "");
    EVENT_SET(record->order, spec->order ? spec->order : "");
    EVENT_SET(record->slot, spec->slot);
    EVENT_SET(record->cause, event->id);
    EVENT_SET(record->trace, event->trace);
    uint64_t order = event->seq > 0 ? event->seq : (uint64_t)jobs_now_ms(jobs);
    record->number = order * 256 + jobs->tick++;
    record->bulk = spec->bulk;
    record->from_document = spec->from_document;
    record->version = spec->version;
    record->payload = json_incref((json_t *)spec->payload);
    EVENT_SET(record->who, spec->who ? spec->who : "");
    record->updated_ms = jobs_now_ms(jobs);
    record->job.created_ms = event->time_ms;
    record->job.state = spec->settle_ms > 0 ? JOB_SETTLING : JOB_WAITING;
    /* Our clock may be behind the teller's (a suspended host): that must not delay what is due. */
    int64_t from_ms = event->time_ms < record->updated_ms ? event->time_ms : record->updated_ms;
    record->job.next_ms = from_ms + spec->settle_ms;
}

enum fault jobs_add(struct jobs *jobs, struct store_txn *txn, const struct jobs_spec *spec,
                    const struct event *event)
{
    struct record record;
    if (!key_fits(spec->key)) {
        return FAULT_TOO_LARGE;
    }
    enum fault fault = record_load(txn, spec->key, &record);
    if (fault == FAULT_NOT_FOUND) {
        record_make(jobs, &record, spec, event);
        fault = record_keep(jobs, txn, &record);
        fault = fault == OK ? plan_now(jobs, txn, &record) : fault;
    } else if (fault == OK && (record.job.state == JOB_SUPERSEDED ||
                               (job_is_open(record.job.state) && !record.payload))) {
        struct job_happened happened = {.input = JOB_ON_WANTED, .delay_ms = spec->settle_ms};
        fault = jobs_step(jobs, txn, &record, &happened);
        json_decref(record.payload);
        record.payload = json_incref((json_t *)spec->payload);
        fault = fault == OK ? record_keep(jobs, txn, &record) : fault;
    }
    record_fini(&record);
    return fault;
}

enum fault jobs_want(struct jobs *jobs, struct store_txn *txn, const struct jobs_spec *spec,
                     const struct event *event)
{
    struct record record;
    int64_t revision = (int64_t)event->seq;
    if (!key_fits(spec->key)) {
        return FAULT_TOO_LARGE;
    }
    enum fault fault = record_load(txn, spec->key, &record);
    if (fault == FAULT_NOT_FOUND) {
        record_make(jobs, &record, spec, event);
        record.job.wanted = revision;
        fault = record_keep(jobs, txn, &record);
        fault = fault == OK ? plan_now(jobs, txn, &record) : fault;
    } else if (fault == OK && revision > record.job.wanted) {
        const struct job before = record.job;
        struct job_happened happened = {.input = JOB_ON_WANTED, .revision = revision};
        fault = jobs_step(jobs, txn, &record, &happened);
        record.version = spec->version;
        record.job.created_ms = event->time_ms;
        /* What follows a fresh one that still waits does not push it back. */
        record.bulk = spec->bulk && (record.bulk || !job_is_open(before.state));
        json_decref(record.payload);
        record.payload = json_incref((json_t *)spec->payload);
        EVENT_SET(record.kind, spec->kind ? spec->kind : "");
        EVENT_SET(record.member, spec->member ? spec->member : "");
        EVENT_SET(record.cause, event->id);
        EVENT_SET(record.trace, event->trace);
        fault = fault == OK ? record_keep(jobs, txn, &record) : fault;
        fault = fault == OK ? plan_now(jobs, txn, &record) : fault;
    }
    record_fini(&record);
    return fault;
}

enum fault jobs_skip(struct jobs *jobs, struct store_txn *txn, const struct jobs_spec *spec,
                     const struct event *event, const char *why)
{
    struct record record;
    if (!key_fits(spec->key)) {
        return FAULT_TOO_LARGE;
    }
    enum fault fault = record_load(txn, spec->key, &record);
    if (fault == FAULT_NOT_FOUND) {
        record_make(jobs, &record, spec, event);
        EVENT_SET(record.error, why);
        fault = jobs_happen(jobs, txn, &record, JOB_ON_SKIP);
    }
    record_fini(&record);
    return fault;
}

enum fault jobs_apply(struct jobs *jobs, struct store_txn *txn, const struct event *event)
{
    if (strncmp(event->type, "job.", 4) == 0 || strncmp(event->type, "target.", 7) == 0) {
        return reread(jobs, txn, event);
    }
    bool person = strncmp(event->type, "admin.", 6) == 0;
    bool member = strncmp(event->type, "member.", 7) == 0 && strcmp(event->type, "member.due") != 0;
    if (!person && !member) {
        return OK;
    }
    json_t *data = event_data(event);
    enum fault fault = member ? document_keep(txn, data) : people_apply(jobs, txn, event, data);
    json_decref(data);
    return fault;
}

/* --- looking at one --------------------------------------------------------------------------- */

enum fault jobs_find(struct jobs *jobs, struct store_txn *txn, const char *key, struct job *job,
                     json_t **payload, json_t **learned)
{
    struct record record;
    enum fault fault = record_load(txn, key, &record);
    struct slot *slot = fault == OK ? jobs_slot_of(jobs, record.slot) : NULL;
    if (job) {
        *job = record.job;
    }
    if (payload) {
        *payload = json_incref(record.payload);
    }
    if (learned) {
        *learned = slot ? json_incref(record_learned(&record, slot->wanted.adapter->name)) : NULL;
    }
    record_fini(&record);
    return fault;
}
