/* jobs_problems.c - what waits for more than a normal reason, one group for each cause. */
#include "jobs_core.h"

#include "alike.h"
#include "must.h"

#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROBLEM_RECORDS_MAX = 10000, /* looked at for one answer */
    PROBLEM_GROUPS_MAX = 200,
    PROBLEM_KEYS_MAX = 10000,
    PROBLEM_KEYS_BYTES_MAX = 512 * 1024, /* an answer has to fit into a message */
    PROBLEM_ID_CHARS = 16
};

/* Jobs with the same of these have one cause. */
struct cause {
    const char *word; /* NULL: no problem */
    char id[PROBLEM_ID_CHARS + 1];
    bool of_slot; /* one for all kinds and errors: the slot itself is the cause */
};

struct problem_group {
    json_t *tree;
    json_t *members; /* as keys: each once */
    int64_t count;
};

struct survey {
    struct jobs *jobs;
    struct store_txn *txn;
    zhashx_t *groups; /* by id */
    json_t *list;
    const struct cause *like; /* only those of this cause; NULL: all */
    json_t *keys;
    size_t keys_bytes;
    int64_t like_count;
    bool more;
};

/* --- which cause ------------------------------------------------------------------------------- */

bool slot_stopped(const struct slot *slot)
{
    return slot->refused || slot->paused;
}

/* A quota is used up, say. Shortly after its end it is not known yet whether that is over. */
static bool slot_held(const struct slot *slot)
{
    return slot->held_until_ms - slot->held_ms >= JOBS_HOLD_SHOWN_MS &&
           jobs_now_ms(slot->jobs) < slot->held_until_ms;
}

const char *slot_word(const struct slot *slot)
{
    return slot->paused                                     ? "paused"
           : slot->refused                                  ? "refused"
           : slot_held(slot)                                ? "held"
           : slot->breaker.failures >= BREAKER_FAILURES_MAX ? "down"
                                                            : "fine";
}

static bool slot_stands(const struct slot *slot)
{
    return strcmp(slot_word(slot), "fine") == 0;
}

static void cause_id(struct cause *cause, const char *actor, const char *slot, const char *kind,
                     const char *error)
{
    struct buf text = {0};
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    buf_printf(&text, "%s\n%s\n%s\n%s\n", actor, cause->word, slot, kind);
    words_fold(error, &text);
    sha256(text.bytes, text.len, hash);
    hex_encode(hash, sizeof hash, hex);
    snprintf(cause->id, sizeof cause->id, "%.*s", PROBLEM_ID_CHARS, hex);
    buf_fini(&text);
}

static void cause_of_slot(struct cause *cause, struct jobs *jobs, const struct slot *slot)
{
    *cause = (struct cause){.word = slot_word(slot), .of_slot = true};
    cause_id(cause, actor_name(jobs->options.actor), slot->wanted.name, "", "");
}

/* An attempt under way counts as waiting: a problem does not come and go with each attempt. */
static bool waits(enum job_state state)
{
    return state == JOB_WAITING || state == JOB_SENDING || state == JOB_COMMITTING;
}

static void cause_of(struct cause *cause, struct jobs *jobs, const struct record *record)
{
    const struct slot *slot = jobs_slot_of(jobs, record->slot);
    bool shown = record->job.wanted > 0 && record->job.done == record->job.wanted;
    *cause = (struct cause){0};
    if (waits(record->job.state) && slot && !slot_stands(slot)) {
        cause_of_slot(cause, jobs, slot);
        return;
    }
    if (record->job.state == JOB_DEAD || record->job.state == JOB_UNCERTAIN) {
        cause->word = job_state_name(record->job.state);
    } else if (waits(record->job.state) && *record->error && !shown) {
        cause->word = "retrying";
    }
    if (cause->word) {
        cause_id(cause, actor_name(jobs->options.actor), record->slot, record->kind, record->error);
    }
}

/* --- groups ------------------------------------------------------------------------------------ */

static void group_free(void **item)
{
    struct problem_group *group = *item;
    json_decref(group->members);
    free(group);
    *item = NULL;
}

