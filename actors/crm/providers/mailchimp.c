/* mailchimp.c - members of a Mailchimp audience, Marketing API 3.0.
 *
 *   contact known:    write (PUT under its hash, with the newest address) -> tags (POST)
 *   not known:        look (GET under the address's hash) -> write: one that exists keeps its name
 *   gone (404):       look again, under the newest address
 *   the address is another contact's ("Member Exists"): tags alone; which one keeps it is not ours
 *
 * A contact's id is the MD5 of its address in lower case, and changes with it: the answer names the
 * new one. Tags in a PUT count at creation only, so that they follow once the contact exists; each
 * of ours is said to be active or inactive, which is safe to repeat and leaves the founder's own
 * alone. Somebody who has unsubscribed stays so: status_if_new is of new contacts. */
#include "crm.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct setting own_settings[] = {
    {"crm/url", SETTING_TEXT, "", 0, 500, NULL,
     "Base of Mailchimp's API; empty: the one that the key names."},
    {"crm/key", SETTING_SECRET, "", 0, 0, NULL, "API key of Mailchimp, which ends in -us21 or so."},
    {"crm/list", SETTING_TEXT, "", 0, 40, NULL, "Id of the audience."},
    {"crm/status_if_new", SETTING_CHOICE, "transactional", 0, 0,
     "transactional|subscribed|pending|unsubscribed",
     "What new contacts are; subscribed needs their consent to marketing."},
    {"crm/state_field", SETTING_TEXT, "", 0, 100, NULL,
     "The merge tag (Mailchimp) or custom field (Kit) that shows the state; empty: none."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

enum { START, LOOK, WRITE, TAGS };
enum { CENTRE_CHARS_MAX = 10, CROWD_WAIT_MS = 3600000 };

/* "us21" of "0123...-us21"; it becomes part of a host name. False if there is none. */
static bool centre_of(const char *key, char centre[CENTRE_CHARS_MAX + 1])
{
    const char *dash = strrchr(key, '-');
    size_t len = dash ? strlen(dash + 1) : 0;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)dash[1 + i])) {
            return false;
        }
    }
    if (len == 0 || len > CENTRE_CHARS_MAX) {
        return false;
    }
    memcpy(centre, dash + 1, len + 1);
    return true;
}

static bool check(const struct settings *settings, struct buf *why)
{
    char centre[CENTRE_CHARS_MAX + 1];
    char *key = NULL;
    struct buf words = {0};
    const char *url = settings_text(settings, "crm/url");
    bool given = settings_secret(settings, "crm/key", &key) == OK && *key;
    bool good = given && (*url || centre_of(key, centre));
    if (!good) {
        buf_add_text(why, "usher.cfg: crm/key: expected an API key of Mailchimp, which ends in "
                          "-us21 or so, such as in file:secrets/mailchimp\n");
    }
    if (*url && !http_out_url_allowed(url, false, &words)) {
        buf_printf(why, "usher.cfg: crm/url: %s\n", buf_text(&words));
        good = false;
    }
    if (!*settings_text(settings, "crm/list")) {
        buf_add_text(why, "usher.cfg: crm/list: expected the id of your audience (Audience, "
                          "Settings, Audience name and defaults)\n");
        good = false;
    }
    buf_fini(&words);
    free(key);
    return good;
}

/* --- requests ----------------------------------------------------------------------------------- */

/* A key without a data centre may be put right any minute: UNAVAILABLE, and not never. */
static enum fault begin(const struct settings *settings, const char *secret, struct call *call,
                        const char *method)
{
    char centre[CENTRE_CHARS_MAX + 1];
    const char *url = settings_text(settings, "crm/url");
    call->method = method;
    if (*url) {
        buf_add_text(&call->url, url);
    } else if (centre_of(secret, centre)) {
        buf_printf(&call->url, "https://%s.api.mailchimp.com", centre);
    } else {
        return FAULT_UNAVAILABLE;
    }
    buf_add_text(&call->url, "/3.0/");
    buf_add_text(&call->user, "usher");
    buf_add_text(&call->password, secret);
    return call_header(call, "Accept", "application/json");
}

