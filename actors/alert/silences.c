#include "silences.h"

#include "actor.h"
#include "alert.h"
#include "digest.h"
#include "must.h"
#include "values.h"

#include <string.h>

enum { KEY_BYTES = SHA256_BYTES, LIST_MAX = 200 };

/* Rules and objects may hold anything. */
static struct slice key_of(const char *rule, const char *object, uint8_t key[KEY_BYTES])
{
    struct slice parts[] = {{rule, strlen(rule) + 1}, {object, strlen(object)}};
    sha256_parts(parts, 2, key);
    return (struct slice){key, KEY_BYTES};
}

enum fault silences_apply(struct store_txn *txn, const struct event *event, const json_t *data)
{
    uint8_t key[KEY_BYTES];
    struct slice at = key_of(tree_text(data, "rule"), tree_text(data, "object"), key);
    if (strcmp(event->type, "admin.unsilenced") == 0) {
        return store_delete(txn, ALERT_TABLE_SILENCES, at);
    }
    json_t *silence = json_object();
    tree_set_text(silence, "rule", tree_text(data, "rule"));
    tree_set(silence, "object", json_string(tree_text(data, "object")));
    tree_set_int(silence, "until", tree_int(data, "until"));
    tree_set_text(silence, "who", event->who);
    tree_set_text(silence, "reason", tree_text(data, "reason"));
    enum fault fault = tree_save(txn, ALERT_TABLE_SILENCES, at, silence);
    json_decref(silence);
    return fault;
}

static enum fault until_of(struct store_txn *txn, const char *rule, const char *object,
                           int64_t *until_ms)
{
    uint8_t key[KEY_BYTES];
    json_t *silence = NULL;
    enum fault fault = tree_load(txn, ALERT_TABLE_SILENCES, key_of(rule, object, key), &silence);
    int64_t until = tree_int(silence, "until");
    *until_ms = until > *until_ms ? until : *until_ms;
    json_decref(silence);
    return fault;
}

enum fault silences_until(struct store_txn *txn, const char *rule, const char *object,
                          int64_t now_ms, int64_t *until_ms)
{
    *until_ms = 0;
    enum fault fault = until_of(txn, rule, object, until_ms);
    if (fault == OK) {
        fault = until_of(txn, rule, "", until_ms);
    }
    *until_ms = *until_ms > now_ms ? *until_ms : 0;
    return fault;
}

enum fault silences_hold(struct store_txn *txn, const struct event *event, const json_t *data)
{
    uint8_t key[KEY_BYTES];
    json_t *held = json_object();
    tree_set_text(held, "event", event->id);
    tree_set_text(held, "trace", event->trace);
    tree_set_int(held, "time", event->time_ms);
    tree_set(held, "data", json_deep_copy(data));
    enum fault fault =
        tree_save(txn, ALERT_TABLE_HELD,
                  key_of(tree_text(data, "rule"), tree_text(data, "object"), key), held);
    json_decref(held);
    return fault;
}

enum fault silences_forget(struct store_txn *txn, const char *rule, const char *object, bool *held)
{
    uint8_t key[KEY_BYTES];
    struct slice value, at = key_of(rule, object, key);
    enum fault fault = store_get(txn, ALERT_TABLE_HELD, at, &value);
    *held = fault == OK;
    return fault == OK                ? store_delete(txn, ALERT_TABLE_HELD, at)
           : fault == FAULT_NOT_FOUND ? OK
                                      : fault;
}

struct walk {
    struct store_txn *txn;
    int64_t now_ms;
    json_t *out;
    enum fault fault;
};

static bool take_due(void *self, struct slice key, struct slice value)
{
    struct walk *walk = self;
    json_t *held = NULL;
    int64_t until_ms = 0;
    (void)key;
    if (value_unpack(value.bytes, value.len, &held) != OK) {
        walk->fault = FAULT_CORRUPT;
        return false;
    }
    const json_t *data = tree_get(held, "data");
    walk->fault = silences_until(walk->txn, tree_text(data, "rule"), tree_text(data, "object"),
                                 walk->now_ms, &until_ms);
    if (walk->fault == OK && until_ms == 0) {
        walk->out = json_incref(held);
    }
    json_decref(held);
    return walk->fault == OK && !walk->out;
}

enum fault silences_due(struct store_txn *txn, int64_t now_ms, json_t **out)
{
    struct walk walk = {.txn = txn, .now_ms = now_ms};
    struct slice all = {NULL, 0};
    enum fault fault = store_scan(txn, ALERT_TABLE_HELD, all, all, false, take_due, &walk);
    *out = walk.out;
    return fault == OK ? walk.fault : fault;
}

static bool take_silence(void *self, struct slice key, struct slice value)
{
    struct walk *walk = self;
    json_t *silence = NULL;
    (void)key;
    if (value_unpack(value.bytes, value.len, &silence) == OK &&
        tree_int(silence, "until") > walk->now_ms) {
        MUST(json_array_append(walk->out, silence) == 0);
    }
    json_decref(silence);
    return json_array_size(walk->out) < LIST_MAX;
}

enum fault silences_list(struct store_txn *txn, int64_t now_ms, json_t *list)
{
    struct walk walk = {.now_ms = now_ms, .out = list};
    struct slice all = {NULL, 0};
    return store_scan(txn, ALERT_TABLE_SILENCES, all, all, false, take_silence, &walk);
}
