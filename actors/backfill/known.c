#include "known.h"

#include <string.h>

/* If our clock is ahead, a fetched state must still not count as newer than what comes after. */
enum { SECOND_MS = 1000, CLOCK_SLACK_MS = 5 * SECOND_MS };

bool known_counts(enum fact_kind kind)
{
    return kind == FACT_PAYMENT || kind == FACT_REFUND || kind == FACT_REFUND_STATE ||
           kind == FACT_DISPUTE || kind == FACT_SUBSCRIPTION || kind == FACT_CUSTOMER;
}

/* The later in the list the more it counts. */
static int rank(const char *const *words, const char *word)
{
    int at = 0;
    while (words[at] && strcmp(words[at], word) != 0) {
        at++;
    }
    return words[at] ? at : -1;
}

static int status_rank(const struct fact *fact)
{
    static const char *const ranks[FACT_KIND_COUNT][9] = {
        [FACT_PAYMENT] = {"failed", "paid"},
        [FACT_REFUND_STATE] = {"pending", "succeeded", "failed"},
        [FACT_DISPUTE] = {"inquiry", "open", "won", "lost"},
        [FACT_SUBSCRIPTION] = {"incomplete", "trialing", "active", "paused", "past_due", "unpaid",
                               "incomplete_expired", "canceled"},
    };
    return rank(ranks[fact->kind], fact->status);
}

/* What has a higher step counts whenever it was said; won and lost are equals. */
static int step(const struct fact *fact)
{
    int last = status_rank(fact);
    if (fact->kind == FACT_DISPUTE) {
        return last < 2 ? last : 2;
    }
    return fact->kind == FACT_SUBSCRIPTION ? 0 : last;
}

static bool same_content(const struct fact *a, const struct fact *b)
{
    return strcmp(a->status, b->status) == 0 && a->until_ms == b->until_ms &&
           a->ends_ms == b->ends_ms && a->ended_ms == b->ended_ms &&
           a->trial_until_ms == b->trial_until_ms && strcmp(a->email, b->email) == 0 &&
           strcmp(a->name, b->name) == 0 && a->deleted == b->deleted;
}

bool known_join(const struct fact *kept, const struct fact *fresh, bool *doubt)
{
    *doubt = false;
    if (kept->kind == FACT_REFUND) {
        return fresh->amount > kept->amount;
    }
    if (step(kept) != step(fresh) || kept->kind == FACT_PAYMENT) {
        return step(fresh) > step(kept);
    }
    if (kept->at_ms != fresh->at_ms || kept->kind == FACT_REFUND_STATE) {
        return fresh->at_ms > kept->at_ms;
    }
    *doubt = status_rank(kept) == status_rank(fresh) && !same_content(kept, fresh);
    return status_rank(fresh) > status_rank(kept);
}

static bool other_status(const struct fact *known, const struct fact *fetched, struct buf *words)
{
    bool other = strcmp(known->status, fetched->status) != 0;
    if (other) {
        buf_printf(words, "%s here, %s at the provider", known->status, fetched->status);
    }
    return other;
}

static bool other_dates(const struct fact *known, const struct fact *fetched, struct buf *words)
{
    bool other = !same_content(known, fetched);
    if (other) {
        buf_add_text(words, "other dates at the provider");
    }
    return other;
}

bool known_differs(const struct fact *known, const struct fact *fetched, struct buf *words)
{
    if (!known) {
        buf_printf(words, "%s never told of", fact_kind_name(fetched->kind));
        return true;
    }
    switch (fetched->kind) {
    case FACT_PAYMENT:
    case FACT_REFUND_STATE:
    case FACT_DISPUTE:
        return step(fetched) >= step(known) && other_status(known, fetched, words);
    case FACT_REFUND:
        if (fetched->amount > known->amount) {
            buf_add_text(words, "more refunded at the provider");
        }
        return fetched->amount > known->amount;
    case FACT_SUBSCRIPTION:
        return other_status(known, fetched, words) || other_dates(known, fetched, words);
    case FACT_CUSTOMER:
        if (!same_content(known, fetched)) {
            buf_add_text(words, fetched->deleted ? "deleted at the provider"
                                                 : "another name or address at the provider");
        }
        return !same_content(known, fetched);
    default:
        return false;
    }
}

int64_t known_stamp(const struct fact *known, const struct fact *fetched, int64_t object_ms,
                    int64_t asked_ms)
{
    bool newest = fetched->kind == FACT_SUBSCRIPTION || fetched->kind == FACT_CUSTOMER ||
                  fetched->kind == FACT_DISPUTE;
    if (!newest || !known) {
        return object_ms;
    }
    int64_t at_ms = asked_ms - CLOCK_SLACK_MS;
    at_ms = at_ms > known->at_ms ? at_ms : known->at_ms + SECOND_MS;
    return at_ms / SECOND_MS * SECOND_MS;
}
