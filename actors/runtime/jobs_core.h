/* jobs_core.h - what the engine's files share; nobody else's business.
 *
 * jobs.c         what actors call inside a batch
 * jobs_store.c   records and their indexes
 * jobs_turn.c    the turn: outcomes, holds and new attempts in one transaction
 * jobs_calls.c   the calls between the turns
 * jobs_login.c   the login before them, where there is one
 * jobs_looks.c   what targets show, against what they were told
 * jobs_members.c documents, aliases, effects
 * jobs_answers.c questions, reports
 * jobs_people.c  what people decide: retry, skip, send again, pause, resume
 * jobs_problems.c what fails, by cause
 * jobs_tell.c    job.* and target.* events, told and re-read */
#ifndef USHER_JOBS_CORE_H
#define USHER_JOBS_CORE_H

#include "jobs.h"
#include "session.h"

enum {
    JOBS_SLOT_BYTES_MAX = 63,
    JOBS_KIND_BYTES_MAX = 63,
    JOBS_PLANNED_MAX = 64, /* attempts begun in one turn */
    JOBS_SECRET_BYTES_MAX = 8192,
    JOBS_HURRY_MS = 1000,       /* between tries that people's retries bring forward */
    JOBS_BULK_MS = 600000,      /* a cause older than this is bulk */
    JOBS_HOLD_KEPT_MS = 10000,  /* a hold of so long is kept over a restart */
    JOBS_HOLD_SHOWN_MS = 60000, /* and one of so long is told people as a problem */
    JOBS_AHEAD_MS = 86400000,   /* no schedule is further away: the clock was wrong */
};

enum jobs_class { JOBS_FRESH = 'a', JOBS_BULK = 'b', JOBS_UNDER_WAY = 'c' };

/* A job as it is stored. */
struct record {
    char key[JOBS_KEY_BYTES_MAX + 1];
    char kind[JOBS_KIND_BYTES_MAX + 1];
    char member[EVENT_ID_BYTES_MAX + 1];
    char order[JOBS_SLOT_BYTES_MAX + 1]; /* "": the member is */
    char slot[JOBS_SLOT_BYTES_MAX + 1];
    char cause[EVENT_ID_BYTES_MAX + 1];
    char trace[EVENT_ID_BYTES_MAX + 1];
    char who[EVENT_NAME_BYTES_MAX + 1]; /* of the last admin event that touched it */
    char error[VERDICT_WORDS_BYTES];
    uint64_t number; /* the order in which jobs were made */
    bool bulk;
    bool from_document;
    struct job job;
    int64_t version; /* what people call wanted, sent and done */
    int64_t sent_version;
    int64_t done_version;
    int64_t updated_ms;
    int64_t latency_ms;
    int64_t held_ms; /* behind an earlier job of its member until then; 0: not held */
    json_t *payload; /* may be NULL */
    json_t *learned; /* by adapter name; may be NULL */

    /* As the store has it, for the indexes; old_state is JOB_STATE_COUNT for a new record. */
    enum job_state old_state;
    char old_member[EVENT_ID_BYTES_MAX + 1];
    uint8_t old_queue[JOBS_SLOT_BYTES_MAX + 32];
    size_t old_queue_len;
};

enum probe_said { PROBE_NONE, PROBE_TAKEN, PROBE_REFUSED };

