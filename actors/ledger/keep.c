#include "ledger.h"

#include "must.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_TEXT_BYTES_MAX = 400, JOINT = 0x1f };

struct slice key_pair(uint8_t *room, uint64_t first, uint64_t second)
{
    store_key_u64(first, room);
    store_key_u64(second, room + 8);
    return (struct slice){room, 16};
}

/* --- names ------------------------------------------------------------------------------------ */

static struct slice name_key(char *room, char kind, const char *source, const char *text)
{
    size_t len;
    if (strlen(text) + strlen(source) > NAME_TEXT_BYTES_MAX) {
        uint8_t digest[SHA256_BYTES];
        char hex[SHA256_HEX_CHARS + 1];
        sha256(text, strlen(text), digest);
        hex_encode(digest, sizeof digest, hex);
        len = (size_t)snprintf(room, STORE_KEY_BYTES_MAX, "%c#%s%c%.63s", kind, hex, JOINT, source);
    } else {
        len = (size_t)snprintf(room, STORE_KEY_BYTES_MAX, "%c%s%c%s", kind, text, JOINT, source);
    }
    return (struct slice){room, len};
}

enum fault keep_number(struct store_txn *txn, char kind, const char *source, const char *text,
                       uint64_t *number)
{
    char room[STORE_KEY_BYTES_MAX];
    struct slice value;
    *number = 0;
    enum fault fault = store_get(txn, TABLE_NAMES, name_key(room, kind, source, text), &value);
    if (fault == OK && value.len == 8) {
        *number = store_key_number(value.bytes);
    }
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

struct saver {
    struct store_txn *txn;
    uint64_t number;
    enum fault fault;
};

static void save_name(void *self, char kind, const char *source, const char *text)
{
    struct saver *saver = self;
    char room[STORE_KEY_BYTES_MAX];
    uint8_t value[8];
    uint64_t there;
    if (saver->fault != OK) {
        return;
    }
    saver->fault = keep_number(saver->txn, kind, source, text, &there);
    if (saver->fault == OK && there != saver->number) {
        store_key_u64(saver->number, value);
        saver->fault = store_put(saver->txn, TABLE_NAMES, name_key(room, kind, source, text),
                                 (struct slice){value, sizeof value});
    }
}

struct objects {
    keep_each *each;
    void *self;
};

static bool object_row(void *self, struct slice key, struct slice value)
{
    struct objects *objects = self;
    const char *joint = memchr(key.bytes, JOINT, key.len);
    char source[EVENT_NAME_BYTES_MAX + 1];
    size_t len = joint ? key.len - (size_t)(joint + 1 - (const char *)key.bytes) : sizeof source;
    if (len < sizeof source && value.len == 8) {
        memcpy(source, joint + 1, len);
        source[len] = '\0';
        objects->each(objects->self, store_key_number(value.bytes), source);
    }
    return true;
}

enum fault keep_objects(struct store_txn *txn, const char *object, keep_each *each, void *self)
{
    char room[STORE_KEY_BYTES_MAX];
    struct objects objects = {each, self};
    return store_scan(txn, TABLE_NAMES, name_key(room, 'o', "", object), (struct slice){NULL, 0},
                      false, object_row, &objects);
}

/* --- notes ------------------------------------------------------------------------------------ */

enum fault keep_noted(struct store_txn *txn, const char *note, uint64_t *number)
{
    struct slice value;
    *number = 0;
    enum fault fault = store_get(txn, TABLE_NOTES, text_slice(note), &value);
    if (fault == OK && value.len == 8) {
        *number = store_key_number(value.bytes);
    }
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

enum fault keep_note(struct store_txn *txn, const char *note, uint64_t number)
{
    uint8_t value[8];
    store_key_u64(number, value);
    return store_put(txn, TABLE_NOTES, text_slice(note), (struct slice){value, sizeof value});
}

/* --- components ------------------------------------------------------------------------------- */

void keep_fini(struct component *component)
{
    factset_fini(&component->facts);
}

static enum fault read_component(struct store_txn *txn, uint64_t number, struct factset *facts,
                                 int64_t *deadline_ms)
{
    uint8_t key[8];
    struct slice value;
    store_key_u64(number, key);
    enum fault fault = store_get(txn, TABLE_COMPONENTS, (struct slice){key, sizeof key}, &value);
    if (fault != OK) {
        return fault == FAULT_NOT_FOUND ? FAULT_CORRUPT : fault;
    }
    if (value.len < 8) {
        return FAULT_CORRUPT;
    }
    *deadline_ms = (int64_t)store_key_number(value.bytes);
    return factset_unpack((const uint8_t *)value.bytes + 8, value.len - 8, facts);
}

enum fault keep_load(struct store_txn *txn, uint64_t number, struct component *out)
{
    *out = (struct component){.number = number};
    enum fault fault = read_component(txn, number, &out->facts, &out->deadline_ms);
    if (fault != OK) {
        keep_fini(out);
    }
    return fault;
}

static enum fault drop_deadline(struct store_txn *txn, uint64_t number, int64_t deadline_ms)
{
    uint8_t room[16];
    return deadline_ms
               ? store_delete(txn, TABLE_DEADLINES, key_pair(room, (uint64_t)deadline_ms, number))
               : OK;
}

struct keys {
    struct buf bytes; /* length, key, length, key, ... */
};

static bool collect_key(void *self, struct slice key, struct slice value)
{
    (void)value;
    struct keys *keys = self;
    uint16_t len = (uint16_t)key.len;
    buf_add(&keys->bytes, &len, sizeof len);
    buf_add(&keys->bytes, key.bytes, key.len);
    return true;
}

static enum fault drop_orphans(struct store_txn *txn, uint64_t number)
{
    uint8_t prefix[8];
    struct keys keys = {{0}};
    store_key_u64(number, prefix);
    enum fault fault = store_scan(txn, TABLE_ORPHANS, (struct slice){prefix, sizeof prefix},
                                  (struct slice){NULL, 0}, false, collect_key, &keys);
    for (size_t at = 0; fault == OK && at < keys.bytes.len;) {
        uint16_t len;
        memcpy(&len, keys.bytes.bytes + at, sizeof len);
        at += sizeof len;
        fault = store_delete(txn, TABLE_ORPHANS, (struct slice){keys.bytes.bytes + at, len});
        at += len;
    }
    buf_fini(&keys.bytes);
    return fault;
}

/* The larger number's component goes up in the smaller one's. */
static enum fault take_in(struct store_txn *txn, struct component *component, uint64_t number)
{
    struct component other;
    enum fault fault = keep_load(txn, number, &other);
    if (fault != OK) {
        return fault;
    }
    if (other.number < component->number) {
        struct component swap = other;
        other = *component;
        *component = swap;
    }
    uint8_t key[8];
    store_key_u64(other.number, key);
    struct saver saver = {txn, component->number, OK};
    factset_names(&other.facts, save_name, &saver);
    factset_merge(&component->facts, &other.facts);
    fault = saver.fault;
    if (fault == OK) {
        fault = store_delete(txn, TABLE_COMPONENTS, (struct slice){key, sizeof key});
    }
    if (fault == OK) {
        fault = drop_deadline(txn, other.number, other.deadline_ms);
    }
    if (fault == OK) {
        fault = drop_orphans(txn, other.number);
    }
    if (fault == OK) {
        fault = timeline_move(txn, other.number, component->number);
    }
    keep_fini(&other);
    return fault;
}

void keep_find(void *self, char kind, const char *source, const char *text)
{
    struct finder *finder = self;
    struct component *component = finder->component;
    uint64_t number;
    if (finder->fault != OK) {
        return;
    }
    finder->fault = keep_number(finder->txn, kind, source, text, &number);
    if (finder->fault != OK || number == 0 || number == component->number) {
        return;
    }
    if (component->number == 0) {
        MUST(component->facts.count == 0);
        finder->fault = keep_load(finder->txn, number, component);
    } else {
        finder->fault = take_in(finder->txn, component, number);
    }
}

struct orphan_saver {
    struct store_txn *txn;
    uint64_t number;
    enum fault fault;
};

static void save_orphan(void *self, const struct row *row)
{
    struct orphan_saver *saver = self;
    uint8_t key[STORE_KEY_BYTES_MAX];
    size_t len = strlen(row->key);
    if (saver->fault != OK || len > sizeof key - 8) {
        return;
    }
    store_key_u64(saver->number, key);
    memcpy(key + 8, row->key, len);
    json_t *tree = json_object();
    tree_set_text(tree, "key", row->key);
    tree_set_text(tree, "kind", row->kind == ROW_REFUND ? "refund" : "dispute");
    tree_set_text(tree, "customer", row->customer);
    tree_set_int(tree, "amount", row->amount);
    tree_set_text(tree, "currency", row->currency);
    tree_set_int(tree, "since", row->seen_ms);
    saver->fault = tree_save(saver->txn, TABLE_ORPHANS, (struct slice){key, len + 8}, tree);
    json_decref(tree);
}

static enum fault save_facts(struct store_txn *txn, const struct component *component)
{
    struct buf bytes = {0};
    uint8_t number[8];
    store_key_u64((uint64_t)component->deadline_ms, number);
    buf_add(&bytes, number, sizeof number);
    factset_pack(&component->facts, &bytes);
    store_key_u64(component->number, number);
    enum fault fault = store_put(txn, TABLE_COMPONENTS, (struct slice){number, sizeof number},
                                 (struct slice){bytes.bytes, bytes.len});
    buf_fini(&bytes);
    return fault;
}

enum fault keep_save(struct store_txn *txn, struct component *component, const struct view *view)
{
    enum fault fault = OK;
    if (component->number == 0) {
        fault = keep_noted(txn, "components", &component->number);
        component->number++;
        fault = fault == OK ? keep_note(txn, "components", component->number) : fault;
    }
    struct saver saver = {txn, component->number, fault};
    factset_names(&component->facts, save_name, &saver);
    for (size_t i = 0; i < view->record_count; i++) {
        save_name(&saver, 'm', "", view->records[i].id);
    }
    fault = saver.fault;
    if (fault == OK && component->deadline_ms != view->deadline_ms) {
        uint8_t room[16];
        fault = drop_deadline(txn, component->number, component->deadline_ms);
        component->deadline_ms = view->deadline_ms;
        if (fault == OK && view->deadline_ms) {
            fault = store_put(txn, TABLE_DEADLINES,
                              key_pair(room, (uint64_t)view->deadline_ms, component->number),
                              text_slice(""));
        }
    }
    fault = fault == OK ? drop_orphans(txn, component->number) : fault;
    struct orphan_saver orphans = {txn, component->number, fault};
    view_orphans(view, save_orphan, &orphans);
    return orphans.fault == OK ? save_facts(txn, component) : orphans.fault;
}
