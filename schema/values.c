#include "values.h"

#include "must.h"

#include <msgpack.h>
#include <string.h>

/* --- reading: one decoder for the scan, the cursor and the tree ------------------------------ */

enum kind { KIND_NIL, KIND_FLAG, KIND_INT, KIND_REAL, KIND_STRING, KIND_ARRAY, KIND_MAP };

struct head {
    enum kind kind;
    int64_t number; /* INT, FLAG */
    size_t size;    /* STRING: bytes; ARRAY: elements; MAP: pairs */
    size_t bytes;   /* of the head itself, without what follows it */
};

static uint64_t big_endian(const uint8_t *bytes, size_t len)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static int64_t sign_extend(uint64_t number, size_t bytes)
{
    MUST(bytes);
    unsigned shift = (unsigned)(64 - 8 * bytes);
    return (int64_t)(number << shift) >> shift;
}

/* What the head bytes 0xc0 to 0xdf mean: the kind, and how many bytes of size or number follow. */
static const struct {
    int kind; /* -1: refused */
    uint8_t extra;
    bool is_signed;
} head_rows[32] = {
    {KIND_NIL, 0, false},    {-1, 0, false},          {KIND_FLAG, 0, false},
    {KIND_FLAG, 0, false},   {KIND_STRING, 1, false}, {KIND_STRING, 2, false},
    {KIND_STRING, 4, false}, {-1, 0, false},          {-1, 0, false},
    {-1, 0, false},          {KIND_REAL, 4, false},   {KIND_REAL, 8, false},
    {KIND_INT, 1, false},    {KIND_INT, 2, false},    {KIND_INT, 4, false},
    {KIND_INT, 8, false},    {KIND_INT, 1, true},     {KIND_INT, 2, true},
    {KIND_INT, 4, true},     {KIND_INT, 8, true},     {-1, 0, false},
    {-1, 0, false},          {-1, 0, false},          {-1, 0, false},
    {-1, 0, false},          {KIND_STRING, 1, false}, {KIND_STRING, 2, false},
    {KIND_STRING, 4, false}, {KIND_ARRAY, 2, false},  {KIND_ARRAY, 4, false},
    {KIND_MAP, 2, false},    {KIND_MAP, 4, false},
};

static bool read_long_head(const uint8_t *at, size_t left, struct head *head)
{
    unsigned row = at[0] - 0xc0u;
    if (head_rows[row].kind < 0 || left < 1u + head_rows[row].extra) {
        return false;
    }
    uint64_t number = big_endian(at + 1, head_rows[row].extra);
    head->kind = (enum kind)head_rows[row].kind;
    head->bytes = 1u + head_rows[row].extra;
    switch (head->kind) {
    case KIND_FLAG:
        head->number = at[0] == 0xc3;
        return true;
    case KIND_INT:
        head->number =
            head_rows[row].is_signed ? sign_extend(number, head_rows[row].extra) : (int64_t)number;
        return head_rows[row].is_signed || number <= INT64_MAX;
    case KIND_STRING:
    case KIND_ARRAY:
    case KIND_MAP:
        head->size = (size_t)number;
        return true;
    case KIND_NIL:
    case KIND_REAL:
        return true;
    }
    return false;
}

static bool read_head(const struct value_cursor *cursor, struct head *head)
{
    size_t left = (size_t)(cursor->end - cursor->at);
    if (left == 0) {
        return false;
    }
    uint8_t first = cursor->at[0];
    *head = (struct head){.bytes = 1};
    if (first < 0x80 || first >= 0xe0) {
        head->kind = KIND_INT;
        head->number = sign_extend(first, 1);
    } else if (first < 0x90) {
        head->kind = KIND_MAP;
        head->size = first & 0x0f;
    } else if (first < 0xa0) {
        head->kind = KIND_ARRAY;
        head->size = first & 0x0f;
    } else if (first < 0xc0) {
        head->kind = KIND_STRING;
        head->size = first & 0x1f;
    } else if (!read_long_head(cursor->at, left, head)) {
        return false;
    }
    return head->kind != KIND_STRING || head->size <= left - head->bytes;
}

/* Elements still to come on each level are counted, not visited: no recursion, no memory. A map's
 * keys must be strings. */
