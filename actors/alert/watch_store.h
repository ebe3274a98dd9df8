/* watch_store.h - inside the core: what is open, what was told. Not for others. */
#ifndef USHER_WATCH_STORE_H
#define USHER_WATCH_STORE_H

#include "digest.h"
#include "watch.h"

/* Something open. An item that is there already keeps its time, unless its object changes.
 * `extra` (borrowed, may be NULL) is kept with it. */
enum fault item_open(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                     const char *object, const char *item, int64_t since_ms, const char *text,
                     int64_t version) NODISCARD;
enum fault item_close(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                      const char *item) NODISCARD;
/* NULL if it is not open; a new tree. */
enum fault item_load(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                     const char *item, json_t **out) NODISCARD;

/* The oldest of an object, and how many there are. */
struct open_object {
    char object[WATCH_OBJECT_BYTES_MAX + 1];
    int64_t since_ms;
    uint8_t item[SHA256_BYTES]; /* hash of the oldest */
};

/* The next object of a rule behind `after` ("" for the first); false: none. */
enum fault object_next(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                       const char *after, struct open_object *out, bool *found) NODISCARD;
/* That very object; false: nothing is open. */
enum fault object_find(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                       const char *object, struct open_object *out, bool *found) NODISCARD;
/* "text of the oldest, and 3 more" */
enum fault object_text(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                       const struct open_object *object, char text[WATCH_TEXT_BYTES]) NODISCARD;

/* A number in a window; drops some that are older than `keep_ms`. */
enum fault window_add(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                      int64_t at_ms, uint64_t seq, int64_t number, int64_t keep_ms) NODISCARD;
/* Calls `each` with those from `from_ms` on, oldest first. */
typedef void window_each(void *self, int64_t number);
enum fault window_walk(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                       int64_t from_ms, window_each *each, void *self) NODISCARD;

/* When the payment provider was last heard; 0: never, and nothing else either. */
enum fault heard_load(const struct watch *watch, struct store_txn *txn, int64_t *at_ms) NODISCARD;
/* The newest time counts. `first`: only if nothing was heard before. */
enum fault heard_save(const struct watch *watch, struct store_txn *txn, int64_t at_ms,
                      bool first) NODISCARD;

/* What was told of (rule, object): a new tree {rule, object, n, since, text, state}, or NULL. */
enum fault told_load(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                     const char *object, json_t **out) NODISCARD;
enum fault told_save(const struct watch *watch, struct store_txn *txn, enum alert_rule rule,
                     const char *object, const json_t *told) NODISCARD;
/* Trees of those that stand, into `list`. */
enum fault told_standing(const struct watch *watch, struct store_txn *txn, json_t *list) NODISCARD;

#endif
