/* money.h - an amount in words: 2900 usd is "29.00 USD".
 *
 * Amounts are in the currency's smallest unit, as providers give them; the few currencies without
 * cents stay whole. */
#ifndef USHER_MONEY_H
#define USHER_MONEY_H

#include "buf.h"

#include <stdint.h>

/* Appends the words. An unknown currency code is taken to have cents. */
void money_words(int64_t amount, const char *currency, struct buf *out);

#endif
