/* people.c - records, what is claimed for them, and who they are together. */
#include "view.h"

#include "digest.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

void record_id(const char *source, const char *what, const char *key, char id[RECORD_ID_BYTES])
{
    const struct slice parts[] = {
        {source, strlen(source) + 1}, {what, strlen(what) + 1}, {key, strlen(key)}};
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    sha256_parts(parts, 3, digest);
    hex_encode(digest, sizeof digest, hex);
    memcpy(id, "mem_", 4);
    memcpy(id + 4, hex, RECORD_ID_BYTES - 5);
    id[RECORD_ID_BYTES - 1] = '\0';
}

static int compare_records(const void *a, const void *b)
{
    return strcmp(((const struct record *)a)->id, ((const struct record *)b)->id);
}

/* --- which records there are ------------------------------------------------------------------ */

static bool buys(const struct row *row)
{
    return (row->kind == ROW_PAYMENT || row->kind == ROW_SUBSCRIPTION) && row->ours;
}

/* The node whose record a buying row belongs to: its customer, or itself for a guest. */
static struct node *buyer(const struct view *view, const struct row *row)
{
    return weave_node(view, row->source, *row->customer ? row->customer : row->key);
}

/* The customer and the payment of a link between the two; NULL if it is none. */
static struct node *customer_of_link(const struct view *view, const struct row *row,
                                     struct payment **payment)
{
    struct node *a = weave_node(view, row->source, row->key);
    struct node *b = weave_node(view, row->source, row->other);
    *payment = weave_payment(view, a->customer ? b : a);
    return a->customer ? a : b->customer ? b : NULL;
}

static void want_records(struct view *view)
{
    for (size_t i = 0; i < view->facts->count; i++) {
        const struct row *row = &view->facts->rows[i];
        struct payment *payment;
        if (row->kind == ROW_CUSTOMER && row->ours) {
            weave_node(view, row->source, row->key)->wants_record = true;
        } else if (buys(row)) {
            buyer(view, row)->wants_record = true;
        } else if (row->kind == ROW_LINK) {
            struct node *customer = customer_of_link(view, row, &payment);
            if (customer && payment && payment->ours) {
                customer->wants_record = true;
            }
        }
    }
}

static void make_records(struct view *view)
{
    view->records = arena_alloc(&view->arena, (view->node_count + 1) * sizeof *view->records);
    for (size_t i = 0; i < view->node_count; i++) {
        const struct node *node = &view->nodes[i];
        if (node->wants_record) {
            struct record *record = &view->records[view->record_count++];
            *record = (struct record){.source = node->source,
                                      .node = i,
                                      .email = "",
                                      .name = "",
                                      .app_user = "",
                                      .customer = node->customer ? node->id : ""};
            record_id(node->source, node->customer ? "customer" : "guest", node->id, record->id);
        }
    }
    qsort(view->records, view->record_count, sizeof *view->records, compare_records);
    for (size_t i = 0; i < view->record_count; i++) {
        struct record *record = &view->records[i];
        record->parent = record;
        view->nodes[record->node].record = record;
    }
}

/* --- whose payments and items are whose ------------------------------------------------------- */

static void own_item(struct node *customer, struct item *item)
{
    customer->more_items =
        customer->more_items || (customer->only_item && customer->only_item != item);
    customer->only_item = item;
}

static void gather_link(struct view *view, const struct row *row)
{
    struct payment *payment;
    struct node *customer = customer_of_link(view, row, &payment);
    struct node *a = weave_node(view, row->source, row->key);
    struct node *b = weave_node(view, row->source, row->other);
    struct node *thing = customer == a ? b : a;
    if (!customer || thing->customer || thing->subscription) {
        return;
    }
    struct node *root = weave_root(view, thing);
    crowd_add(view, &root->crowd, customer->record);
    if (!root->linked || strcmp(customer->id, root->linked->id) < 0) {
        root->linked = customer;
    }
    if (payment) {
        own_item(customer, payment->item);
    }
}

static void gather_row(struct view *view, const struct row *row)
{
    struct node *node = weave_node(view, row->source, row->key);
    struct payment *payment = row->kind == ROW_PAYMENT ? weave_payment(view, node) : NULL;
    if (*row->customer) {
        own_item(weave_node(view, row->source, row->customer),
                 payment ? payment->item : node->item);
    }
    if (row->ours) {
        crowd_add(view, payment ? &payment->root->crowd : &node->item->crowd,
                  buyer(view, row)->record);
    }
}

