/* intake.h - from a translated body to the event that the journal keeps.
 *
 * Use        intake_pack() packs one; the buffers are kept and used again by the caller.
 * Promise    The id is "<source>:<the provider's id>" by whatever way the body came, so that the
 *            journal takes it once.
 * Format     data is {"created", "facts", "livemode", "provider_type", "raw"} and, where they are
 *            not empty, "ignored" (why it has no effect) and "reason" (why we asked for it ourselves). */
#ifndef USHER_INTAKE_H
#define USHER_INTAKE_H

#include "events.h"
#include "provider.h"

struct intake {
    const char *source;
    const struct translation *translation;
    struct slice raw;
    int64_t at_ms;
    const char *reason; /* "": it was sent to us */
};

/* Writes the event's id into `id` and its bytes into `packed`; `data` is scratch. */
void intake_pack(const struct intake *intake, char id[EVENT_ID_BYTES_MAX + 1], struct buf *data,
                 struct buf *packed);

#endif
