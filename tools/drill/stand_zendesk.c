/* stand_zendesk.c - Zendesk's tickets: made once per Idempotency-Key, found by external_id. */
#include "stand.h"

#include "must.h"
#include "values.h"
#include "web.h"

#include <stdlib.h>
#include <string.h>

static const char tickets_path[] = "/api/v2/tickets";

static void note(struct stand *stand, const json_t *ticket, const json_t *comment)
{
    const char *priority = tree_text(ticket, "priority");
    stand_saw(stand, tree_text(tree_get(ticket, "requester"), "email"),
              json_pack("{s:s, s:b}", "text", tree_text(comment, "body"), "urgent",
                        strcmp(priority, "urgent") == 0));
}

static void say_ticket(struct stand_answer *answer, int status, json_t *ticket)
{
    stand_say(answer, status, json_pack("{s:O}", "ticket", ticket));
}

static void create(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const char *key = web_header(call->request, "Idempotency-Key");
    json_t *tickets = stand_keeps(stand, "tickets"), *keys = stand_keeps(stand, "keys");
    json_t *before = key ? tree_get(keys, key) : NULL;
    if (before) {
        say_ticket(answer, 201, tree_get(tickets, json_string_value(before)));
        return;
    }
    const char *id = stand_new_id(stand);
    json_t *ticket = json_deep_copy(tree_get(call->body, "ticket"));
    if (!tree_get(ticket, "comment")) {
        json_decref(ticket);
        stand_say(answer, 422, json_pack("{s:s}", "error", "RecordInvalid"));
        return;
    }
    tree_set_int(ticket, "id", atoll(id));
    tree_set_text(ticket, "status", "new");
    tree_set(ticket, "comments", json_pack("[O]", tree_get(ticket, "comment")));
    tree_set(tickets, id, ticket);
    if (key) {
        tree_set_text(keys, key, id);
    }
    note(stand, ticket, tree_get(ticket, "comment"));
    say_ticket(answer, 201, ticket);
}

static void find(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const char *wanted = web_query(call->request, "external_id");
    json_t *found =
        wanted ? stand_pick(stand_keeps(stand, "tickets"), "external_id", wanted, NULL) : NULL;
    stand_say(answer, 200,
              found ? json_pack("{s:[O]}", "tickets", found) : json_pack("{s:[]}", "tickets"));
}

static void one(struct stand *stand, const struct stand_call *call, const char *rest,
                struct stand_answer *answer)
{
    char id[32];
    snprintf(id, sizeof id, "%.*s", (int)strcspn(rest, "/."), rest);
    json_t *ticket = tree_get(stand_keeps(stand, "tickets"), id);
    if (!ticket) {
        stand_say(answer, 404, json_pack("{s:s}", "error", "RecordNotFound"));
    } else if (strstr(rest, "/comments")) {
        stand_say(answer, 200, json_pack("{s:O}", "comments", tree_get(ticket, "comments")));
    } else if (strstr(rest, "/tags")) {
        stand_say(answer, 200, json_pack("{s:O}", "tags", tree_get(call->body, "tags")));
    } else {
        json_t *comment = tree_get(tree_get(call->body, "ticket"), "comment");
        if (comment) {
            json_array_append(tree_get(ticket, "comments"), comment);
            note(stand, ticket, comment);
        }
        say_ticket(answer, 200, ticket);
    }
}

/* Whoever has a ticket is a user, under the ticket's number: query=email:"ada@example.com" */
static void find_user(struct stand *stand, const struct stand_call *call,
                      struct stand_answer *answer)
{
    const char *query = web_query(call->request, "query"), *id;
    json_t *users = json_array(), *ticket;
    json_object_foreach(stand_keeps(stand, "tickets"), id, ticket)
    {
        const char *email = tree_text(tree_get(ticket, "requester"), "email");
        if (query && *email && strstr(query, email)) {
            json_t *user = json_pack("{s:I, s:s}", "id", (json_int_t)atoll(id), "email", email);
            MUST(json_array_append_new(users, user) == 0);
        }
    }
    stand_say(answer, 200, json_pack("{s:o}", "users", users));
}

static void find_requested(struct stand *stand, const char *rest, struct stand_answer *answer)
{
    char id[32];
    stand_segment(rest, id, sizeof id);
    json_t *ticket = tree_get(stand_keeps(stand, "tickets"), id);
    stand_say(answer, 200,
              ticket ? json_pack("{s:[O]}", "tickets", ticket) : json_pack("{s:[]}", "tickets"));
}

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    size_t len = sizeof tickets_path - 1;
    const char *rest;
    if (stand_is_path(call, "/api/v2/users/search.json", NULL)) {
        find_user(stand, call, answer);
    } else if (stand_is_path(call, "/api/v2/users", &rest)) {
        find_requested(stand, rest, answer);
    } else if (strncmp(call->path, tickets_path, len) != 0) {
        stand_say(answer, 404, json_pack("{s:s}", "error", "RecordNotFound"));
    } else if (call->path[len] == '/') {
        one(stand, call, call->path + len + 1, answer);
    } else if (strcmp(call->method, "POST") == 0) {
        create(stand, call, answer);
    } else {
        find(stand, call, answer);
    }
}

const struct stand_kind stand_support_zendesk = {.actor = "support",
                                                 .provider = "zendesk",
                                                 .settings = {{"url", "{url}"}, {"key", "{key}"}},
                                                 .key_header = "Authorization",
                                                 .key_scheme = "Basic",
                                                 .answer = answer};
