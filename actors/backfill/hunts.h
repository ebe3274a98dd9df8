/* hunts.h - objects that somebody's fact speaks of and nothing told us about: a dispute's charge, a
 * refund's, an invoice. Each is fetched by its id once the provider had time to tell of it by
 * itself.
 *
 * Use        hunts_note() with each event; hunts_next() gives one that is due and still needed;
 *            then hunts_over() or hunts_later().
 * Limits     HUNTS_MAX wait; HUNT_TRIES_MAX tries each. */
#ifndef USHER_HUNTS_H
#define USHER_HUNTS_H

#include "actor.h"

enum { HUNTS_MAX = 10000, HUNT_TRIES_MAX = 50 };

enum hunt_what {
    HUNT_CHARGE,
    HUNT_PAYMENTS,
    HUNT_INVOICE,
    HUNT_CHECKOUT,
    HUNT_CUSTOMER,
    HUNT_WHATS
};

struct hunt {
    enum hunt_what what;
    char source[EVENT_NAME_BYTES_MAX + 1];
    char id[EVENT_ID_BYTES_MAX + 1];
    char cause[EVENT_ID_BYTES_MAX + 1]; /* the event that speaks of it */
    char trace[EVENT_ID_BYTES_MAX + 1];
    int64_t due_ms;
    int64_t tries;
};

/* The objects that the event leads to and that nothing is known of. They are due after settle_ms,
 * in which the provider may tell of them by itself; at once behind an event of our own making. */
enum fault hunts_note(struct store_txn *txn, const struct event *event, const json_t *facts,
                      int64_t settle_ms) NODISCARD;

/* *there is false if none is due. */
enum fault hunts_next(struct store_txn *txn, int64_t now_ms, struct hunt *hunt,
                      bool *there) NODISCARD;
/* Is it still not known? */
enum fault hunt_needed(struct store_txn *txn, const struct hunt *hunt, bool *needed) NODISCARD;

enum fault hunts_over(struct store_txn *txn, const struct hunt *hunt) NODISCARD;
/* `asked`: in vain, which counts as a try. */
enum fault hunts_later(struct store_txn *txn, const struct hunt *hunt, int64_t due_ms,
                       bool asked) NODISCARD;
/* After it was read: where its trail leads on. */
enum fault hunts_follow(struct store_txn *txn, const struct hunt *hunt) NODISCARD;

/* What to ask for, below the API's base. */
void hunt_path(const struct hunt *hunt, struct buf *path, struct buf *query);

#endif
