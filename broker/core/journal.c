#include "journal_core.h"

#include "home.h"
#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const uint64_t segment_bytes_default = 64 << 20, disk_free_default = 64 << 20;

enum { SEGMENT_BYTES_MIN = 16 * 1024, NAMES_MAX = 2 * JOURNAL_BATCH_EVENTS_MAX };

static enum fault lock_folder(struct journal *journal)
{
    journal->folder_fd = open(journal->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->folder_fd < 0) {
        return fault_from_errno(errno);
    }
    journal->lock_fd = openat(journal->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal->lock_fd < 0) {
        return fault_from_errno(errno);
    }
    if (flock(journal->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? FAULT_BUSY : fault_from_errno(errno);
    }
    return OK;
}

static enum fault open_segments(struct journal *journal, struct buf *why)
{
    enum fault fault =
        segments_load(journal->folder_fd, &journal->segments, &journal->segment_count, why);
    if (fault != OK) {
        return fault;
    }
    if (journal->segment_count == 0) {
        return segment_first(journal);
    }
    char name[SEGMENT_NAME_CHARS];
    segment_name(segment_open_one(journal)->header.number, name);
    journal->fd = openat(journal->folder_fd, name, O_RDWR | O_CLOEXEC);
    if (journal->fd < 0) {
        return fault_from_errno(errno);
    }
    return journal_find(journal, why);
}

static enum fault drop_index(struct journal *journal)
{
    store_close(&journal->index);
    static const char *const names[] = {"index/data.mdb", "index/lock.mdb"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (unlinkat(journal->folder_fd, names[i], 0) != 0 && errno != ENOENT) {
            return fault_from_errno(errno);
        }
    }
    return OK;
}

static void table_add(void *self, uint64_t seq, uint64_t offset, const uint8_t *digest)
{
    (void)seq;
    id_table_put(self, digest, offset);
}

/* A sealed segment that the index does not know: its ids wait in memory, where the helper finds it,
 * so that opening does not take as long as writing them. */
static enum fault index_later(struct journal *journal, const struct segment *segment,
                              struct source *source)
{
    uint64_t end_seq = segment[1].header.first_seq;
    struct id_table ids = {0};
    enum fault fault = id_each(source, &segment->header, end_seq, table_add, &ids);
    if (fault == OK) {
        helper_owe(journal, &segment->header, end_seq, &ids);
    }
    id_table_fini(&ids);
    return fault;
}

static enum fault index_segment(struct journal *journal, const struct segment *segment)
{
    struct id_gathered gathered = {0};
    struct shelf *shelf;
    enum fault fault = shelf_get(journal, segment, &shelf);
    if (fault == OK && helper_may_owe(journal)) {
        return index_later(journal, segment, &shelf->source);
    }
    if (fault == OK) {
        fault = id_gather(&gathered, &shelf->source, &segment->header, segment[1].header.first_seq);
    }
    if (fault == OK) {
        fault = id_index_write(journal->index, &gathered, NULL, NULL);
    }
    id_gathered_fini(&gathered);
    return fault;
}

/* All sealed segments' ids are in the index afterwards, or wait for it. CONFLICT: it is not this journal's. */
static enum fault fill_index(struct journal *journal)
{
    enum fault fault = id_index_ends(journal->index, segment_open_one(journal)->header.number);
    for (size_t i = 0; fault == OK && i + 1 < journal->segment_count; i++) {
        const struct segment *segment = &journal->segments[i];
        if (segment->unreadable) {
            continue;
        }
        fault = id_index_knows(journal->index, &segment->header);
        if (fault == FAULT_NOT_FOUND) {
            fault = index_segment(journal, segment);
        }
    }
    return fault;
}

/* The index can be made again from the segments: whatever is wrong with it, it is. */
static enum fault open_index(struct journal *journal, struct buf *why)
{
    char *folder = must_sprintf("%s/index", journal->folder);
    bool again = true;
    enum fault fault = id_index_open(folder, &journal->index);
    if (fault == OK) {
        fault = fill_index(journal);
    }
    while (again && (fault == FAULT_CORRUPT || fault == FAULT_VERSION || fault == FAULT_CONFLICT ||
                     fault == FAULT_MALFORMED)) {
        again = false;
        buf_printf(why, "index: made again\n");
        if (journal->segments[0].header.number > 1) {
            buf_printf(why, "index: the ids of segments dropped earlier are forgotten\n");
        }
        helper_stop(journal); /* forgets what was to wait for it */
        fault = drop_index(journal);
        if (fault == OK) {
            fault = id_index_open(folder, &journal->index);
        }
        if (fault == OK) {
            fault = fill_index(journal);
        }
    }
    free(folder);
    return fault;
}

enum fault journal_open(const char *folder, const struct journal_options *options,
                        struct journal **out, struct buf *why)
{
    *out = NULL;
    struct journal *journal = must_calloc(1, sizeof *journal);
    journal->folder_fd = journal->lock_fd = journal->fd = journal->helper.draft_fd = -1;
    journal->folder = must_strdup(folder);
    pthread_mutex_init(&journal->helper.lock, NULL);
    pthread_cond_init(&journal->helper.wake, NULL);
    pthread_cond_init(&journal->helper.told, NULL);
    journal->segment_bytes =
        options && options->segment_bytes ? options->segment_bytes : segment_bytes_default;
    journal->disk_free_min =
        options && options->disk_free_min ? options->disk_free_min : disk_free_default;
    if (journal->segment_bytes < SEGMENT_BYTES_MIN) {
        journal->segment_bytes = SEGMENT_BYTES_MIN;
    }
    struct buf unsaid = {0};
    why = why ? why : &unsaid;
    enum fault fault = home_folder(folder);
    if (fault == OK) {
        fault = lock_folder(journal);
    }
    if (fault == OK) {
        fault = open_segments(journal, why);
    }
    if (fault == OK) {
        fault = open_index(journal, why);
    }
    if (fault == OK) {
        fault = helper_start(journal);
    }
    if (fault != OK) {
        journal->failed = fault;
        journal_close(&journal);
    }
    buf_fini(&unsaid);
    *out = journal;
    return fault;
}

void journal_close(struct journal **journal)
{
    struct journal *self = *journal;
    *journal = NULL;
    if (!self) {
        return;
    }
    helper_stop(self);
    if (self->failed == OK && closed_write(self) != OK) {
        self->failed = FAULT_IO; /* then the next open looks at the tail as after a crash */
    }
    shelves_drop(self, 0);
    store_close(&self->index);
    if (self->fd >= 0) {
        close(self->fd);
    }
    if (self->lock_fd >= 0) {
        close(self->lock_fd);
    }
    if (self->folder_fd >= 0) {
        close(self->folder_fd);
    }
    pthread_cond_destroy(&self->helper.told);
    pthread_cond_destroy(&self->helper.wake);
    pthread_mutex_destroy(&self->helper.lock);
    id_table_fini(&self->ids);
    id_filter_fini(&self->helper.filter);
    buf_fini(&self->batch);
    free(self->places.at);
    free(self->segments);
    free(self->folder);
    free(self);
}

/* The record at a place that a table names, if it is of this id. */
static enum fault same_id(struct journal *journal, uint64_t number, uint64_t offset,
                          const struct journal_entry *entry, uint64_t *seq)
{
    const struct segment *segment = NULL;
    for (size_t i = journal->segment_count; i-- > 0 && !segment;) {
        if (journal->segments[i].header.number == number) {
            segment = &journal->segments[i];
        }
    }
    struct shelf *shelf;
    struct record record;
    enum fault fault =
        segment && !segment->unreadable ? shelf_get(journal, segment, &shelf) : FAULT_NOT_FOUND;
    if (fault == OK) {
        fault = record_at(&shelf->source, offset, shelf->source.end, &record);
    }
    if (fault == OK && record.id_len == entry->id_len &&
        memcmp(record.id, entry->id, entry->id_len) == 0 &&
        record_good(segment->header.generation, &record)) {
        *seq = record.seq;
        return OK;
    }
    return fault == FAULT_IO ? FAULT_IO : FAULT_NOT_FOUND;
}

static enum fault find_in_table(struct journal *journal, const struct id_table *table,
                                uint64_t number, const uint8_t *digest, struct journal_entry *entry)
{
    size_t at = 0;
    enum fault fault = FAULT_NOT_FOUND;
    for (uint64_t offset;
         fault == FAULT_NOT_FOUND && (offset = id_table_next(table, digest, &at)) != 0;) {
        fault = same_id(journal, number, offset, entry, &entry->seq);
    }
    return fault;
}

/* NOT_FOUND: the id is new. */
static enum fault find_id(struct journal *journal, struct store_txn *txn, const uint8_t *digest,
                          struct journal_entry *entry)
{
    enum fault fault = find_in_table(journal, &journal->ids,
                                     segment_open_one(journal)->header.number, digest, entry);
    for (size_t i = 0; fault == FAULT_NOT_FOUND && i < journal->helper.pending_count; i++) {
        const struct pending *pending = &journal->helper.pending[i];
        fault = find_in_table(journal, &pending->ids, pending->header.number, digest, entry);
    }
    struct id_place place;
    if (fault == FAULT_NOT_FOUND && id_filter_may_hold(&journal->helper.filter, digest)) {
        fault = id_index_find(txn, digest, &place);
        if (fault == OK) { /* decides by itself, whether the record is still there or not */
            entry->seq = place.seq;
        }
    }
    return fault;
}

/* Ids met within one call of append. */
struct names {
    uint16_t slots[NAMES_MAX]; /* index + 1 */
};

static struct journal_entry *find_name(struct names *names, struct journal_entry *entries,
                                       size_t index, const uint8_t *digest)
{
    struct journal_entry *entry = &entries[index];
    uint32_t at;
    memcpy(&at, digest + 4, sizeof at);
    for (at %= NAMES_MAX; names->slots[at]; at = (at + 1) % NAMES_MAX) {
        struct journal_entry *other = &entries[names->slots[at] - 1];
        if (other->id_len == entry->id_len && memcmp(other->id, entry->id, entry->id_len) == 0) {
            return other;
        }
    }
    names->slots[at] = (uint16_t)(index + 1);
    return NULL;
}

/* Tells old ids from new ones and numbers the new ones. */
static enum fault look_up(struct journal *journal, struct journal_entry *entries, size_t count,
                          uint8_t (*digests)[ID_DIGEST_BYTES], size_t *fresh)
{
    struct names names = {0};
    struct store_txn *txn;
    enum fault fault = store_begin(journal->index, false, &txn);
    *fresh = 0;
    for (size_t i = 0; fault == OK && i < count; i++) {
        id_digest(entries[i].id, entries[i].id_len, digests[i]);
        struct journal_entry *twin = find_name(&names, entries, i, digests[i]);
        if (twin) {
            entries[i].seq = twin->seq;
            entries[i].duplicate = true;
            continue;
        }
        fault = find_id(journal, txn, digests[i], &entries[i]);
        entries[i].duplicate = fault == OK;
        if (fault == FAULT_NOT_FOUND) {
            fault = OK;
            entries[i].seq = journal->head + ++*fresh;
        }
    }
    store_abort(&txn);
    return fault;
}

/* Lays the batch out in memory; it is written in one piece. */
static void build(struct journal *journal, const struct journal_entry *entries, size_t count,
                  struct batch_header *batch, uint64_t *offsets)
{
    static _Thread_local uint8_t hashes[JOURNAL_BATCH_EVENTS_MAX * SHA256_BYTES];
    uint64_t generation = segment_open_one(journal)->header.generation;
    uint8_t *bytes = buf_room(&journal->batch, batch->bytes);
    size_t at = BATCH_HEADER_BYTES, n = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].duplicate) {
            continue;
        }
        struct record record = {.seq = entries[i].seq,
                                .topic = entries[i].topic,
                                .id = (const uint8_t *)entries[i].id,
                                .id_len = entries[i].id_len,
                                .content = entries[i].bytes,
                                .len = entries[i].len};
        memcpy(hashes + n++ * SHA256_BYTES, record_write(bytes + at, generation, &record),
               SHA256_BYTES);
        offsets[i] = journal->used + at;
        at += record_size(record.id_len, record.len);
    }
    MUST(at == batch->bytes && n == batch->count);
    memcpy(batch->previous, journal->chain, SHA256_BYTES);
    batch_chain(batch->previous, batch->first_seq, hashes, batch->count, batch->chain);
    batch_write(bytes, generation, batch);
}

