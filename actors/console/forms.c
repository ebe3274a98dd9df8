#include "forms.h"

#include "values.h"

#include <stdbool.h>
#include <string.h>

enum { NAME_BYTES_MAX = 40 };

void forms_escape(const char *text, struct buf *out)
{
    static const char *const escapes[][2] = {
        {"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}};
    for (; *text; text++) {
        const char *shown = NULL;
        for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
            shown = *text == *escapes[i][0] ? escapes[i][1] : shown;
        }
        if (shown) {
            buf_add_text(out, shown);
        } else {
            buf_add(out, text, 1);
        }
    }
}

/* The name between "{{" and "}}"; *behind is the first byte after. False if it is not one. */
static bool read_hole(const char *at, const char *end, char *kind, char name[NAME_BYTES_MAX],
                      const char **behind)
{
    size_t len = 0;
    at += 2;
    *kind = at < end && (*at == '#' || *at == '/') ? *at++ : '\0';
    while (at < end && *at != '}' && len < NAME_BYTES_MAX - 1) {
        name[len++] = *at++;
    }
    name[len] = '\0';
    *behind = at + 2;
    return end - at >= 2 && at[0] == '}' && at[1] == '}' && len > 0;
}

void forms_fill(const char *page, size_t len, const json_t *values, struct buf *out)
{
    const char *end = page + len;
    bool left_out = false;
    for (const char *at = page; at < end;) {
        const char *behind;
        char kind, name[NAME_BYTES_MAX];
        bool hole = end - at >= 2 && at[0] == '{' && at[1] == '{' &&
                    read_hole(at, end, &kind, name, &behind);
        if (!hole) {
            if (!left_out) {
                buf_add(out, at, 1);
            }
            at++;
            continue;
        }
        if (kind == '#') {
            left_out = !*tree_text(values, name);
        } else if (kind == '/') {
            left_out = false;
        } else if (!left_out) {
            forms_escape(tree_text(values, name), out);
        }
        at = behind;
    }
}
