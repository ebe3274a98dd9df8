#include "projection_core.h"

#include "must.h"
#include "values.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 128, NAME_BYTES_MAX = 1024, ALIASES_MAX = 64 };

/* --- rows: {"doc", "seq", "time"} -------------------------------------------------------------- */

enum fault member_row(struct store_txn *txn, const char *id, json_t **row)
{
    struct key key = {.len = 0};
    key_text(&key, id);
    return tree_load(txn, TABLE_MEMBERS, key_slice(&key), row);
}

/* The lists that a document stands in. */
enum { LISTS_OF_ONE = 3 };

static void lists_of(const json_t *document, char lists[LISTS_OF_ONE][64])
{
    snprintf(lists[0], sizeof lists[0], "%s", "");
    snprintf(lists[1], sizeof lists[1], "s:%.32s", tree_text(document, "state"));
    snprintf(lists[2], sizeof lists[2], "a:%s", tree_flag(document, "access") ? "true" : "false");
}

static enum fault change_key(struct store_txn *txn, int table, const struct key *key,
                             const char *value)
{
    return value ? store_put(txn, table, key_slice(key), text_slice(value))
                 : store_delete(txn, table, key_slice(key));
}

static enum fault change_lists(struct store_txn *txn, const json_t *document, uint64_t seq,
                               bool put)
{
    char lists[LISTS_OF_ONE][64];
    enum fault fault = OK;
    lists_of(document, lists);
    for (size_t i = 0; fault == OK && i < LISTS_OF_ONE; i++) {
        struct key key = {.len = 0};
        key_text(&key, lists[i]);
        key_seq(&key, seq);
        fault = change_key(txn, TABLE_LISTS, &key, put ? tree_text(document, "id") : NULL);
        if (fault == OK) {
            char name[80];
            snprintf(name, sizeof name, "members:%s", lists[i]);
            fault = count_add(txn, name, put ? 1 : -1);
        }
    }
    return fault;
}

static enum fault change_name(struct store_txn *txn, const char *name, const char *id, bool put)
{
    char lower[NAME_BYTES_MAX];
    struct key key = {.len = 0};
    if (!*name) {
        return OK;
    }
    words_lower(name, lower, sizeof lower);
    key_text(&key, lower);
    key_text(&key, id);
    return change_key(txn, TABLE_NAMES, &key, put ? "" : NULL);
}

static enum fault change_names(struct store_txn *txn, const json_t *document, bool put)
{
    static const char *const fields[] = {"id", "email", "app_user"};
    static const char *const lists[] = {"aliases", "customers"};
    const char *id = tree_text(document, "id");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < sizeof fields / sizeof *fields; i++) {
        fault = change_name(txn, tree_text(document, fields[i]), id, put);
    }
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        const json_t *list = tree_get(document, lists[l]);
        for (size_t i = 0; fault == OK && i < json_array_size(list) && i < NAMES_MAX; i++) {
            const char *name = json_string_value(json_array_get(list, i));
            fault = name ? change_name(txn, name, id, put) : OK;
        }
    }
    return fault;
}

static enum fault change_words(struct store_txn *txn, const json_t *document, bool put)
{
    struct words *words = must_calloc(1, sizeof *words);
    enum fault fault = OK;
    words_of(document, words);
    for (size_t i = 0; fault == OK && i < words->count; i++) {
        struct key key = {.len = 0};
        key_text(&key, words->word[i]);
        key_text(&key, tree_text(document, "id"));
        fault = change_key(txn, TABLE_WORDS, &key, put ? "" : NULL);
    }
    free(words);
    return fault;
}

/* Whether who is found by what is the same: most changes are of state and money. */
static bool same_names(const json_t *a, const json_t *b)
{
    static const char *const fields[] = {"id", "email", "name", "app_user", "aliases", "customers"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!json_equal(tree_get(a, fields[i]), tree_get(b, fields[i]))) {
            return false;
        }
    }
    return true;
}

static enum fault change_found(struct store_txn *txn, const json_t *document, bool put)
{
    enum fault fault = change_names(txn, document, put);
    return fault == OK ? change_words(txn, document, put) : fault;
}

static bool same_glance(const json_t *a, const json_t *b)
{
    return strcmp(tree_text(a, "state"), tree_text(b, "state")) == 0 &&
           tree_flag(a, "access") == tree_flag(b, "access");
}

static bool is_known_payment(const json_t *document, const json_t *old)
{
    const char *object = tree_text(tree_get(document, "last_payment"), "object");
    return strcmp(object, tree_text(tree_get(old, "last_payment"), "object")) == 0 ||
           tree_int(document, "last_payment_at") < tree_int(old, "last_payment_at");
}

