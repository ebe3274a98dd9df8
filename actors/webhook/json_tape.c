#include "json_tape.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

enum { NODES_AT_FIRST = 512 };

#define NO_KEY UINT32_MAX

/* Children follow their parent; `next` is the place behind the whole value. */
struct tape_node {
    uint32_t kind;
    uint32_t next;
    uint32_t key;
    uint32_t key_len;
    union {
        int64_t number;
        struct {
            uint32_t at;
            uint32_t len;
        } text;
    } as;
};

struct parse {
    struct tape *tape;
    uint32_t open[TAPE_DEPTH_MAX];
    size_t depth;
    uint32_t key;
    uint32_t key_len;
    enum fault fault;
};

/* --- characters ------------------------------------------------------------------------------ */

static size_t utf8_tail(uint8_t lead, uint8_t second)
{
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 1;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        bool overlong = lead == 0xe0 && second < 0xa0;
        bool surrogate = lead == 0xed && second > 0x9f;
        return overlong || surrogate ? 0 : 2;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        bool overlong = lead == 0xf0 && second < 0x90;
        bool too_high = lead == 0xf4 && second > 0x8f;
        return overlong || too_high ? 0 : 3;
    }
    return 0;
}

static bool is_utf8(const uint8_t *at, size_t len)
{
    const uint8_t *end = at + len;
    while (at < end) {
        uint64_t word;
        while ((size_t)(end - at) >= sizeof word) {
            memcpy(&word, at, sizeof word);
            if (word & UINT64_C(0x8080808080808080)) {
                break;
            }
            at += sizeof word;
        }
        if (at == end) {
            break;
        }
        if (*at < 0x80) {
            at++;
            continue;
        }
        size_t tail = end - at > 1 ? utf8_tail(at[0], at[1]) : 0;
        if (tail == 0 || (size_t)(end - at) <= tail) {
            return false;
        }
        for (size_t i = 1; i <= tail; i++) {
            if ((at[i] & 0xc0) != 0x80) {
                return false;
            }
        }
        at += tail + 1;
    }
    return true;
}

/* The number behind "\u"; -1 if it is not one. */
static long escape_number(const uint8_t *at, const uint8_t *end)
{
    enum { ESCAPE_BYTES = 6 };
    if (end - at < ESCAPE_BYTES || at[0] != '\\' || at[1] != 'u') {
        return -1;
    }
    long number = 0;
    for (size_t i = 2; i < ESCAPE_BYTES; i++) {
        uint8_t c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        number = number << 4 | digit;
    }
    return number;
}

/* yajl says nothing of a string that begins behind the value and never ends, so that is looked for
 * before. */
static bool all_strings_end(const uint8_t *at, size_t len)
{
    bool inside = false;
    for (size_t i = 0; i < len; i++) {
        if (inside && at[i] == '\\') {
            i++;
        } else if (at[i] == '"') {
            inside = !inside;
        }
    }
    return !inside;
}

/* yajl takes half a surrogate pair for a character and makes bytes of it that are not UTF-8, so
 * the pairs are checked before. A backslash stands inside strings only; anywhere else yajl says no. */
static bool has_whole_escapes(const uint8_t *at, size_t len)
{
    enum { SINGLE = 2, UNICODE = 6 };
    const uint8_t *end = at + len;
    while ((at = memchr(at, '\\', (size_t)(end - at)))) {
        if (end - at < SINGLE) {
            return false;
        }
        if (at[1] != 'u') {
            at += SINGLE;
            continue;
        }
        long first = escape_number(at, end);
        if (first < 0 || (first >= 0xdc00 && first <= 0xdfff)) {
            return false;
        }
        at += UNICODE;
        if (first >= 0xd800 && first <= 0xdbff) {
            long second = escape_number(at, end);
            if (second < 0xdc00 || second > 0xdfff) {
                return false;
            }
            at += UNICODE;
        }
    }
    return true;
}

/* --- what yajl calls ------------------------------------------------------------------------- */

/* The strings without their quotes and escapes, each with a NUL, never need more than the bytes
 * they were read from. */
