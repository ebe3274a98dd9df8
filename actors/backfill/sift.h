/* sift.h - what was fetched, against what is known: the event that is to be published, or nothing.
 *
 * Use        sift_event() for one of the provider's events, sift_object() for an object as it is
 *            now. Then finding->found says whether it is worth an event; sift->packed is that
 *            event.
 * Promise    An event of the provider's has the id by which the webhook would publish it, so that
 *            whichever comes second changes nothing. An object's event is named by what it says and
 *            by what it was compared with: found again, it is the same one; wrong again later,
 *            another.
 * Ownership  A finding borrows from the sift until the next call.
 * See        picture.h, known.h, objects.h */
#ifndef USHER_SIFT_H
#define USHER_SIFT_H

#include "events.h"
#include "sources.h"
#include "store.h"

struct sift {
    struct tape tape;
    struct buf envelope, data, packed, reason;
};
void sift_fini(struct sift *sift);

struct finding {
    bool found;
    bool unreadable; /* nothing that can be recorded: too large, not an event */
    char id[EVENT_ID_BYTES_MAX + 1];
    const char *reason;
    struct translation translation;
};

/* `raw` false: without the body, for people to look at. */
enum fault sift_event(struct sift *sift, struct store_txn *txn, const struct source *source,
                      struct slice item, int64_t now_ms, bool raw, struct finding *out) NODISCARD;

struct sift_object {
    struct slice item;
    int64_t asked_ms; /* when it was asked for */
    int64_t now_ms;
    bool raw;
    bool links;      /* also if it only says what belongs together */
    bool everybody;  /* listed, not asked for: what is unknown has to matter to be told */
    const char *why; /* "drift" */
};
enum fault sift_object(struct sift *sift, struct store_txn *txn, const struct source *source,
                       const struct sift_object *object, struct finding *out) NODISCARD;

#endif
