/* values.h - msgpack to JSON trees and back: the one door to msgpack-c.
 *
 * Use        In a process, event data is a jansson tree; on the wire and on disk it is msgpack.
 *            value_pack() and value_unpack() go between them; value_scan() checks outside bytes
 *            first, without allocating (five hostile bytes make msgpack_unpack ask for gigabytes:
 *            msgpack-c issue 1013). value_unpack() scans by itself.
 * Formats    https://github.com/msgpack/msgpack/blob/master/spec.md; maps have string keys; bin is
 *            taken only if it is UTF-8; ext is refused; integers are signed 64 bit.
 * Promise    Keys are written in sorted order, integers in their shortest form: equal trees give
 *            equal bytes.
 * Ownership  value_unpack() gives the caller a new tree (json_decref). */
#ifndef USHER_VALUES_H
#define USHER_VALUES_H

#include "buf.h"
#include "fault.h"

#include <jansson.h>

enum { VALUE_DEPTH_MAX = 32, VALUE_ELEMENTS_MAX = 65536 };

/* Checks one value at the start of `bytes`; *used is its length. Bounded time, no memory.
 * FAULT_MALFORMED, or FAULT_TOO_LARGE past the depth or element budget. */
enum fault value_scan(const uint8_t *bytes, size_t len, size_t *used) NODISCARD;

/* Appends the tree's msgpack. */
void value_pack(const json_t *tree, struct buf *out);

/* Exactly one value: bytes left over are FAULT_MALFORMED. */
enum fault value_unpack(const uint8_t *bytes, size_t len, json_t **tree) NODISCARD;

/* Appending single values, for hot paths that write msgpack without a tree. */
void value_put_map(struct buf *out, size_t pairs);
void value_put_array(struct buf *out, size_t elements);
void value_put_text(struct buf *out, const char *text);
void value_put_string(struct buf *out, const void *bytes, size_t len);
void value_put_int(struct buf *out, int64_t number);
void value_put_flag(struct buf *out, bool flag);
void value_put_nil(struct buf *out);

/* Reading single values, without a tree: a cursor over scanned bytes. Each moves *at behind what it
 * read and returns false (leaving *at) if the value is of another kind. */
struct value_cursor {
    const uint8_t *at;
    const uint8_t *end;
};
bool value_get_map(struct value_cursor *cursor, size_t *pairs);
bool value_get_array(struct value_cursor *cursor, size_t *elements);
bool value_get_string(struct value_cursor *cursor, const char **bytes, size_t *len);
bool value_get_int(struct value_cursor *cursor, int64_t *number);
bool value_get_flag(struct value_cursor *cursor, bool *flag);
bool value_get_nil(struct value_cursor *cursor);
bool value_skip(struct value_cursor *cursor);

/* Getters for trees: never NULL, never abort; "" and 0 for what is not there or of another kind. */
const char *tree_text(const json_t *object, const char *key);
int64_t tree_int(const json_t *object, const char *key);
bool tree_flag(const json_t *object, const char *key);
json_t *tree_get(const json_t *object, const char *key); /* borrowed, may be NULL */

/* Sets key to text, or leaves it out when text is NULL, "" or not UTF-8. */
void tree_set_text(json_t *object, const char *key, const char *text);
void tree_set_int(json_t *object, const char *key, int64_t number);
void tree_set_flag(json_t *object, const char *key, bool flag);
/* Takes the value. */
void tree_set(json_t *object, const char *key, json_t *value);

#endif
