/* known.h - what our journal says of one object of the provider's, against what the provider says
 * of it now. Pure.
 *
 * Use        known_join() keeps, of two facts about the same object, the one that counts, by the
 *            ledger's rules (its factset.h). known_differs() says whether a fetched fact would
 *            change anything, and in a few words what; known_stamp() gives it a time at which it
 *            counts.
 * Promise    What differs only in words that nothing depends on (an attempt's number, a link) does
 *            not differ. The words name no person and no address.
 * See        tests/unit/backfill/known_test.c */
#ifndef USHER_KNOWN_H
#define USHER_KNOWN_H

#include "buf.h"
#include "facts.h"

/* Kinds whose facts are compared; the others ride along with one that is. */
bool known_counts(enum fact_kind kind);

/* True if `fresh` takes the place of `kept`. *doubt: same time, different content, so that which
 * one is the newer cannot be told. */
bool known_join(const struct fact *kept, const struct fact *fresh, bool *doubt);

/* `known` is NULL if the object was never told of. */
bool known_differs(const struct fact *known, const struct fact *fetched, struct buf *words);

/* The time of a fetched state. What is only ever added to bears the object's own time; what the
 * newest one says (a subscription, a customer, a dispute) has to be later than what is known, and
 * earlier than what may be on its way to us now. */
int64_t known_stamp(const struct fact *known, const struct fact *fetched, int64_t object_ms,
                    int64_t asked_ms);

#endif
