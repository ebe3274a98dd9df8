/* actor_core.h - inside the skeleton: what its files share. Not for actors.
 *
 *   actor.c         arguments, settings, signals, the loop, the end
 *   actor_feed.c    READ, apply, commit
 *   actor_read.c    single events, between the feed's batches
 *   actor_outbox.c  outgoing events until the broker has them
 *   actor_report.c  what status shows; questions
 *
 * An outgoing event is a row of the outbox from the commit that made it to a commit after the
 * broker's answer. Killed in between, it is published again under the same id. */
#ifndef USHER_ACTOR_CORE_H
#define USHER_ACTOR_CORE_H

#include "actor.h"

enum {
    OUTBOX_IN_FLIGHT_MAX = 1024,
    OUTBOX_SWEEP_ROWS = 256,   /* answered rows that are worth a transaction of their own */
    OUTBOX_SWEEP_MS = 200,     /* they leave at the latest then, or with the next commit */
    OUTBOX_UNSENT_MAX = 10000, /* more: nothing is read until some have gone */
    FEED_RETRY_MS_MIN = 100,
    FEED_RETRY_MS_MAX = 5000,
    FEED_IDLE_EVENTS_MAX = 4096, /* other topics' events that need no commit of their own */
    FEED_IDLE_MS_MAX = 10000,
    REPORT_MS = 500,
    DRAIN_MS_MAX = 3000
};

struct outbox_slot {
    struct actor *actor;
    uint64_t key;
    struct outbox_slot *next_free;
};

struct outbox {
    struct outbox_slot slots[OUTBOX_IN_FLIGHT_MAX];
    struct outbox_slot *free;
    size_t in_flight;
    uint64_t next_key; /* of the next row */
    uint64_t mark;     /* next_key when the transaction began */
    uint64_t sent_key; /* rows up to here were handed to the client */
    uint64_t answered[OUTBOX_IN_FLIGHT_MAX];
    size_t answered_count;
    size_t sweeping; /* of them, those deleted in the open transaction */
    bool sweep_armed;
    struct buf scratch;
};

struct seeing {
    uint64_t seq;
    int64_t deadline_ms;
    actor_seen *seen; /* NULL: was told already */
    void *self;
};

struct reads {
    struct seeing waiting[ACTOR_READS_MAX]; /* a ring, in the order of their deadlines */
    size_t first, count;
    struct seeing current; /* while actor->reading */
    bool had_turn;         /* the last READ was one of these, not the feed's */
};

struct actor {
    const struct actor_class *class;
    char *home;
    struct settings *settings;
    const struct setting **tables;
    zloop_t *loop;
    struct store *store;
    struct client *client;
    void *state;
    bool opened; /* class->open has returned */
    bool ready;
    bool draining; /* told to stop */
    bool ended;
    int exit_code;
    int signal_fd;
    int64_t started_ms;

    uint64_t cursor, cursor_stored;
    int64_t cursor_stored_ms;
    uint64_t head;
    bool welcomed, caught_up;
    uint64_t caught_up_at;
    uint64_t rebuild_until; /* 0: not rebuilding */
    uint64_t applying;      /* seq of the event that is being applied, 0: none */
    bool reading, waiting, in_txn, committing, committed_again;
    unsigned failures;
    const char *trouble; /* NULL: none */

    struct outbox outbox;
    struct reads reads;
    uint64_t applied, batches, retried, emitted, refused, damaged;
};

/* A hook for tests: called with a name at each point where a crash must do no harm. */
extern void (*actor_failpoint)(const char *point);
void actor_reached(const char *point);

/* actor.c */
void actor_finish_drain(struct actor *actor);

/* actor_feed.c */
enum fault feed_open(struct actor *actor) NODISCARD; /* cursor and REBUILD */
void feed_connected(struct actor *actor, uint64_t head);
void feed_bell(void *self, const char *type, uint64_t seq);
void feed_pull(struct actor *actor);
enum fault feed_store_cursor(struct actor *actor) NODISCARD;

/* The one transaction: work, the answered rows' end, commit. */
enum fault actor_transact(struct actor *actor, actor_work *work, void *self) NODISCARD;
/* What follows every commit. */
void actor_after_commit(struct actor *actor);

/* actor_read.c */
bool reads_pull(struct actor *actor); /* true: a READ has begun */
void reads_tick(struct actor *actor);
void reads_end(struct actor *actor); /* all that wait are told UNAVAILABLE */

/* actor_outbox.c */
enum fault outbox_open(struct actor *actor) NODISCARD;
void outbox_close(struct actor *actor);
void outbox_begin(struct actor *actor);
enum fault outbox_sweep(struct actor *actor, struct store_txn *txn) NODISCARD;
void outbox_end(struct actor *actor, bool committed);
void outbox_publish(struct actor *actor);
bool outbox_is_clear(const struct actor *actor);
bool outbox_is_long(const struct actor *actor);

/* actor_report.c */
void report_update(struct actor *actor);
json_t *report_answer(void *self, const char *who, const json_t *question, enum fault *fault);

#endif
