/* handle_settings.c - people, sessions, keys, secrets and the web app's hook on one page; new
 * secrets. */
#include "handlers.h"

#include "act.h"
#include "api_keys.h"
#include "clock.h"
#include "gather.h"
#include "job_answers.h"
#include "must.h"
#include "people.h"
#include "reply.h"
#include "roles.h"
#include "secrets.h"
#include "sessions.h"
#include "settings.h"
#include "standard_webhooks.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { HOOK_LOG = 20 };

/* Whom the web app's hook calls, without what may be secret in its address. */
static void set_host(const struct console *console, json_t *app)
{
    char *url = NULL;
    if (settings_peek(actor_home(console->actor), "usher.cfg", "app/url", "", &url) == OK) {
        const char *host = strstr(url, "://");
        host = host ? host + 3 : url;
        url[(size_t)(host - url) + strcspn(host, "/?#")] = '\0';
        const char *at = strrchr(host, '@');
        tree_set_text(app, "url_host", at ? at + 1 : host);
    }
    free(url);
}

static json_t *app_of(const struct visit *visit, const struct gather *gather)
{
    json_t *app = json_object(), *peer;
    size_t i;
    set_host(visit->console, app);
    json_array_foreach(tree_get(gather_answer(gather, "broker", 0), "peers"), i, peer)
    {
        if (strcmp(tree_text(peer, "name"), "app") == 0) {
            tree_set_text(app, "state",
                          tree_text(tree_get(tree_get(peer, "report"), "targets"), "app"));
        }
    }
    json_t *log = job_answers_of(visit->console, gather, "app");
    reply_mask(visit, log);
    tree_set(app, "log", log);
    return app;
}

static void show_finish(struct visit *visit, const struct gather *gather, json_t *context)
{
    (void)context;
    struct vault *vault = visit->console->vault;
    bool people = visit->identity.rights & RIGHT_PEOPLE;
    bool settings = visit->identity.rights & RIGHT_SETTINGS;
    const char *whose = people ? NULL : visit->identity.name;
    json_t *answer = json_object(), *hooks = json_object();
    tree_set(answer, "people", people ? people_list(vault) : json_array());
    tree_set(answer, "sessions",
             sessions_list(vault, whose, visit->identity.session, clock_wall_ms()));
    tree_set(answer, "keys", people ? api_keys_list(vault) : json_array());
    tree_set(answer, "secrets",
             settings ? secrets_list(actor_home(visit->console->actor)) : json_array());
    tree_set(hooks, "app", app_of(visit, gather));
    tree_set(answer, "hooks", hooks);
    reply_partial(visit, answer, gather_partial(gather));
}

void settings_show(struct visit *visit)
{
    struct gather *gather = gather_new(visit, show_finish, NULL);
    json_t *question = gather_question("jobs");
    tree_set_int(question, "limit", HOOK_LOG);
    gather_ask(gather, "app", question);
    gather_ask(gather, "broker", gather_question("status"));
    gather_go(&gather);
}

/* --- secrets ----------------------------------------------------------------------------------- */

static bool is_rotatable(const struct visit *visit, const char *id)
{
    json_t *list = secrets_list(actor_home(visit->console->actor)), *secret;
    bool found = false, rotatable = false;
    size_t i;
    json_array_foreach(list, i, secret)
    {
        if (strcmp(tree_text(secret, "id"), id) == 0) {
            found = true;
            rotatable = tree_flag(secret, "rotatable");
        }
    }
    json_decref(list);
    if (!found) {
        reply_problem(visit, 404, "there is no such secret", NULL);
    } else if (!rotatable) {
        reply_conflict(visit, "It does not come from a file of the home: change it in usher.cfg.");
    }
    return rotatable;
}

static void decide(struct visit *visit, const char *what, const char *value)
{
    const char *home = actor_home(visit->console->actor);
    const char *id = tree_text(visit->body, "id");
    const char *reason = is_rotatable(visit, id) ? act_reason(visit) : NULL;
    uint8_t key[SW_KEY_BYTES_MAX + 2];
    size_t len = sizeof key;
    if (reason && value && strcmp(id, "app/secret") == 0 && !sw_key(value, key, &len)) {
        reply_problem(visit, 400, "that is no secret of Standard Webhooks",
                      "whsec_ and the base64 of 24 to 64 bytes.");
        return;
    }
    if (reason && value && !secrets_is_good(value)) {
        reply_problem(visit, 400, "that does not look like a secret",
                      "One word of 8 to 4096 bytes, as the provider shows it.");
        return;
    }
    if (!reason) {
        return;
    }
    json_t *data = json_object();
    tree_set_text(data, "secret", id);
    tree_set_text(data, "what", what);
    tree_set_text(data, "reason", reason);
    struct act *act = act_announce(visit, "admin.rotated", "", data);
    if (act) {
        enum fault fault = value ? secrets_rotate(home, id, value) : secrets_retire(home, id);
        act_finish(&act, fault, json_object());
    }
}

void settings_rotate(struct visit *visit)
{
    decide(visit, "added", tree_text(visit->body, "value"));
}

void settings_retire(struct visit *visit)
{
    decide(visit, "retired", NULL);
}
