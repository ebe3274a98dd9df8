/* seller.h - payment providers, as far as the drill speaks for them: what they post when something
 * happens to a customer, and how they sign.
 *
 * Use        seller_find() by the provider's name; tell() for the words that the cases use:
 *            payment.succeeded, payment.failed, payment.refunded, payment.partly_refunded,
 *            dispute.opened, subscription.ended, reactivated.
 * Promise    Ids are derived from the address, the number of the subscription and its period, so
 *            that a refund finds its payment.
 * Extending  A seller is one file, seller_<provider>.c, with a const struct seller, and a row of
 *            seller_table.h.
 * Ownership  Trees appended are the list's. */
#ifndef USHER_SELLER_H
#define USHER_SELLER_H

#include "buf.h"
#include "digest.h"

#include <jansson.h>
#include <stdint.h>

enum { SELLER_AMOUNT = 2900, SELLER_TOKEN_CHARS = 24, SELLER_PERIOD_S = 30 * 24 * 3600 };

/* What happens to whom. */
struct sale {
    const char *word;
    const char *email;
    const char *name;
    const char *product; /* one that the founder's config counts; "": any */
    int64_t at_s;        /* when the last of it happens */
};

struct seller {
    const char *provider;
    const char *header; /* of the signature */
    void (*sign)(const char *secret, int64_t now_s, struct slice body, struct buf *value);
    /* Appends the bodies in their order. Which one says what the word says, from 0; -1: this
     * provider tells of no such thing, and nothing is appended. */
    int (*tell)(const struct sale *sale, json_t *events);
};

/* NULL if the drill does not speak for it. */
const struct seller *seller_find(const char *provider);

/* --- for the sellers ------------------------------------------------------------------------ */

/* An id: prefix and letters that depend on the rest. */
const char *seller_id(const char *prefix, const char *email, int nth, int period,
                      char id[SELLER_TOKEN_CHARS + 16]);

/* RFC 3339, of the sale's time and so many seconds later. Lives until the next but three. */
const char *seller_time(const struct sale *sale, int64_t later_s);

/* The MAC of one or two parts, in hex. */
void seller_mac(const char *secret, struct slice first, struct slice second,
                char hex[SHA256_HEX_CHARS + 1]);

#endif