/* A checkout that no payment is known of yet belongs to its subscription's people. */
static void gather_subscribers(struct view *view, const struct row *row)
{
    struct node *a = weave_node(view, row->source, row->key);
    struct node *b = weave_node(view, row->source, row->other);
    struct node *thing = a->item ? b : a, *subscription = a->item ? a : b;
    if (!subscription->item || thing->customer || thing->subscription) {
        return;
    }
    struct node *root = weave_root(view, thing);
    for (size_t i = 0; !root->payment && i < subscription->item->crowd.count; i++) {
        crowd_add(view, &root->crowd, subscription->item->crowd.records[i]);
    }
}

static void gather_crowds(struct view *view)
{
    const struct factset *facts = view->facts;
    for (size_t i = 0; i < facts->count; i++) {
        const struct row *row = &facts->rows[i];
        if (row->kind == ROW_LINK) {
            gather_link(view, row);
        } else if (row->kind == ROW_PAYMENT || row->kind == ROW_SUBSCRIPTION) {
            gather_row(view, row);
        }
    }
    for (size_t i = 0; i < view->payment_count; i++) {
        const struct payment *payment = &view->payments[i];
        for (size_t r = 0; r < payment->root->crowd.count; r++) {
            crowd_add(view, &payment->item->crowd, payment->root->crowd.records[r]);
        }
    }
    for (size_t i = 0; i < facts->count; i++) {
        if (facts->rows[i].kind == ROW_LINK) {
            gather_subscribers(view, &facts->rows[i]);
        }
    }
}

/* --- claims ----------------------------------------------------------------------------------- */

enum { EMAIL_OF_LINK = 1, EMAIL_OF_PAYMENT, EMAIL_OF_CUSTOMER };

static void claim_email(struct record *record, int rank, int64_t at_ms, const char *email)
{
    if (!*email || rank < record->email_rank) {
        return;
    }
    bool newer =
        at_ms > record->email_ms || (at_ms == record->email_ms && strcmp(email, record->email) > 0);
    if (rank > record->email_rank || newer) {
        record->email_rank = rank;
        record->email_ms = at_ms;
        record->email = email;
    }
}

/* The first id that was claimed is the record's: a later one takes nobody over. */
static void claim_user(struct record *record, int64_t at_ms, const char *user)
{
    record->two_users =
        record->two_users || (*record->app_user && strcmp(record->app_user, user) != 0);
    if (!*record->app_user || at_ms < record->app_user_ms ||
        (at_ms == record->app_user_ms && strcmp(user, record->app_user) < 0)) {
        record->app_user = user;
        record->app_user_ms = at_ms;
    }
    record->has_user = true;
}

static void claim(struct record *record, const struct row *row, bool of_payment)
{
    if (!record) {
        return;
    }
    if (row->kind == ROW_USER) {
        claim_user(record, row->paid_ms, row->other);
    } else {
        claim_email(record, of_payment ? EMAIL_OF_PAYMENT : EMAIL_OF_LINK, row->at_ms, row->other);
    }
}

/* What came with an object counts for the records that the object leads to. */
static void read_claim(struct view *view, const struct row *row)
{
    struct node *node = weave_node(view, row->source, row->key);
    bool of_payment = factset_find(view->facts, ROW_PAYMENT, row->source, row->key) != NULL;
    if (node->customer || node->record) {
        claim(node->record, row, of_payment);
        return;
    }
    const struct crowd *crowd = node->item ? &node->item->crowd : &weave_root(view, node)->crowd;
    for (size_t i = 0; i < crowd->count; i++) {
        claim(crowd->records[i], row, of_payment);
    }
}

static void read_claims(struct view *view)
{
    for (size_t i = 0; i < view->facts->count; i++) {
        const struct row *row = &view->facts->rows[i];
        if (row->kind == ROW_CUSTOMER && row->ours) {
            struct record *record = weave_node(view, row->source, row->key)->record;
            claim_email(record, EMAIL_OF_CUSTOMER, row->at_ms, row->email);
            if (*row->name) {
                record->name = row->name;
            }
        } else if (row->kind == ROW_EMAIL || row->kind == ROW_USER) {
            read_claim(view, row);
        } else if (row->kind == ROW_PAYMENT && row->ours && *row->name) {
            struct record *record = buyer(view, row)->record;
            if (strcmp(row->name, record->name) > 0) { /* rows of customers come later */
                record->name = row->name;
            }
        }
    }
}

/* --- who is who ------------------------------------------------------------------------------- */

