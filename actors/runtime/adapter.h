/* adapter.h - one provider that effects go to: one const struct in one file.
 *
 * Use        request() builds the call of a step, outcome() classifies its answer; both are pure,
 *            so an adapter's test is a table of bytes. A job of several calls is a few steps:
 *            outcome() says VERDICT_STEP and which comes next. An embedded provider (a folder, the
 *            actor's own store) has perform() instead of both.
 * Promise    An adapter never retries, stores, waits or logs. What it learns (the target's contact
 *            id) it puts into verdict->learned; the engine keeps it with the job, shows it as
 *            task->learned at the next attempt, and carries it in job.done, so that a rebuilt
 *            store knows it again. What a repeat must not decide anew is kept before the next
 *            step's call leaves, if verdict->keep asks for it.
 *            A key that only opens a session (OAuth2 client credentials) has login() and token():
 *            the engine logs in before the first call, shows the token as task->token, keeps it in
 *            memory, and logs in again when it is about to end, and once for an attempt whose call
 *            is refused (401) before that counts.
 * Ownership  Everything in a task is borrowed for the call. */
#ifndef USHER_ADAPTER_H
#define USHER_ADAPTER_H

#include "http_out.h"
#include "settings.h"
#include "store.h"
#include "values.h"

#include <jansson.h>

/* What is to be done, as an adapter sees it. */
struct task {
    const char *key; /* the job's: the same over all attempts */
    const char *kind;
    const char *member;
    int64_t version;
    int attempt;           /* from 1 */
    bool repeat;           /* an earlier attempt may have got through: look before writing */
    const json_t *payload; /* what the actor prepared */
    const json_t *learned; /* by earlier attempts and steps; an object, never NULL */
    int64_t created_ms;    /* stable over all attempts */
    int64_t began_ms;      /* this attempt: for what a provider forgets after a time */
    const char *secret;    /* first line of the target's secret setting; "" without one */
    const char *token;     /* what login() gave; "" without one */
    const struct settings *settings;
};

enum verdict_kind {
    VERDICT_DONE,
    VERDICT_STEP,      /* go on with step `step` of this attempt */
    VERDICT_AGAIN,     /* try again later, not before retry_after_ms */
    VERDICT_NEVER,     /* this job: dead letter */
    VERDICT_REFUSED,   /* our key is refused (401): the target is paused */
    VERDICT_FORBIDDEN, /* 403: REFUSED if the probe is refused too, else NEVER */
    VERDICT_UNCERTAIN, /* may have been done, and a repeat would be seen */
    VERDICT_DIFFERS    /* of looked() alone: the target does not show what it was told */
};

enum { VERDICT_WORDS_BYTES = 240 };

struct verdict {
    enum verdict_kind kind;
    int step;
    int64_t retry_after_ms;
    int64_t hold_ms; /* AGAIN: a quota is used up, nothing is sent to this target for so long; costs
                        the job no attempt. 0: this job alone (a 429 holds all by itself, shortly) */
    int64_t
        bulk_hold_ms; /* whatever the kind: what is not fresh waits for so long, since the target's
                             quota is nearly used up */
    bool alone;     /* AGAIN: a 429 that speaks of this job's object only, and holds nobody else */
    bool ambiguous; /* AGAIN: the attempt may have got through */
    bool keep;      /* STEP: `learned` is durable before its call leaves */
    char words[VERDICT_WORDS_BYTES]; /* for a person; never a body, an address or a secret */
    json_t *learned;                 /* an object to add to; made by the engine */
};

struct adapter {
    const char *name;
    const struct setting *settings; /* rows of its own, ends with a NULL path; may be NULL */
    const char *secret;             /* path of its key in the settings; NULL: none */
    bool every_line;                /* task->secret is all of it, not the first line alone */
    int calls_per_10s;              /* no more in any ten seconds; 0: no limit */
    int calls_at_once;              /* no more at the same time, whatever is set; 0: no limit */
    int steps_max;                  /* a job of more steps is dead: our bug, bounded */

    const char *asks; /* a kind of job that only asks it something; NULL: none */

    /* Says what is missing in the settings. Called by --check and at start. May be NULL. */
    bool (*check)(const struct settings *settings, struct buf *why);

    /* FAULT_MALFORMED or TOO_LARGE: this job can never be sent (dead letter); call->why has words. */
    enum fault (*request)(const struct task *task, int step, struct call *call);
    void (*outcome)(const struct task *task, int step, const struct answer *answer,
                    struct verdict *verdict);

    /* Both or neither. login() builds the call that asks for a token; token() reads its answer:
     * DONE with a new text, and its lifetime if it is said, else what verdict_login() says. */
    enum fault (*login)(const struct settings *settings, const char *secret, struct call *call);
    void (*token)(const struct answer *answer, char **token, int64_t *lifetime_ms,
                  struct verdict *verdict);

    /* A harmless call that needs our key (with login(): the token); NULL: the target has no key to
     * refuse, or logging in says enough. Any answer but 401, 403 and a failure to get one means
     * that the key is taken. */
    enum fault (*probe)(const struct settings *settings, const char *secret, struct call *call);

    /* Does the target still show what a job that is done told it? Reading only, in one call:
     * looked() says DONE if it does, DIFFERS with words for what is wrong (the job is then done
     * once more), and anything else if that is not known. look()'s NOT_FOUND differs, too: it never
     * was there. NULL: it cannot be looked at. */
    enum fault (*look)(const struct task *task, int step, struct call *call);
    void (*looked)(const struct task *task, int step, const struct answer *answer,
                   struct verdict *verdict);

    /* Embedded providers: does it, inside the transaction in which the job becomes done. */
    void (*perform)(const struct task *task, struct store_txn *txn, struct verdict *verdict);
};

/* The one of that name in a list that ends with NULL; it is there: the setting is a choice of them. */
const struct adapter *adapter_find(const struct adapter *const *adapters, const char *name);

/* Classifies an answer by its fault and HTTP status alone, as the house does: 2xx done; 408, 425,
 * 429, 5xx, no answer: again; 401 refused; 403 forbidden; other: never. Adapters look at what they
 * know better first. Words name the status. */
void verdict_http(const struct answer *answer, struct verdict *verdict);

/* The same for a login: what is no trouble of the target is our key refused, by any status. */
void verdict_login(const struct answer *answer, struct verdict *verdict);

/* token() of a login by OAuth2 (RFC 6749, 5.1): access_token and, if it is said, expires_in. */
void token_oauth2(const struct answer *answer, char **token, int64_t *lifetime_ms,
                  struct verdict *verdict);

/* What verdict_http() is for HTTP, for a reply of an SMTP server: 2xx done, 4xx again, 5xx never,
 * 535 and its like refused; lost after the final dot: uncertain. */
void verdict_smtp(const struct answer *answer, struct verdict *verdict);

void verdict_set(struct verdict *verdict, enum verdict_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The body of a call, compact and with sorted keys, and its Content-Type. Takes the tree. */
enum fault call_json(struct call *call, json_t *tree) NODISCARD;

/* The headers of Standard Webhooks over the body as it stands: `id` is the idempotency key, the same
 * over all attempts. MALFORMED if `secrets` has no key of that format. */
enum fault call_sign(struct call *call, const char *secrets, const char *id,
                     int64_t now_ms) NODISCARD;

/* First line of a secret of several lines: the one to use; *rest is behind it. */
void secret_line(const char *secret, char *line, size_t room);

#endif
