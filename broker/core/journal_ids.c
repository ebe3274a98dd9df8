#include "journal_ids.h"

#include "must.h"
#include "store.h"

#include <stdlib.h>
#include <string.h>

enum { IDS, SEGMENTS };
enum { CAPACITY_MIN = 1024, VALUE_BYTES = 16, INDEX_FORMAT = 1 };

static const char *const tables[] = {"ids", "segments", NULL};

void id_digest(const void *id, size_t len, uint8_t digest[ID_DIGEST_BYTES])
{
    uint8_t whole[SHA256_BYTES];
    sha256(id, len, whole);
    memcpy(digest, whole, ID_DIGEST_BYTES);
}

static uint32_t tag_of(const uint8_t *digest)
{
    uint32_t tag;
    memcpy(&tag, digest, sizeof tag);
    return tag;
}

void id_table_fini(struct id_table *table)
{
    free(table->slots);
    *table = (struct id_table){0};
}

static void put_slot(struct id_table *table, uint64_t slot)
{
    size_t at = (size_t)(slot >> 32) & (table->capacity - 1);
    while (table->slots[at]) {
        at = (at + 1) & (table->capacity - 1);
    }
    table->slots[at] = slot;
    table->count++;
}

void id_table_put(struct id_table *table, const uint8_t *digest, uint64_t offset)
{
    MUST(offset && offset % RECORD_ALIGN == 0 && offset / RECORD_ALIGN <= UINT32_MAX);
    if (table->count * 4 >= table->capacity * 3) {
        struct id_table larger = {.capacity = table->capacity ? table->capacity * 2 : CAPACITY_MIN};
        larger.slots = must_calloc(larger.capacity, sizeof *larger.slots);
        for (size_t i = 0; i < table->capacity; i++) {
            if (table->slots[i]) {
                put_slot(&larger, table->slots[i]);
            }
        }
        free(table->slots);
        *table = larger;
    }
    put_slot(table, (uint64_t)tag_of(digest) << 32 | offset / RECORD_ALIGN);
}

uint64_t id_table_next(const struct id_table *table, const uint8_t *digest, size_t *at)
{
    uint32_t tag = tag_of(digest);
    while (table->count && *at < table->capacity) {
        uint64_t slot = table->slots[(tag + (*at)++) & (table->capacity - 1)];
        if (!slot) {
            break;
        }
        if (slot >> 32 == tag) {
            return (slot & UINT32_MAX) * RECORD_ALIGN;
        }
    }
    return 0;
}

enum { FILTER_WORDS = 4 * 1048576 / 8, LINE_WORDS = 8, FILTER_BITS = 4, FILL_IDS = 4096 };

void id_filter_init(struct id_filter *filter)
{
    filter->words = must_calloc(FILTER_WORDS, sizeof *filter->words);
}

void id_filter_fini(struct id_filter *filter)
{
    free(filter->words);
    filter->words = NULL;
}

/* The word and the bit in it of the nth of FILTER_BITS bits. The digest is SHA-256: any of its bits
 * are as good as others; the first four bytes are the tables' already. */
static size_t filter_word(const uint8_t *digest, unsigned n, uint64_t *bit)
{
    uint32_t line;
    memcpy(&line, digest + 4, sizeof line);
    unsigned place = digest[8 + 2 * n] | (unsigned)digest[9 + 2 * n] << 8;
    *bit = UINT64_C(1) << (place & 63);
    return (size_t)line % (FILTER_WORDS / LINE_WORDS) * LINE_WORDS + (place >> 6 & 7);
}

void id_filter_add(struct id_filter *filter, const uint8_t *digest)
{
    for (unsigned n = 0; n < FILTER_BITS; n++) {
        uint64_t bit;
        size_t word = filter_word(digest, n, &bit);
        atomic_fetch_or_explicit(&filter->words[word], bit, memory_order_relaxed);
    }
}

bool id_filter_may_hold(const struct id_filter *filter, const uint8_t *digest)
{
    if (!atomic_load_explicit(&filter->whole, memory_order_acquire)) {
        return true;
    }
    bool held = true;
    for (unsigned n = 0; n < FILTER_BITS && held; n++) {
        uint64_t bit;
        size_t word = filter_word(digest, n, &bit);
        held = atomic_load_explicit(&filter->words[word], memory_order_relaxed) & bit;
    }
    return held;
}

struct filling {
    struct id_filter *filter;
    uint8_t *from;
    size_t count;
};

