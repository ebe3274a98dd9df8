/* stand_pagerduty.c - PagerDuty's events, v2: what triggers is an incident; the key is in the
 * body. */
#include "stand.h"

#include "values.h"

#include <string.h>

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const char *action = tree_text(call->body, "event_action");
    if (strcmp(tree_text(call->body, "routing_key"), stand->key ? stand->key : "") != 0) {
        stand->wrong_keys++;
        stand_say(answer, 400, json_pack("{s:s}", "status", "invalid event"));
        return;
    }
    if (strcmp(action, "trigger") == 0) {
        const char *summary = tree_text(tree_get(call->body, "payload"), "summary");
        stand_saw(stand, "", json_pack("{s:s}", "text", summary));
    }
    stand_say(answer, 202, json_pack("{s:s}", "status", "success"));
}

const struct stand_kind stand_alert_pagerduty = {
    .actor = "alert",
    .provider = "pagerduty",
    .settings = {{"url", "{url}/v2/enqueue"}, {"key", "{key}"}},
    .answer = answer};
