#include "journal_core.h"

#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_BYTES_MAX = 2 << 20 }; /* a call that finds nothing to show ends all the same */

static void shelf_clear(struct shelf *shelf)
{
    if (shelf->number) {
        source_fini(&shelf->source);
        close(shelf->fd);
        free(shelf->places.at);
    }
    *shelf = (struct shelf){0};
}

void shelves_drop(struct journal *journal, uint64_t number)
{
    for (size_t i = 0; i < SHELVES; i++) {
        if (number == 0 || journal->shelves[i].number == number) {
            shelf_clear(&journal->shelves[i]);
        }
    }
}

enum fault shelf_get(struct journal *journal, const struct segment *segment, struct shelf **out)
{
    struct shelf *shelf = &journal->shelves[0];
    for (size_t i = 0; i < SHELVES; i++) {
        if (journal->shelves[i].number == segment->header.number) {
            shelf = &journal->shelves[i];
            break;
        }
        if (journal->shelves[i].used < shelf->used) {
            shelf = &journal->shelves[i];
        }
    }
    if (shelf->number != segment->header.number) {
        char name[SEGMENT_NAME_CHARS];
        segment_name(segment->header.number, name);
        shelf_clear(shelf);
        shelf->fd = openat(journal->folder_fd, name, O_RDONLY | O_CLOEXEC);
        if (shelf->fd < 0) {
            *shelf = (struct shelf){0};
            return errno == ENOENT ? FAULT_CORRUPT : FAULT_IO;
        }
        shelf->number = segment->header.number;
        source_of_file(&shelf->source, shelf->fd, segment->header.bytes);
    }
    shelf->used = ++journal->shelf_uses;
    shelf->source.end =
        segment == segment_open_one(journal) ? journal->used : segment->header.bytes;
    *out = shelf;
    return OK;
}

void places_add(struct places *places, uint64_t seq, uint64_t offset)
{
    if (places->count && offset - places->at[places->count - 1].offset < PLACE_EVERY_BYTES) {
        return;
    }
    if (places->count == places->capacity) {
        places->capacity = places->capacity ? places->capacity * 2 : 64;
        places->at = must_realloc(places->at, places->capacity * sizeof *places->at);
    }
    places->at[places->count++] = (struct place){seq, offset};
}

void damage_add(struct journal *journal, uint64_t segment, uint64_t offset, uint64_t first,
                uint64_t last)
{
    for (size_t i = 0; i < journal->damage_count; i++) {
        struct damage *known = &journal->damage[i];
        if (known->segment == segment &&
            ((first >= known->first && first <= known->last) || known->first == first)) {
            return;
        }
    }
    if (journal->damage_count < DAMAGE_MAX) {
        journal->damage[journal->damage_count++] = (struct damage){segment, offset, first, last};
    }
}

/* Hops over a sealed segment once, from batch to batch. */
static enum fault fill_places(struct shelf *shelf, const struct segment_header *header,
                              uint64_t last_seq)
{
    struct walk walk;
    shelf->places.count = 0;
    walk_start(&walk, &shelf->source, header->generation, header->first_seq, SEGMENT_DATA_OFFSET);
    while (walk.seq <= last_seq) {
        enum walk_step step = walk_next(&walk);
        if (step == WALK_FAULT) {
            return FAULT_IO;
        }
        if (step == WALK_END) {
            break;
        }
        if (step == WALK_BATCH) {
            places_add(&shelf->places, walk.batch.first_seq, walk.offset);
        }
    }
    shelf->whole = true;
    return OK;
}

static void start_at(const struct places *places, uint64_t seq, struct walk *walk)
{
    size_t low = 0, high = places->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (places->at[middle].seq <= seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low) {
        walk->seq = places->at[low - 1].seq;
        walk->offset = walk->end = places->at[low - 1].offset;
    }
}

/* One call of journal_read. */
struct reading {
    struct journal *journal;
    const struct segment *segment;
    struct source *source;
    uint64_t from;
    size_t left;       /* records */
    size_t bytes_left; /* shown */
    size_t look_left;  /* looked at */
    const struct journal_topics *topics;
    journal_each *each;
    void *self;
    uint64_t next;
    size_t shown;
    bool full; /* enough for this call */
};

/* At damage: what was found before it is shown first, the next call says CORRUPT. */
static enum fault at_damage(struct reading *reading, uint64_t offset, uint64_t first, uint64_t last)
{
    damage_add(reading->journal, reading->segment->header.number, offset, first, last);
    reading->full = true;
    if (reading->next > reading->from) {
        return OK;
    }
    reading->next = last + 1;
    return FAULT_CORRUPT;
}