static bool fill_one(void *self, struct slice key, struct slice value)
{
    struct filling *filling = self;
    (void)value;
    if (key.len == ID_DIGEST_BYTES) {
        id_filter_add(filling->filter, key.bytes);
        memcpy(filling->from, key.bytes, ID_DIGEST_BYTES);
    }
    return ++filling->count < FILL_IDS;
}

enum fault id_filter_fill(struct id_filter *filter, struct store *index,
                          uint8_t from[ID_DIGEST_BYTES], bool *end)
{
    struct filling filling = {filter, from, 0};
    struct store_txn *txn;
    enum fault fault = store_begin(index, false, &txn);
    if (fault != OK) {
        return fault;
    }
    uint8_t start[ID_DIGEST_BYTES];
    memcpy(start, from, sizeof start);
    fault = store_scan(txn, IDS, (struct slice){NULL, 0}, (struct slice){start, sizeof start},
                       false, fill_one, &filling);
    store_abort(&txn);
    *end = filling.count < FILL_IDS;
    return fault;
}

enum fault id_index_open(const char *folder, struct store **out)
{
    struct store_options options = {.tables = tables, .format = INDEX_FORMAT};
    return store_open(folder, &options, out);
}

enum fault id_index_knows(struct store *index, const struct segment_header *segment)
{
    struct store_txn *txn;
    enum fault fault = store_begin(index, false, &txn);
    if (fault != OK) {
        return fault;
    }
    uint8_t key[8], generation[8];
    struct slice found;
    store_key_u64(segment->number, key);
    store_key_u64(segment->generation, generation);
    fault = store_get(txn, SEGMENTS, (struct slice){key, sizeof key}, &found);
    if (fault == OK && (found.len != 8 || memcmp(found.bytes, generation, 8) != 0)) {
        fault = FAULT_CONFLICT;
    }
    store_abort(&txn);
    return fault;
}

static bool note_key(void *self, struct slice key, struct slice value)
{
    (void)key, (void)value;
    *(bool *)self = true;
    return false;
}

enum fault id_index_ends(struct store *index, uint64_t number)
{
    struct store_txn *txn;
    enum fault fault = store_begin(index, false, &txn);
    if (fault != OK) {
        return fault;
    }
    uint8_t key[8];
    bool found = false;
    store_key_u64(number, key);
    fault = store_scan(txn, SEGMENTS, (struct slice){NULL, 0}, (struct slice){key, 8}, false,
                       note_key, &found);
    store_abort(&txn);
    return fault == OK && found ? FAULT_CONFLICT : fault;
}

struct id_entry {
    uint8_t digest[ID_DIGEST_BYTES];
    uint64_t seq;
    uint64_t position; /* segment, offset / 8 */
};

struct visit {
    id_visit *visit;
    void *self;
};

/* Damaged records have no id that could be trusted; the sound ones beside them do. */
static enum fault visit_batch(const struct visit *visit, const struct walk *walk)
{
    uint64_t at = walk->offset + BATCH_HEADER_BYTES;
    for (uint32_t i = 0; i < walk->batch.count; i++) {
        struct record record;
        enum fault fault = record_at(walk->source, at, walk->end, &record);
        if (fault != OK || record.seq != walk->batch.first_seq + i) {
            return fault == FAULT_IO ? FAULT_IO : OK;
        }
        if (record_good(walk->generation, &record)) {
            uint8_t digest[ID_DIGEST_BYTES];
            id_digest(record.id, record.id_len, digest);
            visit->visit(visit->self, record.seq, at, digest);
        }
        at += record.size;
    }
    return OK;
}

enum fault id_each(struct source *source, const struct segment_header *segment, uint64_t end_seq,
                   id_visit *visit, void *self)
{
    struct walk walk;
    enum walk_step step = WALK_BATCH;
    enum fault fault = OK;
    walk_start(&walk, source, segment->generation, segment->first_seq, SEGMENT_DATA_OFFSET);
    while (fault == OK && walk.seq < end_seq && step != WALK_END) {
        step = walk_next(&walk);
        if (step == WALK_FAULT) {
            fault = FAULT_IO;
        } else if (step == WALK_BATCH) {
            fault = visit_batch(&(struct visit){visit, self}, &walk);
        }
    }
    return fault;
}

static void gather_one(void *self, uint64_t seq, uint64_t offset, const uint8_t *digest)
{
    struct id_gathered *gathered = self;
    if (gathered->count == gathered->capacity) {
        gathered->capacity = gathered->capacity ? gathered->capacity * 2 : CAPACITY_MIN;
        gathered->entries =
            must_realloc(gathered->entries, gathered->capacity * sizeof *gathered->entries);
    }
    struct id_entry *entry = &gathered->entries[gathered->count++];
    memcpy(entry->digest, digest, ID_DIGEST_BYTES);
    entry->seq = seq;
    entry->position =
        gathered->segments[gathered->segment_count].number << 32 | offset / RECORD_ALIGN;
}

