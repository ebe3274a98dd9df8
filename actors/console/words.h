/* words.h - the words that somebody is found by. Pure.
 *
 * Use        words_of() a member's document; words_split() what a person types.
 * Shape      Lower case where it is ASCII, cut at WORDS_BYTES_MAX; a word of an address is the whole of
 *            it, what stands before the @, and the domain. Sorted, each once.
 * Limits     WORDS_MAX of a document, WORDS_ASKED_MAX of a question. */
#ifndef USHER_WORDS_H
#define USHER_WORDS_H

#include "buf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { WORDS_MAX = 64, WORDS_ASKED_MAX = 8, WORDS_BYTES_MAX = 64 };

struct words {
    char word[WORDS_MAX][WORDS_BYTES_MAX + 1];
    size_t count;
};

void words_of(const json_t *document, struct words *words);
/* At most `most`. */
void words_split(const char *text, size_t most, struct words *words);
/* Appends them, a NUL before the first and behind each. */
void words_pack(const struct words *words, struct buf *out);
/* The first of packed ones that begins with `prefix`, NULL if none does. */
const char *words_packed_first(const char *packed, size_t len, const char *prefix);

/* A name as it is compared: lower case where it is ASCII, at most `room` - 1 bytes. */
void words_lower(const char *text, char *lower, size_t room);

#endif
