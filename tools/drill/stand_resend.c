/* stand_resend.c - Resend's API: a mail once for each Idempotency-Key. */
#include "stand.h"

#include "must.h"
#include "values.h"
#include "web.h"

#include <string.h>

enum { ADDRESS_BYTES = 320 };

static void send_mail(struct stand *stand, const struct stand_call *call,
                      struct stand_answer *answer)
{
    const char *key = web_header(call->request, "Idempotency-Key");
    const char *to = json_string_value(json_array_get(tree_get(call->body, "to"), 0));
    json_t *sent = stand_keeps(stand, "sent");
    char address[ADDRESS_BYTES];
    stand_address(to ? to : "", address, sizeof address);
    if (!to || !*tree_text(call->body, "from") || stand_bounces(stand, address)) {
        stand_say(answer, 422,
                  json_pack("{s:s, s:i}", "name", "validation_error", "statusCode", 422));
        return;
    }
    if (!key || !tree_get(sent, key)) {
        const char *id = stand_new_id(stand);
        stand_saw(stand, address, json_pack("{s:s}", "id", key ? key : id));
        tree_set_text(sent, key ? key : id, id);
        stand_say(answer, 200, json_pack("{s:s}", "id", id));
        return;
    }
    stand_say(answer, 200, json_pack("{s:s}", "id", tree_text(sent, key)));
}

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    if (stand_is_path(call, "/emails", NULL) && strcmp(call->method, "POST") == 0) {
        send_mail(stand, call, answer);
    } else {
        stand_say(answer, 200, json_pack("{s:[], s:b}", "data", "has_more", 0));
    }
}

const struct stand_kind stand_mailer_resend = {.actor = "mailer",
                                               .provider = "resend",
                                               .settings = {{"url", "{url}"}, {"key", "{key}"}},
                                               .key_header = "Authorization",
                                               .key_scheme = "Bearer",
                                               .answer = answer};
