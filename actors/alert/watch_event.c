/* watch_event.c - what an event opens and what it closes. */
#include "watch_store.h"

#include "actor.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

enum { ITEM_BYTES = 512 };

struct at {
    const struct watch *watch;
    struct store_txn *txn;
    const struct event *event;
    const json_t *data;
};

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* --- tickets ---------------------------------------------------------------------------------- */

/* A ticket is kept under nobody until it is a member's: a stranger's gets no note, and nobody has to
 * hear of it. From then on it waits for its note. */
static const char nobody[] = "nobody";
#define NEVER_MS (INT64_MAX / 4)

/* Waits for something from now on, or for nothing; only if it is still open. */
static enum fault ticket_waits(const struct at *at, const char *ticket, bool waits)
{
    json_t *open = NULL;
    enum fault fault = item_load(at->watch, at->txn, ALERT_TICKET_BARE, ticket, &open);
    if (fault == OK && open) {
        fault = item_open(at->watch, at->txn, ALERT_TICKET_BARE, waits ? "support" : nobody, ticket,
                          waits ? at->event->time_ms : NEVER_MS, ticket, 0);
    }
    json_decref(open);
    return fault;
}

static enum fault ticket_told(const struct at *at, const char *ticket, bool closed)
{
    json_t *open = NULL;
    if (closed) {
        return item_close(at->watch, at->txn, ALERT_TICKET_BARE, ticket);
    }
    enum fault fault = item_load(at->watch, at->txn, ALERT_TICKET_BARE, ticket, &open);
    if (fault == OK && !open) {
        fault =
            item_open(at->watch, at->txn, ALERT_TICKET_BARE, nobody, ticket, NEVER_MS, ticket, 0);
    }
    json_decref(open);
    return fault;
}

/* Known as its note's key has it: the desk, which the event's id begins with, and its number there. */
static enum fault on_ticket(const struct at *at)
{
    const json_t *facts = tree_get(at->data, "facts");
    int desk = (int)strcspn(at->event->id, ":");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < json_array_size(facts); i++) {
        const json_t *fact = json_array_get(facts, i);
        if (strcmp(tree_text(fact, "kind"), "ticket") == 0) {
            char ticket[ITEM_BYTES];
            snprintf(ticket, sizeof ticket, "%.*s:%.300s", desk, at->event->id,
                     tree_text(fact, "key"));
            fault = ticket_told(at, ticket, strcmp(tree_text(fact, "status"), "closed") == 0);
        }
    }
    return fault;
}

/* It is a member's: her document wants a note on it. */
static enum fault member_tickets(const struct at *at)
{
    const json_t *effects = tree_get(at->data, "effects");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < json_array_size(effects); i++) {
        const char *key = tree_text(json_array_get(effects, i), "key");
        fault = starts(key, "ticket:") ? ticket_waits(at, key + strlen("ticket:"), true) : OK;
    }
    return fault;
}

/* The note is done or given up, and a dead letter is an alert of its own; or the desk does not say
 * whose ticket it is. */
static enum fault ticket_job(const struct at *at)
{
    const char *key = tree_text(at->data, "key");
    bool retrying = strcmp(at->event->type, "job.retrying") == 0;
    if (strcmp(tree_text(at->data, "actor"), "support") != 0) {
        return OK;
    }
    if (starts(key, "requester:")) {
        return ticket_waits(at, key + strlen("requester:"), retrying);
    }
    return starts(key, "ticket:") && !retrying
               ? item_close(at->watch, at->txn, ALERT_TICKET_BARE, key + strlen("ticket:"))
               : OK;
}

/* --- members and the CRM ---------------------------------------------------------------------- */

static int marks(const struct at *at)
{
    return at->watch->first_table + WATCH_MARKS;
}

static enum fault member_merged(const struct at *at, const char *id)
{
    const json_t *merged = tree_get(at->data, "merged");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < json_array_size(merged); i++) {
        const char *gone = json_string_value(json_array_get(merged, i));
        struct slice mark;
        if (!gone || strcmp(gone, id) == 0) {
            continue;
        }
        fault = item_close(at->watch, at->txn, ALERT_CRM_BEHIND, gone);
        fault = fault == OK ? item_close(at->watch, at->txn, ALERT_IDENTITY, gone) : fault;
        if (fault == OK && store_get(at->txn, marks(at), text_slice(gone), &mark) == OK) {
            fault = store_put(at->txn, marks(at), text_slice(id), (struct slice){"", 0});
        }
    }
    return fault;
}

