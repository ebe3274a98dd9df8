/* run.h - one look for what is missing: its plan, and how far it is. Pure.
 *
 * A run goes through its steps in order, each a list of the provider's that is read page by page.
 * What is found is kept, and published at the end (or in between, when there is much of it). All of
 * a run is one small tree in the store, written together with what a page brought, so that a run
 * that was killed goes on with the next page.
 *
 * Use        run_step() is the step that it is at, run_next_step() goes on; run_tree() and
 *            run_read() for the store.
 * Limits     RUN_PAGES_MAX pages a step; RUN_CUSTOMERS_MAX customers of one run. */
#ifndef USHER_RUN_H
#define USHER_RUN_H

#include "api.h"

#include <jansson.h>

enum sweep {
#define X(name, word, path, query, customer, right) name,
#include "sweep_table.h"
#undef X
    SWEEP_COUNT
};

struct sweep_row {
    const char *word, *path, *query, *customer, *right;
};
const struct sweep_row *sweep_row(enum sweep sweep);

enum { RUN_DAYS_MAX = 30 }; /* so far back the provider keeps events */
enum { RUN_PAGES_MAX = 50000, RUN_CUSTOMERS_MAX = 50, RUN_ID_BYTES = 48, RUN_WORDS_BYTES = 240 };

enum run_kind { RUN_HOURLY, RUN_DAILY, RUN_ASKED, RUN_MEMBER, RUN_KINDS };
enum run_stage { RUN_NONE, RUN_LISTING, RUN_PUBLISHING, RUN_ENDED, RUN_STAGES };

struct run {
    char id[RUN_ID_BYTES];
    enum run_kind kind;
    enum run_stage stage;
    bool apply;
    bool states; /* lists what is so now as well, not only what happened */
    bool failed;
    int64_t since_s, until_s;
    int64_t started_ms, ended_ms;
    /* where it is */
    int64_t step;
    int64_t pages; /* of this step */
    int64_t tries; /* in vain, one after the other */
    int64_t limit; /* objects a page */
    char after[API_ID_BYTES_MAX + 1];
    char words[RUN_WORDS_BYTES]; /* what it waits for, "" if it does not */
    /* what came of it */
    int64_t looked, missing, drifted, applied, late, skipped;
    int64_t next_row;  /* of what is found */
    json_t *customers; /* of RUN_MEMBER: [{"source", "id"}], else NULL */
    json_t *types;     /* {"payment.refunded": 2} of what is missing or drifted */
    json_t *troubles;  /* [text] */
};

const char *run_kind_word(enum run_kind kind);
const char *run_stage_word(enum run_stage stage);

void run_fini(struct run *run);
/* As it stands in the store and is shown to people. */
json_t *run_tree(const struct run *run);
/* FAULT_MALFORMED if it is none; *run has to be run_fini()ed in any case. */
enum fault run_read(const json_t *tree, struct run *run) NODISCARD;

/* A line that is said once. */
void run_trouble(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_count(struct run *run, const char *type);

struct step {
    size_t source; /* from 0 */
    enum sweep sweep;
    size_t batch;         /* of the event types */
    const char *customer; /* NULL: everybody; borrowed from the run */
};

/* The step of that number; false behind the last one. `names` are the sources', `batches` how many
 * calls it takes to name all event types. */
bool run_step(const struct run *run, int64_t number, const char *const *names, size_t name_count,
              size_t batches, struct step *step);

/* From when on events are listed: so far back, farther if that much was not covered by earlier runs
 * (the provider was out of reach), but never farther than the provider keeps them. */
int64_t run_since_s(int64_t now_s, int64_t back_s, int64_t covered_s);

/* On to the next step. */
void run_next_step(struct run *run);

/* How long to wait after so many tries in vain: doubles from first_ms up to a minute, longer if the
 * provider says so, but at most ten minutes; `salt` spreads it. */
int64_t run_wait_ms(int64_t tries, int64_t first_ms, int64_t retry_after_ms, uint64_t salt);

#endif
