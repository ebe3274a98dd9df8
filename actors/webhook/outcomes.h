/* outcomes.h - what became of deliveries, counted.
 *
 * Use        outcomes_count() with each; outcomes_data() makes what webhook.refused carries from
 *            the refusals of one interval. */
#ifndef USHER_OUTCOMES_H
#define USHER_OUTCOMES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum outcome {
#define X(name, text, share) name,
#include "outcome_table.h"
#undef X
    OUTCOME_COUNT
};

struct outcomes {
    uint64_t counts[OUTCOME_COUNT];
};

const char *outcome_name(enum outcome outcome);
/* OUTCOME_COUNT for an unknown name. */
enum outcome outcome_find(const char *name);
/* A refusal that a person should hear of: not a scanner's noise. */
bool outcome_is_trouble(enum outcome outcome);

uint64_t outcomes_refused(const struct outcomes *outcomes);
/* Refused, by whose trouble it is: {"noise":n,"signature":n,"own":n} */
json_t *outcomes_refusals(const struct outcomes *outcomes);

/* {"since":ms,"until":ms,"total":n,"signatures":n,"own":n,"reasons":{"forged":n,...}} */
json_t *outcomes_data(const struct outcomes *outcomes, int64_t since_ms, int64_t until_ms);

/* Every outcome that happened, by name. */
json_t *outcomes_tree(const struct outcomes *outcomes);

#endif
