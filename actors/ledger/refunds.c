/* refunds.c - refunds and disputes, brought to the payments that they are about. */
#include "view.h"

#include <string.h>

/* The payment of an item that an unlinked refund or dispute is most likely about: the newest paid
 * one of the same amount, else the newest paid one, else the newest. What was paid with a charge of
 * another amount is not the refund's: it may be of something that nobody told us of. */
static struct payment *likely_payment(const struct item *item, const struct row *row,
                                      int64_t amount)
{
    struct payment *best = NULL;
    for (size_t i = item->payment_count; i-- > 0;) { /* in order, the newest last */
        struct payment *payment = item->payments[i];
        if (payment->paid && amount && payment->amount == amount) {
            return payment;
        }
        best = best ? best : payment;
    }
    bool other = row->kind == ROW_REFUND && amount && item->newest_paid;
    return other ? NULL : item->newest_paid ? item->newest_paid : best;
}

static struct payment *home_of(const struct view *view, const struct row *row, int64_t amount)
{
    struct node *node = weave_node(view, row->source, row->key);
    struct payment *payment = weave_payment(view, node);
    if (payment) {
        return payment;
    }
    struct node *customer = *row->customer ? weave_node(view, row->source, row->customer) : NULL;
    customer = customer ? customer : weave_root(view, node)->linked;
    bool sure = customer && customer->only_item && !customer->more_items;
    return sure ? likely_payment(customer->only_item, row, amount) : NULL;
}

/* What a refund's charge is: named, or the charge that its links lead to. */
static bool is_refund_of(const struct view *view, const struct row *state, const struct row *charge)
{
    if (strcmp(state->source, charge->source) != 0) {
        return false;
    }
    if (*state->object) {
        return strcmp(state->object, charge->key) == 0;
    }
    const struct node *a = weave_node(view, state->source, state->key);
    const struct node *b = weave_node(view, charge->source, charge->key);
    return weave_root(view, a) == weave_root(view, b);
}

static int64_t net_refund(const struct view *view, const struct row *charge)
{
    int64_t failed = 0, succeeded = 0;
    for (size_t i = 0; i < view->facts->count; i++) {
        const struct row *state = &view->facts->rows[i];
        if (state->kind != ROW_REFUND_STATE || !is_refund_of(view, state, charge)) {
            continue;
        }
        if (strcmp(state->status, "failed") == 0) {
            failed += state->amount;
        } else if (strcmp(state->status, "succeeded") == 0) {
            succeeded += state->amount;
        }
    }
    int64_t rest = charge->amount - failed;
    int64_t net = rest > succeeded ? rest : succeeded;
    return net > 0 ? net : 0;
}

static void attach_charge(struct view *view, const struct row *row)
{
    struct charge *charge = &view->charges[view->charge_count++];
    charge->row = row;
    charge->payment = home_of(view, row, row->of);
    charge->net = net_refund(view, row);
    charge->of = row->of ? row->of : charge->payment ? charge->payment->amount : 0;
    charge->full = charge->net > 0 && charge->of > 0 && charge->net >= charge->of;
}

static bool is_told_with_charge(const struct view *view, const struct row *state, size_t charges)
{
    for (size_t i = 0; i < charges; i++) {
        if (is_refund_of(view, state, view->charges[i].row)) {
            return true;
        }
    }
    return false;
}

static struct charge *charge_of_states(struct view *view, const struct row *state,
                                       struct payment *payment, size_t charges)
{
    const char *key = *state->object ? state->object : payment->key;
    for (size_t i = charges; i < view->charge_count; i++) {
        struct charge *charge = &view->charges[i];
        if (charge->payment == payment && strcmp(charge->row->key, key) == 0) {
            return charge;
        }
    }
    struct row *row = arena_alloc(&view->arena, sizeof *row);
    *row = *state;
    row->kind = ROW_REFUND;
    row->key = key;
    row->amount = 0;
    struct charge *charge = &view->charges[view->charge_count++];
    *charge = (struct charge){.row = row, .payment = payment, .of = payment->amount};
    return charge;
}

/* A refund of which nobody said how much of the charge was given back in all: the sum of those that
 * succeeded. The charge is the one that they name, else the payment itself; it has to be known. */
static void attach_states(struct view *view)
{
    size_t charges = view->charge_count;
    for (size_t i = 0; i < view->facts->count; i++) {
        const struct row *state = &view->facts->rows[i];
        if (state->kind != ROW_REFUND_STATE || strcmp(state->status, "succeeded") != 0 ||
            is_told_with_charge(view, state, charges)) {
            continue;
        }
        struct payment *payment = weave_payment(view, weave_node(view, state->source, state->key));
        if (payment) {
            struct charge *charge = charge_of_states(view, state, payment, charges);
            struct row *row = (struct row *)charge->row; /* made there, for this */
            row->at_ms = state->at_ms > row->at_ms ? state->at_ms : row->at_ms;
            charge->net += state->amount;
            charge->full = charge->net > 0 && charge->of > 0 && charge->net >= charge->of;
        }
    }
}

static void attach_dispute(struct view *view, const struct row *row)
{
    struct dispute *dispute = &view->disputes[view->dispute_count++];
    dispute->row = row;
    dispute->payment = home_of(view, row, row->amount);
    dispute->holds = strcmp(row->status, "open") == 0 || strcmp(row->status, "lost") == 0;
    struct payment *payment = dispute->payment;
    if (dispute->holds && payment &&
        (!payment->disputed || row->at_ms >= payment->disputed->row->at_ms)) {
        payment->disputed = dispute;
    }
}

void money_attach(struct view *view)
{
    size_t most = view->facts->count + 1;
    view->charges = arena_alloc(&view->arena, most * sizeof *view->charges);
    view->disputes = arena_alloc(&view->arena, most * sizeof *view->disputes);
    for (size_t i = 0; i < view->facts->count; i++) {
        const struct row *row = &view->facts->rows[i];
        if (row->kind == ROW_REFUND) {
            attach_charge(view, row);
        } else if (row->kind == ROW_DISPUTE) {
            attach_dispute(view, row);
        }
    }
    attach_states(view);
    /* A payment is refunded in full when every charge of it that has refunds is. */
    for (int partly = 0; partly < 2; partly++) {
        for (size_t i = 0; i < view->charge_count; i++) {
            const struct charge *charge = &view->charges[i];
            if (!charge->payment || charge->net == 0) {
                continue;
            }
            if (!partly && charge->full) {
                charge->payment->refunded = charge;
            } else if (partly && !charge->full) {
                charge->payment->refunded = NULL;
            }
        }
    }
}

size_t view_orphans(const struct view *view, view_orphan *each, void *self)
{
    size_t count = 0;
    for (size_t i = 0; i < view->charge_count; i++) {
        if (!view->charges[i].payment && view->charges[i].row->ours) {
            count++;
            if (each) {
                each(self, view->charges[i].row);
            }
        }
    }
    for (size_t i = 0; i < view->dispute_count; i++) {
        const struct row *row = view->disputes[i].row;
        if (!view->disputes[i].payment && row->ours && strcmp(row->status, "inquiry") != 0) {
            count++;
            if (each) {
                each(self, row);
            }
        }
    }
    return count;
}
