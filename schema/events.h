/* events.h - the event: what travels, what is stored, what is printed.
 *
 * An event is a msgpack map with the CloudEvents 1.0 attribute names: id, source, type, subject
 * (member id where known), time (ms), dataschema (version), cause (id of the event that caused it),
 * trace (id of the first one), who (the person, where there is one) and data. The broker stamps
 * source and who; the journal adds seq.
 *
 * Use        event_pack() to publish; event_parse() borrows everything from the bytes, allocates
 *            nothing and checks all of them; event_data() makes the data tree when it is wanted.
 *            event_json() prints at the edges.
 * Ownership  A parsed event points into the bytes: it lives as long as they do. Text is
 *            NUL-free and not NUL-terminated in the bytes, so it is copied into the struct.
 * Limits     EVENT_BYTES_MAX for the whole event, EVENT_ID_BYTES_MAX for an id. */
#ifndef USHER_EVENTS_H
#define USHER_EVENTS_H

#include "buf.h"
#include "fault.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    EVENT_BYTES_MAX = 512 * 1024,
    EVENT_ID_BYTES_MAX = 255,
    EVENT_NAME_BYTES_MAX = 63, /* source, type, who */
    EVENT_TYPE_NUMBER_MAX = 255,
    EVENT_VERSION = 1
};

struct event {
    uint64_t seq; /* 0: not journalled yet */
    char id[EVENT_ID_BYTES_MAX + 1];
    char source[EVENT_NAME_BYTES_MAX + 1]; /* "" until the broker stamps it */
    char type[EVENT_NAME_BYTES_MAX + 1];
    char subject[EVENT_ID_BYTES_MAX + 1];
    char cause[EVENT_ID_BYTES_MAX + 1]; /* "": nothing caused it */
    char trace[EVENT_ID_BYTES_MAX + 1]; /* never "" after event_parse: the id if none was given */
    char who[EVENT_NAME_BYTES_MAX + 1];
    int64_t time_ms;
    int version;
    const uint8_t *data; /* msgpack, borrowed; NULL: none */
    size_t data_len;
};

struct event_type {
    int number;
    const char *name;
    const char *publisher; /* a kind of rights_table.h */
    const char *sentence;
};

/* NULL if there is no such type. */
const struct event_type *event_type_find(const char *name);
const struct event_type *event_type_at(int number);
/* For listings: 0, 1, 2, ... until NULL. */
const struct event_type *event_type_nth(size_t n);

/* "member.*", "member.joined" or "*". */
bool topic_matches(const char *pattern, const char *type);

/* Appends the event's map. Empty texts are left out; seq is not part of the map. `event->data` is
 * copied as it is; use event_pack_tree() to pack a tree as data. */
void event_pack(const struct event *event, struct buf *out);
void event_pack_tree(const struct event *event, const json_t *data, struct buf *out);

/* Parses one map that is exactly `len` bytes. FAULT_MALFORMED, FAULT_TOO_LARGE. Unknown attributes
 * are skipped (a later version may add some). The type need not be in the table. */
enum fault event_parse(const uint8_t *bytes, size_t len, struct event *event) NODISCARD;
/* The same, for bytes that value_scan() has found to be one value of `len` bytes. */
enum fault event_parse_scanned(const uint8_t *bytes, size_t len, struct event *event) NODISCARD;

/* The data as a new tree (json_decref); an empty object if there is none. */
json_t *event_data(const struct event *event);

/* CloudEvents 1.0 JSON: a new tree with specversion, RFC 3339 time, dataschema "usher/1", ... */
json_t *event_json(const struct event *event);

/* Sets `to` from text, cut to its room. */
void event_set_text(char *to, size_t room, const char *text);
#define EVENT_SET(field, text) event_set_text((field), sizeof(field), (text))

#endif
