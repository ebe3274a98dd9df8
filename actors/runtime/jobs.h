/* jobs.h - the job engine: effects on other people's systems, each once.
 *
 * Use        An effect actor names the engine's tables (JOBS_TABLE_NAMES) first in its class,
 *            calls jobs_new() in open, jobs_apply() first in apply, jobs_committed() in committed,
 *            jobs_answer() in answer and jobs_report() in report. It makes jobs with
 *            jobs_add() (happens once per key) or jobs_want() (make the target show version n), or
 *            lets jobs_member_effects() make them from member.* documents.
 * Promise    A key is carried out once, whatever is repeated or killed; an attempt is durable as
 *            `sending` before its call leaves; jobs of one member (or of one `order`) go in order; a target that is
 *            down, slow or refuses our key delays its own jobs and nothing else. Nothing is
 *            executed before actor_caught_up(), so that a rebuilt store has read its own job.*
 *            events. Every change is told as a job.* event in the same transaction.
 *            A target that says "not now" (429, or a quota that is used up) is left alone by all
 *            jobs of its slot until it may be asked again, and then asked once; a long wait is kept
 *            over a restart and shown as a problem. No more calls leave in ten seconds than `rate`
 *            says, however the steps of jobs fall; bulk leaves tokens and calls to what is fresh, and
 *            what is left of a quota that is nearly used up.
 * Ownership  The engine copies what it is given. Trees returned are the caller's.
 * Threads    One; all on the actor's loop.
 * Limits     JOBS_CALLS calls at once (setting `calls`); the waiting jobs live in the store.
 * See        job.h (the core), adapter.h (a provider) */
#ifndef USHER_JOBS_H
#define USHER_JOBS_H

#include "actor.h"
#include "adapter.h"
#include "job.h"

enum { JOBS_CALLS = 8, JOBS_KEY_BYTES_MAX = 300, JOBS_SLOTS_MAX = 16 };

/* The engine's tables, to stand first in actor_class.tables; the actor's own begin at
 * JOBS_TABLES. Add JOBS_FORMAT to the actor's format number. */
#define JOBS_TABLE_NAMES                                                                           \
    "jobs", "jobs_queue", "jobs_by_member", "jobs_by_state", "jobs_by_trace", "jobs_members",      \
        "jobs_targets"
enum {
    JOBS_TABLE_JOBS = ACTOR_TABLES, /* key -> the job */
    JOBS_TABLE_QUEUE,               /* slot, class, due, number -> key */
    JOBS_TABLE_BY_MEMBER,           /* member, number -> state, key */
    JOBS_TABLE_BY_STATE,            /* state, number -> key */
    JOBS_TABLE_BY_TRACE,            /* trace, number -> key */
    JOBS_TABLE_MEMBERS,             /* member -> the newest document, or the id it ended in */
    JOBS_TABLE_TARGETS,             /* slot -> refused since, accepted at; counts by state */
    JOBS_TABLES
};
enum { JOBS_FORMAT = 1 };

/* Rows for the actor's settings table. Durations in ms. */
#define JOBS_SETTINGS(section)                                                                       \
    {section "/retry/first",                                                                         \
     SETTING_DURATION,                                                                               \
     "5s",                                                                                           \
     10,                                                                                             \
     3600000,                                                                                        \
     NULL,                                                                                           \
     "The first wait after a failed attempt; each further one doubles."},                            \
        {section "/retry/max", SETTING_DURATION, "1h", 10, 86400000, NULL, "The longest wait."},     \
        {section "/retry/give_up",                                                                   \
         SETTING_DURATION,                                                                           \
         "72h",                                                                                      \
         100,                                                                                        \
         INT64_C(31536000000),                                                                       \
         NULL,                                                                                       \
         "How long a job is tried before it waits for a person."},                                   \
        {section "/calls", SETTING_NUMBER, "8", 1, HTTP_CALLS_MAX, NULL, "Calls at the same time."}, \
        {section "/timeout",         SETTING_DURATION, "10s", 50, 120000, NULL,                      \
         "How long a call may take."},                                                               \
        {section "/rate",                                                                            \
         SETTING_NUMBER,                                                                             \
         "0",                                                                                        \
         0,                                                                                          \
         100000,                                                                                     \
         NULL,                                                                                       \
         "Calls per 10 seconds; 0: what the provider allows."},                                      \
    {                                                                                                \
        section "/probe", SETTING_DURATION, "60s", 50, 3600000, NULL,                                \
            "How often a target that refused our key is asked again."                                \
    }

/* One place that effects go to. crm, support and mailer have one slot, named as the actor; alert
 * has one for each hook. A waiting job whose slot is gone is skipped. */
struct jobs_slot {
    const char *name;
    const struct adapter *adapter;
    const struct settings *settings; /* what the adapter sees; a view for a hook */
};

struct jobs;

/* A job as callbacks see it; borrowed. */
struct jobs_view {
    const char *key;
    const char *kind;
    const char *member;
    const char *slot;
    const char *cause; /* the event that made it, and the first of its chain */
    const char *trace;
    struct job job;
    int64_t version;        /* of the revision wanted */
    const json_t *payload;  /* what it was made with; NULL once it has ended */
    const json_t *learned;  /* by this slot's adapter; may be NULL */
    const json_t *document; /* the member's newest; may be NULL */
    bool look; /* prepare: nothing is done, the target is looked at; NULL: not this one */
};

