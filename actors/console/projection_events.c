#include "projection_core.h"

#include "must.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_MAX = 2000, HISTORY_MAX = 200, LOOKED_AT_MAX = 20000 };

/* --- by id ------------------------------------------------------------------------------------- */

void key_id(struct key *key, uint64_t era, const char *id)
{
    key->len = 0;
    key_seq(key, era);
    key_hash(key, id, "");
}

static bool on_newest(void *self, struct slice key, struct slice value)
{
    (void)value;
    *(uint64_t *)self = key_last_seq(key);
    return false;
}

/* From the newest era backwards: what is looked for in haste was caused just now. */
static enum fault seq_of(struct store_txn *txn, const char *id, uint64_t *seq)
{
    struct key all = {.len = 0}, key;
    struct slice value;
    uint64_t newest = 0;
    enum fault fault = scan_newest(txn, TABLE_LINES, &all, 0, on_newest, &newest);
    if (fault != OK) {
        return fault;
    }
    key_id(&key, 0, id);
    fault = FAULT_NOT_FOUND;
    for (uint64_t era = newest / ID_ERA + 1; fault == FAULT_NOT_FOUND && era > 0; era--) {
        store_key_u64(era - 1, key.bytes);
        fault = store_get(txn, TABLE_IDS, key_slice(&key), &value);
    }
    if (fault == OK) {
        *seq = store_key_number(value.bytes);
    }
    return fault;
}

/* By the number of the trace's first event: what happens at one time lies together, and so is written
 * together. A trace that no event gave its name has a number beyond all of theirs. */
void key_trace(struct store_txn *txn, const char *trace, struct key *key)
{
    uint64_t seq;
    if (seq_of(txn, trace, &seq) == OK) {
        key_seq(key, seq);
    } else {
        key_seq(key, UINT64_MAX);
        key_hash(key, trace, "");
    }
}

/* Under which a provider's own id is known here. */
enum fault projection_event_seq(struct store_txn *txn, const char *id, uint64_t *seq)
{
    static const char *const sources[] = {
        "",
#define X(name) name ":",
#include "source_table.h"
#undef X
    };
    enum fault fault = FAULT_NOT_FOUND;
    for (size_t i = 0; fault == FAULT_NOT_FOUND && i < sizeof sources / sizeof *sources; i++) {
        char whole[EVENT_ID_BYTES_MAX + 16];
        snprintf(whole, sizeof whole, "%s%.255s", sources[i], id);
        fault = seq_of(txn, whole, seq);
    }
    return fault;
}

/* --- a trace ----------------------------------------------------------------------------------- */

struct seqs {
    uint64_t seq[TRACE_MAX];
    size_t count;
    size_t most;
};

static bool on_seq(void *self, struct slice key, struct slice value)
{
    struct seqs *seqs = self;
    (void)value;
    seqs->seq[seqs->count++] = key_last_seq(key);
    return seqs->count < seqs->most;
}

/* Named as an event has it, so that trace_tree() can put it in its place. */
static json_t *trace_line(json_t *line, const char *trace)
{
    tree_set_text(line, "id", tree_text(line, "event"));
    if (!*tree_text(line, "trace")) {
        tree_set_text(line, "trace", trace);
    }
    return line;
}

static enum fault add_lines(struct store_txn *txn, const struct seqs *seqs, const char *trace,
                            json_t *lines)
{
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < seqs->count; i++) {
        json_t *line = NULL;
        fault = line_load(txn, seqs->seq[i], &line);
        if (fault == OK && line) {
            fault = line_name(txn, line);
            MUST(json_array_append_new(lines, trace_line(line, trace)) == 0);
        }
    }
    return fault;
}

enum fault projection_trace(struct store_txn *txn, const char *id, json_t **answer)
{
    json_t *line = NULL, *lines = json_array();
    struct key prefix = {.len = 0};
    struct seqs *seqs = must_calloc(1, sizeof *seqs);
    uint64_t seq;
    enum fault fault = projection_event_seq(txn, id, &seq);
    fault = fault == OK ? line_load(txn, seq, &line) : fault;
    const char *trace = tree_text(line, "trace");
    trace = *trace ? trace : tree_text(line, "event");
    key_trace(txn, trace, &prefix);
    seqs->most = TRACE_MAX;
    if (fault == OK) {
        fault = store_scan(txn, TABLE_TRACES, key_slice(&prefix), (struct slice){NULL, 0}, false,
                           on_seq, seqs);
    }
    fault = fault == OK ? add_lines(txn, seqs, trace, lines) : fault;
    *answer = NULL;
    if (fault == OK) {
        *answer = json_object();
        tree_set_text(*answer, "trace", trace);
        tree_set(*answer, "events", json_incref(lines));
    }
    free(seqs);
    json_decref(line);
    json_decref(lines);
    return fault;
}

