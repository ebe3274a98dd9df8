/* backfill_core.h - inside the actor: what its files share.
 *
 *   backfill.c    the actor: settings, events in, what is done next
 *   call.c        one call, and the key for it
 *   keep.c        a run in the store, from its beginning to its end
 *   due.c         when a run is due
 *   look.c        a run: one page after the other, sifted and kept
 *   publish.c     what was found, to the journal
 *   hunt.c        single objects
 *   answers.c     questions of people
 *
 * One thing is done at a time: a call, or a batch that is published. on_tick() starts the next. */
#ifndef USHER_BACKFILL_CORE_H
#define USHER_BACKFILL_CORE_H

#include "actor.h"
#include "api.h"
#include "http_out.h"
#include "hunts.h"
#include "picture.h"
#include "run.h"
#include "sift.h"
#include "sources.h"

enum {
    DAY_MS = 24 * 3600 * 1000,
    LINES_MAX = 2000, /* shown of one run */
    TRIES_MAX = 12,   /* of one page; then the step is given up */
    KEY_WORDS_BYTES = 160
};

struct backfill {
    struct actor *actor;
    struct sources sources;
    struct source *remotes[SOURCES_MAX]; /* those whose API is known */
    const char *names[SOURCES_MAX];
    size_t remote_count;
    size_t batches; /* calls that it takes to name all event types */
    struct http_out *http;
    struct sift sift;
    struct run run;
    struct hunt hunt;
    struct api_page page;
    /* the call under way */
    bool calling;
    int64_t asked_ms;
    char after[API_ID_BYTES_MAX + 1];
    int limit;
    /* not before */
    int64_t wait_mono_ms;
    int64_t schedule_mono_ms;
    int64_t hunt_mono_ms;
    bool hunted;                          /* the last call was a hunt: a run goes first now */
    char awaited[EVENT_ID_BYTES_MAX + 1]; /* published, and not yet read back */
    int64_t awaited_mono_ms;
    /* settings */
    int64_t every_ms, window_ms, daily_days, settle_ms, retry_ms, found_max;
    bool states;
    int timeout_ms;
};

/* NULL if there is no such source, or its API is not known. */
struct source *remote_named(const struct backfill *backfill, const char *name);

/* The source's key, and why there is none that can be used; *key is the caller's, wiped by
 * key_drop(). */
bool key_take(const struct source *source, char **key, char words[KEY_WORDS_BYTES]);
void key_drop(char **key);

/* Starts a call; `ask` is filled in but for base and key. True if it is under way. */
bool ask_start(struct backfill *backfill, const struct source *source, const char *key,
               struct api_ask *ask, http_done *done);
/* What came back, with the page in backfill->page. */
void ask_ended(struct backfill *backfill, const struct answer *answer, struct api_answer *said);
void wait_for(struct backfill *backfill, int64_t ms);

/* --- runs --- */
#define NOTE_RUN  "run"  /* the run under way, or the last one */
#define NOTE_LAST "last" /* {"hourly", "daily", "covered_s"}: when, and up to when all is here */
enum fault keep_load(const struct backfill *backfill, const char *name, json_t **tree) NODISCARD;

/* Begins what is due. */
void due_look(struct backfill *backfill);
/* Some of it, by chance: not at the same second in every fleet of the world. */
int64_t due_spread(int64_t every_ms);

enum fault keep_run(struct backfill *backfill, struct store_txn *txn) NODISCARD;
/* Takes the run's place; what is left of an earlier one goes. */
enum fault keep_begin(struct backfill *backfill, struct run *run) NODISCARD;
/* A key that is refused is told once, and once when it is taken again; error is NULL then. */
enum fault key_tell(struct backfill *backfill, struct store_txn *txn, const char *source,
                    const char *error) NODISCARD;
/* The run is over: told, if it found something. Inside a transaction. */
enum fault keep_end(struct backfill *backfill, struct store_txn *txn) NODISCARD;

void look_on(struct backfill *backfill);
void publish_on(struct backfill *backfill);

/* True if one is under way now. */
bool hunt_on(struct backfill *backfill);

json_t *backfill_answer(void *state, const char *who, const json_t *question, enum fault *fault);

#endif
