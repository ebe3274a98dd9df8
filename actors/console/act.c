#include "act.h"

#include "clock.h"
#include "logs.h"
#include "must.h"
#include "reply.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = 12 };

struct planned {
    struct event event;
    json_t *data;
};

struct act {
    struct act *next;
    struct visit visit;
    uint64_t ticket;
    int64_t deadline_ms;
    char last[EVENT_ID_BYTES_MAX + 1];
    struct planned *planned;
    size_t count, room;
    json_t *answer;
};

static struct act *act_new(const struct visit *visit)
{
    struct act *act = must_calloc(1, sizeof *act);
    act->visit = *visit;
    act->visit.body = NULL;
    act->ticket = web_ticket(visit->request);
    return act;
}

struct act *act_begin(const struct visit *visit)
{
    struct actor *actor = visit->console->actor;
    if (!client_is_up(actor_client(actor))) {
        reply_problem(visit, 503, "the fleet is not reachable",
                      "Nothing was done. Try again when the fleet is back.");
        return NULL;
    }
    if (actor_rebuilding(actor)) {
        reply_problem(visit, 503, "the console is being rebuilt",
                      "Nothing was done. Try again when it has caught up.");
        return NULL;
    }
    return act_new(visit);
}

void act_add(struct act *act, const char *type, const char *member, const char *cause,
             const char *trace, json_t *data)
{
    uint8_t dice[ID_BYTES];
    char hex[2 * ID_BYTES + 1];
    MUST(act->count < ACT_EVENTS_MAX);
    if (act->count == act->room) {
        act->room = act->room ? 2 * act->room : 1;
        act->planned = must_realloc(act->planned, act->room * sizeof *act->planned);
    }
    struct planned *planned = &act->planned[act->count++];
    *planned = (struct planned){.data = data};
    struct event *event = &planned->event;
    random_bytes(dice, sizeof dice);
    hex_encode(dice, sizeof dice, hex);
    snprintf(event->id, sizeof event->id, "console:%s", hex);
    EVENT_SET(event->type, type);
    EVENT_SET(event->subject, member);
    EVENT_SET(event->cause, cause);
    EVENT_SET(event->trace, *trace ? trace : event->id);
    EVENT_SET(event->who, act->visit.identity.name);
    event->time_ms = clock_wall_ms();
    event->version = EVENT_VERSION;
    EVENT_SET(act->last, event->id);
}

static enum fault emit(void *self, struct store_txn *txn)
{
    struct act *act = self;
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < act->count; i++) {
        fault = actor_emit(act->visit.console->actor, txn, &act->planned[i].event,
                           act->planned[i].data);
    }
    return fault;
}

static void forget_planned(struct act *act)
{
    for (size_t i = 0; i < act->count; i++) {
        json_decref(act->planned[i].data);
    }
    free(act->planned);
    act->planned = NULL;
    act->count = act->room = 0;
}

enum fault act_commit(struct act *act)
{
    enum fault fault = actor_change(act->visit.console->actor, emit, act);
    forget_planned(act);
    return fault;
}

void act_drop(struct act **out)
{
    struct act *act = *out;
    if (act) {
        forget_planned(act);
        json_decref(act->answer);
        free(act);
        *out = NULL;
    }
}

void act_answer(struct act **out, json_t *answer)
{
    struct act *act = *out;
    *out = NULL;
    tree_set_text(answer, "event", act->last);
    act->answer = answer;
    act->deadline_ms = clock_mono_ms() + ACT_WAIT_MS;
    act->next = act->visit.console->acts;
    act->visit.console->acts = act;
}

struct act *act_announce(const struct visit *visit, const char *type, const char *member,
                         json_t *data)
{
    struct act *act = act_begin(visit);
    if (!act) {
        json_decref(data);
        return NULL;
    }
    act_add(act, type, member, "", "", data);
    enum fault fault = act_commit(act);
    if (fault != OK) {
        reply_fault(visit, fault);
        act_drop(&act);
    }
    return act;
}

void act_finish(struct act **out, enum fault fault, json_t *answer)
{
    if (fault == OK) {
        act_answer(out, answer);
    } else {
        json_decref(answer);
        reply_fault(&(*out)->visit, fault);
        act_drop(out);
    }
}

void act_simple(const struct visit *visit, const char *type, const char *member, json_t *data)
{
    struct act *act = act_announce(visit, type, member, data);
    if (act) {
        act_finish(&act, OK, json_object());
    }
}

void act_quietly(const struct visit *visit, const char *type, json_t *data)
{
    struct act *act = act_new(visit);
    act_add(act, type, "", "", "", data);
    enum fault fault = act_commit(act);
    if (fault != OK) { /* the store is full: what was done stands, and the log says so */
        logs_write(LOGS_ERROR, "an act could not be told", "type", type, "fault", fault_name(fault),
                   NULL);
    }
    act_drop(&act);
}

/* Takes it out of the list and answers. */
static void settle(struct act **link)
{
    struct act *act = *link;
    *link = act->next;
    act->visit.request = web_find(act->visit.console->web, act->ticket);
    if (act->visit.request) {
        reply_json(&act->visit, 200, act->answer);
        act->answer = NULL;
    }
    act_drop(&act);
}

void acts_seen(struct console *console, const char *id)
{
    for (struct act **link = &console->acts; *link;) {
        if (strcmp((*link)->last, id) == 0) {
            settle(link);
        } else {
            link = &(*link)->next;
        }
    }
}

void acts_sweep(struct console *console, int64_t now_ms)
{
    for (struct act **link = &console->acts; *link;) {
        if ((*link)->deadline_ms <= now_ms) {
            tree_set_flag((*link)->answer, "pending", true); /* on disk, and on its way */
            settle(link);
        } else {
            link = &(*link)->next;
        }
    }
}

void acts_fini(struct console *console)
{
    while (console->acts) {
        struct act *act = console->acts;
        console->acts = act->next;
        act_drop(&act);
    }
}

const char *act_reason(const struct visit *visit)
{
    const char *reason = tree_text(visit->body, "reason");
    const char *start = reason + strspn(reason, " \t\r\n");
    if (!*start) {
        reply_problem(visit, 400, "a reason is needed", "It is kept with what you do.");
        return NULL;
    }
    if (strlen(reason) > ACT_REASON_BYTES_MAX) {
        reply_problem(visit, 400, "the reason is too long", "At most 500 bytes.");
        return NULL;
    }
    return start;
}