/* A member that became part of another: known by its names there, and in no list. */
static enum fault remove_member(struct store_txn *txn, const char *id, const json_t *into,
                                struct member_news *news)
{
    json_t *row = NULL;
    struct key key = {.len = 0};
    enum fault fault = member_row(txn, id, &row);
    const json_t *document = tree_get(row, "doc");
    if (fault == OK && document) {
        fault = change_lists(txn, document, (uint64_t)tree_int(row, "seq"), false);
        fault = fault == OK ? change_found(txn, document, false) : fault;
        key_text(&key, id);
        fault = fault == OK ? store_delete(txn, TABLE_MEMBERS, key_slice(&key)) : fault;
        fault = fault == OK ? store_delete(txn, TABLE_GLANCES, key_slice(&key)) : fault;
        news->paid = news->paid && !is_known_payment(into, document);
    }
    json_decref(row);
    return fault;
}

static enum fault remove_merged(struct store_txn *txn, const json_t *document,
                                struct member_news *news)
{
    const json_t *merged = tree_get(document, "merged");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < json_array_size(merged); i++) {
        const char *id = json_string_value(json_array_get(merged, i));
        if (id && strcmp(id, tree_text(document, "id")) != 0) {
            fault = remove_member(txn, id, document, news);
        }
    }
    return fault;
}

/* What pages need; effects and what tags there are at all stay in the journal. */
static json_t *kept_document(const json_t *document)
{
    json_t *kept = json_copy((json_t *)document);
    json_object_del(kept, "effects");
    json_object_del(kept, "all_tags");
    json_object_del(kept, "merged");
    return kept;
}

static enum fault save_member(struct store_txn *txn, const struct event *event,
                              const json_t *document)
{
    struct key key = {.len = 0};
    json_t *row = json_object();
    key_text(&key, tree_text(document, "id"));
    tree_set(row, "doc", kept_document(document));
    tree_set_int(row, "seq", (int64_t)event->seq);
    tree_set_int(row, "time", event->time_ms);
    enum fault fault = tree_save(txn, TABLE_MEMBERS, key_slice(&key), row);
    json_decref(row);
    return fault;
}

enum fault members_apply(struct store_txn *txn, const struct event *event, json_t *document,
                         struct member_news *news)
{
    json_t *row = NULL;
    const char *id = tree_text(document, "id");
    if (!*id) {
        return OK;
    }
    news->paid = tree_int(tree_get(document, "last_payment"), "amount") > 0;
    enum fault fault = remove_merged(txn, document, news);
    fault = fault == OK ? member_row(txn, id, &row) : fault;
    json_t *old = tree_get(row, "doc");
    news->before = json_incref(old);
    news->paid = news->paid && !is_known_payment(document, old);
    bool same = old && same_names(old, document);
    if (fault == OK && old) {
        fault = change_lists(txn, old, (uint64_t)tree_int(row, "seq"), false);
        fault = fault == OK && !same ? change_found(txn, old, false) : fault;
    }
    fault = fault == OK ? change_lists(txn, document, event->seq, true) : fault;
    fault = fault == OK && !same ? change_found(txn, document, true) : fault;
    if (fault == OK && !(same && same_glance(old, document))) {
        fault = glance_save(txn, document);
    }
    fault = fault == OK ? save_member(txn, event, document) : fault;
    json_decref(row);
    return fault;
}

/* --- by name ----------------------------------------------------------------------------------- */

struct collect {
    json_t *list;
    size_t prefix_len;
    size_t most;
};

/* What stands behind the prefix is an id and a NUL. */
static bool collect_id(void *self, struct slice key, struct slice value)
{
    const struct collect *collect = self;
    (void)value;
    const char *id = (const char *)key.bytes + collect->prefix_len;
    size_t len = key.len - collect->prefix_len;
    if (len > 1) {
        MUST(json_array_append_new(collect->list, json_stringn(id, len - 1)) == 0);
    }
    return json_array_size(collect->list) < collect->most;
}

enum fault members_named(struct store_txn *txn, const char *name, json_t *list)
{
    char lower[NAME_BYTES_MAX];
    struct key key = {.len = 0};
    if (!*name) {
        return OK;
    }
    words_lower(name, lower, sizeof lower);
    key_text(&key, lower);
    struct collect collect = {list, key.len, ALIASES_MAX};
    return store_scan(txn, TABLE_NAMES, key_slice(&key), (struct slice){NULL, 0}, false, collect_id,
                      &collect);
}

static bool is_better(const json_t *document, const json_t *than)
{
    bool has = tree_flag(document, "access"), had = tree_flag(than, "access");
    return !than ||
           (has != had ? has
                       : tree_int(document, "last_payment_at") > tree_int(than, "last_payment_at"));
}

enum fault projection_member(struct store_txn *txn, const char *who, json_t **document)
{
    json_t *ids = json_array(), *row = NULL;
    *document = NULL;
    enum fault fault = member_row(txn, who, &row); /* mostly it is the id */
    if (fault == OK && row) {
        *document = json_incref(tree_get(row, "doc"));
    } else if (fault == OK) {
        fault = members_named(txn, who, ids);
    }
    json_decref(row);
    for (size_t i = 0; fault == OK && i < json_array_size(ids); i++) {
        fault = member_row(txn, json_string_value(json_array_get(ids, i)), &row);
        json_t *found = tree_get(row, "doc");
        if (fault == OK && found && is_better(found, *document)) {
            json_decref(*document);
            *document = json_incref(found);
        }
        json_decref(row);
    }
    json_decref(ids);
    return fault == OK && !*document ? FAULT_NOT_FOUND : fault;
}

