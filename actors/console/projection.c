#include "projection_core.h"

#include "clock.h"
#include "line.h"
#include "must.h"
#include "values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_BYTES_MIN = 1024 };

/* --- keys -------------------------------------------------------------------------------------- */

static void key_add(struct key *key, const void *bytes, size_t len)
{
    MUST(key->len + len <= sizeof key->bytes);
    memcpy(key->bytes + key->len, bytes, len);
    key->len += len;
}

void key_text(struct key *key, const char *text)
{
    size_t len = strlen(text);
    if (len <= KEY_TEXT_BYTES_MAX) {
        key_add(key, text, len + 1);
        return;
    }
    key_add(key, text, KEY_TEXT_BYTES_MAX - KEY_HASH_BYTES);
    key_hash(key, text, "");
    key_add(key, "", 1);
}

void key_hash(struct key *key, const char *a, const char *b)
{
    uint8_t hash[SHA256_BYTES];
    struct slice parts[] = {{a, strlen(a)}, {"\n", 1}, {b, strlen(b)}};
    sha256_parts(parts, 3, hash);
    key_add(key, hash, KEY_HASH_BYTES);
}

void key_seq(struct key *key, uint64_t seq)
{
    uint8_t bytes[SEQ_BYTES];
    store_key_u64(seq, bytes);
    key_add(key, bytes, sizeof bytes);
}

struct slice key_slice(const struct key *key)
{
    return (struct slice){key->bytes, key->len};
}

uint64_t key_last_seq(struct slice key)
{
    return store_key_number((const uint8_t *)key.bytes + key.len - SEQ_BYTES);
}

enum fault scan_newest(struct store_txn *txn, int table, const struct key *prefix, uint64_t below,
                       store_each *each, void *self)
{
    struct key before = *prefix;
    if (below) {
        key_seq(&before, below);
    }
    return store_scan_before(txn, table, key_slice(prefix),
                             below ? key_slice(&before) : (struct slice){NULL, 0}, each, self);
}

bool place_read(const char *after, uint64_t *seq)
{
    char *end;
    *seq = strtoull(after, &end, 10);
    return *after >= '0' && *after <= '9' && *end == '\0';
}

json_t *place_text(uint64_t seq)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, seq);
    return json_string(text);
}

/* --- rows -------------------------------------------------------------------------------------- */

enum fault put_mark(struct store_txn *txn, int table, const struct key *key)
{
    return store_put(txn, table, key_slice(key), (struct slice){"", 0});
}

void copy_or_null(json_t *to, const json_t *from, const char *key)
{
    json_t *value = tree_get(from, key);
    tree_set(to, key, value ? json_incref(value) : json_null());
}

/* A page counts on them; a store does without. */
static const char *const often_null[] = {"member", "name", "rule", "who", "state", NULL};

enum fault line_load(struct store_txn *txn, uint64_t seq, json_t **line)
{
    struct key key = {.len = 0};
    key_seq(&key, seq);
    enum fault fault = tree_load(txn, TABLE_LINES, key_slice(&key), line);
    if (fault == OK && *line) {
        tree_set_int(*line, "seq", (int64_t)seq);
        for (const char *const *field = often_null; *field; field++) {
            copy_or_null(*line, *line, *field);
        }
    }
    return fault;
}

/* Without what the key says, what is looked up each time, and what is null. */
static enum fault line_save(struct store_txn *txn, uint64_t seq, json_t *line)
{
    struct key key = {.len = 0};
    key_seq(&key, seq);
    json_object_del(line, "seq");
    json_object_del(line, "name");
    for (const char *const *field = often_null; *field; field++) {
        if (json_is_null(tree_get(line, *field))) {
            json_object_del(line, *field);
        }
    }
    return tree_save(txn, TABLE_LINES, key_slice(&key), line);
}

