#include "paths.h"

#include "must.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- text ------------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3629: no surrogates, nothing longer than needed, nothing past U+10FFFF. */
size_t utf8_chars(const char *text, size_t room)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t chars = 0;
    uint8_t low = 0x80, high = 0xbf;
    if (room == 0) {
        return 0;
    }
    if (at[0] < 0x80) {
        return 1;
    }
    if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        chars = 2;
    } else if (at[0] >= 0xe0 && at[0] <= 0xef) {
        chars = 3;
        low = at[0] == 0xe0 ? 0xa0 : low;
        high = at[0] == 0xed ? 0x9f : high;
    } else if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        chars = 4;
        low = at[0] == 0xf0 ? 0x90 : low;
        high = at[0] == 0xf4 ? 0x8f : high;
    }
    if (chars == 0 || chars > room || at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < chars; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return chars;
}

bool text_unescape(const char *text, size_t chars, bool plus, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < chars; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < chars ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < chars ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0') {
            return false;
        }
        out[len++] = c;
    }
    out[len] = '\0';
    for (size_t at = 0, step; at < len; at += step) {
        step = utf8_chars(out + at, len - at);
        if (step == 0) {
            return false;
        }
    }
    return true;
}

/* --- paths ----------------------------------------------------------------------------------- */

enum path_verdict path_cut(char *raw, struct path *path)
{
    path->count = 0;
    if (*raw != '/') {
        return PATH_FOREIGN;
    }
    for (char *at = raw;;) {
        char *start = at + 1;
        size_t chars = strcspn(start, "/");
        bool last = start[chars] == '\0';
        if (path->count == PATH_SEGMENTS_MAX) {
            return PATH_LONG;
        }
        at = start + chars;
        if (!text_unescape(start, chars, false, start) || strcmp(start, ".") == 0 ||
            strcmp(start, "..") == 0) {
            return PATH_BAD;
        }
        path->segments[path->count++] = start;
        if (last) {
            return PATH_FINE;
        }
    }
}

/* The next segment of a pattern, NULL behind the last; moves *at past it. */
static const char *next_part(const char **at, size_t *chars)
{
    if (**at != '/') {
        return NULL;
    }
    const char *part = *at + 1;
    *chars = strcspn(part, "/");
    *at = part + *chars;
    return part;
}

static bool is_rest(const char *part, size_t chars)
{
    return chars == 1 && *part == '*';
}

static bool is_param(const char *part, size_t chars)
{
    return chars > 2 && *part == '{' && part[chars - 1] == '}';
}

bool path_fits(const struct path *path, const char *pattern)
{
    size_t chars, i = 0;
    for (const char *part; (part = next_part(&pattern, &chars)); i++) {
        if (i == path->count) {
            return false;
        }
        const char *segment = path->segments[i];
        if (is_rest(part, chars)) {
            return true;
        }
        if (is_param(part, chars) ? *segment == '\0'
                                  : strncmp(segment, part, chars) != 0 || segment[chars]) {
            return false;
        }
    }
    return i == path->count;
}

static int rank(const char *part, size_t chars)
{
    return !part ? 3 : is_rest(part, chars) ? 2 : is_param(part, chars) ? 1 : 0;
}

bool pattern_before(const char *a, const char *b)
{
    size_t a_chars = 0, b_chars = 0;
    for (;;) {
        const char *a_part = next_part(&a, &a_chars), *b_part = next_part(&b, &b_chars);
        int a_rank = rank(a_part, a_chars), b_rank = rank(b_part, b_chars);
        if (a_rank != b_rank || !a_part) {
            return a_rank < b_rank;
        }
    }
}

const char *path_param(const struct path *path, const char *pattern, const char *name)
{
    size_t chars, wanted = strlen(name), i = 0;
    for (const char *part; i < path->count && (part = next_part(&pattern, &chars)); i++) {
        if (is_rest(part, chars)) {
            return NULL;
        }
        if (is_param(part, chars) && chars == wanted + 2 && strncmp(part + 1, name, wanted) == 0) {
            return path->segments[i];
        }
    }
    return NULL;
}

/* --- forms ----------------------------------------------------------------------------------- */

/* Whether the field that begins at `field` is named `name`; names may be escaped, too. */
static bool is_named(const char *field, size_t chars, const char *name)
{
    size_t at = 0;
    for (; at < chars && *name; name++) {
        char c = field[at++];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = at + 1 < chars ? hex_digit(field[at]) : -1;
            int low = at + 1 < chars ? hex_digit(field[at + 1]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high << 4 | low);
            at += 2;
        }
        if (c != *name) {
            return false;
        }
    }
    return at == chars && !*name;
}

char *form_field(const char *body, size_t len, const char *name)
{
    const char *found = NULL, *end = body + len;
    size_t found_chars = 0;
    for (const char *at = body; at && at < end;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        if (is_named(at, (size_t)((equals ? equals : stop) - at), name)) {
            if (found) {
                return NULL;
            }
            found = equals ? equals + 1 : stop;
            found_chars = (size_t)(stop - found);
        }
        at = stop + 1;
    }
    if (!found) {
        return NULL;
    }
    char *value = must_malloc(found_chars + 1);
    if (!text_unescape(found, found_chars, true, value)) {
        free(value);
        value = NULL;
    }
    return value;
}
