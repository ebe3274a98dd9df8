/* factset_facts.c - facts, acts and deadlines as rows. */
#include "factset.h"

#include <ctype.h>
#include <string.h>

const char *email_normal(struct arena *arena, const char *email)
{
    while (isspace((unsigned char)*email)) {
        email++;
    }
    size_t len = strlen(email);
    while (len && isspace((unsigned char)email[len - 1])) {
        len--;
    }
    if (!memchr(email, '@', len)) {
        return "";
    }
    char *normal = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++) {
        char c = email[i];
        normal[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return normal;
}

static void put_pair(struct factset *set, enum row_kind kind, const char *source, const char *key,
                     const char *other, int64_t at_ms)
{
    if (!*key || !*other || strcmp(key, other) == 0) {
        return;
    }
    bool swap = kind == ROW_LINK && strcmp(key, other) > 0;
    struct row row = {.kind = kind,
                      .source = source,
                      .key = swap ? other : key,
                      .other = swap ? key : other,
                      .at_ms = at_ms};
    factset_put(set, &row);
}

static void set_payment(struct row *row, const struct fact *fact)
{
    bool paid = strcmp(fact->status, "paid") == 0;
    row->customer = fact->customer;
    row->subscription = fact->subscription;
    row->name = fact->name;
    row->until_ms = fact->until_ms;
    row->attempt = fact->attempt;
    row->reason = fact->reason;
    row->final = fact->final;
    if (paid) {
        row->paid_ms = fact->at_ms;
        row->amount = fact->amount;
    } else {
        row->failed_ms = fact->at_ms;
        row->due = fact->amount;
    }
}

static void set_refund(struct row *row, const struct fact *fact)
{
    row->customer = fact->customer;
    row->amount = fact->amount;
    row->of = fact->of;
    row->full_ms = fact->of > 0 && fact->amount >= fact->of ? fact->at_ms : 0;
}

static void set_subscription(struct row *row, const struct fact *fact)
{
    row->customer = fact->customer;
    row->until_ms = fact->until_ms;
    row->ends_ms = fact->ends_ms;
    row->ended_ms = fact->ended_ms;
    row->trial_until_ms = fact->trial_until_ms;
}

static void set_row(struct row *row, const struct fact *fact, struct arena *arena)
{
    switch (row->kind) {
    case ROW_PAYMENT:
        set_payment(row, fact);
        break;
    case ROW_REFUND:
        set_refund(row, fact);
        break;
    case ROW_REFUND_STATE:
        row->object = fact->object;
        row->amount = fact->amount;
        break;
    case ROW_DISPUTE:
        row->amount = fact->amount;
        row->reason = fact->reason;
        break;
    case ROW_SUBSCRIPTION:
        set_subscription(row, fact);
        break;
    case ROW_CUSTOMER:
        row->email = email_normal(arena, fact->email);
        row->name = fact->name;
        row->deleted = fact->deleted;
        break;
    case ROW_TICKET:
        row->email = email_normal(arena, fact->email);
        row->reason = fact->reason;
        break;
    case ROW_BOUNCE:
        row->other = email_normal(arena, fact->email);
        row->reason = fact->reason;
        break;
    default:
        break;
    }
}

static const enum row_kind row_of_fact[FACT_KIND_COUNT] = {
    [FACT_PAYMENT] = ROW_PAYMENT,
    [FACT_REFUND] = ROW_REFUND,
    [FACT_REFUND_STATE] = ROW_REFUND_STATE,
    [FACT_DISPUTE] = ROW_DISPUTE,
    [FACT_SUBSCRIPTION] = ROW_SUBSCRIPTION,
    [FACT_CUSTOMER] = ROW_CUSTOMER,
    [FACT_LINK] = ROW_LINK,
    [FACT_TICKET] = ROW_TICKET,
    [FACT_BOUNCE] = ROW_BOUNCE,
};

void factset_add(struct factset *set, const char *source, const struct fact *fact, int64_t seen_ms)
{
    enum row_kind kind = row_of_fact[fact->kind];
    struct arena scratch = {0};
    if (kind == ROW_LINK) {
        put_pair(set, ROW_LINK, source, fact->key, fact->object, 0);
    } else {
        struct row row = {.kind = kind,
                          .source = source,
                          .key = fact->key,
                          .at_ms = fact->at_ms,
                          .status = fact->status,
                          .currency = fact->currency,
                          .seen_ms = seen_ms,
                          .ours = !fact->foreign};
        set_row(&row, fact, &scratch);
        factset_put(set, &row);
    }
    if (kind == ROW_DISPUTE || kind == ROW_REFUND_STATE) {
        put_pair(set, ROW_LINK, source, fact->key, fact->object, 0);
        put_pair(set, ROW_LINK, source, fact->key, fact->payment_intent, 0);
    }
    bool money = kind != ROW_TICKET && kind != ROW_BOUNCE;
    if (money && !fact->foreign) { /* what is foreign identifies nobody */
        if (kind != ROW_CUSTOMER) {
            put_pair(set, ROW_EMAIL, source, fact->key, email_normal(&scratch, fact->email),
                     fact->at_ms);
        }
        if (*fact->app_user) {
            struct row user = {.kind = ROW_USER,
                               .source = source,
                               .key = fact->key,
                               .other = fact->app_user,
                               .paid_ms = fact->at_ms};
            factset_put(set, &user);
        }
    }
    arena_fini(&scratch);
}

void factset_add_act(struct factset *set, const struct act *act)
{
    struct row row = {.kind = act->revoke ? ROW_REVOKE : ROW_GRANT,
                      .source = "",
                      .key = act->id,
                      .other = act->record,
                      .name = act->who,
                      .reason = act->reason,
                      .at_ms = act->at_ms,
                      .until_ms = act->until_ms,
                      .final = act->lift};
    factset_put(set, &row);
}

void factset_add_due(struct factset *set, int64_t at_ms)
{
    factset_put(set, &(struct row){.kind = ROW_DUE, .at_ms = at_ms});
}
