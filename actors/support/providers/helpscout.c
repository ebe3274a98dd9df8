/* helpscout.c - Help Scout conversations, Mailbox API 2.0. The key logs in (OAuth2, client
 * credentials), the calls bear its token.
 *
 *   a conversation is named:  [threads] -> note -> read -> tags
 *   none is named:            find -> the same with the open one, or create
 *   creating was begun:       [look] -> found: done, else find
 *
 * The steps in brackets run before a repeat only. Nothing here has an idempotency key, so that the
 * note's marker is looked for; and lists are an index that may be behind, so that one without our
 * conversation is looked at once more after support/lag before another is made.
 *
 * PUT of tags replaces: they are read first, and what is not ours stays. */
#include "desk.h"
#include "support.h"

#include "clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct setting own_settings[] = {
    {"support/url", SETTING_TEXT, "https://api.helpscout.net", 0, 500, NULL,
     "Base of Help Scout's API."},
    {"support/app", SETTING_TEXT, "", 0, 200, NULL, "App ID of a Help Scout app."},
    {"support/key", SETTING_SECRET, "", 0, 0, NULL, "App secret of that app."},
    {"support/mailbox", SETTING_NUMBER, "0", 0, INT64_MAX, NULL,
     "Number of the inbox that new conversations are opened in."},
    {"support/lag", SETTING_DURATION, "30s", 10, 3600000, NULL,
     "How long lists may be behind before a conversation that they do not show is made again."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

enum { START, THREADS, NOTE, READ, TAGS, FIND, LOOK, CREATE };
enum {
    PAGE_SHIFT = 8,
    STEP_MASK = (1 << PAGE_SHIFT) - 1,
    NAME_BYTES_MAX = 40,
    CLOCKS_MS = 3600000 /* by which theirs may be behind ours */
};

/* Where the note goes: as found, made or moved to, or as named; "" while that is not known. */
static const char *ticket_of(const struct task *task)
{
    const char *learned = tree_text(task->learned, "ticket");
    return *learned ? learned : tree_text(task->payload, "ticket");
}

/* Pages of a list are steps of their own: the page stands above the step. */
static int real_step(const struct task *task, int given)
{
    if (given != START) {
        return given & STEP_MASK;
    }
    if (*ticket_of(task)) {
        return task->repeat ? THREADS : NOTE;
    }
    return tree_flag(task->learned, "creating") ? LOOK : FIND;
}

static int page_of(int given)
{
    return given >> PAGE_SHIFT ? given >> PAGE_SHIFT : 1;
}

static bool helpscout_check(const struct settings *settings, struct buf *why)
{
    bool good = desk_check(settings, "the App secret of a Help Scout app", why);
    if (!*settings_text(settings, "support/app")) {
        buf_add_text(why, "usher.cfg: support/app: expected the App ID of a Help Scout app\n");
        good = false;
    }
    if (settings_number(settings, "support/mailbox") == 0) {
        buf_add_text(why, "usher.cfg: support/mailbox: expected the number of an inbox\n");
        good = false;
    }
    return good;
}

/* --- requests ----------------------------------------------------------------------------------- */

static enum fault helpscout_login(const struct settings *settings, const char *secret,
                                  struct call *call)
{
    call->method = "POST";
    buf_printf(&call->url, "%s/v2/oauth2/token", settings_text(settings, "support/url"));
    buf_add_text(&call->body, "grant_type=client_credentials&client_id=");
    call_escape(&call->body, settings_text(settings, "support/app"));
    buf_add_text(&call->body, "&client_secret=");
    call_escape(&call->body, secret);
    return call_header(call, "Content-Type", "application/x-www-form-urlencoded");
}

static enum fault begin(const struct settings *settings, const char *token, struct call *call,
                        const char *method, const char *path)
{
    call->method = method;
    buf_printf(&call->url, "%s/v2/%s", settings_text(settings, "support/url"), path);
    enum fault fault = desk_bearer(call, token);
    return fault == OK ? call_header(call, "Accept", "application/json") : fault;
}

static enum fault helpscout_probe(const struct settings *settings, const char *token,
                                  struct call *call)
{
    return begin(settings, token, call, "GET", "users/me");
}

/* Theirs, without what belies ours, and ours. */
static json_t *tags_of(const struct task *task)
{
    json_t *all = json_array();
    const json_t *lists[] = {tree_get(task->learned, "present"), tree_get(task->payload, "tags")};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < json_array_size(lists[i]); k++) {
            json_t *tag = json_array_get(lists[i], k);
            if (!desk_has(all, tag) &&
                (i == 1 || !desk_has(tree_get(task->payload, "untags"), tag))) {
                json_array_append(all, tag);
            }
        }
    }
    return all;
}

