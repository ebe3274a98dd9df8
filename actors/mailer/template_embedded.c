#include "template.h"

#include <string.h>

static const struct {
    const char *name;
    const char *text;
    const char *html;
} rows[] = {
#define X(name, text, html) {name, text, html},
#include "template_table.h"
#undef X
};

enum { ROWS = sizeof rows / sizeof *rows };

const char *template_embedded(const char *name, const char **html)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *html = rows[i].html;
            return rows[i].text;
        }
    }
    return NULL;
}

const char *template_embedded_name(size_t n)
{
    return n < ROWS ? rows[n].name : NULL;
}
