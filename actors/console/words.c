#include "words.h"

#include "values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void words_lower(const char *text, char *lower, size_t room)
{
    size_t i = 0;
    for (; text[i] && i + 1 < room; i++) {
        lower[i] =
            (char)((unsigned char)text[i] < 0x80 ? tolower((unsigned char)text[i]) : text[i]);
    }
    lower[i] = '\0';
}

static void add(struct words *words, size_t most, const char *text, size_t len)
{
    char word[WORDS_BYTES_MAX + 1];
    size_t room = len < WORDS_BYTES_MAX ? len + 1 : sizeof word;
    if (len == 0 || words->count == most) {
        return;
    }
    words_lower(text, word, room);
    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->word[i], word) == 0) {
            return;
        }
    }
    strcpy(words->word[words->count++], word);
}

static bool parts(char c)
{
    return (unsigned char)c <= ' ' || strchr(",;<>()\"", c);
}

static void add_all(struct words *words, size_t most, const char *text)
{
    while (*text) {
        size_t len = 0;
        while (text[len] && !parts(text[len])) {
            len++;
        }
        add(words, most, text, len);
        text += len + (text[len] != '\0');
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void sort(struct words *words)
{
    qsort(words->word, words->count, sizeof words->word[0], compare);
}

static void add_address(struct words *words, const char *email)
{
    const char *at = strrchr(email, '@');
    add(words, WORDS_MAX, email, strlen(email));
    if (at) {
        add(words, WORDS_MAX, email, (size_t)(at - email));
        add(words, WORDS_MAX, at + 1, strlen(at + 1));
    }
}

static void add_list(struct words *words, const json_t *list)
{
    size_t i;
    json_t *text;
    json_array_foreach(list, i, text)
    {
        if (json_is_string(text)) {
            add(words, WORDS_MAX, json_string_value(text), json_string_length(text));
        }
    }
}

void words_of(const json_t *document, struct words *words)
{
    words->count = 0;
    add_address(words, tree_text(document, "email"));
    add_all(words, WORDS_MAX / 2, tree_text(document, "name"));
    const char *user = tree_text(document, "app_user"), *id = tree_text(document, "id");
    add(words, WORDS_MAX, user, strlen(user));
    add(words, WORDS_MAX, id, strlen(id));
    add_list(words, tree_get(document, "customers"));
    add_list(words, tree_get(document, "aliases"));
    sort(words);
}

void words_split(const char *text, size_t most, struct words *words)
{
    words->count = 0;
    add_all(words, most, text);
    sort(words);
}

void words_pack(const struct words *words, struct buf *out)
{
    buf_add(out, "", 1);
    for (size_t i = 0; i < words->count; i++) {
        buf_add(out, words->word[i], strlen(words->word[i]) + 1);
    }
}

const char *words_packed_first(const char *packed, size_t len, const char *prefix)
{
    char wanted[WORDS_BYTES_MAX + 2] = "";
    size_t more = strnlen(prefix, WORDS_BYTES_MAX);
    memcpy(wanted + 1, prefix, more);
    const char *found = memmem(packed, len, wanted, more + 1);
    return found ? found + 1 : NULL;
}
