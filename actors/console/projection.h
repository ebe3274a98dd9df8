/* projection.h - what the console makes of the journal, to answer pages without asking anybody.
 *
 * Use        projection_apply() for every event, in the batch's transaction; the others in one that
 *            only reads. Answers are shaped as schemas.json says, without the envelope.
 * Promise    A function of the journal alone: dropped and made again it is the same to the byte,
 *            however the events were batched. No clock; payloads are not copied, they stay in the
 *            journal (actor_read). Whatever a name contains, it breaks no key.
 * Tables     LINES     seq -> what happened, as a line (line.h) with id, cause, trace and source
 *            IDS       era, hash of an event's id -> seq
 *            TRACES    seq of a trace's first event, seq
 *            FAMILIES  "payment", seq: events of a family
 *            MEMBERS   id -> the newest document, and since when
 *            NAMES     every name somebody is known by, member
 *            WORDS     every word to find somebody by, member
 *            LISTS     "" or a state or access, seq -> member: by the newest change
 *            TIMELINE  member, seq -> lane
 *            LANES     member, actor -> the newest job.* there
 *            JOBS      hash of actor and key, seq
 *            OUTCOMES  hash of an admin event's id -> how the member was before and after
 *            ALERTS    rule, object -> one that stands; SILENCES rule, object -> until when
 *            COUNTS    numbers by name: members by state, payments of a day, uses of a rule
 *            GLANCES   member -> access, state, name and words: what a list looks at first
 * Ownership  Answers are new trees; NULL with a fault.
 * Limits     A page has at most PROJECTION_PAGE_MAX rows.
 * Threads    One. */
#ifndef USHER_PROJECTION_H
#define USHER_PROJECTION_H

#include "actor.h"

#include <jansson.h>

#define PROJECTION_TABLE_NAMES                                                                     \
    "lines", "ids", "traces", "families", "members", "names", "words", "lists", "timeline",        \
        "lanes", "jobs", "outcomes", "alerts", "silences", "counts", "glances"

enum { PROJECTION_PAGE_MAX = 500 };

/* *line: what happened, with the member's name where it is known; NULL if it is nothing to show. */
enum fault projection_apply(struct store_txn *txn, const struct event *event,
                            json_t **line) NODISCARD;

/* --- members ----------------------------------------------------------------------------------- */

struct members_query {
    const char *text;   /* words, each the beginning of one that the member has; "": all */
    const char *state;  /* "": any */
    const char *access; /* "true", "false"; "": any */
    const char *after;  /* "next" of the page before */
    size_t limit;
};

enum fault projection_members(struct store_txn *txn, const struct members_query *query,
                              json_t **answer) NODISCARD;
/* The newest document by any name. Of several with one address the one with access, then the one that
 * paid last. NOT_FOUND. */
enum fault projection_member(struct store_txn *txn, const char *who, json_t **document) NODISCARD;
/* Newest first. `lane` "": all. */
enum fault projection_timeline(struct store_txn *txn, const char *member, const char *lane,
                               const char *after, size_t limit, json_t **answer) NODISCARD;
/* {"crm": {state, version, attempts, at, error, key}, ...}, as the actors answer it themselves. */
enum fault projection_lanes(struct store_txn *txn, const char *member, json_t **answer) NODISCARD;

/* --- events ------------------------------------------------------------------------------------ */

/* Of an id, or the provider's bare one. NOT_FOUND. */
enum fault projection_event_seq(struct store_txn *txn, const char *id, uint64_t *seq) NODISCARD;
/* {"trace", "events": [lines with id, cause, trace, source, job]}, oldest first. */
enum fault projection_trace(struct store_txn *txn, const char *id, json_t **answer) NODISCARD;
/* `type`: whole, a family with its dot ("payment."), or "". */
enum fault projection_events(struct store_txn *txn, const char *type, const char *after,
                             size_t limit, json_t **answer) NODISCARD;
/* [{time, state, error, latency_ms, who, event, text}], oldest first. */
enum fault projection_job_history(struct store_txn *txn, const char *actor, const char *key,
                                  json_t **attempts) NODISCARD;
enum fault projection_audit(struct store_txn *txn, const char *who, const char *text,
                            const char *after, size_t limit, json_t **answer) NODISCARD;

/* --- the whole --------------------------------------------------------------------------------- */

/* {standing, history, silences}. */
enum fault projection_alerts(struct store_txn *txn, int64_t now_ms, size_t history,
                             json_t **answer) NODISCARD;
/* {"<rule>": {count, last_at}} */
enum fault projection_rules(struct store_txn *txn, json_t **answer) NODISCARD;
/* {members, with_access, by_state, payments_today, paid_today, mails, bounces} */
enum fault projection_home(struct store_txn *txn, int64_t now_ms, json_t **numbers) NODISCARD;
/* {provider_event, member, crm_done, mail_done} */
enum fault projection_setup(struct store_txn *txn, json_t **seen) NODISCARD;

#endif
