/* stand_webhook.c - addresses of the founder's own: the app that is told of access, and a hook for
 * alerts. Both take what is signed with the drill's secret. */
#include "stand.h"

#include "clock.h"
#include "must.h"
#include "standard_webhooks.h"
#include "values.h"
#include "web.h"

#include <string.h>

static bool is_signed(const struct stand *stand, const struct stand_call *call)
{
    const char *id = web_header(call->request, "webhook-id");
    const char *timestamp = web_header(call->request, "webhook-timestamp");
    const char *signature = web_header(call->request, "webhook-signature");
    struct slice body = {call->text, strlen(call->text)};
    return id && timestamp && signature &&
           sw_verify(stand->key, id, timestamp, body, signature, clock_wall_ms());
}

/* False, and it has said so. */
static bool takes(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    bool good = is_signed(stand, call);
    stand->wrong_keys += !good;
    stand_say(answer, good ? 200 : 400, NULL);
    return good;
}

static void on_access(struct stand *stand, const struct stand_call *call,
                      struct stand_answer *answer)
{
    const json_t *data = tree_get(call->body, "data");
    if (!takes(stand, call, answer)) {
        return;
    }
    stand_saw(stand, tree_text(data, "member"),
              json_pack("{s:s, s:b, s:I}", "id", web_header(call->request, "webhook-id"), "access",
                        tree_flag(data, "access"), "version",
                        (json_int_t)tree_int(data, "version")));
}

static void on_alert(struct stand *stand, const struct stand_call *call,
                     struct stand_answer *answer)
{
    if (takes(stand, call, answer)) {
        const char *text = tree_text(tree_get(call->body, "data"), "text");
        stand_saw(stand, "", json_pack("{s:s}", "text", text));
    }
}

const struct stand_kind stand_app_webhook = {
    .actor = "app",
    .provider = "webhook",
    .settings = {{"url", "{url}/api/usher"}, {"secret", "{key}"}},
    .answer = on_access};

const struct stand_kind stand_alert_webhook = {
    .actor = "alert",
    .provider = "webhook",
    .settings = {{"url", "{url}/alerts"}, {"key", "{key}"}},
    .answer = on_alert};
