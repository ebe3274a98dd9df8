#include "events.h"

#include "clock.h"
#include "must.h"
#include "values.h"

#include <string.h>

/* --- types ------------------------------------------------------------------------------------ */

static const struct event_type types[] = {
#define X(number, name, publisher, sentence) {number, name, #publisher, sentence},
#include "event_table.h"
#undef X
};

enum { TYPE_COUNT = sizeof types / sizeof *types };

static const uint8_t type_lens[TYPE_COUNT] = {
#define X(number, name, publisher, sentence) sizeof name - 1,
#include "event_table.h"
#undef X
};

const struct event_type *event_type_find(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (type_lens[i] == len && memcmp(types[i].name, name, len) == 0) {
            return &types[i];
        }
    }
    return NULL;
}

const struct event_type *event_type_at(int number)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (types[i].number == number) {
            return &types[i];
        }
    }
    return NULL;
}

const struct event_type *event_type_nth(size_t n)
{
    return n < TYPE_COUNT ? &types[n] : NULL;
}

bool topic_matches(const char *pattern, const char *type)
{
    size_t len = strlen(pattern);
    if (len && pattern[len - 1] == '*') {
        return strncmp(pattern, type, len - 1) == 0;
    }
    return strcmp(pattern, type) == 0;
}

/* --- the map ---------------------------------------------------------------------------------- */

/* The attributes that are text, in the order in which they are written. */
/* clang-format off */
#define TEXT_ATTRIBUTES(X) X(id) X(source) X(type) X(subject) X(cause) X(trace) X(who)
/* clang-format on */

struct attribute {
    const char *name;
    size_t len;
    size_t offset;
    size_t room;
};

static const struct attribute attributes[] = {
#define X(field)                                                                                   \
    {#field, sizeof #field - 1, offsetof(struct event, field), sizeof(((struct event *)0)->field)},
    TEXT_ATTRIBUTES(X)
#undef X
};

enum { ATTRIBUTE_COUNT = sizeof attributes / sizeof *attributes };

static const char *text_of(const struct event *event, const struct attribute *attribute)
{
    return (const char *)event + attribute->offset;
}

/* Everything but the data's value, which follows. */
static void pack_head(const struct event *event, bool has_data, struct buf *out)
{
    size_t pairs = 2 + has_data; /* time and dataschema are always there */
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        pairs += *text_of(event, &attributes[i]) != '\0';
    }
    value_put_map(out, pairs);
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        const char *text = text_of(event, &attributes[i]);
        if (*text) {
            value_put_text(out, attributes[i].name);
            value_put_text(out, text);
        }
    }
    value_put_text(out, "time");
    value_put_int(out, event->time_ms);
    value_put_text(out, "dataschema");
    value_put_int(out, event->version ? event->version : EVENT_VERSION);
    if (has_data) {
        value_put_text(out, "data");
    }
}

void event_pack(const struct event *event, struct buf *out)
{
    pack_head(event, event->data != NULL, out);
    if (event->data) {
        buf_add(out, event->data, event->data_len);
    }
}

void event_pack_tree(const struct event *event, const json_t *data, struct buf *out)
{
    pack_head(event, data != NULL, out);
    if (data) {
        value_pack(data, out);
    }
}

static enum fault parse_text(struct value_cursor *cursor, const struct attribute *attribute,
                             struct event *event)
{
    const char *bytes;
    size_t len;
    if (!value_get_string(cursor, &bytes, &len) || memchr(bytes, '\0', len)) {
        return FAULT_MALFORMED;
    }
    if (len >= attribute->room) {
        return FAULT_TOO_LARGE;
    }
    char *to = (char *)event + attribute->offset;
    memcpy(to, bytes, len);
    to[len] = '\0';
    return OK;
}

static enum fault parse_pair(struct value_cursor *cursor, struct event *event)
{
    const char *name;
    size_t len;
    if (!value_get_string(cursor, &name, &len)) {
        return FAULT_MALFORMED;
    }
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (attributes[i].len == len && memcmp(attributes[i].name, name, len) == 0) {
            return parse_text(cursor, &attributes[i], event);
        }
    }
    int64_t version;
    if (len == 4 && memcmp(name, "time", len) == 0) {
        return value_get_int(cursor, &event->time_ms) ? OK : FAULT_MALFORMED;
    }
    if (len == 10 && memcmp(name, "dataschema", len) == 0) {
        if (!value_get_int(cursor, &version) || version < 1 || version > 1000) {
            return FAULT_MALFORMED;
        }
        event->version = (int)version;
        return OK;
    }
    const uint8_t *start = cursor->at;
    if (!value_skip(cursor)) {
        return FAULT_MALFORMED;
    }
    if (len == 4 && memcmp(name, "data", len) == 0) {
        event->data = start;
        event->data_len = (size_t)(cursor->at - start);
    }
    return OK;
}

enum fault event_parse(const uint8_t *bytes, size_t len, struct event *event)
{
    if (len > EVENT_BYTES_MAX + 1024) {
        return FAULT_TOO_LARGE;
    }
    size_t used;
    enum fault fault = value_scan(bytes, len, &used);
    if (fault != OK || used != len) {
        return fault != OK ? fault : FAULT_MALFORMED;
    }
    return event_parse_scanned(bytes, len, event);
}

enum fault event_parse_scanned(const uint8_t *bytes, size_t len, struct event *event)
{
    size_t pairs;
    enum fault fault = OK;
    event->seq = 0;
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        *((char *)event + attributes[i].offset) = '\0';
    }
    event->time_ms = 0;
    event->version = EVENT_VERSION;
    event->data = NULL;
    event->data_len = 0;
    struct value_cursor cursor = {bytes, bytes + len};
    if (!value_get_map(&cursor, &pairs)) {
        return FAULT_MALFORMED;
    }
    for (size_t i = 0; i < pairs; i++) {
        fault = parse_pair(&cursor, event);
        if (fault != OK) {
            return fault;
        }
    }
    if (!*event->id || !*event->type) {
        return FAULT_MALFORMED;
    }
    if (!*event->trace) {
        EVENT_SET(event->trace, event->id);
    }
    return OK;
}

json_t *event_data(const struct event *event)
{
    json_t *tree = NULL;
    if (!event->data || value_unpack(event->data, event->data_len, &tree) != OK) {
        tree = json_object();
    }
    MUST(tree);
    return tree;
}

json_t *event_json(const struct event *event)
{
    char text[CLOCK_TEXT_BYTES];
    json_t *tree = json_object();
    MUST(tree);
    tree_set_text(tree, "specversion", "1.0");
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        /* An attribute that is not UTF-8 came from a broken publisher: it is left out. */
        json_t *value = json_string(text_of(event, &attributes[i]));
        if (value && *text_of(event, &attributes[i])) {
            tree_set(tree, attributes[i].name, value);
        } else {
            json_decref(value);
        }
    }
    tree_set_text(tree, "time", clock_rfc3339(event->time_ms, text));
    snprintf(text, sizeof text, "usher/%d", event->version);
    tree_set_text(tree, "dataschema", text);
    tree_set_text(tree, "datacontenttype", "application/json");
    if (event->seq) {
        tree_set_int(tree, "seq", (int64_t)event->seq);
    }
    tree_set(tree, "data", event_data(event));
    return tree;
}

void event_set_text(char *to, size_t room, const char *text)
{
    size_t len = strlen(text);
    if (len >= room) { /* never within a character: what is cut is text still */
        len = room - 1;
        while (len && ((unsigned char)text[len] & 0xC0) == 0x80) {
            len--;
        }
    }
    memmove(to, text, len);
    to[len] = '\0';
}
