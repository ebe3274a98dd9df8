/* webhook.c - POSTs access.changed to the app, signed as Standard Webhooks. The id names member and
 * version, so that it stays the same over all attempts; 410 is the app's way to say: no more. */
#include "app.h"

#include "clock.h"
#include "standard_webhooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = 64, GONE = 410 };

static const struct setting own_settings[] = {
    {"app/url", SETTING_TEXT, "", 0, 1000, NULL, "Where the web app takes access.changed."},
    {"app/secret", SETTING_SECRET, "", 0, 0, NULL,
     "What it is signed with: whsec_ and base64; one a line while rotating."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

static bool check(const struct settings *settings, struct buf *why)
{
    char *secret = NULL;
    struct buf words = {0}, signature = {0};
    const char *url = settings_text(settings, "app/url");
    bool good = *url && http_out_url_allowed(url, false, &words);
    if (!good) {
        buf_printf(why, "usher.cfg: app/url: %s\n",
                   words.len ? buf_text(&words) : "expected the URL of your app's route");
    }
    bool has = settings_secret(settings, "app/secret", &secret) == OK;
    if (!has || !sw_sign(secret, "", "", (struct slice){"", 0}, &signature)) {
        buf_add_text(why,
                     "usher.cfg: app/secret: expected whsec_ and base64 of 24 to 64 bytes, such "
                     "as in file:secrets/app, which `usher init` makes\n");
        good = false;
    }
    buf_fini(&words);
    buf_fini(&signature);
    free(secret);
    return good;
}

/* One message for each version of what is told of one id, whoever sends it again. */
static void message_id(const struct task *task, char id[ID_BYTES])
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1], version[24];
    const char *member = tree_text(task->payload, "member");
    snprintf(version, sizeof version, "%lld", (long long)task->version);
    struct slice parts[] = {{member, strlen(member)}, {version, strlen(version)}};
    sha256_parts(parts, 2, hash);
    hex_encode(hash, sizeof hash, hex);
    snprintf(id, ID_BYTES, "msg_%.32s", hex);
}

static void add_body(const struct task *task, struct buf *body)
{
    json_t *message = json_object();
    tree_set_text(message, "type", "access.changed");
    tree_set_text(message, "timestamp", tree_text(task->payload, "asOf"));
    tree_set(message, "data", json_incref((json_t *)task->payload));
    char *text = json_dumps(message, JSON_COMPACT);
    buf_add_text(body, text ? text : "");
    free(text);
    json_decref(message);
}

static enum fault request(const struct task *task, int step, struct call *call)
{
    (void)step;
    char id[ID_BYTES];
    call->method = "POST";
    buf_add_text(&call->url, settings_text(task->settings, "app/url"));
    add_body(task, &call->body);
    message_id(task, id);
    enum fault fault = call_header(call, "Content-Type", "application/json");
    return fault == OK ? call_sign(call, task->secret, id, clock_wall_ms()) : fault;
}

static void outcome(const struct task *task, int step, const struct answer *answer,
                    struct verdict *verdict)
{
    (void)task;
    (void)step;
    verdict_http(answer, verdict);
    if (answer->fault == OK && answer->status == GONE) {
        verdict_set(verdict, VERDICT_NEVER, "your app says that it wants no more of these (410)");
    }
}

const struct adapter app_webhook = {.name = "webhook",
                                    .settings = own_settings,
                                    .secret = "app/secret",
                                    .every_line = true,
                                    .steps_max = 1,
                                    .check = check,
                                    .request = request,
                                    .outcome = outcome};
