#include "journal_core.h"

#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ZERO_BYTES = 1 << 17 };

static const char spare_draft[] = "spare.draft", next_draft[] = "next.draft";
static const char closed_name[] = "closed", closed_draft[] = "closed.draft";
static const char closed_magic[8] = {'u', 's', 'h', 'e', 'r', 'e', 'n', 'd'};

/* No room is temporary; anything else that a disk can say when it is written to is not. */
static enum fault io_fault(int code)
{
    if (code == 0) {
        return OK;
    }
    return code == ENOSPC || code == EDQUOT ? FAULT_FULL : FAULT_IO;
}

void segment_name(uint64_t number, char name[SEGMENT_NAME_CHARS])
{
    snprintf(name, SEGMENT_NAME_CHARS, "segment-%016llu", (unsigned long long)number);
}

struct segment *segment_open_one(struct journal *journal)
{
    return &journal->segments[journal->segment_count - 1];
}

struct segment *segment_of_seq(struct journal *journal, uint64_t seq)
{
    size_t low = 0, high = journal->segment_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (journal->segments[middle].header.first_seq <= seq) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &journal->segments[low];
}

uint64_t segment_last_seq(const struct journal *journal, const struct segment *segment)
{
    bool last = segment == &journal->segments[journal->segment_count - 1];
    return last ? journal->head : segment[1].header.first_seq - 1;
}

void segment_add(struct journal *journal, const struct segment *segment)
{
    journal->segments =
        must_realloc(journal->segments, (journal->segment_count + 1) * sizeof *journal->segments);
    journal->segments[journal->segment_count++] = *segment;
}

static bool room_for_segment(const struct journal *journal)
{
    return journal_io->free_bytes(journal->folder_fd) >=
           journal->segment_bytes + journal->disk_free_min;
}

/* Zeros on the disk, so that a later sync of a batch has no blocks to allocate or convert. */
static enum fault fill(int fd, uint64_t at, uint64_t len)
{
    static uint8_t zeros[ZERO_BYTES]; /* not const: then it takes no room in the program */
    enum fault fault = OK;
    for (uint64_t end = at + len; fault == OK && at < end;) {
        size_t count = end - at < ZERO_BYTES ? (size_t)(end - at) : ZERO_BYTES;
        fault = io_fault(journal_io->write(fd, zeros, count, at));
        at += count;
    }
    return fault == OK ? io_fault(journal_io->sync(fd)) : fault;
}

/* An empty file of this name, if there is room for a segment. */
static enum fault draft(const struct journal *journal, const char *name, int *fd)
{
    if (!room_for_segment(journal)) {
        return FAULT_FULL;
    }
    return io_fault(journal_io->create(journal->folder_fd, name, fd));
}

void spare_name(size_t n, char name[SEGMENT_NAME_CHARS])
{
    snprintf(name, SEGMENT_NAME_CHARS, "spare-%zu", n + 1);
}

enum fault spare_step(struct journal *journal, size_t n, bool *whole)
{
    struct helper *helper = &journal->helper;
    enum fault fault = OK;
    *whole = false;
    if (helper->draft_fd < 0) {
        helper->draft_bytes = 0;
        fault = draft(journal, spare_draft, &helper->draft_fd);
        if (fault != OK) {
            return fault;
        }
    }
    uint64_t left = journal->segment_bytes - helper->draft_bytes;
    uint64_t len = left < ZERO_BYTES ? left : ZERO_BYTES;
    fault = fill(helper->draft_fd, helper->draft_bytes, len);
    helper->draft_bytes += len;
    if (fault == OK && len < left) {
        return OK;
    }
    close(helper->draft_fd);
    helper->draft_fd = -1;
    if (fault == OK) {
        char name[SEGMENT_NAME_CHARS];
        spare_name(n, name);
        fault = io_fault(journal_io->rename(journal->folder_fd, spare_draft, name));
    }
    if (fault != OK) {
        journal_io->unlink(journal->folder_fd, spare_draft);
    }
    *whole = fault == OK;
    return fault;
}

/* The new segment is whole and named on disk before anything is written to it. */
enum fault segment_begin(struct journal *journal, const char *file)
{
    struct segment segment = {.header = {.number = 1,
                                         .generation = random_u64() | 1,
                                         .first_seq = journal->head + 1,
                                         .bytes = journal->segment_bytes}};
    if (journal->segment_count) {
        segment.header.number = segment_open_one(journal)->header.number + 1;
    }
    memcpy(segment.header.previous, journal->chain, SHA256_BYTES);
    uint8_t bytes[SEGMENT_DATA_OFFSET];
    segment_header_write(&segment.header, bytes);
    char name[SEGMENT_NAME_CHARS];
    segment_name(segment.header.number, name);
    int fd = openat(journal->folder_fd, file, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return FAULT_IO;
    }
    enum fault fault = io_fault(journal_io->write(fd, bytes, sizeof bytes, 0));
    if (fault == OK && journal_io->sync(fd) != 0) {
        fault = FAULT_IO;
    }
    if (fault == OK) {
        fault = io_fault(journal_io->rename(journal->folder_fd, file, name));
    }
    if (fault == OK && journal_io->sync_folder(journal->folder_fd) != 0) {
        fault = FAULT_IO;
    }
    if (fault != OK) {
        close(fd);
        return fault;
    }
    segment_add(journal, &segment);
    if (journal->fd >= 0) {
        close(journal->fd);
    }
    journal->fd = fd;
    journal->used = SEGMENT_DATA_OFFSET;
    return OK;
}

