/* stand_intercom.c - Intercom's contacts, and the back-office tickets that usher opens for them. */
#include "stand.h"

#include "must.h"
#include "values.h"

#include <string.h>

enum { ID_BYTES = 32 };

/* The value that a query asks of a field, however deep: {"field", "operator", "value"}. */
static const char *asked(const json_t *query, const char *field)
{
    const json_t *value = tree_get(query, "value");
    if (strcmp(tree_text(query, "field"), field) == 0) {
        return tree_text(query, "value");
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *found = asked(json_array_get(value, i), field);
        if (*found) {
            return found;
        }
    }
    return "";
}

static void find_contact(struct stand *stand, const struct stand_call *call,
                         struct stand_answer *answer)
{
    const char *email = asked(tree_get(call->body, "query"), "email");
    json_t *contact = stand_pick(stand_keeps(stand, "contacts"), "email", email, NULL);
    stand_say(answer, 200,
              contact ? json_pack("{s:[O]}", "data", contact) : json_pack("{s:[]}", "data"));
}

static void make_contact(struct stand *stand, const struct stand_call *call,
                         struct stand_answer *answer)
{
    const char *id = stand_new_id(stand);
    json_t *contact = json_pack("{s:s, s:s}", "id", id, "email", tree_text(call->body, "email"));
    MUST(contact);
    tree_set(stand_keeps(stand, "contacts"), id, contact);
    stand_say(answer, 200, json_incref(contact));
}

static void note(struct stand *stand, const json_t *ticket, const char *text)
{
    const json_t *contact = tree_get(stand_keeps(stand, "contacts"), tree_text(ticket, "contact"));
    stand_saw(stand, tree_text(contact, "email"), json_pack("{s:s}", "text", text));
}

static void find_tickets(struct stand *stand, const struct stand_call *call,
                         struct stand_answer *answer)
{
    const char *contact = asked(tree_get(call->body, "query"), "contact_ids");
    json_t *ticket = stand_pick(stand_keeps(stand, "tickets"), "contact", contact, NULL);
    stand_say(answer, 200,
              ticket ? json_pack("{s:[O]}", "tickets", ticket) : json_pack("{s:[]}", "tickets"));
}

static void make_ticket(struct stand *stand, const struct stand_call *call,
                        struct stand_answer *answer)
{
    const json_t *attributes = tree_get(call->body, "ticket_attributes");
    const json_t *contact = json_array_get(tree_get(call->body, "contacts"), 0);
    const char *id = stand_new_id(stand);
    json_t *ticket =
        json_pack("{s:s, s:b, s:s, s:s, s:O?}", "id", id, "open", 1, "category", "Back-office",
                  "contact", tree_text(contact, "id"), "ticket_attributes", attributes);
    MUST(ticket);
    tree_set(stand_keeps(stand, "tickets"), id, ticket);
    note(stand, ticket, tree_text(attributes, "_default_description_"));
    stand_say(answer, 200, json_incref(ticket));
}

/* tickets/7, tickets/7/reply, tickets/7/tags: a ticket's own answer does for its tags, too. */
static void on_ticket(struct stand *stand, const struct stand_call *call, const char *rest,
                      struct stand_answer *answer)
{
    char id[ID_BYTES];
    stand_segment(rest, id, sizeof id);
    json_t *ticket = tree_get(stand_keeps(stand, "tickets"), id);
    if (!ticket) {
        stand_say(answer, 404, json_pack("{s:[{s:s}]}", "errors", "code", "not_found"));
        return;
    }
    if (strstr(rest, "/reply")) {
        note(stand, ticket, tree_text(call->body, "body"));
    }
    stand_say(answer, 200, json_incref(ticket));
}

static void answer(struct stand *stand, const struct stand_call *call, struct stand_answer *answer)
{
    const char *rest;
    if (stand_is_path(call, "/contacts/search", NULL)) {
        find_contact(stand, call, answer);
    } else if (stand_is_path(call, "/contacts", NULL)) {
        make_contact(stand, call, answer);
    } else if (stand_is_path(call, "/conversations/search", NULL)) {
        stand_say(answer, 200, json_pack("{s:[]}", "conversations"));
    } else if (stand_is_path(call, "/tickets/search", NULL)) {
        find_tickets(stand, call, answer);
    } else if (stand_is_path(call, "/tickets", NULL)) {
        make_ticket(stand, call, answer);
    } else if (stand_is_path(call, "/tickets", &rest)) {
        on_ticket(stand, call, rest, answer);
    } else { /* tags, me */
        stand_say(answer, 200, json_pack("{s:s}", "id", "1"));
    }
}

const struct stand_kind stand_support_intercom = {.actor = "support",
                                                  .provider = "intercom",
                                                  .settings = {{"url", "{url}"}, {"key", "{key}"}},
                                                  .key_header = "Authorization",
                                                  .key_scheme = "Bearer",
                                                  .answer = answer};
