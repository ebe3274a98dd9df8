/* wire.h - the messages between the broker and its clients. PROTOCOL.md is the specification.
 *
 * A message is a header frame, a msgpack array [verb, request, argument...], and for some verbs a
 * body frame. `request` is a number that the sender chose; the answer carries it back.
 *
 *   client to broker                                   broker to client
 *   HELLO name version                                 WELCOME head floor
 *   PUBLISH count           body: event maps           PUBLISHED [seq, ...] [duplicate, ...]
 *   READ from max topics    body: -                    EVENTS count next head   body: (seq, map)*
 *   BEAT cursor state                                  BEATEN head [actors]
 *   ASK actor deadline_ms   body: question             ANSWER           body: answer
 *   REPLY ticket fault      body: answer               ASKED ticket who body: question
 *                                                      REFUSED fault words [detail]
 *
 * A connection begins with HELLO. Whatever else is said before it (the broker was restarted) is
 * REFUSED "unavailable" with the detail "hello": say HELLO, and what was refused, again.
 * duplicate: true or false for each event. fault: a name of fault_name(), "ok" in a good REPLY. A
 * PUBLISH is accepted or REFUSED as a whole. ticket: any value, handed back as it came.
 *
 * The bell is a PUB socket: one frame an event, the type, a NUL byte, the seq in 8 bytes
 * big-endian; type "heartbeat" every 500 ms carries the head.
 *
 * Use        wire_header_begin/add, or wire_parse() on what arrived. */
#ifndef USHER_WIRE_H
#define USHER_WIRE_H

#include "buf.h"
#include "fault.h"
#include "values.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    WIRE_VERSION = 1,
    WIRE_MESSAGE_BYTES_MAX = 1 << 20, /* ZMQ_MAXMSGSIZE, per frame, with what encryption adds */
    WIRE_BODY_BYTES_MAX = WIRE_MESSAGE_BYTES_MAX - 256, /* so much fits into one for certain */
    WIRE_PUBLISH_EVENTS_MAX = 512,
    WIRE_PUBLISH_BYTES_MAX = 768 * 1024,
    WIRE_READ_EVENTS_MAX = 512,
    WIRE_READ_BYTES_MAX = 768 * 1024, /* at least one event is returned, so up to EVENT_BYTES_MAX */
    WIRE_TOPICS_MAX = 64,
    WIRE_HEARTBEAT_MS = 500,
    WIRE_RESEND_MS = 250, /* a PUBLISH without an answer is sent again, the same bytes */
    WIRE_ASK_MS_MAX = 30000,
    WIRE_ARGUMENTS_MAX = 8
};

/* X(number, name) */
#define WIRE_VERBS(X)                                                                              \
    X(WIRE_HELLO, "HELLO")                                                                         \
    X(WIRE_WELCOME, "WELCOME")                                                                     \
    X(WIRE_PUBLISH, "PUBLISH")                                                                     \
    X(WIRE_PUBLISHED, "PUBLISHED")                                                                 \
    X(WIRE_READ, "READ")                                                                           \
    X(WIRE_EVENTS, "EVENTS")                                                                       \
    X(WIRE_BEAT, "BEAT")                                                                           \
    X(WIRE_BEATEN, "BEATEN")                                                                       \
    X(WIRE_ASK, "ASK")                                                                             \
    X(WIRE_ASKED, "ASKED")                                                                         \
    X(WIRE_REPLY, "REPLY")                                                                         \
    X(WIRE_ANSWER, "ANSWER")                                                                       \
    X(WIRE_REFUSED, "REFUSED")

enum wire_verb {
#define X(number, name) number,
    WIRE_VERBS(X)
#undef X
        WIRE_VERB_COUNT
};

struct wire_header {
    enum wire_verb verb;
    int64_t request;
    size_t argument_count;
    struct value_cursor arguments[WIRE_ARGUMENTS_MAX]; /* one value each, borrowed */
};

/* Starts a header of `arguments` arguments; append them with value_put_*(). Resets `out`. */
void wire_header_begin(struct buf *out, enum wire_verb verb, int64_t request, size_t arguments);

/* Checks and splits a header frame. FAULT_MALFORMED for anything else. */
enum fault wire_parse(const uint8_t *bytes, size_t len, struct wire_header *header) NODISCARD;

bool wire_int(const struct wire_header *header, size_t argument, int64_t *number);
/* Copies a text argument; false if it is not text or does not fit. */
bool wire_text(const struct wire_header *header, size_t argument, char *text, size_t room);

const char *wire_verb_name(enum wire_verb verb);

/* The next (seq, map) of an EVENTS body; moves *cursor. FAULT_MALFORMED if it is not one. */
enum fault wire_next_event(struct value_cursor *cursor, uint64_t *seq,
                           struct value_cursor *map) NODISCARD;

#endif
