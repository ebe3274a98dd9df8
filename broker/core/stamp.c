#include "stamp.h"

#include "values.h"

#include <string.h>

/* Attributes that may stand in an event only once: two readers must never see two events. */
/* clang-format off */
#define ATTRIBUTES(X) \
    X(ID, "id") X(SOURCE, "source") X(TYPE, "type") X(SUBJECT, "subject") X(TIME, "time") \
    X(DATASCHEMA, "dataschema") X(CAUSE, "cause") X(TRACE, "trace") X(WHO, "who") X(DATA, "data")
/* clang-format on */

enum attribute {
#define X(name, text) ATTRIBUTE_##name,
    ATTRIBUTES(X)
#undef X
        ATTRIBUTE_COUNT
};

static const struct {
    const char *text;
    size_t len;
} attributes[ATTRIBUTE_COUNT] = {
#define X(name, text) {text, sizeof text - 1},
    ATTRIBUTES(X)
#undef X
};

enum { PAIRS_NOTED = 16 };

static enum attribute attribute_of(const char *name, size_t len)
{
    for (int i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (attributes[i].len == len && memcmp(attributes[i].text, name, len) == 0) {
            return (enum attribute)i;
        }
    }
    return ATTRIBUTE_COUNT;
}

static const char *person_of(const char *name)
{
    static const char prefix[] = "people/";
    return strncmp(name, prefix, sizeof prefix - 1) == 0 ? name + sizeof prefix - 1 : NULL;
}

static enum fault check(const struct rights *rights, const char *person, const struct event *event,
                        const struct event_type *type, const char **why)
{
    if (!type) {
        *why = "no such event type";
        return FAULT_NOT_FOUND;
    }
    if (!rights_publish(rights, type)) {
        *why = "this type is not yours to publish";
        return FAULT_DENIED;
    }
    if (!rights_id(rights, event->id)) {
        *why = "the id begins with somebody else's name";
        return FAULT_DENIED;
    }
    if (*event->who && strcmp(rights->name, "console") != 0 &&
        (!person || strcmp(person, event->who) != 0)) {
        *why = "only the console names a person";
        return FAULT_DENIED;
    }
    return OK;
}

static void put_pair(struct buf *out, const char *key, const char *text)
{
    value_put_text(out, key);
    value_put_text(out, text);
}

/* Copies every pair but source and who, and adds ours. */
static bool splice(const char *source, const char *who, const uint8_t *bytes, size_t len,
                   struct buf *out, struct stamped *stamped)
{
    struct value_cursor cursor = {bytes, bytes + len}, pair;
    const uint8_t *ends[PAIRS_NOTED]; /* of the first pairs: all of them, usually */
    size_t pairs, name_len;
    const char *name, *id;
    unsigned seen = 0;
    if (!value_get_map(&cursor, &pairs)) {
        return false;
    }
    pair = cursor;
    size_t kept = 0;
    for (size_t i = 0; i < pairs; i++) { /* first look: how many are kept */
        if (!value_get_string(&pair, &name, &name_len)) {
            return false;
        }
        enum attribute attribute = attribute_of(name, name_len);
        if (attribute < ATTRIBUTE_COUNT && (seen & 1u << attribute)) {
            return false;
        }
        seen |= 1u << attribute;
        kept += attribute != ATTRIBUTE_SOURCE && attribute != ATTRIBUTE_WHO;
        if (!value_skip(&pair)) {
            return false;
        }
        if (i < PAIRS_NOTED) {
            ends[i] = pair.at;
        }
    }
    value_put_map(out, kept + 1 + (*who != '\0'));
    for (size_t i = 0; i < pairs; i++) {
        const uint8_t *start = cursor.at;
        (void)value_get_string(&cursor, &name, &name_len);
        enum attribute attribute = attribute_of(name, name_len);
        struct value_cursor value = cursor;
        if (i < PAIRS_NOTED) {
            cursor.at = ends[i];
        } else {
            (void)value_skip(&cursor);
        }
        if (attribute == ATTRIBUTE_ID && value_get_string(&value, &id, &stamped->id_len)) {
            stamped->id_start = out->len + (size_t)((const uint8_t *)id - start);
        }
        if (attribute != ATTRIBUTE_SOURCE && attribute != ATTRIBUTE_WHO) {
            buf_add(out, start, (size_t)(cursor.at - start));
        }
    }
    put_pair(out, "source", source);
    if (*who) {
        put_pair(out, "who", who);
    }
    return true;
}

enum fault stamp_event(const struct rights *rights, const char *name, const uint8_t *bytes,
                       size_t len, struct event *scratch, struct buf *out, struct stamped *stamped,
                       const char **why)
{
    *why = "";
    stamped->used = 0;
    enum fault fault = value_scan(bytes, len, &stamped->used);
    if (fault == OK && stamped->used > EVENT_BYTES_MAX) {
        *why = "the event is too large";
        return FAULT_TOO_LARGE;
    }
    if (fault == OK) {
        fault = event_parse_scanned(bytes, stamped->used, scratch);
    }
    if (fault != OK) {
        *why = "not an event";
        return fault;
    }
    const char *person = person_of(name);
    stamped->type = event_type_find(scratch->type);
    fault = check(rights, person, scratch, stamped->type, why);
    if (fault != OK) {
        return fault;
    }
    const char *who = person ? person : scratch->who;
    stamped->start = out->len;
    if (strlen(who) > EVENT_NAME_BYTES_MAX ||
        !splice(rights->name, who, bytes, stamped->used, out, stamped)) {
        out->len = stamped->start;
        *why = "an attribute stands twice";
        return FAULT_MALFORMED;
    }
    stamped->len = out->len - stamped->start;
    return OK;
}
