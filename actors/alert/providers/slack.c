/* slack.c - an incoming webhook of Slack. 200 with the body "ok" is done; any 4xx but 429 will not
 * change by itself: stop, and let it be seen. */
#include "alert.h"

#include <stdlib.h>
#include <string.h>

enum { URL_BYTES_MAX = 1000 };

/* What Slack takes for markup in a text. */
static void add_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '&') {
            buf_add_text(out, "&amp;");
        } else if (*text == '<') {
            buf_add_text(out, "&lt;");
        } else if (*text == '>') {
            buf_add_text(out, "&gt;");
        } else {
            buf_add(out, text, 1);
        }
    }
}

static void add_message(struct buf *out, const json_t *payload)
{
    const char *todo = tree_text(payload, "todo");
    bool cleared = strcmp(tree_text(payload, "state"), "cleared") == 0;
    buf_add_text(out, cleared ? "Over: " : "");
    add_escaped(out, tree_text(payload, "text"));
    if (*todo && !cleared) {
        buf_add_text(out, "\nWhat to do: ");
        add_escaped(out, todo);
    }
    if (*tree_text(payload, "link") && !cleared) {
        buf_printf(out, "\n%s", tree_text(payload, "link"));
    }
}

static bool slack_check(const struct settings *settings, struct buf *why)
{
    char *secret = NULL;
    char url[URL_BYTES_MAX];
    struct buf words = {0};
    bool good = settings_secret(settings, "alert/hook/url", &secret) == OK && secret && *secret;
    if (good) {
        secret_line(secret, url, sizeof url);
        good = http_out_url_allowed(url, false, &words);
    } else {
        buf_add_text(&words, "expected the URL of an incoming webhook, such as file:secrets/slack");
    }
    if (!good) {
        buf_printf(why, "usher.cfg: alert/hook/url: %s\n", buf_text(&words));
    }
    buf_fini(&words);
    free(secret);
    return good;
}

static enum fault slack_request(const struct task *task, int step, struct call *call)
{
    (void)step;
    char url[URL_BYTES_MAX];
    struct buf text = {0};
    secret_line(task->secret, url, sizeof url);
    call->method = "POST";
    buf_add_text(&call->url, url);
    add_message(&text, task->payload);
    json_t *body = json_object();
    tree_set_text(body, "text", buf_text(&text));
    char *bytes = json_dumps(body, JSON_COMPACT);
    buf_add_text(&call->body, bytes ? bytes : "");
    free(bytes);
    json_decref(body);
    buf_fini(&text);
    return call_header(call, "Content-Type", "application/json");
}

static void slack_outcome(const struct task *task, int step, const struct answer *answer,
                          struct verdict *verdict)
{
    (void)task;
    (void)step;
    verdict_http(answer, verdict);
    if (verdict->kind == VERDICT_DONE && strcmp(answer->body, "ok") != 0) {
        verdict_set(verdict, VERDICT_NEVER, "that is not Slack: it did not say \"ok\"");
    } else if (verdict->kind == VERDICT_REFUSED || verdict->kind == VERDICT_FORBIDDEN) {
        verdict_set(verdict, VERDICT_NEVER, "Slack does not take messages at this URL (%d)",
                    answer->status);
    }
}

const struct adapter alert_slack = {.name = "slack",
                                    .secret = "alert/hook/url",
                                    .calls_per_10s = 10,
                                    .steps_max = 1,
                                    .check = slack_check,
                                    .request = slack_request,
                                    .outcome = slack_outcome};
