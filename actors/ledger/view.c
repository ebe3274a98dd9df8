#include "view.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>

static void orphan_deadline(void *self, const struct row *row)
{
    view_deadline(self, row->seen_ms + ORPHAN_MS);
}

struct view *view_new(const struct factset *facts, const struct rules *rules)
{
    struct view *view = must_calloc(1, sizeof *view);
    view->facts = facts;
    view->rules = rules;
    view->now_ms = factset_now(facts);
    weave(view);
    people_records(view);
    items_order(view);
    money_attach(view);
    people_members(view);
    items_evaluate(view);
    members_evaluate(view);
    view_orphans(view, orphan_deadline, view);
    return view;
}

void view_destroy(struct view **view)
{
    if (*view) {
        arena_fini(&(*view)->arena);
        free(*view);
        *view = NULL;
    }
}

struct member *view_member_named(const struct view *view, const char *record)
{
    for (size_t i = 0; i < view->record_count; i++) {
        if (strcmp(view->records[i].id, record) == 0) {
            return view->records[i].member;
        }
    }
    return NULL;
}

static struct member *member_of_money(const struct view *view, const struct node *node)
{
    const struct payment *payment = NULL;
    for (size_t i = 0; !payment && i < view->charge_count; i++) {
        const struct row *row = view->charges[i].row;
        payment = strcmp(row->key, node->id) == 0 ? view->charges[i].payment : NULL;
    }
    for (size_t i = 0; !payment && i < view->dispute_count; i++) {
        const struct row *row = view->disputes[i].row;
        payment = strcmp(row->key, node->id) == 0 ? view->disputes[i].payment : NULL;
    }
    return payment ? payment->item->member : NULL;
}

/* What belongs to a member by its address alone; NULL if it is something else. */
static const char *address_of(const struct view *view, const char *source, const char *object)
{
    const struct row *ticket = factset_find(view->facts, ROW_TICKET, source, object);
    for (size_t i = 0; !ticket && i < view->facts->count; i++) {
        const struct row *row = &view->facts->rows[i];
        if (row->kind == ROW_BOUNCE && strcmp(row->source, source) == 0 &&
            strcmp(row->key, object) == 0) {
            return row->other;
        }
    }
    return ticket ? ticket->email : NULL;
}

struct member *view_member_of(const struct view *view, const char *source, const char *object)
{
    struct node *node = weave_node(view, source, object);
    if (!node) {
        return NULL;
    }
    if (node->record) {
        return node->record->member;
    }
    if (node->item) {
        return node->item->member;
    }
    const char *email = address_of(view, source, object);
    if (email) {
        return (struct member *)addressed_member(view, email);
    }
    const struct payment *payment = weave_payment(view, node);
    struct node *root = weave_root(view, node);
    struct member *member = payment ? payment->item->member : member_of_money(view, node);
    return member ? member : root->crowd.count ? root->crowd.records[0]->member : NULL;
}
