/* effects.c - the effects that hold: a level of the facts, not an edge. Any order of the same
 * events gives the same set; who carries them out makes a job for each key not seen before. */
#include "view.h"

#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

struct effects {
    const struct view *view;
    const struct member *member;
    json_t *list;
};

struct effect {
    enum rule_id rule;
    const char *to;
    const char *kind;
    const char *key;
    int64_t at_ms;
    const struct item *item; /* whose record's address it goes to; NULL: the member's */
    bool urgent;
};

static const struct record *addressee(const struct effects *effects, const struct item *item)
{
    for (size_t i = 0; item && i < item->crowd.count; i++) {
        if (*item->crowd.records[i]->email) {
            return item->crowd.records[i];
        }
    }
    return effects->member->face;
}

/* Takes the data. A mail holds only once an address is known: events come in any order. */
static void add(struct effects *effects, const struct effect *effect, json_t *data)
{
    const struct record *record = addressee(effects, effect->item);
    bool mail = strcmp(effect->to, "mailer") == 0;
    if (mail && !*record->email) {
        json_decref(data);
        return;
    }
    json_t *tree = json_object(), *name = json_string(record->name);
    tree_set_text(tree, "key", effect->key);
    tree_set_text(tree, "to", effect->to);
    tree_set_text(tree, "kind", effect->kind);
    tree_set_int(tree, "settle_ms", mail ? effects->view->rules->rule[effect->rule].settle_ms : 0);
    tree_set_int(tree, "at", effect->at_ms);
    tree_set_text(tree, "rule", effects->view->rules->rule[effect->rule].name);
    tree_set_text(tree, "email", record->email);
    if (name) {
        tree_set(tree, "name", name);
    }
    if (effect->urgent) {
        tree_set_flag(tree, "urgent", true);
    }
    tree_set(tree, "data", data);
    MUST(json_array_append_new(effects->list, tree) == 0);
}

static json_t *money(int64_t amount, const char *currency, const char *object)
{
    json_t *data = json_object();
    tree_set_int(data, "amount", amount);
    tree_set_text(data, "currency", currency);
    tree_set_text(data, "object", object);
    return data;
}

static json_t *payment_data(const struct payment *payment)
{
    json_t *data =
        money(payment->paid ? payment->amount : payment->due, payment->currency, payment->key);
    tree_set_text(data, "subscription", payment->subscription);
    tree_set_int(data, "until", payment->until_ms);
    if (!payment->paid) {
        tree_set_int(data, "attempt", payment->attempt);
        tree_set_flag(data, "final", payment->final);
    }
    return data;
}

/* --- mails ------------------------------------------------------------------------------------ */

/* Another item gave access at that time. */
static bool other_alive(const struct member *member, const struct item *but, int64_t at_ms)
{
    for (size_t i = 0; i < member->item_count; i++) {
        const struct item *item = member->items[i];
        if (item != but && item->start_ms < at_ms && item->lost_ms > at_ms) {
            return true;
        }
    }
    return false;
}

static bool other_lost(const struct member *member, const struct item *but, int64_t at_ms)
{
    for (size_t i = 0; i < member->item_count; i++) {
        const struct item *item = member->items[i];
        if (item != but && item->start_ms <= at_ms && item->lost_ms <= at_ms) {
            return true;
        }
    }
    return false;
}

static const struct payment *first_paid(const struct member *member)
{
    const struct payment *first = NULL;
    for (size_t i = 0; i < member->item_count; i++) {
        const struct payment *payment = member->items[i]->first_paid;
        if (payment &&
            (!first || payment->paid_ms < first->paid_ms ||
             (payment->paid_ms == first->paid_ms && strcmp(payment->key, first->key) < 0))) {
            first = payment;
        }
    }
    return first;
}

bool payment_is_return(const struct view *view, const struct member *member,
                       const struct payment *payment)
{
    const struct item *item = payment->item;
    int64_t at_ms = payment->paid_ms;
    if (!payment->paid || payment == first_paid(member) || other_alive(member, item, at_ms)) {
        return false;
    }
    bool had_failed = payment->failed_ms && payment->failed_ms + view->rules->grace_ms <= at_ms;
    return had_failed || (payment == item->first_paid && other_lost(member, item, at_ms));
}

