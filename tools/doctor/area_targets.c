/* area_targets.c - CRM, support desk and mail services with an API: do they take our key? Of
 * HubSpot also whether it has the properties and options that the rules need. */
#include "doctor_core.h"

#include "rules.h"

#include <string.h>
#include <strings.h>

enum auth { BEARER, BASIC_ANY, BASIC_USER, HEADER_KIT, HEADER_POSTMARK, APP };

struct target {
    const char *actor, *provider, *url, *path;
    enum auth auth;
};

static const struct target targets[] = {
#define X(actor, provider, url, path, auth) {#actor, provider, url, path, auth},
#include "targets_table.h"
#undef X
};

/* Which checks say what of an actor's target. */
static const struct {
    const char *actor;
    enum check reach, key;
} judges[] = {{"crm", CHECK_CRM_REACHABLE, CHECK_CRM_KEY},
              {"support", CHECK_DESK_ADDRESS, CHECK_DESK_LOGIN},
              {"mailer", CHECK_MAIL_REACHABLE, CHECK_MAIL_LOGIN}};

/* One question to a target; `property` is a property of HubSpot's, NULL for the key's. */
struct inquiry {
    const struct target *target;
    enum check reach, key;
    const char *property;
    bool tags; /* the property whose options are the rules' tags */
};

