/* journal_core.h - inside of the journal: for journal*.c only.
 *
 * Files      journal.c (open, close, append), journal_open.c (what open finds), journal_files.c
 *            (segment files, rotation, trim), journal_helper.c (the thread that prepares files and
 *            writes the index), journal_read.c, journal_verify.c; journal_format.h, journal_ids.h.
 * Threads    All fields belong to the journal's thread, but those of struct helper. */
#ifndef USHER_JOURNAL_CORE_H
#define USHER_JOURNAL_CORE_H

#include "journal.h"
#include "journal_format.h"
#include "journal_ids.h"
#include "journal_io.h"
#include "store.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    SEGMENT_NAME_CHARS = 32,
    SHELVES = 8,      /* open files and their places */
    PENDING_MAX = 8,  /* sealed segments whose ids wait in memory for the index */
    SPARES_MAX = 4,   /* files filled with zeros ahead of time */
    DAMAGE_MAX = 256, /* stretches remembered */
    PLACE_EVERY_BYTES = 32 * 1024,
    CLOSED_BYTES = 96
};

struct segment {
    struct segment_header header;
    bool unreadable; /* nothing says what its generation is */
};

/* Where to start looking for a number: one entry every PLACE_EVERY_BYTES. */
struct place {
    uint64_t seq;
    uint64_t offset;
};

struct places {
    struct place *at;
    size_t count, capacity;
};

/* A segment file that is open for reading. */
struct shelf {
    uint64_t number; /* 0: free */
    uint64_t used;   /* for the one that was not used for longest */
    int fd;
    struct source source;
    struct places places;
    bool whole; /* places are there up to the end */
};

struct pending {
    struct segment_header header;
    uint64_t end_seq; /* of the segment behind it */
    struct id_table ids;
    bool done; /* in the index (under the helper's lock) */
};

struct damage {
    uint64_t segment, offset, first, last;
};

/* What the journal has been doing lately; the helper keeps out of its way. */
enum load { LOAD_IDLE, LOAD_CALM, LOAD_BUSY };

struct helper {
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the helper has something to do */
    pthread_cond_t told; /* the helper has done something */
    atomic_bool stop;
    atomic_uint_fast64_t written; /* bytes appended since open */
    enum load load;               /* this and the next two: the helper's alone */
    uint64_t load_written;        /* `written` at load_ms */
    int64_t load_ms;
    int draft_fd; /* of the spare that is being made, the helper's alone; -1: none */
    uint64_t draft_bytes;
    bool spares[SPARES_MAX];              /* ready */
    size_t spares_wanted;                 /* a journal that fills segments keeps more of them */
    bool no_room;                         /* for a spare, the last time */
    struct id_filter filter;              /* of the index: the helper adds, the journal asks */
    uint8_t filter_from[ID_DIGEST_BYTES]; /* how far it was filled from the index */
    bool full;                            /* the index found no room the last time */
    enum fault fault;                     /* of the index: the journal's too */
    struct pending pending[PENDING_MAX];
    size_t pending_count;
};

struct journal {
    char *folder;
    int folder_fd;
    int lock_fd;
    uint64_t segment_bytes;
    uint64_t disk_free_min;
    struct segment *segments; /* ascending; the last one is open */
    size_t segment_count;
    int fd;        /* of the open segment */
    uint64_t used; /* bytes of it */
    uint64_t head;
    uint8_t chain[SHA256_BYTES];
    struct id_table ids; /* of the open segment */
    struct places places;
    struct store *index;
    struct helper helper;
    struct shelf shelves[SHELVES];
    uint64_t shelf_uses;
    struct damage damage[DAMAGE_MAX];
    size_t damage_count;
    struct buf batch;
    enum fault failed; /* for good */
    uint64_t commits;
};

/* journal_files.c */
void segment_name(uint64_t number, char name[SEGMENT_NAME_CHARS]);
struct segment *segment_open_one(struct journal *journal);
struct segment *segment_of_seq(struct journal *journal, uint64_t seq);
uint64_t segment_last_seq(const struct journal *journal, const struct segment *segment);
void segment_add(struct journal *journal, const struct segment *segment);
void spare_name(size_t n, char name[SEGMENT_NAME_CHARS]);
/* The next piece of spare n, zeros, synced; OK with *whole once the file has its name. */
enum fault spare_step(struct journal *journal, size_t n, bool *whole) NODISCARD;
/* The newest segment is the file of this name from now on. */
enum fault segment_begin(struct journal *journal, const char *file) NODISCARD;
enum fault segment_first(struct journal *journal) NODISCARD; /* of a new journal */
enum fault segment_rotate(struct journal *journal) NODISCARD;
enum fault closed_write(struct journal *journal) NODISCARD;
/* What journal_close left. */
struct closed {
    uint64_t segment, used, head;
    uint8_t chain[SHA256_BYTES];
};
/* False if there is nothing whole. */
bool closed_read(const char *folder, struct closed *closed);

/* journal_open.c */
enum fault journal_find(struct journal *journal, struct buf *why) NODISCARD;
/* The headers of all segments in the folder, ascending; `why` names what is wrong. */
enum fault segments_load(int folder_fd, struct segment **out, size_t *count,
                         struct buf *why) NODISCARD;

/* journal_helper.c */
_Static_assert((int)PENDING_MAX <= (int)ID_SEGMENTS_MAX, "all that waits is indexed in one go");
enum fault helper_start(struct journal *journal) NODISCARD;
void helper_stop(struct journal *journal);
void helper_wake(struct journal *journal);
bool helper_spare(struct journal *journal, size_t *n); /* false: none is ready */
/* Waits for room for one more segment's ids; FAULT_FULL if the index cannot be written now. */
enum fault helper_room(struct journal *journal) NODISCARD;
/* The segment is sealed: its ids are the helper's. A spare was used up, or not (NULL). */
void helper_seal(struct journal *journal, const struct segment_header *sealed, const size_t *spare);
/* For open: room for one more segment's ids; takes them. */
bool helper_may_owe(const struct journal *journal);
void helper_owe(struct journal *journal, const struct segment_header *sealed, uint64_t end_seq,
                struct id_table *ids);
/* Drops what is indexed; the index's fault. */
enum fault helper_adopt(struct journal *journal) NODISCARD;

/* journal_read.c */
enum fault shelf_get(struct journal *journal, const struct segment *segment,
                     struct shelf **out) NODISCARD;
void shelves_drop(struct journal *journal, uint64_t number); /* 0: all */
void places_add(struct places *places, uint64_t seq, uint64_t offset);
void damage_add(struct journal *journal, uint64_t segment, uint64_t offset, uint64_t first,
                uint64_t last);

#endif
