/* stand_discord.c - a channel's webhook of Discord: takes a message and has nothing to say. */
#include "stand.h"

#include "values.h"

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const char *text = tree_text(call->body, "content");
    if (!*text) {
        stand_say(answer, 400, json_pack("{s:i}", "code", 50006));
        return;
    }
    stand_saw(stand, "", json_pack("{s:s}", "text", text));
    answer->status = 204;
}

const struct stand_kind stand_alert_discord = {.actor = "alert",
                                               .provider = "discord",
                                               .settings = {{"url", "{url}/api/webhooks/drill"}},
                                               .answer = answer};
