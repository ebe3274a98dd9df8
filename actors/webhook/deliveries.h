/* deliveries.h - the delivery log: per provider id the first and last delivery, count, outcome.
 *
 * Use        deliveries_note() on the hot path costs a copy in memory; deliveries_write() writes
 *            what was noted, inside a transaction, off the hot path. A log, not a ledger: after a
 *            crash the last second is missing here, never in the journal.
 * Limits     NOTES_BYTES_MAX wait in memory; what does not fit is counted and not logged. One write
 *            takes DELIVERIES_PER_WRITE notes. Rows older than keep_ms go, a few with each write.
 * Threads    One. */
#ifndef USHER_DELIVERIES_H
#define USHER_DELIVERIES_H

#include "buf.h"
#include "outcomes.h"
#include "store.h"

#include <jansson.h>

enum { DELIVERY_NOTES_BYTES_MAX = 512 * 1024, DELIVERIES_PER_WRITE = 4096 };

struct deliveries {
    struct buf notes;
    size_t noted;
    uint64_t unlogged;
    int64_t keep_ms;
    uint8_t sweep_key[STORE_KEY_BYTES_MAX]; /* where the search for old rows goes on */
    size_t sweep_len;
};

void deliveries_fini(struct deliveries *deliveries);

void deliveries_note(struct deliveries *deliveries, const char *id, int64_t at_ms,
                     enum outcome outcome);
bool deliveries_waiting(const struct deliveries *deliveries);

/* Puts notes into the table; deliveries_written() forgets them once that is committed. *taken is
 * how many bytes of notes that were. */
enum fault deliveries_write(struct deliveries *deliveries, struct store_txn *txn, int table,
                            int64_t now_ms, size_t *taken) NODISCARD;
void deliveries_written(struct deliveries *deliveries, size_t taken);

/* {"id","first","last","count","outcome"}, with what is still in memory; NULL if there is none. */
enum fault deliveries_find(const struct deliveries *deliveries, struct store_txn *txn, int table,
                           const char *id, json_t **out) NODISCARD;

#endif