static json_t *note_of(const struct task *task)
{
    struct buf html = {0};
    support_html(task->payload, &html);
    json_t *note = json_pack("{s:s}", "text", buf_text(&html));
    buf_fini(&html);
    return note;
}

static enum fault ask_conversation(const struct task *task, int given, struct call *call)
{
    static const struct {
        const char *method;
        const char *end;
    } rows[] = {[THREADS] = {"GET", "/threads?page="},
                [NOTE] = {"POST", "/notes"},
                [READ] = {"GET", ""},
                [TAGS] = {"PUT", "/tags"}};
    int step = real_step(task, given);
    enum fault fault =
        begin(task->settings, task->token, call, rows[step].method, "conversations/");
    call_escape(&call->url, ticket_of(task));
    buf_add_text(&call->url, rows[step].end);
    if (step == THREADS) {
        buf_printf(&call->url, "%d", page_of(given));
    }
    if (fault == OK && step == NOTE) {
        return call_json(call, note_of(task));
    }
    return fault == OK && step == TAGS ? call_json(call, json_pack("{s:o}", "tags", tags_of(task)))
                                       : fault;
}

/* FIND: what is theirs, the last changed first. LOOK: what we made of it since the job was made, with
 * the messages in it. */
static enum fault ask_list(const struct task *task, int given, struct call *call)
{
    char since[CLOCK_TEXT_BYTES];
    struct buf query = {0};
    enum fault fault = begin(task->settings, task->token, call, "GET",
                             "conversations?status=all&sortField=modifiedAt&sortOrder=desc");
    if (real_step(task, given) == LOOK) {
        clock_rfc3339(task->created_ms - CLOCKS_MS, since);
        buf_printf(&call->url, "&tag=usher&embed=threads&modifiedSince=%.19sZ", since);
    }
    buf_printf(&query, "(email:\"%s\")", tree_text(task->payload, "email"));
    buf_printf(&call->url, "&page=%d&query=", page_of(given));
    call_escape(&call->url, buf_text(&query));
    buf_fini(&query);
    return fault;
}

/* Up to NAME_BYTES_MAX, not within a character. */
static void set_name(json_t *customer, const char *key, const char *name, size_t len)
{
    if (len > NAME_BYTES_MAX) {
        for (len = NAME_BYTES_MAX; len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80;) {
            len--;
        }
    }
    if (len > 0) {
        json_object_set_new(customer, key, json_stringn(name, len));
    }
}

static enum fault ask_create(const struct task *task, struct call *call)
{
    const char *name = tree_text(task->payload, "name");
    size_t first = strcspn(name, " ");
    json_t *customer = json_pack("{s:s}", "email", tree_text(task->payload, "email"));
    set_name(customer, "firstName", name, first);
    if (name[first]) {
        set_name(customer, "lastName", name + first + 1, strlen(name + first + 1));
    }
    json_t *note = note_of(task);
    tree_set_text(note, "type", "note");
    json_t *made =
        json_pack("{s:s, s:s, s:I, s:s, s:o, s:[o], s:O}", "type", "email", "status", "active",
                  "mailboxId", (json_int_t)settings_number(task->settings, "support/mailbox"),
                  "subject", tree_text(task->payload, "subject"), "customer", customer, "threads",
                  note, "tags", tree_get(task->payload, "tags"));
    enum fault fault = begin(task->settings, task->token, call, "POST", "conversations");
    if (fault != OK) {
        json_decref(made);
        return fault;
    }
    return call_json(call, made);
}

static enum fault helpscout_request(const struct task *task, int given, struct call *call)
{
    int step = real_step(task, given);
    if (step < FIND) {
        return ask_conversation(task, given, call);
    }
    if (!desk_searchable(tree_text(task->payload, "email"))) {
        call->why = "no address is known: a conversation is with one";
        return FAULT_MALFORMED;
    }
    return step == CREATE ? ask_create(task, call) : ask_list(task, given, call);
}