static struct record *root_of(struct record *record)
{
    while (record->parent != record) {
        record->parent = record->parent->parent;
        record = record->parent;
    }
    return record;
}

static void connect(struct record *a, struct record *b)
{
    a = root_of(a);
    b = root_of(b);
    if (a == b) {
        return;
    }
    struct record *low = a < b ? a : b, *high = a < b ? b : a; /* sorted by id: smallest wins */
    high->parent = low;
    low->has_user = low->has_user || high->has_user;
}

static int compare_users(const void *a, const void *b)
{
    const struct record *x = *(struct record *const *)a, *y = *(struct record *const *)b;
    return strcmp(x->app_user, y->app_user);
}

static int compare_emails(const void *a, const void *b)
{
    const struct record *x = *(struct record *const *)a, *y = *(struct record *const *)b;
    return strcmp(x->email, y->email);
}

static void connect_people(struct view *view)
{
    size_t count = 0;
    struct record **list = arena_alloc(&view->arena, (view->record_count + 1) * sizeof(void *));
    for (size_t i = 0; i < view->item_count; i++) {
        const struct crowd *crowd = &view->items[i].crowd;
        for (size_t r = 1; r < crowd->count; r++) {
            connect(crowd->records[0], crowd->records[r]);
        }
    }
    for (size_t i = 0; i < view->record_count; i++) {
        if (*view->records[i].app_user) {
            list[count++] = &view->records[i];
        }
    }
    qsort(list, count, sizeof(void *), compare_users);
    for (size_t i = 1; i < count; i++) {
        if (compare_users(&list[i - 1], &list[i]) == 0) {
            connect(list[i - 1], list[i]);
        }
    }
    /* Only where no app user id is known: there the address is the only identity there is. Who
     * has one is settled before the first address connects anybody. */
    count = 0;
    for (size_t i = 0; i < view->record_count; i++) {
        struct record *record = &view->records[i];
        if (*record->email && !root_of(record)->has_user) {
            list[count++] = record;
        }
    }
    qsort(list, count, sizeof(void *), compare_emails);
    for (size_t i = 1; i < count; i++) {
        if (compare_emails(&list[i - 1], &list[i]) == 0) {
            connect(list[i - 1], list[i]);
        }
    }
}

void people_records(struct view *view)
{
    want_records(view);
    make_records(view);
    gather_crowds(view);
    read_claims(view);
    connect_people(view);
}

/* --- members ---------------------------------------------------------------------------------- */

static bool is_conflict(const struct member *member)
{
    for (size_t i = 0; i < member->record_count; i++) {
        const struct record *a = member->records[i];
        if (a->two_users) {
            return true;
        }
        for (size_t j = 0; *a->app_user && *a->email && j < i; j++) {
            const struct record *b = member->records[j];
            if (*b->email && strcmp(a->app_user, b->app_user) == 0 &&
                strcmp(a->email, b->email) != 0) {
                return true;
            }
        }
    }
    return false;
}

void people_members(struct view *view)
{
    view->members = arena_alloc(&view->arena, (view->record_count + 1) * sizeof *view->members);
    for (size_t i = 0; i < view->record_count; i++) { /* a root comes before its records */
        struct record *root = root_of(&view->records[i]);
        if (root == &view->records[i]) {
            root->member = &view->members[view->member_count++];
            *root->member = (struct member){.id = root->id, .reason = ""};
        }
        root->member->record_count++;
        view->records[i].member = root->member;
    }
    for (size_t i = 0; i < view->member_count; i++) {
        struct member *member = &view->members[i];
        member->records = arena_alloc(&view->arena, member->record_count * sizeof(void *));
        member->record_count = 0;
    }
    for (size_t i = 0; i < view->record_count; i++) {
        struct member *member = view->records[i].member;
        member->records[member->record_count++] = &view->records[i];
    }
    for (size_t i = 0; i < view->item_count; i++) {
        struct item *item = &view->items[i];
        if (item->ours && item->crowd.count) {
            item->member = item->crowd.records[0]->member;
            item->member->item_count++;
        }
    }
    for (size_t i = 0; i < view->member_count; i++) {
        struct member *member = &view->members[i];
        member->items = arena_alloc(&view->arena, (member->item_count + 1) * sizeof(void *));
        member->item_count = 0;
        member->conflict = is_conflict(member);
    }
    for (size_t i = 0; i < view->item_count; i++) {
        struct item *item = &view->items[i];
        if (item->member) {
            item->member->items[item->member->item_count++] = item;
        }
    }
}
