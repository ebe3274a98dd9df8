/* objects.h - an object of the provider's, fetched, as the event that would have told of it. Pure.
 *
 * Use        object_type() says under which event type the webhook's translator reads it;
 *            object_envelope() writes the event around its bytes, with an id and a time of ours.
 * Why        What is fetched goes through the very translation that what is sent goes through, and
 *            what the journal keeps can be translated again.
 * See        stripe_facts.h; tests/unit/backfill/objects_test.c */
#ifndef USHER_OBJECTS_H
#define USHER_OBJECTS_H

#include "buf.h"
#include "digest.h"
#include "json_tape.h"

/* NULL if its state says nothing that an event would have told: an unpaid draft, an open checkout.
 * The tape holds the object. */
const char *object_type(const struct tape *tape);

/* When it came to be so, as far as it says; ms, 0 if it does not. */
int64_t object_time(const struct tape *tape);

struct envelope {
    const char *id;
    const char *type;
    int64_t at_ms;
    bool livemode; /* for objects that do not say it */
    struct slice object;
};
void object_envelope(const struct envelope *envelope, const struct tape *tape, struct buf *out);

#endif
