#include "ledger.h"

#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { MEMBERS_LIMIT = 100, MEMBERS_LIMIT_MAX = 1000, FOUND_MAX = 64, TRACE_EVENTS_MAX = 10000 };

/* --- who -------------------------------------------------------------------------------------- */

struct search {
    const char *who;
    const char *email; /* normal; "" if it is none */
    struct store_txn *txn;
    uint64_t seen[FOUND_MAX];
    size_t seen_count;
    json_t *found; /* of objects with document, view's extras */
    enum fault fault;
};

static bool is_meant(const struct search *search, const struct view *view,
                     const struct member *member, const char *source)
{
    if (source && view_member_of(view, source, search->who) == member) {
        return true;
    }
    for (size_t i = 0; i < member->record_count; i++) {
        const struct record *record = member->records[i];
        if (strcmp(record->id, search->who) == 0 ||
            (*record->app_user && strcmp(record->app_user, search->who) == 0) ||
            (*search->email && strcmp(record->email, search->email) == 0)) {
            return true;
        }
    }
    return false;
}

static bool share_email(const struct member *a, const struct member *b)
{
    for (size_t i = 0; i < a->record_count; i++) {
        for (size_t j = 0; *a->records[i]->email && j < b->record_count; j++) {
            if (strcmp(a->records[i]->email, b->records[j]->email) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void add_found(struct search *search, uint64_t number, const struct view *view,
                      const struct member *member)
{
    json_t *row = NULL;
    if (search->fault == OK) {
        search->fault = publish_row(search->txn, member->id, &row);
    }
    json_t *document = tree_get(row, "doc");
    if (search->fault != OK || !document) {
        json_decref(row);
        return;
    }
    json_incref(document);
    json_object_del(document, "effects");
    tree_set_text(document, "because", tree_text(row, "because"));
    json_t *timeline = json_array(), *suggestions = json_array();
    search->fault = timeline_list(search->txn, number, view, member, timeline);
    for (size_t i = 0; i < view->member_count; i++) {
        if (&view->members[i] != member && share_email(&view->members[i], member)) {
            MUST(json_array_append_new(suggestions, json_string(view->members[i].id)) == 0);
        }
    }
    tree_set(document, "timeline", timeline);
    tree_set(document, "suggestions", suggestions);
    MUST(json_array_append_new(search->found, document) == 0);
    json_decref(row);
}

static void search_component(void *self, uint64_t number, const char *source)
{
    struct search *search = self;
    struct rules rules; /* access is in the document; the view only says who is who */
    for (size_t i = 0; i < search->seen_count; i++) {
        if (search->seen[i] == number) {
            return;
        }
    }
    struct component component;
    if (number == 0 || search->fault != OK || search->seen_count == FOUND_MAX) {
        return;
    }
    search->fault = keep_load(search->txn, number, &component);
    if (search->fault != OK) {
        return;
    }
    search->seen[search->seen_count++] = number;
    rules_default(&rules);
    struct view *view = view_new(&component.facts, &rules);
    for (size_t i = 0; i < view->member_count; i++) {
        if (is_meant(search, view, &view->members[i], source)) {
            add_found(search, number, view, &view->members[i]);
        }
    }
    view_destroy(&view);
    keep_fini(&component);
}

static json_t *find_members(struct store_txn *txn, const char *who, enum fault *fault)
{
    struct arena arena = {0};
    struct search search = {
        .who = who, .email = email_normal(&arena, who), .txn = txn, .found = json_array()};
    static const char kinds[] = {'m', 'e', 'u'};
    for (size_t i = 0; i < sizeof kinds && search.fault == OK; i++) {
        uint64_t number;
        const char *text = kinds[i] == 'e' ? search.email : who;
        search.fault = *text ? keep_number(txn, kinds[i], "", text, &number) : FAULT_NOT_FOUND;
        if (search.fault == OK) {
            search_component(&search, number, NULL);
        } else if (search.fault == FAULT_NOT_FOUND) {
            search.fault = OK;
        }
    }
    if (search.fault == OK && *who && json_array_size(search.found) == 0) {
        search.seen_count = 0;
        *fault = keep_objects(txn, who, search_component, &search);
        search.fault = search.fault == OK ? *fault : search.fault;
    }
    arena_fini(&arena);
    *fault = search.fault;
    return search.found;
}

static json_t *answer_member(struct store_txn *txn, const json_t *question, enum fault *fault)
{
    json_t *answer = json_object();
    tree_set(answer, "members", find_members(txn, tree_text(question, "who"), fault));
    return answer;
}

/* --- why -------------------------------------------------------------------------------------- */

static json_t *answer_why(struct store_txn *txn, const json_t *question, enum fault *fault)
{
    const char *who = tree_text(question, "who");
    json_t *found = find_members(txn, who, fault), *answer = json_object();
    struct buf sentence = {0};
    const json_t *first = json_array_get(found, 0);
    for (size_t i = 0; i < json_array_size(found); i++) { /* the one with access goes before */
        if (!tree_flag(first, "access") && tree_flag(json_array_get(found, i), "access")) {
            first = json_array_get(found, i);
        }
    }
    if (!first) {
        buf_printf(&sentence, "Nobody is known by %s.", who);
    } else {
        const char *name = tree_text(first, "name"), *email = tree_text(first, "email");
        const char *called = *name ? name : *email ? email : tree_text(first, "id");
        buf_printf(&sentence, "%s", called);
        if (*name && *email) {
            buf_printf(&sentence, " (%s)", email);
        }
        buf_printf(&sentence, " has %saccess: %s (rule: %s).",
                   tree_flag(first, "access") ? "" : "no ", tree_text(first, "reason"),
                   tree_text(first, "because"));
        tree_set_text(answer, "rule", tree_text(first, "because"));
        static const char *const copied[] = {"id", "state", "reason", "version"};
        for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
            if (tree_get(first, copied[i])) {
                tree_set(answer, copied[i], json_incref(tree_get(first, copied[i])));
            }
        }
    }
    json_t *text = json_string(buf_text(&sentence));
    tree_set(answer, "sentence", text ? text : json_string(""));
    tree_set_flag(answer, "access", tree_flag(first, "access"));
    tree_set_int(answer, "found", (int64_t)json_array_size(found));
    buf_fini(&sentence);
    json_decref(found);
    return answer;
}

/* --- lists ------------------------------------------------------------------------------------ */

struct listing {
    const char *state;
    const char *after;
    size_t limit;
    json_t *list;
    bool more;
};

static bool list_member(void *self, struct slice key, struct slice value)
{
    struct listing *listing = self;
    static const char *const shown[] = {"id",     "email",   "name", "state",
                                        "access", "version", "tags"};
    if (key.len == strlen(listing->after) && memcmp(key.bytes, listing->after, key.len) == 0) {
        return true;
    }
    json_t *row = NULL;
    if (value_unpack(value.bytes, value.len, &row) != OK) {
        return true;
    }
    const json_t *document = tree_get(row, "doc");
    bool wanted =
        document && (!*listing->state || strcmp(listing->state, tree_text(document, "state")) == 0);
    if (wanted && json_array_size(listing->list) == listing->limit) {
        listing->more = true;
        json_decref(row);
        return false;
    }
    if (wanted) {
        json_t *member = json_object();
        for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
            tree_set(member, shown[i], json_incref(tree_get(document, shown[i])));
        }
        MUST(json_array_append_new(listing->list, member) == 0);
    }
    json_decref(row);
    return true;
}

static json_t *answer_members(struct store_txn *txn, const json_t *question, enum fault *fault)
{
    int64_t limit = tree_int(question, "limit");
    limit = limit <= 0 ? MEMBERS_LIMIT : limit > MEMBERS_LIMIT_MAX ? MEMBERS_LIMIT_MAX : limit;
    struct listing listing = {.state = tree_text(question, "state"),
                              .after = tree_text(question, "after"),
                              .limit = (size_t)limit,
                              .list = json_array()};
    struct slice from = text_slice(listing.after);
    *fault = from.len > STORE_KEY_BYTES_MAX
                 ? FAULT_TOO_LARGE
                 : store_scan(txn, TABLE_MEMBERS, (struct slice){NULL, 0}, from, false, list_member,
                              &listing);
    json_t *answer = json_object();
    size_t count = json_array_size(listing.list);
    const char *last = count ? tree_text(json_array_get(listing.list, count - 1), "id") : "";
    tree_set(answer, "next", json_string(listing.more ? last : ""));
    tree_set(answer, "members", listing.list);
    return answer;
}

static bool list_tree(void *self, struct slice key, struct slice value)
{
    (void)key;
    json_t *tree = NULL;
    if (value_unpack(value.bytes, value.len, &tree) == OK) {
        MUST(json_array_append_new(self, tree) == 0);
    }
    return json_array_size(self) < MEMBERS_LIMIT_MAX;
}

static json_t *answer_orphans(struct store_txn *txn, enum fault *fault)
{
    struct slice all = {NULL, 0};
    json_t *answer = json_object(), *list = json_array();
    *fault = store_scan(txn, TABLE_ORPHANS, all, all, false, list_tree, list);
    tree_set(answer, "orphans", list);
    return answer;
}

/* --- traces ----------------------------------------------------------------------------------- */

static bool list_seq(void *self, struct slice key, struct slice value)
{
    (void)value;
    const uint8_t *end = (const uint8_t *)key.bytes + key.len;
    MUST(json_array_append_new(self, json_integer((json_int_t)store_key_number(end - 8))) == 0);
    return json_array_size(self) < TRACE_EVENTS_MAX;
}

static enum fault read_trace(struct store_txn *txn, const char *trace, json_t *seqs)
{
    struct buf key = {0};
    if (!*trace || strlen(trace) > EVENT_ID_BYTES_MAX) {
        return OK;
    }
    buf_printf(&key, "%s\n", trace);
    enum fault fault = store_scan(txn, TABLE_TRACES, (struct slice){key.bytes, key.len},
                                  (struct slice){NULL, 0}, false, list_seq, seqs);
    buf_fini(&key);
    return fault;
}

/* The trace of an event in the middle of a chain. */
static enum fault find_trace(struct store_txn *txn, const char *id,
                             char trace[EVENT_ID_BYTES_MAX + 1])
{
    struct slice value;
    if (!*id || strlen(id) > EVENT_ID_BYTES_MAX) {
        return OK;
    }
    enum fault fault = store_get(txn, TABLE_CAUSES, text_slice(id), &value);
    if (fault == OK && value.len <= EVENT_ID_BYTES_MAX) {
        memcpy(trace, value.bytes, value.len);
        trace[value.len] = '\0';
    }
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

/* The id is a trace's, an event's or the provider's bare one, which is looked for under every
 * source that begins a trace. */
static json_t *answer_trace(struct store_txn *txn, const json_t *question, enum fault *fault)
{
    static const char *const sources[] = {
        "",
#define X(name) name ":",
#include "source_table.h"
#undef X
    };
    const char *id = tree_text(question, "id");
    json_t *answer = json_object(), *seqs = json_array();
    char trace[EVENT_ID_BYTES_MAX + 1] = "";
    for (size_t i = 0; i < sizeof sources / sizeof *sources && json_array_size(seqs) == 0; i++) {
        EVENT_SET(trace, sources[i]);
        strncat(trace, id, sizeof trace - strlen(trace) - 1);
        *fault = read_trace(txn, trace, seqs);
        if (*fault != OK) {
            break;
        }
    }
    if (*fault == OK && json_array_size(seqs) == 0) {
        *trace = '\0';
        *fault = find_trace(txn, id, trace);
        *fault = *fault == OK ? read_trace(txn, trace, seqs) : *fault;
    }
    tree_set_text(answer, "trace", trace);
    tree_set(answer, "seqs", seqs);
    return answer;
}

/* --- the door --------------------------------------------------------------------------------- */

json_t *ledger_answer(void *state, const char *who, const json_t *question, enum fault *fault)
{
    (void)who;
    struct ledger *ledger = state;
    const char *ask = tree_text(question, "ask");
    struct store_txn *txn = NULL;
    json_t *answer = NULL;
    *fault = store_begin(actor_store(ledger->actor), false, &txn);
    if (*fault != OK) {
        return NULL;
    }
    if (strcmp(ask, "member") == 0) {
        answer = answer_member(txn, question, fault);
    } else if (strcmp(ask, "members") == 0) {
        answer = answer_members(txn, question, fault);
    } else if (strcmp(ask, "why") == 0) {
        answer = answer_why(txn, question, fault);
    } else if (strcmp(ask, "trace") == 0) {
        answer = answer_trace(txn, question, fault);
    } else if (strcmp(ask, "orphans") == 0) {
        answer = answer_orphans(txn, fault);
    } else {
        *fault = FAULT_NOT_FOUND;
    }
    store_abort(&txn);
    if (*fault != OK) {
        json_decref(answer);
        answer = NULL;
    }
    return answer;
}

void ledger_report(void *state, json_t *into)
{
    struct ledger *ledger = state;
    struct store_txn *txn = NULL;
    if (store_begin(actor_store(ledger->actor), false, &txn) == OK) {
        tree_set_int(into, "orphans", (int64_t)store_count(txn, TABLE_ORPHANS));
        tree_set_int(into, "records", (int64_t)store_count(txn, TABLE_MEMBERS));
        tree_set_int(into, "deadlines", (int64_t)store_count(txn, TABLE_DEADLINES));
        store_abort(&txn);
    }
}
