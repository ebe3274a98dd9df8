/* member.c - state, access and reason of a member; its document. */
#include "view.h"

#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

/* --- what persons said ------------------------------------------------------------------------ */

static bool is_of(const struct member *member, const char *record)
{
    for (size_t i = 0; i < member->record_count; i++) {
        if (strcmp(member->records[i]->id, record) == 0) {
            return true;
        }
    }
    return false;
}

static void read_acts(struct view *view, struct member *member)
{
    const struct row *newest_revoke = NULL;
    for (size_t i = 0; i < view->facts->count; i++) {
        const struct row *row = &view->facts->rows[i];
        if ((row->kind != ROW_GRANT && row->kind != ROW_REVOKE) || !is_of(member, row->other)) {
            continue;
        }
        if (row->kind == ROW_REVOKE) {
            if (!newest_revoke || row->at_ms >= newest_revoke->at_ms) {
                newest_revoke = row;
            }
        } else if (row->until_ms == 0 || row->until_ms > view->now_ms) {
            if (!member->grant || row->at_ms >= member->grant->at_ms) {
                member->grant = row;
            }
            view_deadline(view, row->until_ms);
        }
    }
    member->revoke = newest_revoke && !newest_revoke->final ? newest_revoke : NULL;
}

/* --- whose state it is ------------------------------------------------------------------------ */

/* With access: active before ending before trialing. Without: paused (it can go on) before the
 * rest, of which the latest counts. */
static bool is_better(const struct item *a, const struct item *b)
{
    if (a->access || b->access || a->state == STATE_PAUSED || b->state == STATE_PAUSED ||
        a->state == STATE_NONE || b->state == STATE_NONE) {
        if (a->state != b->state) {
            return a->state > b->state;
        }
    }
    if (a->changed_ms != b->changed_ms) {
        return a->changed_ms > b->changed_ms;
    }
    return strcmp(a->key, b->key) < 0;
}

/* A purchase that failed and was tried again as another one, which was paid, counts no more. */
static void drop_tried_again(struct view *view, const struct member *member)
{
    for (size_t i = 0; i < member->item_count; i++) {
        struct item *item = member->items[i];
        const struct payment *failed = item->newest;
        for (size_t j = 0; failed && !item->first_paid && !item->over && j < member->item_count;
             j++) {
            const struct payment *paid = member->items[j]->first_paid;
            if (paid && paid->paid_ms >= failed->failed_ms) {
                item->over = true;
                item->state = STATE_NONE;
                item->access = false;
                item->changed_ms = 0;
                item->reason = arena_printf(&view->arena, "%s failed, another purchase was paid",
                                            payment_words(view, failed));
            }
        }
    }
}

static void choose_face(struct member *member)
{
    for (size_t i = 0; i < member->record_count; i++) {
        const struct record *record = member->records[i];
        const struct record *face = member->face;
        if (!face || record->email_rank > face->email_rank ||
            (record->email_rank == face->email_rank && record->email_ms > face->email_ms)) {
            member->face = record;
        }
    }
}

static void evaluate(struct view *view, struct member *member)
{
    read_acts(view, member);
    drop_tried_again(view, member);
    for (size_t i = 0; i < member->item_count; i++) {
        const struct item *item = member->items[i];
        if (!member->best || is_better(item, member->best)) {
            member->best = item;
        }
        for (size_t p = 0; p < item->payment_count; p++) {
            const struct payment *payment = item->payments[p], *last = member->last_paid;
            if (payment->paid &&
                (!last || payment->paid_ms > last->paid_ms ||
                 (payment->paid_ms == last->paid_ms && strcmp(payment->key, last->key) > 0))) {
                member->last_paid = payment;
            }
        }
    }
    choose_face(member);
    const struct item *best = member->best;
    member->state = best ? best->state : STATE_NONE;
    member->reason = best ? best->reason : "no payment seen";
    member->until_ms = best ? best->until_ms : 0;
    if (member->revoke) {
        member->state = STATE_REVOKED;
        member->reason = arena_printf(&view->arena, "revoked by %s (%s)", member->revoke->name,
                                      member->revoke->key);
        member->until_ms = 0;
    } else if (member->grant && member->state < STATE_TRIALING) {
        member->state = STATE_ACTIVE;
        member->reason = arena_printf(&view->arena, "granted by %s (%s)", member->grant->name,
                                      member->grant->key);
        member->until_ms = member->grant->until_ms;
    }
    member->access = member->state >= STATE_TRIALING;
}

void members_evaluate(struct view *view)
{
    for (size_t i = 0; i < view->member_count; i++) {
        evaluate(view, &view->members[i]);
    }
}

/* --- the document ----------------------------------------------------------------------------- */

static void add_tag(json_t *tags, const struct rules *rules, enum rule_id id)
{
    const char *tag = rules->rule[id].tag;
    for (size_t i = 0; i < json_array_size(tags); i++) {
        if (strcmp(json_string_value(json_array_get(tags, i)), tag) == 0) {
            return;
        }
    }
    if (*tag) {
        MUST(json_array_append_new(tags, json_string(tag)) == 0);
    }
}