/* A contact is made only for a member with a tag and an address, or one that the CRM knows. */
static enum fault member_pending(const struct at *at, const char *id)
{
    struct slice mark;
    bool addressed = *tree_text(at->data, "email") != '\0';
    bool tagged = json_array_size(tree_get(at->data, "tags")) > 0;
    enum fault known = store_get(at->txn, marks(at), text_slice(id), &mark);
    if (known != OK && known != FAULT_NOT_FOUND) {
        return known;
    }
    if (known != OK && !(addressed && tagged)) {
        return OK;
    }
    return item_open(at->watch, at->txn, ALERT_CRM_BEHIND, "crm", id, at->event->time_ms, id,
                     tree_int(at->data, "version"));
}

/* An orphan that has found its way home shows in the effects of a member. */
static enum fault member_orphans(const struct at *at)
{
    const json_t *effects = tree_get(at->data, "effects");
    struct open_object any;
    bool found;
    enum fault fault = object_next(at->watch, at->txn, ALERT_ORPHAN, "", &any, &found);
    for (size_t i = 0; fault == OK && found && i < json_array_size(effects); i++) {
        char object[ITEM_BYTES];
        const char *key = strchr(tree_text(json_array_get(effects, i), "key"), ':');
        if (key) { /* refund:<charge>:<amount>, dispute:<dispute>:closed */
            snprintf(object, sizeof object, "%.*s", (int)strcspn(key + 1, ":"), key + 1);
            fault = item_close(at->watch, at->txn, ALERT_ORPHAN, object);
        }
    }
    return fault;
}

static enum fault on_member(const struct at *at)
{
    const char *id = tree_text(at->data, "id");
    if (!*id) {
        return OK;
    }
    enum fault fault = member_merged(at, id);
    fault = fault == OK ? member_pending(at, id) : fault;
    fault = fault == OK ? member_orphans(at) : fault;
    fault = fault == OK ? member_tickets(at) : fault;
    if (fault == OK && tree_flag(at->data, "identity_conflict")) {
        fault = item_open(at->watch, at->txn, ALERT_IDENTITY, id, id, at->event->time_ms, id, 0);
    } else if (fault == OK) {
        fault = item_close(at->watch, at->txn, ALERT_IDENTITY, id);
    }
    return fault;
}

/* member.due: {"orphan":"ch_1"}, with "linked" when it has found its payment. */
static enum fault on_due(const struct at *at)
{
    const char *orphan = tree_text(at->data, "orphan");
    if (!*orphan) {
        return OK;
    }
    if (tree_flag(at->data, "linked")) {
        return item_close(at->watch, at->txn, ALERT_ORPHAN, orphan);
    }
    return item_open(at->watch, at->txn, ALERT_ORPHAN, orphan, orphan, at->event->time_ms, orphan,
                     0);
}

/* payment.linked: a charge or dispute found its payment. */
static enum fault on_linked(const struct at *at)
{
    const json_t *facts = tree_get(at->data, "facts");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < json_array_size(facts); i++) {
        const json_t *fact = json_array_get(facts, i);
        if (strcmp(tree_text(fact, "kind"), "link") == 0) {
            fault = item_close(at->watch, at->txn, ALERT_ORPHAN, tree_text(fact, "key"));
            fault = fault == OK
                        ? item_close(at->watch, at->txn, ALERT_ORPHAN, tree_text(fact, "object"))
                        : fault;
        }
    }
    return fault;
}

/* The CRM shows a version of a member: how long did that take? */
static enum fault crm_synced(const struct at *at, const char *member)
{
    json_t *open = NULL;
    enum fault fault = item_load(at->watch, at->txn, ALERT_CRM_BEHIND, member, &open);
    int64_t latency_ms = at->event->time_ms - tree_int(open, "since");
    if (fault == OK && open && tree_int(at->data, "version") >= tree_int(open, "version")) {
        fault = item_close(at->watch, at->txn, ALERT_CRM_BEHIND, member);
        if (fault == OK) {
            fault = window_add(at->watch, at->txn, ALERT_SYNC_LATENCY, at->event->time_ms,
                               at->event->seq, latency_ms > 0 ? latency_ms : 0,
                               WATCH_LATENCY_WINDOW_MS);
        }
    }
    if (fault == OK) {
        fault = store_put(at->txn, marks(at), text_slice(member), (struct slice){"", 0});
    }
    json_decref(open);
    return fault;
}