static bool any_return(const struct view *view, const struct member *member)
{
    for (size_t i = 0; i < member->item_count; i++) {
        for (size_t p = 0; p < member->items[i]->payment_count; p++) {
            if (payment_is_return(view, member, member->items[i]->payments[p])) {
                return true;
            }
        }
    }
    return false;
}

/* Welcome while an item gives access, until there was a loss; from then on, welcome back. */
static void add_welcomes(struct effects *effects, struct arena *arena)
{
    const struct view *view = effects->view;
    const struct member *member = effects->member;
    const struct item *best = member->best;
    if (member->revoke || !best || !best->access) {
        return;
    }
    enum rule_id rule = best->state == STATE_TRIALING ? RULE_TRIAL : RULE_FIRST_ACCESS;
    if (view->rules->rule[rule].mail && !any_return(view, member)) {
        const struct payment *first = first_paid(member);
        json_t *data = first ? payment_data(first) : money(0, "", best->key);
        tree_set_flag(data, "trial", rule == RULE_TRIAL);
        struct effect welcome = {rule,
                                 "mailer",
                                 "welcome",
                                 arena_printf(arena, "welcome:%s", member->id),
                                 first ? first->paid_ms : best->changed_ms,
                                 first ? first->item : best,
                                 false};
        add(effects, &welcome, data);
    }
    for (size_t i = 0; view->rules->rule[RULE_BACK].mail && i < member->item_count; i++) {
        const struct item *item = member->items[i];
        const struct payment *paid = item->newest_paid;
        if (item->access && paid && payment_is_return(view, member, paid)) {
            struct effect back = {
                RULE_BACK,     "mailer", "back", arena_printf(arena, "back:%s", paid->key),
                paid->paid_ms, item,     false};
            add(effects, &back, payment_data(paid));
        }
    }
}

static void add_cards(struct effects *effects, struct arena *arena)
{
    const struct rule *rule = &effects->view->rules->rule[RULE_PAYMENT_FAILED];
    for (size_t i = 0; i < effects->member->item_count; i++) {
        const struct item *item = effects->member->items[i];
        for (size_t p = 0; !item->over && p < item->payment_count; p++) {
            const struct payment *payment = item->payments[p];
            if (!payment->failed) {
                continue;
            }
            struct effect card = {RULE_PAYMENT_FAILED,
                                  "mailer",
                                  "card",
                                  arena_printf(arena, "card:%s", payment->key),
                                  payment->last_failed_ms,
                                  item,
                                  false};
            if (rule->mail) {
                add(effects, &card, payment_data(payment));
            }
            card.to = "alert";
            card.kind = "payment_failed";
            if (rule->alert) {
                add(effects, &card, payment_data(payment));
            }
        }
    }
}

/* Of several subscriptions that are over, only the one that ended last says goodbye. */
static void add_goodbye(struct effects *effects, struct arena *arena)
{
    const struct item *last = NULL;
    int64_t last_ms = 0;
    for (size_t i = 0; i < effects->member->item_count; i++) {
        const struct item *item = effects->member->items[i];
        if (!item->subscription || strcmp(item->subscription->status, "canceled") != 0) {
            continue;
        }
        const struct row *row = item->subscription;
        int64_t ended_ms = row->ended_ms ? row->ended_ms : row->at_ms;
        if (!last || ended_ms > last_ms ||
            (ended_ms == last_ms && strcmp(item->key, last->key) > 0)) {
            last = item;
            last_ms = ended_ms;
        }
    }
    if (!last || effects->member->access || !effects->view->rules->rule[RULE_OVER].mail) {
        return;
    }
    struct effect goodbye = {
        RULE_OVER, "mailer", "goodbye", arena_printf(arena, "goodbye:%s", last->key),
        last_ms,   last,     false};
    json_t *data = json_object();
    tree_set_text(data, "object", last->key);
    tree_set_text(data, "subscription", last->key);
    add(effects, &goodbye, data);
}

/* --- notes ------------------------------------------------------------------------------------ */

