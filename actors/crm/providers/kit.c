/* kit.c - subscribers of Kit (formerly ConvertKit), API v4.
 *
 *   contact known:    write (PUT, with the newest address); gone (404): make
 *   not known:        make (POST, which finds one of that address)
 *   then              look at its tags, and for each of ours that is wrong:
 *                     add it by its id (which is looked up once, or made), or take it away
 *
 * Tags need the subscriber to exist, and have ids: those of our own names are learned, so that they
 * are asked for once. What a subscriber's own state is (active, cancelled) cannot be set, and is
 * not ours. */
#include "crm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct setting own_settings[] = {
    {"crm/url", SETTING_TEXT, "https://api.kit.com", 0, 500, NULL, "Base of Kit's API."},
    {"crm/key", SETTING_SECRET, "", 0, 0, NULL, "API key of Kit, version 4."},
    {"crm/state_field", SETTING_TEXT, "", 0, 100, NULL,
     "The merge tag (Mailchimp) or custom field (Kit) that shows the state; empty: none."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

enum { START, MAKE, WRITE, LOOK, IDS, NEW_TAG, ADD, DROP, DONE };
enum { BACKGROUND_WAIT_MS = 30000 };

/* Of what is learned: "contact"; "ids": of our tags by name. While it goes on: "on": the ids of
 * those of our tags that are there, by name; "listed": all tags of the account were asked for;
 * "after": where the list goes on. */

static bool check(const struct settings *settings, struct buf *why)
{
    struct buf words = {0};
    bool good = true;
    if (!http_out_url_allowed(settings_text(settings, "crm/url"), false, &words)) {
        buf_printf(why, "usher.cfg: crm/url: %s\n", buf_text(&words));
        good = false;
    }
    if (!settings_given(settings, "crm/key")) {
        buf_add_text(why, "usher.cfg: crm/key: expected an API key (version 4) of Kit, such as "
                          "file:secrets/kit\n");
        good = false;
    }
    buf_fini(&words);
    return good;
}

/* --- what is to be done ------------------------------------------------------------------------- */

static const json_t *document_of(const struct task *task)
{
    return tree_get(task->payload, "document");
}

static bool wanted(const struct task *task, const char *tag)
{
    return !tree_flag(task->payload, "retire") && crm_wants(document_of(task), tag);
}

/* The first of our tags that is not as it should be, and which step that needs. */
static int next_step(const struct task *task, const char **tag)
{
    const json_t *all = tree_get(document_of(task), "all_tags");
    const json_t *on = tree_get(task->learned, "on");
    for (size_t i = 0; i < json_array_size(all); i++) {
        *tag = json_string_value(json_array_get(all, i));
        if (!*tag || wanted(task, *tag) == (tree_get(on, *tag) != NULL)) {
            continue;
        }
        if (!wanted(task, *tag)) {
            return DROP;
        }
        return tree_get(tree_get(task->learned, "ids"), *tag) ? ADD
               : tree_flag(task->learned, "listed")           ? NEW_TAG
                                                              : IDS;
    }
    *tag = "";
    return DONE;
}

static int real_step(const struct task *task, int step)
{
    if (step != START) {
        return step;
    }
    bool tags_alone = tree_flag(task->payload, "retire") || !*tree_text(document_of(task), "email");
    return !*crm_contact(task) ? MAKE : tags_alone ? LOOK : WRITE;
}

/* --- requests ----------------------------------------------------------------------------------- */

static enum fault begin(const struct settings *settings, const char *secret, struct call *call,
                        const char *method)
{
    call->method = method;
    buf_printf(&call->url, "%s/v4/", settings_text(settings, "crm/url"));
    enum fault fault = call_header(call, "X-Kit-Api-Key", secret);
    return fault == OK ? call_header(call, "Accept", "application/json") : fault;
}

static enum fault add_subscriber(const struct task *task, int step, struct call *call)
{
    const json_t *document = document_of(task);
    const char *state_field = settings_text(task->settings, "crm/state_field");
    json_t *body = json_object();
    tree_set_text(body, "email_address", tree_text(document, "email"));
    if (step == MAKE) {
        crm_add_name(body, "first_name", NULL, tree_text(document, "name"));
    }
    if (*state_field) {
        json_t *fields = json_object();
        tree_set_text(fields, state_field, tree_text(document, "state"));
        tree_set(body, "fields", fields);
    }
    return call_json(call, body);
}

static enum fault add_tag(const char *tag, struct call *call)
{
    json_t *body = json_object();
    tree_set_text(body, "name", tag);
    return call_json(call, body);
}

/* A POST or DELETE that says all in its path. */
static enum fault add_link(const struct task *task, int64_t tag, struct call *call)
{
    buf_printf(&call->url, "tags/%" PRId64 "/subscribers/", tag);
    call_escape(&call->url, crm_contact(task));
    return strcmp(call->method, "POST") == 0 ? call_json(call, json_object()) : OK;
}

static enum fault request(const struct task *task, int given, struct call *call)
{
    static const char *const methods[] = {
        [MAKE] = "POST",    [WRITE] = "PUT", [LOOK] = "GET",   [IDS] = "GET",
        [NEW_TAG] = "POST", [ADD] = "POST",  [DROP] = "DELETE"};
    int step = real_step(task, given);
    const char *tag = "";
    if (step == MAKE && !*tree_text(document_of(task), "email")) {
        return FAULT_MALFORMED;
    }
    enum fault fault = begin(task->settings, task->secret, call, methods[step]);
    if (fault != OK) {
        return fault;
    }
    next_step(task, &tag);
    switch (step) {
    case MAKE:
        buf_add_text(&call->url, "subscribers");
        return add_subscriber(task, step, call);
    case WRITE:
    case LOOK:
        buf_add_text(&call->url, "subscribers/");
        call_escape(&call->url, crm_contact(task));
        buf_add_text(&call->url, step == LOOK ? "/tags?per_page=1000" : "");
        return step == LOOK ? OK : add_subscriber(task, step, call);
    case IDS:
        buf_add_text(&call->url, "tags?per_page=1000&after=");
        call_escape(&call->url, tree_text(task->learned, "after"));
        return OK;
    case NEW_TAG:
        buf_add_text(&call->url, "tags");
        return add_tag(tag, call);
    case ADD:
        return add_link(task, tree_int(tree_get(task->learned, "ids"), tag), call);
    default:
        return add_link(task, tree_int(tree_get(task->learned, "on"), tag), call);
    }
}

static enum fault probe(const struct settings *settings, const char *secret, struct call *call)
{
    enum fault fault = begin(settings, secret, call, "GET");
    buf_add_text(&call->url, "account");
    return fault;
}

/* --- answers ------------------------------------------------------------------------------------ */

static json_t *made(json_t *object, const char *key)
{
    if (!json_is_object(tree_get(object, key))) {
        json_object_set_new(object, key, json_object());
    }
    return tree_get(object, key);
}

/* Those of our tags in a list of {"id", "name"}. */
static void learn_ids(const struct task *task, const json_t *tags, json_t *into)
{
    const json_t *all = tree_get(document_of(task), "all_tags");
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const json_t *row = json_array_get(tags, i);
        const char *name = tree_text(row, "name");
        if (*name && tree_int(row, "id") > 0 && crm_among(all, name)) {
            tree_set_int(into, name, tree_int(row, "id"));
        }
    }
}

