/* stand_postmark.c - Postmark's API: it knows no idempotency, and finds mails by their metadata. */
#include "stand.h"

#include "must.h"
#include "values.h"
#include "web.h"

#include <string.h>

enum { ADDRESS_BYTES = 320, INACTIVE = 406 };

static void send_mail(struct stand *stand, const struct stand_call *call,
                      struct stand_answer *answer)
{
    const char *mark = tree_text(tree_get(call->body, "Metadata"), "usher");
    char address[ADDRESS_BYTES];
    stand_address(tree_text(call->body, "To"), address, sizeof address);
    if (stand_bounces(stand, address)) {
        stand_say(answer, 422,
                  json_pack("{s:i, s:s}", "ErrorCode", INACTIVE, "Message", "inactive"));
        return;
    }
    const char *id = stand_new_id(stand);
    stand_saw(stand, address, json_pack("{s:s}", "id", mark));
    tree_set_text(stand_keeps(stand, "sent"), mark, id);
    stand_say(answer, 200,
              json_pack("{s:i, s:s, s:s}", "ErrorCode", 0, "Message", "OK", "MessageID", id));
}

static void find_mail(struct stand *stand, const struct stand_call *call,
                      struct stand_answer *answer)
{
    const char *mark = web_query(call->request, "metadata_usher");
    const char *id = mark ? tree_text(stand_keeps(stand, "sent"), mark) : "";
    stand_say(answer, 200,
              *id ? json_pack("{s:i, s:[{s:s, s:{s:s}}]}", "TotalCount", 1, "Messages", "MessageID",
                              id, "Metadata", "usher", mark)
                  : json_pack("{s:i, s:[]}", "TotalCount", 0, "Messages"));
}

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    if (stand_is_path(call, "/email", NULL)) {
        send_mail(stand, call, answer);
    } else if (stand_is_path(call, "/messages/outbound", NULL)) {
        find_mail(stand, call, answer);
    } else { /* server */
        stand_say(answer, 200, json_pack("{s:s}", "Name", "drill"));
    }
}

const struct stand_kind stand_mailer_postmark = {.actor = "mailer",
                                                 .provider = "postmark",
                                                 .settings = {{"url", "{url}"}, {"key", "{key}"}},
                                                 .key_header = "X-Postmark-Server-Token",
                                                 .key_scheme = "",
                                                 .answer = answer};