enum fault id_gather(struct id_gathered *gathered, struct source *source,
                     const struct segment_header *segment, uint64_t end_seq)
{
    MUST(gathered->segment_count < ID_SEGMENTS_MAX);
    gathered->segments[gathered->segment_count] = *segment;
    enum fault fault = id_each(source, segment, end_seq, gather_one, gathered);
    gathered->segment_count++;
    return fault;
}

void id_gathered_fini(struct id_gathered *gathered)
{
    free(gathered->entries);
    free(gathered->order);
    *gathered = (struct id_gathered){0};
}

void id_filter_add_gathered(struct id_filter *filter, const struct id_gathered *gathered)
{
    for (size_t i = 0; i < gathered->count; i++) {
        id_filter_add(filter, gathered->entries[i].digest);
    }
}

static int by_digest(const void *a, const void *b, void *entries)
{
    const struct id_entry *left = (struct id_entry *)entries + *(const uint32_t *)a;
    const struct id_entry *right = (struct id_entry *)entries + *(const uint32_t *)b;
    return memcmp(left->digest, right->digest, ID_DIGEST_BYTES);
}

/* Sorted, a transaction touches few pages. Numbers are sorted, since qsort_r takes as much memory
 * again as what it sorts. */
static void sort(struct id_gathered *gathered)
{
    MUST(gathered->count <= UINT32_MAX);
    gathered->order =
        must_realloc(gathered->order, (gathered->count + 1) * sizeof *gathered->order);
    for (size_t i = 0; i < gathered->count; i++) {
        gathered->order[i] = (uint32_t)i;
    }
    qsort_r(gathered->order, gathered->count, sizeof *gathered->order, by_digest,
            gathered->entries);
}

static enum fault put_segment(struct store_txn *txn, const struct segment_header *segment)
{
    uint8_t key[8], generation[8];
    store_key_u64(segment->number, key);
    store_key_u64(segment->generation, generation);
    return store_put(txn, SEGMENTS, (struct slice){key, 8}, (struct slice){generation, 8});
}

/* One transaction; the last one says that the segments are in as a whole. */
static enum fault write_slice(struct store *index, const struct id_gathered *gathered, size_t first,
                              size_t count)
{
    struct store_txn *txn;
    enum fault fault = store_begin(index, true, &txn);
    if (fault != OK) {
        return fault;
    }
    for (size_t i = first; fault == OK && i < first + count; i++) {
        const struct id_entry *entry = &gathered->entries[gathered->order[i]];
        uint8_t value[VALUE_BYTES];
        store_key_u64(entry->seq, value);
        store_key_u64(entry->position, value + 8);
        fault = store_put(txn, IDS, (struct slice){entry->digest, ID_DIGEST_BYTES},
                          (struct slice){value, sizeof value});
    }
    bool last = first + count == gathered->count;
    for (size_t i = 0; fault == OK && last && i < gathered->segment_count; i++) {
        fault = put_segment(txn, &gathered->segments[i]);
    }
    if (fault != OK) {
        store_abort(&txn);
        return fault;
    }
    return store_commit(&txn);
}

enum fault id_index_write(struct store *index, struct id_gathered *gathered, id_index_pace *pace,
                          void *self)
{
    enum fault fault = OK;
    size_t done = 0;
    sort(gathered);
    do {
        size_t left = gathered->count - done;
        size_t most = pace ? pace(self) : ID_SLICE_MAX;
        size_t count = left < most ? left : most;
        fault = most ? write_slice(index, gathered, done, count) : FAULT_BUSY;
        done += count;
    } while (fault == OK && done < gathered->count);
    return fault;
}

enum fault id_index_find(struct store_txn *txn, const uint8_t *digest, struct id_place *place)
{
    struct slice found;
    enum fault fault = store_get(txn, IDS, (struct slice){digest, ID_DIGEST_BYTES}, &found);
    if (fault != OK) {
        return fault;
    }
    if (found.len != VALUE_BYTES) {
        return FAULT_CORRUPT;
    }
    uint64_t position = store_key_number((const uint8_t *)found.bytes + 8);
    *place = (struct id_place){.seq = store_key_number(found.bytes),
                               .segment = position >> 32,
                               .offset = (position & UINT32_MAX) * RECORD_ALIGN};
    return OK;
}