/* The one place where the order of things is the promise: written, synced, and only then true. */
static enum fault commit(struct journal *journal, const struct batch_header *batch)
{
#ifdef USHER_MUTANT_ACK_BEFORE_SYNC
    if (journal->commits && journal_io->sync(journal->fd) != 0) {
        return FAULT_IO; /* a planted bug for the crash campaign: the batch before is synced now */
    }
#endif
    int code = journal_io->write(journal->fd, journal->batch.bytes, batch->bytes, journal->used);
    if (code != 0) {
        return code == ENOSPC || code == EDQUOT ? FAULT_FULL : FAULT_IO;
    }
#ifndef USHER_MUTANT_ACK_BEFORE_SYNC
    if (journal_io->sync(journal->fd) != 0) {
        return FAULT_IO;
    }
#endif
    places_add(&journal->places, batch->first_seq, journal->used);
    journal->used += batch->bytes;
    atomic_fetch_add_explicit(&journal->helper.written, batch->bytes, memory_order_relaxed);
    journal->head += batch->count;
    memcpy(journal->chain, batch->chain, SHA256_BYTES);
    journal->commits++;
    return OK;
}

static enum fault check_limits(const struct journal_entry *entries, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].len > JOURNAL_EVENT_BYTES_MAX || entries[i].id_len > RECORD_ID_BYTES_MAX) {
            return FAULT_TOO_LARGE;
        }
        total += entries[i].id_len + entries[i].len;
    }
    return count > JOURNAL_BATCH_EVENTS_MAX || total > JOURNAL_BATCH_BYTES_MAX ? FAULT_TOO_LARGE
                                                                               : OK;
}

