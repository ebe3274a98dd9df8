/* hubspot.c - HubSpot contacts, v3. No idempotency key there: the contact's id is.
 *
 *   contact known:    look (GET) -> write (PATCH)
 *   not known:        create (POST) -> 201 done, or 409 "Existing ID: n" -> look -> write
 *   gone (404):       create
 *   the e-mail belongs to another contact (409 on write): write without the e-mail
 *
 * HubSpot has no tags. We use a multi-checkbox property whose options a person made beforehand; a
 * PATCH replaces its value, so that it is read first and what is not ours stays. */
#include "crm.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct setting own_settings[] = {
    {"crm/url", SETTING_TEXT, "https://api.hubapi.com", 0, 500, NULL, "Base of HubSpot's API."},
    {"crm/key", SETTING_SECRET, "", 0, 0, NULL, "Token of a HubSpot private app."},
    {"crm/tags_property", SETTING_TEXT, "usher_tags", 1, 100, NULL,
     "The contact property (multiple checkboxes) that shows the tags."},
    {"crm/state_property", SETTING_TEXT, "usher_state", 0, 100, NULL,
     "The contact property (text) that shows the state; empty: none."},
    {"crm/active_property", SETTING_TEXT, "usher_active", 0, 100, NULL,
     "The contact property (single checkbox) that shows access; empty: none."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

enum { START, LOOK, WRITE, CREATE, WRITE_OTHERS };
enum { DAILY_HOLD_MS = 3600000, DAILY_RESERVE_PART = 20 };

static int real_step(const struct task *task, int step)
{
    if (step != START) {
        return step;
    }
    return *crm_contact(task) ? LOOK : CREATE;
}

static bool hubspot_check(const struct settings *settings, struct buf *why)
{
    bool good = true;
    struct buf words = {0};
    if (!http_out_url_allowed(settings_text(settings, "crm/url"), false, &words)) {
        buf_printf(why, "usher.cfg: crm/url: %s\n", buf_text(&words));
        good = false;
    }
    if (!settings_given(settings, "crm/key")) {
        buf_add_text(why, "usher.cfg: crm/key: expected the token of a HubSpot private app, such "
                          "as file:secrets/hubspot\n");
        good = false;
    }
    buf_fini(&words);
    return good;
}

/* --- requests ----------------------------------------------------------------------------------- */

static enum fault begin(const struct settings *settings, const char *secret, struct call *call,
                        const char *method, const char *path)
{
    call->method = method;
    buf_printf(&call->url, "%s%s", settings_text(settings, "crm/url"), path);
    char *bearer = NULL;
    if (asprintf(&bearer, "Bearer %s", secret) < 0) {
        return FAULT_FULL;
    }
    enum fault fault = call_header(call, "Authorization", bearer);
    free(bearer);
    return fault == OK ? call_header(call, "Accept", "application/json") : fault;
}

static enum fault add_properties(const struct task *task, int step, struct call *call)
{
    const json_t *document = tree_get(task->payload, "document");
    bool retire = tree_flag(task->payload, "retire");
    const char *state_name = settings_text(task->settings, "crm/state_property");
    const char *active_name = settings_text(task->settings, "crm/active_property");
    json_t *properties = json_object();
    struct buf tags = {0};
    const char *present = step == CREATE ? "" : tree_text(task->learned, "present");
    crm_tags(document, retire, present, ';', &tags);
    json_object_set_new(properties, settings_text(task->settings, "crm/tags_property"),
                        json_string(buf_text(&tags)));
    buf_fini(&tags);
    if (*state_name) {
        tree_set_text(properties, state_name, retire ? "merged" : tree_text(document, "state"));
    }
    if (*active_name) {
        bool access = !retire && tree_flag(document, "access");
        tree_set_text(properties, active_name, access ? "true" : "false");
    }
    if (!retire && step != WRITE_OTHERS) {
        tree_set_text(properties, "email", tree_text(document, "email"));
    }
    if (step == CREATE) {
        crm_add_name(properties, "firstname", "lastname", tree_text(document, "name"));
    }
    json_t *body = json_object();
    tree_set(body, "properties", properties);
    return call_json(call, body);
}

static enum fault hubspot_request(const struct task *task, int given, struct call *call)
{
    int step = real_step(task, given);
    const json_t *document = tree_get(task->payload, "document");
    const char *contact = crm_contact(task);
    enum fault fault = OK;
    if (step == CREATE) {
        if (!*tree_text(document, "email")) {
            return FAULT_MALFORMED;
        }
        fault = begin(task->settings, task->secret, call, "POST", "/crm/v3/objects/contacts");
    } else {
        fault = begin(task->settings, task->secret, call, step == LOOK ? "GET" : "PATCH",
                      "/crm/v3/objects/contacts/");
        call_escape(&call->url, contact);
    }
    if (fault == OK && step == LOOK) {
        buf_add_text(&call->url, "?properties=");
        call_escape(&call->url, settings_text(task->settings, "crm/tags_property"));
        return OK;
    }
    return fault == OK ? add_properties(task, step, call) : fault;
}

static enum fault hubspot_probe(const struct settings *settings, const char *secret,
                                struct call *call)
{
    return begin(settings, secret, call, "GET", "/crm/v3/objects/contacts?limit=1");
}

/* --- answers ------------------------------------------------------------------------------------ */

/* The duplicate's id stands only in the message: "Contact already exists. Existing ID: 123". */
static bool existing_id(const json_t *body, char *id, size_t room)
{
    const char *at = strstr(tree_text(body, "message"), "Existing ID:");
    size_t len = 0;
    if (!at) {
        return false;
    }
    at += strlen("Existing ID:");
    while (*at == ' ') {
        at++;
    }
    while (isdigit((unsigned char)at[len])) {
        len++;
    }
    if (len == 0 || len >= room) {
        return false;
    }
    memcpy(id, at, len);
    id[len] = '\0';
    return true;
}

static void step_to(struct verdict *verdict, int step)
{
    verdict->kind = VERDICT_STEP;
    verdict->step = step;
}

/* Which of our tags is the option that is missing: "refunded was not one of the allowed options".
 * Those that are allowed follow in the message, so that only what stands right in front counts. */
static const char *missing_option(const struct task *task, const char *message)
{
    const json_t *all = tree_get(tree_get(task->payload, "document"), "all_tags");
    const char *end = strstr(message, " was not one of");
    const char *found = "";
    for (size_t i = 0; end && i < json_array_size(all); i++) {
        const char *tag = json_string_value(json_array_get(all, i));
        size_t len = tag ? strlen(tag) : 0;
        bool ends = len > strlen(found) && (size_t)(end - message) >= len;
        if (ends && strncmp(end - len, tag, len) == 0) {
            found = tag;
        }
    }
    return found;
}

/* A 400 says which property or option is missing; only our own names are repeated. */
static void explain_invalid(const struct task *task, const json_t *body, struct verdict *verdict)
{
    const char *message = tree_text(body, "message");
    const char *tags = settings_text(task->settings, "crm/tags_property");
    const char *const names[] = {tags, settings_text(task->settings, "crm/state_property"),
                                 settings_text(task->settings, "crm/active_property")};
    if (strstr(message, "INVALID_EMAIL")) {
        verdict_set(verdict, VERDICT_NEVER, "HubSpot takes the e-mail address for invalid (400)");
        return;
    }
    bool option = strstr(message, "INVALID_OPTION") || strstr(message, "not one of the allowed");
    bool missing = strstr(message, "PROPERTY_DOESNT_EXIST") || strstr(message, "does not exist");
    for (size_t i = 0; i < 3; i++) {
        if (*names[i] && strstr(message, names[i]) && missing && !option) {
            verdict_set(verdict, VERDICT_NEVER,
                        "HubSpot has no contact property \"%s\": create it there%s, or name "
                        "another one in usher.cfg",
                        names[i], i == 0 ? " (multiple checkboxes, one for each tag)" : "");
            return;
        }
    }
    if (option) {
        const char *tag = missing_option(task, message);
        verdict_set(verdict, VERDICT_NEVER,
                    "%s%.60s%s is not among the options of HubSpot's property \"%s\": add it there",
                    *tag ? "the tag \"" : "a tag", tag, *tag ? "\"" : "", tags);
        return;
    }
    const char *category = tree_text(body, "category");
    verdict_set(verdict, VERDICT_NEVER, "HubSpot says no (400)%s%.40s",
                *category ? ", category " : "", category);
}

/* The 429 names its policy where there is no Retry-After. The day ends at midnight of the account's
 * time zone, which is not known here: one call an hour finds out. */
static void explain_limit(const json_t *body, const struct answer *answer, struct verdict *verdict)
{
    const char *policy = tree_text(body, "policyName");
    verdict_http(answer, verdict);
    if (strcmp(policy, "DAILY") == 0) {
        verdict_set(verdict, VERDICT_AGAIN, "HubSpot's daily limit is reached (429)");
        verdict->hold_ms = DAILY_HOLD_MS;
    } else if (verdict->retry_after_ms == 0) {
        verdict->retry_after_ms = strcmp(policy, "SECONDLY") == 0 ? 1000 : 10000;
    }
}

static void learn_contact(const struct task *task, const json_t *body, struct verdict *verdict)
{
    tree_set_text(verdict->learned, "contact", tree_text(body, "id"));
    json_object_del(verdict->learned, "present");
    crm_learn_done(task, verdict);
}

static void found(const struct task *task, const json_t *body, struct verdict *verdict)
{
    const json_t *properties = tree_get(body, "properties");
    const char *present = tree_text(properties, settings_text(task->settings, "crm/tags_property"));
    /* A merged contact answers under its new id. */
    tree_set_text(verdict->learned, "contact", tree_text(body, "id"));
    json_object_set_new(verdict->learned, "present", json_string(present));
    step_to(verdict, WRITE);
}

static void conflict(int step, const json_t *body, struct verdict *verdict)
{
    char id[32];
    if (step == WRITE) {
        step_to(verdict, WRITE_OTHERS); /* two contacts: which one keeps the address is not ours */
    } else if (step == CREATE && existing_id(body, id, sizeof id)) {
        tree_set_text(verdict->learned, "contact", id);
        step_to(verdict, LOOK);
    } else {
        verdict_set(verdict, VERDICT_NEVER,
                    "HubSpot reports a conflict that names no contact (409)");
    }
}

static void gone(const struct task *task, struct verdict *verdict)
{
    crm_forget_contact(verdict);
    if (tree_flag(task->payload, "retire")) {
        tree_set_flag(verdict->learned, "retired", true);
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    } else {
        step_to(verdict, CREATE);
    }
}

/* A 2xx may tell of errors: 207 of some, say. */
static bool error_inside(const struct task *task, const json_t *body, struct verdict *verdict)
{
    const json_t *error = json_array_get(tree_get(body, "errors"), 0);
    if (tree_int(body, "numErrors") == 0 && !error) {
        return false;
    }
    if (strcmp(tree_text(error, "category"), "VALIDATION_ERROR") == 0) {
        explain_invalid(task, error, verdict);
    } else {
        verdict_set(verdict, VERDICT_AGAIN, "HubSpot's answer has an error inside");
        verdict->ambiguous = true;
    }
    return true;
}

/* What is left of a day that is nearly used up goes to what is fresh. Not every answer tells. */
static void spare_the_rest(const struct answer *answer, struct verdict *verdict)
{
    char daily[16], left[16];
    if (answer_header(answer, "X-HubSpot-RateLimit-Daily", daily, sizeof daily) &&
        answer_header(answer, "X-HubSpot-RateLimit-Daily-Remaining", left, sizeof left) &&
        atoll(left) < atoll(daily) / DAILY_RESERVE_PART) {
        verdict->bulk_hold_ms = DAILY_HOLD_MS;
    }
}

static void hubspot_outcome(const struct task *task, int given, const struct answer *answer,
                            struct verdict *verdict)
{
    int step = real_step(task, given);
    json_t *body = answer->fault == OK ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    bool good = answer->fault == OK && answer->status >= 200 && answer->status < 300;
    spare_the_rest(answer, verdict);
    if (good && error_inside(task, body, verdict)) {
        verdict->ambiguous = verdict->ambiguous && step != LOOK;
    } else if (good && !*tree_text(body, "id")) {
        /* A proxy's page, say. Whether it was written is not known. */
        verdict_set(verdict, VERDICT_AGAIN, "HubSpot's answer is not one (%d)", answer->status);
        verdict->ambiguous = true;
    } else if (good && step == LOOK) {
        found(task, body, verdict);
    } else if (good) {
        learn_contact(task, body, verdict);
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    } else if (answer->fault == OK && answer->status == 409) {
        conflict(step, body, verdict);
    } else if (answer->fault == OK && answer->status == 404 && step != CREATE) {
        gone(task, verdict);
    } else if (answer->fault == OK && answer->status == 400) {
        explain_invalid(task, body, verdict);
    } else if (answer->fault == OK && answer->status == 429) {
        explain_limit(body, answer, verdict);
    } else {
        verdict_http(answer, verdict);
        verdict->ambiguous = verdict->ambiguous && step != LOOK;
    }
    json_decref(body);
}

/* --- looking ------------------------------------------------------------------------------------ */

static enum fault hubspot_look(const struct task *task, int step, struct call *call)
{
    (void)step;
    if (!*crm_contact(task)) {
        return FAULT_NOT_FOUND;
    }
    enum fault fault = hubspot_request(task, LOOK, call);
    for (int i = 0; fault == OK && i < 2; i++) {
        const char *name =
            settings_text(task->settings, i == 0 ? "crm/state_property" : "crm/active_property");
        buf_add_text(&call->url, *name ? "," : "");
        call_escape(&call->url, name);
    }
    return fault;
}

static void compare(const struct task *task, const json_t *properties, struct verdict *verdict)
{
    const json_t *document = tree_get(task->payload, "document");
    const char *state = settings_text(task->settings, "crm/state_property");
    const char *active = settings_text(task->settings, "crm/active_property");
    json_t *present = json_array();
    const char *at = tree_text(properties, settings_text(task->settings, "crm/tags_property"));
    while (*at) {
        size_t len = strcspn(at, ";");
        json_array_append_new(present, json_stringn(at, len));
        at += len + (at[len] == ';');
    }
    crm_compare_tags(document, present, verdict);
    json_decref(present);
    bool access = strcmp(tree_text(properties, active), "true") == 0;
    if (verdict->kind != VERDICT_DONE) {
        return;
    }
    if (*state && strcmp(tree_text(properties, state), tree_text(document, "state")) != 0) {
        verdict_set(verdict, VERDICT_DIFFERS, "the property \"%.60s\" was another one", state);
    } else if (*active && access != tree_flag(document, "access")) {
        verdict_set(verdict, VERDICT_DIFFERS, "the property \"%.60s\" was another one", active);
    }
}

static void hubspot_looked(const struct task *task, int step, const struct answer *answer,
                           struct verdict *verdict)
{
    (void)step;
    json_t *body = answer->fault == OK ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    const json_t *properties = tree_get(body, "properties");
    if (answer->fault == OK && answer->status == 200 && json_is_object(properties)) {
        compare(task, properties, verdict);
    } else if (answer->fault == OK && answer->status == 404) {
        crm_compare_gone(tree_get(task->payload, "document"), verdict);
    } else if (answer->fault == OK && answer->status == 429) {
        explain_limit(body, answer, verdict);
    } else {
        verdict_http(answer, verdict);
    }
    json_decref(body);
}

const struct adapter crm_hubspot = {.name = "hubspot",
                                    .settings = own_settings,
                                    .secret = "crm/key",
                                    .calls_per_10s = 100,
                                    .steps_max = 6,
                                    .check = hubspot_check,
                                    .request = hubspot_request,
                                    .outcome = hubspot_outcome,
                                    .probe = hubspot_probe,
                                    .look = hubspot_look,
                                    .looked = hubspot_looked};