struct slot {
    struct jobs *jobs;
    struct jobs_slot wanted;
    struct breaker breaker;
    struct bucket bucket;
    int per_10s;
    unsigned picks;
    /* Kept in JOBS_TABLE_TARGETS. */
    bool refused;
    int64_t changed_ms;
    int64_t accepted_ms;
    char error[VERDICT_WORDS_BYTES];
    char target[EVENT_NAME_BYTES_MAX + 1]; /* the adapter that it was: the setting may change */
    int64_t held_ms;                       /* a hold of all: since when */
    int64_t held_until_ms;                 /* ... until when */
    char held_words[VERDICT_WORDS_BYTES];  /* ... and what the target said */
    char held_target[EVENT_NAME_BYTES_MAX + 1];
    bool paused; /* by a person, until one lets it go on */
    int64_t paused_ms;
    char paused_who[EVENT_NAME_BYTES_MAX + 1];
    char paused_reason[VERDICT_WORDS_BYTES];
    bool hold_unsaved;    /* not kept */
    bool bulk_turn;       /* it is taken now even though fresh ones wait; not kept */
    int64_t bulk_ms;      /* nothing that is not fresh before; not kept */
    int64_t tokens_ms[2]; /* fresh, bulk: no token before; not kept */
    int64_t hurried_ms;   /* when a person's retry last brought the next try forward; not kept */
    /* While refused. */
    uint8_t secret_hash[SHA256_BYTES];
    int64_t probe_ms; /* the next probe */
    int64_t probe_call;
    bool probe_mail; /* it was a NOOP, its answer is SMTP's */
    enum probe_said probe_said;
    bool probe_login; /* the login under way is asked for by a probe */
    /* Of an adapter with login(). */
    struct session session;
    int64_t login_call; /* under way; 0: none */
    char *login_key;    /* the key that it was asked for with */
};

enum flight_stage {
    FLIGHT_FREE,
    FLIGHT_PLANNED, /* in a turn that has not committed */
    FLIGHT_LOGIN,   /* waits for a token */
    FLIGHT_CALLING,
    FLIGHT_NEXT,    /* its next step waits for a token, or for the end of a short hold */
    FLIGHT_HELD,    /* asks for `committing` */
    FLIGHT_KEEPING, /* asks for what it learned to be kept before its next step */
    FLIGHT_PROBING, /* 403: is the key refused? */
    FLIGHT_ENDED    /* has its verdict */
};

/* An attempt under way. */
struct flight {
    struct jobs *jobs;
    enum flight_stage stage;
    bool look;      /* it only looks at what was done */
    int64_t change; /* ... that of the job when it began */
    struct slot *slot;
    char key[JOBS_KEY_BYTES_MAX + 1];
    char kind[JOBS_KIND_BYTES_MAX + 1];
    char member[EVENT_ID_BYTES_MAX + 1];
    char order[EVENT_ID_BYTES_MAX + 1]; /* what no other call under way may have; "": any may */
    int64_t version;
    int attempt;
    bool repeat;
    bool bulk;
    int64_t created_ms;
    int64_t began_ms;
    json_t *payload;
    json_t *learned;
    char *secret;
    char *token;  /* that the call under way was made with */
    bool renewed; /* a token of this attempt was refused already */
    int step;
    int steps;
    int64_t call;
    bool mail; /* the call is one */
    int64_t latency_ms;
    struct verdict verdict;
};

/* The round of looking at what is done. */
struct looks {
    char at[JOBS_KEY_BYTES_MAX + 1]; /* the last one */
    int64_t next_ms;
    int64_t began_ms; /* the round; 0: none yet */
};

struct jobs {
    struct jobs_options options;
    struct looks looks;
    struct job_policy policy;
    int timeout_ms;
    int64_t probe_ms;
    size_t calls_max;
    struct slot slots[JOBS_SLOTS_MAX];
    size_t slot_count;
    struct flight flights[JOBS_PLANNED_MAX];
    struct http_out *http;
    int timer; /* -1: none */
    int64_t timer_ms;
    bool in_turn;
    bool progress; /* the turn began, settled or held something */
    bool recovered;
    uint8_t tick;
    int64_t wall_ms; /* at mono_ms: jumps of the wall clock do not hurry anything */
    int64_t mono_ms;
    int64_t count_calls;
    int64_t count_done;
    int64_t count_failed;
};

