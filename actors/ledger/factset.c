#include "factset.h"

#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

/* --- fields: the codec and the joins follow from this table ----------------------------------- */

enum field_kind { TEXT, MOST, FIRST, FLAG }; /* FIRST: the smallest that is not 0 */

static const struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
} fields[] = {
/* clang-format off */
#define F(short, kind, name) {short, kind, offsetof(struct row, name)}
    F("s", TEXT, source), F("k", TEXT, key), F("o", TEXT, other), F("st", TEXT, status),
    F("cu", TEXT, customer), F("su", TEXT, subscription), F("ob", TEXT, object),
    F("re", TEXT, reason), F("cy", TEXT, currency), F("nm", TEXT, name), F("em", TEXT, email),
    F("at", MOST, at_ms), F("am", MOST, amount), F("of", MOST, of), F("du", MOST, due),
    F("tr", MOST, attempt), F("un", MOST, until_ms), F("en", MOST, ends_ms),
    F("ed", MOST, ended_ms), F("ti", MOST, trial_until_ms), F("pa", FIRST, paid_ms),
    F("fa", FIRST, failed_ms), F("fu", FIRST, full_ms), F("se", FIRST, seen_ms),
    F("fi", FLAG, final), F("de", FLAG, deleted), F("ou", FLAG, ours),
#undef F
    /* clang-format on */
};

enum { FIELD_COUNT = sizeof fields / sizeof *fields };

static void *at(const struct row *row, const struct field *field)
{
    return (char *)row + field->offset;
}
#define AS_TEXT(row, field)   (*(const char **)at(row, field))
#define AS_NUMBER(row, field) (*(int64_t *)at(row, field))
#define AS_FLAG(row, field)   (*(bool *)at(row, field))

/* --- orders ----------------------------------------------------------------------------------- */

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_identity(const struct row *a, const struct row *b)
{
    int order = compare_numbers(a->kind, b->kind);
    order = order ? order : strcmp(a->source, b->source);
    order = order ? order : strcmp(a->key, b->key);
    return order ? order : strcmp(a->other, b->other);
}

static int compare_content(const struct row *a, const struct row *b)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        int order = field->kind == TEXT ? strcmp(AS_TEXT(a, field), AS_TEXT(b, field))
                    : field->kind == FLAG
                        ? AS_FLAG(a, field) - AS_FLAG(b, field)
                        : compare_numbers(AS_NUMBER(a, field), AS_NUMBER(b, field));
        if (order) {
            return order;
        }
    }
    return 0;
}

