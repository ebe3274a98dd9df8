#include "jobs_core.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>

/* --- lists of keys --------------------------------------------------------------------------- */

void key_list_init(struct key_list *list, size_t most)
{
    *list = (struct key_list){.keys = must_calloc(most, sizeof *list->keys), .most = most};
}

void key_list_fini(struct key_list *list)
{
    free(list->keys);
    *list = (struct key_list){0};
}

/* False once the list is full. */
bool key_list_add(struct key_list *list, struct slice key)
{
    if (list->count == list->most) {
        return false;
    }
    MUST(key.len <= JOBS_KEY_BYTES_MAX);
    memcpy(list->keys[list->count], key.bytes, key.len);
    list->keys[list->count++][key.len] = '\0';
    return list->count < list->most;
}

/* --- records --------------------------------------------------------------------------------- */

void record_init(struct record *record)
{
    *record = (struct record){.old_state = JOB_STATE_COUNT};
}

void record_fini(struct record *record)
{
    json_decref(record->payload);
    json_decref(record->learned);
    record_init(record);
}

/* The rows that are stored, once for both directions. */
#define RECORD_TEXTS(X)                                                                            \
    X(kind)                                                                                        \
    X(member)                                                                                      \
    X(order)                                                                                       \
    X(slot)                                                                                        \
    X(cause)                                                                                       \
    X(trace)                                                                                       \
    X(who)                                                                                         \
    X(error)
#define RECORD_NUMBERS(X)                                                                          \
    X(version)                                                                                     \
    X(sent_version)                                                                                \
    X(done_version)                                                                                \
    X(updated_ms)                                                                                  \
    X(latency_ms)                                                                                  \
    X(held_ms)
#define JOB_NUMBERS(X)                                                                             \
    X(attempt)                                                                                     \
    X(change)                                                                                      \
    X(created_ms)                                                                                  \
    X(first_ms)                                                                                    \
    X(next_ms)                                                                                     \
    X(wanted)                                                                                      \
    X(sent)                                                                                        \
    X(done)
#define JOB_FLAGS(X)                                                                               \
    X(repeat)                                                                                      \
    X(assert_again)                                                                                \
    X(skip)

static size_t queue_key(const struct record *record, uint8_t *key)
{
    if (!job_is_open(record->job.state)) {
        return 0;
    }
    size_t len = strlen(record->slot);
    memcpy(key, record->slot, len + 1);
    bool under_way = record->job.state == JOB_SENDING || record->job.state == JOB_COMMITTING;
    key[len + 1] = (uint8_t)(under_way ? JOBS_UNDER_WAY : record->bulk ? JOBS_BULK : JOBS_FRESH);
    int64_t due_ms = record->job.next_ms;
    due_ms = record->held_ms > due_ms ? record->held_ms : due_ms;
    store_key_u64((uint64_t)(due_ms > 0 ? due_ms : 0), key + len + 2);
    store_key_u64(record->number, key + len + 10);
    return len + 18;
}

static void remember(struct record *record)
{
    record->old_state = record->job.state;
    record->old_queue_len = queue_key(record, record->old_queue);
    EVENT_SET(record->old_member, record->member);
}

enum fault record_load(struct store_txn *txn, const char *key, struct record *record)
{
    json_t *tree = NULL;
    record_init(record);
    enum fault fault = tree_load(txn, JOBS_TABLE_JOBS, text_slice(key), &tree);
    if (fault != OK || !tree) {
        return fault != OK ? fault : FAULT_NOT_FOUND;
    }
    EVENT_SET(record->key, key);
#define X(field) EVENT_SET(record->field, tree_text(tree, #field));
    RECORD_TEXTS(X)
#undef X
#define X(field) record->field = tree_int(tree, #field);
    RECORD_NUMBERS(X)
#undef X
#define X(field) record->job.field = (__typeof__(record->job.field))tree_int(tree, #field);
    JOB_NUMBERS(X)
#undef X
#define X(field) record->job.field = tree_flag(tree, #field);
    JOB_FLAGS(X)
#undef X
    record->number = (uint64_t)tree_int(tree, "number");
    record->bulk = tree_flag(tree, "bulk");
    record->from_document = tree_flag(tree, "from_document");
    bool known = job_state_of(tree_text(tree, "state"), &record->job.state);
    record->payload = json_incref(tree_get(tree, "payload"));
    record->learned = json_incref(tree_get(tree, "learned"));
    json_decref(tree);
    remember(record);
    return known ? OK : FAULT_CORRUPT;
}

