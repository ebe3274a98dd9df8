/* stripe_signature.h - is this body signed by Stripe, with one of our secrets, just now?
 *
 * Use        stripe_signature_check() with the Stripe-Signature header, the raw body bytes and the
 *            time. Pure.
 * Formats    "t=<unix seconds>,v1=<64 hex>[,v1=...][,v0=...]" over t "." body. "whsec_" is part of
 *            the key; only v1 counts.
 * See        signature.h; https://docs.stripe.com/webhooks/signature */
#ifndef USHER_STRIPE_SIGNATURE_H
#define USHER_STRIPE_SIGNATURE_H

#include "signature.h"

/* `secrets` is one secret a line; blanks around a line and empty lines do not count. `tolerance_s`
 * holds both ways: too old and too far in the future. */
enum verdict stripe_signature_check(const char *header, struct slice body, const char *secrets,
                                    int64_t now_s, int64_t tolerance_s);

#endif