/* A file made on the spot. Reserved blocks are turned into written ones by the syncs of batches, which
 * makes those slower by half; filling the file with zeros while batches come in would double the bytes
 * that go to the disk. */
static enum fault begin_from_draft(struct journal *journal, bool zeros)
{
    int fd;
    enum fault fault = draft(journal, next_draft, &fd);
    if (fault != OK) {
        return fault;
    }
    int code = zeros ? ENOTSUP : journal_io->reserve(fd, journal->segment_bytes);
    fault = code == ENOTSUP ? fill(fd, 0, journal->segment_bytes) : io_fault(code);
    close(fd);
    if (fault == OK) {
        fault = segment_begin(journal, next_draft);
    }
    if (fault != OK) {
        journal_io->unlink(journal->folder_fd, next_draft);
    }
    return fault;
}

enum fault segment_first(struct journal *journal)
{
    return begin_from_draft(journal, true);
}

/* What is known of the sealed segment goes to its shelf: readers are rarely far behind. */
static void keep_places(struct journal *journal, const struct segment *sealed)
{
    struct shelf *shelf;
    if (shelf_get(journal, sealed, &shelf) == OK) {
        free(shelf->places.at);
        shelf->places = journal->places;
        shelf->whole = true;
    } else {
        free(journal->places.at);
    }
    journal->places = (struct places){0};
}

enum fault segment_rotate(struct journal *journal)
{
    enum fault fault = helper_room(journal);
    if (fault != OK) {
        return fault;
    }
    size_t spare;
    bool ready = helper_spare(journal, &spare);
    if (ready) {
        char name[SEGMENT_NAME_CHARS];
        spare_name(spare, name);
        fault = segment_begin(journal, name);
    } else {
        fault = begin_from_draft(journal, false);
    }
    if (fault == OK) {
        const struct segment *sealed = &journal->segments[journal->segment_count - 2];
        helper_seal(journal, &sealed->header, ready ? &spare : NULL);
        keep_places(journal, sealed);
    }
    return fault;
}

enum fault journal_trim(struct journal *journal, uint64_t below)
{
    while (journal->segment_count > 1 && segment_last_seq(journal, journal->segments) < below) {
        struct segment *oldest = journal->segments;
        if (!oldest->unreadable && id_index_knows(journal->index, &oldest->header) != OK) {
            return OK; /* not before its ids are kept elsewhere */
        }
        char name[SEGMENT_NAME_CHARS];
        segment_name(oldest->header.number, name);
        shelves_drop(journal, oldest->header.number);
        int code = journal_io->unlink(journal->folder_fd, name);
        if ((code != 0 && code != ENOENT) || journal_io->sync_folder(journal->folder_fd) != 0) {
            return FAULT_IO;
        }
        journal->segment_count--;
        memmove(oldest, oldest + 1, journal->segment_count * sizeof *oldest);
    }
    return OK;
}

/* What is missing below this head later is damage and not a torn tail. It stays true: it is never
 * removed, only replaced. */
enum fault closed_write(struct journal *journal)
{
    uint8_t bytes[CLOSED_BYTES] = {0};
    memcpy(bytes, closed_magic, sizeof closed_magic);
    store_key_u64(segment_open_one(journal)->header.number, bytes + 8);
    store_key_u64(journal->used, bytes + 16);
    store_key_u64(journal->head, bytes + 24);
    memcpy(bytes + 32, journal->chain, SHA256_BYTES);
    sha256(bytes, 64, bytes + 64);
    int fd;
    int code = journal_io->create(journal->folder_fd, closed_draft, &fd);
    if (code != 0) {
        return io_fault(code);
    }
    code = journal_io->write(fd, bytes, sizeof bytes, 0);
    if (code == 0) {
        code = journal_io->sync(fd);
    }
    close(fd);
    if (code == 0) {
        code = journal_io->rename(journal->folder_fd, closed_draft, closed_name);
    }
    if (code == 0) {
        code = journal_io->sync_folder(journal->folder_fd);
    }
    return io_fault(code);
}

bool closed_read(const char *folder, struct closed *closed)
{
    uint8_t bytes[CLOSED_BYTES], check[SHA256_BYTES];
    char *path = must_sprintf("%s/%s", folder, closed_name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    if (fd < 0) {
        return false;
    }
    bool whole = read(fd, bytes, sizeof bytes) == sizeof bytes;
    close(fd);
    if (!whole || memcmp(bytes, closed_magic, sizeof closed_magic) != 0) {
        return false;
    }
    sha256(bytes, 64, check);
    *closed = (struct closed){.segment = store_key_number(bytes + 8),
                              .used = store_key_number(bytes + 16),
                              .head = store_key_number(bytes + 24)};
    memcpy(closed->chain, bytes + 32, SHA256_BYTES);
    return memcmp(bytes + 64, check, sizeof check) == 0;
}
