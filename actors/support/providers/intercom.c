/* intercom.c - Intercom conversations and tickets, REST API 2.15.
 *
 *   a conversation is named:  [parts] -> note -> tags
 *   none is named:            contact (or a new one) -> conversations -> tickets: to the newest
 *                             that is open -> note -> tags; none: create a ticket -> tags
 *   creating was begun:       [look] -> found: tags, else contact
 *
 * The steps in brackets run before a repeat only. Nothing here has an idempotency key, so that the
 * note's marker is looked for; and searches are an index that may be behind, so that one without
 * our ticket is looked at once more after support/lag before another is made.
 *
 * A conversation that is created here would be a message of the member's, shown to them. What is
 * opened is therefore a ticket of a back-office type, which the team alone sees; its description is
 * the note. The id of a ticket is no conversation's, so that a name that is none is tried as the
 * other.
 *
 * A tag is known by an id, which POST /tags gives for a name, and is added to a conversation by one
 * call each. */
#include "desk.h"
#include "support.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct setting own_settings[] = {
    {"support/url", SETTING_TEXT, "https://api.intercom.io", 0, 500, NULL,
     "Base of Intercom's API; api.eu.intercom.io and api.au.intercom.io are the other regions."},
    {"support/key", SETTING_SECRET, "", 0, 0, NULL, "Access token of an Intercom app."},
    {"support/admin", SETTING_TEXT, "", 0, 40, NULL,
     "Id of the teammate in whose name notes are written."},
    {"support/ticket_type", SETTING_TEXT, "", 0, 40, NULL,
     "Id of a back-office ticket type, for members without an open conversation."},
    {"support/lag", SETTING_DURATION, "30s", 10, 3600000, NULL,
     "How long searches may be behind before a ticket that they do not show is made again."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

enum {
    START,
    PARTS,
    NOTE,
    TAG_ID, /* these three: | index << 8 */
    TAG,
    UNTAG,
    CONTACT,
    CONTACT_NEW,
    CONVERSATIONS,
    TICKETS,
    LOOK,
    CREATE
};
enum {
    INDEX_SHIFT = 8,
    STEP_MASK = (1 << INDEX_SHIFT) - 1,
    LIMIT_MS = 10000,
    LIMIT_MS_MAX = 60000
};

/* Where the note goes: as found or made, or as named; "" while that is not known. */
static const char *ticket_of(const struct task *task)
{
    const char *learned = tree_text(task->learned, "ticket");
    return *learned ? learned : tree_text(task->payload, "ticket");
}

static bool is_ticket(const struct task *task)
{
    return strcmp(tree_text(task->learned, "place"), "tickets") == 0;
}

static int real_step(const struct task *task, int given)
{
    if (given != START) {
        return given & STEP_MASK;
    }
    if (*ticket_of(task)) {
        return task->repeat ? PARTS : NOTE;
    }
    return tree_flag(task->learned, "creating") ? LOOK : CONTACT;
}

static size_t index_of(int given)
{
    return (size_t)given >> INDEX_SHIFT;
}

static bool intercom_check(const struct settings *settings, struct buf *why)
{
    bool good = desk_check(settings, "the access token of an Intercom app", why);
    if (!*settings_text(settings, "support/admin")) {
        buf_add_text(why, "usher.cfg: support/admin: expected the id of a teammate\n");
        good = false;
    }
    if (!*settings_text(settings, "support/ticket_type")) {
        buf_add_text(why, "usher.cfg: support/ticket_type: expected the id of a back-office ticket "
                          "type\n");
        good = false;
    }
    return good;
}

/* --- requests ----------------------------------------------------------------------------------- */

static enum fault begin(const struct settings *settings, const char *secret, struct call *call,
                        const char *method, const char *path)
{
    call->method = method;
    buf_printf(&call->url, "%s/%s", settings_text(settings, "support/url"), path);
    enum fault fault = desk_bearer(call, secret);
    fault = fault == OK ? call_header(call, "Accept", "application/json") : fault;
    return fault == OK ? call_header(call, "Intercom-Version", "2.15") : fault;
}

static enum fault intercom_probe(const struct settings *settings, const char *secret,
                                 struct call *call)
{
    return begin(settings, secret, call, "GET", "me");
}

static json_t *note_of(const struct task *task)
{
    struct buf html = {0};
    support_html(task->payload, &html);
    json_t *note =
        json_pack("{s:s, s:s, s:s, s:s}", "message_type", "note", "type", "admin", "admin_id",
                  settings_text(task->settings, "support/admin"), "body", buf_text(&html));
    buf_fini(&html);
    return note;
}

static const char *nth(const json_t *list, size_t index)
{
    const char *text = json_string_value(json_array_get(list, index));
    return text ? text : "";
}

/* What the call to a conversation or ticket has for a body; NULL: none. */
static json_t *body_of(const struct task *task, int step)
{
    const char *admin = settings_text(task->settings, "support/admin");
    switch (step) {
    case NOTE:
        return note_of(task);
    case TAG:
        return json_pack("{s:s, s:s}", "id", tree_text(task->learned, "tag"), "admin_id", admin);
    case UNTAG:
        return json_pack("{s:s}", "admin_id", admin);
    default:
        return NULL;
    }
}

static enum fault ask_ticket(const struct task *task, int given, struct call *call)
{
    static const struct {
        const char *method;
        const char *end;
    } rows[] = {[PARTS] = {"GET", ""},
                [NOTE] = {"POST", "/reply"},
                [TAG] = {"POST", "/tags"},
                [UNTAG] = {"DELETE", "/tags/"}};
    int step = real_step(task, given);
    enum fault fault = begin(task->settings, task->secret, call, rows[step].method,
                             is_ticket(task) ? "tickets/" : "conversations/");
    call_escape(&call->url, ticket_of(task));
    buf_add_text(&call->url, rows[step].end);
    if (step == UNTAG) {
        const char *tag = nth(tree_get(task->payload, "untags"), index_of(given));
        call_escape(&call->url, tree_text(tree_get(task->learned, "present"), tag));
    }
    json_t *body = body_of(task, step);
    if (fault != OK || !body) {
        json_decref(body);
        return fault;
    }
    return call_json(call, body);
}

static json_t *filter(const char *field, json_t *value)
{
    return json_pack("{s:s, s:s, s:o}", "field", field, "operator", "=", "value", value);
}

/* By the founder's own id for the person, and by the address. */
static json_t *contact_query(const struct task *task)
{
    const char *email = tree_text(task->payload, "email");
    const char *user = tree_text(task->payload, "user");
    json_t *by_email = filter("email", json_string(email));
    if (!*user) {
        return by_email;
    }
    json_t *by_user = filter("external_id", json_string(user));
    if (!*email) {
        json_decref(by_email);
        return by_user;
    }
    return json_pack("{s:s, s:[o, o]}", "operator", "OR", "value", by_user, by_email);
}

/* Of the contact: what is open, or all. */
static json_t *theirs_query(const struct task *task, bool open)
{
    json_t *by_contact = filter("contact_ids", json_string(tree_text(task->learned, "contact")));
    return open ? json_pack("{s:s, s:[o, o]}", "operator", "AND", "value", by_contact,
                            filter("open", json_true()))
                : by_contact;
}

static enum fault ask_search(const struct task *task, int step, struct call *call)
{
    static const char *const paths[] = {[CONTACT] = "contacts/search",
                                        [CONVERSATIONS] = "conversations/search",
                                        [TICKETS] = "tickets/search",
                                        [LOOK] = "tickets/search"};
    enum fault fault = begin(task->settings, task->secret, call, "POST", paths[step]);
    if (fault != OK) {
        return fault;
    }
    json_t *query = step == CONTACT ? contact_query(task) : theirs_query(task, step != LOOK);
    return call_json(call,
                     json_pack("{s:o, s:{s:i}}", "query", query, "pagination", "per_page", 50));
}

static json_t *new_contact(const struct task *task)
{
    static const char *const fields[][2] = {
        {"email", "email"}, {"name", "name"}, {"external_id", "user"}};
    json_t *contact = json_pack("{s:s}", "role", "user");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        tree_set_text(contact, fields[i][0], tree_text(task->payload, fields[i][1]));
    }
    return contact;
}