struct jobs_options {
    struct actor *actor;
    const char *section; /* of JOBS_SETTINGS: "crm" */
    const struct jobs_slot *slots;
    size_t slot_count;

    /* Called when an attempt begins: the payload that the adapter will see (a new tree), from what
     * the job was made with and the newest document of its member (NULL if none). NULL: what the
     * job was made with. A NULL answer with *fault OK means that it is superseded; with DENIED, that a
     * rule forbids it: skipped, and told with `why`; with another fault, dead with `why`. */
    json_t *(*prepare)(void *self, struct store_txn *txn, const struct jobs_view *view,
                       enum fault *fault, struct buf *why);
    /* A job came to an end, or a level job reached a version; inside the transaction. May be NULL.
     */
    enum fault (*ended)(void *self, struct store_txn *txn, const struct jobs_view *view);
    void *self;

    /* How often what a level job showed is looked at, where the adapter can, and done once more where
     * somebody changed it there; 0: never. `differing` is the type of the event that tells of it. */
    int64_t look_every_ms;
    const char *differing;
};

/* Makes the engine; with check_only it only checks the settings (and `why` says what is wrong). */
enum fault jobs_new(const struct jobs_options *options, bool check_only, struct jobs **out,
                    struct buf *why) NODISCARD;
void jobs_destroy(struct jobs **out);

/* What a job is made with. Texts that are NULL count as "". */
struct jobs_spec {
    const char *key;
    const char *kind;
    const char *member; /* "": none */
    const char *order;  /* jobs with the same one go in order; "": those of the member do */
    const char *slot;
    const char *who; /* the person who asked for it */
    const json_t *payload;
    int64_t settle_ms;  /* waits so long, counted from the event's time, then tested again */
    int64_t version;    /* jobs_want only */
    bool bulk;          /* behind fresh ones */
    bool from_document; /* superseded when its key leaves the member's document */
};

/* One that happens once: nothing if the key is known (unless superseded). The event is its cause:
 * its id, trace and time are kept. */
enum fault jobs_add(struct jobs *jobs, struct store_txn *txn, const struct jobs_spec *spec,
                    const struct event *event) NODISCARD;

/* One that makes the target show the document of `event` (its seq is the revision that counts, the
 * version is for people); a newer one takes the place of an older. */
enum fault jobs_want(struct jobs *jobs, struct store_txn *txn, const struct jobs_spec *spec,
                     const struct event *event) NODISCARD;

/* A new key is known from now on, and told as skipped: decided by a rule (too old). `why` stands in
 * the event. A job that is there already stays as it is: it has waited because it had to. */
enum fault jobs_skip(struct jobs *jobs, struct store_txn *txn, const struct jobs_spec *spec,
                     const struct event *event, const char *why) NODISCARD;

/* To be called first for every event: member.* keeps the newest document, job.* re-marks own keys
 * after a rebuild, admin.retried and admin.skipped act on jobs of this actor, admin.paused and
 * admin.resumed on a slot, others are ignored. A paused slot's jobs wait and spend no attempts,
 * nothing is asked of its target, and the time that they are tried for begins anew when it goes on
 * (without waiting for what the target asked us to wait); calls that are under way end as they
 * end. */
enum fault jobs_apply(struct jobs *jobs, struct store_txn *txn,
                      const struct event *event) NODISCARD;

/* For member.* events of an edge-triggered actor: a job for each effect of the document whose "to"
 * is `to`, in the only slot; open jobs whose key the document no longer names are superseded.
 * `too_old_ms` > 0: a cause older than that, seen from the event's time, is skipped. */
enum fault jobs_member_effects(struct jobs *jobs, struct store_txn *txn, const struct event *event,
                               const char *to, int64_t too_old_ms) NODISCARD;

/* The newest document of a member, by any alias: a new tree, or NULL. */
enum fault jobs_member(struct jobs *jobs, struct store_txn *txn, const char *member,
                       json_t **out) NODISCARD;

/* The job of a key. *payload and *learned are new trees (learned: of this slot's adapter). Any out
 * may be NULL. NOT_FOUND. */
enum fault jobs_find(struct jobs *jobs, struct store_txn *txn, const char *key, struct job *job,
                     json_t **payload, json_t **learned) NODISCARD;

/* The jobs of `alias` are jobs of `member` from now on: they keep one order. */
enum fault jobs_rename(struct jobs *jobs, struct store_txn *txn, const char *alias,
                       const char *member) NODISCARD;

/* admin.resent: once more what happens once and is at an end (done, uncertain, dead, skipped), as a
 * job of its own: "<key>:again:<8 hex of the event id's hash>". What it is made with comes from the
 * newest document as far as that still names the key. Anything else is ignored and logged. */
enum fault jobs_resend(struct jobs *jobs, struct store_txn *txn,
                       const struct event *event) NODISCARD;

/* A person asked for a level job to be asserted again. */
enum fault jobs_resync(struct jobs *jobs, struct store_txn *txn, const char *key,
                       const struct event *event) NODISCARD;

void jobs_committed(struct jobs *jobs);

/* {"ask":"jobs"}, {"ask":"member"}, {"ask":"problems"} (what fails, a group for each cause),
 * {"ask":"like"} (the keys of the jobs that fail like one); NULL with NOT_FOUND for another. */
json_t *jobs_answer(struct jobs *jobs, const json_t *question, enum fault *fault);

/* Counters: open jobs by state, calls, outcomes, targets. */
void jobs_report(struct jobs *jobs, json_t *into);

#endif