/* Room in the segment, or in the next one. */
static enum fault make_room(struct journal *journal, const struct batch_header *batch)
{
    if (journal_io->free_bytes(journal->folder_fd) < journal->disk_free_min) {
        return FAULT_FULL;
    }
    if (batch->bytes <= segment_open_one(journal)->header.bytes - journal->used) {
        return OK;
    }
    if (batch->bytes > journal->segment_bytes - SEGMENT_DATA_OFFSET) {
        return FAULT_TOO_LARGE;
    }
    return segment_rotate(journal);
}

static enum fault append(struct journal *journal, struct journal_entry *entries, size_t count)
{
    static _Thread_local uint8_t digests[JOURNAL_BATCH_EVENTS_MAX][ID_DIGEST_BYTES];
    static _Thread_local uint64_t offsets[JOURNAL_BATCH_EVENTS_MAX];
    size_t fresh;
    enum fault fault = look_up(journal, entries, count, digests, &fresh);
    if (fault != OK || fresh == 0) {
        return fault;
    }
    struct batch_header batch = {
        .first_seq = journal->head + 1, .count = (uint32_t)fresh, .bytes = BATCH_HEADER_BYTES};
    for (size_t i = 0; i < count; i++) {
        if (!entries[i].duplicate) {
            batch.bytes += (uint32_t)record_size(entries[i].id_len, entries[i].len);
        }
    }
    fault = make_room(journal, &batch);
    if (fault == OK) {
        build(journal, entries, count, &batch, offsets);
        fault = commit(journal, &batch);
    }
    for (size_t i = 0; fault == OK && i < count; i++) {
        if (!entries[i].duplicate) {
            id_table_put(&journal->ids, digests[i], offsets[i]);
        }
    }
    return fault;
}

