/* stand_http.c - an endpoint of the founder's own as the CRM. What it makes of a body of its own
 * nobody can play: the usual body is sent instead, signed where the founder's is. */
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
    return !stand->key || (id && timestamp && signature &&
                           sw_verify(stand->key, id, timestamp, body, signature, clock_wall_ms()));
}

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const json_t *data = tree_get(call->body, "data");
    json_t *tags = tree_get(data, "tags");
    if (!is_signed(stand, call) || !tags) {
        stand->wrong_keys++;
        stand_say(answer, 400, json_pack("{s:s}", "error", "signature or body"));
        return;
    }
    stand_saw(stand, tree_text(data, "email"),
              json_pack("{s:s, s:O}", "id", tree_text(data, "member"), "tags", tags));
    stand_say(answer, 200, NULL);
}

const struct stand_kind stand_crm_http = {
    .actor = "crm",
    .provider = "http",
    .settings = {{"url", "{url}/hook"}, {"target", NULL}, {"key", NULL}, {"secret", "{key}"}},
    .answer = answer};
