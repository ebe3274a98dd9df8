#include "alike.h"

#include <ctype.h>

static const char *behind_digits(const char *text)
{
    while (isdigit((unsigned char)*text)) {
        text++;
    }
    return text;
}

/* The next letter, a number of any length being '0'; moves behind it. */
static char next_folded(const char **text)
{
    if (isdigit((unsigned char)**text)) {
        *text = behind_digits(*text);
        return '0';
    }
    return **text ? *(*text)++ : '\0';
}

bool words_alike(const char *a, const char *b)
{
    while (*a || *b) {
        if (next_folded(&a) != next_folded(&b)) {
            return false;
        }
    }
    return true;
}

void words_fold(const char *text, struct buf *out)
{
    while (*text) {
        char letter = next_folded(&text);
        buf_add(out, &letter, 1);
    }
}