static void go_on(const struct task *task, struct verdict *verdict)
{
    const char *tag;
    struct task now = *task;
    now.learned = verdict->learned;
    verdict->step = next_step(&now, &tag);
    verdict->kind = VERDICT_STEP;
    if (verdict->step == DONE) {
        json_object_del(verdict->learned, "on");
        json_object_del(verdict->learned, "listed");
        json_object_del(verdict->learned, "after");
        crm_learn_done(task, verdict);
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    }
}

static void took_ids(const struct task *task, const json_t *body, struct verdict *verdict)
{
    const json_t *pages = tree_get(body, "pagination");
    learn_ids(task, tree_get(body, "tags"), made(verdict->learned, "ids"));
    bool more = tree_flag(pages, "has_next_page") && *tree_text(pages, "end_cursor");
    json_object_del(verdict->learned, "after");
    tree_set_text(verdict->learned, "after", more ? tree_text(pages, "end_cursor") : NULL);
    tree_set_flag(verdict->learned, "listed", !more);
    go_on(task, verdict);
}

/* False: a body that is no answer to the step. */
static bool took(const struct task *task, int step, const json_t *body, struct verdict *verdict)
{
    const json_t *tags = tree_get(body, "tags");
    char id[24];
    const char *tag = "";
    next_step(task, &tag);
    if (step == MAKE || step == WRITE) {
        snprintf(id, sizeof id, "%" PRId64, tree_int(tree_get(body, "subscriber"), "id"));
        tree_set_text(verdict->learned, "contact", id);
        verdict->kind = VERDICT_STEP;
        verdict->step = LOOK;
        return strcmp(id, "0") != 0;
    }
    if (step == LOOK && json_is_array(tags)) {
        json_object_del(verdict->learned, "on");
        json_object_del(verdict->learned, "listed");
        json_object_del(verdict->learned, "after");
        learn_ids(task, tags, made(verdict->learned, "on"));
        learn_ids(task, tags, made(verdict->learned, "ids"));
    } else if (step == IDS && json_is_array(tags)) {
        took_ids(task, body, verdict);
        return true;
    } else if (step == NEW_TAG && tree_int(tree_get(body, "tag"), "id") > 0) {
        tree_set_int(made(verdict->learned, "ids"), tag, tree_int(tree_get(body, "tag"), "id"));
    } else if (step == ADD && tree_int(tree_get(body, "subscriber"), "id") > 0) {
        tree_set_int(made(verdict->learned, "on"), tag,
                     tree_int(tree_get(verdict->learned, "ids"), tag));
    } else if (step == DROP) {
        json_object_del(tree_get(verdict->learned, "on"), tag);
    } else {
        return false;
    }
    go_on(task, verdict);
    return true;
}

