/* journal_ids.h - which id was appended where: a table in memory for young segments, an LMDB index
 * for sealed ones.
 *
 * Use        id_digest() once per id; id_table_* for a segment's ids; id_index_* for all sealed ones.
 * Promise    The table says where to look, the record itself decides. The index holds half of the
 *            id's SHA-256, which decides also when the record is gone.
 * Threads    The index is written by one thread (the helper once it runs) and read by another.
 * See        JOURNAL.md */
#ifndef USHER_JOURNAL_IDS_H
#define USHER_JOURNAL_IDS_H

#include "journal_format.h"

#include <stdatomic.h>

struct store;

enum {
    ID_DIGEST_BYTES = 16,
    ID_SLICE_MAX = 2048 /* ids in a transaction: bounds its dirty pages, 4 KiB each */
};

/* Open addressing; a slot is 32 bits of the digest and the record's offset / 8. */
struct id_table {
    uint64_t *slots;
    size_t capacity; /* a power of two */
    size_t count;
};

void id_digest(const void *id, size_t len, uint8_t digest[ID_DIGEST_BYTES]);

void id_table_fini(struct id_table *table);
void id_table_put(struct id_table *table, const uint8_t *digest, uint64_t offset);

/* The next offset that may hold the id, 0: none. `*at` is 0 for the first call. */
uint64_t id_table_next(const struct id_table *table, const uint8_t *digest, size_t *at);

/* Says of most ids that the index does not hold them: a Bloom filter of fixed size, one line of the
 * cache for an id. One thread adds, another one asks. Of 1 million ids next to nothing is asked in vain,
 * of 4 million one in fifty, of 10 million one in four. */
struct id_filter {
    atomic_uint_fast64_t *words; /* NULL: everything may be held */
    atomic_bool whole;           /* all that the index held before is in */
};

void id_filter_init(struct id_filter *filter);
void id_filter_fini(struct id_filter *filter);
void id_filter_add(struct id_filter *filter, const uint8_t *digest);
bool id_filter_may_hold(const struct id_filter *filter, const uint8_t *digest);

struct id_place {
    uint64_t seq;
    uint64_t segment;
    uint64_t offset;
};

enum fault id_index_open(const char *folder, struct store **out) NODISCARD;

/* The segment's ids are all in the index. FAULT_NOT_FOUND, or CONFLICT: of another generation. */
enum fault id_index_knows(struct store *index, const struct segment_header *segment) NODISCARD;

/* The index knows no segment from `number` on; if it does, it is of another journal or time. */
enum fault id_index_ends(struct store *index, uint64_t number) NODISCARD;

/* The ids of some sealed segments, on their way into the index. Several at once touch the index's
 * pages once. Zeroed to begin with. */
enum { ID_SEGMENTS_MAX = 8 };
struct id_gathered {
    struct id_entry *entries;
    uint32_t *order; /* of the entries, by digest */
    size_t count, capacity;
    struct segment_header segments[ID_SEGMENTS_MAX];
    size_t segment_count;
};

/* Every sound id of a segment, whose last event is in front of end_seq, and where its record is. */
typedef void id_visit(void *self, uint64_t seq, uint64_t offset, const uint8_t *digest);
enum fault id_each(struct source *source, const struct segment_header *segment, uint64_t end_seq,
                   id_visit *visit, void *self) NODISCARD;

/* Reads the whole segment, whose last event is in front of end_seq. */
enum fault id_gather(struct id_gathered *gathered, struct source *source,
                     const struct segment_header *segment, uint64_t end_seq) NODISCARD;

/* How many ids the next transaction may take, 0: stop. May wait. */
typedef size_t id_index_pace(void *self);

/* Writes them, in transactions as `pace` says (NULL: as fast as it goes). BUSY when it said stop;
 * doing it again is harmless. */
enum fault id_index_write(struct store *index, struct id_gathered *gathered, id_index_pace *pace,
                          void *self) NODISCARD;
void id_gathered_fini(struct id_gathered *gathered);
void id_filter_add_gathered(struct id_filter *filter, const struct id_gathered *gathered);

/* Adds a slice of what the index holds, from `*from` on (zeros at first), and moves it; `*end`: that
 * was the last one. */
enum fault id_filter_fill(struct id_filter *filter, struct store *index,
                          uint8_t from[ID_DIGEST_BYTES], bool *end) NODISCARD;

/* FAULT_NOT_FOUND if no sealed segment has the id. */
struct store_txn;
enum fault id_index_find(struct store_txn *txn, const uint8_t *digest,
                         struct id_place *place) NODISCARD;

#endif
