/* stamp.h - an event at the door: may this peer publish it, and who says so.
 *
 * The stored form is the map as it came, with source and who put in by the broker: source is the
 * name of the rights row ("tools" for a person), who is the person of the key people/<who>. Only
 * the console names its user itself.
 *
 * Use        stamp_event() for each event of a PUBLISH. Pure; allocates nothing but `out`.
 * Faults     DENIED (the type is not its to publish, the id has somebody else's prefix, it names
 *            a person), MALFORMED (also an attribute given twice), TOO_LARGE, NOT_FOUND (no such
 *            type). `why` then says more, in constant text. */
#ifndef USHER_STAMP_H
#define USHER_STAMP_H

#include "buf.h"
#include "events.h"
#include "fault.h"
#include "rights.h"

enum { STAMP_BYTES_MAX = 2 * (8 + EVENT_NAME_BYTES_MAX + 2) + 5 }; /* what stamping may add */

struct stamped {
    const struct event_type *type;
    size_t start, len;       /* in `out` */
    size_t id_start, id_len; /* in `out` */
    size_t used;             /* of the bytes that came */
};

/* Appends the stored form of the first event in `bytes` to `out`; with a fault `out` is as it was. `name` is the
 * ZAP name of the peer, `scratch` holds the parsed event afterwards (its data in `bytes`). */
enum fault stamp_event(const struct rights *rights, const char *name, const uint8_t *bytes,
                       size_t len, struct event *scratch, struct buf *out, struct stamped *stamped,
                       const char **why) NODISCARD;

#endif
