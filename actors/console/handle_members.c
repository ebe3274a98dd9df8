/* handle_members.c - members: found, shown, and what a person may change about one. */
#include "handlers.h"

#include "act.h"
#include "clock.h"
#include "gather.h"
#include "member_view.h"
#include "must.h"
#include "projection.h"
#include "read.h"
#include "reply.h"
#include "values.h"

#include <string.h>

enum { TIMELINE = 50, DAYS_MAX = 3660 };

/* Who may not see names must not find them out either, letter by letter: only a whole name is found. */
static enum fault look_exactly(struct store_txn *txn, const char *name, json_t **answer)
{
    json_t *document = NULL, *list = json_array();
    enum fault fault = projection_member(txn, name, &document);
    if (fault == OK) {
        struct members_query whole = {
            .text = tree_text(document, "id"), .state = "", .access = "", .after = "", .limit = 1};
        json_decref(list);
        fault = projection_members(txn, &whole, answer);
        list = fault == OK ? json_incref(tree_get(*answer, "members")) : NULL;
        json_decref(*answer);
    }
    json_decref(document);
    *answer = NULL;
    if (fault == OK || fault == FAULT_NOT_FOUND) {
        *answer = json_object();
        tree_set(*answer, "members", list);
        tree_set(*answer, "next", json_null());
        tree_set(*answer, "total", json_null());
    }
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

static enum fault look_list(struct store_txn *txn, const struct visit *visit, json_t **answer)
{
    const char *text = read_query(visit, "q");
    if (*text && !reply_shows_names(visit)) {
        return look_exactly(txn, text, answer);
    }
    struct members_query wanted = {.text = text,
                                   .state = read_query(visit, "state"),
                                   .access = read_query(visit, "access"),
                                   .after = read_query(visit, "after"),
                                   .limit = read_limit(visit)};
    return projection_members(txn, &wanted, answer);
}

void members_list(struct visit *visit)
{
    read_answer(visit, look_list);
}

/* --- one --------------------------------------------------------------------------------------- */

static enum fault look_member(struct store_txn *txn, const struct visit *visit, json_t **answer)
{
    return projection_member(txn, web_param(visit->request, "id"), answer);
}

/* The newest document of who the path names; NULL, having answered, if there is none. */
static json_t *find_member(const struct visit *visit)
{
    json_t *document;
    enum fault fault = read_in(visit, look_member, &document);
    if (fault == FAULT_NOT_FOUND) {
        reply_problem(visit, 404, "nobody is known by that name", NULL);
    } else if (fault != OK) {
        reply_fault(visit, fault);
    }
    return document;
}

/* What the actors say now; where one does not answer, what was heard last. */
static void set_lanes(const struct gather *gather, const json_t *heard, json_t *whole)
{
    static const struct {
        const char *actor;
        const char *lane;
    } lanes[] = {{"crm", "crm"}, {"support", "support"}, {"mailer", "mail"}, {"app", "app"}};
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
        const json_t *said = gather_answer(gather, lanes[i].actor, 0);
        const json_t *lane = said ? said : tree_get(heard, lanes[i].actor);
        tree_set(whole, lanes[i].lane, member_lane(lane, lanes[i].actor));
        if (*tree_text(lane, "error")) {
            tree_set_text(whole, "last_error", tree_text(lane, "error"));
        }
    }
}

static void show_finish(struct visit *visit, const struct gather *gather, json_t *document)
{
    const char *id = tree_text(document, "id");
    struct store_txn *txn = NULL;
    json_t *whole = json_object(), *timeline = NULL, *heard = NULL;
    enum fault fault = store_begin(actor_store(visit->console->actor), false, &txn);
    if (fault == OK) {
        fault = projection_timeline(txn, id, "", "", TIMELINE, &timeline);
    }
    if (fault == OK) {
        fault = projection_lanes(txn, id, &heard);
    }
    store_abort(&txn);
    if (fault != OK) {
        json_decref(timeline);
        json_decref(whole);
        reply_fault(visit, fault);
        return;
    }
    const json_t *ledger =
        json_array_get(tree_get(gather_answer(gather, "ledger", 0), "members"), 0);
    const json_t *suggestions = tree_get(ledger, "suggestions");
    tree_set(whole, "member", member_facts(document));
    if (suggestions) {
        tree_set(tree_get(whole, "member"), "suggestions", json_incref((json_t *)suggestions));
    }
    tree_set(whole, "last_error", json_null());
    set_lanes(gather, heard, whole);
    tree_set(whole, "timeline", json_incref(tree_get(timeline, "timeline")));
    tree_set(whole, "timeline_next", json_incref(tree_get(timeline, "next")));
    json_decref(timeline);
    json_decref(heard);
    reply_partial(visit, whole, gather_partial(gather));
}

void members_show(struct visit *visit)
{
    static const char *const actors[] = {"crm", "support", "mailer", "app"};
    json_t *document = find_member(visit);
    if (!document) {
        return;
    }
    struct gather *gather = gather_new(visit, show_finish, document);
    for (size_t i = 0; i < sizeof actors / sizeof *actors; i++) {
        json_t *question = gather_question("member");
        tree_set_text(question, "member", tree_text(document, "id"));
        tree_set(question, "aliases", json_incref(tree_get(document, "aliases")));
        gather_ask(gather, actors[i], question);
    }
    json_t *question = gather_question("member");
    tree_set_text(question, "who", tree_text(document, "id"));
    gather_ask(gather, "ledger", question);
    gather_go(&gather);
}