enum fault journal_append(struct journal *journal, struct journal_entry *entries, size_t count)
{
    if (journal->failed != OK) {
        return journal->failed;
    }
    enum fault fault = check_limits(entries, count);
    if (fault == OK) {
        fault = append(journal, entries, count);
    }
    if (fault == FAULT_CORRUPT) {
        /* Only the index can say so here. Without its file the next start makes it again. */
        unlinkat(journal->folder_fd, "index/data.mdb", 0);
        fault = FAULT_IO;
    }
    if (fault == FAULT_IO) {
        journal->failed = FAULT_IO;
    }
    return fault;
}

void journal_stat(const struct journal *journal, struct journal_stat *stat)
{
    *stat = (struct journal_stat){.floor = journal->segments[0].header.first_seq,
                                  .head = journal->head,
                                  .segments = journal->segment_count,
                                  .free_bytes = journal_io->free_bytes(journal->folder_fd),
                                  .commits = journal->commits,
                                  .damaged = journal->damage_count};
    for (size_t i = 0; i < journal->segment_count; i++) {
        stat->bytes += journal->segments[i].header.bytes;
    }
    memcpy(stat->chain, journal->chain, SHA256_BYTES);
}

enum fault journal_tend(struct journal *journal)
{
    if (journal->failed != OK) {
        return journal->failed;
    }
    enum fault fault = helper_adopt(journal);
    if (fault != OK) {
        journal->failed = FAULT_IO;
        return FAULT_IO;
    }
    helper_wake(journal);
    return OK;
}
