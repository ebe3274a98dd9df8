#include "run.h"

#include "must.h"
#include "values.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TROUBLES_MAX = 20, WAIT_MS_MAX = 60000, RETRY_AFTER_MS_MAX = 600000 };

static const struct sweep_row sweeps[] = {
#define X(name, word, path, query, customer, right) {word, path, query, customer, right},
#include "sweep_table.h"
#undef X
};

static const char *const kinds[RUN_KINDS] = {"hourly", "daily", "asked", "member"};
static const char *const stages[RUN_STAGES] = {"none", "listing", "publishing", "ended"};

/* Every event first: what happened explains most of what is so. */
static const enum sweep everybody[] = {SWEEP_CUSTOMERS, SWEEP_SUBSCRIPTIONS, SWEEP_SESSIONS,
                                       SWEEP_REFUNDS, SWEEP_DISPUTES};
static const enum sweep somebody[] = {SWEEP_CUSTOMERS, SWEEP_SUBSCRIPTIONS, SWEEP_INVOICES,
                                      SWEEP_SESSIONS, SWEEP_CHARGES};
enum {
    EVERYBODY_STEPS = sizeof everybody / sizeof *everybody,
    SOMEBODY_STEPS = sizeof somebody / sizeof *somebody
};

const struct sweep_row *sweep_row(enum sweep sweep)
{
    return &sweeps[sweep];
}

const char *run_kind_word(enum run_kind kind)
{
    return kinds[kind];
}

const char *run_stage_word(enum run_stage stage)
{
    return stages[stage];
}

/* --- the tree -------------------------------------------------------------------------------- */

enum field_kind { NUMBER, FLAG, TEXT };

static const struct field {
    const char *name;
    enum field_kind kind;
    size_t offset, room;
} fields[] = {
#define FIELD(kind, name)                                                                          \
    {                                                                                              \
#name, kind, offsetof(struct run, name), sizeof((struct run *)0)->name                     \
    }
    FIELD(TEXT, id),           FIELD(FLAG, apply),      FIELD(FLAG, states),
    FIELD(FLAG, failed),       FIELD(NUMBER, since_s),  FIELD(NUMBER, until_s),
    FIELD(NUMBER, started_ms), FIELD(NUMBER, ended_ms), FIELD(NUMBER, step),
    FIELD(NUMBER, pages),      FIELD(NUMBER, tries),    FIELD(NUMBER, limit),
    FIELD(TEXT, after),        FIELD(TEXT, words),      FIELD(NUMBER, looked),
    FIELD(NUMBER, missing),    FIELD(NUMBER, drifted),  FIELD(NUMBER, applied),
    FIELD(NUMBER, late),       FIELD(NUMBER, skipped),  FIELD(NUMBER, next_row),
#undef FIELD
};

static int find_word(const char *const *words, int count, const char *word)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

void run_fini(struct run *run)
{
    json_decref(run->customers);
    json_decref(run->types);
    json_decref(run->troubles);
    *run = (struct run){.stage = RUN_NONE};
}

json_t *run_tree(const struct run *run)
{
    json_t *tree = json_object();
    tree_set_text(tree, "kind", run_kind_word(run->kind));
    tree_set_text(tree, "stage", run_stage_word(run->stage));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const void *at = (const char *)run + fields[i].offset;
        if (fields[i].kind == NUMBER) {
            tree_set_int(tree, fields[i].name, *(const int64_t *)at);
        } else if (fields[i].kind == FLAG) {
            tree_set_flag(tree, fields[i].name, *(const bool *)at);
        } else {
            tree_set_text(tree, fields[i].name, at);
        }
    }
    if (run->customers) {
        tree_set(tree, "customers", json_incref(run->customers));
    }
    tree_set(tree, "types", run->types ? json_incref(run->types) : json_object());
    tree_set(tree, "troubles", run->troubles ? json_incref(run->troubles) : json_array());
    return tree;
}

