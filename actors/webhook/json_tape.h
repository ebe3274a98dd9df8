/* json_tape.h - JSON from outside, parsed once into a flat read-only tape: the one door to yajl.
 *
 * Use        struct tape tape = {0}; tape_parse(&tape, bytes, len); tape_text(&tape,
 *            tape_path(&tape, TAPE_ROOT, "data.object.id")); ... parse the next one into the same
 *            tape; tape_fini(). A value is named by its place on the tape; TAPE_NONE is what is not
 *            there, and everything may be asked of it.
 * Promise    RFC 8259 and no more: the bytes are UTF-8 (no overlong forms, no surrogates), escapes
 *            name whole characters, nothing follows the value. No recursion.
 * Limits     TAPE_BYTES_MAX of input, TAPE_DEPTH_MAX deep, TAPE_NODES_MAX values.
 * Ownership  Texts are borrowed until the next tape_parse() or tape_fini().
 * Faults     MALFORMED, TOO_LARGE (one of the limits).
 * See        tests/unit/webhook/json_tape_test.c, tests/fuzz/webhook/json_tape.c */
#ifndef USHER_JSON_TAPE_H
#define USHER_JSON_TAPE_H

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAPE_BYTES_MAX = 1 << 20, TAPE_DEPTH_MAX = 32, TAPE_NODES_MAX = 65536 };

enum { TAPE_NONE = 0, TAPE_ROOT = 1 };

enum tape_kind {
    TAPE_NOTHING,
    TAPE_NULL,
    TAPE_FLAG,
    TAPE_INT,
    TAPE_REAL, /* fractions, exponents and what does not fit 64 bit: kept as text */
    TAPE_STRING,
    TAPE_OBJECT,
    TAPE_ARRAY
};

struct tape_node;

struct tape {
    struct tape_node *nodes;
    size_t count;
    size_t capacity;
    char *text;
    size_t text_len;
    size_t text_capacity;
};

void tape_fini(struct tape *tape);

/* On a fault the tape holds nothing. */
enum fault tape_parse(struct tape *tape, const void *bytes, size_t len) NODISCARD;

enum tape_kind tape_kind(const struct tape *tape, uint32_t at);

/* A member of an object: the first of that name. */
uint32_t tape_get(const struct tape *tape, uint32_t object, const char *key);
/* Members of members: "data.object.id". Keys with a dot in them cannot be named so. */
uint32_t tape_path(const struct tape *tape, uint32_t object, const char *path);

/* Children of an object or array, in order: for (c = tape_first(t, at); c; c = tape_next(t, at, c)). */
uint32_t tape_first(const struct tape *tape, uint32_t parent);
uint32_t tape_next(const struct tape *tape, uint32_t parent, uint32_t child);
/* A child's name in its object, "" in arrays. */
const char *tape_key(const struct tape *tape, uint32_t at);

/* "" and 0 for what is not there or of another kind, and for a string with a NUL in it, which
 * would end early as text. */
const char *tape_text(const struct tape *tape, uint32_t at);
int64_t tape_int(const struct tape *tape, uint32_t at);
bool tape_flag(const struct tape *tape, uint32_t at);

#endif
