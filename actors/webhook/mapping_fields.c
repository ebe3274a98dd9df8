#include "mapping_core.h"

#include <stddef.h>
#include <string.h>

#define BIT(kind) (1u << (kind))

enum {
    PAYMENT = BIT(FACT_PAYMENT),
    REFUND = BIT(FACT_REFUND),
    REFUND_STATE = BIT(FACT_REFUND_STATE),
    DISPUTE = BIT(FACT_DISPUTE),
    SUBSCRIPTION = BIT(FACT_SUBSCRIPTION),
    CUSTOMER = BIT(FACT_CUSTOMER),
    LINK = BIT(FACT_LINK),
    ALL = PAYMENT | REFUND | REFUND_STATE | DISPUTE | SUBSCRIPTION | CUSTOMER | LINK
};

/* clang-format off */
static const struct mapped_field fields[] = {
#define F(name, as, member, kinds) {name, as, offsetof(struct fact, member), kinds}
    F("key", AS_ID, key, ALL),
    F("at", AS_TIME, at_ms, ALL),
    F("status", AS_ID, status, PAYMENT | REFUND_STATE | DISPUTE | SUBSCRIPTION),
    F("customer", AS_ID, customer, PAYMENT | REFUND | SUBSCRIPTION),
    F("email", AS_WORDS, email, PAYMENT | SUBSCRIPTION | CUSTOMER | LINK),
    F("name", AS_WORDS, name, PAYMENT | CUSTOMER),
    F("app_user", AS_ID, app_user, PAYMENT | SUBSCRIPTION | CUSTOMER | LINK),
    F("subscription", AS_ID, subscription, PAYMENT),
    F("payment_intent", AS_ID, payment_intent, REFUND_STATE | DISPUTE),
    F("object", AS_ID, object, REFUND | REFUND_STATE | DISPUTE | LINK),
    F("reason", AS_ID, reason, PAYMENT | DISPUTE),
    F("currency", AS_CURRENCY, currency, PAYMENT | REFUND | REFUND_STATE | DISPUTE),
    F("amount", AS_NUMBER, amount, PAYMENT | REFUND | REFUND_STATE | DISPUTE),
    F("of", AS_NUMBER, of, REFUND),
    F("attempt", AS_NUMBER, attempt, PAYMENT),
    F("until", AS_TIME, until_ms, PAYMENT | SUBSCRIPTION),
    F("ends", AS_TIME, ends_ms, SUBSCRIPTION),
    F("ended", AS_TIME, ended_ms, SUBSCRIPTION),
    F("trial_until", AS_TIME, trial_until_ms, SUBSCRIPTION),
    F("final", AS_FLAG, final, PAYMENT),
    F("deleted", AS_FLAG, deleted, CUSTOMER),
#undef F
};
/* clang-format on */

const struct mapped_field *mapped_field(const char *name)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static const char *const payment[] = {"paid", "failed", NULL};
static const char *const refund_state[] = {"succeeded", "failed", "pending", NULL};
static const char *const dispute[] = {"open", "won", "lost", "inquiry", NULL};
static const char *const subscription[] = {"incomplete", "trialing",           "active",
                                           "paused",     "past_due",           "unpaid",
                                           "canceled",   "incomplete_expired", NULL};

static const char *const *const statuses[FACT_KIND_COUNT] = {
    [FACT_PAYMENT] = payment,
    [FACT_REFUND_STATE] = refund_state,
    [FACT_DISPUTE] = dispute,
    [FACT_SUBSCRIPTION] = subscription,
};

const char *const *mapped_statuses(enum fact_kind kind)
{
    return statuses[kind];
}

bool mapped_status(enum fact_kind kind, const char *word)
{
    for (const char *const *at = statuses[kind]; at && *at; at++) {
        if (strcmp(*at, word) == 0) {
            return true;
        }
    }
    return false;
}

bool mapped_kind(const char *name, enum fact_kind *kind)
{
    for (int i = 0; i < FACT_KIND_COUNT; i++) {
        if (strcmp(fact_kind_name((enum fact_kind)i), name) == 0) {
            *kind = (enum fact_kind)i;
            return (ALL & BIT(i)) != 0;
        }
    }
    return false;
}
