/* factset.h - what is known: facts, joined. Pure.
 *
 * A factset holds the facts of one connected component: everything that hangs together by provider
 * objects, customers, app user ids and e-mail addresses. A fact becomes one row or more, each under
 * what it is about, and is joined with the row that is there:
 *
 *   payment       invoice or payment intent; failed < paid; first time of each; largest amounts
 *   refund        charge; the largest cumulative amount; first time at which it was whole
 *   refund_state  refund; pending < succeeded < failed
 *   dispute       dispute; inquiry < open < won, lost; then the newest
 *   subscription  subscription; the newest by the provider's time, ties by status
 *   customer      customer; the newest, then by content
 *   link          two objects, unordered; union. What a refund or dispute names is a link, too
 *   email, user   an object and an address or app user id that came with it; union
 *   ticket        ticket; closed beats open, then the newest; its address is joined by itself: whoever
 *                 closes a ticket need not say again whose it is
 *   bounce        mail and recipient; the newest, ties by how bad it is. Known by its address alone:
 *                 one mail to many connects nobody
 *   grant, revoke a person's act, by its event; union
 *   due           the latest deadline that is known to have passed: all the time there is
 *
 * Promise    factset_add and factset_merge are joins: commutative, associative, idempotent. Equal
 *            sets pack to equal bytes. Tests: tests/unit/ledger/factset_test.c.
 * Ownership  The set copies what it is given. Rows live until the set changes. */
#ifndef USHER_FACTSET_H
#define USHER_FACTSET_H

#include "arena.h"
#include "buf.h"
#include "facts.h"

enum row_kind {
    ROW_PAYMENT,
    ROW_REFUND,
    ROW_REFUND_STATE,
    ROW_DISPUTE,
    ROW_SUBSCRIPTION,
    ROW_CUSTOMER,
    ROW_LINK,
    ROW_EMAIL,
    ROW_USER,
    ROW_TICKET,
    ROW_GRANT,
    ROW_REVOKE,
    ROW_DUE,
    ROW_BOUNCE,
    ROW_KIND_COUNT
};

struct row {
    enum row_kind kind;
    const char *source; /* the provider setting: "stripe"; ids are only unique within one */
    const char *key;
    const char *other; /* link: the other end; email, user: the value; bounce: the
                          address; grant, revoke: record id */
    const char *status;
    const char *customer;
    const char *subscription;
    const char *object; /* refund_state: its charge */
    const char *reason;
    const char *currency;
    const char *name;  /* payment, customer: of the person; grant, revoke: who did it */
    const char *email; /* customer, ticket; lower case */
    int64_t at_ms;
    int64_t amount; /* payment: paid; refund: refunded so far */
    int64_t of;     /* refund: the whole charge */
    int64_t due;    /* payment: asked for when it failed */
    int64_t attempt;
    int64_t until_ms;
    int64_t ends_ms;
    int64_t ended_ms;
    int64_t trial_until_ms;
    int64_t paid_ms;   /* first */
    int64_t failed_ms; /* first */
    int64_t full_ms;   /* first time at which the refund was whole */
    int64_t seen_ms;   /* first receipt */
    bool final;
    bool deleted;
    bool ours; /* some fact said so: not of a foreign product */
};

struct factset {
    struct arena arena;
    struct row *rows; /* sorted by kind, source, key, other */
    size_t count;
    size_t capacity;
};

void factset_fini(struct factset *set);

/* Joins one fact of `source`, received at seen_ms. */
void factset_add(struct factset *set, const char *source, const struct fact *fact, int64_t seen_ms);

/* A person's act: `id` is its event's. lift is meant for revokes: true gives access back. */
struct act {
    bool revoke;
    bool lift;
    const char *id;
    const char *record;
    const char *who;
    const char *reason;
    int64_t at_ms;
    int64_t until_ms;
};
void factset_add_act(struct factset *set, const struct act *act);

/* A deadline passed. */
void factset_add_due(struct factset *set, int64_t at_ms);
int64_t factset_now(const struct factset *set);

/* Joins one row; texts that are NULL count as "". */
void factset_put(struct factset *set, const struct row *given);

/* Everything of `other`. */
void factset_merge(struct factset *set, const struct factset *other);

const struct row *factset_find(const struct factset *set, enum row_kind kind, const char *source,
                               const char *key);

void factset_pack(const struct factset *set, struct buf *out);
enum fault factset_unpack(const uint8_t *bytes, size_t len, struct factset *set) NODISCARD;

/* The names by which a component is found: objects, addresses, app users, record ids. Each is
 * shown once for every row that bears it. `kind` is 'o', 'e', 'u' or 'm'; source is "" but for 'o'.
 */
typedef void factset_name(void *self, char kind, const char *source, const char *text);
void factset_names(const struct factset *set, factset_name *each, void *self);
/* The same for one fact alone, before it is joined. */
void fact_names(const char *source, const struct fact *fact, factset_name *each, void *self);

/* How an address is compared: ASCII lower case, no white space around it; "" if it has no '@'. */
const char *email_normal(struct arena *arena, const char *email);

#endif