/* The name is the member's of now: a line does not keep it. */
enum fault line_name(struct store_txn *txn, json_t *line)
{
    struct glance glance;
    json_t *document = NULL;
    const char *member = tree_text(line, "member");
    if (!*member) {
        return OK;
    }
    if (glance_get(txn, member, &glance)) {
        tree_set_text(line, "name", glance.name);
        return OK;
    }
    enum fault fault = projection_member(txn, member, &document); /* part of another by now */
    if (fault == OK) {
        const char *name = tree_text(document, "name");
        tree_set_text(line, "name", *name ? name : tree_text(document, "email"));
    }
    json_decref(document);
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

enum fault count_add(struct store_txn *txn, const char *name, int64_t more)
{
    struct key key = {.len = 0};
    uint8_t value[SEQ_BYTES];
    key_text(&key, name);
    store_key_u64((uint64_t)count_of(txn, name) + (uint64_t)more, value);
    return store_put(txn, TABLE_COUNTS, key_slice(&key), (struct slice){value, sizeof value});
}

int64_t count_of(struct store_txn *txn, const char *name)
{
    struct key key = {.len = 0};
    struct slice value;
    key_text(&key, name);
    bool there = store_get(txn, TABLE_COUNTS, key_slice(&key), &value) == OK;
    return there && value.len == SEQ_BYTES ? (int64_t)store_key_number(value.bytes) : 0;
}

/* --- one event, as a line ---------------------------------------------------------------------- */

/* What is nothing for a page is still a part of its trace. */
static json_t *hidden_line(const json_t *tree)
{
    json_t *line = json_object();
    tree_set(line, "time", json_string(tree_text(tree, "time")));
    tree_set(line, "lane", json_string("system"));
    tree_set(line, "text", json_string(tree_text(tree, "type")));
    tree_set(line, "type", json_string(tree_text(tree, "type")));
    tree_set(line, "event", json_string(tree_text(tree, "id")));
    tree_set_flag(line, "hidden", true);
    return line;
}

/* An event whose id is the line's own is not written twice. */
static json_t *stored_line(const json_t *line, const struct event *event, const json_t *data)
{
    json_t *stored = json_copy((json_t *)line);
    const char *key = tree_text(data, "key");
    tree_set_text(stored, "cause", event->cause);
    if (strcmp(event->trace, event->id) != 0) {
        tree_set_text(stored, "trace", event->trace);
    }
    tree_set_text(stored, "source", event->source);
    if (strncmp(event->type, "admin.", 6) == 0) {
        tree_set_text(stored, "reason", tree_text(data, "reason"));
    }
    if (strncmp(event->type, "alert.", 6) == 0) {
        tree_set_text(stored, "alert", tree_text(data, "rule"));
        tree_set_text(stored, "object", tree_text(data, "object"));
    }
    if (*key && strncmp(event->type, "job.", 4) == 0) {
        char *job = must_sprintf("%s:%s", tree_text(data, "actor"), key);
        tree_set_text(stored, "job", job);
        free(job);
        tree_set_text(stored, "error", tree_text(data, "error"));
        tree_set_int(stored, "latency_ms", tree_int(data, "latency_ms"));
    }
    return stored;
}

static enum fault index_event(struct store_txn *txn, const struct event *event, bool shown)
{
    struct key id = {.len = 0}, trace = {.len = 0}, family = {.len = 0};
    uint8_t seq[SEQ_BYTES];
    char word[EVENT_NAME_BYTES_MAX + 1];
    store_key_u64(event->seq, seq);
    key_id(&id, event->seq / ID_ERA, event->id);
    enum fault fault = store_put(txn, TABLE_IDS, key_slice(&id), (struct slice){seq, sizeof seq});
    if (fault == OK) {
        key_trace(txn, event->trace, &trace);
        key_seq(&trace, event->seq);
        fault = put_mark(txn, TABLE_TRACES, &trace);
    }
    size_t len = strcspn(event->type, ".");
    memcpy(word, event->type, len);
    word[len] = '\0';
    key_text(&family, word);
    key_seq(&family, event->seq);
    return fault == OK && shown ? put_mark(txn, TABLE_FAMILIES, &family) : fault;
}

/* --- whom it is about -------------------------------------------------------------------------- */

static enum fault timeline_add(struct store_txn *txn, const char *member, uint64_t seq,
                               const char *lane)
{
    struct key key = {.len = 0};
    key_text(&key, member);
    key_seq(&key, seq);
    return store_put(txn, TABLE_TIMELINE, key_slice(&key), text_slice(lane));
}

/* Whom a fact is about: a desk and a mailer name people by their addresses. */
static const char *person_of(const json_t *fact)
{
    const char *kind = tree_text(fact, "kind");
    bool by_address = strcmp(kind, "ticket") == 0 || strcmp(kind, "bounce") == 0;
    return tree_text(fact, by_address ? "email" : "customer");
}

/* A provider's event names a customer, whom we may know already. */
static enum fault known_customer(struct store_txn *txn, const json_t *data, json_t **member)
{
    json_t *fact, *ids = json_array();
    size_t i;
    enum fault fault = OK;
    json_array_foreach(tree_get(data, "facts"), i, fact)
    {
        const char *person = person_of(fact);
        if (fault == OK && *person && json_array_size(ids) == 0) {
            fault = members_named(txn, person, ids);
        }
    }
    *member = json_incref(json_array_get(ids, 0));
    json_decref(ids);
    return fault;
}

/* The event that made a member change is hers, too. */
static enum fault link_cause(struct store_txn *txn, const struct event *event)
{
    uint64_t seq;
    json_t *line = NULL;
    if (!*event->cause || !*event->subject) {
        return OK;
    }
    enum fault fault = projection_event_seq(txn, event->cause, &seq);
    if (fault == OK) {
        fault = line_load(txn, seq, &line);
    }
    if (fault == OK && line && !*tree_text(line, "member") && !tree_flag(line, "hidden")) {
        tree_set_text(line, "member", event->subject);
        fault = line_save(txn, seq, line);
        if (fault == OK) {
            fault = timeline_add(txn, event->subject, seq, tree_text(line, "lane"));
        }
    }
    json_decref(line);
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

/* --- jobs -------------------------------------------------------------------------------------- */

static enum fault lane_save(struct store_txn *txn, const struct event *event, const json_t *data)
{
    struct key key = {.len = 0};
    const char *state = tree_text(data, "state");
    bool level = tree_int(data, "revision") > 0;
    json_t *lane = json_object();
    key_text(&key, event->subject);
    key_text(&key, tree_text(data, "actor"));
    bool done = strcmp(state, "done") == 0;
    tree_set_text(lane, "state", done ? level ? "synced" : "sent" : state);
    tree_set_int(lane, "version", tree_int(data, "version"));
    tree_set_int(lane, "attempts", tree_int(data, "attempt"));
    tree_set_int(lane, "at", event->time_ms);
    tree_set_text(lane, "error", tree_text(data, "error"));
    tree_set_text(lane, "key", tree_text(data, "key"));
    enum fault fault = tree_save(txn, TABLE_LANES, key_slice(&key), lane);
    json_decref(lane);
    return fault;
}

static enum fault jobs_index(struct store_txn *txn, const struct event *event, const json_t *data)
{
    struct key key = {.len = 0};
    const char *name = tree_text(data, "key");
    bool job = strncmp(event->type, "job.", 4) == 0;
    if (!*name || !*tree_text(data, "actor")) {
        return OK;
    }
    key_hash(&key, tree_text(data, "actor"), name);
    key_seq(&key, event->seq);
    enum fault fault = put_mark(txn, TABLE_JOBS, &key);
    return fault == OK && job && *event->subject ? lane_save(txn, event, data) : fault;
}

/* --- all of it --------------------------------------------------------------------------------- */

static enum fault outcome_save(struct store_txn *txn, const struct event *event,
                               const json_t *before, const json_t *after)
{
    struct key key = {.len = 0};
    if (strncmp(event->cause, "console:", 8) != 0 && strncmp(event->cause, "tools:", 6) != 0) {
        return OK;
    }
    key_hash(&key, event->cause, "");
    json_t *outcome = json_object(), *was = json_null(), *is = json_object();
    if (before) {
        was = json_object();
        tree_set_text(was, "state", tree_text(before, "state"));
        tree_set_flag(was, "access", tree_flag(before, "access"));
    }
    tree_set_text(is, "state", tree_text(after, "state"));
    tree_set_flag(is, "access", tree_flag(after, "access"));
    tree_set(outcome, "before", was);
    tree_set(outcome, "after", is);
    enum fault fault = tree_save(txn, TABLE_OUTCOMES, key_slice(&key), outcome);
    json_decref(outcome);
    return fault;
}

static bool is_member_document(const struct event *event)
{
    return strncmp(event->type, "member.", 7) == 0 && strcmp(event->type, "member.due") != 0;
}

static enum fault apply_member(struct store_txn *txn, const struct event *event, json_t *data)
{
    struct member_news news = {0};
    enum fault fault = members_apply(txn, event, data, &news);
    if (fault == OK) {
        fault = link_cause(txn, event);
    }
    if (fault == OK) {
        fault = outcome_save(txn, event, news.before, data);
    }
    if (fault == OK && news.paid) {
        fault = whole_payment(txn, data);
    }
    json_decref(news.before);
    return fault;
}

static enum fault save_line(struct store_txn *txn, const struct event *event, json_t *line,
                            const json_t *data, bool shown)
{
    json_t *member = NULL;
    enum fault fault = OK;
    if (shown && !*event->subject && tree_get(data, "facts")) {
        fault = known_customer(txn, data, &member);
        if (member) {
            tree_set(line, "member", json_incref(member));
        }
    }
    json_decref(member);
    json_t *stored = stored_line(line, event, data);
    fault = fault == OK ? line_save(txn, event->seq, stored) : fault;
    json_decref(stored);
    const char *about = tree_text(line, "member");
    if (fault == OK && shown && *about) {
        fault = timeline_add(txn, about, event->seq, tree_text(line, "lane"));
    }
    return fault;
}

/* That a hook was told of an alert is the alert once more; that an app which is told nothing could know
 * is nothing at all. */
static bool is_no_news(const struct event *event, const json_t *data)
{
    const char *actor = tree_text(data, "actor");
    bool nobody = strcmp(actor, "app") == 0 && strcmp(tree_text(data, "target"), "local") == 0;
    return strcmp(event->type, "job.done") == 0 && (strcmp(actor, "alert") == 0 || nobody);
}

/* The provider's body is most of an event's bytes, and no page shows it from here. */
static json_t *data_without_body(const struct event *event)
{
    struct value_cursor at = {event->data, event->data + event->data_len};
    struct buf kept = {0}, map = {0};
    size_t pairs = 0, count = 0;
    if (event->data_len < BODY_BYTES_MIN || !value_get_map(&at, &pairs)) {
        return event_data(event);
    }
    for (size_t i = 0; i < pairs; i++) {
        const uint8_t *from = at.at;
        const char *key = "";
        size_t len = 0;
        MUST(value_get_string(&at, &key, &len) && value_skip(&at)); /* it was parsed before */
        if (len != strlen("raw") || memcmp(key, "raw", len) != 0) {
            buf_add(&kept, from, (size_t)(at.at - from));
            count++;
        }
    }
    value_put_map(&map, count);
    buf_add(&map, kept.bytes, kept.len);
    struct event without = {.data = map.bytes, .data_len = map.len};
    json_t *data = event_data(&without);
    buf_fini(&kept);
    buf_fini(&map);
    return data;
}

/* As event_json() makes it, what line_of() reads of it. */
static json_t *event_tree(const struct event *event)
{
    char time[CLOCK_TEXT_BYTES];
    json_t *tree = json_object();
    tree_set_text(tree, "id", event->id);
    tree_set_text(tree, "type", event->type);
    tree_set_text(tree, "subject", event->subject);
    tree_set_text(tree, "who", event->who);
    tree_set_text(tree, "time", clock_rfc3339(event->time_ms, time));
    tree_set(tree, "data", data_without_body(event));
    return tree;
}

enum fault projection_apply(struct store_txn *txn, const struct event *event, json_t **out)
{
    json_t *tree = event_tree(event), *line = NULL;
    json_t *data = tree_get(tree, "data");
    tree_set_int(tree, "seq", (int64_t)event->seq);
    bool shown = line_of(tree, &line) && !is_no_news(event, data);
    if (!shown) {
        json_decref(line);
        line = hidden_line(tree);
    }
    enum fault fault = save_line(txn, event, line, data, shown);
    fault = fault == OK ? index_event(txn, event, shown) : fault;
    if (fault == OK && is_member_document(event)) {
        fault = apply_member(txn, event, data);
    }
    fault = fault == OK ? jobs_index(txn, event, data) : fault;
    fault = fault == OK ? whole_apply(txn, event, data) : fault;
    fault = fault == OK ? line_name(txn, line) : fault;
    *out = fault == OK && shown ? json_incref(line) : NULL;
    json_decref(line);
    json_decref(tree);
    return fault;
}
