#include "zpl.h"

#include "must.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { INDENT_CHARS = 4 };

static const char blanks[] = " \t";

static bool is_name_char(char c)
{
    return c && (isalnum((unsigned char)c) || strchr("$-_@.&+/:", c));
}

static bool is_over(const char *at)
{
    return *at == '\0' || *at == '#';
}

/* Cuts the value out of the rest of a line; what is wrong with it, or NULL. */
static const char *read_value(char *at, const char **value)
{
    at += strspn(at, blanks);
    if (*at == '"' || *at == '\'') {
        char *end = strchr(at + 1, *at);
        if (!end) {
            return "the quotation mark is not closed";
        }
        *end = '\0';
        *value = at + 1;
        end++;
        end += strspn(end, blanks);
        return is_over(end) ? NULL : "unexpected text after the value";
    }
    size_t len = strcspn(at, "#");
    while (len && strchr(blanks, at[len - 1])) {
        len--;
    }
    at[len] = '\0';
    *value = at;
    return NULL;
}

/* One line that is neither empty nor a comment; what is wrong with it, or NULL. */
static const char *read_line(char *text, int deepest, struct zpl_line *line)
{
    size_t spaces = strspn(text, " ");
    char *at = text + spaces;
    if (*at == '\t') {
        return "indent with four spaces, not with tabs";
    }
    if (spaces % INDENT_CHARS) {
        return "indent by a multiple of four spaces";
    }
    line->depth = (int)(spaces / INDENT_CHARS) + 1;
    if (line->depth > deepest + 1 || line->depth > ZPL_DEPTH_MAX) {
        return "indented deeper than the section it stands in";
    }
    if (!is_name_char(*at)) {
        return "expected a name";
    }
    line->name = at;
    while (is_name_char(*at)) {
        at++;
    }
    char *end = at;
    at += strspn(at, blanks);
    if (!is_over(at) && *at != '=') {
        return "expected \"name\" or \"name = value\"";
    }
    bool has_value = *at == '=';
    *end = '\0';
    return has_value ? read_value(at + 1, &line->value) : NULL;
}

/* True if the lines could be read; all mistakes are told. */
static bool read_lines(struct zpl *zpl, const char *file, struct buf *why)
{
    bool good = true;
    int number = 0, deepest = 0;
    for (char *at = zpl->text, *next; at; at = next) {
        next = strchr(at, '\n');
        if (next) {
            *next++ = '\0';
        }
        number++;
        at[strcspn(at, "\r")] = '\0';
        if (is_over(at + strspn(at, blanks))) {
            continue;
        }
        struct zpl_line line = {.number = number};
        const char *wrong =
            zpl->count == ZPL_LINES_MAX ? "too many lines" : read_line(at, deepest, &line);
        if (wrong) {
            buf_printf(why, "%s:%d: %s\n", file, number, wrong);
            good = false;
        }
        if (zpl->count == ZPL_LINES_MAX) {
            break;
        }
        deepest = line.depth;
        zpl->lines[zpl->count++] = line;
    }
    return good;
}

enum fault zpl_parse(struct zpl *zpl, const char *file, const void *bytes, size_t len,
                     struct buf *why)
{
    *zpl = (struct zpl){0};
    if (memchr(bytes, '\0', len)) {
        buf_printf(why, "%s: holds a NUL byte\n", file);
        return FAULT_CONFIG;
    }
    zpl->text = must_malloc(len + 1);
    memcpy(zpl->text, bytes, len);
    zpl->text[len] = '\0';
    zpl->lines = must_calloc(ZPL_LINES_MAX, sizeof *zpl->lines);
    zpl->lines[zpl->count++] = (struct zpl_line){.name = ""};
    if (!read_lines(zpl, file, why)) {
        zpl_fini(zpl);
        return FAULT_CONFIG;
    }
    return OK;
}

void zpl_fini(struct zpl *zpl)
{
    free(zpl->lines);
    free(zpl->text);
    *zpl = (struct zpl){0};
}

size_t zpl_child(const struct zpl *zpl, size_t parent)
{
    size_t child = parent + 1;
    bool below = child < zpl->count && zpl->lines[child].depth > zpl->lines[parent].depth;
    return below ? child : ZPL_NONE;
}

size_t zpl_next(const struct zpl *zpl, size_t line)
{
    int depth = zpl->lines[line].depth;
    for (size_t i = line + 1; i < zpl->count && zpl->lines[i].depth >= depth; i++) {
        if (zpl->lines[i].depth == depth) {
            return i;
        }
    }
    return ZPL_NONE;
}

/* `line` if it is of that name, else the next one beside it that is. */
static size_t named(const struct zpl *zpl, size_t line, const char *name, size_t len)
{
    while (line && (strlen(zpl->lines[line].name) != len ||
                    memcmp(zpl->lines[line].name, name, len) != 0)) {
        line = zpl_next(zpl, line);
    }
    return line;
}

size_t zpl_find(const struct zpl *zpl, size_t from, const char *path, size_t n)
{
    size_t line = from;
    if (zpl->count == 0) {
        return ZPL_NONE;
    }
    for (const char *at = path; *at;) {
        size_t len = strcspn(at, "/");
        size_t found = named(zpl, zpl_child(zpl, line), at, len);
        for (size_t i = 0; found && !at[len] && i < n; i++) {
            size_t next = zpl_next(zpl, found);
            found = next ? named(zpl, next, at, len) : ZPL_NONE;
        }
        if (!found) {
            return ZPL_NONE;
        }
        line = found;
        at += len + (at[len] == '/');
    }
    return line;
}