static void add_refunds(struct effects *effects, struct arena *arena)
{
    for (size_t i = 0; i < effects->view->charge_count; i++) {
        const struct charge *charge = &effects->view->charges[i];
        const struct row *row = charge->row;
        bool its = charge->payment && charge->payment->item->member == effects->member;
        enum rule_id rule = charge->full ? RULE_REFUNDED : RULE_PARTLY_REFUNDED;
        if (!its || charge->net == 0 || !effects->view->rules->rule[rule].support) {
            continue;
        }
        const char *key =
            charge->full ? arena_printf(arena, "refund:%s", row->key)
                         : arena_printf(arena, "refund:%s:%lld", row->key, (long long)charge->net);
        struct effect note = {rule, "support",  charge->full ? "refund" : "partial_refund",
                              key,  row->at_ms, charge->payment->item,
                              false};
        json_t *data = money(charge->net, row->currency, row->key);
        tree_set_int(data, "of", charge->of);
        tree_set_text(data, "payment", charge->payment->key);
        tree_set_text(data, "subscription", charge->payment->subscription);
        add(effects, &note, data);
    }
}

static void add_disputes(struct effects *effects, struct arena *arena)
{
    const struct rules *rules = effects->view->rules;
    for (size_t i = 0; i < effects->view->dispute_count; i++) {
        const struct dispute *dispute = &effects->view->disputes[i];
        const struct row *row = dispute->row;
        bool its = dispute->payment && dispute->payment->item->member == effects->member;
        if (!its || strcmp(row->status, "inquiry") == 0) {
            continue;
        }
        bool open = strcmp(row->status, "open") == 0;
        enum rule_id rule = open ? RULE_DISPUTE_OPENED : RULE_DISPUTE_CLOSED;
        struct effect note = {
            rule,
            "support",
            open ? "dispute" : "dispute_closed",
            arena_printf(arena, open ? "dispute:%s" : "dispute:%s:closed", row->key),
            row->at_ms,
            dispute->payment->item,
            rules->rule[rule].urgent};
        json_t *data = money(row->amount, row->currency, row->key);
        tree_set_text(data, "status", row->status);
        tree_set_text(data, "why", row->reason);
        tree_set_text(data, "payment", dispute->payment->key);
        tree_set_text(data, "subscription", dispute->payment->subscription);
        if (rules->rule[rule].support) {
            add(effects, &note, json_incref(data));
        }
        note.to = "alert";
        if (open && rules->rule[rule].alert) {
            add(effects, &note, json_incref(data));
        }
        json_decref(data);
    }
}

static void add_tickets(struct effects *effects, struct arena *arena)
{
    for (size_t i = 0; i < effects->view->facts->count; i++) {
        const struct row *row = &effects->view->facts->rows[i];
        if (row->kind != ROW_TICKET || strcmp(row->status, "closed") == 0 ||
            !effects->view->rules->rule[RULE_TICKET].support ||
            addressed_member(effects->view, row->email) != effects->member) {
            continue;
        }
        struct effect note = {
            RULE_TICKET, "support",
            "ticket",    arena_printf(arena, "ticket:%s:%s", row->source, row->key),
            row->at_ms,  NULL,
            false};
        json_t *data = json_object(), *subject = json_string(row->reason);
        tree_set_text(data, "object", row->key);
        tree_set_text(data, "ticket", row->key);
        tree_set_text(data, "desk", row->source);
        if (subject) {
            tree_set(data, "subject", subject);
        }
        add(effects, &note, data);
    }
}

/* --- together --------------------------------------------------------------------------------- */

static int compare_effects(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    int order = strcmp(tree_text(x, "key"), tree_text(y, "key"));
    return order ? order : strcmp(tree_text(x, "to"), tree_text(y, "to"));
}

static json_t *sorted(json_t *list)
{
    size_t count = json_array_size(list);
    json_t **array = must_calloc(count + 1, sizeof(json_t *)), *out = json_array();
    for (size_t i = 0; i < count; i++) {
        array[i] = json_array_get(list, i);
    }
    qsort(array, count, sizeof(json_t *), compare_effects);
    for (size_t i = 0; i < count; i++) {
        MUST(json_array_append(out, array[i]) == 0);
    }
    free(array);
    json_decref(list);
    return out;
}

json_t *member_effects(const struct view *view, const struct member *member)
{
    struct effects effects = {view, member, json_array()};
    struct arena arena = {0};
    add_welcomes(&effects, &arena);
    add_cards(&effects, &arena);
    add_goodbye(&effects, &arena);
    add_refunds(&effects, &arena);
    add_disputes(&effects, &arena);
    add_tickets(&effects, &arena);
    arena_fini(&arena);
    return sorted(effects.list);
}
