/* journal_format.h - segment files as bytes: headers, batches, records, and walking over them.
 *
 * Use        source_of_file() or source_of_bytes(); segment_header_read(); then walk_next() from batch
 *            to batch and record_at() within one. JOURNAL.md draws the layout.
 * Promise    Nothing here trusts what it reads: every length is checked against what is there, and a
 *            batch or record counts only if its SHA-256 fits, which covers the file's generation.
 * Ownership  Bytes shown live until the source's next use.
 * Threads    One source, one thread.
 * See        JOURNAL.md; tests/fuzz/broker/segment.c */
#ifndef USHER_JOURNAL_FORMAT_H
#define USHER_JOURNAL_FORMAT_H

#include "buf.h"
#include "digest.h"
#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEGMENT_FORMAT = 1,
    SEGMENT_HEADER_BYTES = 112,
    SEGMENT_COPY_OFFSET = 4096, /* of the header's second copy */
    SEGMENT_DATA_OFFSET = 8192,
    BATCH_HEADER_BYTES = 128,
    RECORD_HEADER_BYTES = 48,
    RECORD_ALIGN = 8,
    RECORD_ID_BYTES_MAX = 255,
    RECORD_ERASED = 1 /* flag: the content is gone, its digest stands in its place */
};

struct segment_header {
    uint64_t number;
    uint64_t generation; /* random: what another life of these blocks says is not believed */
    uint64_t first_seq;
    uint64_t bytes; /* size of the file */
    uint8_t previous[SHA256_BYTES];
};

struct batch_header {
    uint64_t first_seq;
    uint32_t count;
    uint32_t bytes; /* header and records */
    uint8_t previous[SHA256_BYTES];
    uint8_t chain[SHA256_BYTES];
};

struct record {
    uint64_t seq;
    uint8_t topic;
    uint8_t flags;
    const uint8_t *id;
    size_t id_len;
    const uint8_t *content;
    size_t len;
    const uint8_t *digest; /* as stored */
    size_t size;           /* on disk, with header and padding */
};

/* What is read from: a file through a window, or bytes in memory. */
struct source {
    int fd;
    const uint8_t *memory;
    uint64_t end; /* nothing is read at or behind it */
    struct buf window;
    uint64_t window_offset;
};

void source_of_file(struct source *source, int fd, uint64_t end);
void source_of_bytes(struct source *source, const uint8_t *bytes, size_t len);
void source_fini(struct source *source); /* leaves the descriptor open */

/* FAULT_NOT_FOUND if there are not that many bytes, FAULT_IO. */
enum fault source_get(struct source *source, uint64_t offset, size_t len,
                      const uint8_t **bytes) NODISCARD;

/* Writes both copies: SEGMENT_DATA_OFFSET bytes. */
void segment_header_write(const struct segment_header *header, uint8_t *bytes);

/* From either copy, or, without any, from the first batch. FAULT_CORRUPT, FAULT_VERSION, FAULT_IO. */
enum fault segment_header_read(struct source *source, uint64_t number,
                               struct segment_header *header) NODISCARD;

/* How many bytes a record takes. */
size_t record_size(size_t id_len, size_t len);

/* Writes record_size() bytes at `to` and returns the digest inside them, which the chain takes. */
const uint8_t *record_write(uint8_t *to, uint64_t generation, const struct record *record);

/* The chain goes on over count and digests (count * SHA256_BYTES bytes). */
void batch_chain(const uint8_t previous[SHA256_BYTES], uint64_t first_seq, const uint8_t *digests,
                 uint32_t count, uint8_t chain[SHA256_BYTES]);
void batch_write(uint8_t *to, uint64_t generation, const struct batch_header *header);

/* False unless it is a whole batch header of this generation. */
bool batch_read(const uint8_t *bytes, uint64_t generation, struct batch_header *header);

/* The layout of the record at `offset`, not beyond `end`. FAULT_CORRUPT if it makes no sense. */
enum fault record_at(struct source *source, uint64_t offset, uint64_t end,
                     struct record *record) NODISCARD;
/* The digest fits. */
bool record_good(uint64_t generation, const struct record *record);

/* From batch to batch. */
enum walk_step {
    WALK_BATCH,  /* `batch` at `offset`; `end` is behind it */
    WALK_DAMAGE, /* `first` to `last` are unreadable; at `offset` */
    WALK_END,    /* no whole batch from `offset` on */
    WALK_FAULT   /* the disk does not answer */
};

struct walk {
    struct source *source;
    uint64_t generation;
    uint64_t seq;    /* expected next */
    uint64_t offset; /* of what the step is about */
    uint64_t end;    /* where the next step looks */
    struct batch_header batch;
    uint64_t first, last;
};

void walk_start(struct walk *walk, struct source *source, uint64_t generation, uint64_t seq,
                uint64_t offset);
enum walk_step walk_next(struct walk *walk);

/* Every record of the batch is whole, and the chain fits. `each` (may be NULL) sees the records.
 * FAULT_CORRUPT with *bad the first bad record's number. */
typedef void batch_each(void *self, uint64_t offset, const struct record *record);
enum fault batch_check(const struct walk *walk, uint64_t *bad, batch_each *each,
                       void *self) NODISCARD;

#endif
