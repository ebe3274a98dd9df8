#include "journal_core.h"

#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIVE_TRIES = 3 }; /* a batch that is being written looks torn for a moment */

struct check {
    int folder_fd;
    struct journal_stat *stat;
    struct buf *report;
    uint8_t chain[SHA256_BYTES];
    bool chain_known;
    uint64_t used; /* of the segment walked last */
};

static void found(struct check *check, uint64_t segment, uint64_t offset, uint64_t first,
                  uint64_t last)
{
    check->stat->damaged++;
    if (last >= first) {
        buf_printf(check->report, "segment %llu, offset %llu: events %llu to %llu are damaged\n",
                   (unsigned long long)segment, (unsigned long long)offset,
                   (unsigned long long)first, (unsigned long long)last);
    } else {
        buf_printf(
            check->report, "segment %llu, offset %llu: the chain is broken before event %llu\n",
            (unsigned long long)segment, (unsigned long long)offset, (unsigned long long)first);
    }
}

/* FAULT_CORRUPT: the batch is not whole, from *bad on. */
static enum fault check_batch(struct check *check, uint64_t segment, struct walk *walk, bool live,
                              uint64_t *bad)
{
    enum fault fault = FAULT_CORRUPT;
    for (int i = 0; fault == FAULT_CORRUPT && i < (live ? LIVE_TRIES : 1); i++) {
        buf_reset(&walk->source->window); /* what was read before may be old */
        fault = batch_check(walk, bad, NULL, NULL);
    }
    if (fault != OK) {
        check->chain_known = false;
        return fault;
    }
    if (check->chain_known && memcmp(check->chain, walk->batch.previous, SHA256_BYTES) != 0) {
        found(check, segment, walk->offset, walk->batch.first_seq, walk->batch.first_seq - 1);
    }
    check->chain_known = true;
    memcpy(check->chain, walk->batch.chain, SHA256_BYTES);
    check->stat->head = walk->seq - 1;
    check->used = walk->end;
    return OK;
}

/* `last_seq` 0: the open segment, which ends where its last whole batch does. */
static enum fault walk_segment(struct check *check, struct source *source,
                               const struct segment_header *header, uint64_t last_seq)
{
    struct walk walk;
    uint64_t bad = 0, bad_offset = 0, bad_last = 0;
    walk_start(&walk, source, header->generation, header->first_seq, SEGMENT_DATA_OFFSET);
    check->used = SEGMENT_DATA_OFFSET;
    while (!last_seq || walk.seq <= last_seq) {
        enum walk_step step = walk_next(&walk);
        if (step == WALK_FAULT) {
            return FAULT_IO;
        }
        if (step == WALK_END) {
            break;
        }
        if (bad) {
            found(check, header->number, bad_offset, bad, bad_last);
            bad = 0;
        }
        if (step == WALK_DAMAGE) {
            found(check, header->number, walk.offset, walk.first, walk.last);
            check->chain_known = false;
            continue;
        }
        enum fault fault = check_batch(check, header->number, &walk, last_seq == 0, &bad);
        if (fault == FAULT_IO) {
            return FAULT_IO;
        }
        bad_offset = walk.offset;
        bad_last = walk.seq - 1;
        bad = fault == OK ? 0 : bad;
    }
    if (last_seq && (bad || walk.seq <= last_seq)) {
        found(check, header->number, bad ? bad_offset : walk.offset, bad ? bad : walk.seq,
              last_seq);
        check->chain_known = false;
    }
    return OK;
}

static enum fault check_segment(struct check *check, const struct segment *segment,
                                uint64_t last_seq)
{
    char name[SEGMENT_NAME_CHARS];
    segment_name(segment->header.number, name);
    if (segment->unreadable) {
        found(check, segment->header.number, 0, segment->header.first_seq, last_seq);
        check->chain_known = false;
        return OK;
    }
    int fd = openat(check->folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return FAULT_IO;
    }
    if (check->chain_known && memcmp(check->chain, segment->header.previous, SHA256_BYTES) != 0) {
        found(check, segment->header.number, 0, segment->header.first_seq,
              segment->header.first_seq - 1);
    }
    memcpy(check->chain, segment->header.previous, SHA256_BYTES);
    check->chain_known = true;
    check->stat->head = segment->header.first_seq - 1;
    check->stat->bytes += segment->header.bytes;
    struct source source;
    source_of_file(&source, fd, segment->header.bytes);
    enum fault fault = walk_segment(check, &source, &segment->header, last_seq);
    source_fini(&source);
    close(fd);
    return fault;
}

static bool is_live(int folder_fd)
{
    int fd = openat(folder_fd, "lock", O_RDONLY | O_CLOEXEC);
    bool live = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
    if (fd >= 0) {
        close(fd);
    }
    return live;
}

static void check_closed(struct check *check, const char *folder, const struct segment *last)
{
    struct closed closed;
    if (is_live(check->folder_fd) || !closed_read(folder, &closed)) {
        return;
    }
    bool missing = closed.segment > last->header.number;
    if (missing || (closed.segment == last->header.number && closed.head > check->stat->head)) {
        found(check, closed.segment, missing ? 0 : check->used, check->stat->head + 1, closed.head);
        check->stat->head = closed.head;
    }
}

enum fault journal_verify(const char *folder, struct journal_stat *stat, struct buf *report)
{
    struct check check = {.stat = stat, .report = report};
    struct segment *segments = NULL;
    size_t count = 0;
    *stat = (struct journal_stat){0};
    check.folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (check.folder_fd < 0) {
        return fault_from_errno(errno);
    }
    enum fault fault = segments_load(check.folder_fd, &segments, &count, report);
    for (size_t i = 0; fault == OK && i < count; i++) {
        bool last = i + 1 == count;
        fault =
            check_segment(&check, &segments[i], last ? 0 : segments[i + 1].header.first_seq - 1);
    }
    if (fault == OK && count) {
        check_closed(&check, folder, &segments[count - 1]);
        stat->floor = segments[0].header.first_seq;
        stat->segments = count;
    }
    stat->free_bytes = journal_io->free_bytes(check.folder_fd);
    memcpy(stat->chain, check.chain, SHA256_BYTES);
    free(segments);
    close(check.folder_fd);
    return fault == OK && stat->damaged ? FAULT_CORRUPT : fault;
}
