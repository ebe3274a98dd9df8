/* weave.c - objects, and what hangs together: payments and items. */
#include "view.h"

#include "must.h"

#include <string.h>

/* --- nodes ------------------------------------------------------------------------------------ */

static size_t hash_of(const char *source, const char *id)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a: ids are the provider's, not a
                                                       stranger's to choose */
    for (const char *c = source; *c; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    }
    for (const char *c = id; *c; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    }
    return (size_t)(hash ^ (hash >> 32));
}

static size_t *slot_of(const struct view *view, const char *source, const char *id)
{
    size_t at = hash_of(source, id) & view->slot_mask;
    while (view->slots[at]) {
        const struct node *node = &view->nodes[view->slots[at] - 1];
        if (strcmp(node->id, id) == 0 && strcmp(node->source, source) == 0) {
            break;
        }
        at = (at + 1) & view->slot_mask;
    }
    return &view->slots[at];
}

struct node *weave_node(const struct view *view, const char *source, const char *id)
{
    size_t number = *slot_of(view, source, id);
    return number ? &view->nodes[number - 1] : NULL;
}

static struct node *intern(struct view *view, const char *source, const char *id)
{
    size_t *slot = slot_of(view, source, id);
    if (*slot == 0) {
        view->nodes[view->node_count] =
            (struct node){.source = source, .id = id, .parent = view->node_count};
        *slot = ++view->node_count;
    }
    return &view->nodes[*slot - 1];
}

static bool names_objects(const struct row *row)
{
    return row->kind != ROW_GRANT && row->kind != ROW_REVOKE && row->kind != ROW_DUE;
}

static void make_nodes(struct view *view)
{
    const struct factset *facts = view->facts;
    enum { NAMES_PER_ROW = 5 };
    size_t most = facts->count * NAMES_PER_ROW + 1, slots = 16;
    while (slots < 2 * most) {
        slots *= 2;
    }
    view->slot_mask = slots - 1;
    view->slots = arena_alloc(&view->arena, slots * sizeof *view->slots);
    view->nodes = arena_alloc(&view->arena, most * sizeof *view->nodes);
    for (size_t i = 0; i < facts->count; i++) {
        const struct row *row = &facts->rows[i];
        if (!names_objects(row)) {
            continue;
        }
        struct node *key = intern(view, row->source, row->key);
        key->customer = key->customer || row->kind == ROW_CUSTOMER;
        key->subscription = key->subscription || row->kind == ROW_SUBSCRIPTION;
        if (row->kind == ROW_LINK) {
            intern(view, row->source, row->other);
        }
        if (*row->object) {
            intern(view, row->source, row->object);
        }
        if (*row->customer) {
            intern(view, row->source, row->customer)->customer = true;
        }
        if (*row->subscription) {
            intern(view, row->source, row->subscription)->subscription = true;
        }
    }
}

/* --- what hangs together ---------------------------------------------------------------------- */

static bool is_hub(const struct node *node)
{
    return node->customer || node->subscription;
}

static size_t root_of(const struct view *view, size_t at)
{
    while (view->nodes[at].parent != at) {
        view->nodes[at].parent = view->nodes[view->nodes[at].parent].parent;
        at = view->nodes[at].parent;
    }
    return at;
}

static void connect(struct view *view, const struct node *a, const struct node *b)
{
    size_t x = root_of(view, (size_t)(a - view->nodes));
    size_t y = root_of(view, (size_t)(b - view->nodes));
    view->nodes[x > y ? x : y].parent = x > y ? y : x;
}

/* Calls for every link with the end that is no hub first; both ends may be none. */
typedef void each_link(struct view *view, struct node *node, struct node *other);

static void links(struct view *view, each_link *each)
{
    for (size_t i = 0; i < view->facts->count; i++) {
        const struct row *row = &view->facts->rows[i];
        if (row->kind == ROW_LINK) {
            struct node *a = weave_node(view, row->source, row->key);
            struct node *b = weave_node(view, row->source, row->other);
            if (is_hub(a)) {
                each(view, b, a);
            } else {
                each(view, a, b);
            }
        }
    }
}

static void link_objects(struct view *view, struct node *node, struct node *other)
{
    if (!is_hub(node) && !is_hub(other)) {
        connect(view, node, other);
    }
}

struct node *weave_root(const struct view *view, const struct node *node)
{
    return &view->nodes[root_of(view, (size_t)(node - view->nodes))];
}

/* --- payments --------------------------------------------------------------------------------- */

struct payment *weave_payment(const struct view *view, const struct node *node)
{
    if (!node || is_hub(node)) {
        return NULL;
    }
    return weave_root(view, node)->payment;
}

