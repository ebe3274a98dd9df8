/* discord.c - a webhook of a Discord channel. 204 is done (200 with ?wait=true); 404 means that the
 * webhook was deleted: calls to it count against our address. Nobody is pinged, whatever a member's
 * name says. The rate of a webhook is about 5 in 2 s. */
#include "hook.h"
#include "message.h"

#include "events.h"

#include <string.h>

enum { CONTENT_BYTES_MAX = 1900, GONE = 404 }; /* Discord counts 2,000 characters */

/* What Discord takes for markup in a text. */
static void escape(struct buf *out, char byte)
{
    if (byte && strchr("\\*_~`|>[]()#<", byte)) {
        buf_add_text(out, "\\");
    }
    buf_add(out, &byte, 1);
}

static bool discord_check(const struct settings *settings, struct buf *why)
{
    return hook_url_good(settings, "the URL of a channel's webhook, such as file:secrets/discord",
                         why);
}

static enum fault discord_request(const struct task *task, int step, struct call *call)
{
    (void)step;
    char content[CONTENT_BYTES_MAX + 1];
    struct buf text = {0};
    hook_post(task->secret, call);
    message_words(task->payload, escape, &text);
    EVENT_SET(content, buf_text(&text)); /* cut, if need be, between two letters */
    json_t *body = json_object();
    tree_set_text(body, "content", content);
    tree_set(body, "allowed_mentions", json_pack("{s:[]}", "parse"));
    buf_fini(&text);
    return call_json(call, body);
}

/* "retry_after" is in seconds with a fraction. */
static int64_t wait_ms(const struct answer *answer)
{
    json_t *body = json_loadb(answer->body, answer->len, 0, NULL);
    double seconds = json_number_value(tree_get(body, "retry_after"));
    json_decref(body);
    return seconds > 0 && seconds < HTTP_RETRY_AFTER_MS_MAX / 1000.0 ? (int64_t)(seconds * 1000) + 1
                                                                     : 0;
}

static void discord_outcome(const struct task *task, int step, const struct answer *answer,
                            struct verdict *verdict)
{
    (void)task;
    (void)step;
    hook_outcome("Discord", answer, verdict);
    if (answer->fault != OK) {
        return;
    }
    if (answer->status == 429 && verdict->retry_after_ms == 0) {
        verdict->retry_after_ms = wait_ms(answer);
    } else if (answer->status == GONE) {
        verdict_set(verdict, VERDICT_NEVER,
                    "the webhook was deleted in Discord (404): make a new one");
    } else if (verdict->kind == VERDICT_DONE && answer->status != 204) {
        json_t *body = json_loadb(answer->body, answer->len, 0, NULL);
        if (!*tree_text(body, "id")) { /* with ?wait=true it shows the message */
            verdict_set(verdict, VERDICT_NEVER, "that is not Discord: it shows no message (%d)",
                        answer->status);
        }
        json_decref(body);
    }
}

const struct adapter alert_discord = {.name = "discord",
                                      .secret = "alert/hook/url",
                                      .calls_per_10s = 20,
                                      .steps_max = 1,
                                      .check = discord_check,
                                      .request = discord_request,
                                      .outcome = discord_outcome};
