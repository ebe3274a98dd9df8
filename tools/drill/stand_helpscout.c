/* stand_helpscout.c - Help Scout's conversations. The App secret logs in; the token it gets for
 * that is the secret, so that an expired one is refused everywhere. */
#include "stand.h"

#include "must.h"
#include "values.h"
#include "web.h"

#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = 32 };
#define LOGIN_PATH "/v2/oauth2/token"

/* client_secret is the last field of the form; ours holds nothing that needs escapes but "+", "/",
 * "=". */
static void log_in(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    char *secret = web_form(call->request, "client_secret");
    if (secret && strcmp(secret, stand->key) == 0) {
        stand_say(answer, 200,
                  json_pack("{s:s, s:s, s:i}", "access_token", stand->key, "token_type", "bearer",
                            "expires_in", 172800));
    } else {
        stand->wrong_keys++;
        stand_say(answer, 401, json_pack("{s:s}", "error", "invalid_client"));
    }
    free(secret);
}

static void note(struct stand *stand, const json_t *conversation, const json_t *body)
{
    const char *email = tree_text(tree_get(conversation, "primaryCustomer"), "email");
    stand_saw(stand, email, json_pack("{s:s}", "text", tree_text(body, "text")));
}

static void create(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const char *email = tree_text(tree_get(call->body, "customer"), "email");
    const char *id = stand_new_id(stand);
    json_t *thread = json_array_get(tree_get(call->body, "threads"), 0), *tags = json_array(), *tag;
    size_t i;
    json_array_foreach(tree_get(call->body, "tags"), i, tag)
    {
        MUST(json_array_append_new(tags, json_pack("{s:O}", "tag", tag)) == 0);
    }
    json_t *conversation =
        json_pack("{s:I, s:s, s:s, s:{s:s}, s:o}", "id", (json_int_t)atoll(id), "status", "active",
                  "state", "published", "primaryCustomer", "email", email, "tags", tags);
    MUST(conversation);
    tree_set(stand_keeps(stand, "conversations"), id, conversation);
    note(stand, conversation, thread);
    answer->headers[0] = "Resource-ID";
    answer->headers[1] = id;
    stand_say(answer, 201, NULL);
}

static void say_list(struct stand_answer *answer, const char *name, json_t *rows)
{
    stand_say(answer, 200,
              json_pack("{s:{s:o}, s:{s:i, s:i}}", "_embedded", name, rows, "page", "number", 1,
                        "totalPages", 1));
}

/* query=(email:"ada@example.com") */
static void find(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const char *query = web_query(call->request, "query"), *id;
    json_t *rows = json_array(), *one;
    json_object_foreach(stand_keeps(stand, "conversations"), id, one)
    {
        const char *email = tree_text(tree_get(one, "primaryCustomer"), "email");
        if (query && *email && strstr(query, email)) {
            MUST(json_array_append(rows, one) == 0);
        }
    }
    say_list(answer, "conversations", rows);
}

static void on_conversation(struct stand *stand, const struct stand_call *call, const char *rest,
                            struct stand_answer *answer)
{
    char id[ID_BYTES];
    stand_segment(rest, id, sizeof id);
    json_t *conversation = tree_get(stand_keeps(stand, "conversations"), id);
    if (!conversation) {
        stand_say(answer, 404, json_pack("{s:s}", "message", "Not Found"));
    } else if (strstr(rest, "/notes")) {
        note(stand, conversation, call->body);
        stand_say(answer, 201, NULL);
    } else if (strstr(rest, "/threads")) {
        say_list(answer, "threads", json_array());
    } else if (strstr(rest, "/tags")) {
        answer->status = 204;
    } else {
        stand_say(answer, 200, json_incref(conversation));
    }
}

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const char *rest;
    if (stand_is_path(call, LOGIN_PATH, NULL)) {
        log_in(stand, call, answer);
    } else if (stand_is_path(call, "/v2/conversations", &rest)) {
        on_conversation(stand, call, rest, answer);
    } else if (stand_is_path(call, "/v2/conversations", NULL)) {
        if (strcmp(call->method, "POST") == 0) {
            create(stand, call, answer);
        } else {
            find(stand, call, answer);
        }
    } else { /* users/me */
        stand_say(answer, 200, json_pack("{s:i}", "id", 1));
    }
}

const struct stand_kind stand_support_helpscout = {.actor = "support",
                                                   .provider = "helpscout",
                                                   .settings = {{"url", "{url}"}, {"key", "{key}"}},
                                                   .key_header = "Authorization",
                                                   .key_scheme = "Bearer",
                                                   .login_path = LOGIN_PATH,
                                                   .answer = answer};
