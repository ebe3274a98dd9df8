/* suppressed.h - addresses that get no more mail: mail to them bounced for good, or was marked as spam.
 *
 * Use        suppressed_apply() for every event of mail.*; suppressed_find() before a mail is written;
 *            suppressed_lift() when a person has one sent all the same.
 * Promise    A function of the journal alone. A soft bounce stops nothing. Addresses are compared
 *            without regard to ASCII case; another address of the same member is another address.
 * Table      SUPPRESSED  address, lower case -> {status, reason, at, event} */
#ifndef USHER_SUPPRESSED_H
#define USHER_SUPPRESSED_H

#include "events.h"
#include "store.h"

#include <jansson.h>

enum fault suppressed_apply(struct store_txn *txn, const struct event *event) NODISCARD;

/* A new tree; NULL if mail may go there. */
enum fault suppressed_find(struct store_txn *txn, const char *address, json_t **row) NODISCARD;

/* Why, for a person: "the address bounced (General)". */
void suppressed_words(const json_t *row, struct buf *out);

/* Nothing if it is not there. */
enum fault suppressed_lift(struct store_txn *txn, const char *address) NODISCARD;

#endif
