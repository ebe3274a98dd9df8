#include "outcomes.h"

#include "values.h"

#include <string.h>

enum share { TAKEN, NOISE, SIGNATURE, OWN };

static const struct {
    const char *name;
    enum share share;
} rows[OUTCOME_COUNT] = {
#define X(name, text, share) {text, share},
#include "outcome_table.h"
#undef X
};

const char *outcome_name(enum outcome outcome)
{
    return outcome < OUTCOME_COUNT ? rows[outcome].name : "unknown";
}

enum outcome outcome_find(const char *name)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return (enum outcome)i;
        }
    }
    return OUTCOME_COUNT;
}

bool outcome_is_trouble(enum outcome outcome)
{
    return rows[outcome].share == SIGNATURE || rows[outcome].share == OWN;
}

static uint64_t sum_of(const struct outcomes *outcomes, enum share share)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        sum += rows[i].share == share ? outcomes->counts[i] : 0;
    }
    return sum;
}

uint64_t outcomes_refused(const struct outcomes *outcomes)
{
    return sum_of(outcomes, NOISE) + sum_of(outcomes, SIGNATURE) + sum_of(outcomes, OWN);
}

json_t *outcomes_refusals(const struct outcomes *outcomes)
{
    json_t *tree = json_object();
    tree_set_int(tree, "noise", (int64_t)sum_of(outcomes, NOISE));
    tree_set_int(tree, "signature", (int64_t)sum_of(outcomes, SIGNATURE));
    tree_set_int(tree, "own", (int64_t)sum_of(outcomes, OWN));
    return tree;
}

json_t *outcomes_data(const struct outcomes *outcomes, int64_t since_ms, int64_t until_ms)
{
    json_t *data = json_object(), *reasons = json_object();
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        if (rows[i].share != TAKEN && outcomes->counts[i]) {
            tree_set_int(reasons, rows[i].name, (int64_t)outcomes->counts[i]);
        }
    }
    tree_set_int(data, "since", since_ms);
    tree_set_int(data, "until", until_ms);
    tree_set_int(data, "total", (int64_t)outcomes_refused(outcomes));
    tree_set_int(data, "signatures", (int64_t)sum_of(outcomes, SIGNATURE));
    tree_set_int(data, "own", (int64_t)sum_of(outcomes, OWN));
    tree_set(data, "reasons", reasons);
    return data;
}

json_t *outcomes_tree(const struct outcomes *outcomes)
{
    json_t *tree = json_object();
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        if (outcomes->counts[i]) {
            tree_set_int(tree, rows[i].name, (int64_t)outcomes->counts[i]);
        }
    }
    return tree;
}