static uint32_t keep_text(struct tape *tape, const void *bytes, size_t len)
{
    MUST(tape->text_len + len + 1 <= tape->text_capacity);
    uint32_t at = (uint32_t)tape->text_len;
    memcpy(tape->text + at, bytes, len);
    tape->text[at + len] = '\0';
    tape->text_len += len + 1;
    return at;
}

static struct tape_node *add_node(struct parse *parse, enum tape_kind kind)
{
    struct tape *tape = parse->tape;
    if (tape->count > TAPE_NODES_MAX) {
        parse->fault = FAULT_TOO_LARGE;
        return NULL;
    }
    if (tape->count == tape->capacity) {
        tape->capacity = tape->capacity ? tape->capacity * 2 : NODES_AT_FIRST;
        tape->nodes = must_realloc(tape->nodes, tape->capacity * sizeof *tape->nodes);
    }
    struct tape_node *node = &tape->nodes[tape->count++];
    *node = (struct tape_node){
        .kind = kind, .next = (uint32_t)tape->count, .key = parse->key, .key_len = parse->key_len};
    parse->key = NO_KEY;
    parse->key_len = 0;
    return node;
}

static int on_null(void *self)
{
    return add_node(self, TAPE_NULL) != NULL;
}

static int on_flag(void *self, int value)
{
    struct tape_node *node = add_node(self, TAPE_FLAG);
    if (!node) {
        return 0;
    }
    node->as.number = value;
    return 1;
}

static bool read_int(const char *text, size_t len, int64_t *number)
{
    bool negative = text[0] == '-';
    uint64_t value = 0;
    for (size_t i = negative; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value)) {
            return false;
        }
    }
    if (value > (uint64_t)INT64_MAX) {
        return false;
    }
    *number = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static int on_number(void *self, const char *text, size_t len)
{
    struct parse *parse = self;
    int64_t number;
    bool whole = read_int(text, len, &number);
    struct tape_node *node = add_node(parse, whole ? TAPE_INT : TAPE_REAL);
    if (!node) {
        return 0;
    }
    if (whole) {
        node->as.number = number;
    } else {
        node->as.text.at = keep_text(parse->tape, text, len);
        node->as.text.len = (uint32_t)len;
    }
    return 1;
}

static int on_string(void *self, const unsigned char *bytes, size_t len)
{
    struct parse *parse = self;
    struct tape_node *node = add_node(parse, TAPE_STRING);
    if (!node) {
        return 0;
    }
    node->as.text.at = keep_text(parse->tape, bytes, len);
    node->as.text.len = (uint32_t)len;
    return 1;
}

static int on_key(void *self, const unsigned char *bytes, size_t len)
{
    struct parse *parse = self;
    parse->key = keep_text(parse->tape, bytes, len);
    parse->key_len = (uint32_t)len;
    return 1;
}

static int begin(struct parse *parse, enum tape_kind kind)
{
    if (parse->depth == TAPE_DEPTH_MAX) {
        parse->fault = FAULT_TOO_LARGE;
        return 0;
    }
    if (!add_node(parse, kind)) {
        return 0;
    }
    parse->open[parse->depth++] = (uint32_t)(parse->tape->count - 1);
    return 1;
}

static int on_begin_object(void *self)
{
    return begin(self, TAPE_OBJECT);
}

static int on_begin_array(void *self)
{
    return begin(self, TAPE_ARRAY);
}

static int on_end(void *self)
{
    struct parse *parse = self;
    uint32_t at = parse->open[--parse->depth];
    parse->tape->nodes[at].next = (uint32_t)parse->tape->count;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_flag,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_begin_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_begin_array,
    .yajl_end_array = on_end,
};

/* --- the tape -------------------------------------------------------------------------------- */

void tape_fini(struct tape *tape)
{
    free(tape->nodes);
    free(tape->text);
    *tape = (struct tape){0};
}

static void clear(struct parse *parse, size_t len)
{
    struct tape *tape = parse->tape;
    tape->count = 0;
    tape->text_len = 0;
    if (tape->text_capacity < len + 1) {
        free(tape->text);
        tape->text_capacity = len + 1;
        tape->text = must_malloc(tape->text_capacity);
    }
    MUST(add_node(parse, TAPE_NOTHING)); /* the place called TAPE_NONE */
}

