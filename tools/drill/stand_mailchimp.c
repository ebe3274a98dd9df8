/* stand_mailchimp.c - the members of a Mailchimp audience, by the hash of their address; tags are
 * of a call of their own. */
#include "stand.h"

#include "must.h"
#include "values.h"

#include <string.h>

enum { HASH_BYTES = 64 };

static void problem(struct stand_answer *answer, int status, const char *title)
{
    stand_say(answer, status, json_pack("{s:s, s:i}", "title", title, "status", status));
}

static json_t *tags_of(const json_t *member)
{
    json_t *tags = json_array(), *on;
    const char *name;
    json_object_foreach(tree_get(member, "tags"), name, on)
    {
        MUST(json_array_append_new(tags, json_string(name)) == 0);
    }
    return tags;
}

static void note(struct stand *stand, const char *hash, const json_t *member)
{
    stand_saw(stand, tree_text(member, "email"),
              json_pack("{s:s, s:o}", "id", hash, "tags", tags_of(member)));
}

static void write_member(struct stand *stand, const struct stand_call *call, const char *hash,
                         struct stand_answer *answer)
{
    json_t *members = stand_keeps(stand, "members");
    const char *email = tree_text(call->body, "email_address"), *owner = hash;
    if (stand_pick(members, "email", email, &owner) && strcmp(owner, hash) != 0) {
        problem(answer, 400, "Member Exists");
        return;
    }
    if (!tree_get(members, hash)) {
        tree_set(members, hash, json_pack("{s:{}}", "tags"));
    }
    json_t *member = tree_get(members, hash);
    tree_set_text(member, "email", email);
    note(stand, hash, member);
    stand_say(answer, 200, json_pack("{s:s, s:s}", "id", hash, "email_address", email));
}

static void write_tags(struct stand *stand, const struct stand_call *call, const char *hash,
                       json_t *member, struct stand_answer *answer)
{
    size_t i;
    json_t *row;
    json_array_foreach(tree_get(call->body, "tags"), i, row)
    {
        const char *name = tree_text(row, "name");
        if (strcmp(tree_text(row, "status"), "active") == 0) {
            tree_set(tree_get(member, "tags"), name, json_true());
        } else {
            json_object_del(tree_get(member, "tags"), name);
        }
    }
    note(stand, hash, member);
    answer->status = 204;
}

static void show_tags(const json_t *member, struct stand_answer *answer)
{
    json_t *rows = json_array(), *on;
    const char *name;
    json_object_foreach(tree_get(member, "tags"), name, on)
    {
        MUST(json_array_append_new(rows, json_pack("{s:s}", "name", name)) == 0);
    }
    stand_say(answer, 200, json_pack("{s:o}", "tags", rows));
}

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const char *at = strstr(call->path, "/members/");
    char hash[HASH_BYTES];
    if (!at) { /* ping */
        stand_say(answer, 200, json_pack("{s:s}", "health_status", "Everything's Chimpy!"));
        return;
    }
    stand_segment(at + strlen("/members/"), hash, sizeof hash);
    json_t *member = tree_get(stand_keeps(stand, "members"), hash);
    bool tags = strstr(at, "/tags") != NULL, reads = strcmp(call->method, "GET") == 0;
    if (strcmp(call->method, "PUT") == 0) {
        write_member(stand, call, hash, answer);
    } else if (!member) {
        problem(answer, 404, "Resource Not Found");
    } else if (tags && reads) {
        show_tags(member, answer);
    } else if (tags) {
        write_tags(stand, call, hash, member, answer);
    } else {
        stand_say(answer, 200, json_pack("{s:s}", "id", hash));
    }
}

const struct stand_kind stand_crm_mailchimp = {.actor = "crm",
                                               .provider = "mailchimp",
                                               .settings = {{"url", "{url}"}, {"key", "{key}"}},
                                               .key_header = "Authorization",
                                               .key_scheme = "Basic",
                                               .answer = answer};