static json_t *new_ticket(const struct task *task)
{
    return json_pack("{s:s, s:[{s:s}], s:{s:s, s:s}, s:b}", "ticket_type_id",
                     settings_text(task->settings, "support/ticket_type"), "contacts", "id",
                     tree_text(task->learned, "contact"), "ticket_attributes", "_default_title_",
                     tree_text(task->payload, "subject"), "_default_description_",
                     tree_text(task->payload, "text"), "skip_notifications", 1);
}

static enum fault ask_make(const struct task *task, int given, struct call *call)
{
    int step = real_step(task, given);
    const char *path = step == CREATE ? "tickets" : step == TAG_ID ? "tags" : "contacts";
    const char *tag = nth(tree_get(task->payload, "tags"), index_of(given));
    enum fault fault = begin(task->settings, task->secret, call, "POST", path);
    if (fault != OK) {
        return fault;
    }
    return call_json(call, step == CREATE   ? new_ticket(task)
                           : step == TAG_ID ? json_pack("{s:s}", "name", tag)
                                            : new_contact(task));
}

static enum fault intercom_request(const struct task *task, int given, struct call *call)
{
    int step = real_step(task, given);
    switch (step) {
    case CONTACT:
        if (!*tree_text(task->payload, "email") && !*tree_text(task->payload, "user")) {
            call->why =
                "neither an address nor your own id is known: a conversation is with a person";
            return FAULT_MALFORMED;
        }
        return ask_search(task, step, call);
    case CONVERSATIONS:
    case TICKETS:
    case LOOK:
        return ask_search(task, step, call);
    case CREATE:
    case TAG_ID:
    case CONTACT_NEW:
        return ask_make(task, given, call);
    default:
        return ask_ticket(task, given, call);
    }
}