/* --- what happened to one ---------------------------------------------------------------------- */

struct history {
    const char *lane;
    json_t *seqs;
    size_t most;
};

static bool on_moment(void *self, struct slice key, struct slice value)
{
    struct history *history = self;
    bool fits_lane = !*history->lane || (value.len == strlen(history->lane) &&
                                         memcmp(value.bytes, history->lane, value.len) == 0);
    if (fits_lane) {
        json_int_t seq = (json_int_t)key_last_seq(key);
        MUST(json_array_append_new(history->seqs, json_integer(seq)) == 0);
    }
    return json_array_size(history->seqs) < history->most;
}

static enum fault moments_of(struct store_txn *txn, const char *member, uint64_t below,
                             struct history *history)
{
    struct key prefix = {.len = 0};
    key_text(&prefix, member);
    history->most += json_array_size(history->seqs);
    return scan_newest(txn, TABLE_TIMELINE, &prefix, below, on_moment, history);
}

static int newer(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? 1 : left > right ? -1 : 0;
}

/* Newest first, each once: members that became one may share an event. */
static size_t sort_seqs(const json_t *seqs, int64_t *sorted)
{
    size_t count = json_array_size(seqs), kept = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = json_integer_value(json_array_get(seqs, i));
    }
    qsort(sorted, count, sizeof *sorted, newer);
    for (size_t i = 0; i < count; i++) {
        if (!kept || sorted[kept - 1] != sorted[i]) {
            sorted[kept++] = sorted[i];
        }
    }
    return kept;
}

static enum fault lines_of(struct store_txn *txn, const int64_t *seqs, size_t count,
                           const json_t *document, json_t *lines)
{
    const char *name = tree_text(document, "name");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < count; i++) {
        json_t *line = NULL;
        fault = line_load(txn, (uint64_t)seqs[i], &line);
        if (fault == OK && line) {
            tree_set_text(line, "member", tree_text(document, "id"));
            tree_set(line, "name", json_string(*name ? name : tree_text(document, "email")));
            MUST(json_array_append_new(lines, line) == 0);
        }
    }
    return fault;
}

enum fault projection_timeline(struct store_txn *txn, const char *member, const char *lane,
                               const char *after, size_t limit, json_t **answer)
{
    json_t *document = NULL, *lines = json_array();
    struct history history = {.lane = lane, .seqs = json_array()};
    uint64_t below = 0;
    limit = limit < PROJECTION_PAGE_MAX ? limit : PROJECTION_PAGE_MAX;
    (void)place_read(after, &below);
    enum fault fault = projection_member(txn, member, &document);
    const json_t *aliases = tree_get(document, "aliases");
    for (size_t i = 0; fault == OK && i < json_array_size(aliases) && i < ALIASES_MAX; i++) {
        history.most = limit + 1;
        fault = moments_of(txn, json_string_value(json_array_get(aliases, i)), below, &history);
    }
    int64_t *seqs = must_calloc(json_array_size(history.seqs) + 1, sizeof *seqs);
    size_t count = sort_seqs(history.seqs, seqs);
    bool more = count > limit;
    count = more ? limit : count;
    fault = fault == OK ? lines_of(txn, seqs, count, document, lines) : fault;
    *answer = NULL;
    if (fault == OK) {
        *answer = json_object();
        tree_set(*answer, "timeline", json_incref(lines));
        tree_set(*answer, "next", more ? place_text((uint64_t)seqs[count - 1]) : json_null());
    }
    free(seqs);
    json_decref(history.seqs);
    json_decref(lines);
    json_decref(document);
    return fault;
}

static bool on_lane(void *self, struct slice key, struct slice value)
{
    json_t *tree = NULL, *answer = self;
    const char *member = key.bytes;
    const char *actor = member + strlen(member) + 1;
    if (value_unpack(value.bytes, value.len, &tree) == OK) {
        const json_t *there = tree_get(answer, actor);
        if (tree_int(there, "at") <= tree_int(tree, "at")) {
            tree_set(answer, actor, tree);
        } else {
            json_decref(tree);
        }
    }
    return true;
}

enum fault projection_lanes(struct store_txn *txn, const char *member, json_t **answer)
{
    json_t *document = NULL, *lanes = json_object();
    enum fault fault = projection_member(txn, member, &document);
    const json_t *aliases = tree_get(document, "aliases");
    for (size_t i = 0; fault == OK && i < json_array_size(aliases) && i < ALIASES_MAX; i++) {
        struct key prefix = {.len = 0};
        key_text(&prefix, json_string_value(json_array_get(aliases, i)));
        fault = store_scan(txn, TABLE_LANES, key_slice(&prefix), (struct slice){NULL, 0}, false,
                           on_lane, lanes);
    }
    json_decref(document);
    if (fault != OK) {
        json_decref(lanes);
        lanes = NULL;
    }
    *answer = lanes;
    return fault;
}