enum fault tape_parse(struct tape *tape, const void *bytes, size_t len)
{
    struct parse parse = {.tape = tape, .key = NO_KEY, .fault = OK};
    clear(&parse, 0);
    if (len > TAPE_BYTES_MAX) {
        return FAULT_TOO_LARGE;
    }
    if (len == 0 || !is_utf8(bytes, len) || !has_whole_escapes(bytes, len) ||
        !all_strings_end(bytes, len)) {
        return FAULT_MALFORMED;
    }
    clear(&parse, len);
    yajl_handle yajl = yajl_alloc(&callbacks, NULL, &parse);
    MUST(yajl);
    yajl_config(yajl, yajl_dont_validate_strings, 1); /* done above, and stricter */
    yajl_status status = yajl_parse(yajl, bytes, len);
    if (status == yajl_status_ok) {
        status = yajl_complete_parse(yajl);
    }
    yajl_free(yajl);
    if (status != yajl_status_ok || tape->count <= TAPE_ROOT) {
        clear(&parse, 0);
        return parse.fault != OK ? parse.fault : FAULT_MALFORMED;
    }
    return OK;
}

static const struct tape_node *node_at(const struct tape *tape, uint32_t at)
{
    static const struct tape_node nothing = {.kind = TAPE_NOTHING, .key = NO_KEY};
    return at < tape->count ? &tape->nodes[at] : &nothing;
}

enum tape_kind tape_kind(const struct tape *tape, uint32_t at)
{
    return (enum tape_kind)node_at(tape, at)->kind;
}

static uint32_t get(const struct tape *tape, uint32_t object, const char *key, size_t len)
{
    const struct tape_node *parent = node_at(tape, object);
    if (parent->kind != TAPE_OBJECT) {
        return TAPE_NONE;
    }
    for (uint32_t at = object + 1; at < parent->next; at = tape->nodes[at].next) {
        const struct tape_node *node = &tape->nodes[at];
        if (node->key_len == len && memcmp(tape->text + node->key, key, len) == 0) {
            return at;
        }
    }
    return TAPE_NONE;
}

uint32_t tape_get(const struct tape *tape, uint32_t object, const char *key)
{
    return get(tape, object, key, strlen(key));
}

uint32_t tape_path(const struct tape *tape, uint32_t object, const char *path)
{
    uint32_t at = object;
    while (at != TAPE_NONE) {
        size_t len = strcspn(path, ".");
        at = get(tape, at, path, len);
        if (path[len] == '\0') {
            break;
        }
        path += len + 1;
    }
    return at;
}

uint32_t tape_first(const struct tape *tape, uint32_t parent)
{
    const struct tape_node *node = node_at(tape, parent);
    bool holds = node->kind == TAPE_OBJECT || node->kind == TAPE_ARRAY;
    return holds && node->next > parent + 1 ? parent + 1 : TAPE_NONE;
}

uint32_t tape_next(const struct tape *tape, uint32_t parent, uint32_t child)
{
    uint32_t next = node_at(tape, child)->next;
    return next && next < node_at(tape, parent)->next ? next : TAPE_NONE;
}

const char *tape_key(const struct tape *tape, uint32_t at)
{
    const struct tape_node *node = node_at(tape, at);
    return node->key == NO_KEY ? "" : tape->text + node->key;
}

const char *tape_text(const struct tape *tape, uint32_t at)
{
    const struct tape_node *node = node_at(tape, at);
    if (node->kind != TAPE_STRING) {
        return "";
    }
    const char *text = tape->text + node->as.text.at;
    return memchr(text, '\0', node->as.text.len) ? "" : text;
}

int64_t tape_int(const struct tape *tape, uint32_t at)
{
    const struct tape_node *node = node_at(tape, at);
    return node->kind == TAPE_INT ? node->as.number : 0;
}

bool tape_flag(const struct tape *tape, uint32_t at)
{
    const struct tape_node *node = node_at(tape, at);
    return node->kind == TAPE_FLAG && node->as.number;
}