static enum fault look_timeline(struct store_txn *txn, const struct visit *visit, json_t **answer)
{
    json_t *document = NULL;
    enum fault fault = look_member(txn, visit, &document);
    if (fault == OK) {
        fault = projection_timeline(txn, tree_text(document, "id"), read_query(visit, "lane"),
                                    read_query(visit, "after"), read_limit(visit), answer);
    }
    json_decref(document);
    return fault;
}

void members_timeline(struct visit *visit)
{
    read_answer(visit, look_timeline);
}

/* --- acts -------------------------------------------------------------------------------------- */

/* The reason and the member are what all of them have. Takes data and document. */
static void act_on(const struct visit *visit, const char *type, json_t *document, json_t *data)
{
    const char *id = tree_text(document, "id");
    tree_set_text(data, "member", id);
    act_simple(visit, type, id, data);
    json_decref(document);
}

static void act_with_reason(const struct visit *visit, const char *type, json_t *data)
{
    const char *reason = act_reason(visit);
    json_t *document = reason ? find_member(visit) : NULL;
    if (document) {
        tree_set_text(data, "reason", reason);
        act_on(visit, type, document, data);
    } else {
        json_decref(data);
    }
}

void members_note(struct visit *visit)
{
    const char *text = tree_text(visit->body, "text");
    if (!text[strspn(text, " \t\r\n")] || strlen(text) > ACT_NOTE_BYTES_MAX) {
        reply_problem(visit, 400, "a note has from 1 to 2000 bytes", NULL);
        return;
    }
    json_t *document = find_member(visit);
    if (document) {
        json_t *data = json_object();
        tree_set_text(data, "text", text);
        act_on(visit, "admin.noted", document, data);
    }
}

/* "days": 30, or "until": a time, or "forever": true. An end that was mistyped must not be none.
 * False, having answered. */
static bool read_until(const struct visit *visit, json_t *data)
{
    const json_t *days = tree_get(visit->body, "days");
    const char *until = tree_text(visit->body, "until");
    int64_t now = clock_wall_ms(), at = 0;
    if (!days && !*until && !tree_flag(visit->body, "forever")) {
        reply_problem(visit, 400, "days, until or forever: how long?", NULL);
        return false;
    }
    if (days && (!json_is_integer(days) || json_integer_value(days) < 1 ||
                 json_integer_value(days) > DAYS_MAX)) {
        reply_problem(visit, 400, "days: a number from 1 to 3660", NULL);
        return false;
    }
    if (*until && (!clock_parse(until, &at) || at <= now)) {
        reply_problem(visit, 400, "until: a time to come, such as 2027-01-31T00:00:00Z", NULL);
        return false;
    }
    at = days ? now + json_integer_value(days) * 86400000 : at;
    if (at) {
        tree_set_int(data, "until", at);
    }
    return true;
}

void members_grant(struct visit *visit)
{
    json_t *data = json_object();
    if (read_until(visit, data)) {
        act_with_reason(visit, "admin.granted", data);
    } else {
        json_decref(data);
    }
}

void members_revoke(struct visit *visit)
{
    act_with_reason(visit, "admin.revoked", json_object());
}

void members_unrevoke(struct visit *visit)
{
    json_t *data = json_object();
    tree_set_flag(data, "lift", true);
    act_with_reason(visit, "admin.revoked", data);
}

void members_resync(struct visit *visit)
{
    act_with_reason(visit, "admin.resynced", json_object());
}

/* --- a mail once more -------------------------------------------------------------------------- */

static void resend_finish(struct visit *visit, const struct gather *gather, json_t *document)
{
    const json_t *said = gather_answer(gather, "mailer", 0);
    const json_t *job = json_array_get(tree_get(said, "jobs"), 0);
    const char *state = tree_text(job, "state");
    if (!said) {
        reply_problem(visit, 503, "the mailer does not answer", "Nothing was done.");
    } else if (!job || strcmp(tree_text(job, "member"), tree_text(document, "id")) != 0) {
        reply_problem(visit, 404, "there is no such mail of this member", NULL);
    } else if (strcmp(state, "done") != 0 && strcmp(state, "uncertain") != 0 &&
               strcmp(state, "dead") != 0 && strcmp(state, "skipped") != 0) {
        reply_conflict(visit, "This mail is %s: it is on its way.", state);
    } else {
        json_t *data = json_object();
        tree_set_text(data, "actor", "mailer");
        tree_set_text(data, "key", tree_text(job, "key"));
        tree_set_text(data, "reason", tree_text(visit->body, "reason"));
        act_on(visit, "admin.resent", json_incref(document), data);
    }
}

void members_resend(struct visit *visit)
{
    const char *key = tree_text(visit->body, "key");
    if (!*key) {
        reply_problem(visit, 400, "key: which mail", NULL);
        return;
    }
    json_t *document = act_reason(visit) ? find_member(visit) : NULL;
    if (document) {
        json_t *question = gather_question("jobs");
        tree_set_text(question, "key", key);
        struct gather *gather = gather_new(visit, resend_finish, document);
        gather_ask(gather, "mailer", question);
        gather_go(&gather);
    }
}
