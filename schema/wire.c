#include "wire.h"

#include <string.h>

static const char *const verb_names[WIRE_VERB_COUNT] = {
#define X(number, name) [number] = name,
    WIRE_VERBS(X)
#undef X
};

void wire_header_begin(struct buf *out, enum wire_verb verb, int64_t request, size_t arguments)
{
    buf_reset(out);
    value_put_array(out, 2 + arguments);
    value_put_text(out, verb_names[verb]);
    value_put_int(out, request);
}

static bool find_verb(const char *name, size_t len, enum wire_verb *verb)
{
    for (int i = 0; i < WIRE_VERB_COUNT; i++) {
        if (strlen(verb_names[i]) == len && memcmp(verb_names[i], name, len) == 0) {
            *verb = (enum wire_verb)i;
            return true;
        }
    }
    return false;
}

enum fault wire_parse(const uint8_t *bytes, size_t len, struct wire_header *header)
{
    size_t used, count, name_len;
    const char *name;
    if (value_scan(bytes, len, &used) != OK || used != len) {
        return FAULT_MALFORMED;
    }
    struct value_cursor cursor = {bytes, bytes + len};
    if (!value_get_array(&cursor, &count) || count < 2 || count > 2 + WIRE_ARGUMENTS_MAX ||
        !value_get_string(&cursor, &name, &name_len) || !find_verb(name, name_len, &header->verb) ||
        !value_get_int(&cursor, &header->request)) {
        return FAULT_MALFORMED;
    }
    header->argument_count = count - 2;
    for (size_t i = 0; i < header->argument_count; i++) {
        const uint8_t *start = cursor.at;
        if (!value_skip(&cursor)) {
            return FAULT_MALFORMED;
        }
        header->arguments[i] = (struct value_cursor){start, cursor.at};
    }
    return OK;
}

bool wire_int(const struct wire_header *header, size_t argument, int64_t *number)
{
    if (argument >= header->argument_count) {
        return false;
    }
    struct value_cursor cursor = header->arguments[argument];
    return value_get_int(&cursor, number);
}

bool wire_text(const struct wire_header *header, size_t argument, char *text, size_t room)
{
    const char *bytes;
    size_t len;
    if (argument >= header->argument_count) {
        return false;
    }
    struct value_cursor cursor = header->arguments[argument];
    if (!value_get_string(&cursor, &bytes, &len) || len >= room || memchr(bytes, '\0', len)) {
        return false;
    }
    memcpy(text, bytes, len);
    text[len] = '\0';
    return true;
}

const char *wire_verb_name(enum wire_verb verb)
{
    return verb < WIRE_VERB_COUNT ? verb_names[verb] : "?";
}

enum fault wire_next_event(struct value_cursor *cursor, uint64_t *seq, struct value_cursor *map)
{
    int64_t number;
    if (!value_get_int(cursor, &number) || number < 1) {
        return FAULT_MALFORMED;
    }
    const uint8_t *start = cursor->at;
    if (!value_skip(cursor)) {
        return FAULT_MALFORMED;
    }
    *seq = (uint64_t)number;
    *map = (struct value_cursor){start, cursor->at};
    return OK;
}
