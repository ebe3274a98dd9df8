/* zendesk.c - Zendesk Support tickets.
 *
 *   a ticket is named:  [comments] -> note -> tags (-> untag)
 *   none is named:      [find] -> user -> open -> the same with the open ticket, or create
 *   it is closed:       create a follow-up of it
 *   whose ticket is it: the user that the webhook named by number
 *
 * The steps in brackets run before a repeat only: a note has no idempotency key, so that its marker
 * is looked for; the key of a new ticket is kept for hours only, so that its external_id is.
 *
 * The member's ticket is found by user and list, not by /search: that index is minutes behind, and
 * a ticket that was closed since would be taken for open. Users are an index, too, but one that only
 * strangers of the last minutes are missing from; they get a ticket of their own. A solved ticket
 * is at an end for its agent, who would not see the note: new, open, pending and hold count. */
#include "desk.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct setting own_settings[] = {
    {"support/url", SETTING_TEXT, "", 0, 500, NULL, "Your Zendesk: https://example.zendesk.com"},
    {"support/user", SETTING_TEXT, "", 0, 200, NULL, "E-mail address of the agent."},
    {"support/key", SETTING_SECRET, "", 0, 0, NULL, "API token of Zendesk."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

enum { START, COMMENTS, NOTE, TAGS, UNTAG, FIND, FIND_SURELY, USER, OPEN, CREATE, REQUESTER };

/* Where the note goes: as named, or as found; "" while that is not known, or when it is closed. */
static const char *ticket_of(const struct task *task)
{
    const char *named = tree_text(task->payload, "ticket");
    if (*tree_text(task->learned, "closed")) {
        return "";
    }
    return *named ? named : tree_text(task->learned, "ticket");
}

static int after_find(const struct task *task)
{
    bool follow_up = *tree_text(task->learned, "closed");
    return !follow_up && desk_searchable(tree_text(task->payload, "email")) ? USER : CREATE;
}

static int real_step(const struct task *task, int step)
{
    if (step != START) {
        return step;
    }
    if (strcmp(task->kind, SUPPORT_ASKS) == 0) {
        return REQUESTER;
    }
    if (*ticket_of(task)) {
        return task->repeat ? COMMENTS : NOTE;
    }
    return task->repeat ? FIND : after_find(task);
}

static bool zendesk_check(const struct settings *settings, struct buf *why)
{
    bool good = desk_check(settings, "an API token", why);
    if (!*settings_text(settings, "support/user")) {
        buf_add_text(why, "usher.cfg: support/user: expected an agent's e-mail address\n");
        good = false;
    }
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

static json_t *comment(const struct task *task)
{
    return json_pack("{s:s, s:b}", "body", tree_text(task->payload, "text"), "public", 0);
}

static enum fault ask_note(const struct task *task, struct call *call)
{
    json_t *ticket = json_pack("{s:o}", "comment", comment(task));
    if (tree_flag(task->payload, "urgent")) {
        tree_set_text(ticket, "priority", "urgent");
    }
    return call_json(call, json_pack("{s:o}", "ticket", ticket));
}

static enum fault ask_ticket(const struct task *task, int step, struct call *call)
{
    static const struct {
        const char *method;
        const char *end;
        const char *tags; /* of the payload */
    } rows[] = {[COMMENTS] = {"GET", "/comments.json?sort_order=desc&per_page=50", NULL},
                [NOTE] = {"PUT", ".json", NULL},
                [TAGS] = {"PUT", "/tags.json", "tags"},
                [UNTAG] = {"DELETE", "/tags.json", "untags"}};
    enum fault fault =
        begin(task->settings, task->secret, call, rows[step].method, "/api/v2/tickets/");
    call_escape(&call->url, ticket_of(task));
    buf_add_text(&call->url, rows[step].end);
    if (fault != OK || step == COMMENTS) {
        return fault;
    }
    if (step == NOTE) {
        return ask_note(task, call);
    }
    return call_json(call, json_pack("{s:O}", "tags", tree_get(task->payload, rows[step].tags)));
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

static json_t *new_ticket(const struct task *task)
{
    const char *email = tree_text(task->payload, "email");
    const char *name = tree_text(task->payload, "name");
    const char *closed = tree_text(task->learned, "closed");
    json_t *ticket = json_object();
    tree_set_text(ticket, "subject", tree_text(task->payload, "subject"));
    tree_set_text(ticket, "external_id", task->key);
    tree_set(ticket, "comment", comment(task));
    tree_set(ticket, "tags", json_incref(tree_get(task->payload, "tags")));
    if (tree_flag(task->payload, "urgent")) {
        tree_set_text(ticket, "priority", "urgent");
    }
    if (*closed) { /* its requester is the closed one's */
        tree_set_text(ticket, "via_followup_source_id", closed);
    } else if (*email) {
        tree_set(ticket, "requester",
                 json_pack("{s:s, s:s}", "email", email, "name", *name ? name : email));
    }
    return ticket;
}

static enum fault ask_create(const struct task *task, struct call *call)
{
    enum fault fault = begin(task->settings, task->secret, call, "POST", "/api/v2/tickets.json");
    fault = fault == OK ? idempotency(task, call) : fault;
    return fault == OK ? call_json(call, json_pack("{s:o}", "ticket", new_ticket(task))) : fault;
}

static enum fault ask_user(const struct task *task, struct call *call)
{
    struct buf query = {0};
    enum fault fault =
        begin(task->settings, task->secret, call, "GET", "/api/v2/users/search.json?query=");
    buf_printf(&query, "email:\"%s\"", tree_text(task->payload, "email"));
    call_escape(&call->url, buf_text(&query));
    buf_fini(&query);
    return fault;
}

static enum fault ask_requester(const struct task *task, struct call *call)
{
    enum fault fault = begin(task->settings, task->secret, call, "GET", "/api/v2/users/");
    call_escape(&call->url, tree_text(task->payload, "customer"));
    buf_add_text(&call->url, ".json");
    return fault;
}

static enum fault ask_open(const struct task *task, struct call *call)
{
    enum fault fault = begin(task->settings, task->secret, call, "GET", "/api/v2/users/");
    call_escape(&call->url, tree_text(task->learned, "user"));
    buf_add_text(&call->url,
                 "/tickets/requested.json?sort_by=updated_at&sort_order=desc&per_page=25");
    return fault;
}

static enum fault ask_find(const struct task *task, struct call *call)
{
    enum fault fault =
        begin(task->settings, task->secret, call, "GET", "/api/v2/tickets.json?external_id=");
    call_escape(&call->url, task->key);
    return fault;
}

static enum fault zendesk_request(const struct task *task, int given, struct call *call)
{
    int step = real_step(task, given);
    switch (step) {
    case FIND:
    case FIND_SURELY:
        return ask_find(task, call);
    case USER:
        return ask_user(task, call);
    case OPEN:
        return ask_open(task, call);
    case CREATE:
        return ask_create(task, call);
    case REQUESTER:
        return ask_requester(task, call);
    default:
        return ask_ticket(task, step, call);
    }
}

static enum fault zendesk_probe(const struct settings *settings, const char *secret,
                                struct call *call)
{
    return begin(settings, secret, call, "GET", "/api/v2/tickets.json?per_page=1");
}

/* --- answers ------------------------------------------------------------------------------------ */

/* Only an internal comment can be ours: members may write what they like. */
static bool marked(const struct task *task, const json_t *tree)
{
    const json_t *comments = tree_get(tree, "comments");
    for (size_t i = 0; i < json_array_size(comments); i++) {
        const json_t *one = json_array_get(comments, i);
        if (!tree_flag(one, "public") && support_marked(tree_text(one, "body"), task->key)) {
            return true;
        }
    }
    return false;
}

static void on_made(const json_t *ticket, struct verdict *verdict)
{
    desk_learn(verdict, "ticket", ticket);
    desk_done(verdict);
}

/* The one that an earlier attempt made. */
static void on_find(const struct task *task, int step, const json_t *tree, struct verdict *verdict)
{
    const json_t *tickets = tree_get(tree, "tickets");
    for (size_t i = 0; i < json_array_size(tickets); i++) {
        const json_t *one = json_array_get(tickets, i);
        if (strcmp(tree_text(one, "external_id"), task->key) == 0) {
            on_made(one, verdict);
            return;
        }
    }
    if (step == FIND_SURELY) {
        verdict_set(verdict, VERDICT_NEVER, "Zendesk does not take the new ticket (400)");
    } else {
        desk_step(verdict, after_find(task));
    }
}

static void on_user(const struct task *task, const json_t *tree, struct verdict *verdict)
{
    const json_t *users = tree_get(tree, "users");
    desk_step(verdict, CREATE);
    for (size_t i = 0; i < json_array_size(users); i++) {
        const json_t *one = json_array_get(users, i);
        if (strcasecmp(tree_text(one, "email"), tree_text(task->payload, "email")) == 0) {
            desk_learn(verdict, "user", one);
            desk_step(verdict, OPEN);
            return;
        }
    }
}

static bool is_open(const json_t *ticket)
{
    static const char *const words[] = {"new", "open", "pending", "hold"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(tree_text(ticket, "status"), words[i]) == 0) {
            return tree_int(ticket, "id") > 0;
        }
    }
    return false;
}

static void on_open(const json_t *tree, struct verdict *verdict)
{
    const json_t *tickets = tree_get(tree, "tickets");
    desk_step(verdict, CREATE);
    for (size_t i = 0; i < json_array_size(tickets); i++) {
        const json_t *one = json_array_get(tickets, i); /* the one that changed last comes first */
        if (is_open(one)) {
            desk_learn(verdict, "ticket", one);
            verdict->keep = true;
            desk_step(verdict, NOTE);
            return;
        }
    }
}

/* The answer to our tags has all of the ticket's. */
static bool belied(const struct task *task, const json_t *tree)
{
    const json_t *tags = tree_get(tree, "tags");
    const json_t *untags = tree_get(task->payload, "untags");
    for (size_t i = 0; i < json_array_size(tags); i++) {
        if (desk_has(untags, json_array_get(tags, i))) {
            return true;
        }
    }
    return false;
}

/* A caller or a guest may have no address: then nobody can say who it is. */
static void on_requester(const json_t *user, struct verdict *verdict)
{
    tree_set_text(verdict->learned, "email", tree_text(user, "email"));
    tree_set_text(verdict->learned, "name", tree_text(user, "name"));
    desk_done(verdict);
}

/* What an answer of a step has at least; else it is a proxy's page, or an error with a 200. */
static bool is_answer(int step, const json_t *tree)
{
    static const char *const lists[] = {
        [COMMENTS] = "comments",   [TAGS] = "tags",    [FIND] = "tickets", [USER] = "users",
        [FIND_SURELY] = "tickets", [OPEN] = "tickets", [CREATE] = NULL};
    if (step == NOTE || step == CREATE) {
        return tree_int(tree_get(tree, "ticket"), "id") > 0;
    }
    if (step == REQUESTER) {
        return json_is_object(tree_get(tree, "user"));
    }
    return step == UNTAG || json_is_array(tree_get(tree, lists[step]));
}

static void on_good(const struct task *task, int step, const json_t *tree, struct verdict *verdict)
{
    switch (step) {
    case COMMENTS:
        desk_step(verdict, marked(task, tree) ? TAGS : NOTE);
        break;
    case NOTE:
        desk_step(verdict, TAGS);
        break;
    case TAGS:
        if (belied(task, tree)) {
            desk_step(verdict, UNTAG);
        } else {
            desk_done(verdict);
        }
        break;
    case FIND:
    case FIND_SURELY:
        on_find(task, step, tree, verdict);
        break;
    case USER:
        on_user(task, tree, verdict);
        break;
    case OPEN:
        on_open(tree, verdict);
        break;
    case CREATE: /* or, x-idempotency-lookup: hit, the one that was made before */
        on_made(tree_get(tree, "ticket"), verdict);
        break;
    case REQUESTER:
        on_requester(tree_get(tree, "user"), verdict);
        break;
    default:
        desk_done(verdict);
    }
}

/* A ticket that is no more: another takes its place, unless it was the one that was asked for. */
static void on_gone(const struct task *task, int step, struct verdict *verdict)
{
    if (*tree_text(task->payload, "ticket")) {
        verdict_set(verdict, VERDICT_NEVER, "Zendesk has no ticket of this number (404)");
        return;
    }
    if (step != OPEN) { /* or it is the user */
        json_object_del(verdict->learned, "ticket");
        verdict->keep = true;
    }
    desk_step(verdict, CREATE);
}

static void on_invalid(const struct task *task, int step, const struct answer *answer,
                       struct verdict *verdict)
{
    bool closed = step != CREATE && strstr(answer->body, "closed");
    if (closed && step != NOTE) {
        desk_done(verdict); /* the note is there; tags cannot be added any more */
    } else if (closed) {
        tree_set_text(verdict->learned, "closed", ticket_of(task));
        verdict->keep = true;
        desk_step(verdict, CREATE);
    } else {
        verdict_set(verdict, VERDICT_NEVER,
                    step == CREATE ? "Zendesk takes the new ticket for invalid (422)"
                                   : "Zendesk takes the note for invalid (422): it may want a "
                                     "field of the ticket to be filled in");
    }
}

/* Of one ticket 30 changes in 10 minutes are allowed; the account's limit has calls left then. */
static void on_limit(int step, const struct answer *answer, struct verdict *verdict)
{
    char left[16];
    verdict_http(answer, verdict);
    bool change = step == NOTE || step == TAGS || step == UNTAG;
    if (change && answer_header(answer, "X-Rate-Limit-Remaining", left, sizeof left) &&
        strtol(left, NULL, 10) > 0) {
        verdict_set(verdict, VERDICT_AGAIN,
                    "this ticket was changed too often (429): 30 times in 10 minutes are allowed");
        verdict->alone = true;
    }
}

static void on_bad(const struct task *task, int step, const struct answer *answer,
                   struct verdict *verdict)
{
    switch (answer->status) {
    case 400:
        if (step == CREATE) { /* its key was used with another body: then the ticket may be there */
            desk_step(verdict, FIND_SURELY);
            return;
        }
        break;
    case 404:
        if (step <= UNTAG || step == OPEN) {
            on_gone(task, step, verdict);
            return;
        }
        if (step == REQUESTER) {
            verdict_set(verdict, VERDICT_NEVER, "Zendesk has no person of this number (404)");
            return;
        }
        break;
    case 409:
        verdict_set(verdict, VERDICT_AGAIN, "somebody else was changing the ticket (409)");
        return;
    case 422:
        on_invalid(task, step, answer, verdict);
        return;
    case 429:
        on_limit(step, answer, verdict);
        return;
    default:
        break;
    }
    verdict_http(answer, verdict);
}

static void zendesk_outcome(const struct task *task, int given, const struct answer *answer,
                            struct verdict *verdict)
{
    int step = real_step(task, given);
    if (answer->fault != OK) {
        verdict_http(answer, verdict);
        return;
    }
    if (answer->status < 200 || answer->status >= 300) {
        on_bad(task, step, answer, verdict); /* some of these answers are text, not JSON */
        return;
    }
    json_t *tree = json_loadb(answer->body, answer->len, 0, NULL);
    if (is_answer(step, tree)) {
        on_good(task, step, tree, verdict);
    } else {
        desk_no_answer("Zendesk", answer, verdict);
    }
    json_decref(tree);
}

const struct adapter support_zendesk = {.name = "zendesk",
                                        .settings = own_settings,
                                        .secret = "support/key",
                                        .calls_per_10s = 30,
                                        .steps_max = 8,
                                        .asks = SUPPORT_ASKS,
                                        .check = zendesk_check,
                                        .request = zendesk_request,
                                        .outcome = zendesk_outcome,
                                        .probe = zendesk_probe};
