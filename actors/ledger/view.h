/* view.h - what the facts of one component mean: items, records, members. Pure.
 *
 * Use        view_new(facts, rules) computes everything afresh; nothing is kept between calls.
 *            Time is only what the factset knows to have passed.
 *
 *   charge, dispute -> payment -> item -> record -> member
 *
 *   payment   what hangs together by links without passing through a customer or a subscription:
 *             an invoice, its payment intents, its charges, its checkout
 *   item      a subscription with its payments, or a one-off payment
 *   record    one provider customer, or a guest's purchase (a row that names no customer)
 *   member    records connected by an item, by the app's own user id, or, if none of them carries
 *             an app user id, by an e-mail address; named by the smallest record id
 *
 * A record has one app user id, the first that was claimed for it; a second one connects nothing
 * and is an identity conflict. It has one address: its customer's, else its newest payment's, else
 * what came with its links.
 * A refund or dispute whose payment is unknown is an orphan; until a link leads it home it belongs
 * to its customer's item if there is exactly one.
 *
 * See        schema/RULES.md: the truth table of access; item.c follows it row by row
 * Ownership  The view borrows from the factset: it lives no longer. */
#ifndef USHER_VIEW_H
#define USHER_VIEW_H

#include "factset.h"
#include "rules.h"

enum state {
    STATE_NONE,
    STATE_ENDED,
    STATE_REVOKED,
    STATE_PAUSED,
    STATE_TRIALING,
    STATE_ENDING,
    STATE_ACTIVE
};
enum { RECORD_ID_BYTES = 25, DEADLINES_MAX = 8 };

struct charge {
    const struct row *row;
    struct payment *payment; /* NULL: orphan */
    int64_t net;             /* refunded, without refunds that failed */
    int64_t of;
    bool full;
};

struct dispute {
    const struct row *row;
    struct payment *payment;
    bool holds; /* open or lost */
};

/* Records, each once. */
struct crowd {
    struct record **records;
    size_t count, capacity;
};

/* A provider object, by whatever row it is named. */
struct node {
    const char *source;
    const char *id;
    size_t parent; /* union-find over what is neither customer nor subscription */
    bool customer, subscription;
    struct payment *payment; /* of the root */
    struct item *item;       /* of a subscription */
    struct record *record;   /* a customer's; a guest's row's */
    bool wants_record;
    /* of a root: the records that its links lead to, and one customer that they name */
    struct crowd crowd;
    struct node *linked;
    /* of a customer: its items, ours or not */
    struct item *only_item;
    bool more_items;
};

struct payment {
    const char *source;
    const char *key;
    struct node *root;
    struct item *item;
    bool ours;
    bool paid;
    bool failed; /* and never paid */
    int64_t paid_ms, failed_ms, last_failed_ms, until_ms;
    int64_t amount, due, attempt;
    const char *currency;
    const char *name;
    const char *subscription;
    bool final;
    const struct charge *refunded;  /* a charge that was refunded whole; NULL: none */
    const struct dispute *disputed; /* the newest that holds; NULL: none */
};

struct item {
    const char *source;
    const char *key;
    bool is_subscription;
    const struct row *subscription; /* NULL: never seen, or a one-off */
    struct payment **payments;
    size_t payment_count;
    struct member *member; /* NULL: not ours */
    struct crowd crowd;
    bool ours;
    /* what follows (item.c) */
    struct payment *newest, *newest_paid, *first_paid;
    enum state state;
    bool access;
    bool over; /* nothing more comes of it: it ended, or was tried again as another purchase */
    const char *reason;
    int64_t until_ms;
    int64_t changed_ms; /* when it came into its state */
    int64_t start_ms;   /* first gave access; INT64_MAX: never */
    int64_t lost_ms;    /* INT64_MAX: it still gives access */
};