enum fault run_read(const json_t *tree, struct run *run)
{
    *run = (struct run){.stage = RUN_NONE};
    int kind = find_word(kinds, RUN_KINDS, tree_text(tree, "kind"));
    int stage = find_word(stages, RUN_STAGES, tree_text(tree, "stage"));
    if (kind < 0 || stage < 0) {
        return FAULT_MALFORMED;
    }
    run->kind = (enum run_kind)kind;
    run->stage = (enum run_stage)stage;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        void *at = (char *)run + fields[i].offset;
        if (fields[i].kind == NUMBER) {
            *(int64_t *)at = tree_int(tree, fields[i].name);
        } else if (fields[i].kind == FLAG) {
            *(bool *)at = tree_flag(tree, fields[i].name);
        } else {
            snprintf(at, fields[i].room, "%s", tree_text(tree, fields[i].name));
        }
    }
    json_t *customers = tree_get(tree, "customers"), *types = tree_get(tree, "types");
    json_t *troubles = tree_get(tree, "troubles");
    run->customers = json_is_array(customers) ? json_incref(customers) : NULL;
    run->types = json_is_object(types) ? json_incref(types) : json_object();
    run->troubles = json_is_array(troubles) ? json_incref(troubles) : json_array();
    return OK;
}

void run_trouble(struct run *run, const char *format, ...)
{
    char words[RUN_WORDS_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    run->troubles = run->troubles ? run->troubles : json_array();
    for (size_t i = 0; i < json_array_size(run->troubles); i++) {
        if (strcmp(json_string_value(json_array_get(run->troubles, i)), words) == 0) {
            return;
        }
    }
    json_t *text = json_string(words);
    if (text && json_array_size(run->troubles) < TROUBLES_MAX) {
        MUST(json_array_append_new(run->troubles, text) == 0);
    } else {
        json_decref(text);
    }
}

void run_count(struct run *run, const char *type)
{
    run->types = run->types ? run->types : json_object();
    tree_set_int(run->types, type, tree_int(run->types, type) + 1);
}

/* --- the plan -------------------------------------------------------------------------------- */

static bool step_of_customers(const struct run *run, int64_t number, const char *const *names,
                              size_t name_count, struct step *step)
{
    const json_t *who = json_array_get(run->customers, (size_t)number / SOMEBODY_STEPS);
    const char *source = tree_text(who, "source");
    for (size_t i = 0; who && i < name_count; i++) {
        if (strcmp(names[i], source) == 0) {
            *step = (struct step){.source = i,
                                  .sweep = somebody[number % SOMEBODY_STEPS],
                                  .customer = tree_text(who, "id")};
            return true;
        }
    }
    return false;
}

bool run_step(const struct run *run, int64_t number, const char *const *names, size_t name_count,
              size_t batches, struct step *step)
{
    if (number < 0) {
        return false;
    }
    if (run->kind == RUN_MEMBER) {
        return step_of_customers(run, number, names, name_count, step);
    }
    size_t each = batches + (run->states ? EVERYBODY_STEPS : 0);
    size_t source = (size_t)number / each, of_source = (size_t)number % each;
    if (source >= name_count) {
        return false;
    }
    bool events = of_source < batches;
    *step = (struct step){.source = source,
                          .sweep = events ? SWEEP_EVENTS : everybody[of_source - batches],
                          .batch = events ? of_source : 0};
    return true;
}

int64_t run_since_s(int64_t now_s, int64_t back_s, int64_t covered_s)
{
    int64_t oldest_s = now_s - RUN_DAYS_MAX * (int64_t)86400, since_s = now_s - back_s;
    since_s = covered_s > 0 && covered_s < since_s ? covered_s : since_s;
    return since_s > oldest_s ? since_s : oldest_s;
}

void run_next_step(struct run *run)
{
    run->step++;
    run->pages = run->tries = 0;
    run->limit = API_PAGE_ITEMS_MAX;
    run->after[0] = run->words[0] = '\0';
}

int64_t run_wait_ms(int64_t tries, int64_t first_ms, int64_t retry_after_ms, uint64_t salt)
{
    int64_t wait_ms = first_ms;
    for (int64_t i = 1; i < tries && wait_ms < WAIT_MS_MAX; i++) {
        wait_ms *= 2;
    }
    wait_ms = wait_ms < WAIT_MS_MAX ? wait_ms : WAIT_MS_MAX;
    wait_ms = wait_ms / 2 + (int64_t)(salt % (uint64_t)(wait_ms / 2 + 1));
    int64_t said_ms = retry_after_ms < RETRY_AFTER_MS_MAX ? retry_after_ms : RETRY_AFTER_MS_MAX;
    return wait_ms > said_ms ? wait_ms : said_ms;
}