/* Where a status stands among its kind; an unknown word stands lowest. */
static int status_rank(enum row_kind kind, const char *status)
{
    static const char *const ranks[ROW_KIND_COUNT][10] = {
        [ROW_PAYMENT] = {"failed", "paid"},
        [ROW_REFUND_STATE] = {"pending", "succeeded", "failed"},
        [ROW_DISPUTE] = {"inquiry", "open", "won", "lost"},
        [ROW_SUBSCRIPTION] = {"incomplete", "trialing", "active", "paused", "past_due", "unpaid",
                              "incomplete_expired", "canceled"},
        [ROW_TICKET] = {"open", "closed"},
        [ROW_BOUNCE] = {"soft", "hard", "complaint"},
    };
    for (int i = 0; ranks[kind][i]; i++) {
        if (strcmp(ranks[kind][i], status) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* Rows of these kinds are taken whole, the greater one; all others are joined field by field. */
static bool is_register(enum row_kind kind)
{
    return kind == ROW_DISPUTE || kind == ROW_SUBSCRIPTION || kind == ROW_CUSTOMER ||
           kind == ROW_TICKET || kind == ROW_BOUNCE;
}

/* won and lost stand on one step, above open: the newer one counts. */
static int step_of(const struct row *row)
{
    int rank = status_rank(row->kind, row->status);
    if (row->kind == ROW_DISPUTE) {
        return rank > 3 ? 3 : rank;
    }
    return row->kind == ROW_TICKET ? rank : 0;
}

static int compare_register(const struct row *a, const struct row *b)
{
    int order = compare_numbers(step_of(a), step_of(b));
    order = order ? order : compare_numbers(a->at_ms, b->at_ms);
    order = order
                ? order
                : compare_numbers(status_rank(a->kind, a->status), status_rank(b->kind, b->status));
    if (order) {
        return order;
    }
    struct row x = *a, y = *b; /* these are joined by themselves and decide nothing */
    x.ours = y.ours = false;
    x.seen_ms = y.seen_ms = 0;
    if (a->kind == ROW_TICKET) {
        x.email = y.email = "";
    }
    return compare_content(&x, &y);
}

/* --- the join --------------------------------------------------------------------------------- */

static int64_t first_of(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void join_rows(struct row *into, const struct row *row)
{
    if (is_register(into->kind)) {
        struct row old = *into;
        if (compare_register(row, into) > 0) {
            *into = *row;
        }
        into->ours = old.ours || row->ours;
        into->seen_ms = first_of(old.seen_ms, row->seen_ms);
        if (into->kind == ROW_TICKET) {
            into->email = strcmp(old.email, row->email) > 0 ? old.email : row->email;
        }
        return;
    }
    const char *status = status_rank(row->kind, row->status) > status_rank(into->kind, into->status)
                             ? row->status
                             : into->status;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        if (field->kind == TEXT) {
            if (strcmp(AS_TEXT(row, field), AS_TEXT(into, field)) > 0) {
                AS_TEXT(into, field) = AS_TEXT(row, field);
            }
        } else if (field->kind == MOST) {
            if (AS_NUMBER(row, field) > AS_NUMBER(into, field)) {
                AS_NUMBER(into, field) = AS_NUMBER(row, field);
            }
        } else if (field->kind == FIRST) {
            AS_NUMBER(into, field) = first_of(AS_NUMBER(into, field), AS_NUMBER(row, field));
        } else {
            AS_FLAG(into, field) = AS_FLAG(into, field) || AS_FLAG(row, field);
        }
    }
    into->status = status;
}

static size_t lower_bound(const struct factset *set, const struct row *row)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_identity(&set->rows[middle], row) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void own_texts(struct factset *set, struct row *row)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].kind == TEXT) {
            const char *text = AS_TEXT(row, &fields[i]);
            AS_TEXT(row, &fields[i]) =
                arena_text(&set->arena, text ? text : "", text ? strlen(text) : 0);
        }
    }
}

static void append(struct factset *set, size_t i, const struct row *row)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? 2 * set->capacity : 16;
        set->rows = must_realloc(set->rows, set->capacity * sizeof *set->rows);
    }
    memmove(&set->rows[i + 1], &set->rows[i], (set->count - i) * sizeof *set->rows);
    set->rows[i] = *row;
    set->count++;
}

/* Takes borrowed texts, NULL ones too. */
void factset_put(struct factset *set, const struct row *given)
{
    struct row row = *given;
    own_texts(set, &row);
    size_t i = lower_bound(set, &row);
    if (i < set->count && compare_identity(&set->rows[i], &row) == 0) {
        join_rows(&set->rows[i], &row);
        return;
    }
    append(set, i, &row);
}

void factset_fini(struct factset *set)
{
    free(set->rows);
    arena_fini(&set->arena);
    *set = (struct factset){0};
}

void factset_merge(struct factset *set, const struct factset *other)
{
    for (size_t i = 0; i < other->count; i++) {
        factset_put(set, &other->rows[i]);
    }
}

const struct row *factset_find(const struct factset *set, enum row_kind kind, const char *source,
                               const char *key)
{
    struct row wanted = {.kind = kind, .source = source, .key = key, .other = ""};
    size_t i = lower_bound(set, &wanted);
    return i < set->count && compare_identity(&set->rows[i], &wanted) == 0 ? &set->rows[i] : NULL;
}

int64_t factset_now(const struct factset *set)
{
    const struct row *due = factset_find(set, ROW_DUE, "", "");
    return due ? due->at_ms : 0;
}

/* --- names ------------------------------------------------------------------------------------ */

static void name(factset_name *each, void *self, char kind, const char *source, const char *text)
{
    if (*text) {
        each(self, kind, source, text);
    }
}