static void gone(const struct task *task, int step, struct verdict *verdict)
{
    const char *tag = "";
    next_step(task, &tag);
    verdict->kind = VERDICT_STEP;
    if (step == DROP) { /* somebody was faster */
        json_object_del(tree_get(verdict->learned, "on"), tag);
        go_on(task, verdict);
    } else if (step == ADD) { /* the tag or the subscriber was deleted: look at both again */
        json_object_del(tree_get(verdict->learned, "ids"), tag);
        verdict->step = LOOK;
    } else if (step != WRITE && step != LOOK) {
        verdict_set(verdict, VERDICT_NEVER, "Kit says no (404): check crm/url");
    } else if (tree_flag(task->payload, "retire")) {
        tree_set_flag(verdict->learned, "retired", true);
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    } else {
        crm_forget_contact(verdict);
        verdict->step = MAKE;
    }
}

/* "errors" are sentences, which may name the person: none is repeated, known words are looked for. */
static void explain(const struct task *task, int step, const json_t *body, struct verdict *verdict)
{
    const json_t *errors = tree_get(body, "errors");
    const char *field = settings_text(task->settings, "crm/state_field");
    for (size_t i = 0; i < json_array_size(errors); i++) {
        const char *words = json_string_value(json_array_get(errors, i));
        if (words && step == WRITE && strstr(words, "already been taken")) {
            verdict->kind =
                VERDICT_STEP; /* two contacts: which one keeps the address is not ours */
            verdict->step = LOOK;
            return;
        }
        if (words && *field && strcasestr(words, "field")) {
            verdict_set(verdict, VERDICT_NEVER,
                        "Kit has no custom field \"%s\": create it there, or name another one in "
                        "crm/state_field",
                        field);
            return;
        }
        if (words && strcasestr(words, "email")) {
            verdict_set(verdict, VERDICT_NEVER, "Kit takes the e-mail address for invalid (422)");
            return;
        }
    }
    verdict_set(verdict, VERDICT_NEVER, "Kit says no (422)");
}

static void outcome(const struct task *task, int given, const struct answer *answer,
                    struct verdict *verdict)
{
    int step = real_step(task, given), status = answer->fault == OK ? answer->status : 0;
    json_t *body = status ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    bool reads = step == LOOK || step == IDS;
    bool good = status >= 200 && status < 300;
    if (status == 202) {
        verdict_set(verdict, VERDICT_AGAIN, "Kit makes the subscriber in the background (202)");
        verdict->retry_after_ms = BACKGROUND_WAIT_MS;
    } else if (good && (step == DROP ? status != 204 : !took(task, step, body, verdict))) {
        /* A proxy's page, say. Whether it was written is not known. */
        verdict_set(verdict, VERDICT_AGAIN, "Kit's answer is not one (%d)", status);
        verdict->ambiguous = !reads;
    } else if (good && step == DROP) {
        took(task, step, body, verdict);
    } else if (!good && status == 404) {
        gone(task, step, verdict);
    } else if (!good && status == 422) {
        explain(task, step, body, verdict);
    } else if (!good) {
        verdict_http(answer, verdict);
        verdict->ambiguous = verdict->ambiguous && !reads;
    }
    json_decref(body);
}

/* --- looking ------------------------------------------------------------------------------------ */

static enum fault look(const struct task *task, int step, struct call *call)
{
    (void)step;
    return *crm_contact(task) ? request(task, LOOK, call) : FAULT_NOT_FOUND;
}

static void looked(const struct task *task, int step, const struct answer *answer,
                   struct verdict *verdict)
{
    (void)step;
    json_t *body = answer->fault == OK ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    const json_t *tags = tree_get(body, "tags");
    if (answer->fault == OK && answer->status == 200 && json_is_array(tags)) {
        crm_compare_tags(document_of(task), tags, verdict);
    } else if (answer->fault == OK && answer->status == 404) {
        crm_compare_gone(document_of(task), verdict);
    } else {
        verdict_http(answer, verdict);
    }
    json_decref(body);
}

const struct adapter crm_kit = {.name = "kit",
                                .settings = own_settings,
                                .secret = "crm/key",
                                .calls_per_10s = 20, /* 120 in a minute */
                                .steps_max = 60,
                                .check = check,
                                .request = request,
                                .outcome = outcome,
                                .probe = probe,
                                .look = look,
                                .looked = looked};