static json_t *record_tree(const struct record *record)
{
    json_t *tree = json_object();
    tree_set_text(tree, "state", job_state_name(record->job.state));
    tree_set_int(tree, "number", (int64_t)record->number);
#define X(field) tree_set_text(tree, #field, record->field);
    RECORD_TEXTS(X)
#undef X
#define X(field)                                                                                   \
    if (record->field != 0) {                                                                      \
        tree_set_int(tree, #field, record->field);                                                 \
    }
    RECORD_NUMBERS(X)
#undef X
#define X(field)                                                                                   \
    if (record->job.field != 0) {                                                                  \
        tree_set_int(tree, #field, record->job.field);                                             \
    }
    JOB_NUMBERS(X)
#undef X
#define X(field)                                                                                   \
    if (record->job.field) {                                                                       \
        tree_set_flag(tree, #field, true);                                                         \
    }
    JOB_FLAGS(X)
#undef X
    tree_set_flag(tree, "bulk", record->bulk);
    tree_set_flag(tree, "from_document", record->from_document);
    if (record->payload) {
        tree_set(tree, "payload", json_incref(record->payload));
    }
    if (record->learned) {
        tree_set(tree, "learned", json_incref(record->learned));
    }
    return tree;
}

/* --- counts by state, kept beside the targets -------------------------------------------------- */

static const struct slice counts_key = {"\0counts", 7};

enum fault count_states(struct store_txn *txn, int64_t counts[JOB_STATE_COUNT])
{
    struct slice value;
    memset(counts, 0, JOB_STATE_COUNT * sizeof *counts);
    enum fault fault = store_get(txn, JOBS_TABLE_TARGETS, counts_key, &value);
    if (fault == FAULT_NOT_FOUND) {
        return OK;
    }
    if (fault == OK && value.len != JOB_STATE_COUNT * sizeof *counts) {
        fault = FAULT_CORRUPT;
    }
    if (fault == OK) {
        memcpy(counts, value.bytes, value.len);
    }
    return fault;
}

static enum fault count(struct store_txn *txn, enum job_state from, enum job_state to)
{
    int64_t counts[JOB_STATE_COUNT];
    if (from == to) {
        return OK;
    }
    enum fault fault = count_states(txn, counts);
    if (fault != OK) {
        return fault;
    }
    counts[to]++;
    if (from != JOB_STATE_COUNT) {
        counts[from]--;
    }
    return store_put(txn, JOBS_TABLE_TARGETS, counts_key, (struct slice){counts, sizeof counts});
}

/* --- indexes --------------------------------------------------------------------------------- */

static struct slice numbered(uint8_t *key, const char *text, uint64_t number)
{
    size_t len = strlen(text);
    memcpy(key, text, len + 1);
    store_key_u64(number, key + len + 1);
    return (struct slice){key, len + 9};
}

static enum fault save_queue(struct store_txn *txn, struct record *record)
{
    uint8_t key[sizeof record->old_queue];
    size_t len = queue_key(record, key);
    enum fault fault = OK;
    bool same = len == record->old_queue_len && memcmp(key, record->old_queue, len) == 0;
    if (same) {
        return OK;
    }
    if (record->old_queue_len > 0) {
        fault = store_delete(txn, JOBS_TABLE_QUEUE,
                             (struct slice){record->old_queue, record->old_queue_len});
    }
    if (fault == OK && len > 0) {
        fault = store_put(txn, JOBS_TABLE_QUEUE, (struct slice){key, len}, text_slice(record->key));
    }
    return fault;
}

static enum fault save_state(struct store_txn *txn, struct record *record)
{
    uint8_t key[64];
    enum fault fault = OK;
    if (record->old_state == record->job.state) {
        return OK;
    }
    if (record->old_state != JOB_STATE_COUNT) {
        fault = store_delete(txn, JOBS_TABLE_BY_STATE,
                             numbered(key, job_state_name(record->old_state), record->number));
    }
    if (fault == OK) {
        fault = store_put(txn, JOBS_TABLE_BY_STATE,
                          numbered(key, job_state_name(record->job.state), record->number),
                          text_slice(record->key));
    }
    if (fault == OK) {
        fault = count(txn, record->old_state, record->job.state);
    }
    return fault;
}

static enum fault save_member(struct store_txn *txn, struct record *record)
{
    uint8_t key[EVENT_ID_BYTES_MAX + 16];
    uint8_t value[JOBS_KEY_BYTES_MAX + 1];
    enum fault fault = OK;
    bool moved = strcmp(record->old_member, record->member) != 0;
    if (!moved && record->old_state == record->job.state) {
        return OK;
    }
    if (moved && record->old_state != JOB_STATE_COUNT) {
        fault = store_delete(txn, JOBS_TABLE_BY_MEMBER,
                             numbered(key, record->old_member, record->number));
    }
    if (fault == OK) {
        value[0] = (uint8_t)record->job.state;
        memcpy(value + 1, record->key, strlen(record->key));
        fault = store_put(txn, JOBS_TABLE_BY_MEMBER, numbered(key, record->member, record->number),
                          (struct slice){value, strlen(record->key) + 1});
    }
    if (fault == OK && *record->order) {
        fault = store_put(txn, JOBS_TABLE_BY_MEMBER, numbered(key, record->order, record->number),
                          (struct slice){value, strlen(record->key) + 1});
    }
    return fault;
}

enum fault record_save(struct store_txn *txn, struct record *record)
{
    uint8_t key[EVENT_ID_BYTES_MAX + 16];
    json_t *tree = record_tree(record);
    enum fault fault = tree_save(txn, JOBS_TABLE_JOBS, text_slice(record->key), tree);
    json_decref(tree);
    if (fault == OK) {
        fault = save_queue(txn, record);
    }
    if (fault == OK) {
        fault = save_state(txn, record);
    }
    if (fault == OK) {
        fault = save_member(txn, record);
    }
    if (fault == OK && *record->trace) {
        fault = store_put(txn, JOBS_TABLE_BY_TRACE, numbered(key, record->trace, record->number),
                          text_slice(record->key));
    }
    if (fault == OK) {
        remember(record);
    }
    return fault;
}

const char *record_order(const struct record *record)
{
    return *record->order ? record->order : record->member;
}

json_t *record_learned(const struct record *record, const char *adapter)
{
    return tree_get(record->learned, adapter);
}

void record_learn(struct record *record, const char *adapter, const json_t *learned)
{
    if (!learned || json_object_size(learned) == 0) {
        return;
    }
    if (!record->learned) {
        record->learned = json_object();
    }
    tree_set(record->learned, adapter, json_deep_copy(learned));
}

void record_view(const struct jobs *jobs, const struct record *record, const json_t *document,
                 struct jobs_view *view)
{
    struct slot *slot = jobs_slot_of((struct jobs *)jobs, record->slot);
    *view = (struct jobs_view){.key = record->key,
                               .kind = record->kind,
                               .member = record->member,
                               .slot = record->slot,
                               .cause = record->cause,
                               .trace = record->trace,
                               .job = record->job,
                               .version = record->version,
                               .payload = record->payload,
                               .document = document};
    view->learned = slot ? record_learned(record, slot->wanted.adapter->name) : NULL;
}

/* --- walks ----------------------------------------------------------------------------------- */

static size_t class_prefix(const char *slot, enum jobs_class class, uint8_t *prefix)
{
    size_t len = strlen(slot);
    memcpy(prefix, slot, len + 1);
    prefix[len + 1] = (uint8_t) class;
    return len + 2;
}

struct due_walk {
    struct key_list *list;
    size_t prefix;
    int64_t now_ms;
    int64_t first_ms;
};

static bool on_due(void *self, struct slice key, struct slice value)
{
    struct due_walk *walk = self;
    int64_t due_ms = (int64_t)store_key_number((const uint8_t *)key.bytes + walk->prefix);
    if (!walk->list) {
        walk->first_ms = due_ms;
        return false;
    }
    return due_ms <= walk->now_ms && key_list_add(walk->list, value);
}

enum fault queue_due(struct store_txn *txn, const char *slot, enum jobs_class class, int64_t now_ms,
                     struct key_list *list)
{
    uint8_t prefix[JOBS_SLOT_BYTES_MAX + 4];
    struct due_walk walk = {.list = list, .now_ms = now_ms};
    walk.prefix = class_prefix(slot, class, prefix);
    return store_scan(txn, JOBS_TABLE_QUEUE, (struct slice){prefix, walk.prefix},
                      (struct slice){NULL, 0}, false, on_due, &walk);
}

enum fault queue_first(struct store_txn *txn, const char *slot, enum jobs_class class,
                       int64_t *due_ms)
{
    uint8_t prefix[JOBS_SLOT_BYTES_MAX + 4];
    struct due_walk walk = {.first_ms = INT64_MAX};
    walk.prefix = class_prefix(slot, class, prefix);
    enum fault fault = store_scan(txn, JOBS_TABLE_QUEUE, (struct slice){prefix, walk.prefix},
                                  (struct slice){NULL, 0}, false, on_due, &walk);
    *due_ms = walk.first_ms;
    return fault;
}

static bool on_any(void *self, struct slice key, struct slice value)
{
    (void)key;
    return key_list_add(self, value);
}

enum fault queue_from(struct store_txn *txn, const char *slot, enum jobs_class class,
                      int64_t from_ms, struct key_list *list)
{
    uint8_t from[JOBS_SLOT_BYTES_MAX + 16];
    size_t len = class_prefix(slot, class, from);
    store_key_u64((uint64_t)from_ms, from + len);
    return store_scan(txn, JOBS_TABLE_QUEUE, (struct slice){from, len},
                      (struct slice){from, len + 8}, false, on_any, list);
}

static bool on_slot(void *self, struct slice key, struct slice value)
{
    (void)value;
    struct key_list *list = self;
    const char *slot = key.bytes; /* NUL behind the slot's name */
    if (list->count > 0 && strcmp(list->keys[list->count - 1], slot) == 0) {
        return true;
    }
    return key_list_add(list, text_slice(slot));
}

enum fault queue_slots(struct store_txn *txn, struct key_list *slots)
{
    return store_scan(txn, JOBS_TABLE_QUEUE, (struct slice){NULL, 0}, (struct slice){NULL, 0},
                      false, on_slot, slots);
}

struct member_walk {
    struct key_list *list;
    bool open;
};

static bool on_member(void *self, struct slice key, struct slice value)
{
    (void)key;
    struct member_walk *walk = self;
    enum job_state state = (enum job_state) * (const uint8_t *)value.bytes;
    if (walk->open && !job_is_open(state)) {
        return true;
    }
    return key_list_add(walk->list,
                        (struct slice){(const uint8_t *)value.bytes + 1, value.len - 1});
}

enum fault member_keys(struct store_txn *txn, const char *member, bool open, struct key_list *list)
{
    struct member_walk walk = {list, open};
    return store_scan(txn, JOBS_TABLE_BY_MEMBER, (struct slice){member, strlen(member) + 1},
                      (struct slice){NULL, 0}, false, on_member, &walk);
}

/* --- targets --------------------------------------------------------------------------------- */

enum fault slot_load(struct store_txn *txn, struct slot *slot)
{
    json_t *tree = NULL;
    enum fault fault = tree_load(txn, JOBS_TABLE_TARGETS, text_slice(slot->wanted.name), &tree);
    if (fault == OK && tree) {
        slot->refused = tree_flag(tree, "refused");
        slot->changed_ms = tree_int(tree, "changed_ms");
        slot->accepted_ms = tree_int(tree, "accepted_ms");
        EVENT_SET(slot->error, tree_text(tree, "error"));
        EVENT_SET(slot->target, tree_text(tree, "target"));
        slot->held_ms = tree_int(tree, "held_ms");
        slot->held_until_ms = tree_int(tree, "held_until_ms");
        EVENT_SET(slot->held_words, tree_text(tree, "held_words"));
        EVENT_SET(slot->held_target, tree_text(tree, "held_target"));
        slot->paused = tree_flag(tree, "paused");
        slot->paused_ms = tree_int(tree, "paused_ms");
        EVENT_SET(slot->paused_who, tree_text(tree, "paused_who"));
        EVENT_SET(slot->paused_reason, tree_text(tree, "paused_reason"));
    }
    json_decref(tree);
    return fault;
}

enum fault slot_save(struct store_txn *txn, const struct slot *slot)
{
    json_t *tree = json_object();
    tree_set_flag(tree, "refused", slot->refused);
    tree_set_int(tree, "changed_ms", slot->changed_ms);
    tree_set_int(tree, "accepted_ms", slot->accepted_ms);
    tree_set_text(tree, "error", slot->error);
    tree_set_text(tree, "target", slot->target);
    if (slot->held_until_ms > 0) {
        tree_set_int(tree, "held_ms", slot->held_ms);
        tree_set_int(tree, "held_until_ms", slot->held_until_ms);
        tree_set_text(tree, "held_words", slot->held_words);
        tree_set_text(tree, "held_target", slot->held_target);
    }
    if (slot->paused) {
        tree_set_flag(tree, "paused", true);
        tree_set_int(tree, "paused_ms", slot->paused_ms);
        tree_set_text(tree, "paused_who", slot->paused_who);
        tree_set_text(tree, "paused_reason", slot->paused_reason);
    }
    enum fault fault = tree_save(txn, JOBS_TABLE_TARGETS, text_slice(slot->wanted.name), tree);
    json_decref(tree);
    return fault;
}
