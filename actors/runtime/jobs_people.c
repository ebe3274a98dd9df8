/* jobs_people.c - what people decide: retry, skip, send again, pause, resume. */
#include "jobs_core.h"

#include "logs.h"

#include <stdio.h>
#include <string.h>

enum { AGAIN_HEX_CHARS = 8 };

static const char again_mark[] = ":again:";

/* --- one job ----------------------------------------------------------------------------------- */

/* Somebody waits for it: a target that is not called at present is tried now, and not when its time
 * comes. A thousand retries bring no thousand probes. */
static void hurry(struct jobs *jobs, struct slot *slot)
{
    int64_t now_ms = jobs_now_ms(jobs);
    int64_t next_ms = slot->hurried_ms + JOBS_HURRY_MS;
    int64_t at_ms = next_ms > now_ms ? next_ms : now_ms;
    slot->hurried_ms = at_ms == now_ms ? now_ms : slot->hurried_ms;
    if (slot->probe_ms > at_ms) {
        slot->probe_ms = at_ms;
    }
    if (slot->breaker.open_until_ms > at_ms) {
        slot->breaker.open_until_ms = at_ms;
    }
}

static enum fault by_person(struct jobs *jobs, struct store_txn *txn, const char *key,
                            const struct event *event, enum job_input input, const char *reason)
{
    struct record record;
    if (!*key || strlen(key) > JOBS_KEY_BYTES_MAX) {
        return OK;
    }
    enum fault fault = record_load(txn, key, &record);
    if (fault == OK) {
        struct slot *slot = jobs_slot_of(jobs, record.slot);
        EVENT_SET(record.who, event->who);
        if (input == JOB_ON_SKIP) {
            EVENT_SET(record.error, reason);
        } else if (slot) {
            hurry(jobs, slot);
        }
        record.held_ms = 0;
        fault = jobs_happen(jobs, txn, &record, input);
    }
    record_fini(&record);
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

enum fault jobs_resync(struct jobs *jobs, struct store_txn *txn, const char *key,
                       const struct event *event)
{
    return by_person(jobs, txn, key, event, JOB_ON_RETRY, "");
}

/* --- once more --------------------------------------------------------------------------------- */

static bool may_again(const struct record *record)
{
    enum job_state state = record->job.state;
    return record->job.wanted == 0 && (state == JOB_DONE || state == JOB_UNCERTAIN ||
                                       state == JOB_DEAD || state == JOB_SKIPPED);
}

static bool again_key(const char *key, const char *event, char again[JOBS_KEY_BYTES_MAX + 1])
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    sha256(event, strlen(event), hash);
    hex_encode(hash, sizeof hash, hex);
    int len =
        snprintf(again, JOBS_KEY_BYTES_MAX + 1, "%s%s%.*s", key, again_mark, AGAIN_HEX_CHARS, hex);
    return len > 0 && len <= JOBS_KEY_BYTES_MAX;
}

/* What the newest document says of it; else what it was made with; else no more than its kind. */
static enum fault again_payload(struct jobs *jobs, struct store_txn *txn,
                                const struct record *record, json_t **out)
{
    json_t *document = NULL;
    char base[JOBS_KEY_BYTES_MAX + 1];
    const char *to = actor_name(jobs->options.actor);
    EVENT_SET(base, record->key);
    char *mark = strstr(base, again_mark);
    if (mark) {
        *mark = '\0'; /* one that was sent again already */
    }
    enum fault fault = document_load(txn, record->member, &document);
    const json_t *effect = document ? document_effect(document, base, to) : NULL;
    *out = effect            ? json_deep_copy(effect)
           : record->payload ? json_deep_copy(record->payload)
                             : json_object();
    tree_set_text(*out, "kind", record->kind);
    json_decref(document);
    return fault;
}

static enum fault resend(struct jobs *jobs, struct store_txn *txn, const struct record *record,
                         const char *key, const struct event *event)
{
    json_t *payload = NULL;
    enum fault fault = again_payload(jobs, txn, record, &payload);
    struct jobs_spec spec = {.key = key,
                             .kind = record->kind,
                             .member = record->member,
                             .order = record->order,
                             .slot = record->slot,
                             .who = event->who,
                             .payload = payload};
    fault = fault == OK ? jobs_add(jobs, txn, &spec, event) : fault;
    json_decref(payload);
    return fault;
}

enum fault jobs_resend(struct jobs *jobs, struct store_txn *txn, const struct event *event)
{
    struct record record;
    char key[JOBS_KEY_BYTES_MAX + 1];
    char again[JOBS_KEY_BYTES_MAX + 1];
    json_t *data = event_data(event);
    EVENT_SET(key, tree_text(data, "key"));
    bool ours = strcmp(tree_text(data, "actor"), actor_name(jobs->options.actor)) == 0;
    json_decref(data);
    if (!ours) {
        return OK;
    }
    enum fault fault = record_load(txn, key, &record);
    if (fault == OK && may_again(&record) && again_key(key, event->id, again)) {
        fault = resend(jobs, txn, &record, again, event);
    } else if (fault == OK || fault == FAULT_NOT_FOUND) {
        logs_write(LOGS_WARN, "cannot be sent again", "key", key, "state",
                   fault == OK ? job_state_name(record.job.state) : "not known", "event", event->id,
                   NULL);
        fault = OK;
    }
    record_fini(&record);
    return fault;
}

/* --- one slot ---------------------------------------------------------------------------------- */

static enum fault pause_slot(struct jobs *jobs, struct store_txn *txn, const struct event *event,
                             const json_t *data, bool paused)
{
    struct slot *slot = jobs_slot_of(jobs, tree_text(data, "slot"));
    if (!slot) {
        return OK;
    }
    slot->paused = paused;
    slot->paused_ms = paused ? event->time_ms : 0;
    EVENT_SET(slot->paused_who, paused ? event->who : "");
    EVENT_SET(slot->paused_reason, paused ? tree_text(data, "reason") : "");
    if (!paused) { /* the time that jobs are tried for does not run while they may not be */
        slot->accepted_ms = event->time_ms > slot->accepted_ms ? event->time_ms : slot->accepted_ms;
        slot_unhold(slot);
        hurry(jobs, slot);
    }
    logs_write(LOGS_INFO, paused ? "target paused" : "target goes on", "slot", slot->wanted.name,
               "who", event->who, NULL);
    return slot_save(txn, slot);
}

enum fault people_apply(struct jobs *jobs, struct store_txn *txn, const struct event *event,
                        const json_t *data)
{
    const char *type = event->type;
    bool retried = strcmp(type, "admin.retried") == 0;
    bool paused = strcmp(type, "admin.paused") == 0;
    if (strcmp(tree_text(data, "actor"), actor_name(jobs->options.actor)) != 0) {
        return OK;
    }
    if (retried || strcmp(type, "admin.skipped") == 0) {
        return by_person(jobs, txn, tree_text(data, "key"), event,
                         retried ? JOB_ON_RETRY : JOB_ON_SKIP, tree_text(data, "reason"));
    }
    if (paused || strcmp(type, "admin.resumed") == 0) {
        return pause_slot(jobs, txn, event, data, paused);
    }
    return OK;
}
