/* projection_search.c - members in lists: all of them by their newest change, or by words.
 *
 * A glance is what decides whether somebody belongs into a list: to look at it costs little beside the
 * document, and of many one looks at only a page is shown. */
#include "projection_core.h"

#include "money.h"
#include "must.h"
#include "shown.h"
#include "values.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKED_AT_MAX = 20000, COUNTED_MAX = 1000 };

/* --- glances: access, state NUL, name, and each word behind a NUL; a NUL -------------------------- */

enum fault glance_save(struct store_txn *txn, const json_t *document)
{
    struct words *words = must_calloc(1, sizeof *words);
    struct key key = {.len = 0};
    struct buf packed = {0};
    const char *state = tree_text(document, "state"), *name = tree_text(document, "name");
    name = *name ? name : tree_text(document, "email");
    words_of(document, words);
    buf_add(&packed, tree_flag(document, "access") ? "1" : "0", 1);
    buf_add(&packed, state, strlen(state) + 1);
    buf_add(&packed, name, strlen(name));
    words_pack(words, &packed);
    key_text(&key, tree_text(document, "id"));
    enum fault fault =
        store_put(txn, TABLE_GLANCES, key_slice(&key), (struct slice){packed.bytes, packed.len});
    buf_fini(&packed);
    free(words);
    return fault;
}

bool glance_get(struct store_txn *txn, const char *id, struct glance *glance)
{
    struct key key = {.len = 0};
    struct slice value;
    key_text(&key, id);
    if (store_get(txn, TABLE_GLANCES, key_slice(&key), &value) != OK) {
        return false;
    }
    const char *bytes = value.bytes, *end = bytes + value.len;
    glance->access = *bytes == '1';
    glance->state = bytes + 1;
    glance->name = glance->state + strlen(glance->state) + 1;
    glance->words = glance->name + strlen(glance->name);
    glance->words_len = (size_t)(end - glance->words);
    return true;
}

/* --- rows ------------------------------------------------------------------------------------- */

static json_t *listed(const json_t *row)
{
    static const char *const copied[] = {"id", "email", "name", "state", "access", "tags"};
    const json_t *document = tree_get(row, "doc");
    const json_t *payment = tree_get(document, "last_payment");
    json_t *shown = json_object(), *last = json_null();
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        copy_or_null(shown, document, copied[i]);
    }
    if (tree_int(document, "last_payment_at")) {
        struct buf words = {0};
        money_words(tree_int(payment, "amount"), tree_text(payment, "currency"), &words);
        last = json_object();
        tree_set_int(last, "amount", tree_int(payment, "amount"));
        tree_set_text(last, "currency", tree_text(payment, "currency"));
        tree_set_text(last, "text", buf_text(&words));
        buf_fini(&words);
    }
    tree_set(shown, "last_payment_at", shown_time(tree_int(document, "last_payment_at")));
    tree_set(shown, "last_payment", last);
    tree_set(shown, "updated_at", shown_time(tree_int(row, "time")));
    return shown;
}

/* --- lists ------------------------------------------------------------------------------------- */

struct listing {
    struct store_txn *txn;
    const struct members_query *query;
    const struct words *asked; /* NULL: nothing is searched for */
    size_t lead;               /* the word of those whose keys are walked */
    json_t *list;
    size_t limit;
    size_t looked_at;
    struct key last; /* the newest key that was passed */
    bool more;
    enum fault fault;
};

static bool fits(const struct listing *listing, const struct glance *glance, const char *word)
{
    const struct members_query *query = listing->query;
    bool access = strcmp(query->access, "true") == 0;
    if ((*query->state && strcmp(query->state, glance->state) != 0) ||
        (*query->access && access != glance->access)) {
        return false;
    }
    for (size_t i = 0; listing->asked && i < listing->asked->count; i++) {
        const char *asked = listing->asked->word[i];
        const char *first = words_packed_first(glance->words, glance->words_len, asked);
        /* Somebody with several words of one beginning is listed at the first of them. */
        if (!first || (i == listing->lead && strcmp(first, word) != 0)) {
            return false;
        }
    }
    return true;
}

static void add_row(struct listing *listing, const char *id)
{
    json_t *row = NULL;
    listing->fault = member_row(listing->txn, id, &row);
    if (listing->fault == OK && row) {
        MUST(json_array_append_new(listing->list, listed(row)) == 0);
    }
    json_decref(row);
}

/* False: the page is full. */
static bool take(struct listing *listing, struct slice key, const char *id, const char *word)
{
    struct glance glance;
    if (json_array_size(listing->list) == listing->limit || listing->looked_at == LOOKED_AT_MAX) {
        listing->more = true;
        return false;
    }
    listing->looked_at++;
    if (glance_get(listing->txn, id, &glance) && fits(listing, &glance, word)) {
        add_row(listing, id);
    }
    memcpy(listing->last.bytes, key.bytes, key.len);
    listing->last.len = key.len;
    return listing->fault == OK;
}