/* --- answers ------------------------------------------------------------------------------------ */

static const json_t *list_of(const json_t *tree, const char *name)
{
    return tree_get(tree_get(tree, "_embedded"), name);
}

static bool more_pages(const json_t *tree)
{
    const json_t *page = tree_get(tree, "page");
    return tree_int(page, "number") < tree_int(page, "totalPages");
}

static void next_page(int given, int step, struct verdict *verdict)
{
    desk_step(verdict, step | (page_of(given) + 1) << PAGE_SHIFT);
}

static bool marked(const struct task *task, const json_t *threads)
{
    for (size_t i = 0; i < json_array_size(threads); i++) {
        const json_t *one = json_array_get(threads, i);
        if (strcmp(tree_text(one, "type"), "note") == 0 &&
            support_marked(tree_text(one, "body"), task->key)) {
            return true;
        }
    }
    return false;
}

static bool is_open(const struct task *task, const json_t *conversation)
{
    const char *status = tree_text(conversation, "status");
    const char *email = tree_text(tree_get(conversation, "primaryCustomer"), "email");
    bool open = strcmp(status, "active") == 0 || strcmp(status, "pending") == 0;
    return open && tree_int(conversation, "id") > 0 &&
           strcmp(tree_text(conversation, "state"), "deleted") != 0 &&
           strcasecmp(email, tree_text(task->payload, "email")) == 0;
}

static void on_find(const struct task *task, const json_t *tree, struct verdict *verdict)
{
    const json_t *list = list_of(tree, "conversations");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (is_open(task, json_array_get(list, i))) {
            desk_learn(verdict, "ticket", json_array_get(list, i));
            desk_choose(verdict, NOTE);
            return;
        }
    }
    desk_make(verdict, CREATE);
}

static void on_look(const struct task *task, int given, const json_t *tree, struct verdict *verdict)
{
    const json_t *list = list_of(tree, "conversations");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (marked(task, list_of(one, "threads"))) {
            desk_learn(verdict, "ticket", one);
            desk_done(verdict);
            return;
        }
    }
    if (more_pages(tree)) {
        next_page(given, LOOK, verdict);
    } else if (desk_looked(task, "Help Scout", verdict)) {
        desk_step(verdict, FIND);
    }
}

static void on_threads(const struct task *task, int given, const json_t *tree,
                       struct verdict *verdict)
{
    if (marked(task, list_of(tree, "threads"))) {
        desk_step(verdict, READ);
    } else if (more_pages(tree)) {
        next_page(given, THREADS, verdict);
    } else {
        desk_step(verdict, NOTE);
    }
}

static void on_read(const struct task *task, const json_t *tree, struct verdict *verdict)
{
    const json_t *tags = tree_get(tree, "tags");
    json_t *present = json_array();
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *tag = tree_text(json_array_get(tags, i), "tag");
        if (*tag) {
            json_array_append_new(present, json_string(tag));
        }
    }
    tree_set(verdict->learned, "present", json_incref(present));
    json_t *wanted = tags_of(task);
    if (json_equal(wanted, present)) {
        desk_done(verdict);
    } else {
        desk_step(verdict, TAGS);
    }
    json_decref(wanted);
    json_decref(present);
}

/* Of ".../v2/conversations/123": its number. */
static bool header_id(const struct answer *answer, char *id, size_t room)
{
    static const char mark[] = "/conversations/";
    char place[512];
    const char *at = place;
    if (!answer_header(answer, "Resource-ID", place, sizeof place)) {
        (void)answer_header(answer, "Location", place, sizeof place);
        at = strstr(place, mark);
        at = at ? at + strlen(mark) : "";
    }
    size_t len = strspn(at, "0123456789");
    if (len == 0 || len >= room) {
        return false;
    }
    memcpy(id, at, len);
    id[len] = '\0';
    return true;
}