/* How far the damage at `offset` reaches: one record, if the one behind it is in its place. */
static uint64_t bad_until(struct reading *reading, const struct walk *walk, uint64_t offset,
                          uint64_t seq)
{
    struct record record;
    uint64_t last = walk->batch.first_seq + walk->batch.count - 1;
    if (seq == last || record_at(reading->source, offset, walk->end, &record) != OK ||
        record_at(reading->source, offset + record.size, walk->end, &record) != OK ||
        record.seq != seq + 1) {
        return last;
    }
    return seq;
}

static bool wanted(const struct reading *reading, const struct record *record)
{
    return !(record->flags & RECORD_ERASED) &&
           (reading->topics->bits[record->topic / 64] >> record->topic % 64 & 1);
}

static void show(struct reading *reading, const struct record *record)
{
    if (reading->left == 0 || reading->look_left == 0 ||
        (wanted(reading, record) &&
         ((reading->shown && record->len > reading->bytes_left) ||
          !reading->each(reading->self, record->seq, record->content, record->len)))) {
        reading->full = true;
        return;
    }
    reading->next = record->seq + 1;
    reading->look_left -= record->size < reading->look_left ? record->size : reading->look_left;
    if (wanted(reading, record)) {
        reading->shown++;
        reading->left--;
        reading->bytes_left -=
            record->len < reading->bytes_left ? record->len : reading->bytes_left;
    }
}

static enum fault read_batch(struct reading *reading, const struct walk *walk)
{
    uint64_t at = walk->offset + BATCH_HEADER_BYTES;
    uint64_t last = walk->batch.first_seq + walk->batch.count - 1;
    for (uint64_t seq = walk->batch.first_seq; seq <= last && !reading->full; seq++) {
        struct record record;
        enum fault fault = record_at(reading->source, at, walk->end, &record);
        if (fault == FAULT_IO) {
            return FAULT_IO;
        }
        bool placed = fault == OK && record.seq == seq;
        if (placed && seq < reading->next) {
            at += record.size;
            continue; /* before what was asked for */
        }
        if (!placed || !record_good(walk->generation, &record)) {
            uint64_t until = placed ? bad_until(reading, walk, at, seq) : last;
            return at_damage(reading, at, seq > reading->next ? seq : reading->next, until);
        }
        show(reading, &record);
        at += record.size;
    }
    return OK;
}

static enum fault read_segment(struct reading *reading)
{
    struct journal *journal = reading->journal;
    const struct segment *segment = reading->segment;
    uint64_t last = segment_last_seq(journal, segment);
    struct shelf *shelf;
    if (segment->unreadable) {
        return at_damage(reading, 0, reading->next, last);
    }
    enum fault fault = shelf_get(journal, segment, &shelf);
    bool open = segment == segment_open_one(journal);
    if (fault == OK && !open && !shelf->whole) {
        fault = fill_places(shelf, &segment->header, last);
    }
    if (fault == FAULT_CORRUPT) {
        return at_damage(reading, 0, reading->next, last);
    }
    if (fault != OK) {
        return fault;
    }
    reading->source = &shelf->source;
    struct walk walk;
    walk_start(&walk, reading->source, segment->header.generation, segment->header.first_seq,
               SEGMENT_DATA_OFFSET);
    start_at(open ? &journal->places : &shelf->places, reading->next, &walk);
    while (fault == OK && !reading->full && reading->next <= last) {
        enum walk_step step = walk_next(&walk);
        if (step == WALK_FAULT) {
            return FAULT_IO;
        }
        if (step == WALK_END) {
            fault = at_damage(reading, walk.offset, reading->next, last);
        } else if (step == WALK_DAMAGE && walk.last >= reading->next) {
            fault =
                at_damage(reading, walk.offset, reading->next, walk.last < last ? walk.last : last);
        } else if (step == WALK_BATCH && walk.seq > reading->next) {
            fault = read_batch(reading, &walk);
        }
    }
    return fault;
}

enum fault journal_read(struct journal *journal, uint64_t from, size_t max, size_t bytes_max,
                        const struct journal_topics *topics, journal_each *each, void *self,
                        uint64_t *next)
{
    *next = from;
    if (from < journal->segments[0].header.first_seq) {
        return FAULT_GONE;
    }
    if (from > journal->head + 1) {
        return FAULT_AHEAD;
    }
    struct reading reading = {.journal = journal,
                              .from = from,
                              .left = max,
                              .bytes_left = bytes_max,
                              .look_left = LOOK_BYTES_MAX,
                              .topics = topics,
                              .each = each,
                              .self = self,
                              .next = from};
    enum fault fault = OK;
    while (fault == OK && !reading.full && reading.next <= journal->head) {
        reading.segment = segment_of_seq(journal, reading.next);
        fault = read_segment(&reading);
    }
    *next = reading.next;
    return fault;
}
