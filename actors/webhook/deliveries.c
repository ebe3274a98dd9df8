#include "deliveries.h"

#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { ROW_BYTES = 25, SWEEP_ROWS = 64, ID_BYTES_MAX = 255 };

/* In memory: at_ms (8), outcome (1), length of the id (1), the id. */
enum { NOTE_HEAD_BYTES = 10 };

struct note {
    int64_t at_ms;
    enum outcome outcome;
    struct slice id;
};

struct row {
    uint64_t first_ms, last_ms, count;
    enum outcome outcome;
};

void deliveries_fini(struct deliveries *deliveries)
{
    buf_fini(&deliveries->notes);
}

void deliveries_note(struct deliveries *deliveries, const char *id, int64_t at_ms,
                     enum outcome outcome)
{
    size_t len = strlen(id);
    if (len == 0 || len > ID_BYTES_MAX ||
        deliveries->notes.len + NOTE_HEAD_BYTES + len > DELIVERY_NOTES_BYTES_MAX) {
        deliveries->unlogged++;
        return;
    }
    uint8_t head[NOTE_HEAD_BYTES];
    memcpy(head, &at_ms, sizeof at_ms);
    head[8] = (uint8_t)outcome;
    head[9] = (uint8_t)len;
    buf_add(&deliveries->notes, head, sizeof head);
    buf_add(&deliveries->notes, id, len);
    deliveries->noted++;
}

bool deliveries_waiting(const struct deliveries *deliveries)
{
    return deliveries->notes.len > 0;
}

static size_t read_note(const uint8_t *at, struct note *note)
{
    memcpy(&note->at_ms, at, sizeof note->at_ms);
    note->outcome = (enum outcome)at[8];
    note->id = (struct slice){at + NOTE_HEAD_BYTES, at[9]};
    return NOTE_HEAD_BYTES + note->id.len;
}

/* --- rows ------------------------------------------------------------------------------------ */

static void row_encode(const struct row *row, uint8_t bytes[ROW_BYTES])
{
    store_key_u64(row->first_ms, bytes);
    store_key_u64(row->last_ms, bytes + 8);
    store_key_u64(row->count, bytes + 16);
    bytes[24] = (uint8_t)row->outcome;
}

static bool row_decode(struct slice value, struct row *row)
{
    const uint8_t *bytes = value.bytes;
    if (value.len != ROW_BYTES || bytes[24] >= OUTCOME_COUNT) {
        return false;
    }
    *row = (struct row){store_key_number(bytes), store_key_number(bytes + 8),
                        store_key_number(bytes + 16), (enum outcome)bytes[24]};
    return true;
}

static void row_join(struct row *row, const struct note *note)
{
    uint64_t at_ms = (uint64_t)note->at_ms;
    if (row->count == 0 || at_ms < row->first_ms) {
        row->first_ms = at_ms;
    }
    /* The first outcome stays: a repetition shows in the count. */
    if (row->count == 0 || row->outcome == OUTCOME_DUPLICATE) {
        row->outcome = note->outcome;
    }
    row->last_ms = at_ms > row->last_ms ? at_ms : row->last_ms;
    row->count++;
}

static enum fault write_note(struct store_txn *txn, int table, const struct note *note)
{
    struct row row = {0};
    struct slice value;
    enum fault fault = store_get(txn, table, note->id, &value);
    if (fault == OK && !row_decode(value, &row)) {
        return FAULT_CORRUPT;
    }
    if (fault != OK && fault != FAULT_NOT_FOUND) {
        return fault;
    }
    row_join(&row, note);
    uint8_t bytes[ROW_BYTES];
    row_encode(&row, bytes);
    return store_put(txn, table, note->id, (struct slice){bytes, sizeof bytes});
}

/* --- old rows -------------------------------------------------------------------------------- */

struct sweep {
    uint64_t before_ms;
    size_t looked_at;
    size_t old_count;
    struct slice old[SWEEP_ROWS];
    uint8_t *last; /* where to go on */
    size_t last_len;
};

static bool look_at_row(void *self, struct slice key, struct slice value)
{
    struct sweep *sweep = self;
    struct row row;
    if (row_decode(value, &row) && row.last_ms < sweep->before_ms) {
        uint8_t *copy = must_malloc(key.len);
        memcpy(copy, key.bytes, key.len);
        sweep->old[sweep->old_count++] = (struct slice){copy, key.len};
    }
    memcpy(sweep->last, key.bytes, key.len);
    sweep->last_len = key.len;
    return ++sweep->looked_at < SWEEP_ROWS;
}

static enum fault sweep_rows(struct deliveries *deliveries, struct store_txn *txn, int table,
                             int64_t now_ms)
{
    int64_t before_ms = now_ms - deliveries->keep_ms;
    struct sweep sweep = {.before_ms = before_ms > 0 ? (uint64_t)before_ms : 0,
                          .last = deliveries->sweep_key};
    uint8_t from[STORE_KEY_BYTES_MAX];
    memcpy(from, deliveries->sweep_key, deliveries->sweep_len);
    enum fault fault =
        store_scan(txn, table, (struct slice){0}, (struct slice){from, deliveries->sweep_len},
                   false, look_at_row, &sweep);
    for (size_t i = 0; i < sweep.old_count; i++) {
        if (fault == OK) {
            fault = store_delete(txn, table, sweep.old[i]);
        }
        free((void *)sweep.old[i].bytes);
    }
    deliveries->sweep_len = sweep.looked_at < SWEEP_ROWS ? 0 : sweep.last_len;
    return fault;
}

/* --- the log --------------------------------------------------------------------------------- */

enum fault deliveries_write(struct deliveries *deliveries, struct store_txn *txn, int table,
                            int64_t now_ms, size_t *taken)
{
    enum fault fault = OK;
    size_t at = 0;
    for (size_t i = 0; fault == OK && at < deliveries->notes.len && i < DELIVERIES_PER_WRITE; i++) {
        struct note note;
        at += read_note(deliveries->notes.bytes + at, &note);
        fault = write_note(txn, table, &note);
    }
    *taken = at;
    return fault == OK ? sweep_rows(deliveries, txn, table, now_ms) : fault;
}

void deliveries_written(struct deliveries *deliveries, size_t taken)
{
    struct buf *notes = &deliveries->notes;
    if (taken) {
        memmove(notes->bytes, notes->bytes + taken, notes->len - taken);
        notes->len -= taken;
    }
}

enum fault deliveries_find(const struct deliveries *deliveries, struct store_txn *txn, int table,
                           const char *id, json_t **out)
{
    *out = NULL;
    struct row row = {0};
    struct slice value;
    enum fault fault = store_get(txn, table, text_slice(id), &value);
    if (fault != OK && fault != FAULT_NOT_FOUND) {
        return fault;
    }
    if (fault == OK && !row_decode(value, &row)) {
        return FAULT_CORRUPT;
    }
    for (size_t at = 0; at < deliveries->notes.len;) {
        struct note note;
        at += read_note(deliveries->notes.bytes + at, &note);
        if (note.id.len == strlen(id) && memcmp(note.id.bytes, id, note.id.len) == 0) {
            row_join(&row, &note);
        }
    }
    if (row.count) {
        json_t *tree = json_object();
        tree_set_text(tree, "id", id);
        tree_set_int(tree, "first", (int64_t)row.first_ms);
        tree_set_int(tree, "last", (int64_t)row.last_ms);
        tree_set_int(tree, "count", (int64_t)row.count);
        tree_set_text(tree, "outcome", outcome_name(row.outcome));
        *out = tree;
    }
    return OK;
}
