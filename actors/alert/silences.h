/* silences.h - alerts that a person wants not to be told of for a while.
 *
 * Use        silences_apply() of admin.silenced and admin.unsilenced. An alert that is raised meanwhile
 *            is held (silences_hold); one that is cleared before anybody was told is forgotten
 *            (silences_forget); what is still held when no silence covers it any more is told then
 *            (silences_due).
 * Promise    A silence of a rule without an object covers all of it. What hooks were told is told to
 *            be over, too. All of it survives restarts; a store that is made anew tells nothing twice,
 *            since the jobs' keys are known by then.
 * Threads    One. Time is the caller's. */
#ifndef USHER_SILENCES_H
#define USHER_SILENCES_H

#include "events.h"
#include "store.h"

#include <jansson.h>

enum fault silences_apply(struct store_txn *txn, const struct event *event,
                          const json_t *data) NODISCARD;

/* Until when; 0: it is not silenced. */
enum fault silences_until(struct store_txn *txn, const char *rule, const char *object,
                          int64_t now_ms, int64_t *until_ms) NODISCARD;

/* `data` of the alert.raised that is not told now. */
enum fault silences_hold(struct store_txn *txn, const struct event *event,
                         const json_t *data) NODISCARD;
/* *held: it was. */
enum fault silences_forget(struct store_txn *txn, const char *rule, const char *object,
                           bool *held) NODISCARD;

/* What is held and not covered any more: {"event", "trace", "time", "data"}, or NULL. */
enum fault silences_due(struct store_txn *txn, int64_t now_ms, json_t **out) NODISCARD;

/* Those that hold, into `list`: {rule, object, until, who, reason}. */
enum fault silences_list(struct store_txn *txn, int64_t now_ms, json_t *list) NODISCARD;

#endif
