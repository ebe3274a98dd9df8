#include "watch_store.h"

#include "actor.h"
#include "must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DROPPED_AT_ONCE = 64,
    QUEUE_KEY_BYTES_MAX = 1 + WATCH_OBJECT_BYTES_MAX + 1 + 8 + SHA256_BYTES
};

static int table(const struct watch *watch, enum watch_table which)
{
    return watch->first_table + (int)which;
}

/* --- items ------------------------------------------------------------------------------------ */

struct item_key {
    uint8_t bytes[1 + SHA256_BYTES];
};

static struct slice item_key(enum alert_rule rule, const char *item, struct item_key *key)
{
    key->bytes[0] = (uint8_t)rule;
    sha256(item, strlen(item), key->bytes + 1);
    return (struct slice){key->bytes, sizeof key->bytes};
}

struct queue_key {
    uint8_t bytes[QUEUE_KEY_BYTES_MAX];
    size_t len;
};

/* rule, object, NUL; then since and hash if `hash`. */
static struct slice queue_key(enum alert_rule rule, const char *object, int64_t since_ms,
                              const uint8_t *hash, struct queue_key *key)
{
    size_t len = strlen(object);
    MUST(len <= WATCH_OBJECT_BYTES_MAX);
    key->bytes[0] = (uint8_t)rule;
    memcpy(key->bytes + 1, object, len + 1);
    key->len = len + 2;
    if (hash) {
        store_key_u64((uint64_t)since_ms, key->bytes + key->len);
        memcpy(key->bytes + key->len + 8, hash, SHA256_BYTES);
        key->len += 8 + SHA256_BYTES;
    }
    return (struct slice){key->bytes, key->len};
}

enum fault item_load(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                     const char *item, json_t **out)
{
    struct item_key key;
    return tree_load(txn, table(watch, WATCH_ITEMS), item_key(rule, item, &key), out);
}

enum fault item_close(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                      const char *item)
{
    struct item_key key;
    struct queue_key queued;
    json_t *old = NULL;
    struct slice at = item_key(rule, item, &key);
    enum fault fault = tree_load(txn, table(watch, WATCH_ITEMS), at, &old);
    if (fault == OK && old) {
        fault = store_delete(txn, table(watch, WATCH_QUEUE),
                             queue_key(rule, tree_text(old, "object"), tree_int(old, "since"),
                                       key.bytes + 1, &queued));
        fault = fault == OK ? store_delete(txn, table(watch, WATCH_ITEMS), at) : fault;
    }
    json_decref(old);
    return fault;
}

enum fault item_open(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                     const char *object, const char *item, int64_t since_ms, const char *text,
                     int64_t version)
{
    struct item_key key;
    struct queue_key queued;
    char cut[WATCH_OBJECT_BYTES_MAX + 1];
    json_t *old = NULL;
    EVENT_SET(cut, object);
    since_ms = since_ms > 0 ? since_ms : 0;
    struct slice at = item_key(rule, item, &key);
    enum fault fault = tree_load(txn, table(watch, WATCH_ITEMS), at, &old);
    if (fault == OK && old && strcmp(tree_text(old, "object"), cut) == 0) {
        since_ms = tree_int(old, "since");
    } else if (fault == OK && old) {
        fault = item_close(watch, txn, rule, item);
    }
    json_t *tree = json_object();
    tree_set_text(tree, "object", cut);
    tree_set_text(tree, "item", item);
    tree_set_text(tree, "text", text);
    tree_set_int(tree, "since", since_ms);
    tree_set_int(tree, "version", version);
    fault = fault == OK ? tree_save(txn, table(watch, WATCH_ITEMS), at, tree) : fault;
    if (fault == OK) {
        fault = store_put(txn, table(watch, WATCH_QUEUE),
                          queue_key(rule, cut, since_ms, key.bytes + 1, &queued),
                          (struct slice){"", 0});
    }
    json_decref(tree);
    json_decref(old);
    return fault;
}

struct first {
    struct open_object *out;
    bool found;
    size_t count;
    size_t most;
};

static bool take_first(void *self, struct slice key, struct slice value)
{
    (void)value;
    struct first *first = self;
    const uint8_t *bytes = key.bytes;
    first->count++;
    if (first->found || key.len < 2 + 8 + SHA256_BYTES) {
        return first->count < first->most;
    }
    size_t len = key.len - 2 - 8 - SHA256_BYTES;
    memcpy(first->out->object, bytes + 1, len);
    first->out->object[len] = '\0';
    first->out->since_ms = (int64_t)store_key_number(bytes + 2 + len);
    memcpy(first->out->item, bytes + 2 + len + 8, SHA256_BYTES);
    first->found = true;
    return first->count < first->most;
}

