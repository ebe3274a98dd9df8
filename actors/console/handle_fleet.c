/* handle_fleet.c - the processes and their targets; pausing one. */
#include "handlers.h"

#include "act.h"
#include "clock.h"
#include "gather.h"
#include "home_view.h"
#include "line.h"
#include "must.h"
#include "reply.h"
#include "shown.h"
#include "values.h"

#include <string.h>

static json_t *broker_of(const json_t *status)
{
    static const char *const copied[] = {"head",    "bytes",     "free_bytes", "segments",
                                         "damaged", "uptime_ms", "commits",    NULL};
    if (!status) {
        return json_null();
    }
    json_t *broker = json_object();
    for (const char *const *key = copied; *key; key++) {
        tree_set_int(broker, *key, tree_int(status, *key));
    }
    tree_set_int(broker, "events", tree_int(tree_get(status, "counts"), "events"));
    tree_set_int(broker, "duplicates", tree_int(tree_get(status, "counts"), "duplicates"));
    return broker;
}

/* Jobs of an actor that wait or are dead: an actor with one target has them all at it. */
static json_t *targets_of(const json_t *report)
{
    const json_t *jobs = tree_get(report, "jobs");
    json_t *targets = json_array(), *word;
    const char *slot;
    json_object_foreach(tree_get(report, "targets"), slot, word)
    {
        json_t *target = json_object();
        tree_set_text(target, "slot", slot);
        const char *provider = tree_text(tree_get(report, "providers"), slot);
        tree_set_text(target, "name", line_target_name(*provider ? provider : slot));
        tree_set(target, "state", json_incref(word));
        tree_set_int(target, "waiting", tree_int(jobs, "waiting") + tree_int(jobs, "settling"));
        tree_set_int(target, "dead", tree_int(jobs, "dead"));
        MUST(json_array_append_new(targets, target) == 0);
    }
    return targets;
}

static json_t *actor_of(const json_t *peer)
{
    const json_t *report = tree_get(peer, "report");
    json_t *actor = json_object();
    tree_set_text(actor, "name", tree_text(peer, "name"));
    tree_set_text(actor, "state", home_actor_state(peer));
    int64_t uptime = tree_int(report, "uptime_ms");
    bool runs = tree_flag(peer, "connected") && uptime;
    tree_set(actor, "since", shown_time(runs ? clock_wall_ms() - uptime : 0));
    tree_set_int(actor, "lag", tree_int(peer, "lag"));
    tree_set_int(actor, "oldest_ms", tree_int(peer, "oldest_ms"));
    tree_set_int(actor, "applied", tree_int(report, "applied"));
    tree_set(actor, "rate",
             uptime ? json_real((double)tree_int(report, "applied") * 1000.0 / (double)uptime)
                    : json_null());
    tree_set_int(actor, "store_bytes", tree_int(report, "store_bytes"));
    const char *trouble = tree_text(report, "trouble");
    tree_set(actor, "error", *trouble ? json_string(trouble) : json_null());
    tree_set(actor, "targets", targets_of(report));
    return actor;
}

static void show_finish(struct visit *visit, const struct gather *gather, json_t *context)
{
    (void)context;
    const json_t *status = gather_answer(gather, "broker", 0);
    json_t *answer = json_object(), *actors = json_array(), *peer;
    size_t i;
    json_array_foreach(tree_get(status, "peers"), i, peer)
    {
        if (home_is_actor(peer)) {
            MUST(json_array_append_new(actors, actor_of(peer)) == 0);
        }
    }
    tree_set(answer, "broker", broker_of(status));
    tree_set(answer, "actors", actors);
    reply_partial(visit, answer, gather_partial(gather));
}

void fleet_show(struct visit *visit)
{
    struct gather *gather = gather_new(visit, show_finish, NULL);
    gather_ask(gather, "broker", gather_question("status"));
    gather_go(&gather);
}

/* --- pausing ----------------------------------------------------------------------------------- */

static void decide_finish(struct visit *visit, const struct gather *gather, json_t *context)
{
    const char *actor = web_param(visit->request, "actor");
    const char *slot = web_param(visit->request, "slot");
    const char *type = tree_text(context, "type");
    const json_t *status = gather_answer(gather, "broker", 0);
    const char *state = "";
    json_t *peer;
    size_t i;
    json_array_foreach(tree_get(status, "peers"), i, peer)
    {
        if (strcmp(tree_text(peer, "name"), actor) == 0) {
            state = tree_text(tree_get(tree_get(peer, "report"), "targets"), slot);
        }
    }
    bool paused = strcmp(state, "paused") == 0, pauses = strcmp(type, "admin.paused") == 0;
    if (!status) {
        reply_problem(visit, 503, "the fleet is not reachable", "Nothing was done.");
    } else if (!*state) {
        reply_problem(visit, 404, "there is no such target", NULL);
    } else if (paused == pauses) {
        reply_conflict(visit, "It is %s already.", paused ? "paused" : "not paused");
    } else {
        json_t *data = json_object();
        tree_set_text(data, "actor", actor);
        tree_set_text(data, "slot", slot);
        tree_set_text(data, "reason", tree_text(visit->body, "reason"));
        act_simple(visit, type, "", data);
    }
}

static void decide(struct visit *visit, const char *type)
{
    if (act_reason(visit)) {
        json_t *context = json_object();
        tree_set_text(context, "type", type);
        struct gather *gather = gather_new(visit, decide_finish, context);
        gather_ask(gather, "broker", gather_question("status"));
        gather_go(&gather);
    }
}

void fleet_pause(struct visit *visit)
{
    decide(visit, "admin.paused");
}

void fleet_resume(struct visit *visit)
{
    decide(visit, "admin.resumed");
}
