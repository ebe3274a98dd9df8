/* handle_alerts.c - what is watched, what stands, who is told; silencing one for a while. */
#include "handlers.h"

#include "act.h"
#include "clock.h"
#include "gather.h"
#include "must.h"
#include "projection.h"
#include "read.h"
#include "reply.h"
#include "shown.h"
#include "values.h"

#include <string.h>

enum { HISTORY = 100, HOURS_MAX = 24 * 30, HOUR_MS = 3600000 };

static json_t *standing_of(const json_t *alert)
{
    static const char *const copied[] = {"rule", "object", "text", "todo", "href", NULL};
    json_t *shown = json_object();
    for (const char *const *key = copied; *key; key++) {
        tree_set(shown, *key, json_string(tree_text(alert, *key)));
    }
    tree_set(shown, "since", shown_time(tree_int(alert, "since")));
    tree_set(shown, "silenced_until", shown_time(tree_int(alert, "silenced_until")));
    return shown;
}

/* How each hook is, of the alert actor's report to the broker. */
static json_t *hooks_of(const json_t *status)
{
    json_t *hooks = json_array(), *peer, *word;
    const char *slot;
    size_t i;
    json_array_foreach(tree_get(status, "peers"), i, peer)
    {
        if (strcmp(tree_text(peer, "name"), "alert") != 0) {
            continue;
        }
        json_object_foreach(tree_get(tree_get(peer, "report"), "targets"), slot, word)
        {
            json_t *hook = json_object();
            tree_set_text(hook, "slot", slot);
            tree_set_text(hook, "name", slot);
            tree_set(hook, "state", json_incref(word));
            MUST(json_array_append_new(hooks, hook) == 0);
        }
    }
    return hooks;
}

static void show_finish(struct visit *visit, const struct gather *gather, json_t *known)
{
    const json_t *said = gather_answer(gather, "alert", 0);
    json_t *answer = json_deep_copy(known), *alert;
    size_t i;
    if (said) { /* else what the projection knows of alerts that stand */
        json_t *standing = json_array();
        json_array_foreach(tree_get(said, "alerts"), i, alert)
        {
            MUST(json_array_append_new(standing, standing_of(alert)) == 0);
        }
        tree_set(answer, "standing", standing);
    }
    json_t *watched = tree_get(said, "watched");
    tree_set(answer, "watched", watched ? json_incref(watched) : json_array());
    tree_set(answer, "hooks", hooks_of(gather_answer(gather, "broker", 0)));
    reply_partial(visit, answer, gather_partial(gather));
}

static enum fault look_alerts(struct store_txn *txn, const struct visit *visit, json_t **answer)
{
    (void)visit;
    return projection_alerts(txn, clock_wall_ms(), HISTORY, answer);
}

void alerts_show(struct visit *visit)
{
    json_t *known;
    enum fault fault = read_in(visit, look_alerts, &known);
    if (fault != OK) {
        reply_fault(visit, fault);
        return;
    }
    struct gather *gather = gather_new(visit, show_finish, known);
    gather_ask(gather, "alert", gather_question("alerts"));
    gather_ask(gather, "broker", gather_question("status"));
    gather_go(&gather);
}

/* --- silence ----------------------------------------------------------------------------------- */

static json_t *which(const struct visit *visit, const char *reason)
{
    json_t *data = json_object();
    tree_set_text(data, "rule", tree_text(visit->body, "rule"));
    tree_set(data, "object", json_string(tree_text(visit->body, "object")));
    tree_set_text(data, "reason", reason);
    return data;
}

/* NULL, having answered. */
static const char *checked_reason(const struct visit *visit)
{
    const char *rule = tree_text(visit->body, "rule");
    const json_t *object = tree_get(visit->body, "object");
    if (!*rule || !json_is_string(object) || strlen(rule) > EVENT_NAME_BYTES_MAX ||
        strlen(tree_text(visit->body, "object")) > EVENT_ID_BYTES_MAX) {
        reply_problem(visit, 400, "rule and object: which alert (an empty object: all)", NULL);
        return NULL;
    }
    return act_reason(visit);
}

void alerts_silence(struct visit *visit)
{
    const json_t *hours = tree_get(visit->body, "hours");
    int64_t count = json_integer_value(hours);
    const char *reason = checked_reason(visit);
    if (reason && (!json_is_integer(hours) || count < 1 || count > HOURS_MAX)) {
        reply_problem(visit, 400, "hours: a number from 1 to 720", NULL);
    } else if (reason) {
        json_t *data = which(visit, reason);
        tree_set_int(data, "until", clock_wall_ms() + count * HOUR_MS);
        act_simple(visit, "admin.silenced", "", data);
    }
}

void alerts_unsilence(struct visit *visit)
{
    const char *reason = checked_reason(visit);
    if (reason) {
        act_simple(visit, "admin.unsilenced", "", which(visit, reason));
    }
}

void alerts_test(struct visit *visit)
{
    const char *reason = act_reason(visit);
    if (reason) {
        json_t *data = json_object();
        tree_set_text(data, "reason", reason);
        act_simple(visit, "admin.tested", "", data);
    }
}