/* Not to be shown any more. A version that a newer one took the place of changes nothing: the newer
 * one is still to be shown. */
static enum fault crm_given_up(const struct at *at, const char *member)
{
    json_t *open = NULL;
    enum fault fault = item_load(at->watch, at->txn, ALERT_CRM_BEHIND, member, &open);
    if (fault == OK && open && tree_int(at->data, "version") >= tree_int(open, "version")) {
        fault = item_close(at->watch, at->txn, ALERT_CRM_BEHIND, member);
    }
    json_decref(open);
    return fault;
}

/* --- mails ------------------------------------------------------------------------------------ */

static enum fault mail_counted(const struct at *at, int64_t bounced)
{
    return window_add(at->watch, at->txn, ALERT_BOUNCES, at->event->time_ms, at->event->seq,
                      bounced, WATCH_BOUNCE_WINDOW_MS);
}

/* A mail that comes later is no bounce: the provider goes on trying. */
static enum fault on_bounced(const struct at *at)
{
    const json_t *facts = tree_get(at->data, "facts");
    for (size_t i = 0; i < json_array_size(facts); i++) {
        if (strcmp(tree_text(json_array_get(facts, i), "status"), "hard") == 0) {
            return mail_counted(at, 1);
        }
    }
    return OK;
}

/* --- jobs and targets ------------------------------------------------------------------------- */

/* One alert for a cause: who could not do it, and what was said. */
static void cause_of(const struct at *at, const char *actor,
                     char object[WATCH_OBJECT_BYTES_MAX + 1])
{
    const char *error = tree_text(at->data, "error");
    if (strcmp(actor, "alert") == 0) { /* whatever the hooks say: no alert about each alert */
        error = "hooks";
    }
    snprintf(object, WATCH_OBJECT_BYTES_MAX + 1, "%.40s: %.100s", actor, *error ? error : "dead");
}

static enum fault on_job(const struct at *at)
{
    enum fault settled = ticket_job(at);
    if (settled != OK) {
        return settled;
    }
    const char *actor = tree_text(at->data, "actor");
    const char *key = tree_text(at->data, "key");
    const char *type = at->event->type;
    bool crm = strcmp(actor, "crm") == 0 && starts(key, "crm:mem_");
    char item[ITEM_BYTES];
    char object[WATCH_OBJECT_BYTES_MAX + 1];
    char text[WATCH_TEXT_BYTES];
    snprintf(item, sizeof item, "%.40s %.400s", actor, key);
    enum fault fault;
    if (strcmp(type, "job.dead") == 0) {
        cause_of(at, actor, object);
        snprintf(text, sizeof text, "%.40s %.300s (%.200s)", actor, key,
                 tree_text(at->data, "error"));
        fault = item_open(at->watch, at->txn, ALERT_DEAD_LETTER, object, item, at->event->time_ms,
                          text, 0);
        if (fault == OK && crm) { /* one alert is enough */
            fault = item_close(at->watch, at->txn, ALERT_CRM_BEHIND, key + 4);
        }
        return fault;
    }
    fault = item_close(at->watch, at->txn, ALERT_DEAD_LETTER, item);
    if (fault == OK && strcmp(actor, "mailer") == 0 && strcmp(type, "job.done") == 0) {
        fault = mail_counted(at, 0);
    }
    if (fault == OK && crm && strcmp(type, "job.done") == 0) {
        fault = crm_synced(at, key + 4);
    } else if (fault == OK && crm &&
               (strcmp(type, "job.skipped") == 0 || strcmp(type, "job.superseded") == 0)) {
        fault = crm_given_up(at, key + 4);
    }
    return fault;
}

