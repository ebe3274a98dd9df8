/* webhook.c - any HTTP address: POSTs the alert as JSON, signed as Standard Webhooks. The id is the
 * job's: the same over all attempts; 410 is the receiver's way to say: no more. */
#include "hook.h"

#include "clock.h"
#include "message.h"
#include "standard_webhooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = 64, GONE = 410 };

static bool webhook_check(const struct settings *settings, struct buf *why)
{
    char *secret = NULL;
    struct buf signature = {0};
    bool good = hook_url_good(settings, "the address that takes alerts", why);
    bool has = settings_secret(settings, "alert/hook/key", &secret) == OK;
    if (!has || !sw_sign(secret, "", "", (struct slice){"", 0}, &signature)) {
        buf_add_text(why,
                     "usher.cfg: alert/hook/key: expected whsec_ and base64 of 24 to 64 bytes, "
                     "such as file:secrets/hook\n");
        good = false;
    }
    buf_fini(&signature);
    free(secret);
    return good;
}

static void message_id(const struct task *task, char id[ID_BYTES])
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    sha256(task->key, strlen(task->key), hash);
    hex_encode(hash, sizeof hash, hex);
    snprintf(id, ID_BYTES, "msg_%.32s", hex);
}

static enum fault webhook_request(const struct task *task, int step, struct call *call)
{
    (void)step;
    char id[ID_BYTES], type[40], time[CLOCK_TEXT_BYTES];
    struct buf url = {0};
    if (hook_url(task->settings, &url) != OK) {
        buf_fini(&url);
        return FAULT_MALFORMED;
    }
    hook_post(buf_text(&url), call);
    buf_fini(&url);
    snprintf(type, sizeof type, "alert.%s", tree_text(task->payload, "state"));
    json_t *body = json_object();
    tree_set_text(body, "type", type);
    tree_set_text(body, "timestamp", clock_rfc3339(tree_int(task->payload, "time"), time));
    tree_set(body, "data", json_incref((json_t *)task->payload));
    enum fault fault = call_json(call, body);
    message_id(task, id);
    return fault == OK ? call_sign(call, task->secret, id, clock_wall_ms()) : fault;
}

static void webhook_outcome(const struct task *task, int step, const struct answer *answer,
                            struct verdict *verdict)
{
    (void)task;
    (void)step;
    hook_outcome("the receiver", answer, verdict);
    if (answer->fault == OK && answer->status == GONE) {
        verdict_set(verdict, VERDICT_NEVER, "the receiver wants no more of these (410)");
    }
}

const struct adapter alert_webhook = {.name = "webhook",
                                      .secret = "alert/hook/key",
                                      .every_line = true,
                                      .steps_max = 1,
                                      .check = webhook_check,
                                      .request = webhook_request,
                                      .outcome = webhook_outcome};
