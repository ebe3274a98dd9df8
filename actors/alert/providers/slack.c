/* slack.c - an incoming webhook of Slack. 200 with the body "ok" is done; any 4xx but 429 will not
 * change by itself: stop, and let it be seen. */
#include "hook.h"
#include "message.h"

#include <string.h>

/* What Slack takes for markup in a text. */
static void escape(struct buf *out, char byte)
{
    if (byte == '&') {
        buf_add_text(out, "&amp;");
    } else if (byte == '<') {
        buf_add_text(out, "&lt;");
    } else if (byte == '>') {
        buf_add_text(out, "&gt;");
    } else {
        buf_add(out, &byte, 1);
    }
}

static bool slack_check(const struct settings *settings, struct buf *why)
{
    return hook_url_good(settings, "the URL of an incoming webhook, such as file:secrets/slack",
                         why);
}

static enum fault slack_request(const struct task *task, int step, struct call *call)
{
    (void)step;
    struct buf text = {0};
    hook_post(task->secret, call);
    message_words(task->payload, escape, &text);
    json_t *body = json_object();
    tree_set_text(body, "text", buf_text(&text));
    buf_fini(&text);
    return call_json(call, body);
}

static void slack_outcome(const struct task *task, int step, const struct answer *answer,
                          struct verdict *verdict)
{
    (void)task;
    (void)step;
    hook_outcome("Slack", answer, verdict);
    if (verdict->kind == VERDICT_DONE && strcmp(answer->body, "ok") != 0) {
        verdict_set(verdict, VERDICT_NEVER, "that is not Slack: it did not say \"ok\"");
    }
}

const struct adapter alert_slack = {.name = "slack",
                                    .secret = "alert/hook/url",
                                    .calls_per_10s = 10,
                                    .steps_max = 1,
                                    .check = slack_check,
                                    .request = slack_request,
                                    .outcome = slack_outcome};
