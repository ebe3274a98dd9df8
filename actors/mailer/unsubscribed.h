/* unsubscribed.h - addresses whose owners want no mails but transactional ones.
 *
 * Use        unsubscribed_apply() for every mail.unsubscribed; unsubscribed_find() before a mail that
 *            is not transactional is written.
 * Promise    A function of the journal alone. Nothing but the person's own click gets an address in,
 *            and nobody gets it out: not a person who has a mail sent once more either.
 * Table      UNSUBSCRIBED  what stands for the address (unsubscribe_id) -> {at, event} */
#ifndef USHER_UNSUBSCRIBED_H
#define USHER_UNSUBSCRIBED_H

#include "events.h"
#include "store.h"
#include "unsubscribe.h"

enum fault unsubscribed_apply(struct store_txn *txn, const struct event *event) NODISCARD;

enum fault unsubscribed_find(struct store_txn *txn, const struct unsubscribe_key *key,
                             const char *address, bool *found) NODISCARD;

#endif