static bool on_word(void *self, struct slice key, struct slice value)
{
    (void)value;
    const char *word = key.bytes;
    const char *id = word + strnlen(word, key.len) + 1;
    return id >= word + key.len || take(self, key, id, word);
}

static bool on_listed(void *self, struct slice key, struct slice value)
{
    char id[STORE_KEY_BYTES_MAX + 1];
    size_t len = value.len < sizeof id ? value.len : sizeof id - 1;
    memcpy(id, value.bytes, len);
    id[len] = '\0';
    return take(self, key, id, NULL);
}

/* "next" is hex: which word led, and the last key that was passed. A search goes on behind it, a list
 * below it. Of anything else the list begins at its start. */
static struct slice place_of(struct listing *listing, const char *after, struct key *key)
{
    uint8_t bytes[STORE_KEY_BYTES_MAX + 1];
    size_t len = strlen(after) / 2;
    if (len < 2 || len >= sizeof bytes || !hex_decode(after, strlen(after), bytes, len)) {
        return (struct slice){NULL, 0};
    }
    key->len = len - 1;
    memcpy(key->bytes, bytes + 1, key->len);
    if (!listing->asked) {
        return key_slice(key);
    }
    if (bytes[0] >= listing->asked->count) {
        return (struct slice){NULL, 0};
    }
    listing->lead = bytes[0];
    key->bytes[key->len++] = 0;
    return key_slice(key);
}

static json_t *next_of(const struct listing *listing)
{
    char hex[2 * (STORE_KEY_BYTES_MAX + 1) + 1];
    uint8_t lead = (uint8_t)listing->lead;
    if (!listing->more || !listing->last.len) {
        return json_null();
    }
    hex_encode(&lead, 1, hex);
    hex_encode(listing->last.bytes, listing->last.len, hex + 2);
    return json_string(hex);
}

static bool count_one(void *self, struct slice key, struct slice value)
{
    size_t *count = self;
    (void)key;
    (void)value;
    return ++*count < COUNTED_MAX;
}

/* The word that the fewest have, as far as is counted. */
static enum fault choose_lead(struct listing *listing)
{
    size_t fewest = SIZE_MAX;
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && listing->asked->count > 1 && i < listing->asked->count; i++) {
        size_t count = 0;
        fault = store_scan(listing->txn, TABLE_WORDS, text_slice(listing->asked->word[i]),
                           (struct slice){NULL, 0}, false, count_one, &count);
        if (count < fewest) {
            fewest = count;
            listing->lead = i;
        }
    }
    return fault;
}

static enum fault search(struct listing *listing, struct slice from)
{
    enum fault fault = from.len ? OK : choose_lead(listing);
    const char *word = listing->asked->word[listing->lead];
    return fault == OK ? store_scan(listing->txn, TABLE_WORDS, text_slice(word), from, false,
                                    on_word, listing)
                       : fault;
}

static enum fault list(struct listing *listing, struct slice before)
{
    const struct members_query *query = listing->query;
    struct key prefix = {.len = 0};
    char name[64] = "";
    if (*query->state) {
        snprintf(name, sizeof name, "s:%.32s", query->state);
    } else if (*query->access) {
        snprintf(name, sizeof name, "a:%.8s", query->access);
    }
    key_text(&prefix, name);
    return store_scan_before(listing->txn, TABLE_LISTS, key_slice(&prefix), before, on_listed,
                             listing);
}

static json_t *total_of(struct store_txn *txn, const struct members_query *query)
{
    char name[80] = "members:";
    if (*query->text || (*query->state && *query->access)) {
        return json_null();
    }
    if (*query->state) {
        snprintf(name, sizeof name, "members:s:%.32s", query->state);
    } else if (*query->access) {
        snprintf(name, sizeof name, "members:a:%.8s", query->access);
    }
    return json_integer(count_of(txn, name));
}

enum fault projection_members(struct store_txn *txn, const struct members_query *query,
                              json_t **answer)
{
    struct words *asked = must_calloc(1, sizeof *asked);
    struct key place;
    words_split(query->text, WORDS_ASKED_MAX, asked);
    struct listing listing = {.txn = txn,
                              .query = query,
                              .asked = asked->count ? asked : NULL,
                              .list = json_array(),
                              .limit = query->limit < PROJECTION_PAGE_MAX ? query->limit
                                                                          : PROJECTION_PAGE_MAX};
    struct slice from = place_of(&listing, query->after, &place);
    enum fault fault = asked->count ? search(&listing, from) : list(&listing, from);
    fault = fault == OK ? listing.fault : fault;
    *answer = NULL;
    if (fault == OK) {
        *answer = json_object();
        tree_set(*answer, "members", json_incref(listing.list));
        tree_set(*answer, "next", next_of(&listing));
        tree_set(*answer, "total", total_of(txn, query));
    }
    json_decref(listing.list);
    free(asked);
    return fault;
}
