#include "mapping_core.h"

#include "home.h"
#include "json_template.h"
#include "mappings.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 18 };

/* What it takes to say where a mistake is. */
struct check {
    const char *file;
    const struct mapping *mapping;
    struct buf *why;
    size_t mistakes;
};

static void mistake(struct check *check, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void mistake(struct check *check, size_t line, const char *format, ...)
{
    va_list args;
    char *words = NULL;
    va_start(args, format);
    MUST(vasprintf(&words, format, args) >= 0);
    va_end(args);
    const struct zpl_line *at = &check->mapping->zpl.lines[line];
    buf_printf(check->why, "%s:%d: %s: %s\n", check->file, at->number, at->name, words);
    free(words);
    check->mistakes++;
}

static const char *value_of(const struct mapping *mapping, size_t line)
{
    const char *value = mapping->zpl.lines[line].value;
    return value ? value : "";
}

static const char *name_of(const struct mapping *mapping, size_t line)
{
    return mapping->zpl.lines[line].name;
}

/* --- checking -------------------------------------------------------------------------------- */

static void check_template(struct check *check, size_t line)
{
    const char *text = value_of(check->mapping, line);
    const char *wrong = *text ? json_template_wrong(text) : "expected a text such as \"{data.id}\"";
    if (wrong) {
        mistake(check, line, "%s", wrong);
    }
}

/* A table of what is shown and what we call it: neither more lines below nor places in them. */
static void check_table(struct check *check, size_t field)
{
    const struct zpl *zpl = &check->mapping->zpl;
    for (size_t i = zpl_child(zpl, field); i; i = zpl_next(zpl, i)) {
        if (zpl_child(zpl, i) || !zpl->lines[i].value) {
            mistake(check, i, "expected \"what it shows = what we call it\"");
        }
    }
}

static bool is_constant(const char *text)
{
    return strchr(text, '{') == NULL;
}

static void check_status(struct check *check, size_t line, enum fact_kind kind, const char *word)
{
    if (!mapped_status(kind, word)) {
        struct buf words = {0};
        for (const char *const *at = mapped_statuses(kind); *at; at++) {
            buf_printf(&words, "%s%s", words.len ? ", " : "", *at);
        }
        mistake(check, line, "\"%s\" is no status of a %s; expected one of %s", word,
                fact_kind_name(kind), buf_text(&words));
        buf_fini(&words);
    }
}

static void check_statuses(struct check *check, size_t line, enum fact_kind kind)
{
    const struct zpl *zpl = &check->mapping->zpl;
    if (is_constant(value_of(check->mapping, line))) {
        check_status(check, line, kind, value_of(check->mapping, line));
    }
    for (size_t i = zpl_child(zpl, line); i; i = zpl_next(zpl, i)) {
        check_status(check, i, kind, value_of(check->mapping, i));
    }
}

static void check_when(struct check *check, size_t line)
{
    char *text = must_strdup(value_of(check->mapping, line));
    char *same = strstr(text, " = ");
    if (same) {
        *same = '\0';
    }
    const char *wrong =
        is_constant(text) ? "expected \"{path}\" or \"{path} = word\"" : json_template_wrong(text);
    if (wrong) {
        mistake(check, line, "%s", wrong);
    }
    free(text);
}

static void check_field(struct check *check, size_t line, enum fact_kind kind)
{
    const char *name = name_of(check->mapping, line);
    const struct mapped_field *field = mapped_field(name);
    if (strcmp(name, "when") == 0) {
        check_when(check, line);
    } else if (!field || !(field->kinds & 1u << kind)) {
        mistake(check, line, "a %s has no such field", fact_kind_name(kind));
    } else {
        check_template(check, line);
        check_table(check, line);
        if (strcmp(name, "status") == 0) {
            check_statuses(check, line, kind);
        }
    }
}

static bool has_field(const struct mapping *mapping, size_t fact, const char *name)
{
    for (size_t i = zpl_child(&mapping->zpl, fact); i; i = zpl_next(&mapping->zpl, i)) {
        if (strcmp(name_of(mapping, i), name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_fact(struct check *check, size_t line)
{
    const struct mapping *mapping = check->mapping;
    enum fact_kind kind;
    if (!mapped_kind(name_of(mapping, line), &kind)) {
        mistake(check, line,
                "expected product, payment, refund, refund_state, dispute, "
                "subscription, customer or link");
        return;
    }
    for (size_t i = zpl_child(&mapping->zpl, line); i; i = zpl_next(&mapping->zpl, i)) {
        check_field(check, i, kind);
    }
    const char *needed[] = {"key", mapped_statuses(kind) ? "status" : "key",
                            kind == FACT_LINK ? "object" : "key"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (!has_field(mapping, line, needed[i]) && (i == 0 || strcmp(needed[i], "key") != 0)) {
            mistake(check, line, "a %s needs its %s", fact_kind_name(kind), needed[i]);
        }
    }
}

static size_t event_line(const struct mapping *mapping, const char *type)
{
    const struct zpl *zpl = &mapping->zpl;
    for (size_t i = zpl_child(zpl, mapping->events); i; i = zpl_next(zpl, i)) {
        if (strcmp(name_of(mapping, i), type) == 0) {
            return i;
        }
    }
    return ZPL_NONE;
}

static void check_event(struct check *check, size_t line)
{
    const struct mapping *mapping = check->mapping;
    const struct zpl *zpl = &mapping->zpl;
    if (event_line(mapping, name_of(mapping, line)) != line) {
        mistake(check, line, "is there twice");
    }
    if (zpl->lines[line].value) {
        size_t same = event_line(mapping, value_of(mapping, line));
        if (same == ZPL_NONE || zpl->lines[same].value || zpl_child(zpl, line)) {
            mistake(check, line, "expected facts, or the name of a type that has some");
        }
        return;
    }
    if (!zpl_child(zpl, line)) {
        mistake(check, line, "expected facts below it");
    }
    for (size_t i = zpl_child(zpl, line); i; i = zpl_next(zpl, i)) {
        if (strcmp(name_of(mapping, i), "product") == 0) {
            check_template(check, i);
        } else {
            check_fact(check, i);
        }
    }
}

static void take_sender(struct check *check, struct mapping *mapping, size_t section)
{
    const struct {
        const char *name;
        const char **into;
    } rows[] = {{"type", &mapping->type}, {"time", &mapping->time}, {"live", &mapping->live}};
    for (size_t i = zpl_child(&mapping->zpl, section); i; i = zpl_next(&mapping->zpl, i)) {
        bool known = false;
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            if (strcmp(rows[r].name, name_of(mapping, i)) == 0) {
                *rows[r].into = value_of(mapping, i);
                known = true;
            }
        }
        if (!known) {
            mistake(check, i, "expected type, time or live");
            continue;
        }
        check_template(check, i);
        check_table(check, i);
        mapping->live_table = strcmp(name_of(mapping, i), "live") == 0 ? i : mapping->live_table;
    }
}

static void take_sections(struct check *check, struct mapping *mapping)
{
    const struct zpl *zpl = &mapping->zpl;
    for (size_t i = zpl_child(zpl, ZPL_TOP); i; i = zpl_next(zpl, i)) {
        if (strcmp(name_of(mapping, i), "sender") == 0) {
            take_sender(check, mapping, i);
        } else if (strcmp(name_of(mapping, i), "events") == 0 && !mapping->events) {
            mapping->events = i;
        } else {
            mistake(check, i, "expected one section sender and one section events");
        }
    }
    for (size_t i = mapping->events ? zpl_child(zpl, mapping->events) : ZPL_NONE; i;
         i = zpl_next(zpl, i)) {
        check_event(check, i);
    }
}

/* --- reading --------------------------------------------------------------------------------- */

enum fault mapping_parse(const char *file, const void *bytes, size_t len, struct mapping **out,
                         struct buf *why)
{
    struct mapping *mapping = must_calloc(1, sizeof *mapping);
    *out = NULL;
    enum fault fault = zpl_parse(&mapping->zpl, file, bytes, len, why);
    if (fault != OK) {
        free(mapping);
        return fault;
    }
    mapping->type = "{type}";
    mapping->time = "{timestamp}";
    mapping->live = "";
    struct check check = {.file = file, .mapping = mapping, .why = why};
    take_sections(&check, mapping);
    if (!mapping->events || !zpl_child(&mapping->zpl, mapping->events)) {
        buf_printf(why, "%s: no event has a meaning; expected a section events\n", file);
        check.mistakes++;
    }
    if (check.mistakes) {
        mapping_destroy(&mapping);
        return FAULT_CONFIG;
    }
    *out = mapping;
    return OK;
}

void mapping_destroy(struct mapping **mapping)
{
    if (*mapping) {
        zpl_fini(&(*mapping)->zpl);
        free(*mapping);
        *mapping = NULL;
    }
}

static const struct {
    const char *name;
    const void *text;
    size_t len;
} shipped[] = {
#define X(name, bytes) {name, bytes, sizeof bytes - 1},
    MAPPINGS(X)
#undef X
};

enum fault mapping_read(const char *home, const char *words, struct mapping **out, struct buf *why)
{
    *out = NULL;
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
        if (strcmp(shipped[i].name, words) == 0) {
            return mapping_parse(words, shipped[i].text, shipped[i].len, out, why);
        }
    }
    if (!strpbrk(words, "./")) {
        buf_printf(why, "usher.cfg: webhook/payment/mapping: expected a file such as "
                        "mappings/own.cfg, or one of");
        for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
            buf_printf(why, " %s", shipped[i].name);
        }
        buf_add_text(why, "\n");
        return FAULT_CONFIG;
    }
    char *path = home_path(home, "%s", words), *text = NULL;
    size_t len;
    enum fault fault = home_read_file(path, FILE_BYTES_MAX, &text, &len);
    if (fault == OK) {
        fault = mapping_parse(words, text, len, out, why);
    } else {
        buf_printf(why, "%s: %s\n", words, fault_words(fault));
        fault = FAULT_CONFIG;
    }
    free(text);
    free(path);
    return fault;
}

size_t mapping_event(const struct mapping *mapping, const char *type)
{
    size_t line = event_line(mapping, type);
    bool alias = line && mapping->zpl.lines[line].value;
    return alias ? event_line(mapping, value_of(mapping, line)) : line;
}