static int64_t first_of(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static int64_t most_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct payment *payment_at(struct view *view, const struct row *row)
{
    struct node *node = weave_node(view, row->source, row->key);
    struct node *root = weave_root(view, node);
    if (!root->payment) {
        root->payment = &view->payments[view->payment_count++];
        *root->payment = (struct payment){.source = row->source,
                                          .key = row->key,
                                          .root = root,
                                          .currency = "",
                                          .name = "",
                                          .subscription = ""};
    }
    return root->payment;
}

/* Rows come sorted by key: an invoice ("in_") names the payment before its intent ("pi_"). */
static void make_payments(struct view *view)
{
    const struct factset *facts = view->facts;
    view->payments = arena_alloc(&view->arena, (facts->count + 1) * sizeof *view->payments);
    for (size_t i = 0; i < facts->count; i++) {
        const struct row *row = &facts->rows[i];
        if (row->kind != ROW_PAYMENT) {
            continue;
        }
        struct payment *payment = payment_at(view, row);
        payment->ours = payment->ours || row->ours;
        payment->paid = payment->paid || strcmp(row->status, "paid") == 0;
        payment->paid_ms = first_of(payment->paid_ms, row->paid_ms);
        payment->failed_ms = first_of(payment->failed_ms, row->failed_ms);
        if (row->failed_ms) {
            payment->last_failed_ms = most_of(payment->last_failed_ms, row->at_ms);
        }
        payment->until_ms = most_of(payment->until_ms, row->until_ms);
        payment->amount = most_of(payment->amount, row->amount);
        payment->due = most_of(payment->due, row->due);
        payment->attempt = most_of(payment->attempt, row->attempt);
        payment->final = payment->final || row->final;
        payment->currency = *payment->currency ? payment->currency : row->currency;
        payment->name = *payment->name ? payment->name : row->name;
        if (*row->subscription) {
            payment->subscription = row->subscription;
        }
    }
    for (size_t i = 0; i < view->payment_count; i++) {
        view->payments[i].failed = !view->payments[i].paid;
    }
}

static void link_subscription(struct view *view, struct node *node, struct node *other)
{
    struct payment *payment = weave_payment(view, node);
    if (payment && other->subscription && !*payment->subscription) {
        payment->subscription = other->id;
    }
}

/* --- items ------------------------------------------------------------------------------------ */

static struct item *new_item(struct view *view, const char *source, const char *key)
{
    struct item *item = &view->items[view->item_count++];
    *item = (struct item){.source = source, .key = key, .reason = ""};
    return item;
}

static struct item *subscription_item(struct view *view, const char *source, const char *id)
{
    struct node *node = weave_node(view, source, id);
    if (!node->item) {
        node->item = new_item(view, source, id);
        node->item->is_subscription = true;
        node->item->subscription = factset_find(view->facts, ROW_SUBSCRIPTION, source, id);
        node->item->ours = node->item->subscription && node->item->subscription->ours;
    }
    return node->item;
}

static void make_items(struct view *view)
{
    const struct factset *facts = view->facts;
    view->items = arena_alloc(&view->arena, (2 * facts->count + 1) * sizeof *view->items);
    for (size_t i = 0; i < facts->count; i++) {
        const struct row *row = &facts->rows[i];
        if (row->kind == ROW_SUBSCRIPTION) {
            subscription_item(view, row->source, row->key);
        }
    }
    for (size_t i = 0; i < view->payment_count; i++) {
        struct payment *payment = &view->payments[i];
        payment->item = *payment->subscription
                            ? subscription_item(view, payment->source, payment->subscription)
                            : new_item(view, payment->source, payment->key);
        payment->item->payment_count++;
        payment->item->ours = payment->item->ours || payment->ours;
    }
    for (size_t i = 0; i < view->item_count; i++) {
        struct item *item = &view->items[i];
        item->payments = arena_alloc(&view->arena, item->payment_count * sizeof *item->payments);
        item->payment_count = 0;
    }
    for (size_t i = 0; i < view->payment_count; i++) {
        struct item *item = view->payments[i].item;
        item->payments[item->payment_count++] = &view->payments[i];
    }
}

void crowd_add(struct view *view, struct crowd *crowd, struct record *record)
{
    for (size_t i = 0; i < crowd->count; i++) {
        if (crowd->records[i] == record) {
            return;
        }
    }
    if (!record) {
        return;
    }
    if (crowd->count == crowd->capacity) {
        size_t capacity = crowd->capacity ? 2 * crowd->capacity : 2;
        struct record **records = arena_alloc(&view->arena, capacity * sizeof(struct record *));
        if (crowd->count) {
            memcpy(records, crowd->records, crowd->count * sizeof(void *));
        }
        crowd->records = records;
        crowd->capacity = capacity;
    }
    crowd->records[crowd->count++] = record;
}

void weave(struct view *view)
{
    make_nodes(view);
    links(view, link_objects);
    make_payments(view);
    links(view, link_subscription);
    make_items(view);
}