static void hash_of(const char *address, char hash[2 * MD5_BYTES + 1])
{
    uint8_t digest[MD5_BYTES];
    struct buf lower = {0};
    for (const char *at = address; *at; at++) {
        char c = (char)tolower((unsigned char)*at);
        buf_add(&lower, &c, 1);
    }
    md5(buf_text(&lower), lower.len, digest);
    hex_encode(digest, sizeof digest, hash);
    buf_fini(&lower);
}

static const char *address_of(const struct task *task)
{
    return tree_text(tree_get(task->payload, "document"), "email");
}

/* lists/{list}/members/{hash}, of the contact or else of the address. */
static void add_member(const struct task *task, struct buf *url)
{
    char hash[2 * MD5_BYTES + 1];
    const char *contact = crm_contact(task);
    buf_add_text(url, "lists/");
    call_escape(url, settings_text(task->settings, "crm/list"));
    buf_add_text(url, "/members/");
    if (*contact) {
        call_escape(url, contact);
    } else {
        hash_of(address_of(task), hash);
        buf_add_text(url, hash);
    }
}

static enum fault add_contact(const struct task *task, struct call *call)
{
    const json_t *document = tree_get(task->payload, "document");
    const char *state_field = settings_text(task->settings, "crm/state_field");
    json_t *body = json_object(), *fields = json_object();
    tree_set_text(body, "email_address", address_of(task));
    tree_set_text(body, "status_if_new", settings_text(task->settings, "crm/status_if_new"));
    if (!*crm_contact(task)) {
        crm_add_name(fields, "FNAME", "LNAME", tree_text(document, "name"));
    }
    if (*state_field) {
        tree_set_text(fields, state_field, tree_text(document, "state"));
    }
    tree_set(body, "merge_fields", fields);
    return call_json(call, body);
}

static enum fault add_tags(const struct task *task, struct call *call)
{
    const json_t *document = tree_get(task->payload, "document");
    const json_t *all = tree_get(document, "all_tags");
    json_t *list = json_array(), *body = json_object();
    for (size_t i = 0; i < json_array_size(all); i++) {
        const char *tag = json_string_value(json_array_get(all, i));
        bool active = tag && !tree_flag(task->payload, "retire") && crm_wants(document, tag);
        json_t *row = json_object();
        tree_set_text(row, "name", tag);
        tree_set_text(row, "status", active ? "active" : "inactive");
        json_array_append_new(list, row);
    }
    tree_set(body, "tags", list);
    return call_json(call, body);
}

static int real_step(const struct task *task, int step)
{
    if (step != START) {
        return step;
    }
    bool tags_alone = tree_flag(task->payload, "retire") || !*address_of(task);
    return !*crm_contact(task) ? LOOK : tags_alone ? TAGS : WRITE;
}

static enum fault request(const struct task *task, int given, struct call *call)
{
    static const char *const methods[] = {[LOOK] = "GET", [WRITE] = "PUT", [TAGS] = "POST"};
    int step = real_step(task, given);
    if (!*crm_contact(task) && !*address_of(task)) {
        return FAULT_MALFORMED;
    }
    enum fault fault = begin(task->settings, task->secret, call, methods[step]);
    if (fault != OK) {
        return fault;
    }
    add_member(task, &call->url);
    if (step == LOOK) {
        buf_add_text(&call->url, "?fields=id");
        return OK;
    }
    buf_add_text(&call->url, step == TAGS ? "/tags" : "?skip_merge_validation=true");
    return step == TAGS ? add_tags(task, call) : add_contact(task, call);
}

static enum fault probe(const struct settings *settings, const char *secret, struct call *call)
{
    enum fault fault = begin(settings, secret, call, "GET");
    buf_add_text(&call->url, "ping");
    return fault;
}

/* --- answers ------------------------------------------------------------------------------------ */

static void step_to(struct verdict *verdict, int step)
{
    verdict->kind = VERDICT_STEP;
    verdict->step = step;
}

