/* handle_rules.c - the rules as they hold here, and what they made of a past event. */
#include "handlers.h"

#include "clock.h"
#include "must.h"
#include "projection.h"
#include "read.h"
#include "reply.h"
#include "rules.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

/* The text is rules_tree()'s, which is what `usher rules` prints; the counts are of the projection. */
static void add_counts(json_t *rules, const json_t *counts)
{
    json_t *rule;
    size_t i;
    json_array_foreach(rules, i, rule)
    {
        const json_t *seen = tree_get(counts, tree_text(rule, "name"));
        const char *last = tree_text(seen, "last_at");
        tree_set_int(rule, "count", tree_int(seen, "count"));
        tree_set(rule, "last_at", *last ? json_string(last) : json_null());
    }
}

static enum fault look_rules(struct store_txn *txn, const struct visit *visit, json_t **answer)
{
    struct rules *rules = must_calloc(1, sizeof *rules);
    struct buf why = {0};
    json_t *counts = NULL;
    enum fault fault = rules_load(actor_home(visit->console->actor), rules, &why);
    if (fault == FAULT_CONFIG) { /* a mistake was made since the start: what held then holds */
        rules_default(rules);
        fault = OK;
    }
    fault = fault == OK ? projection_rules(txn, &counts) : fault;
    if (fault == OK) {
        *answer = json_object();
        json_t *list = rules_tree(rules);
        add_counts(list, counts);
        tree_set(*answer, "rules", list);
        tree_set_int(*answer, "grace", rules->grace_ms);
        tree_set(*answer, "mistake", why.len ? json_string(buf_text(&why)) : json_null());
    }
    json_decref(counts);
    buf_fini(&why);
    free(rules);
    return fault;
}

void rules_show(struct visit *visit)
{
    read_answer(visit, look_rules);
}

/* --- a past event ------------------------------------------------------------------------------ */

static void add_happened(json_t *happened, const json_t *line)
{
    const char *type = tree_text(line, "type");
    if (strncmp(type, "member.", 7) != 0 && strncmp(type, "job.", 4) != 0 &&
        strncmp(type, "alert.", 6) != 0) {
        return;
    }
    json_t *shown = json_object();
    const char *rule = tree_text(line, "rule");
    tree_set(shown, "text", json_incref(tree_get(line, "text")));
    tree_set(shown, "rule", *rule ? json_string(rule) : json_null());
    tree_set(shown, "lane", json_incref(tree_get(line, "lane")));
    MUST(json_array_append_new(happened, shown) == 0);
}

static enum fault look_try(struct store_txn *txn, const struct visit *visit, json_t **answer)
{
    json_t *trace = NULL, *line, *happened = json_array();
    enum fault fault = projection_trace(txn, read_query(visit, "event"), &trace);
    size_t i;
    json_array_foreach(tree_get(trace, "events"), i, line)
    {
        add_happened(happened, line);
    }
    if (fault == OK) {
        const json_t *first = json_array_get(tree_get(trace, "events"), 0);
        *answer = json_object();
        tree_set_text(*answer, "event", tree_text(first, "id"));
        tree_set(*answer, "text", json_string(tree_text(first, "text")));
        tree_set(*answer, "happened", json_incref(happened));
    }
    json_decref(happened);
    json_decref(trace);
    return fault;
}

void rules_try(struct visit *visit)
{
    read_answer(visit, look_try);
}