/* --- answers ------------------------------------------------------------------------------------ */

/* The note is there: our tags that are not, then what belies them. A ticket's are not said. */
static void next_tag(const struct task *task, int step, size_t from, struct verdict *verdict)
{
    const json_t *present = tree_get(task->learned, "present");
    const json_t *tags = tree_get(task->payload, "tags");
    const json_t *untags = tree_get(task->payload, "untags");
    for (size_t i = from; step != UNTAG && i < json_array_size(tags); i++) {
        if (!tree_get(present, nth(tags, i))) {
            desk_step(verdict, TAG_ID | (int)i << INDEX_SHIFT);
            return;
        }
    }
    for (size_t i = step == UNTAG ? from : 0; i < json_array_size(untags); i++) {
        if (tree_get(present, nth(untags, i))) {
            desk_step(verdict, UNTAG | (int)i << INDEX_SHIFT);
            return;
        }
    }
    desk_done(verdict);
}

/* {"vip": "id", ...} of a conversation. */
static void learn_tags(const json_t *conversation, struct verdict *verdict)
{
    const json_t *tags = tree_get(tree_get(conversation, "tags"), "tags");
    json_t *present = json_object();
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const json_t *tag = json_array_get(tags, i);
        if (*tree_text(tag, "name") && *tree_text(tag, "id")) {
            tree_set_text(present, tree_text(tag, "name"), tree_text(tag, "id"));
        }
    }
    tree_set(verdict->learned, "present", present);
}

static bool marked_part(const struct task *task, const json_t *parts)
{
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *one = json_array_get(parts, i);
        if (strcmp(tree_text(one, "part_type"), "note") == 0 &&
            support_marked(tree_text(one, "body"), task->key)) {
            return true;
        }
    }
    return false;
}

/* Members write neither notes nor back-office tickets. */
static bool marked(const struct task *task, const json_t *object)
{
    const json_t *said = tree_get(object, "ticket_attributes");
    bool ours = strcmp(tree_text(object, "category"), "Back-office") == 0;
    return marked_part(task,
                       tree_get(tree_get(object, "conversation_parts"), "conversation_parts")) ||
           marked_part(task, tree_get(tree_get(object, "ticket_parts"), "ticket_parts")) ||
           (ours && support_marked(tree_text(said, "_default_description_"), task->key));
}

