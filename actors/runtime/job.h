/* job.h - what becomes of one effect: the pure core of the job engine.
 *
 *   settling -> waiting -> sending [-> committing] -> done
 *                  ^          |-> waiting until t | dead | uncertain
 *                  |          (crash: waiting again, the same key; committing: uncertain)
 *      dead, uncertain, skipped: back to waiting only by a person; superseded: if it holds again
 *
 * Use        job_next(job, what happened, now) gives the job afterwards and what to tell the world.
 *            No clock, no I/O, no globals: time and dice are parameters.
 * Promise    Back-off doubles from first to max with full jitter. A job that could be tried is
 *            never given up before give_up has passed since its first attempt (or since its target
 *            took our key again, whichever is later). A refused key or a quota that is used up spends
 *            no attempt. An attempt never comes before next_ms. A newer revision is never overtaken by an older one.
 * See        tests/unit/runtime/job_test.c, job_simulation_test.c */
#ifndef USHER_JOB_H
#define USHER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#define JOB_STATES(X)                                                                              \
    X(JOB_SETTLING, "settling")                                                                    \
    X(JOB_WAITING, "waiting")                                                                      \
    X(JOB_SENDING, "sending")                                                                      \
    X(JOB_COMMITTING, "committing")                                                                \
    X(JOB_DONE, "done")                                                                            \
    X(JOB_DEAD, "dead")                                                                            \
    X(JOB_UNCERTAIN, "uncertain")                                                                  \
    X(JOB_SUPERSEDED, "superseded")                                                                \
    X(JOB_SKIPPED, "skipped")

enum job_state {
#define X(name, word) name,
    JOB_STATES(X)
#undef X
        JOB_STATE_COUNT
};

struct job {
    enum job_state state;
    int attempt;    /* attempts spent */
    int64_t change; /* events told so far */
    int64_t created_ms;
    int64_t first_ms;  /* of the first attempt; 0: none yet. A person's retry begins anew */
    int64_t next_ms;   /* settling, waiting: not before */
    int64_t wanted;    /* revision to be shown, ever rising; 0 for a job that happens once */
    int64_t sent;      /* that of the attempt under way */
    int64_t done;      /* the last one that the target took */
    bool repeat;       /* an earlier attempt may have got through */
    bool assert_again; /* after an ambiguous attempt: once more behind the next success */
    bool skip;         /* a person said so while it was under way */
};

struct job_policy {
    int64_t first_ms;    /* back-off: 5 s */
    int64_t max_ms;      /* 1 h */
    int64_t give_up_ms;  /* 72 h */
    int64_t timeout_ms;  /* of a call */
    int64_t accepted_ms; /* when the target took our key again; 0: it always did */
};

enum job_input {
    JOB_ON_START,  /* an attempt begins (made durable before the call) */
    JOB_ON_COMMIT, /* the final bytes are about to leave */
    JOB_ON_SUCCESS,
    JOB_ON_AGAIN, /* retry_after_ms, ambiguous */
    JOB_ON_NEVER,
    JOB_ON_REFUSED, /* the key is refused */
    JOB_ON_UNCERTAIN,
    JOB_ON_CRASH,   /* found under way at start */
    JOB_ON_SETTLED, /* its condition still holds */
    JOB_ON_GONE,    /* its condition no longer holds */
    JOB_ON_DIFFERS, /* the target does not show it any more (a level job that is done) */
    JOB_ON_WANTED,  /* version (of a level job), or a superseded key holds again */
    JOB_ON_RETRY,   /* a person */
    JOB_ON_SKIP,    /* a person, or a rule */
    JOB_INPUT_COUNT
};

struct job_happened {
    enum job_input input;
    int64_t revision; /* WANTED */
    int64_t delay_ms; /* AGAIN: Retry-After; WANTED: to settle */
    bool ambiguous;   /* AGAIN */
    bool held;        /* AGAIN: the target takes nothing from any of us for now */
    uint64_t dice;    /* for the jitter */
};

/* What to tell: the event's type is "job." and its word. */
enum job_news {
    JOB_NEWS_NONE,
    JOB_NEWS_DONE,
    JOB_NEWS_RETRYING,
    JOB_NEWS_DEAD,
    JOB_NEWS_UNCERTAIN,
    JOB_NEWS_SUPERSEDED,
    JOB_NEWS_SKIPPED
};

/* An input that makes no sense in the job's state changes nothing and tells nothing. */
struct job job_next(const struct job *before, const struct job_policy *policy,
                    const struct job_happened *happened, int64_t now_ms, enum job_news *news);

/* The wait before the attempt after `attempt`: anything from 0 up to what doubling gives. */
int64_t job_backoff_ms(const struct job_policy *policy, int attempt, uint64_t dice);

const char *job_state_name(enum job_state state);
bool job_state_of(const char *name, enum job_state *state);
bool job_is_open(enum job_state state);        /* settling, waiting, sending or committing */
const char *job_news_type(enum job_news news); /* "job.done"; NULL for none */

/* --- a target as a whole ---------------------------------------------------------------------- */

enum { BREAKER_FAILURES_MAX = 5 };

/* Stops calling what is down: after BREAKER_FAILURES_MAX failures in a row one call at a time is
 * let through, at doubling intervals. After a hold, too, one goes first, and the others follow when
 * it was taken. */
struct breaker {
    int failures; /* in a row */
    int64_t open_until_ms;
    int64_t hold_until_ms; /* it asked for it: Retry-After, or a quota is used up */
    bool careful;          /* nothing was taken since the hold */
    bool trying;           /* the one call is under way */
};

bool breaker_lets(const struct breaker *breaker, int64_t now_ms);
void breaker_started(struct breaker *breaker);
/* `reached`: an answer came that is not the target's own trouble (a 4xx is an answer). */
void breaker_ended(struct breaker *breaker, bool reached, const struct job_policy *policy,
                   int64_t now_ms);

void breaker_hold(struct breaker *breaker, int64_t until_ms);
/* A person says that it may be asked again. */
void breaker_unhold(struct breaker *breaker);
/* When to look again; 0: now. */
int64_t breaker_until_ms(const struct breaker *breaker);

/* Tokens in millionths. No ten seconds, wherever they begin, see more than per_10s calls leave. */
struct bucket {
    int64_t level;
    int64_t filled_ms;
};

/* Takes one; false: none there, *wait_ms until there is. Bulk leaves half of a full bucket to what
 * is fresh. No limit if per_10s is 0. */
bool bucket_take(struct bucket *bucket, int per_10s, bool bulk, int64_t now_ms, int64_t *wait_ms);
/* A call that cannot wait (does the key work?): may go below zero. */
void bucket_charge(struct bucket *bucket, int per_10s, int64_t now_ms);

#endif
