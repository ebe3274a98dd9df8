/* item.c - does an item give access, and why: the truth table of schema/RULES.md, row by row. */
#include "view.h"

#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
    [STATE_NONE] = "none",     [STATE_ENDED] = "ended",       [STATE_REVOKED] = "revoked",
    [STATE_PAUSED] = "paused", [STATE_TRIALING] = "trialing", [STATE_ENDING] = "ending",
    [STATE_ACTIVE] = "active",
};

const char *state_name(enum state state)
{
    return state_names[state];
}

bool state_find(const char *name, enum state *state)
{
    for (int i = STATE_NONE; i <= STATE_ACTIVE; i++) {
        if (strcmp(state_names[i], name) == 0) {
            *state = (enum state)i;
            return true;
        }
    }
    return false;
}

void view_deadline(struct view *view, int64_t at_ms)
{
    if (at_ms > view->now_ms && (view->deadline_ms == 0 || at_ms < view->deadline_ms)) {
        view->deadline_ms = at_ms;
    }
}

const char *payment_words(struct view *view, const struct payment *payment)
{
    return arena_printf(&view->arena, "%s %s",
                        payment->item->is_subscription ? "invoice" : "payment", payment->key);
}

/* --- which payment is the newest -------------------------------------------------------------- */

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int64_t time_of(const struct payment *payment)
{
    return payment->paid ? payment->paid_ms : payment->failed_ms;
}

/* By the period that it covers, then by its own time: an old one paid late is not the newest. */
static int compare_payments(const void *a, const void *b)
{
    const struct payment *x = *(struct payment *const *)a, *y = *(struct payment *const *)b;
    int order = compare_numbers(x->until_ms ? x->until_ms : time_of(x),
                                y->until_ms ? y->until_ms : time_of(y));
    order = order ? order : compare_numbers(time_of(x), time_of(y));
    return order ? order : strcmp(x->key, y->key);
}

void items_order(struct view *view)
{
    for (size_t i = 0; i < view->item_count; i++) {
        struct item *item = &view->items[i];
        qsort(item->payments, item->payment_count, sizeof(struct payment *), compare_payments);
        for (size_t p = 0; p < item->payment_count; p++) {
            struct payment *payment = item->payments[p];
            item->newest = payment;
            if (payment->paid) {
                item->newest_paid = payment;
                if (!item->first_paid || payment->paid_ms < item->first_paid->paid_ms) {
                    item->first_paid = payment;
                }
            }
        }
    }
}

/* --- the truth table -------------------------------------------------------------------------- */

static bool status_is(const struct item *item, const char *word)
{
    return item->subscription && strcmp(item->subscription->status, word) == 0;
}

static void decide(struct item *item, enum state state, int64_t changed_ms, const char *reason)
{
    item->state = state;
    item->access = state >= STATE_TRIALING;
    item->changed_ms = changed_ms;
    item->reason = reason;
}

/* Inside the grace after `since`; if so, its end is a deadline. */
static bool in_grace(struct view *view, int64_t since)
{
    int64_t end = since + view->rules->grace_ms;
    if (view->rules->grace_ms == 0 || view->now_ms >= end) {
        return false;
    }
    view_deadline(view, end);
    return true;
}

static bool decide_lost(struct view *view, struct item *item)
{
    const struct payment *paid = item->newest_paid;
    if (paid && paid->disputed) {
        const struct row *dispute = paid->disputed->row;
        decide(item, STATE_REVOKED, dispute->at_ms,
               arena_printf(&view->arena, "dispute %s %s", dispute->key, dispute->status));
        return true;
    }
    if (paid && paid->refunded) {
        const struct row *charge = paid->refunded->row;
        decide(item, STATE_REVOKED, charge->full_ms ? charge->full_ms : charge->at_ms,
               arena_printf(&view->arena, "charge %s refunded in full", charge->key));
        return true;
    }
    return false;
}

static bool decide_failed(struct view *view, struct item *item)
{
    const struct payment *newest = item->newest;
    const struct row *subscription = item->subscription;
    if (newest && newest->failed && !in_grace(view, newest->failed_ms)) {
        decide(item, STATE_PAUSED, newest->failed_ms,
               arena_printf(&view->arena, "%s failed", payment_words(view, newest)));
        return true;
    }
    bool late = status_is(item, "past_due") && !(newest && newest->failed) &&
                !in_grace(view, subscription->at_ms);
    if (late || status_is(item, "unpaid") || status_is(item, "paused")) {
        decide(item, STATE_PAUSED, subscription->at_ms,
               arena_printf(&view->arena, "subscription %s %s", item->key, subscription->status));
        return true;
    }
    return false;
}

/* A subscription that is not over, or one never seen, or a one-off purchase: nothing speaks against
 * it; does anything speak for it? */
static void decide_alive(struct view *view, struct item *item)
{
    const struct payment *paid = item->newest_paid;
    const struct row *subscription = item->subscription;
    bool begun = subscription && !status_is(item, "incomplete");
    if (!paid && !begun) {
        decide(item, STATE_NONE, 0, "no payment seen");
        return;
    }
    if (item->is_subscription && !subscription && paid->until_ms) {
        view_deadline(view, paid->until_ms);
        if (view->now_ms >= paid->until_ms) {
            decide(item, STATE_ENDED, paid->until_ms,
                   arena_printf(&view->arena, "%s covers no more", payment_words(view, paid)));
            return;
        }
    }
    bool trial = status_is(item, "trialing");
    enum state state = trial                                   ? STATE_TRIALING
                       : subscription && subscription->ends_ms ? STATE_ENDING
                                                               : STATE_ACTIVE;
    const char *reason =
        item->newest && item->newest->failed
            ? arena_printf(&view->arena, "%s failed, still within grace",
                           payment_words(view, item->newest))
        : trial ? arena_printf(&view->arena, "subscription %s is on trial", item->key)
        : paid
            ? arena_printf(&view->arena, "%s paid, no refund", payment_words(view, paid))
            : arena_printf(&view->arena, "subscription %s is %s", item->key, subscription->status);
    decide(item, state, paid ? paid->paid_ms : subscription->at_ms, reason);
    item->until_ms = subscription && subscription->ends_ms    ? subscription->ends_ms
                     : subscription && subscription->until_ms ? subscription->until_ms
                     : paid                                   ? paid->until_ms
                                                              : 0;
}

static int64_t over_ms(const struct item *item)
{
    return item->subscription->ended_ms ? item->subscription->ended_ms : item->subscription->at_ms;
}

static void evaluate(struct view *view, struct item *item)
{
    bool canceled = status_is(item, "canceled");
    item->over = canceled || status_is(item, "incomplete_expired");
    if (decide_lost(view, item)) {
        /* revoked, whatever became of it since */
    } else if (canceled) {
        decide(item, STATE_ENDED, over_ms(item),
               arena_printf(&view->arena, "subscription %s canceled", item->key));
    } else if (item->over) {
        decide(item, STATE_NONE, 0,
               arena_printf(&view->arena, "subscription %s was never paid", item->key));
    } else if (!decide_failed(view, item)) {
        decide_alive(view, item);
    }
    item->start_ms = item->first_paid ? item->first_paid->paid_ms : item->access ? 0 : INT64_MAX;
    item->lost_ms = item->access ? INT64_MAX : item->changed_ms;
}

void items_evaluate(struct view *view)
{
    for (size_t i = 0; i < view->item_count; i++) {
        if (view->items[i].member) { /* nobody waits for a deadline of what is not ours */
            evaluate(view, &view->items[i]);
        }
    }
}