static const char *setting(struct doctor *doctor, const struct target *target, const char *leaf,
                           const char *fallback)
{
    return config_line(doctor->config, ZPL_TOP, doctor_keep(doctor, "%s/%s", target->actor, leaf),
                       fallback);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Mailchimp's data centre stands behind the key's last hyphen. */
static const char *base_of(struct doctor *doctor, const struct target *target, const char *key)
{
    const char *url = setting(doctor, target, "url", target->url);
    const char *centre = strrchr(key, '-');
    if (!*url && strcmp(target->provider, "mailchimp") == 0 && centre) {
        return doctor_keep(doctor, "https://%s.api.mailchimp.com", centre + 1);
    }
    return url;
}

static enum fault show_key(struct doctor *doctor, const struct target *target, const char *key,
                           struct call *call)
{
    switch (target->auth) {
    case BASIC_ANY:
        buf_add_text(&call->user, "usher");
        buf_add_text(&call->password, key);
        return OK;
    case BASIC_USER:
        buf_printf(&call->user, "%s/token", setting(doctor, target, "user", ""));
        buf_add_text(&call->password, key);
        return OK;
    case HEADER_KIT:
        return call_header(call, "X-Kit-Api-Key", key);
    case HEADER_POSTMARK:
        return call_header(call, "X-Postmark-Server-Token", key);
    case APP:
        call->method = "POST";
        buf_add_text(&call->body, "grant_type=client_credentials&client_id=");
        call_escape(&call->body, setting(doctor, target, "app", ""));
        buf_add_text(&call->body, "&client_secret=");
        call_escape(&call->body, key);
        return call_header(call, "Content-Type", "application/x-www-form-urlencoded");
    case BEARER:
        break;
    }
    char *bearer = doctor_keep(doctor, "Bearer %s", key);
    enum fault fault = call_header(call, "Authorization", bearer);
    memset(bearer, 0, strlen(bearer));
    return fault;
}

static void ask(struct doctor *doctor, const struct inquiry *inquiry, const char *path,
                doctor_heard *heard)
{
    const char *key = setting(doctor, inquiry->target, "key", "");
    struct inquiry *kept = doctor_room(doctor, sizeof *kept);
    struct call call = {.method = "GET"};
    *kept = *inquiry;
    buf_printf(&call.url, "%s%s", base_of(doctor, inquiry->target, key), path);
    if (show_key(doctor, inquiry->target, key, &call) == OK &&
        call_header(&call, "Accept", "application/json") == OK) {
        doctor_call(doctor, &call, true, heard, kept);
    } else {
        call_fini(&call);
        doctor_say(doctor, inquiry->key, HEALTH_TROUBLE,
                   "the key holds characters that no key has");
    }
}

/* --- does it take the key? -------------------------------------------------------------------- */

static void todo_key(struct doctor *doctor, const struct inquiry *inquiry)
{
    const char *path = doctor_keep(doctor, "%s/key", inquiry->target->actor);
    const char *raw = config_raw(doctor->config, ZPL_TOP, path);
    bool file = strncmp(raw, "file:", 5) == 0;
    doctor_todo(doctor, inquiry->key,
                "Make a new key at %s and put it into %s%s%s; it is used at once, jobs go on.",
                inquiry->target->provider, file ? doctor->options->home : path, file ? "/" : "",
                file ? doctor_clean(doctor, raw + 5) : "");
}

static bool is_zendesk(const struct inquiry *inquiry)
{
    return strcmp(inquiry->target->provider, "zendesk") == 0;
}

/* Zendesk answers a stranger with 200 and a user without an id. */
static bool is_stranger(const struct inquiry *inquiry, const json_t *tree)
{
    return is_zendesk(inquiry) && !json_is_integer(tree_get(tree_get(tree, "user"), "id"));
}

static void judge_address(struct doctor *doctor, const struct inquiry *inquiry, const char *seen)
{
    const char *path = doctor_keep(doctor, "%s/url", inquiry->target->actor);
    const char *url = setting(doctor, inquiry->target, "url", inquiry->target->url);
    doctor_say(doctor, inquiry->reach, HEALTH_TROUBLE, "%s: %s", doctor_place(doctor, url), seen);
    if (inquiry->reach == CHECK_DESK_ADDRESS) {
        doctor_todo(
            doctor, inquiry->reach,
            "Compare %s in usher.cfg with the address that your browser shows at %s, without "
            "a path; then: usher up",
            path, inquiry->target->provider);
    }
}

static void on_key(struct doctor *doctor, void *about, const struct answer *answer)
{
    const struct inquiry *inquiry = about;
    if (answer->fault != OK) {
        judge_address(doctor, inquiry, doctor_unreached(doctor, answer));
        return;
    }
    json_t *tree = doctor_json(answer);
    bool restricted =
        strstr(answer->body, "restricted_api_key") != NULL; /* Resend: may only send */
    bool log_in =
        inquiry->target->auth == APP && answer->status == 400; /* OAuth 2's "invalid_client" */
    if ((answer->status == 401 || answer->status == 403 || log_in) && !restricted) {
        doctor_fine(doctor, inquiry->reach);
        doctor_say(doctor, inquiry->key, HEALTH_TROUBLE, "%s answers %d", inquiry->target->provider,
                   answer->status);
        todo_key(doctor, inquiry);
    } else if (answer->status == 429 || answer->status >= 500) {
        doctor_say(doctor, inquiry->reach, HEALTH_UNKNOWN, "it answers %d just now",
                   answer->status);
    } else if (answer->status >= 300 && !restricted) {
        judge_address(doctor, inquiry, doctor_keep(doctor, "it answers %d", answer->status));
    } else if (!tree || (is_zendesk(inquiry) && !tree_get(tree, "user"))) {
        judge_address(doctor, inquiry,
                      doctor_keep(doctor, "it answers %d, and not as an API does", answer->status));
    } else if (is_stranger(inquiry, tree)) {
        doctor_fine(doctor, inquiry->reach);
        doctor_say(doctor, inquiry->key, HEALTH_TROUBLE, "%s takes us for a stranger",
                   inquiry->target->provider);
        todo_key(doctor, inquiry);
    } else {
        doctor_fine(doctor, inquiry->reach);
        doctor_fine(doctor, inquiry->key);
    }
    json_decref(tree);
}

/* --- HubSpot's properties --------------------------------------------------------------------- */

static bool has_option(const json_t *property, const char *value)
{
    size_t i;
    json_t *option;
    json_array_foreach(tree_get(property, "options"), i, option)
    {
        if (strcmp(tree_text(option, "value"), value) == 0) {
            return true;
        }
    }
    return false;
}

static void judge_options(struct doctor *doctor, const char *name, const json_t *property)
{
    struct rules rules;
    struct buf why = {0};
    struct buf missing = {0};
    if (rules_load(doctor->options->home, &rules, &why) != OK) {
        rules_default(&rules);
    }
    for (size_t i = 0; i < RULE_COUNT; i++) {
        const char *tag = rules.rule[i].tag;
        bool again = false;
        for (size_t j = 0; j < i && !again; j++) {
            again = strcmp(rules.rule[j].tag, tag) == 0;
        }
        if (*tag && !again && !has_option(property, tag)) {
            buf_printf(&missing, "%s%s", missing.len ? ", " : "", tag);
        }
    }
    if (missing.len > 0) {
        doctor_say(doctor, CHECK_CRM_OPTION, HEALTH_TROUBLE, "%s has no option: %s", name,
                   buf_text(&missing));
        doctor_todo(doctor, CHECK_CRM_OPTION,
                    "HubSpot > Settings > Properties > %s > add the options (label and internal "
                    "name): %s",
                    name, buf_text(&missing));
    } else {
        doctor_fine(doctor, CHECK_CRM_OPTION);
    }
    buf_fini(&why);
    buf_fini(&missing);
}

static void on_property(struct doctor *doctor, void *about, const struct answer *answer)
{
    const struct inquiry *inquiry = about;
    const char *name = inquiry->property;
    json_t *property = answer->fault == OK && answer->status == 200 ? doctor_json(answer) : NULL;
    if (answer->fault == OK && answer->status == 404) {
        doctor_say(doctor, CHECK_CRM_PROPERTY, HEALTH_TROUBLE,
                   "there is no contact property \"%s\"", name);
        doctor_todo(doctor, CHECK_CRM_PROPERTY,
                    "HubSpot > Settings > Properties > Create property: internal name %s%s", name,
                    inquiry->tags ? ", field type \"Multiple checkboxes\"" : "");
    } else if (property) {
        doctor_fine(doctor, CHECK_CRM_PROPERTY);
        if (inquiry->tags) {
            judge_options(doctor, name, property);
        }
    } else if (answer->status == 403) {
        doctor_say(doctor, CHECK_CRM_PROPERTY, HEALTH_UNKNOWN,
                   "the key lacks crm.schemas.contacts.read");
    } else {
        doctor_say(doctor, CHECK_CRM_PROPERTY, HEALTH_UNKNOWN, "HubSpot does not say");
    }
    json_decref(property);
}

static void ask_property(struct doctor *doctor, struct inquiry *inquiry, const char *leaf,
                         const char *fallback)
{
    struct buf path = {0};
    inquiry->property = doctor_clean(doctor, setting(doctor, inquiry->target, leaf, fallback));
    inquiry->tags = strcmp(leaf, "tags_property") == 0;
    if (*inquiry->property) {
        buf_add_text(&path, "/crm/v3/properties/contacts/");
        call_escape(&path, inquiry->property);
        ask(doctor, inquiry, buf_text(&path), on_property);
    }
    buf_fini(&path);
}

/* --- all -------------------------------------------------------------------------------------- */

static void look_at(struct doctor *doctor, const struct target *target)
{
    struct inquiry inquiry = {.target = target};
    for (size_t i = 0; i < sizeof judges / sizeof *judges; i++) {
        if (strcmp(judges[i].actor, target->actor) == 0) {
            inquiry.reach = judges[i].reach;
            inquiry.key = judges[i].key;
        }
    }
    doctor_await(doctor, inquiry.reach);
    doctor_await(doctor, inquiry.key);
    ask(doctor, &inquiry, target->path, on_key);
    if (strcmp(target->provider, "hubspot") == 0) {
        ask_property(doctor, &inquiry, "tags_property", "usher_tags");
        ask_property(doctor, &inquiry, "state_property", "usher_state");
        ask_property(doctor, &inquiry, "active_property", "usher_active");
    }
}

void area_targets(struct doctor *doctor)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        const char *path = doctor_keep(doctor, "%s/provider", targets[i].actor);
        const char *provider = config_text(doctor->config, ZPL_TOP, path, "local");
        if (strcmp(provider, targets[i].provider) == 0) {
            look_at(doctor, &targets[i]);
        }
    }
}
