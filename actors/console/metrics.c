#include "metrics.h"

#include "home_view.h"
#include "must.h"
#include "values.h"

#include <string.h>

enum where { BROKER, DOOR, PEER, REPORT, CONSOLE };

struct metric {
    enum where where;
    const char *key;
    const char *name;
    const char *type;
    int divisor;
    const char *help;
};

static const struct metric metrics[] = {
#define X(where, key, name, type, divisor, help) {where, key, name, type, divisor, help},
#include "metric_table.h"
#undef X
};

static void add_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Values of labels come from settings and names of ours, but a quote must not end one. */
static void add_label(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n') {
            buf_add(out, "\\", 1);
        }
        buf_add(out, *value == '\n' ? "n" : value, 1);
    }
    buf_add_text(out, "\"");
}

static void add_number(struct buf *out, const json_t *value, int divisor)
{
    int64_t number = json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
    if (divisor == 1) {
        buf_printf(out, " %lld\n", (long long)number);
    } else {
        buf_printf(out, " %.3f\n", (double)number / divisor);
    }
}

static const json_t *tree_of(const struct metric *metric, const json_t *from)
{
    switch (metric->where) {
    case DOOR:
        return tree_get(from, "counts");
    case REPORT:
        return tree_get(from, "report");
    default:
        return from;
    }
}

/* One line for each actor that has the value; the head goes before the first. */
static void add_peers(struct buf *out, const struct metric *metric, const json_t *peers)
{
    bool any = false;
    size_t i;
    json_t *peer;
    json_array_foreach(peers, i, peer)
    {
        const json_t *value = tree_get(tree_of(metric, peer), metric->key);
        if (!value || (metric->where == REPORT && !tree_flag(peer, "connected"))) {
            continue; /* what a process said before it went says nothing of now */
        }
        if (!any) {
            add_head(out, metric->name, metric->type, metric->help);
            any = true;
        }
        buf_printf(out, "%s{", metric->name);
        add_label(out, "actor", tree_text(peer, "name"));
        buf_add_text(out, "}");
        add_number(out, value, metric->divisor);
    }
}

static void add_single(struct buf *out, const struct metric *metric, const json_t *from)
{
    const json_t *value = tree_get(tree_of(metric, from), metric->key);
    if (value) {
        add_head(out, metric->name, metric->type, metric->help);
        buf_add_text(out, metric->name);
        add_number(out, value, metric->divisor);
    }
}

/* --- with labels of their own ------------------------------------------------------------------ */

/* {"<label value>": n} as one family; `actor` may be NULL. */
static void add_members(struct buf *out, const char *name, const char *actor, const char *label,
                        const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        buf_printf(out, "%s{", name);
        if (actor) {
            add_label(out, "actor", actor);
            buf_add_text(out, ",");
        }
        add_label(out, label, key);
        buf_add_text(out, "}");
        add_number(out, value, 1);
    }
}

static void add_jobs(struct buf *out, const json_t *peers)
{
    size_t i;
    json_t *peer;
    add_head(out, "usher_jobs", "gauge", "Jobs by the state that they are in.");
    json_array_foreach(peers, i, peer)
    {
        add_members(out, "usher_jobs", tree_text(peer, "name"), "state",
                    tree_get(tree_get(peer, "report"), "jobs"));
    }
}

static void add_targets(struct buf *out, const json_t *peers)
{
    static const char *const states[] = {"fine", "down", "held", "refused", "paused", NULL};
    size_t i;
    json_t *peer;
    add_head(out, "usher_target_state", "gauge", "1 for the state that a target is in.");
    json_array_foreach(peers, i, peer)
    {
        const char *slot;
        json_t *word;
        json_object_foreach(tree_get(tree_get(peer, "report"), "targets"), slot, word)
        {
            for (const char *const *state = states; *state; state++) {
                buf_add_text(out, "usher_target_state{");
                add_label(out, "actor", tree_text(peer, "name"));
                buf_add_text(out, ",");
                add_label(out, "target", slot);
                buf_add_text(out, ",");
                add_label(out, "state", *state);
                bool is = json_is_string(word) && strcmp(json_string_value(word), *state) == 0;
                buf_printf(out, "} %d\n", is);
            }
        }
    }
}

static void add_refused_deliveries(struct buf *out, const json_t *peers)
{
    size_t i;
    json_t *peer;
    add_head(out, "usher_webhook_refused_total", "counter",
             "Deliveries refused: noise, signature (a wrong secret or clock), own (our trouble).");
    json_array_foreach(peers, i, peer)
    {
        add_members(out, "usher_webhook_refused_total", tree_text(peer, "name"), "share",
                    tree_get(tree_get(peer, "report"), "refusals"));
    }
}

static void add_refused(struct buf *out, const json_t *status)
{
    const json_t *refused = tree_get(tree_get(status, "counts"), "refused");
    add_head(out, "usher_broker_refused_total", "counter", "Messages refused, by fault.");
    add_members(out, "usher_broker_refused_total", NULL, "fault", refused);
}

/* Without people and the tools: who has gone home is not down (a new list of borrowed trees). */
static json_t *actors_of(const json_t *status)
{
    size_t i;
    json_t *actors = json_array(), *peer;
    json_array_foreach(tree_get(status, "peers"), i, peer)
    {
        MUST(!home_is_actor(peer) || json_array_append(actors, peer) == 0);
    }
    return actors;
}

void metrics_text(const json_t *status, const json_t *console, struct buf *out)
{
    json_t *peers = actors_of(status);
    add_head(out, "usher_broker_up", "gauge", "1 while the broker answers.");
    buf_printf(out, "usher_broker_up %d\n", status != NULL);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        const struct metric *metric = &metrics[i];
        if (metric->where == PEER || metric->where == REPORT) {
            add_peers(out, metric, peers);
        } else {
            add_single(out, metric, metric->where == CONSOLE ? console : status);
        }
    }
    if (status) {
        add_jobs(out, peers);
        add_targets(out, peers);
        add_refused_deliveries(out, peers);
        add_refused(out, status);
    }
    add_head(out, "usher_members_by_state", "gauge", "Members by state.");
    add_members(out, "usher_members_by_state", NULL, "state", tree_get(console, "by_state"));
    json_decref(peers);
}
