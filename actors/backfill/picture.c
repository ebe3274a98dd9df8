#include "picture.h"

#include "known.h"
#include "must.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = STORE_KEY_BYTES_MAX + 1, WALK_MAX = 24, ID_BYTES = EVENT_ID_BYTES_MAX + 1 };

/* "a\nb\nc": no part has a line end in it. False if that is too long. */
static bool make_key(char key[KEY_BYTES], const char *a, const char *b, const char *c)
{
    int len = snprintf(key, KEY_BYTES, "%s\n%s\n%s", a, b, c);
    return len > 0 && len < KEY_BYTES;
}

void known_fini(struct known *known)
{
    json_decref(known->tree);
    *known = (struct known){0};
}

void picture_source(const char *event_id, char source[EVENT_NAME_BYTES_MAX + 1])
{
    size_t len = strcspn(event_id, ":");
    snprintf(source, EVENT_NAME_BYTES_MAX + 1, "%.*s", (int)len, event_id);
}

/* --- facts ----------------------------------------------------------------------------------- */

static enum fault load(struct store_txn *txn, int table, const char *key, struct known *known)
{
    *known = (struct known){0};
    enum fault fault = tree_load(txn, table, text_slice(key), &known->tree);
    if (fault == OK && known->tree && fact_read(known->tree, &known->fact) == OK) {
        known->there = true;
        known->doubt = tree_flag(known->tree, "doubt");
    }
    return fault;
}

static enum fault save(struct store_txn *txn, int table, const char *key, const struct fact *fact,
                       bool doubt)
{
    json_t *tree = fact_tree(fact);
    if (doubt) {
        tree_set_flag(tree, "doubt", true);
    }
    enum fault fault = tree_save(txn, table, text_slice(key), tree);
    json_decref(tree);
    return fault;
}

static enum fault join(struct store_txn *txn, int table, const char *source,
                       const struct fact *fact)
{
    char key[KEY_BYTES];
    struct known known;
    bool doubt = false;
    if (!make_key(key, source, fact_kind_name(fact->kind), fact->key)) {
        return OK;
    }
    enum fault fault = load(txn, table, key, &known);
    if (fault == OK && (!known.there || known_join(&known.fact, fact, &doubt))) {
        fault = save(txn, table, key, fact, false);
    } else if (fault == OK && doubt) {
        fault = save(txn, table, key, &known.fact, true);
    }
    known_fini(&known);
    return fault;
}

static enum fault link_both(struct store_txn *txn, const char *source, const char *a, const char *b)
{
    char key[KEY_BYTES];
    enum fault fault = OK;
    for (int turn = 0; turn < 2 && fault == OK; turn++) {
        if (*a && *b && make_key(key, source, turn ? b : a, turn ? a : b)) {
            fault = store_put(txn, TABLE_LINKS, text_slice(key), (struct slice){"", 0});
        }
    }
    return fault;
}

/* What a fact says belongs together. */
static enum fault note_links(struct store_txn *txn, const char *source, const struct fact *fact)
{
    enum fault fault = OK;
    if (fact->kind == FACT_LINK || fact->kind == FACT_REFUND_STATE || fact->kind == FACT_DISPUTE) {
        fault = link_both(txn, source, fact->key, fact->object);
    }
    if (fault == OK && *fact->payment_intent) {
        fault = link_both(txn, source, fact->key, fact->payment_intent);
    }
    return fault;
}

enum fault picture_note(struct store_txn *txn, const struct event *event, const json_t *facts)
{
    char source[EVENT_NAME_BYTES_MAX + 1];
    picture_source(event->id, source);
    enum fault fault = store_put(txn, TABLE_SEEN, text_slice(event->id), (struct slice){"", 0});
    for (size_t i = 0; fault == OK && i < json_array_size(facts); i++) {
        struct fact fact;
        if (fact_read(json_array_get(facts, i), &fact) != OK) {
            continue;
        }
        fault = note_links(txn, source, &fact);
        if (fault == OK && known_counts(fact.kind)) {
            fault = join(txn, TABLE_KNOWN, source, &fact);
        }
    }
    return fault;
}

enum fault picture_would(struct store_txn *txn, const char *source, const struct fact *fact)
{
    return known_counts(fact->kind) ? join(txn, TABLE_WOULD, source, fact) : OK;
}