/* Writing is answered by a status and a header alone. */
static void on_written(int step, const struct answer *answer, struct verdict *verdict)
{
    char id[32];
    if (step == TAGS && answer->status == 204) {
        desk_done(verdict);
    } else if (step == NOTE && answer->status == 201) {
        desk_step(verdict, READ);
    } else if (step == CREATE && answer->status == 201 && header_id(answer, id, sizeof id)) {
        tree_set_text(verdict->learned, "ticket", id);
        desk_done(verdict);
    } else {
        desk_no_answer("Help Scout", answer, verdict);
    }
}

static void on_good(const struct task *task, int given, const struct answer *answer,
                    struct verdict *verdict)
{
    int step = real_step(task, given);
    if (step == NOTE || step == TAGS || step == CREATE) {
        on_written(step, answer, verdict);
        return;
    }
    json_t *tree = json_loadb(answer->body, answer->len, 0, NULL);
    if (step == READ ? tree_int(tree, "id") <= 0 : !json_is_object(tree_get(tree, "page"))) {
        desk_no_answer("Help Scout", answer, verdict);
    } else if (step == THREADS) {
        on_threads(task, given, tree, verdict);
    } else if (step == READ) {
        on_read(task, tree, verdict);
    } else if (step == FIND) {
        on_find(task, tree, verdict);
    } else {
        on_look(task, given, tree, verdict);
    }
    json_decref(tree);
}

/* It takes no note: another takes its place, unless it was the one that was asked for. */
static void on_useless(const struct task *task, int step, const char *why, struct verdict *verdict)
{
    if (step != NOTE && step != THREADS) {
        desk_done(verdict); /* the note was written, and went with the conversation */
    } else if (*tree_text(task->payload, "ticket")) {
        verdict_set(verdict, VERDICT_NEVER, "%s", why);
    } else {
        desk_make(verdict, CREATE);
    }
}

static void on_limit(const struct answer *answer, struct verdict *verdict)
{
    char seconds[16];
    verdict_http(answer, verdict);
    if (answer_header(answer, "X-RateLimit-Retry-After", seconds, sizeof seconds)) {
        int64_t wait_ms = strtol(seconds, NULL, 10) * 1000;
        bool said = wait_ms > 0 && wait_ms <= HTTP_RETRY_AFTER_MS_MAX;
        verdict->retry_after_ms = said ? wait_ms : verdict->retry_after_ms;
    }
}

/* A merged conversation names the one that it went into. */
static bool moved(const struct task *task, int step, const struct answer *answer,
                  struct verdict *verdict)
{
    char id[32];
    if (answer->status != 301 || step >= FIND || !header_id(answer, id, sizeof id) ||
        strcmp(id, ticket_of(task)) == 0) {
        return false;
    }
    tree_set_text(verdict->learned, "ticket", id);
    verdict->keep = true;
    desk_step(verdict, task->repeat ? THREADS : step);
    return true;
}

static void on_bad(const struct task *task, int step, const struct answer *answer,
                   struct verdict *verdict)
{
    if (moved(task, step, answer, verdict)) {
        return;
    }
    if (answer->status == 404 && step < FIND) {
        on_useless(task, step, "Help Scout has no conversation of this number (404)", verdict);
    } else if (answer->status == 412 && step == NOTE) {
        on_useless(task, step, "the conversation has 100 messages and takes no more (412)",
                   verdict);
    } else if (answer->status == 429) {
        on_limit(answer, verdict);
    } else {
        verdict_http(answer, verdict);
    }
}

static void helpscout_outcome(const struct task *task, int given, const struct answer *answer,
                              struct verdict *verdict)
{
    int step = real_step(task, given);
    if (answer->fault != OK) {
        verdict_http(answer, verdict);
    } else if (answer->status >= 200 && answer->status < 300) {
        on_good(task, given, answer, verdict);
    } else {
        on_bad(task, step, answer, verdict);
    }
    if (step == CREATE) {
        desk_not_made(answer, verdict);
    }
}

const struct adapter support_helpscout = {.name = "helpscout",
                                          .settings = own_settings,
                                          .secret = "support/key",
                                          .calls_per_10s = 20, /* of 200 a minute; writing is two */
                                          .steps_max = 24,
                                          .check = helpscout_check,
                                          .login = helpscout_login,
                                          .token = token_oauth2,
                                          .request = helpscout_request,
                                          .outcome = helpscout_outcome,
                                          .probe = helpscout_probe};