int64_t jobs_now_ms(const struct jobs *jobs);
struct slot *jobs_slot_of(struct jobs *jobs, const char *name);
/* Nothing is sent there now: our key is refused, or a person paused it. */
bool slot_stopped(const struct slot *slot);
/* The target asked that nobody calls it until then; `words` for people. */
void slot_hold(struct slot *slot, int64_t wait_ms, const char *words);
void slot_unhold(struct slot *slot);
void jobs_wake(struct jobs *jobs, int64_t in_ms);

/* --- jobs_store.c --- */

void record_init(struct record *record);
void record_fini(struct record *record);
/* NOT_FOUND. */
enum fault record_load(struct store_txn *txn, const char *key, struct record *record) NODISCARD;
/* Writes it and moves its index entries. */
enum fault record_save(struct store_txn *txn, struct record *record) NODISCARD;
void record_view(const struct jobs *jobs, const struct record *record, const json_t *document,
                 struct jobs_view *view);
/* What keeps it in order: a member, or a name of the actor's own; "": nothing. Both stand in
 * JOBS_TABLE_BY_MEMBER. */
const char *record_order(const struct record *record);
json_t *record_learned(const struct record *record, const char *adapter); /* borrowed or NULL */
/* Keeps what an adapter learned; nothing if that is nothing. */
void record_learn(struct record *record, const char *adapter, const json_t *learned);

/* Keys of due jobs of a class, by due time. */
struct key_list {
    char (*keys)[JOBS_KEY_BYTES_MAX + 1];
    size_t count;
    size_t most;
};
void key_list_init(struct key_list *list, size_t most);
void key_list_fini(struct key_list *list);
bool key_list_add(struct key_list *list, struct slice key);

enum fault queue_due(struct store_txn *txn, const char *slot, enum jobs_class class, int64_t now_ms,
                     struct key_list *list) NODISCARD;
/* The first due time of a class; INT64_MAX: none. */
enum fault queue_first(struct store_txn *txn, const char *slot, enum jobs_class class,
                       int64_t *due_ms) NODISCARD;
/* Those of a class that are due at `from_ms` or later. */
enum fault queue_from(struct store_txn *txn, const char *slot, enum jobs_class class,
                      int64_t from_ms, struct key_list *list) NODISCARD;
/* Slots that have something queued, whether they are configured or not. */
enum fault queue_slots(struct store_txn *txn, struct key_list *slots) NODISCARD;
/* Jobs of a member in the order they were made; `open`: only those not at an end. */
enum fault member_keys(struct store_txn *txn, const char *member, bool open,
                       struct key_list *list) NODISCARD;
/* Counts by state. */
enum fault count_states(struct store_txn *txn, int64_t counts[JOB_STATE_COUNT]) NODISCARD;

enum fault slot_load(struct store_txn *txn, struct slot *slot) NODISCARD;
enum fault slot_save(struct store_txn *txn, const struct slot *slot) NODISCARD;

/* --- jobs_tell.c --- */

/* One step of the core on a record: changes it and tells; record_keep() must follow. */
enum fault jobs_step(struct jobs *jobs, struct store_txn *txn, struct record *record,
                     const struct job_happened *happened) NODISCARD;
/* Saves it, and frees what waited behind it when it came to an end. */
enum fault record_keep(struct jobs *jobs, struct store_txn *txn, struct record *record) NODISCARD;
/* Both. */
enum fault jobs_happen(struct jobs *jobs, struct store_txn *txn, struct record *record,
                       enum job_input input) NODISCARD;
enum fault tell_target(struct jobs *jobs, struct store_txn *txn, const struct slot *slot,
                       const char *trace) NODISCARD;
/* That a target does not show what it was told: the event that options.differing names. */
enum fault tell_differing(struct jobs *jobs, struct store_txn *txn, const struct record *record,
                          const char *reason) NODISCARD;
enum fault reread(struct jobs *jobs, struct store_txn *txn, const struct event *event) NODISCARD;