/* What a problem's title means. Details name the person, and are not repeated. */
static void explain(const json_t *body, struct verdict *verdict)
{
    static const struct {
        const char *title, *words;
    } rows[] = {
        {"Forgotten Email Not Subscribed", "Mailchimp has deleted this address for good: only the "
                                           "person can sign up again, by a form"},
        {"Member In Compliance State", "Mailchimp does not let this address be written: the person "
                                       "has unsubscribed, or it bounced"},
        {"Member Exists", "Mailchimp has this address already and does not let it be written"},
        {"Invalid Resource",
         "Mailchimp takes the address or a field for invalid (400): look at the "
         "address, and whether crm/state_field is a merge tag of the audience"},
    };
    const char *title = tree_text(body, "title");
    if (strstr(tree_text(body, "detail"), "signed up to a lot of lists")) {
        verdict_set(verdict, VERDICT_AGAIN,
                    "Mailchimp waits with this address: it was signed up "
                    "to many lists of late");
        verdict->retry_after_ms = CROWD_WAIT_MS;
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(title, rows[i].title) == 0) {
            verdict_set(verdict, VERDICT_NEVER, "%s", rows[i].words);
            return;
        }
    }
    verdict_set(verdict, VERDICT_NEVER, "Mailchimp says no (400)");
}

static void gone(const struct task *task, int step, struct verdict *verdict)
{
    if (step == LOOK) {
        step_to(verdict, WRITE);
    } else if (tree_flag(task->payload, "retire")) {
        tree_set_flag(verdict->learned, "retired", true);
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    } else if (*crm_contact(task)) {
        crm_forget_contact(verdict);
        step_to(verdict, LOOK);
    } else {
        verdict_set(verdict, VERDICT_NEVER,
                    "Mailchimp has no audience with the id that crm/list names (404)");
    }
}

static void taken(const struct task *task, int step, const json_t *body, struct verdict *verdict)
{
    if (step == TAGS) {
        crm_learn_done(task, verdict);
        verdict_set(verdict, VERDICT_DONE, "%s", "");
        return;
    }
    tree_set_text(verdict->learned, "contact", tree_text(body, "id"));
    step_to(verdict, step == LOOK && *address_of(task) ? WRITE : TAGS);
}

static void outcome(const struct task *task, int given, const struct answer *answer,
                    struct verdict *verdict)
{
    int step = real_step(task, given), status = answer->fault == OK ? answer->status : 0;
    json_t *body = status ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    bool good = status >= 200 && status < 300;
    bool exists = strcmp(tree_text(body, "title"), "Member Exists") == 0;
    if (good && (step == TAGS ? status != 204 : !*tree_text(body, "id"))) {
        /* A proxy's page, say. Whether it was written is not known. */
        verdict_set(verdict, VERDICT_AGAIN, "Mailchimp's answer is not one (%d)", status);
        verdict->ambiguous = step != LOOK;
    } else if (good) {
        taken(task, step, body, verdict);
    } else if (status == 404) {
        gone(task, step, verdict);
    } else if (status == 400 && exists && step == WRITE && *crm_contact(task)) {
        step_to(verdict,
                TAGS); /* of the contact that we know; gone with it, the other one is found */
    } else if (status == 400) {
        explain(body, verdict);
    } else {
        verdict_http(answer, verdict);
        verdict->ambiguous = verdict->ambiguous && step != LOOK;
    }
    json_decref(body);
}

/* --- looking ------------------------------------------------------------------------------------ */

static enum fault look(const struct task *task, int step, struct call *call)
{
    (void)step;
    if (!*crm_contact(task)) {
        return FAULT_NOT_FOUND;
    }
    enum fault fault = begin(task->settings, task->secret, call, "GET");
    if (fault == OK) {
        add_member(task, &call->url);
        buf_add_text(&call->url, "/tags?count=1000");
    }
    return fault;
}

static void looked(const struct task *task, int step, const struct answer *answer,
                   struct verdict *verdict)
{
    (void)step;
    json_t *body = answer->fault == OK ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    const json_t *tags = tree_get(body, "tags");
    if (answer->fault == OK && answer->status == 200 && json_is_array(tags)) {
        crm_compare_tags(tree_get(task->payload, "document"), tags, verdict);
    } else if (answer->fault == OK && answer->status == 404) {
        crm_compare_gone(tree_get(task->payload, "document"), verdict);
    } else {
        verdict_http(answer, verdict);
    }
    json_decref(body);
}

const struct adapter crm_mailchimp = {.name = "mailchimp",
                                      .settings = own_settings,
                                      .secret = "crm/key",
                                      .calls_at_once = 8, /* of ten: some that we gave up may run */
                                      .steps_max = 8,
                                      .check = check,
                                      .request = request,
                                      .outcome = outcome,
                                      .probe = probe,
                                      .look = look,
                                      .looked = looked};