enum fault value_scan(const uint8_t *bytes, size_t len, size_t *used)
{
    struct value_cursor cursor = {bytes, bytes + len};
    struct {
        size_t left;
        bool map; /* then `left` counts keys and values; a key is next while it is even */
    } levels[VALUE_DEPTH_MAX];
    size_t depth = 0, elements = 0;
    do {
        struct head head;
        if (!read_head(&cursor, &head)) {
            return FAULT_MALFORMED;
        }
        if (++elements > VALUE_ELEMENTS_MAX) {
            return FAULT_TOO_LARGE;
        }
        if (depth) {
            bool key = levels[depth - 1].map && levels[depth - 1].left % 2 == 0;
            if (key && head.kind != KIND_STRING) {
                return FAULT_MALFORMED;
            }
            levels[depth - 1].left--;
        }
        cursor.at += head.bytes;
        if (head.kind == KIND_STRING) {
            cursor.at += head.size;
        } else if (head.kind == KIND_ARRAY || head.kind == KIND_MAP) {
            if (head.size > (size_t)(cursor.end - cursor.at)) {
                return FAULT_MALFORMED; /* every element takes a byte */
            }
            if (head.size) {
                if (depth == VALUE_DEPTH_MAX) {
                    return FAULT_TOO_LARGE;
                }
                levels[depth].map = head.kind == KIND_MAP;
                levels[depth++].left = head.kind == KIND_MAP ? 2 * head.size : head.size;
            }
        }
        while (depth && levels[depth - 1].left == 0) {
            depth--;
        }
    } while (depth);
    *used = (size_t)(cursor.at - bytes);
    return OK;
}

static bool take(struct value_cursor *cursor, enum kind kind, struct head *head)
{
    if (!read_head(cursor, head) || head->kind != kind) {
        return false;
    }
    cursor->at += head->bytes;
    return true;
}

bool value_get_map(struct value_cursor *cursor, size_t *pairs)
{
    struct head head;
    bool got = take(cursor, KIND_MAP, &head);
    *pairs = got ? head.size : 0;
    return got;
}

bool value_get_array(struct value_cursor *cursor, size_t *elements)
{
    struct head head;
    bool got = take(cursor, KIND_ARRAY, &head);
    *elements = got ? head.size : 0;
    return got;
}

bool value_get_string(struct value_cursor *cursor, const char **bytes, size_t *len)
{
    struct head head;
    if (!take(cursor, KIND_STRING, &head)) {
        return false;
    }
    *bytes = (const char *)cursor->at;
    *len = head.size;
    cursor->at += head.size;
    return true;
}

bool value_get_int(struct value_cursor *cursor, int64_t *number)
{
    struct head head;
    bool got = take(cursor, KIND_INT, &head);
    if (got) {
        *number = head.number;
    }
    return got;
}

bool value_get_flag(struct value_cursor *cursor, bool *flag)
{
    struct head head;
    bool got = take(cursor, KIND_FLAG, &head);
    if (got) {
        *flag = head.number != 0;
    }
    return got;
}

bool value_get_nil(struct value_cursor *cursor)
{
    struct head head;
    return take(cursor, KIND_NIL, &head);
}

bool value_skip(struct value_cursor *cursor)
{
    size_t used;
    if (value_scan(cursor->at, (size_t)(cursor->end - cursor->at), &used) != OK) {
        return false;
    }
    cursor->at += used;
    return true;
}

/* --- trees ------------------------------------------------------------------------------------ */

static json_t *tree_of(const msgpack_object *object);

/* msgpack-c points an empty string nowhere. */
static json_t *tree_of_text(const char *bytes, size_t len)
{
    return json_stringn(len ? bytes : "", len);
}

static json_t *tree_of_map(const msgpack_object_map *map)
{
    json_t *tree = json_object();
    for (uint32_t i = 0; tree && i < map->size; i++) {
        const msgpack_object_kv *pair = &map->ptr[i];
        json_t *value = pair->key.type == MSGPACK_OBJECT_STR ? tree_of(&pair->val) : NULL;
        bool textual = value && (pair->key.via.str.size == 0 ||
                                 !memchr(pair->key.via.str.ptr, '\0', pair->key.via.str.size));
        char *key = textual ? strndup(pair->key.via.str.size ? pair->key.via.str.ptr : "",
                                      pair->key.via.str.size)
                            : NULL;
        if (!key || json_object_set(tree, key, value) != 0) { /* checks the key's UTF-8 */
            json_decref(tree);
            tree = NULL;
        }
        free(key);
        json_decref(value);
    }
    return tree;
}

static json_t *tree_of_array(const msgpack_object_array *array)
{
    json_t *tree = json_array();
    for (uint32_t i = 0; tree && i < array->size; i++) {
        if (json_array_append_new(tree, tree_of(&array->ptr[i])) != 0) {
            json_decref(tree);
            return NULL;
        }
    }
    return tree;
}