static struct problem_group *group_new(struct survey *gather, const struct cause *cause,
                                       const char *slot)
{
    if (zhashx_size(gather->groups) == PROBLEM_GROUPS_MAX) {
        gather->more = true;
        return NULL;
    }
    struct slot *known = jobs_slot_of(gather->jobs, slot);
    struct problem_group *group = must_calloc(1, sizeof *group);
    group->tree = json_object();
    group->members = json_object();
    tree_set_text(group->tree, "id", cause->id);
    tree_set_text(group->tree, "actor", actor_name(gather->jobs->options.actor));
    tree_set_text(group->tree, "cause", cause->word);
    tree_set_text(group->tree, "slot", slot);
    tree_set_text(group->tree, "target", known ? known->wanted.adapter->name : slot);
    tree_set_flag(group->tree, "paused", known && known->paused);
    json_array_append_new(gather->list, group->tree);
    MUST(zhashx_insert(gather->groups, cause->id, group) == 0);
    return group;
}

/* The earliest time but 0. */
static void set_earliest(json_t *tree, const char *key, int64_t at_ms)
{
    int64_t known = tree_int(tree, key);
    if (at_ms > 0 && (known == 0 || at_ms < known)) {
        tree_set_int(tree, key, at_ms);
    }
}

static void group_begin(struct problem_group *group, const struct cause *cause,
                        const struct record *record)
{
    json_t *sample = json_object();
    tree_set_text(sample, "key", record->key);
    tree_set_text(sample, "member", record->member);
    tree_set(group->tree, "sample", sample);
    if (!cause->of_slot) {
        tree_set_text(group->tree, "kind", record->kind);
        tree_set_text(group->tree, "error", record->error);
        tree_set_text(group->tree, "state",
                      job_state_name(waits(record->job.state) ? JOB_WAITING : record->job.state));
    } else if (!*tree_text(group->tree, "error")) { /* down: what was said last */
        tree_set_text(group->tree, "error", record->error);
    }
}

static void group_take(struct problem_group *group, const struct cause *cause,
                       const struct record *record)
{
    bool retrying = strcmp(cause->word, "retrying") == 0;
    bool down = strcmp(cause->word, "down") == 0;
    if (group->count++ == 0 || (down && !*tree_text(group->tree, "error"))) {
        group_begin(group, cause, record);
    }
    if (*record->member) {
        json_object_set_new(group->members, record->member, json_true());
    }
    if (retrying || down) {
        int64_t first_ms = record->job.first_ms;
        set_earliest(group->tree, "since", first_ms > 0 ? first_ms : record->job.created_ms);
    } else if (!cause->of_slot) {
        set_earliest(group->tree, "since", record->updated_ms);
    }
    if (retrying && record->job.state == JOB_WAITING) {
        set_earliest(group->tree, "next_at", record->job.next_ms);
    }
}

/* A slot that is stopped is told even while nothing waits for it. */
static void gather_slots(struct survey *gather)
{
    for (size_t i = 0; i < gather->jobs->slot_count; i++) {
        const struct slot *slot = &gather->jobs->slots[i];
        struct cause cause;
        cause_of_slot(&cause, gather->jobs, slot);
        struct problem_group *group =
            slot_stands(slot) ? NULL : group_new(gather, &cause, slot->wanted.name);
        if (!group) {
            continue;
        }
        tree_set_text(group->tree, "state", "waiting");
        if (slot->paused) {
            tree_set_text(group->tree, "error", slot->paused_reason);
            tree_set_text(group->tree, "who", slot->paused_who);
            tree_set_int(group->tree, "since", slot->paused_ms);
        } else if (slot->refused) {
            tree_set_text(group->tree, "error", slot->error);
            tree_set_int(group->tree, "since", slot->changed_ms);
            tree_set_int(group->tree, "next_at", slot->probe_ms);
        } else if (slot_held(slot)) {
            tree_set_text(group->tree, "error", slot->held_words);
            tree_set_int(group->tree, "since", slot->held_ms);
            tree_set_int(group->tree, "next_at", slot->held_until_ms);
        } else {
            tree_set_int(group->tree, "next_at", breaker_until_ms(&slot->breaker));
        }
    }
}

static void take_key(struct survey *gather, const struct record *record)
{
    size_t len = strlen(record->key) + 8;
    gather->like_count++;
    if (json_array_size(gather->keys) < PROBLEM_KEYS_MAX &&
        gather->keys_bytes + len <= PROBLEM_KEYS_BYTES_MAX) {
        json_array_append_new(gather->keys, json_string(record->key));
        gather->keys_bytes += len;
    } else {
        gather->more = true;
    }
}

