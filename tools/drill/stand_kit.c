/* stand_kit.c - Kit's subscribers, and tags that have numbers of their own. */
#include "stand.h"

#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = 32 };

static json_t *names_of(const json_t *tags, const json_t *subscriber)
{
    json_t *names = json_array(), *on;
    const char *id;
    json_object_foreach(tree_get(subscriber, "tags"), id, on)
    {
        json_t *name = json_string(tree_text(tree_get(tags, id), "name"));
        MUST(json_array_append_new(names, name) == 0);
    }
    return names;
}

static void note(struct stand *stand, const char *id, const json_t *subscriber)
{
    json_t *names = names_of(stand_keeps(stand, "tags"), subscriber);
    stand_saw(stand, tree_text(subscriber, "email"),
              json_pack("{s:s, s:o}", "id", id, "tags", names));
}

static void say_subscriber(struct stand_answer *answer, int status, const char *id)
{
    stand_say(answer, status, json_pack("{s:{s:I}}", "subscriber", "id", (json_int_t)atoll(id)));
}

/* POST: one that is there already, by its address, stays the one. */
static void make_subscriber(struct stand *stand, const struct stand_call *call,
                            struct stand_answer *answer)
{
    json_t *subscribers = stand_keeps(stand, "subscribers");
    const char *email = tree_text(call->body, "email_address"), *id = NULL;
    bool known = stand_pick(subscribers, "email", email, &id) != NULL;
    if (!known) {
        id = stand_new_id(stand);
        tree_set(subscribers, id, json_pack("{s:s, s:{}}", "email", email, "tags"));
    }
    note(stand, id, tree_get(subscribers, id));
    say_subscriber(answer, known ? 200 : 201, id);
}

static void say_tags(struct stand_answer *answer, const json_t *tags, const json_t *only)
{
    json_t *rows = json_array(), *tag;
    const char *id;
    json_object_foreach((json_t *)tags, id, tag)
    {
        if (!only || tree_get(only, id)) {
            json_t *row = json_pack("{s:I, s:s}", "id", (json_int_t)atoll(id), "name",
                                    tree_text(tag, "name"));
            MUST(json_array_append_new(rows, row) == 0);
        }
    }
    stand_say(answer, 200,
              json_pack("{s:o, s:{s:b}}", "tags", rows, "pagination", "has_next_page", 0));
}

static void make_tag(struct stand *stand, const struct stand_call *call,
                     struct stand_answer *answer)
{
    json_t *tags = stand_keeps(stand, "tags");
    const char *name = tree_text(call->body, "name"), *id = NULL;
    if (!stand_pick(tags, "name", name, &id)) {
        id = stand_new_id(stand);
        tree_set(tags, id, json_pack("{s:s}", "name", name));
    }
    stand_say(answer, 201,
              json_pack("{s:{s:I, s:s}}", "tag", "id", (json_int_t)atoll(id), "name", name));
}

static void on_subscriber(struct stand *stand, const char *rest, struct stand_answer *answer)
{
    char id[ID_BYTES];
    stand_segment(rest, id, sizeof id);
    json_t *subscriber = tree_get(stand_keeps(stand, "subscribers"), id);
    if (!subscriber) {
        stand_say(answer, 404, json_pack("{s:[s]}", "errors", "Not Found"));
    } else if (strstr(rest, "/tags")) {
        say_tags(answer, stand_keeps(stand, "tags"), tree_get(subscriber, "tags"));
    } else {
        note(stand, id, subscriber);
        say_subscriber(answer, 200, id);
    }
}

/* tags/7/subscribers/9: on, or off. */
static void on_link(struct stand *stand, const struct stand_call *call, const char *rest,
                    struct stand_answer *answer)
{
    char tag[ID_BYTES];
    stand_segment(rest, tag, sizeof tag);
    const char *id = strrchr(rest, '/') ? strrchr(rest, '/') + 1 : "";
    json_t *subscriber = tree_get(stand_keeps(stand, "subscribers"), id);
    if (!subscriber || !tree_get(stand_keeps(stand, "tags"), tag)) {
        stand_say(answer, 404, json_pack("{s:[s]}", "errors", "Not Found"));
        return;
    }
    if (strcmp(call->method, "DELETE") == 0) {
        json_object_del(tree_get(subscriber, "tags"), tag);
        answer->status = 204;
    } else {
        tree_set(tree_get(subscriber, "tags"), tag, json_true());
        say_subscriber(answer, 201, id);
    }
    note(stand, id, subscriber);
}

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const char *rest;
    bool reads = strcmp(call->method, "GET") == 0;
    if (stand_is_path(call, "/v4/subscribers", &rest)) {
        on_subscriber(stand, rest, answer);
    } else if (stand_is_path(call, "/v4/subscribers", NULL)) {
        make_subscriber(stand, call, answer);
    } else if (stand_is_path(call, "/v4/tags", &rest)) {
        on_link(stand, call, rest, answer);
    } else if (stand_is_path(call, "/v4/tags", NULL) && reads) {
        say_tags(answer, stand_keeps(stand, "tags"), NULL);
    } else if (stand_is_path(call, "/v4/tags", NULL)) {
        make_tag(stand, call, answer);
    } else { /* account */
        stand_say(answer, 200, json_pack("{s:{s:s}}", "account", "name", "drill"));
    }
}

const struct stand_kind stand_crm_kit = {.actor = "crm",
                                         .provider = "kit",
                                         .settings = {{"url", "{url}"}, {"key", "{key}"}},
                                         .key_header = "X-Kit-Api-Key",
                                         .key_scheme = "",
                                         .answer = answer};
