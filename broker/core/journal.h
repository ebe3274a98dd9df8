/* journal.h - the append-only record of events.
 *
 * Use        journal_open, journal_append, journal_read, journal_trim, journal_stat, journal_close:
 *            six calls, behind which another replicated log could stand.
 * Promise    When journal_append returns OK, the events survive power loss (one write, one
 *            fdatasync a batch). Numbers start at 1, rise by 1, and are never reused. An id
 *            appears once, for good: appending it again answers its first number.
 *            A torn tail is cut at open; damage in the middle is found, named and never served.
 * Ownership  The caller keeps what it passes in. Bytes shown to a reader are borrowed until it
 *            returns.
 * Threads    One journal, one thread (it runs helpers of its own). Never across fork. A second
 *            process is refused with FAULT_BUSY.
 * Faults     FULL (temporary: nothing of the batch was written; works again when there is room),
 *            IO (a failed sync: the process must end and start over), CORRUPT, GONE, AHEAD,
 *            TOO_LARGE.
 * See        JOURNAL.md; tests/unit/broker/journal_*test.c; tests/crash/ */
#ifndef USHER_JOURNAL_H
#define USHER_JOURNAL_H

#include "buf.h"
#include "digest.h"
#include "fault.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    JOURNAL_BATCH_EVENTS_MAX = 512,
    JOURNAL_BATCH_BYTES_MAX = 4 << 20,
    JOURNAL_EVENT_BYTES_MAX = 520 * 1024,
    JOURNAL_TOPICS = 256
};

struct journal;

struct journal_options {
    uint64_t segment_bytes; /* 0: 64 MiB */
    uint64_t
        disk_free_min; /* appends are refused with FULL below this much free space; 0: 64 MiB */
};

/* One event to append. On return of journal_append: seq, and duplicate if the id was there. */
struct journal_entry {
    const char *id;
    size_t id_len;
    uint8_t topic; /* the event type's number */
    const uint8_t *bytes;
    size_t len;
    uint64_t seq;
    bool duplicate;
};

/* A set of topics. */
struct journal_topics {
    uint64_t bits[JOURNAL_TOPICS / 64];
};

struct journal_stat {
    uint64_t floor; /* the oldest record there is, or head + 1 if none */
    uint64_t head;  /* the newest; 0: empty */
    uint64_t segments;
    uint64_t bytes;
    uint64_t free_bytes; /* on the disk */
    uint64_t commits;
    uint64_t damaged;            /* damaged stretches known, 0: sound */
    uint8_t chain[SHA256_BYTES]; /* over all batches up to the head */
};

enum fault journal_open(const char *folder, const struct journal_options *options,
                        struct journal **out, struct buf *why) NODISCARD;
void journal_close(struct journal **journal);

/* Group commit: all of `entries` or, with a fault, none. Entries of one batch may repeat an id. */
enum fault journal_append(struct journal *journal, struct journal_entry *entries,
                          size_t count) NODISCARD;

/* Shows the records from `from` on whose topic is in `topics`, at most `max` and about `bytes_max`
 * bytes (at least one, if there is any). `each` may return false to stop before the record it is
 * shown. *next is where to go on: one past the last record looked at. FAULT_GONE below the floor,
 * FAULT_AHEAD above head + 1, FAULT_CORRUPT at damage (*next is then behind it). */
typedef bool journal_each(void *self, uint64_t seq, const uint8_t *bytes, size_t len);
enum fault journal_read(struct journal *journal, uint64_t from, size_t max, size_t bytes_max,
                        const struct journal_topics *topics, journal_each *each, void *self,
                        uint64_t *next) NODISCARD;

/* Drops whole segments below `below`. The journal keeps everything unless told so. */
enum fault journal_trim(struct journal *journal, uint64_t below) NODISCARD;

void journal_stat(const struct journal *journal, struct journal_stat *stat);

/* Called when idle, every 100 ms or so: prepares the next segment file, writes a slice of the index
 * of sealed ids, drops mapped pages. Cheap when there is nothing to do. */
enum fault journal_tend(struct journal *journal) NODISCARD;

/* Walks every record and the whole chain of a journal that no process has open, or of a live one
 * read-only up to its last whole batch. One line per finding in `report`. FAULT_CORRUPT if there is
 * any damage. */
enum fault journal_verify(const char *folder, struct journal_stat *stat,
                          struct buf *report) NODISCARD;

#endif
