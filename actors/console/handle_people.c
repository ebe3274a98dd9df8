/* handle_people.c - people of the console, and API keys: the owner's business. */
#include "handlers.h"

#include "act.h"
#include "api_keys.h"
#include "clock.h"
#include "must.h"
#include "people.h"
#include "reply.h"
#include "roles.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes data; the reason is put in. NULL, having answered, without one. */
static struct act *announce(struct visit *visit, const char *type, json_t *data)
{
    const char *reason = act_reason(visit);
    if (!reason) {
        json_decref(data);
        return NULL;
    }
    tree_set_text(data, "reason", reason);
    return act_announce(visit, type, "", data);
}

static json_t *about(const char *person, const char *what, const char *role)
{
    json_t *data = json_object();
    tree_set_text(data, "person", person);
    tree_set_text(data, "what", what);
    tree_set_text(data, "role", role);
    return data;
}

static json_t *link_answer(const struct visit *visit, const char *token)
{
    json_t *answer = json_object();
    struct buf link = {0};
    buf_printf(&link, "%s/welcome?token=%s", visit->console->url, token);
    tree_set_text(answer, "link", buf_text(&link));
    buf_fini(&link);
    return answer;
}

/* --- people ------------------------------------------------------------------------------------ */

/* False, having answered. */
static bool read_role(const struct visit *visit, enum role *role)
{
    if (role_of(tree_text(visit->body, "role"), role)) {
        return true;
    }
    reply_problem(visit, 400, "role: viewer, support, operator or owner", NULL);
    return false;
}

void people_add_one(struct visit *visit)
{
    const char *name = tree_text(visit->body, "name");
    struct vault *vault = visit->console->vault;
    struct person person;
    enum role role;
    if (!read_role(visit, &role)) {
        return;
    }
    if (!people_name_is_good(name)) {
        reply_problem(visit, 400, "name: 1 to 32 of a-z, 0-9, _ and -", NULL);
        return;
    }
    if (people_find(vault, name, &person) == OK) {
        reply_conflict(visit, "There is somebody called %s already.", name);
        return;
    }
    char token[PEOPLE_TOKEN_CHARS + 1];
    struct act *act =
        announce(visit, "admin.person_changed", about(name, "added", role_name(role)));
    if (act) {
        enum fault fault = people_add(vault, name, role, clock_wall_ms(), token);
        act_finish(&act, fault, fault == OK ? link_answer(visit, token) : NULL);
    }
}

/* The person that the path names; false, having answered. */
static bool find(const struct visit *visit, struct person *person)
{
    enum fault fault =
        people_find(visit->console->vault, web_param(visit->request, "name"), person);
    if (fault == FAULT_NOT_FOUND) {
        reply_problem(visit, 404, "there is nobody of that name", NULL);
    } else if (fault != OK) {
        reply_fault(visit, fault);
    }
    return fault == OK;
}

static bool is_last_owner(const struct visit *visit, const struct person *person)
{
    if (person->role != ROLE_OWNER || !people_is_last_owner(visit->console->vault, person->name)) {
        return false;
    }
    reply_conflict(visit, "%s is the only owner: make somebody else one first.", person->name);
    return true;
}

void people_change_role(struct visit *visit)
{
    struct person person;
    enum role role;
    if (!find(visit, &person) || !read_role(visit, &role) ||
        (role != ROLE_OWNER && is_last_owner(visit, &person))) {
        return;
    }
    struct act *act =
        announce(visit, "admin.person_changed", about(person.name, "role", role_name(role)));
    if (act) {
        enum fault fault = people_set_role(visit->console->vault, person.name, role);
        act_finish(&act, fault, json_object());
    }
}

void people_invite_again(struct visit *visit)
{
    struct person person;
    char token[PEOPLE_TOKEN_CHARS + 1];
    if (!find(visit, &person) || is_last_owner(visit, &person)) {
        return;
    }
    struct act *act = announce(visit, "admin.person_changed",
                               about(person.name, "invited", role_name(person.role)));
    if (act) {
        enum fault fault =
            people_invite(visit->console->vault, person.name, clock_wall_ms(), token);
        act_finish(&act, fault, fault == OK ? link_answer(visit, token) : NULL);
    }
}

void people_remove_one(struct visit *visit)
{
    struct person person;
    if (!find(visit, &person) || is_last_owner(visit, &person)) {
        return;
    }
    struct act *act = announce(visit, "admin.person_changed",
                               about(person.name, "removed", role_name(person.role)));
    if (act) {
        enum fault fault = people_remove(visit->console->vault, person.name);
        act_finish(&act, fault, json_object());
    }
}

/* --- API keys ---------------------------------------------------------------------------------- */

static bool read_scopes(const struct visit *visit, unsigned *scopes)
{
    const json_t *list = tree_get(visit->body, "scopes");
    json_t *word;
    size_t i;
    *scopes = 0;
    json_array_foreach(list, i, word)
    {
        unsigned scope = json_is_string(word) ? scope_of(json_string_value(word)) : 0;
        if (!scope) {
            *scopes = 0;
            break;
        }
        *scopes |= scope;
    }
    if (!*scopes) {
        reply_problem(visit, 400, "scopes: a list of members, jobs, events, access, metrics", NULL);
    }
    return *scopes != 0;
}

void keys_add(struct visit *visit)
{
    const char *name = tree_text(visit->body, "name");
    unsigned scopes;
    char token[API_KEY_CHARS + 1];
    if (!read_scopes(visit, &scopes)) {
        return;
    }
    if (!api_keys_name_is_good(name)) {
        reply_problem(visit, 400, "name: what it is for, up to 60 bytes", NULL);
        return;
    }
    char id[API_KEY_ID_CHARS + 1];
    api_keys_make(token, id);
    json_t *data = json_object();
    tree_set_text(data, "key", id);
    tree_set_text(data, "name", name);
    tree_set(data, "scopes", scopes_list(scopes));
    tree_set_text(data, "what", "added");
    struct act *act = announce(visit, "admin.key_changed", data);
    if (act) {
        enum fault fault = api_keys_add(visit->console->vault, token, name, scopes,
                                        visit->identity.name, clock_wall_ms());
        json_t *answer = json_object();
        tree_set_text(answer, "id", id);
        tree_set_text(answer, "key", token);
        act_finish(&act, fault, answer);
    }
}

void keys_remove(struct visit *visit)
{
    const char *id = web_param(visit->request, "id");
    struct api_key key;
    if (api_keys_find(visit->console->vault, id, &key) != OK) {
        reply_problem(visit, 404, "there is no such key", NULL);
        return;
    }
    json_t *data = json_object();
    tree_set_text(data, "key", key.id);
    tree_set_text(data, "name", key.name);
    tree_set(data, "scopes", scopes_list(key.scopes));
    tree_set_text(data, "what", "removed");
    struct act *act = announce(visit, "admin.key_changed", data);
    if (act) {
        enum fault fault = api_keys_remove(visit->console->vault, id);
        act_finish(&act, fault, json_object());
    }
}
