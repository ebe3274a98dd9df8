/* answers.c - what people ask of the actor: to look, how far it is, what it found. */
#include "backfill_core.h"

#include "clock.h"
#include "must.h"
#include "values.h"

#include <string.h>

enum { LINES_A_PAGE = 50 };

/* The first reason for which no source can be asked; "" if one can. */
static void why_not(const struct backfill *backfill, char words[KEY_WORDS_BYTES])
{
    snprintf(words, KEY_WORDS_BYTES, "no payment provider is configured whose API can be read");
    for (size_t i = 0; i < backfill->remote_count; i++) {
        char *key = NULL;
        bool usable = key_take(backfill->remotes[i], &key, words);
        key_drop(&key);
        if (usable) {
            words[0] = '\0';
            return;
        }
    }
}

/* What a person may expect and does not get. */
static void say_skipped(const struct backfill *backfill, struct run *run)
{
    for (size_t i = 0; i < backfill->sources.count; i++) {
        const struct source *source = &backfill->sources.all[i];
        if (source->provider->kind == SOURCE_PAYMENT && !remote_named(backfill, source->name)) {
            run_trouble(run, "%s: the API of %s is not read yet", source->name,
                        source->provider->name);
        }
    }
}

/* Those of sources that we know. */
static json_t *customers_of(const struct backfill *backfill, const json_t *wanted)
{
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(wanted) && json_array_size(list) < RUN_CUSTOMERS_MAX;
         i++) {
        json_t *customer = json_array_get(wanted, i);
        if (remote_named(backfill, tree_text(customer, "source")) &&
            api_is_id(tree_text(customer, "id"))) {
            MUST(json_array_append(list, customer) == 0);
        }
    }
    return list;
}

/* Why it cannot begin now; NULL if it can. */
static const char *busy_with(const struct backfill *backfill)
{
    enum run_stage stage = backfill->run.stage;
    if (stage == RUN_LISTING || stage == RUN_PUBLISHING) {
        return "another look is under way; this one waits for its end";
    }
    return actor_caught_up(backfill->actor) ? NULL : "it is still reading the journal";
}

static struct run run_asked_for(const struct backfill *backfill, const json_t *question)
{
    int64_t days = tree_int(question, "days"), now_ms = clock_wall_ms();
    const json_t *customers = tree_get(question, "customers");
    days = days > 0 && days < RUN_DAYS_MAX ? days : RUN_DAYS_MAX;
    struct run run = {.kind = customers ? RUN_MEMBER : RUN_ASKED,
                      .apply = tree_flag(question, "apply"),
                      .states = true,
                      .since_s = (now_ms - days * DAY_MS) / 1000,
                      .until_s = (now_ms - backfill->settle_ms) / 1000,
                      .started_ms = now_ms};
    run.customers = customers ? customers_of(backfill, customers) : NULL;
    say_skipped(backfill, &run);
    return run;
}

static json_t *answer_run(struct backfill *backfill, const json_t *question, enum fault *fault)
{
    char words[KEY_WORDS_BYTES];
    json_t *answer = json_object();
    const char *busy = busy_with(backfill);
    why_not(backfill, words);
    if (*words || busy) {
        tree_set_text(answer, *words ? "refused" : "busy", *words ? words : busy);
        return answer;
    }
    struct run run = run_asked_for(backfill, question);
    if (run.customers && json_array_size(run.customers) == 0) {
        tree_set_text(answer, "refused", "no customer of a provider whose API can be read");
        run_fini(&run);
        return answer;
    }
    *fault = keep_begin(backfill, &run);
    tree_set(answer, "run", run_tree(&backfill->run));
    if (*fault != OK) {
        json_decref(answer);
        return NULL;
    }
    return answer;
}

static bool add_line(void *self, struct slice key, struct slice value)
{
    json_t *answer = self, *line = NULL, *lines = tree_get(answer, "lines");
    if (key.len == 8 && value_unpack(value.bytes, value.len, &line) == OK) {
        MUST(json_array_append_new(lines, line) == 0);
        tree_set_int(answer, "next", (int64_t)store_key_number(key.bytes) + 1);
    }
    return json_array_size(lines) < LINES_A_PAGE;
}

static json_t *answer_lines(struct backfill *backfill, const json_t *question, enum fault *fault)
{
    struct store_txn *txn = NULL;
    uint8_t from[8];
    json_t *answer = json_object();
    tree_set(answer, "lines", json_array());
    int64_t after = tree_int(question, "after");
    store_key_u64(after > 0 ? (uint64_t)after : 0, from);
    *fault = store_begin(actor_store(backfill->actor), false, &txn);
    if (*fault == OK) {
        *fault = store_scan(txn, TABLE_LINES, (struct slice){NULL, 0},
                            (struct slice){from, sizeof from}, false, add_line, answer);
    }
    store_abort(&txn);
    if (*fault != OK) {
        json_decref(answer);
        return NULL;
    }
    return answer;
}

json_t *backfill_answer(void *state, const char *who, const json_t *question, enum fault *fault)
{
    (void)who;
    struct backfill *backfill = state;
    const char *ask = tree_text(question, "ask");
    *fault = OK;
    if (strcmp(ask, "run") == 0) {
        return answer_run(backfill, question, fault);
    }
    if (strcmp(ask, "progress") == 0) {
        json_t *answer = json_object();
        tree_set(answer, "run", run_tree(&backfill->run));
        return answer;
    }
    if (strcmp(ask, "lines") == 0) {
        return answer_lines(backfill, question, fault);
    }
    *fault = FAULT_NOT_FOUND;
    return NULL;
}
