/* picture.h - what the journal says, as far as it is compared with the provider: in the actor's
 * store.
 *
 * Use        picture_note() each event that carries facts; then picture_seen() knows its id,
 *            picture_known() the newest fact of an object, picture_homed() whether a charge leads
 *            to something that was bought. picture_would() adds what was found and is not published
 *            yet, picture_forget_would() drops that.
 * Limits     Ids that do not fit into a key of the store are passed over.
 * Ownership  A known fact borrows from its own tree: known_fini(). */
#ifndef USHER_PICTURE_H
#define USHER_PICTURE_H

#include "actor.h"
#include "facts.h"

enum {
    TABLE_SEEN = ACTOR_TABLES, /* event id -> nothing */
    TABLE_KNOWN,               /* source, kind, key -> fact */
    TABLE_WOULD,               /* the same, of the run under way */
    TABLE_LINKS,               /* source, object, object -> nothing; both ways */
    TABLE_FOUND,               /* number -> event, to be published */
    TABLE_LINES,               /* number -> what was found, for people */
    TABLE_HUNTS,               /* source, what, id -> why, when, how often */
    TABLE_NOTES                /* "run", "hourly", "daily": trees */
};

struct known {
    json_t *tree;
    struct fact fact;
    bool there;
    bool doubt; /* two things were said of the same second: which one holds is not known */
};
void known_fini(struct known *known);

/* "stripe" of "stripe:evt_1". */
void picture_source(const char *event_id, char source[EVENT_NAME_BYTES_MAX + 1]);

enum fault picture_note(struct store_txn *txn, const struct event *event,
                        const json_t *facts) NODISCARD;
enum fault picture_would(struct store_txn *txn, const char *source,
                         const struct fact *fact) NODISCARD;
enum fault picture_forget_would(struct store_txn *txn) NODISCARD;

enum fault picture_seen(struct store_txn *txn, const char *event_id, bool *seen) NODISCARD;

/* What is known of the object, with what was found in this run. */
enum fault picture_known(struct store_txn *txn, const char *source, enum fact_kind kind,
                         const char *key, struct known *known) NODISCARD;

/* Do links lead from the object to a payment or subscription that is known? A customer is no way:
 * what else the same person bought is another matter. */
enum fault picture_homed(struct store_txn *txn, const char *source, const char *id,
                         bool *homed) NODISCARD;

/* The first object linked with this one whose id begins so; "" if there is none. */
enum fault picture_linked(struct store_txn *txn, const char *source, const char *id,
                          const char *prefix, char found[EVENT_ID_BYTES_MAX + 1]) NODISCARD;

#endif
