#include "hole.h"

#include "must.h"
#include "values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SHOWN_MAX = 40 };

const char *hole_read(const char *at, struct hole *hole)
{
    const char *begin = at + 2;
    const char *end = strstr(begin, "}}");
    if (!end || memchr(begin, '\n', (size_t)(end - begin))) {
        return "\"{{\" without \"}}\" on the same line";
    }
    char section = *begin == '#' || *begin == '/' ? *begin++ : '\0';
    const char *bar = section ? NULL : memchr(begin, '|', (size_t)(end - begin));
    const char *stop = bar ? bar : end;
    while (begin < stop && *begin == ' ') {
        begin++;
    }
    while (stop > begin && stop[-1] == ' ') {
        stop--;
    }
    *hole = (struct hole){
        .section = section, .name = begin, .name_len = (size_t)(stop - begin), .behind = end + 2};
    if (bar) {
        hole->fallback = bar + 1;
        hole->fallback_len = (size_t)(end - bar - 1);
    }
    return NULL;
}

bool hole_is(const struct hole *hole, const char *name)
{
    return strlen(name) == hole->name_len && memcmp(name, hole->name, hole->name_len) == 0;
}

/* --- values ------------------------------------------------------------------------------------- */

static json_t *value_of(const struct hole *hole, const json_t *values)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)values, name, value)
    {
        if (hole_is(hole, name)) {
            return value;
        }
    }
    return NULL;
}

void holes_plain(const json_t *value, struct buf *out)
{
    if (json_is_string(value)) {
        buf_add(out, json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        buf_printf(out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        buf_add_text(out, json_is_true(value) ? "true" : "false");
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        buf_add_text(out, i > 0 ? "," : "");
        holes_plain(json_array_get(value, i), out);
    }
}

/* Whole, or as the inside of a string. */
static void add_json(const json_t *value, bool inside, struct buf *out)
{
    struct buf plain = {0};
    json_t *text = NULL;
    if (inside) {
        holes_plain(value, &plain);
        text = json_stringn(buf_text(&plain), plain.len);
    }
    char *dumped = json_dumps(inside ? text : value, JSON_COMPACT | JSON_ENCODE_ANY);
    size_t len = dumped ? strlen(dumped) : 0;
    if (inside && len >= 2) {
        buf_add(out, dumped + 1, len - 2);
    } else if (!inside) {
        buf_add_text(out, dumped ? dumped : "\"\"");
    }
    free(dumped);
    json_decref(text);
    buf_fini(&plain);
}

static void add_header(const char *text, struct buf *out)
{
    for (; *text; text++) {
        bool control = (unsigned char)*text < ' ' || *text == 0x7f;
        buf_add(out, control ? " " : text, 1);
    }
}

static void add_escaped(const char *text, struct buf *url)
{
    for (; *text; text++) {
        bool safe = isalnum((unsigned char)*text) || strchr("-_.~", *text);
        buf_printf(url, safe ? "%c" : "%%%02X", (unsigned char)*text);
    }
}

static void add_value(const struct hole *hole, enum holes_kind kind, bool inside,
                      const json_t *values, struct buf *out)
{
    struct buf plain = {0};
    const json_t *value = value_of(hole, values);
    bool empty = !value || (json_is_string(value) && !*json_string_value(value));
    json_t *fallback =
        empty && hole->fallback ? json_stringn(hole->fallback, hole->fallback_len) : NULL;
    value = fallback ? fallback : value;
    if (kind == HOLES_JSON) {
        add_json(value, inside, out);
    } else {
        holes_plain(value, &plain);
        (kind == HOLES_URL ? add_escaped : add_header)(buf_text(&plain), out);
    }
    json_decref(fallback);
    buf_fini(&plain);
}

/* --- whole texts -------------------------------------------------------------------------------- */

/* Is what stands behind this byte within quotes? */
static bool quoted(bool inside, const char *text, const char *at)
{
    size_t back = 0;
    while (inside && at - back > text && at[-1 - (ptrdiff_t)back] == '\\') {
        back++;
    }
    return *at == '"' && back % 2 == 0 ? !inside : inside;
}

enum fault holes_fill(const char *text, enum holes_kind kind, const json_t *values, struct buf *out)
{
    bool inside = false;
    for (const char *at = text; *at;) {
        struct hole hole = {0};
        if (strncmp(at, "{{", 2) == 0 && !hole_read(at, &hole) && value_of(&hole, values)) {
            add_value(&hole, kind, inside, values, out);
            at = hole.behind;
        } else {
            inside = quoted(inside, text, at);
            buf_add(out, at++, 1);
        }
        if (out->len > HOLES_FILLED_BYTES_MAX) {
            return FAULT_TOO_LARGE;
        }
    }
    return OK;
}

static void add_names(const json_t *sample, struct buf *why)
{
    const char *name;
    json_t *value;
    size_t said = 0;
    json_object_foreach((json_t *)sample, name, value)
    {
        buf_printf(why, "%s%s", said++ ? ", " : "", name);
    }
}

static bool check_names(const char *text, enum holes_kind kind, const json_t *sample,
                        const char *file, int line, struct buf *why)
{
    for (const char *at = text; *at;) {
        struct hole hole = {0};
        line += *at == '\n';
        /* "{{" of JSON itself is two objects, the second of which would have to be a name. */
        if (strncmp(at, "{{", 2) != 0) {
            at++;
            continue;
        }
        const char *wrong = hole_read(at, &hole);
        if (!wrong && kind == HOLES_JSON && at > text && at[-1] == '\\') {
            wrong = "a backslash in front of a placeholder";
        } else if (!wrong && hole.section) {
            wrong = "sections are for mails";
        }
        if (wrong) {
            buf_printf(why, "%s:%d: %s\n", file, line, wrong);
            return false;
        }
        if (!value_of(&hole, sample)) {
            size_t len = hole.name_len < NAME_SHOWN_MAX ? hole.name_len : NAME_SHOWN_MAX;
            buf_printf(why, "%s:%d: unknown placeholder \"%.*s\"; expected one of ", file, line,
                       (int)len, hole.name);
            add_names(sample, why);
            buf_add_text(why, "\n");
            return false;
        }
        at = hole.behind;
    }
    return true;
}

static bool check_json(const char *text, const json_t *sample, const char *file, int line,
                       struct buf *why)
{
    struct buf filled = {0};
    json_error_t error;
    enum fault fault = holes_fill(text, HOLES_JSON, sample, &filled);
    json_t *tree = fault == OK ? json_loadb(buf_text(&filled), filled.len, 0, &error) : NULL;
    if (!tree) {
        int at = fault == OK && error.line > 0 ? error.line - 1 : 0;
        buf_printf(why, "%s:%d: expected JSON: %s\n", file, line + at,
                   fault == OK ? error.text : fault_words(fault));
    }
    json_decref(tree);
    buf_fini(&filled);
    return tree != NULL;
}

bool holes_check(const char *text, enum holes_kind kind, const json_t *sample, const char *file,
                 int line, struct buf *why)
{
    if (strlen(text) > HOLES_TEXT_BYTES_MAX) {
        buf_printf(why, "%s:%d: larger than %d bytes\n", file, line, HOLES_TEXT_BYTES_MAX);
        return false;
    }
    return check_names(text, kind, sample, file, line, why) &&
           (kind != HOLES_JSON || check_json(text, sample, file, line, why));
}
