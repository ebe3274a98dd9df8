/* pagerduty.c - PagerDuty Events v2. An alert is one incident from its first word to its last: the
 * dedup key is its rule and object, raised triggers, cleared resolves. A notice or a test has no end
 * of its own: it is resolved as soon as it was taken, so that nothing stays open. */
#include "hook.h"
#include "message.h"

#include "clock.h"
#include "events.h"

#include <string.h>

enum { SUMMARY_BYTES_MAX = 1000, TRIGGER = 0, RESOLVE = 1 };

static bool pagerduty_check(const struct settings *settings, struct buf *why)
{
    bool good = hook_key_good(
        settings, "the integration key of a service, such as file:secrets/pagerduty", why);
    if (settings_given(settings, "alert/hook/url")) {
        good = hook_url_good(settings, "the address of PagerDuty's events", why) && good;
    }
    return good;
}

/* The same for raised and cleared, and for nothing else. An object may hold anything. */
static void dedup_key(const json_t *payload, struct buf *out)
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    const char *object = tree_text(payload, "object");
    sha256(object, strlen(object), hash);
    hex_encode(hash, sizeof hash, hex);
    buf_printf(out, "usher:%.60s:%.32s", tree_text(payload, "rule"), hex);
}

static json_t *details(const json_t *payload)
{
    static const char *const names[] = {"rule", "object", "todo", "member", NULL};
    json_t *details = json_object();
    for (const char *const *name = names; *name; name++) {
        if (*tree_text(payload, *name)) {
            tree_set_text(details, *name, tree_text(payload, *name));
        }
    }
    return details;
}

static json_t *incident(const json_t *payload)
{
    char time[CLOCK_TEXT_BYTES], summary[SUMMARY_BYTES_MAX + 1];
    EVENT_SET(summary, tree_text(payload, "text"));
    json_t *tree = json_object();
    tree_set_text(tree, "summary", summary);
    tree_set_text(tree, "source", "usher");
    tree_set_text(tree, "severity", message_is(payload, "raised") ? "error" : "info");
    tree_set_text(tree, "timestamp", clock_rfc3339(tree_int(payload, "time"), time));
    tree_set(tree, "custom_details", details(payload));
    return tree;
}

static bool resolves(const struct task *task, int step)
{
    return step == RESOLVE || message_is(task->payload, "cleared");
}

static enum fault pagerduty_request(const struct task *task, int step, struct call *call)
{
    struct buf key = {0}, url = {0};
    const char *link = tree_text(task->payload, "link");
    if (hook_url(task->settings, &url) != OK) {
        buf_add_text(&url, "https://events.pagerduty.com/v2/enqueue");
    }
    hook_post(buf_text(&url), call);
    dedup_key(task->payload, &key);
    json_t *body = json_object();
    tree_set_text(body, "routing_key", task->secret);
    tree_set_text(body, "dedup_key", buf_text(&key));
    tree_set_text(body, "event_action", resolves(task, step) ? "resolve" : "trigger");
    if (!resolves(task, step)) {
        tree_set(body, "payload", incident(task->payload));
        if (*link) {
            tree_set(body, "links", json_pack("[{s:s, s:s}]", "href", link, "text", "usher"));
        }
    }
    buf_fini(&key);
    buf_fini(&url);
    return call_json(call, body);
}

static void pagerduty_outcome(const struct task *task, int step, const struct answer *answer,
                              struct verdict *verdict)
{
    hook_outcome("PagerDuty", answer, verdict);
    if (answer->fault == OK && answer->status == 400) {
        verdict_set(verdict, VERDICT_NEVER,
                    "PagerDuty does not take this event (400): is the integration key that of an "
                    "Events API v2 integration?");
    } else if (verdict->kind == VERDICT_DONE && answer->status != 202) {
        verdict_set(verdict, VERDICT_NEVER, "that is not PagerDuty (%d)", answer->status);
    } else if (verdict->kind == VERDICT_DONE && !resolves(task, step) &&
               !message_is(task->payload, "raised")) {
        verdict->kind = VERDICT_STEP;
        verdict->step = RESOLVE;
    }
}

const struct adapter alert_pagerduty = {.name = "pagerduty",
                                        .secret = "alert/hook/key",
                                        .calls_per_10s = 20,
                                        .steps_max = 2,
                                        .check = pagerduty_check,
                                        .request = pagerduty_request,
                                        .outcome = pagerduty_outcome};