void factset_names(const struct factset *set, factset_name *each, void *self)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct row *row = &set->rows[i];
        if (row->kind == ROW_DUE) {
            continue;
        }
        if (row->kind == ROW_GRANT || row->kind == ROW_REVOKE) {
            name(each, self, 'm', "", row->other);
            continue;
        }
        if (row->kind == ROW_BOUNCE) {
            name(each, self, 'e', "", row->other);
            continue;
        }
        name(each, self, 'o', row->source, row->key);
        name(each, self, 'o', row->source, row->customer);
        name(each, self, 'o', row->source, row->subscription);
        name(each, self, 'o', row->source, row->object);
        name(each, self, 'e', "", row->email);
        char kind = row->kind == ROW_EMAIL ? 'e' : row->kind == ROW_USER ? 'u' : 'o';
        name(each, self, kind, kind == 'o' ? row->source : "", row->other);
    }
}

void fact_names(const char *source, const struct fact *fact, factset_name *each, void *self)
{
    struct factset alone = {0};
    factset_add(&alone, source, fact, 0);
    factset_names(&alone, each, self);
    factset_fini(&alone);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static bool is_set(const struct row *row, const struct field *field)
{
    return field->kind == TEXT   ? *AS_TEXT(row, field) != '\0'
           : field->kind == FLAG ? AS_FLAG(row, field)
                                 : AS_NUMBER(row, field) != 0;
}

void factset_pack(const struct factset *set, struct buf *out)
{
    value_put_array(out, set->count);
    for (size_t i = 0; i < set->count; i++) {
        const struct row *row = &set->rows[i];
        size_t pairs = 1;
        for (size_t f = 0; f < FIELD_COUNT; f++) {
            pairs += is_set(row, &fields[f]);
        }
        value_put_map(out, pairs);
        value_put_text(out, "");
        value_put_int(out, row->kind);
        for (size_t f = 0; f < FIELD_COUNT; f++) {
            const struct field *field = &fields[f];
            if (!is_set(row, field)) {
                continue;
            }
            value_put_text(out, field->name);
            if (field->kind == TEXT) {
                value_put_text(out, AS_TEXT(row, field));
            } else if (field->kind == FLAG) {
                value_put_flag(out, true);
            } else {
                value_put_int(out, AS_NUMBER(row, field));
            }
        }
    }
}

static bool read_field(struct value_cursor *cursor, struct row *row, struct arena *arena)
{
    const char *text;
    size_t len;
    int64_t number;
    if (!value_get_string(cursor, &text, &len)) {
        return false;
    }
    if (len == 0) {
        bool known = value_get_int(cursor, &number) && number >= 0 && number < ROW_KIND_COUNT;
        row->kind = known ? (enum row_kind)number : row->kind;
        return known;
    }
    for (size_t f = 0; f < FIELD_COUNT; f++) {
        const struct field *field = &fields[f];
        if (strlen(field->name) != len || memcmp(field->name, text, len) != 0) {
            continue;
        }
        if (field->kind == FLAG) {
            return value_get_flag(cursor, at(row, field));
        }
        if (field->kind != TEXT) {
            return value_get_int(cursor, at(row, field));
        }
        bool good = value_get_string(cursor, &text, &len);
        AS_TEXT(row, field) = good ? arena_text(arena, text, len) : "";
        return good;
    }
    return value_skip(cursor);
}

enum fault factset_unpack(const uint8_t *bytes, size_t len, struct factset *set)
{
    struct value_cursor cursor = {bytes, bytes + len};
    size_t count, pairs;
    if (!value_get_array(&cursor, &count) || count > len) {
        return FAULT_CORRUPT;
    }
    for (size_t i = 0; i < count; i++) {
        struct row row = {0};
        for (size_t f = 0; f < FIELD_COUNT; f++) {
            if (fields[f].kind == TEXT) {
                AS_TEXT(&row, &fields[f]) = "";
            }
        }
        if (!value_get_map(&cursor, &pairs)) {
            return FAULT_CORRUPT;
        }
        for (size_t p = 0; p < pairs; p++) {
            if (!read_field(&cursor, &row, &set->arena)) {
                return FAULT_CORRUPT;
            }
        }
        if (set->count && compare_identity(&set->rows[set->count - 1], &row) >= 0) {
            return FAULT_CORRUPT; /* we pack them in order, each once */
        }
        append(set, set->count, &row);
    }
    return OK;
}