enum fault picture_forget_would(struct store_txn *txn)
{
    return store_clear(txn, TABLE_WOULD);
}

/* --- asking ---------------------------------------------------------------------------------- */

enum fault picture_seen(struct store_txn *txn, const char *event_id, bool *seen)
{
    struct slice value;
    enum fault fault = store_get(txn, TABLE_SEEN, text_slice(event_id), &value);
    *seen = fault == OK;
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

enum fault picture_known(struct store_txn *txn, const char *source, enum fact_kind kind,
                         const char *key, struct known *known)
{
    char row[KEY_BYTES];
    struct known would = {0};
    bool doubt;
    *known = (struct known){0};
    if (!make_key(row, source, fact_kind_name(kind), key)) {
        return OK;
    }
    enum fault fault = load(txn, TABLE_KNOWN, row, known);
    if (fault == OK) {
        fault = load(txn, TABLE_WOULD, row, &would);
    }
    if (fault == OK && would.there &&
        (!known->there || known_join(&known->fact, &would.fact, &doubt))) {
        known_fini(known);
        *known = would;
        return OK;
    }
    known_fini(&would);
    return fault;
}

/* --- ways ------------------------------------------------------------------------------------ */

struct walk {
    const char *source;
    const char *prefix; /* of what is looked for; "": collect everything */
    size_t skip;        /* bytes of a key in front of the other object's id */
    size_t count;
    char ids[WALK_MAX][ID_BYTES];
};

static bool collect(void *self, struct slice key, struct slice value)
{
    (void)value;
    struct walk *walk = self;
    size_t len = key.len - walk->skip;
    const char *id = (const char *)key.bytes + walk->skip;
    size_t wanted = strlen(walk->prefix);
    bool fits = len < ID_BYTES && len >= wanted && memcmp(id, walk->prefix, wanted) == 0 &&
                !(len >= 4 && memcmp(id, "cus_", 4) == 0);
    for (size_t i = 0; fits && i < walk->count; i++) {
        fits = strlen(walk->ids[i]) != len || memcmp(walk->ids[i], id, len) != 0;
    }
    if (fits) {
        memcpy(walk->ids[walk->count], id, len);
        walk->ids[walk->count++][len] = '\0';
    }
    return walk->count < WALK_MAX;
}

static enum fault neighbours(struct store_txn *txn, struct walk *walk, const char *id)
{
    char prefix[KEY_BYTES];
    if (walk->count == WALK_MAX || !make_key(prefix, walk->source, id, "")) {
        return OK;
    }
    walk->skip = strlen(prefix);
    return store_scan(txn, TABLE_LINKS, text_slice(prefix), (struct slice){NULL, 0}, false, collect,
                      walk);
}

static enum fault is_bought(struct store_txn *txn, const char *source, const char *id, bool *bought)
{
    static const enum fact_kind kinds[] = {FACT_PAYMENT, FACT_SUBSCRIPTION};
    enum fault fault = OK;
    *bought = false;
    for (size_t i = 0; i < 2 && fault == OK && !*bought; i++) {
        struct known known;
        fault = picture_known(txn, source, kinds[i], id, &known);
        *bought = known.there;
        known_fini(&known);
    }
    return fault;
}

enum fault picture_homed(struct store_txn *txn, const char *source, const char *id, bool *homed)
{
    struct walk *walk = must_calloc(1, sizeof *walk);
    enum fault fault = OK;
    walk->source = source;
    walk->prefix = "";
    *homed = false;
    snprintf(walk->ids[walk->count++], ID_BYTES, "%s", id);
    for (size_t i = 0; i < walk->count && fault == OK && !*homed; i++) {
        fault = is_bought(txn, source, walk->ids[i], homed);
        if (fault == OK && !*homed) {
            fault = neighbours(txn, walk, walk->ids[i]);
        }
    }
    free(walk);
    return fault;
}

enum fault picture_linked(struct store_txn *txn, const char *source, const char *id,
                          const char *prefix, char found[EVENT_ID_BYTES_MAX + 1])
{
    struct walk *walk = must_calloc(1, sizeof *walk);
    walk->source = source;
    walk->prefix = prefix;
    enum fault fault = neighbours(txn, walk, id);
    snprintf(found, EVENT_ID_BYTES_MAX + 1, "%s", walk->count ? walk->ids[0] : "");
    free(walk);
    return fault;
}