struct record {
    char id[RECORD_ID_BYTES];
    const char *source;
    const char *customer; /* "" for a guest's purchase */
    size_t node;
    const char *email;
    int64_t email_ms;
    int email_rank;
    const char *name;
    const char *app_user;
    int64_t app_user_ms;
    bool two_users;
    struct record *parent; /* union-find; the root is the smallest id */
    bool has_user;         /* of the root: some record of it carries an app user id */
    struct member *member;
};

struct member {
    const char *id;
    struct record **records; /* sorted by id */
    size_t record_count;
    struct item **items;
    size_t item_count;
    enum state state;
    bool access;
    bool conflict;
    const char *reason;
    const struct row *grant;   /* live, NULL: none */
    const struct row *revoke;  /* in force */
    const struct item *best;   /* whose state it is; NULL: none */
    const struct record *face; /* whose address and name are shown */
    int64_t until_ms;
    const struct payment *last_paid;
};

struct view {
    struct arena arena;
    const struct factset *facts;
    const struct rules *rules;
    int64_t now_ms;
    struct node *nodes;
    size_t node_count;
    size_t *slots; /* hash of nodes: number + 1 */
    size_t slot_mask;
    struct payment *payments;
    size_t payment_count;
    struct charge *charges;
    size_t charge_count;
    struct dispute *disputes;
    size_t dispute_count;
    struct item *items;
    size_t item_count;
    struct record *records; /* sorted by id */
    size_t record_count;
    struct member *members; /* sorted by id */
    size_t member_count;
    int64_t deadline_ms; /* the next time at which something may change; 0: none */
};

struct view *view_new(const struct factset *facts, const struct rules *rules);
void view_destroy(struct view **view);

const char *state_name(enum state state);
bool state_find(const char *name, enum state *state);

/* The record id of a provider customer, or of a guest's row. */
void record_id(const char *source, const char *what, const char *key, char id[RECORD_ID_BYTES]);

/* The member that a provider object, or a record id (source NULL), belongs to. NULL: none. */
struct member *view_member_of(const struct view *view, const char *source, const char *object);
struct member *view_member_named(const struct view *view, const char *record);

/* Orphans: refunds and disputes without a payment. Counts them; shows each if asked to. */
typedef void view_orphan(void *self, const struct row *row);
size_t view_orphans(const struct view *view, view_orphan *each, void *self);
/* One has no payment for so long that a person should know. */
enum { ORPHAN_MS = 3600 * 1000 };

/* --- between the files of the view ----------------------------------------------------------- */

/* weave.c: nodes, payments, items; the lists of what belongs to what */
void weave(struct view *view);
struct node *weave_node(const struct view *view, const char *source, const char *id);
/* The payment that a node belongs to, through links; NULL. */
struct payment *weave_payment(const struct view *view, const struct node *node);
struct node *weave_root(const struct view *view, const struct node *node);
void crowd_add(struct view *view, struct crowd *crowd, struct record *record);

/* refunds.c: refunds and disputes, brought to their payments */
void money_attach(struct view *view);

/* people.c: records, who they are, and members */
void people_records(struct view *view);
void people_members(struct view *view);

/* item.c, member.c: access and state */
void items_evaluate(struct view *view);
/* Newest and first payments of each item; before money_attach. */
void items_order(struct view *view);
void members_evaluate(struct view *view);
void view_deadline(struct view *view, int64_t at_ms);

/* "invoice in_1", "payment pi_1" */
const char *payment_words(struct view *view, const struct payment *payment);

/* Whose ticket, or bounced mail, it is: a member with the address, with access if there is one. */
const struct member *addressed_member(const struct view *view, const char *email);

/* The payment gives access again after a loss (effects.c). */
bool payment_is_return(const struct view *view, const struct member *member,
                       const struct payment *payment);

/* --- what the actor tells --------------------------------------------------------------------- */

/* The member's document without version, rule and merged (new reference). */
json_t *member_document(const struct view *view, const struct member *member);
/* The effects that hold, sorted by key and target (new reference). */
json_t *member_effects(const struct view *view, const struct member *member);

#endif