const struct member *addressed_member(const struct view *view, const char *email)
{
    const struct member *found = NULL;
    for (size_t i = 0; *email && i < view->record_count; i++) {
        const struct record *record = &view->records[i];
        if (strcmp(record->email, email) == 0 &&
            (!found || (record->member->access && !found->access))) {
            found = record->member;
        }
    }
    return found;
}

static bool has_open_ticket(const struct view *view, const struct member *member)
{
    for (size_t i = 0; i < view->facts->count; i++) {
        const struct row *row = &view->facts->rows[i];
        if (row->kind == ROW_TICKET && strcmp(row->status, "closed") != 0 &&
            addressed_member(view, row->email) == member) {
            return true;
        }
    }
    return false;
}

static json_t *tags_of(const struct view *view, const struct member *member)
{
    const struct rules *rules = view->rules;
    json_t *tags = json_array();
    if (member->access) {
        add_tag(tags, rules, member->state == STATE_TRIALING ? RULE_TRIAL : RULE_FIRST_ACCESS);
    }
    if (member->state == STATE_ENDED) {
        add_tag(tags, rules, RULE_OVER);
    }
    for (size_t i = 0; i < member->item_count; i++) {
        const struct item *item = member->items[i];
        bool shown = item == member->best;
        bool failed = item->newest && item->newest->failed && !item->over;
        if (failed || (shown && item->state == STATE_PAUSED)) {
            add_tag(tags, rules, RULE_PAYMENT_FAILED);
        }
        const struct payment *paid = item->newest_paid;
        if (paid && paid->disputed &&
            (strcmp(paid->disputed->row->status, "open") == 0 ||
             (shown && item->state == STATE_REVOKED))) {
            add_tag(tags, rules, RULE_DISPUTE_OPENED);
        } else if (shown && item->state == STATE_REVOKED) {
            add_tag(tags, rules, RULE_REFUNDED);
        }
        bool ends = item->access && item->subscription && item->subscription->ends_ms;
        if (ends && shown) {
            add_tag(tags, rules, RULE_ENDING);
        }
    }
    if (has_open_ticket(view, member)) {
        add_tag(tags, rules, RULE_TICKET);
    }
    return tags;
}

static json_t *all_tags(const struct rules *rules)
{
    json_t *tags = json_array();
    for (int i = 0; i < RULE_COUNT; i++) {
        add_tag(tags, rules, (enum rule_id)i);
    }
    return tags;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *customers_of(const struct member *member)
{
    const char **ids = must_calloc(member->record_count, sizeof *ids);
    size_t count = 0;
    for (size_t i = 0; i < member->record_count; i++) {
        if (*member->records[i]->customer) {
            ids[count++] = member->records[i]->customer;
        }
    }
    qsort(ids, count, sizeof *ids, compare_texts);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        MUST(json_array_append_new(list, json_string(ids[i])) == 0);
    }
    free(ids);
    return list;
}

static void set_text(json_t *document, const char *key, const char *text)
{
    json_t *value = json_string(text);
    tree_set(document, key, value ? value : json_string("")); /* not UTF-8: not shown */
}

static void set_payment(json_t *document, const struct payment *paid)
{
    json_t *last = json_object();
    tree_set_int(document, "last_payment_at", paid ? paid->paid_ms : 0);
    if (paid) {
        tree_set_int(last, "amount", paid->amount);
        tree_set_text(last, "currency", paid->currency);
        tree_set_text(last, "object", paid->key);
    }
    tree_set(document, "last_payment", last);
}

json_t *member_document(const struct view *view, const struct member *member)
{
    json_t *document = json_object(), *aliases = json_array();
    const char *app_user = "", *name = member->face->name;
    for (size_t i = 0; i < member->record_count; i++) {
        const struct record *record = member->records[i];
        MUST(json_array_append_new(aliases, json_string(record->id)) == 0);
        app_user = *app_user ? app_user : record->app_user;
        name = *name ? name : record->name;
    }
    set_text(document, "id", member->id);
    tree_set(document, "aliases", aliases);
    set_text(document, "state", state_name(member->state));
    tree_set_flag(document, "access", member->access);
    set_text(document, "reason", member->reason);
    set_text(document, "email", member->face->email);
    set_text(document, "name", name);
    set_text(document, "app_user", app_user);
    set_text(document, "source", member->face->source);
    tree_set(document, "customers", customers_of(member));
    tree_set(document, "tags", tags_of(view, member));
    tree_set(document, "all_tags", all_tags(view->rules));
    tree_set_int(document, "until", member->until_ms);
    set_payment(document, member->last_paid);
    if (member->conflict) {
        tree_set_flag(document, "identity_conflict", true);
    }
    tree_set(document, "effects", member_effects(view, member));
    return document;
}
