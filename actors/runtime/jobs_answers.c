#include "jobs_core.h"

#include "must.h"

#include <string.h>

enum { ANSWER_JOBS_MAX = 500, ANSWER_JOBS_DEFAULT = 100, ANSWER_MEMBER_MAX = 1024 };

static json_t *shown(struct jobs *jobs, const struct record *record)
{
    json_t *tree = json_object();
    struct slot *slot = jobs_slot_of(jobs, record->slot);
    tree_set_text(tree, "actor", actor_name(jobs->options.actor));
    tree_set_text(tree, "kind", record->kind);
    tree_set_text(tree, "key", record->key);
    tree_set_text(tree, "member", record->member);
    tree_set_text(tree, "target", slot ? slot->wanted.adapter->name : record->slot);
    tree_set_text(tree, "slot", record->slot);
    tree_set_flag(tree, "paused", slot && slot->paused && job_is_open(record->job.state));
    tree_set_text(tree, "state", job_state_name(record->job.state));
    tree_set_text(tree, "error", record->error);
    tree_set_text(tree, "trace", record->trace);
    tree_set_text(tree, "cause", record->cause);
    tree_set_text(tree, "who", record->who);
    tree_set_int(tree, "attempt", record->job.attempt);
    bool waits = record->job.state == JOB_WAITING || record->job.state == JOB_SETTLING;
    tree_set_int(tree, "next_at", waits ? record->job.next_ms : 0);
    tree_set_int(tree, "created_at", record->job.created_ms);
    tree_set_int(tree, "updated_at", record->updated_ms);
    tree_set_int(tree, "latency_ms", record->latency_ms);
    tree_set_int(tree, "version", record->version);
    tree_set_int(tree, "done_version", record->done_version);
    return tree;
}

/* --- lists ------------------------------------------------------------------------------------ */

struct listing {
    struct key_list keys;
    char next[JOBS_KEY_BYTES_MAX * 2 + 64]; /* hex of the last index key */
};

static bool on_listed(void *self, struct slice key, struct slice value, bool key_is_value)
{
    struct listing *listing = self;
    if (listing->keys.count == listing->keys.most) {
        return false;
    }
    if (key.len * 2 < sizeof listing->next) {
        hex_encode(key.bytes, key.len, listing->next);
    }
    (void)key_list_add(&listing->keys, key_is_value ? key : value);
    return true;
}

static bool on_index(void *self, struct slice key, struct slice value)
{
    return on_listed(self, key, value, false);
}

static bool on_job(void *self, struct slice key, struct slice value)
{
    return on_listed(self, key, value, true);
}

static bool on_member(void *self, struct slice key, struct slice value)
{
    struct slice name = {(const uint8_t *)value.bytes + 1, value.len - 1};
    return on_listed(self, key, name, false);
}

/* Where to go on: behind the last index key of the page before. */
static struct slice after_of(const json_t *question, uint8_t *room, size_t most)
{
    const char *after = tree_text(question, "after");
    size_t len = strlen(after) / 2;
    if (len == 0 || len > most - 1 || !hex_decode(after, strlen(after), room, len)) {
        return (struct slice){NULL, 0};
    }
    room[len] = 0;
    return (struct slice){room, len + 1};
}

static enum fault list_keys(struct store_txn *txn, const json_t *question, struct listing *listing)
{
    uint8_t room[JOBS_KEY_BYTES_MAX + 32];
    struct slice after = after_of(question, room, sizeof room);
    const char *key = tree_text(question, "key");
    const char *member = tree_text(question, "member");
    const char *trace = tree_text(question, "trace");
    const char *state = tree_text(question, "state");
    const json_t *keys = tree_get(question, "keys");
    for (size_t i = 0; i < json_array_size(keys) && listing->keys.count < listing->keys.most; i++) {
        const char *one = json_string_value(json_array_get(keys, i));
        if (one) {
            (void)key_list_add(&listing->keys,
                               (struct slice){one, strnlen(one, JOBS_KEY_BYTES_MAX)});
        }
    }
    if (keys) {
        return OK;
    }
    if (*key) {
        (void)key_list_add(&listing->keys, (struct slice){key, strnlen(key, JOBS_KEY_BYTES_MAX)});
        return OK;
    }
    if (*member) {
        return store_scan(txn, JOBS_TABLE_BY_MEMBER, (struct slice){member, strlen(member) + 1},
                          after, false, on_member, listing);
    }
    if (*trace) {
        return store_scan(txn, JOBS_TABLE_BY_TRACE, (struct slice){trace, strlen(trace) + 1}, after,
                          false, on_index, listing);
    }
    if (*state) {
        return store_scan(txn, JOBS_TABLE_BY_STATE, (struct slice){state, strlen(state) + 1}, after,
                          false, on_index, listing);
    }
    return store_scan(txn, JOBS_TABLE_JOBS, (struct slice){NULL, 0}, after, false, on_job, listing);
}

static bool wanted(const struct record *record, const json_t *question)
{
    const char *state = tree_text(question, "state");
    const char *member = tree_text(question, "member");
    const char *trace = tree_text(question, "trace");
    return (!*state || strcmp(state, job_state_name(record->job.state)) == 0) &&
           (!*member || strcmp(member, record->member) == 0 || *tree_text(question, "key")) &&
           (!*trace || strcmp(trace, record->trace) == 0 || record->job.wanted > 0);
}

