/* zendesk.c - Zendesk Support tickets.
 *
 *   a ticket is named:  [comments, look for the marker] -> note (PUT) -> tags (PUT)
 *   none is named:      [find by external_id] -> create (POST with Idempotency-Key)
 *   whose ticket is it: the user that the webhook named by number
 *
 * The steps in brackets run before a repeat only: a note has no idempotency key, and that of a new
 * ticket is kept for hours only. Tags are added, never replaced. */
#include "support.h"

#include <stdio.h>
#include <string.h>

static const struct setting own_settings[] = {
    {"support/url", SETTING_TEXT, "", 0, 500, NULL, "Your Zendesk: https://example.zendesk.com"},
    {"support/user", SETTING_TEXT, "", 0, 200, NULL, "E-mail address of the agent."},
    {"support/key", SETTING_SECRET, "", 0, 0, NULL, "API token of Zendesk."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

enum { START, COMMENTS, NOTE, TAGS, FIND, CREATE, REQUESTER };

static int real_step(const struct task *task, int step)
{
    if (step != START) {
        return step;
    }
    if (strcmp(task->kind, SUPPORT_ASKS) == 0) {
        return REQUESTER;
    }
    if (*tree_text(task->payload, "ticket")) {
        return task->repeat ? COMMENTS : NOTE;
    }
    return task->repeat ? FIND : CREATE;
}

static bool zendesk_check(const struct settings *settings, struct buf *why)
{
    bool good = true;
    struct buf words = {0};
    if (!http_out_url_allowed(settings_text(settings, "support/url"), false, &words)) {
        buf_printf(why, "usher.cfg: support/url: %s\n", buf_text(&words));
        good = false;
    }
    if (!*settings_text(settings, "support/user")) {
        buf_add_text(why, "usher.cfg: support/user: expected an agent's e-mail address\n");
        good = false;
    }
    if (!settings_given(settings, "support/key")) {
        buf_add_text(why, "usher.cfg: support/key: expected an API token, such as "
                          "file:secrets/zendesk\n");
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
    buf_printf(&call->url, "%s%s", settings_text(settings, "support/url"), path);
    buf_printf(&call->user, "%s/token", settings_text(settings, "support/user"));
    buf_add_text(&call->password, secret);
    return call_header(call, "Accept", "application/json");
}

static enum fault body(struct call *call, json_t *tree)
{
    char *text = json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(tree);
    if (!text) {
        return FAULT_MALFORMED;
    }
    buf_add_text(&call->body, text);
    free(text);
    return call_header(call, "Content-Type", "application/json");
}

static json_t *comment(const struct task *task)
{
    return json_pack("{s:s, s:b}", "body", tree_text(task->payload, "text"), "public", 0);
}

static enum fault ask_ticket(const struct task *task, int step, struct call *call)
{
    static const char *const ends[] = {[COMMENTS] = "/comments.json?sort_order=desc&per_page=100",
                                       [NOTE] = ".json",
                                       [TAGS] = "/tags.json"};
    enum fault fault = begin(task->settings, task->secret, call, step == COMMENTS ? "GET" : "PUT",
                             "/api/v2/tickets/");
    call_escape(&call->url, tree_text(task->payload, "ticket"));
    buf_add_text(&call->url, ends[step]);
    if (fault != OK || step == COMMENTS) {
        return fault;
    }
    if (step == TAGS) {
        return body(call, json_pack("{s:O}", "tags", tree_get(task->payload, "tags")));
    }
    return body(call, json_pack("{s:{s:o}}", "ticket", "comment", comment(task)));
}

/* A key may hold what a header or an external id may not: its hash stands for it there. */
static enum fault idempotency(const struct task *task, struct call *call)
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    sha256(task->key, strlen(task->key), hash);
    hex_encode(hash, sizeof hash, hex);
    return call_header(call, "Idempotency-Key", hex);
}

static enum fault ask_create(const struct task *task, struct call *call)
{
    const char *email = tree_text(task->payload, "email");
    enum fault fault = begin(task->settings, task->secret, call, "POST", "/api/v2/tickets.json");
    if (fault == OK) {
        fault = idempotency(task, call);
    }
    if (fault != OK) {
        return fault;
    }
    json_t *ticket = json_object();
    tree_set_text(ticket, "subject", tree_text(task->payload, "subject"));
    tree_set_text(ticket, "external_id", task->key);
    tree_set(ticket, "comment", comment(task));
    tree_set(ticket, "tags", json_incref(tree_get(task->payload, "tags")));
    if (tree_flag(task->payload, "urgent")) {
        tree_set_text(ticket, "priority", "urgent");
    }
    if (*email) {
        const char *name = tree_text(task->payload, "name");
        tree_set(ticket, "requester",
                 json_pack("{s:s, s:s}", "email", email, "name", *name ? name : email));
    }
    return body(call, json_pack("{s:o}", "ticket", ticket));
}

static enum fault zendesk_request(const struct task *task, int given, struct call *call)
{
    int step = real_step(task, given);
    if (step == CREATE) {
        return ask_create(task, call);
    }
    if (step == REQUESTER) {
        enum fault fault = begin(task->settings, task->secret, call, "GET", "/api/v2/users/");
        call_escape(&call->url, tree_text(task->payload, "customer"));
        buf_add_text(&call->url, ".json");
        return fault;
    }
    if (step != FIND) {
        return ask_ticket(task, step, call);
    }
    enum fault fault =
        begin(task->settings, task->secret, call, "GET", "/api/v2/tickets.json?external_id=");
    call_escape(&call->url, task->key);
    return fault;
}

static enum fault zendesk_probe(const struct settings *settings, const char *secret,
                                struct call *call)
{
    return begin(settings, secret, call, "GET", "/api/v2/tickets.json?per_page=1");
}

/* --- answers ------------------------------------------------------------------------------------ */

static void step_to(struct verdict *verdict, int step)
{
    verdict->kind = VERDICT_STEP;
    verdict->step = step;
}

static bool marked(const struct task *task, const json_t *tree)
{
    const json_t *comments = tree_get(tree, "comments");
    struct buf marker = {0};
    bool found = false;
    support_marker(task->key, &marker);
    for (size_t i = 0; !found && i < json_array_size(comments); i++) {
        const json_t *one = json_array_get(comments, i);
        found = strstr(tree_text(one, "body"), buf_text(&marker)) != NULL;
    }
    buf_fini(&marker);
    return found;
}

static const json_t *found_ticket(const struct task *task, const json_t *tree)
{
    const json_t *tickets = tree_get(tree, "tickets");
    for (size_t i = 0; i < json_array_size(tickets); i++) {
        const json_t *one = json_array_get(tickets, i);
        if (strcmp(tree_text(one, "external_id"), task->key) == 0) {
            return one;
        }
    }
    return NULL;
}

static void learn_ticket(const json_t *ticket, struct verdict *verdict)
{
    char id[32];
    snprintf(id, sizeof id, "%lld", (long long)tree_int(ticket, "id"));
    tree_set_text(verdict->learned, "ticket", id);
    verdict_set(verdict, VERDICT_DONE, "%s", "");
}

/* A caller or a guest may have no address: then nobody can say who it is. */
static void learn_requester(const json_t *user, struct verdict *verdict)
{
    tree_set_text(verdict->learned, "email", tree_text(user, "email"));
    tree_set_text(verdict->learned, "name", tree_text(user, "name"));
    verdict_set(verdict, VERDICT_DONE, "%s", "");
}

static void on_good(const struct task *task, int step, const json_t *tree, struct verdict *verdict)
{
    const json_t *ticket = step == FIND ? found_ticket(task, tree) : tree_get(tree, "ticket");
    switch (step) {
    case COMMENTS:
        step_to(verdict, marked(task, tree) ? TAGS : NOTE);
        break;
    case NOTE:
        step_to(verdict, TAGS);
        break;
    case FIND:
        if (ticket) {
            learn_ticket(ticket, verdict);
        } else {
            step_to(verdict, CREATE);
        }
        break;
    case CREATE:
        learn_ticket(ticket, verdict);
        break;
    case REQUESTER:
        learn_requester(tree_get(tree, "user"), verdict);
        break;
    default:
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    }
}

static void zendesk_outcome(const struct task *task, int given, const struct answer *answer,
                            struct verdict *verdict)
{
    int step = real_step(task, given);
    bool came = answer->fault == OK;
    json_t *tree = came ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    if (came && answer->status >= 200 && answer->status < 300) {
        if (!json_is_object(tree)) {
            verdict_set(verdict, VERDICT_AGAIN, "Zendesk's answer is not one (%d)", answer->status);
            verdict->ambiguous = true;
        } else {
            on_good(task, step, tree, verdict);
        }
    } else if (came && answer->status == 409) {
        verdict_set(verdict, VERDICT_AGAIN, "somebody else was changing the ticket (409)");
    } else if (came && answer->status == 400 && step == CREATE && given == START) {
        /* The idempotency key was used with another body: then the ticket may be there. */
        step_to(verdict, FIND);
    } else if (came && answer->status == 404 && step != CREATE) {
        verdict_set(verdict, VERDICT_NEVER, "Zendesk has no %s of this number (404)",
                    step == REQUESTER ? "person" : "ticket");
    } else if (came && answer->status == 422) {
        verdict_set(verdict, VERDICT_NEVER,
                    step == CREATE ? "Zendesk takes the new ticket for invalid (422)"
                                   : "the ticket is closed and takes no note (422)");
    } else {
        verdict_http(answer, verdict);
    }
    json_decref(tree);
}

const struct adapter support_zendesk = {.name = "zendesk",
                                        .settings = own_settings,
                                        .secret = "support/key",
                                        .calls_per_10s = 30,
                                        .steps_max = 4,
                                        .asks = SUPPORT_ASKS,
                                        .check = zendesk_check,
                                        .request = zendesk_request,
                                        .outcome = zendesk_outcome,
                                        .probe = zendesk_probe};