/* --- the newest -------------------------------------------------------------------------------- */

struct listing {
    struct store_txn *txn;
    const char *type;
    json_t *list;
    size_t limit;
    size_t looked_at;
    uint64_t last;
    bool more;
    enum fault fault;
};

static bool is_wanted(const struct listing *listing, const json_t *line)
{
    size_t len = strlen(listing->type);
    bool family = len && listing->type[len - 1] == '.';
    return line && !tree_flag(line, "hidden") &&
           (!len || family || strcmp(tree_text(line, "type"), listing->type) == 0);
}

static bool on_line(void *self, struct slice key, struct slice value)
{
    struct listing *listing = self;
    json_t *line = NULL;
    uint64_t seq = key_last_seq(key);
    (void)value;
    if (json_array_size(listing->list) == listing->limit || listing->looked_at == LOOKED_AT_MAX) {
        listing->more = true;
        return false;
    }
    listing->looked_at++;
    listing->last = seq;
    listing->fault = line_load(listing->txn, seq, &line);
    if (listing->fault == OK && is_wanted(listing, line)) {
        listing->fault = line_name(listing->txn, line);
        tree_set_text(line, "id", tree_text(line, "event"));
        MUST(json_array_append(listing->list, line) == 0);
    }
    json_decref(line);
    return listing->fault == OK;
}

static enum fault scan(struct listing *listing, uint64_t below)
{
    struct key prefix = {.len = 0};
    char family[EVENT_NAME_BYTES_MAX + 1];
    if (!*listing->type) {
        return scan_newest(listing->txn, TABLE_LINES, &prefix, below, on_line, listing);
    }
    snprintf(family, sizeof family, "%.*s", (int)strcspn(listing->type, "."), listing->type);
    key_text(&prefix, family);
    return scan_newest(listing->txn, TABLE_FAMILIES, &prefix, below, on_line, listing);
}

enum fault projection_events(struct store_txn *txn, const char *type, const char *after,
                             size_t limit, json_t **answer)
{
    struct listing listing = {.txn = txn,
                              .type = type,
                              .list = json_array(),
                              .limit = limit < PROJECTION_PAGE_MAX ? limit : PROJECTION_PAGE_MAX};
    uint64_t below = 0;
    (void)place_read(after, &below);
    enum fault fault = scan(&listing, below);
    fault = fault == OK ? listing.fault : fault;
    *answer = NULL;
    if (fault == OK) {
        *answer = json_object();
        tree_set(*answer, "events", json_incref(listing.list));
        tree_set(*answer, "next", listing.more ? place_text(listing.last) : json_null());
    }
    json_decref(listing.list);
    return fault;
}

/* --- one job ----------------------------------------------------------------------------------- */

static json_t *attempt_of(const json_t *line)
{
    static const char *const copied[] = {"time", "text", "event", "who", NULL};
    json_t *attempt = json_object();
    for (const char *const *key = copied; *key; key++) {
        json_t *value = tree_get(line, *key);
        tree_set(attempt, *key, value ? json_incref(value) : json_null());
    }
    const char *state = tree_text(line, "state"), *error = tree_text(line, "error");
    const char *type = tree_text(line, "type");
    bool person = strncmp(type, "admin.", 6) == 0;
    tree_set(attempt, "state", json_string(*state ? state : person ? type + 6 : type));
    tree_set(attempt, "error", *error ? json_string(error) : json_null());
    tree_set_int(attempt, "latency_ms", tree_int(line, "latency_ms"));
    return attempt;
}

enum fault projection_job_history(struct store_txn *txn, const char *actor, const char *key,
                                  json_t **attempts)
{
    struct key prefix = {.len = 0};
    struct seqs *seqs = must_calloc(1, sizeof *seqs);
    key_hash(&prefix, actor, key);
    seqs->most = HISTORY_MAX;
    enum fault fault = scan_newest(txn, TABLE_JOBS, &prefix, 0, on_seq, seqs);
    *attempts = json_array();
    for (size_t i = seqs->count; fault == OK && i > 0; i--) { /* oldest first */
        json_t *line = NULL;
        fault = line_load(txn, seqs->seq[i - 1], &line);
        if (fault == OK && line) {
            MUST(json_array_append_new(*attempts, attempt_of(line)) == 0);
        }
        json_decref(line);
    }
    free(seqs);
    if (fault != OK) {
        json_decref(*attempts);
        *attempts = NULL;
    }
    return fault;
}
