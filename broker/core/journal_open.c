#include "journal_core.h"

#include "must.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int by_number(const void *a, const void *b)
{
    const struct segment *one = a, *two = b;
    return one->header.number < two->header.number ? -1 : one->header.number > two->header.number;
}

/* The numbers of all segment files there are, in order. */
static enum fault list_segments(int folder_fd, struct segment **out, size_t *count)
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        return FAULT_IO;
    }
    struct segment *segments = NULL;
    size_t found = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        unsigned long long number;
        char name[SEGMENT_NAME_CHARS];
        if (sscanf(entry->d_name, "segment-%16llu", &number) != 1 || number == 0) {
            continue;
        }
        segment_name(number, name);
        if (strcmp(name, entry->d_name) == 0) {
            segments = must_realloc(segments, (found + 1) * sizeof *segments);
            segments[found++] = (struct segment){.header.number = number};
        }
    }
    closedir(folder);
    if (found) {
        qsort(segments, found, sizeof *segments, by_number);
    }
    *out = segments;
    *count = found;
    return OK;
}

static enum fault load_header(int folder_fd, struct segment *segment)
{
    char name[SEGMENT_NAME_CHARS];
    uint64_t number = segment->header.number;
    segment_name(number, name);
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        return FAULT_IO;
    }
    struct source source;
    source_of_file(&source, fd, (uint64_t)info.st_size);
    enum fault fault = segment_header_read(&source, number, &segment->header);
    if (fault == FAULT_CORRUPT) {
        segment->header = (struct segment_header){.number = number};
        segment->unreadable = true;
        fault = OK;
    }
    source_fini(&source);
    close(fd);
    return fault;
}

/* A number that nobody knows is found by walking the segment in front to its end. */
static enum fault end_of(int folder_fd, const struct segment_header *header, uint64_t *seq)
{
    char name[SEGMENT_NAME_CHARS];
    segment_name(header->number, name);
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return FAULT_IO;
    }
    struct source source;
    struct walk walk;
    enum walk_step step;
    source_of_file(&source, fd, header->bytes);
    walk_start(&walk, &source, header->generation, header->first_seq, SEGMENT_DATA_OFFSET);
    do {
        step = walk_next(&walk);
    } while (step == WALK_BATCH || step == WALK_DAMAGE);
    *seq = walk.seq;
    source_fini(&source);
    close(fd);
    return step == WALK_FAULT ? FAULT_IO : OK;
}

/* Gives a segment whose header is lost, or that is missing, the place that its neighbours leave. */
static enum fault place_unreadable(int folder_fd, struct segment *segments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!segments[i].unreadable) {
            continue;
        }
        struct segment_header *header = &segments[i].header;
        enum fault fault = OK;
        if (i == 0) {
            header->first_seq = header->number == 1 ? 1 : segments[1].header.first_seq;
        } else if (segments[i - 1].unreadable) {
            header->first_seq = segments[i - 1].header.first_seq;
        } else {
            fault = end_of(folder_fd, &segments[i - 1].header, &header->first_seq);
        }
        if (fault != OK) {
            return fault;
        }
    }
    return OK;
}

/* One unreadable segment stands for every gap in the numbers. */
static void fill_gaps(struct segment **segments, size_t *count)
{
    for (size_t i = 1; i < *count; i++) {
        uint64_t expected = (*segments)[i - 1].header.number + 1;
        if ((*segments)[i].header.number != expected) {
            *segments = must_realloc(*segments, (*count + 1) * sizeof **segments);
            memmove(*segments + i + 1, *segments + i, (*count - i) * sizeof **segments);
            (*segments)[i] = (struct segment){.header.number = expected, .unreadable = true};
            (*count)++;
            i++;
        }
    }
}

enum fault segments_load(int folder_fd, struct segment **out, size_t *count, struct buf *why)
{
    enum fault fault = list_segments(folder_fd, out, count);
    for (size_t i = 0; fault == OK && i < *count; i++) {
        fault = load_header(folder_fd, &(*out)[i]);
        if (fault != OK) {
            buf_printf(why, "segment %llu: %s\n", (unsigned long long)(*out)[i].header.number,
                       fault == FAULT_VERSION ? "written by another version, with another format"
                                              : "cannot be read");
        }
    }
    if (fault != OK || *count == 0) {
        return fault;
    }
    fill_gaps(out, count);
    const struct segment *last = &(*out)[*count - 1];
    if (last->unreadable) {
        buf_printf(why, "segment %llu: the newest segment has no readable header\n",
                   (unsigned long long)last->header.number);
        return FAULT_CORRUPT;
    }
    fault = place_unreadable(folder_fd, *out, *count);
    for (size_t i = 1; fault == OK && i < *count; i++) {
        if ((*out)[i].header.first_seq < (*out)[i - 1].header.first_seq) {
            buf_printf(why, "segment %llu: begins before the one in front of it\n",
                       (unsigned long long)(*out)[i].header.number);
            fault = FAULT_CORRUPT;
        }
    }
    return fault;
}

struct recovery {
    struct journal *journal;
    struct walk walk;
    bool chain_known;   /* false behind damage */
    bool bad;           /* the newest batch is not whole: torn, unless another one follows */
    uint64_t bad_first; /* its first bad record */
    struct walk bad_walk;
};

/* The ids of the batch's sound records. */
static enum fault take_ids(struct journal *journal, const struct walk *walk)
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
            id_table_put(&journal->ids, digest, at);
        }
        at += record.size;
    }
    return OK;
}

