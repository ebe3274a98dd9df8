/* stand_webhook.c - the founder's app: takes access.changed if the signature is the drill's. */
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

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const json_t *data = tree_get(call->body, "data");
    if (!is_signed(stand, call)) {
        stand->wrong_keys++;
        stand_say(answer, 400, json_pack("{s:s}", "error", "signature"));
        return;
    }
    stand_saw(stand, tree_text(data, "member"),
              json_pack("{s:s, s:b, s:I}", "id", web_header(call->request, "webhook-id"), "access",
                        tree_flag(data, "access"), "version",
                        (json_int_t)tree_int(data, "version")));
    stand_say(answer, 200, NULL);
}

const struct stand_kind stand_app_webhook = {
    .actor = "app",
    .provider = "webhook",
    .settings = {{"url", "{url}/api/usher"}, {"secret", "{key}"}},
    .answer = answer};
