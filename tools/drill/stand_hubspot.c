/* stand_hubspot.c - HubSpot's contacts, v3: an address is one contact's alone. */
#include "stand.h"

#include "must.h"
#include "values.h"
#include "web.h"

#include <string.h>

static const char contacts_path[] = "/crm/v3/objects/contacts";

static void refuse(struct stand_answer *answer, int status, const char *category, char *message)
{
    stand_say(
        answer, status,
        json_pack("{s:s, s:s, s:s}", "status", "error", "category", category, "message", message));
    free(message);
}

/* What the drill looks at: the tags of the property that the founder's config names. */
static void note(struct stand *stand, const char *id, const json_t *contact)
{
    const char *property = stand_setting(stand, "tags_property", "usher_tags");
    json_t *tags = json_array();
    for (const char *at = tree_text(contact, property); *at;) {
        size_t len = strcspn(at, ";");
        json_array_append_new(tags, json_stringn(at, len));
        at += len + (at[len] == ';');
    }
    stand_saw(stand, tree_text(contact, "email"), json_pack("{s:s, s:o}", "id", id, "tags", tags));
}

static void write_contact(struct stand *stand, const char *id, const json_t *properties,
                          struct stand_answer *answer)
{
    json_t *contacts = stand_keeps(stand, "contacts");
    const char *email = tree_text(properties, "email"), *owner = NULL;
    if (*email && stand_pick(contacts, "email", email, &owner) && strcmp(owner, id) != 0) {
        refuse(answer, 409, "CONFLICT",
               must_sprintf("Contact already exists. Existing ID: %s", owner));
        return;
    }
    bool is_new = !*id;
    id = is_new ? stand_new_id(stand) : id;
    if (is_new) {
        tree_set(contacts, id, json_object());
    }
    json_t *contact = tree_get(contacts, id);
    json_object_update(contact, (json_t *)properties);
    note(stand, id, contact);
    stand_say(answer, is_new ? 201 : 200, json_pack("{s:s, s:O}", "id", id, "properties", contact));
}

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    size_t len = sizeof contacts_path - 1;
    if (strncmp(call->path, contacts_path, len) != 0) {
        refuse(answer, 404, "NOT_FOUND", must_strdup("no such path"));
        return;
    }
    const char *id = call->path + len + (call->path[len] == '/');
    json_t *contact = tree_get(stand_keeps(stand, "contacts"), id);
    if (*id && !contact) {
        refuse(answer, 404, "OBJECT_NOT_FOUND", must_strdup("resource not found"));
    } else if (strcmp(call->method, "GET") != 0) {
        write_contact(stand, id, tree_get(call->body, "properties"), answer);
    } else if (*id) {
        stand_say(answer, 200, json_pack("{s:s, s:O}", "id", id, "properties", contact));
    } else {
        stand_say(answer, 200, json_pack("{s:[]}", "results"));
    }
}

const struct stand_kind stand_crm_hubspot = {.actor = "crm",
                                             .provider = "hubspot",
                                             .settings = {{"url", "{url}"}, {"key", "{key}"}},
                                             .key_header = "Authorization",
                                             .key_scheme = "Bearer",
                                             .answer = answer};