static void on_contact(const struct task *task, const json_t *tree, struct verdict *verdict)
{
    const json_t *list = tree_get(tree, "data");
    const char *user = tree_text(task->payload, "user");
    const json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *email = tree_text(one, "email");
        bool by_user = *user && strcmp(tree_text(one, "external_id"), user) == 0;
        if (by_user ||
            (!found && *email && strcasecmp(email, tree_text(task->payload, "email")) == 0)) {
            found = one;
        }
    }
    if (found && *tree_text(found, "id")) {
        desk_learn(verdict, "contact", found);
        desk_step(verdict, CONVERSATIONS);
    } else {
        desk_step(verdict, CONTACT_NEW);
    }
}

/* The newest that is open; *list has them in any order. */
static const json_t *newest_open(const json_t *list)
{
    const json_t *best = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (tree_flag(one, "open") && *tree_text(one, "id") &&
            (!best || tree_int(one, "updated_at") > tree_int(best, "updated_at"))) {
            best = one;
        }
    }
    return best;
}

static void on_theirs(int step, const json_t *tree, struct verdict *verdict)
{
    const char *place = step == TICKETS ? "tickets" : "conversations";
    const json_t *open = newest_open(tree_get(tree, place));
    if (open) {
        desk_learn(verdict, "ticket", open);
        tree_set_text(verdict->learned, "place", place);
        desk_choose(verdict, NOTE);
    } else if (step == CONVERSATIONS) {
        desk_step(verdict, TICKETS);
    } else {
        desk_make(verdict, CREATE);
    }
}

static void on_made(const struct task *task, const json_t *ticket, struct verdict *verdict)
{
    desk_learn(verdict, "ticket", ticket);
    tree_set_text(verdict->learned, "place", "tickets");
    json_object_del(verdict->learned, "present");
    next_tag(task, START, 0, verdict);
}

static void on_look(const struct task *task, const json_t *tree, struct verdict *verdict)
{
    const json_t *list = tree_get(tree, "tickets");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (marked(task, json_array_get(list, i))) {
            on_made(task, json_array_get(list, i), verdict);
            return;
        }
    }
    if (desk_looked(task, "Intercom", verdict)) {
        desk_step(verdict, CONTACT);
    }
}

static bool is_answer(int step, const json_t *tree)
{
    static const char *const lists[] = {[CONTACT] = "data",
                                        [CONVERSATIONS] = "conversations",
                                        [TICKETS] = "tickets",
                                        [LOOK] = "tickets",
                                        [CREATE] = NULL};
    return lists[step] ? json_is_array(tree_get(tree, lists[step])) : *tree_text(tree, "id") != 0;
}

static void on_good(const struct task *task, int given, const json_t *tree, struct verdict *verdict)
{
    int step = real_step(task, given);
    switch (step) {
    case PARTS:
        learn_tags(tree, verdict);
        if (marked(task, tree)) {
            next_tag(task, START, 0, verdict);
        } else {
            desk_step(verdict, NOTE);
        }
        break;
    case NOTE: /* of a conversation the answer is all of it, of a ticket the note alone */
        learn_tags(tree, verdict);
        next_tag(task, START, 0, verdict);
        break;
    case TAG_ID:
        desk_learn(verdict, "tag", tree);
        desk_step(verdict, TAG | given >> INDEX_SHIFT << INDEX_SHIFT);
        break;
    case TAG:
    case UNTAG:
        next_tag(task, step, index_of(given) + 1, verdict);
        break;
    case CONTACT:
        on_contact(task, tree, verdict);
        break;
    case CONTACT_NEW:
        desk_learn(verdict, "contact", tree);
        desk_make(verdict, CREATE);
        break;
    case CONVERSATIONS:
    case TICKETS:
        on_theirs(step, tree, verdict);
        break;
    case LOOK:
        on_look(task, tree, verdict);
        break;
    default:
        on_made(task, tree, verdict);
    }
}