/* Something sound stands behind it: so it was whole once. */
static enum fault bad_is_damage(struct recovery *recovery)
{
    struct journal *journal = recovery->journal;
    if (!recovery->bad) {
        return OK;
    }
    const struct walk *walk = &recovery->bad_walk;
    recovery->bad = recovery->chain_known = false;
    damage_add(journal, segment_open_one(journal)->header.number, walk->offset, recovery->bad_first,
               walk->seq - 1);
    return take_ids(journal, walk);
}

static enum fault recover_batch(struct recovery *recovery)
{
    struct journal *journal = recovery->journal;
    struct walk *walk = &recovery->walk;
    uint64_t bad = 0;
    enum fault fault = bad_is_damage(recovery);
    if (fault == OK) {
        fault = batch_check(walk, &bad, NULL, NULL);
    }
    if (fault == FAULT_CORRUPT) {
        recovery->bad = true;
        recovery->bad_first = bad;
        recovery->bad_walk = *walk;
        return OK;
    }
    if (fault != OK) {
        return fault;
    }
    if (recovery->chain_known && memcmp(journal->chain, walk->batch.previous, SHA256_BYTES) != 0) {
        damage_add(journal, segment_open_one(journal)->header.number, walk->offset,
                   walk->batch.first_seq, walk->batch.first_seq - 1);
    }
    recovery->chain_known = true;
    memcpy(journal->chain, walk->batch.chain, SHA256_BYTES);
    places_add(&journal->places, walk->batch.first_seq, walk->offset);
    journal->used = walk->end;
    journal->head = walk->seq - 1;
    return take_ids(journal, walk);
}

static enum fault recover_walk(struct recovery *recovery)
{
    struct journal *journal = recovery->journal;
    enum fault fault = OK;
    while (fault == OK) {
        enum walk_step step = walk_next(&recovery->walk);
        if (step == WALK_END) {
            return OK;
        }
        if (step == WALK_FAULT) {
            return FAULT_IO;
        }
        if (step == WALK_BATCH) {
            fault = recover_batch(recovery);
        } else {
            fault = bad_is_damage(recovery);
            damage_add(journal, segment_open_one(journal)->header.number, recovery->walk.offset,
                       recovery->walk.first, recovery->walk.last);
            recovery->chain_known = false;
        }
    }
    return fault;
}

/* The journal was closed properly with more than was found: no torn tail, but damage. */
static enum fault believe_closed(struct recovery *recovery, const struct closed *closed,
                                 struct buf *why)
{
    struct journal *journal = recovery->journal;
    const struct segment *last = segment_open_one(journal);
    if (closed->segment > last->header.number || closed->used > last->header.bytes) {
        buf_printf(why, "segment %llu: it was there when the journal was closed, and is missing\n",
                   (unsigned long long)closed->segment);
        return FAULT_CORRUPT;
    }
    if (closed->segment < last->header.number || closed->head <= journal->head) {
        return OK;
    }
    enum fault fault = bad_is_damage(recovery);
    if (journal->damage_count == 0 ||
        journal->damage[journal->damage_count - 1].last < closed->head) {
        damage_add(journal, last->header.number, journal->used, journal->head + 1, closed->head);
    }
    journal->head = closed->head;
    journal->used = closed->used;
    memcpy(journal->chain, closed->chain, SHA256_BYTES);
    return fault;
}

/* Puts zeros where a batch was torn. */
static enum fault cut_tail(struct journal *journal, struct source *source)
{
    enum { PIECE_BYTES = 64 * 1024 };
    static const uint8_t zeros[PIECE_BYTES];
    for (uint64_t at = journal->used; at < source->end;) {
        uint64_t rest = source->end - at;
        size_t len = rest < PIECE_BYTES ? (size_t)rest : PIECE_BYTES;
        const uint8_t *bytes;
        enum fault fault = source_get(source, at, len, &bytes);
        if (fault != OK) {
            return FAULT_IO;
        }
        if (memcmp(bytes, zeros, len) != 0) {
            int code = journal_io->write(journal->fd, zeros, len, at);
            if (code != 0) {
                return code == ENOSPC ? FAULT_FULL : FAULT_IO;
            }
        }
        at += len;
    }
    /* Also what a killed process had written and not synced is about to be believed. */
    return journal_io->sync(journal->fd) == 0 ? OK : FAULT_IO;
}

enum fault journal_find(struct journal *journal, struct buf *why)
{
    struct closed closed;
    bool was_closed = closed_read(journal->folder, &closed);
    const struct segment_header *header = &segment_open_one(journal)->header;
    for (size_t i = 0; i + 1 < journal->segment_count; i++) {
        if (journal->segments[i].unreadable) {
            damage_add(journal, journal->segments[i].header.number, 0,
                       journal->segments[i].header.first_seq,
                       segment_last_seq(journal, &journal->segments[i]));
        }
    }
    struct stat info;
    if (fstat(journal->fd, &info) != 0) {
        return FAULT_IO;
    }
    if ((uint64_t)info.st_size != header->bytes) {
        buf_printf(why, "segment %llu: %llu bytes long instead of %llu\n",
                   (unsigned long long)header->number, (unsigned long long)info.st_size,
                   (unsigned long long)header->bytes);
        return FAULT_CORRUPT;
    }
    struct source source;
    source_of_file(&source, journal->fd, header->bytes);
    struct recovery recovery = {.journal = journal, .chain_known = true};
    journal->head = header->first_seq - 1;
    journal->used = SEGMENT_DATA_OFFSET;
    memcpy(journal->chain, header->previous, SHA256_BYTES);
    walk_start(&recovery.walk, &source, header->generation, header->first_seq, SEGMENT_DATA_OFFSET);
    enum fault fault = recover_walk(&recovery);
    if (fault == OK && was_closed) {
        fault = believe_closed(&recovery, &closed, why);
    }
    if (fault == OK) {
        fault = cut_tail(journal, &source);
    }
    source_fini(&source);
    return fault;
}
