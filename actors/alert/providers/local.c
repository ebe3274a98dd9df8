/* local.c - kept in the actor's own store, for `usher status` and the console. */
#include "alert.h"

#include <string.h>

enum { NOTICES_MAX = 1000, KEY_BYTES = 16 };

static bool take_key(void *self, struct slice key, struct slice value)
{
    (void)value;
    if (key.len == KEY_BYTES) {
        memcpy(self, key.bytes, KEY_BYTES);
    }
    return false;
}

/* The oldest makes room. */
static enum fault make_room(struct store_txn *txn)
{
    uint8_t oldest[KEY_BYTES] = {0};
    if (store_count(txn, ALERT_TABLE_NOTICES) < NOTICES_MAX) {
        return OK;
    }
    enum fault fault = store_scan(txn, ALERT_TABLE_NOTICES, (struct slice){NULL, 0},
                                  (struct slice){NULL, 0}, false, take_key, oldest);
    return fault == OK
               ? store_delete(txn, ALERT_TABLE_NOTICES, (struct slice){oldest, sizeof oldest})
               : fault;
}

/* The key is made of the job's: carried out again, it is the same notice. */
static void local_perform(const struct task *task, struct store_txn *txn, struct verdict *verdict)
{
    uint8_t key[KEY_BYTES];
    uint8_t hash[SHA256_BYTES];
    sha256(task->key, strlen(task->key), hash);
    store_key_u64((uint64_t)(task->created_ms > 0 ? task->created_ms : 0), key);
    memcpy(key + 8, hash, sizeof key - 8);
    enum fault fault = make_room(txn);
    if (fault == OK) {
        fault = tree_save(txn, ALERT_TABLE_NOTICES, (struct slice){key, sizeof key}, task->payload);
    }
    if (fault == OK) {
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    } else {
        verdict_set(verdict, VERDICT_AGAIN, "the store: %s", fault_words(fault));
    }
}

const struct adapter alert_local = {.name = "local", .perform = local_perform};

struct walk {
    json_t *list;
    size_t most;
};

static bool take_notice(void *self, struct slice key, struct slice value)
{
    (void)key;
    struct walk *walk = self;
    json_t *notice = NULL;
    if (value_unpack(value.bytes, value.len, &notice) == OK) {
        json_array_append_new(walk->list, notice);
    }
    return json_array_size(walk->list) < walk->most;
}

enum fault alert_notices(struct store_txn *txn, size_t most, json_t *list)
{
    struct walk walk = {list, most};
    return store_scan(txn, ALERT_TABLE_NOTICES, (struct slice){NULL, 0}, (struct slice){NULL, 0},
                      true, take_notice, &walk);
}
