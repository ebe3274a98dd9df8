/* handle_events.c - events: the newest, and one with what it led to. */
#include "handlers.h"

#include "event_view.h"
#include "gather.h"
#include "line.h"
#include "must.h"
#include "plan_view.h"
#include "projection.h"
#include "read.h"
#include "reply.h"
#include "trace_view.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

static enum fault look_list(struct store_txn *txn, const struct visit *visit, json_t **answer)
{
    return projection_events(txn, read_query(visit, "type"), read_query(visit, "after"),
                             read_limit(visit), answer);
}

void events_list(struct visit *visit)
{
    read_answer(visit, look_list);
}

/* --- one --------------------------------------------------------------------------------------- */

/* An event is read from the journal, which is not ours to keep a copy of: one that is asked for by
 * its number, and the lines of its trace from the projection. */
struct wanted {
    struct visit visit;
    uint64_t ticket;
    json_t *trace;
};

static void wanted_fini(struct wanted **out)
{
    json_decref((*out)->trace);
    free(*out);
    *out = NULL;
}

static json_t *make_tree(const json_t *trace)
{
    struct trace_lines lines = {0};
    json_t *none = json_array(), *tree = json_array();
    trace_tree(tree_get(trace, "events"), none, &lines);
    for (size_t i = 0; i < lines.count; i++) {
        const struct trace_line *line = &lines.lines[i];
        json_t *shown = json_object();
        tree_set(shown, "branch", json_string(line->branch));
        tree_set_int(shown, "after_ms", line->after_ms);
        tree_set_text(shown, "actor", line->actor);
        tree_set_text(shown, "type", line->type);
        const char *text = tree_text(line->of, "text");
        tree_set(shown, "text", json_string(*text ? text : line->words));
        tree_set_text(shown, "event", tree_text(line->of, "id"));
        MUST(json_array_append_new(tree, shown) == 0);
    }
    trace_lines_fini(&lines);
    json_decref(none);
    return tree;
}

static void answer_event(const struct visit *visit, const struct event *event, json_t *trace)
{
    json_t *whole = json_object(), *tree = event_json(event), *line = NULL;
    tree_set_int(tree, "seq", (int64_t)event->seq);
    if (line_of(tree, &line)) {
        tree_set(whole, "text", json_incref(tree_get(line, "text")));
    } else {
        tree_set(whole, "text", json_string(event->type));
    }
    json_decref(line);
    if (!reply_shows_names(visit)) { /* a provider's body is about a person in every line */
        view_drop_raw(tree);
    }
    tree_set(whole, "event", tree);
    reply_mask(visit, trace); /* while its lines still say whose they are */
    tree_set(whole, "tree", make_tree(trace));
    tree_set(whole, "plan", plan_view(tree_get(trace, "events")));
    reply_json(visit, 200, whole);
}

static void on_seen(void *self, enum fault fault, const struct event *event)
{
    struct wanted *wanted = self;
    struct visit *visit = &wanted->visit;
    visit->request = web_find(visit->console->web, wanted->ticket);
    if (visit->request && fault == OK) {
        answer_event(visit, event, wanted->trace);
    } else if (visit->request) {
        reply_fault(visit, fault);
    }
    wanted_fini(&wanted);
}

static enum fault find_event(struct store_txn *txn, const char *id, uint64_t *seq, json_t **trace)
{
    enum fault fault = projection_event_seq(txn, id, seq);
    return fault == OK ? projection_trace(txn, id, trace) : fault;
}

void events_show(struct visit *visit)
{
    struct store_txn *txn = NULL;
    struct wanted *wanted = must_calloc(1, sizeof *wanted);
    uint64_t seq = 0;
    wanted->visit = *visit;
    wanted->ticket = web_ticket(visit->request);
    enum fault fault = store_begin(actor_store(visit->console->actor), false, &txn);
    if (fault == OK) {
        fault = find_event(txn, web_param(visit->request, "id"), &seq, &wanted->trace);
    }
    store_abort(&txn);
    if (fault == OK) {
        fault = actor_read(visit->console->actor, seq, on_seen, wanted);
    }
    if (fault != OK) {
        wanted_fini(&wanted);
        reply_fault(visit, fault);
    }
}