enum fault object_next(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                       const char *after, struct open_object *out, bool *found)
{
    struct queue_key key;
    uint8_t prefix = (uint8_t)rule;
    struct first first = {.out = out, .most = 1};
    struct slice from = {NULL, 0};
    if (*after) {
        from = queue_key(rule, after, 0, NULL, &key);
        key.bytes[key.len - 1] = 1; /* behind everything of that object */
    }
    enum fault fault = store_scan(txn, table(watch, WATCH_QUEUE), (struct slice){&prefix, 1}, from,
                                  false, take_first, &first);
    *found = first.found;
    return fault;
}

enum fault object_find(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                       const char *object, struct open_object *out, bool *found)
{
    struct queue_key key;
    struct first first = {.out = out, .most = 1};
    enum fault fault =
        store_scan(txn, table(watch, WATCH_QUEUE), queue_key(rule, object, 0, NULL, &key),
                   (struct slice){NULL, 0}, false, take_first, &first);
    *found = first.found;
    return fault;
}

enum fault object_text(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                       const struct open_object *object, char text[WATCH_TEXT_BYTES])
{
    struct queue_key key;
    struct item_key at;
    struct open_object ignored;
    struct first all = {.out = &ignored, .most = WATCH_COUNT_MAX};
    json_t *item = NULL;
    enum fault fault =
        store_scan(txn, table(watch, WATCH_QUEUE), queue_key(rule, object->object, 0, NULL, &key),
                   (struct slice){NULL, 0}, false, take_first, &all);
    at.bytes[0] = (uint8_t)rule;
    memcpy(at.bytes + 1, object->item, SHA256_BYTES);
    if (fault == OK) {
        fault = tree_load(txn, table(watch, WATCH_ITEMS), (struct slice){at.bytes, sizeof at.bytes},
                          &item);
    }
    int len = snprintf(text, WATCH_TEXT_BYTES, "%s: %.400s", alert_row(rule)->title,
                       tree_text(item, "text"));
    if (all.count > 1 && len > 0 && len < WATCH_TEXT_BYTES) {
        snprintf(text + len, WATCH_TEXT_BYTES - (size_t)len, ", and %zu%s more", all.count - 1,
                 all.count == WATCH_COUNT_MAX ? " or" : "");
    }
    json_decref(item);
    return fault;
}

/* --- windows ---------------------------------------------------------------------------------- */

static void window_key(enum alert_rule rule, int64_t at_ms, uint64_t seq, uint8_t key[17])
{
    key[0] = (uint8_t)rule;
    store_key_u64((uint64_t)(at_ms > 0 ? at_ms : 0), key + 1);
    store_key_u64(seq, key + 9);
}

struct old {
    uint8_t keys[DROPPED_AT_ONCE][17];
    size_t count;
    uint64_t before;
};

static bool take_old(void *self, struct slice key, struct slice value)
{
    (void)value;
    struct old *old = self;
    if (key.len != 17 || store_key_number((const uint8_t *)key.bytes + 1) >= old->before) {
        return false;
    }
    memcpy(old->keys[old->count++], key.bytes, 17);
    return old->count < DROPPED_AT_ONCE;
}

enum fault window_add(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                      int64_t at_ms, uint64_t seq, int64_t number, int64_t keep_ms)
{
    uint8_t key[17];
    uint8_t bytes[8];
    uint8_t prefix = (uint8_t)rule;
    struct old old = {.before = at_ms > keep_ms ? (uint64_t)(at_ms - keep_ms) : 0};
    window_key(rule, at_ms, seq, key);
    store_key_u64((uint64_t)number, bytes);
    enum fault fault = store_put(txn, table(watch, WATCH_WINDOWS), (struct slice){key, sizeof key},
                                 (struct slice){bytes, sizeof bytes});
    if (fault == OK) {
        fault = store_scan(txn, table(watch, WATCH_WINDOWS), (struct slice){&prefix, 1},
                           (struct slice){NULL, 0}, false, take_old, &old);
    }
    for (size_t i = 0; fault == OK && i < old.count; i++) {
        fault = store_delete(txn, table(watch, WATCH_WINDOWS), (struct slice){old.keys[i], 17});
    }
    return fault;
}