static enum fault on_target(const struct at *at)
{
    char object[WATCH_OBJECT_BYTES_MAX + 1];
    char text[WATCH_TEXT_BYTES];
    const char *error = tree_text(at->data, "error");
    snprintf(object, sizeof object, "%.60s/%.90s", tree_text(at->data, "actor"),
             tree_text(at->data, "target"));
    if (strcmp(at->event->type, "target.accepted") == 0) {
        return item_close(at->watch, at->txn, ALERT_KEY_REFUSED, object);
    }
    snprintf(text, sizeof text, "%s%s%.300s", object, *error ? ": " : "", error);
    return item_open(at->watch, at->txn, ALERT_KEY_REFUSED, object, object, at->event->time_ms,
                     text, 0);
}

/* A person's word comes before the actor's own: retried and skipped jobs no longer wait. */
static enum fault on_decision(const struct at *at)
{
    char item[ITEM_BYTES];
    snprintf(item, sizeof item, "%.40s %.400s", tree_text(at->data, "actor"),
             tree_text(at->data, "key"));
    return item_close(at->watch, at->txn, ALERT_DEAD_LETTER, item);
}

/* --- the rest --------------------------------------------------------------------------------- */

static enum fault on_refused(const struct at *at)
{
    int64_t count = tree_int(at->data, "signatures") + tree_int(at->data, "own");
    if (count <= 0) {
        return OK;
    }
    return window_add(at->watch, at->txn, ALERT_WEBHOOK_FAILURES, at->event->time_ms,
                      at->event->seq, count, WATCH_REFUSED_MS);
}

/* Our own word, read back: a store made anew learns from it what was told. */
static enum fault on_told(const struct at *at)
{
    enum alert_rule rule = alert_rule_of(tree_text(at->data, "rule"));
    const char *object = tree_text(at->data, "object");
    bool raised = strcmp(at->event->type, "alert.raised") == 0;
    json_t *told = NULL;
    if (rule == ALERT_RULES) {
        return OK;
    }
    enum fault fault = told_load(at->watch, at->txn, rule, object, &told);
    int64_t known = tree_int(told, "n");
    int64_t n = tree_int(at->data, "n");
    bool newer = n > known || (n == known && !raised);
    if (fault == OK && newer) {
        json_t *tree = json_deep_copy(at->data);
        tree_set_text(tree, "state", raised ? "raised" : "cleared");
        fault = told_save(at->watch, at->txn, rule, object, tree);
        json_decref(tree);
    }
    json_decref(told);
    return fault;
}

/* What the payment provider says. Only that it was heard counts here. */
static bool is_heard(const char *type)
{
    static const char *const families[] = {"payment.", "subscription.", "customer.",
                                           "dispute.", "provider.",     NULL};
    for (const char *const *family = families; *family; family++) {
        if (starts(type, *family)) {
            return true;
        }
    }
    return false;
}

bool watch_reads(const char *type)
{
    return !is_heard(type) || strcmp(type, "payment.linked") == 0;
}

static enum fault on_event(const struct at *at)
{
    const char *type = at->event->type;
    if (strcmp(type, "member.due") == 0) {
        return on_due(at);
    }
    if (starts(type, "member.")) {
        return on_member(at);
    }
    if (starts(type, "job.")) {
        return on_job(at);
    }
    if (starts(type, "target.")) {
        return on_target(at);
    }
    if (strcmp(type, "admin.retried") == 0 || strcmp(type, "admin.skipped") == 0) {
        return on_decision(at);
    }
    if (strcmp(type, "webhook.refused") == 0) {
        return on_refused(at);
    }
    if (strcmp(type, "payment.linked") == 0) {
        return on_linked(at);
    }
    if (strcmp(type, "mail.bounced") == 0) {
        return on_bounced(at);
    }
    if (strcmp(type, "ticket.opened") == 0 || strcmp(type, "ticket.closed") == 0) {
        return on_ticket(at);
    }
    return starts(type, "alert.") ? on_told(at) : OK;
}

enum fault watch_event(const struct watch *watch, struct store_txn *txn, const struct event *event,
                       const json_t *data)
{
    struct at at = {watch, txn, event, data};
    enum fault fault = heard_save(watch, txn, event->time_ms, !is_heard(event->type));
    return fault == OK ? on_event(&at) : fault;
}
