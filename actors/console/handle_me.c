/* handle_me.c - one's own account: password, two-step sign-in, sessions. */
#include "handlers.h"

#include "act.h"
#include "clock.h"
#include "must.h"
#include "people.h"
#include "reply.h"
#include "roles.h"
#include "sessions.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

static json_t *rights_of_role(unsigned rights)
{
    json_t *list = json_array();
    for (size_t i = 0; right_nth(i); i++) {
        if (rights & right_nth(i)->bit) {
            MUST(json_array_append_new(list, json_string(right_nth(i)->name)) == 0);
        }
    }
    return list;
}

void me_show(struct visit *visit)
{
    const struct identity *identity = &visit->identity;
    struct person person;
    enum fault fault = people_find(visit->console->vault, identity->name, &person);
    if (fault != OK) {
        reply_fault(visit, fault);
        return;
    }
    json_t *me = json_object();
    tree_set_text(me, "name", person.name);
    tree_set_text(me, "role", role_name(person.role));
    tree_set(me, "rights", rights_of_role(identity->rights));
    tree_set_flag(me, "totp", person.totp);
    tree_set_text(me, "csrf", identity->csrf);
    tree_set_text(me, "mode", visit->console->live_mode ? "live" : "test");
    tree_set_text(me, "version", USHER_VERSION);
    reply_json(visit, 200, me);
}

static struct act *announce_me(struct visit *visit, const char *what)
{
    json_t *data = json_object();
    tree_set_text(data, "person", visit->identity.name);
    tree_set_text(data, "what", what);
    return act_announce(visit, "admin.person_changed", "", data);
}

/* --- password ---------------------------------------------------------------------------------- */

void me_password(struct visit *visit)
{
    const char *old = tree_text(visit->body, "old"), *new = tree_text(visit->body, "new");
    const char *why = passwords_objection(new);
    int wait_s = 0;
    if (why) {
        reply_problem(visit, 400, "that is no good password", why);
        return;
    }
    enum fault fault = people_check_password(visit->console->vault, visit->identity.name, old,
                                             web_address(visit->request), clock_wall_ms(), &wait_s);
    if (fault != OK) {
        reply_problem(visit, wait_s ? 429 : 403, "the old password is not right",
                      wait_s ? "Too many attempts. Wait a moment, then try again." : NULL);
        return;
    }
    struct act *act = announce_me(visit, "password");
    if (act) {
        fault = people_set_password(visit->console->vault, visit->identity.name, new);
        if (fault == OK) {
            fault = sessions_end_others(visit->console->vault, visit->identity.name,
                                        visit->identity.session);
        }
        act_finish(&act, fault, json_object());
    }
}

/* --- two steps --------------------------------------------------------------------------------- */

void me_totp_start(struct visit *visit)
{
    char secret[TOTP_SECRET_CHARS + 1], *uri = NULL;
    enum fault fault = people_totp_start(visit->console->vault, visit->identity.name, secret, &uri);
    if (fault == OK) {
        json_t *answer = json_object();
        tree_set_text(answer, "secret", secret);
        tree_set_text(answer, "uri", uri);
        reply_json(visit, 200, answer);
    } else if (fault == FAULT_CONFLICT) {
        reply_conflict(visit, "Two-step sign-in is on already.");
    } else {
        reply_fault(visit, fault);
    }
    free(uri);
}

static void totp_decide(struct visit *visit, bool confirms)
{
    const char *code = tree_text(visit->body, "code"), *name = visit->identity.name;
    struct vault *vault = visit->console->vault;
    const char *address = web_address(visit->request);
    int64_t now = clock_wall_ms();
    enum fault fault = confirms ? people_totp_confirm(vault, name, code, address, now)
                                : people_totp_remove(vault, name, code, address, now);
    if (fault == FAULT_DENIED || fault == FAULT_MALFORMED) {
        reply_problem(visit, 400, "the code is not right",
                      "Is the clock of your phone right? A code counts once.");
    } else if (fault != OK) {
        reply_fault(visit, fault);
    } else {
        struct act *act = announce_me(visit, confirms ? "totp" : "totp_removed");
        if (act) {
            act_finish(&act, OK, json_object());
        }
    }
}

void me_totp_confirm(struct visit *visit)
{
    totp_decide(visit, true);
}

void me_totp_remove(struct visit *visit)
{
    totp_decide(visit, false);
}

/* --- sessions ---------------------------------------------------------------------------------- */

void me_end_session(struct visit *visit)
{
    const char *id = web_param(visit->request, "id");
    struct session session;
    enum fault fault = sessions_find(visit->console->vault, id, &session);
    bool own = fault == OK && strcmp(session.person, visit->identity.name) == 0;
    if (fault != OK || (!own && !(visit->identity.rights & RIGHT_PEOPLE))) {
        reply_problem(visit, 404, "there is no such session", NULL);
        return;
    }
    if (strlen(tree_text(visit->body, "reason")) > ACT_REASON_BYTES_MAX) {
        reply_problem(visit, 400, "the reason is too long", "At most 500 bytes.");
        return;
    }
    json_t *data = json_object();
    tree_set_text(data, "person", session.person);
    tree_set_text(data, "what", "signed_out");
    tree_set_text(data, "reason", tree_text(visit->body, "reason"));
    struct act *act = act_announce(visit, "admin.person_changed", "", data);
    if (act) {
        act_finish(&act, sessions_end(visit->console->vault, id), json_object());
    }
}