struct walk {
    window_each *each;
    void *self;
};

static bool walk_one(void *self, struct slice key, struct slice value)
{
    (void)key;
    struct walk *walk = self;
    if (value.len == 8) {
        walk->each(walk->self, (int64_t)store_key_number(value.bytes));
    }
    return true;
}

enum fault window_walk(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                       int64_t from_ms, window_each *each, void *self)
{
    uint8_t from[17];
    uint8_t prefix = (uint8_t)rule;
    struct walk walk = {each, self};
    window_key(rule, from_ms, 0, from);
    return store_scan(txn, table(watch, WATCH_WINDOWS), (struct slice){&prefix, 1},
                      (struct slice){from, sizeof from}, false, walk_one, &walk);
}

/* --- heard ------------------------------------------------------------------------------------ */

enum { HEARD = 0xFE }; /* a key of marks; members' begin with a letter */

static const uint8_t heard_key = HEARD;

enum fault heard_load(const struct watch *watch, struct store_txn *txn, int64_t *at_ms)
{
    struct slice value;
    enum fault fault =
        store_get(txn, table(watch, WATCH_MARKS), (struct slice){&heard_key, 1}, &value);
    *at_ms = fault == OK && value.len == 8 ? (int64_t)store_key_number(value.bytes) : 0;
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

enum fault heard_save(const struct watch *watch, struct store_txn *txn, int64_t at_ms, bool first)
{
    int64_t known_ms;
    uint8_t bytes[8];
    enum fault fault = heard_load(watch, txn, &known_ms);
    if (fault != OK || at_ms <= known_ms || (first && known_ms)) {
        return fault;
    }
    store_key_u64((uint64_t)at_ms, bytes);
    return store_put(txn, table(watch, WATCH_MARKS), (struct slice){&heard_key, 1},
                     (struct slice){bytes, sizeof bytes});
}

/* --- told ------------------------------------------------------------------------------------- */

enum { STANDING = 0xFF }; /* in front of a key of marks; members' begin with a letter */

enum fault told_load(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                     const char *object, json_t **out)
{
    struct item_key key;
    return tree_load(txn, table(watch, WATCH_ALERTS), item_key(rule, object, &key), out);
}

enum fault told_save(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                     const char *object, const json_t *told)
{
    struct item_key key;
    uint8_t mark[1 + sizeof key.bytes] = {STANDING};
    struct slice marked = {mark, sizeof mark};
    enum fault fault =
        tree_save(txn, table(watch, WATCH_ALERTS), item_key(rule, object, &key), told);
    memcpy(mark + 1, key.bytes, sizeof key.bytes);
    if (fault == OK && strcmp(tree_text(told, "state"), "raised") == 0) {
        fault = store_put(txn, table(watch, WATCH_MARKS), marked, (struct slice){"", 0});
    } else if (fault == OK) {
        fault = store_delete(txn, table(watch, WATCH_MARKS), marked);
    }
    return fault;
}

struct standing {
    uint8_t (*keys)[1 + SHA256_BYTES];
    size_t count;
};

static bool take_standing(void *self, struct slice key, struct slice value)
{
    (void)value;
    struct standing *standing = self;
    if (key.len == 2 + SHA256_BYTES) {
        memcpy(standing->keys[standing->count++], (const uint8_t *)key.bytes + 1, 1 + SHA256_BYTES);
    }
    return standing->count < WATCH_OBJECTS_MAX;
}

enum fault told_standing(const struct watch *watch, struct store_txn *txn, json_t *list)
{
    uint8_t prefix = STANDING;
    struct standing standing = {must_calloc(WATCH_OBJECTS_MAX, sizeof *standing.keys), 0};
    enum fault fault = store_scan(txn, table(watch, WATCH_MARKS), (struct slice){&prefix, 1},
                                  (struct slice){NULL, 0}, false, take_standing, &standing);
    for (size_t i = 0; fault == OK && i < standing.count; i++) {
        json_t *told = NULL;
        fault = tree_load(txn, table(watch, WATCH_ALERTS),
                          (struct slice){standing.keys[i], 1 + SHA256_BYTES}, &told);
        if (told) {
            json_array_append_new(list, told);
        }
    }
    free(standing.keys);
    return fault;
}
