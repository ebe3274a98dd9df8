/* stand_slack.c - an incoming webhook of Slack: says "ok" to any message. */
#include "stand.h"

#include "values.h"

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const char *text = tree_text(call->body, "text");
    if (!*text) {
        answer->status = 400;
        answer->text = "no_text";
        return;
    }
    stand_saw(stand, "", json_pack("{s:s}", "text", text));
    answer->status = 200;
    answer->text = "ok";
}

const struct stand_kind stand_alert_slack = {.actor = "alert",
                                             .provider = "slack",
                                             .settings = {{"url", "{url}/services/drill"}},
                                             .answer = answer};