/* NULL for what has no JSON: ext, integers over 63 bits, text that is not UTF-8. Depth is bounded
 * by the scan that went before. */
static json_t *tree_of(const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_NIL:
        return json_null();
    case MSGPACK_OBJECT_BOOLEAN:
        return json_boolean(object->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return object->via.u64 <= INT64_MAX ? json_integer((json_int_t)object->via.u64) : NULL;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return json_integer(object->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return json_real(object->via.f64); /* NULL for what JSON cannot say: NaN, infinity */
    case MSGPACK_OBJECT_STR:
        return tree_of_text(object->via.str.ptr, object->via.str.size);
    case MSGPACK_OBJECT_BIN:
        return tree_of_text(object->via.bin.ptr, object->via.bin.size);
    case MSGPACK_OBJECT_ARRAY:
        return tree_of_array(&object->via.array);
    case MSGPACK_OBJECT_MAP:
        return tree_of_map(&object->via.map);
    default:
        return NULL;
    }
}

enum fault value_unpack(const uint8_t *bytes, size_t len, json_t **tree)
{
    *tree = NULL;
    size_t used = 0;
    enum fault fault = value_scan(bytes, len, &used);
    if (fault != OK || used != len) {
        return fault != OK ? fault : FAULT_MALFORMED;
    }
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t offset = 0;
    if (msgpack_unpack_next(&unpacked, (const char *)bytes, len, &offset) ==
        MSGPACK_UNPACK_SUCCESS) {
        *tree = tree_of(&unpacked.data);
    }
    msgpack_unpacked_destroy(&unpacked);
    return *tree ? OK : FAULT_MALFORMED;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int write_to_buf(void *self, const char *bytes, size_t len)
{
    buf_add(self, bytes, len);
    return 0;
}

static msgpack_packer packer_on(struct buf *out)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, write_to_buf);
    return packer;
}

void value_put_map(struct buf *out, size_t pairs)
{
    msgpack_packer packer = packer_on(out);
    msgpack_pack_map(&packer, pairs);
}

void value_put_array(struct buf *out, size_t elements)
{
    msgpack_packer packer = packer_on(out);
    msgpack_pack_array(&packer, elements);
}

void value_put_text(struct buf *out, const char *text)
{
    value_put_string(out, text, strlen(text));
}

void value_put_string(struct buf *out, const void *bytes, size_t len)
{
    msgpack_packer packer = packer_on(out);
    msgpack_pack_str(&packer, len);
    msgpack_pack_str_body(&packer, bytes, len);
}

void value_put_int(struct buf *out, int64_t number)
{
    msgpack_packer packer = packer_on(out);
    msgpack_pack_int64(&packer, number);
}

void value_put_flag(struct buf *out, bool flag)
{
    msgpack_packer packer = packer_on(out);
    if (flag) {
        msgpack_pack_true(&packer);
    } else {
        msgpack_pack_false(&packer);
    }
}

void value_put_nil(struct buf *out)
{
    msgpack_packer packer = packer_on(out);
    msgpack_pack_nil(&packer);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void pack_object(const json_t *tree, struct buf *out)
{
    size_t count = json_object_size(tree);
    const char **keys = must_calloc(count, sizeof *keys);
    size_t n = 0;
    for (void *at = json_object_iter((json_t *)tree); at;
         at = json_object_iter_next((json_t *)tree, at)) {
        keys[n++] = json_object_iter_key(at);
    }
    qsort(keys, count, sizeof *keys, by_text);
    value_put_map(out, count);
    for (size_t i = 0; i < count; i++) {
        value_put_text(out, keys[i]);
        value_pack(json_object_get(tree, keys[i]), out);
    }
    free(keys);
}

void value_pack(const json_t *tree, struct buf *out)
{
    switch (json_typeof(tree)) {
    case JSON_OBJECT:
        pack_object(tree, out);
        break;
    case JSON_ARRAY:
        value_put_array(out, json_array_size(tree));
        for (size_t i = 0; i < json_array_size(tree); i++) {
            value_pack(json_array_get(tree, i), out);
        }
        break;
    case JSON_STRING:
        value_put_string(out, json_string_value(tree), json_string_length(tree));
        break;
    case JSON_INTEGER:
        value_put_int(out, json_integer_value(tree));
        break;
    case JSON_REAL: {
        msgpack_packer packer = packer_on(out);
        msgpack_pack_double(&packer, json_real_value(tree));
        break;
    }
    case JSON_TRUE:
        value_put_flag(out, true);
        break;
    case JSON_FALSE:
        value_put_flag(out, false);
        break;
    case JSON_NULL:
        value_put_nil(out);
        break;
    }
}