/* Its first error's code, as far as it is a word. */
static void code_of(const json_t *tree, char *code, size_t room)
{
    const char *text = tree_text(json_array_get(tree_get(tree, "errors"), 0), "code");
    size_t len = 0;
    while (len + 1 < room && (islower((unsigned char)text[len]) || text[len] == '_')) {
        code[len] = text[len];
        len++;
    }
    code[len] = '\0';
}

/* "A contact matching those details already exists with id=5f..." */
static bool existing_id(const json_t *tree, char *id, size_t room)
{
    const char *message = tree_text(json_array_get(tree_get(tree, "errors"), 0), "message");
    const char *at = strstr(message, "id=");
    size_t len = at ? strspn(at + 3, "0123456789abcdefABCDEF-") : 0;
    if (len == 0 || len >= room) {
        return false;
    }
    memcpy(id, at + 3, len);
    id[len] = '\0';
    return true;
}

static void on_gone(const struct task *task, int step, struct verdict *verdict)
{
    bool named = *tree_text(task->payload, "ticket");
    if (step == TAG || step == UNTAG) {
        desk_done(verdict); /* the note was written, and went with the conversation */
    } else if (named && !is_ticket(task)) {
        tree_set_text(verdict->learned, "place", "tickets");
        desk_step(verdict, step);
    } else if (named) {
        verdict_set(verdict, VERDICT_NEVER,
                    "Intercom has no conversation and no ticket of this number (404)");
    } else {
        desk_make(verdict, CREATE);
    }
}

/* The window that is used up ends at a moment, in seconds. */
static void on_limit(const struct answer *answer, struct verdict *verdict)
{
    char reset[24];
    verdict_http(answer, verdict);
    if (verdict->retry_after_ms > 0) {
        return;
    }
    (void)answer_header(answer, "X-RateLimit-Reset", reset, sizeof reset);
    int64_t seconds = strtoll(reset, NULL, 10);
    int64_t wait_ms =
        seconds > 0 && seconds < INT32_MAX * INT64_C(2) ? seconds * 1000 - answer->at_ms : LIMIT_MS;
    verdict->retry_after_ms = wait_ms > 0 && wait_ms <= LIMIT_MS_MAX ? wait_ms : LIMIT_MS;
}

static void on_bad(const struct task *task, int step, const struct answer *answer,
                   const json_t *tree, struct verdict *verdict)
{
    char text[64];
    code_of(tree, text, sizeof text);
    verdict_http(answer, verdict);
    if (answer->status == 404 && step <= UNTAG && step != TAG_ID) {
        on_gone(task, step, verdict);
    } else if (answer->status == 409 && step == CONTACT_NEW &&
               existing_id(tree, text, sizeof text)) {
        tree_set_text(verdict->learned, "contact", text);
        desk_step(verdict, CONVERSATIONS);
    } else if (answer->status == 409) {
        verdict_set(verdict, VERDICT_AGAIN, "somebody else was changing the same (409)");
    } else if (answer->status == 429) {
        on_limit(answer, verdict);
    } else if (verdict->kind == VERDICT_NEVER && *text) {
        verdict_set(verdict, VERDICT_NEVER, "Intercom says no (%d): %s", answer->status, text);
    }
}

static void intercom_outcome(const struct task *task, int given, const struct answer *answer,
                             struct verdict *verdict)
{
    int step = real_step(task, given);
    bool came = answer->fault == OK;
    json_t *tree = came ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    if (!came || answer->status < 200 || answer->status >= 300) {
        on_bad(task, step, answer, tree, verdict);
    } else if (is_answer(step, tree)) {
        on_good(task, given, tree, verdict);
    } else {
        desk_no_answer("Intercom", answer, verdict);
    }
    if (step == CREATE) {
        desk_not_made(answer, verdict);
    }
    json_decref(tree);
}

const struct adapter support_intercom = {.name = "intercom",
                                         .settings = own_settings,
                                         .secret = "support/key",
                                         .calls_per_10s = 150, /* of 1000 a minute */
                                         .steps_max = 16,
                                         .check = intercom_check,
                                         .request = intercom_request,
                                         .outcome = intercom_outcome,
                                         .probe = intercom_probe};