static json_t *answer_jobs(struct jobs *jobs, struct store_txn *txn, const json_t *question,
                           enum fault *fault)
{
    struct listing listing = {.next = ""};
    int64_t limit = tree_int(question, "limit");
    limit = limit > 0 && limit < ANSWER_JOBS_MAX ? limit
            : limit > 0                          ? ANSWER_JOBS_MAX
                                                 : ANSWER_JOBS_DEFAULT;
    key_list_init(&listing.keys, (size_t)limit);
    json_t *list = json_array();
    *fault = list_keys(txn, question, &listing);
    for (size_t i = 0; *fault == OK && i < listing.keys.count; i++) {
        struct record record;
        *fault = record_load(txn, listing.keys.keys[i], &record);
        if (*fault == OK && wanted(&record, question)) {
            json_array_append_new(list, shown(jobs, &record));
        }
        *fault = *fault == FAULT_NOT_FOUND ? OK : *fault;
        record_fini(&record);
    }
    bool named = *tree_text(question, "key") || tree_get(question, "keys");
    bool more = listing.keys.count == (size_t)limit && !named;
    key_list_fini(&listing.keys);
    json_t *answer = json_object();
    tree_set(answer, "jobs", list);
    tree_set(answer, "next", json_string(more ? listing.next : ""));
    return answer;
}

/* --- one member ------------------------------------------------------------------------------- */

static const char *state_word(const struct record *record)
{
    const struct job *job = &record->job;
    if (job->wanted > 0 && job->done == job->wanted &&
        (job->state == JOB_DONE || job->state == JOB_WAITING)) {
        return "synced";
    }
    if (job->state == JOB_DONE) {
        return "sent";
    }
    return job_is_open(job->state) ? "waiting" : job_state_name(job->state);
}

/* What a person wants to hear first. */
static int urgency(const char *word)
{
    static const char *const order[] = {"none",   "superseded", "skipped",   "sent",
                                        "synced", "waiting",    "uncertain", "dead"};
    for (int i = 0; i < (int)(sizeof order / sizeof *order); i++) {
        if (strcmp(order[i], word) == 0) {
            return i;
        }
    }
    return 0;
}

static enum fault member_scan(struct store_txn *txn, const char *member, json_t *answer)
{
    struct key_list list;
    key_list_init(&list, ANSWER_MEMBER_MAX);
    enum fault fault = member_keys(txn, member, false, &list);
    for (size_t i = 0; fault == OK && i < list.count; i++) {
        struct record record;
        fault = record_load(txn, list.keys[i], &record);
        const char *word = fault == OK ? state_word(&record) : "none";
        if (fault == OK && urgency(word) >= urgency(tree_text(answer, "state"))) {
            tree_set(answer, "state", json_string(word));
            tree_set_int(answer, "version", record.done_version);
            tree_set_int(answer, "attempts", record.job.attempt);
            tree_set_int(answer, "at", record.updated_ms);
            tree_set_text(answer, "key", record.key);
            tree_set(answer, "error", *record.error ? json_string(record.error) : json_null());
        }
        record_fini(&record);
    }
    key_list_fini(&list);
    return fault;
}

static json_t *answer_member(struct store_txn *txn, const json_t *question, enum fault *fault)
{
    const char *member = tree_text(question, "member");
    const json_t *aliases = tree_get(question, "aliases");
    json_t *answer = json_object();
    tree_set(answer, "state", json_string("none"));
    tree_set_int(answer, "version", 0);
    tree_set_int(answer, "attempts", 0);
    tree_set_int(answer, "at", 0);
    tree_set(answer, "error", json_null());
    *fault = member_scan(txn, member, answer);
    for (size_t i = 0; *fault == OK && i < json_array_size(aliases); i++) {
        const char *alias = json_string_value(json_array_get(aliases, i));
        if (alias && strcmp(alias, member) != 0) {
            *fault = member_scan(txn, alias, answer);
        }
    }
    return answer;
}

json_t *jobs_answer(struct jobs *jobs, const json_t *question, enum fault *fault)
{
    const char *ask = tree_text(question, "ask");
    struct store_txn *txn = NULL;
    json_t *answer = NULL;
    *fault = store_begin(actor_store(jobs->options.actor), false, &txn);
    if (*fault != OK) {
        return NULL;
    }
    if (strcmp(ask, "jobs") == 0) {
        answer = answer_jobs(jobs, txn, question, fault);
    } else if (strcmp(ask, "member") == 0) {
        answer = answer_member(txn, question, fault);
    } else if (strcmp(ask, "problems") == 0) {
        answer = answer_problems(jobs, txn, fault);
    } else if (strcmp(ask, "like") == 0) {
        answer = answer_like(jobs, txn, question, fault);
    } else {
        *fault = FAULT_NOT_FOUND;
    }
    store_abort(&txn);
    if (*fault != OK) {
        json_decref(answer);
        return NULL;
    }
    return answer;
}

/* --- report ------------------------------------------------------------------------------------ */

void jobs_report(struct jobs *jobs, json_t *into)
{
    struct store_txn *txn = NULL;
    int64_t counts[JOB_STATE_COUNT] = {0};
    if (store_begin(actor_store(jobs->options.actor), false, &txn) == OK) {
        if (count_states(txn, counts) != OK) {
            memset(counts, 0, sizeof counts);
        }
        store_abort(&txn);
    }
    json_t *states = json_object();
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        if (counts[i] != 0) {
            tree_set_int(states, job_state_name((enum job_state)i), counts[i]);
        }
    }
    tree_set(into, "jobs", states);
    tree_set_int(into, "calls", jobs->count_calls);
    tree_set_int(into, "calls_done", jobs->count_done);
    tree_set_int(into, "calls_failed", jobs->count_failed);
    json_t *targets = json_object(), *providers = json_object();
    for (size_t i = 0; i < jobs->slot_count; i++) {
        const struct slot *slot = &jobs->slots[i];
        tree_set_text(targets, slot->wanted.name, slot_word(slot));
        tree_set_text(providers, slot->wanted.name, slot->wanted.adapter->name);
    }
    tree_set(into, "targets", targets);
    tree_set(into, "providers", providers);
}
