#include "job_like.h"

#include "values.h"

#include <ctype.h>
#include <string.h>

static const char *behind_digits(const char *text)
{
    while (isdigit((unsigned char)*text)) {
        text++;
    }
    return text;
}

/* Any number is like any other number. */
static bool same_words(const char *a, const char *b)
{
    while (*a && *b) {
        bool number = isdigit((unsigned char)*a);
        if (number && isdigit((unsigned char)*b)) {
            a = behind_digits(a);
            b = behind_digits(b);
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return !*a && !*b;
}

bool job_is_like(const json_t *job, const json_t *other)
{
    static const char *const fields[] = {"actor", "kind", "target", "state", NULL};
    for (const char *const *field = fields; *field; field++) {
        if (strcmp(tree_text(job, *field), tree_text(other, *field)) != 0) {
            return false;
        }
    }
    return same_words(tree_text(job, "error"), tree_text(other, "error"));
}