/* --- jobs_members.c --- */

enum fault document_keep(struct store_txn *txn, const json_t *document) NODISCARD;
/* By any alias; NULL if none. */
enum fault document_load(struct store_txn *txn, const char *member, json_t **out) NODISCARD;
/* Does its document still name the job's key? */
bool document_names(const json_t *document, const char *key, const char *to);
/* The effect itself, borrowed; NULL if there is none. */
const json_t *document_effect(const json_t *document, const char *key, const char *to);

/* --- jobs_turn.c --- */

void jobs_turn(struct jobs *jobs);
/* After the commit of a batch: what it planned leaves. */
void jobs_leave(struct jobs *jobs);

/* --- jobs_plan.c --- */

/* First thing after a start: what was found under way, whose target is gone, or scheduled by a
 * wrong clock. */
enum fault plan_recover(struct jobs *jobs, struct store_txn *txn) NODISCARD;
/* Begins what may begin now. */
enum fault plan_slot(struct jobs *jobs, struct store_txn *txn, struct slot *slot) NODISCARD;
/* A fresh job begins in the very batch that made it, if there is room: one sync less on the way
 * from the payment to the call. Its flight leaves from jobs_committed(). */
enum fault plan_now(struct jobs *jobs, struct store_txn *txn,
                    const struct record *record) NODISCARD;
/* What an attempt came to. */
enum fault plan_conclude(struct jobs *jobs, struct store_txn *txn, struct slot *slot,
                         struct record *record, const struct verdict *verdict) NODISCARD;
/* Fills a flight for an attempt at the record; takes the payload. */
void flight_board(struct flight *flight, struct slot *slot, const struct record *record,
                  json_t *payload);
/* Is there room for one more call? Bulk leaves some to what is fresh. */
struct flight *plan_room(struct jobs *jobs, bool bulk);

/* --- jobs_calls.c --- */

void flight_launch(struct flight *flight);
/* Next steps that waited go on, if they may. */
void flights_go_on(struct jobs *jobs);
void flight_clear(struct flight *flight);
void slot_probe(struct jobs *jobs, struct slot *slot);
struct task flight_task(const struct flight *flight);
/* Its verdict stands: the next turn concludes it. */
void flight_end(struct flight *flight);
/* What its last answer says of the target as a whole. */
void flight_watch(struct flight *flight, const struct answer *answer);
/* The login that a probe asked for has ended. */
void probe_logged_in(struct slot *slot, const struct verdict *verdict);
enum fault slot_secret(const struct slot *slot, char **secret) NODISCARD;

/* --- jobs_login.c --- */

/* True: the flight has its token, if its target wants one. False: it waits for it, and is launched
 * again when it came, or it has ended. */
bool login_flight(struct flight *flight);
/* Its token was refused, for the first time: it tries the same step with a new one. */
bool login_again(struct flight *flight);
/* A login is under way. False: it cannot be made. */
bool login_start(struct slot *slot);
void login_fini(struct slot *slot);

/* --- jobs_looks.c --- */

/* `idle`: nothing else waits now. */
void looks_turn(struct jobs *jobs, bool idle);
/* What was found differing is done once more. */
enum fault look_conclude(struct jobs *jobs, struct store_txn *txn,
                         const struct flight *flight) NODISCARD;

/* --- jobs_people.c --- */

/* admin.* events that concern the engine. */
enum fault people_apply(struct jobs *jobs, struct store_txn *txn, const struct event *event,
                        const json_t *data) NODISCARD;

/* --- jobs_problems.c --- */

/* "fine", "down", "held", "refused" or "paused". */
const char *slot_word(const struct slot *slot);
json_t *answer_problems(struct jobs *jobs, struct store_txn *txn, enum fault *fault);
json_t *answer_like(struct jobs *jobs, struct store_txn *txn, const json_t *question,
                    enum fault *fault);

#endif