static void take(struct survey *gather, const struct record *record)
{
    struct cause cause;
    cause_of(&cause, gather->jobs, record);
    if (!cause.word) {
        return;
    }
    if (gather->like) {
        if (strcmp(gather->like->id, cause.id) == 0) {
            take_key(gather, record);
        }
        return;
    }
    struct problem_group *group = zhashx_lookup(gather->groups, cause.id);
    group = group ? group : group_new(gather, &cause, record->slot);
    if (group) {
        group_take(group, &cause, record);
    }
}

/* --- the walk ---------------------------------------------------------------------------------- */

static bool on_key(void *self, struct slice key, struct slice value)
{
    (void)key;
    return key_list_add(self, value);
}

/* What needs a person first. */
static enum fault walk(struct survey *gather)
{
    static const enum job_state states[] = {JOB_DEAD, JOB_UNCERTAIN, JOB_WAITING, JOB_SENDING,
                                            JOB_COMMITTING};
    struct key_list list;
    enum fault fault = OK;
    key_list_init(&list, PROBLEM_RECORDS_MAX);
    for (size_t i = 0; fault == OK && i < sizeof states / sizeof *states; i++) {
        const char *name = job_state_name(states[i]);
        if (list.count == list.most) {
            break;
        }
        fault = store_scan(gather->txn, JOBS_TABLE_BY_STATE, (struct slice){name, strlen(name) + 1},
                           (struct slice){NULL, 0}, false, on_key, &list);
    }
    gather->more = gather->more || list.count == list.most;
    for (size_t i = 0; fault == OK && i < list.count; i++) {
        struct record record;
        fault = record_load(gather->txn, list.keys[i], &record);
        if (fault == OK) {
            take(gather, &record);
        }
        record_fini(&record);
    }
    key_list_fini(&list);
    return fault;
}

static json_t *targets(struct jobs *jobs)
{
    json_t *list = json_array();
    for (size_t i = 0; i < jobs->slot_count; i++) {
        const struct slot *slot = &jobs->slots[i];
        json_t *tree = json_object();
        tree_set_text(tree, "actor", actor_name(jobs->options.actor));
        tree_set_text(tree, "slot", slot->wanted.name);
        tree_set_text(tree, "target", slot->wanted.adapter->name);
        tree_set_text(tree, "state", slot_word(slot));
        const char *words = slot->paused      ? slot->paused_reason
                            : slot_held(slot) ? slot->held_words
                                              : slot->error;
        tree_set_text(tree, "error", words);
        json_array_append_new(list, tree);
    }
    return list;
}

json_t *answer_problems(struct jobs *jobs, struct store_txn *txn, enum fault *fault)
{
    struct survey gather = {.jobs = jobs, .txn = txn, .groups = zhashx_new(), .list = json_array()};
    zhashx_set_destructor(gather.groups, group_free);
    gather_slots(&gather);
    *fault = walk(&gather);
    for (struct problem_group *group = zhashx_first(gather.groups); group;
         group = zhashx_next(gather.groups)) {
        tree_set_int(group->tree, "count", group->count);
        tree_set_int(group->tree, "members", (int64_t)json_object_size(group->members));
        tree_set_flag(group->tree, "more", gather.more);
    }
    zhashx_destroy(&gather.groups);
    json_t *answer = json_object();
    tree_set(answer, "problems", gather.list);
    tree_set(answer, "targets", targets(jobs));
    tree_set_flag(answer, "more", gather.more);
    return answer;
}

json_t *answer_like(struct jobs *jobs, struct store_txn *txn, const json_t *question,
                    enum fault *fault)
{
    struct record record;
    struct cause cause = {0};
    char key[JOBS_KEY_BYTES_MAX + 1];
    EVENT_SET(key, tree_text(question, "key"));
    *fault = record_load(txn, key, &record);
    if (*fault == OK) {
        cause_of(&cause, jobs, &record);
    }
    record_fini(&record);
    struct survey gather = {.jobs = jobs, .txn = txn, .like = &cause, .keys = json_array()};
    if (*fault == OK && cause.word) {
        *fault = walk(&gather);
    }
    json_t *answer = json_object();
    tree_set_int(answer, "count", gather.like_count);
    tree_set(answer, "keys", gather.keys);
    tree_set_flag(answer, "more", gather.more);
    return answer;
}
