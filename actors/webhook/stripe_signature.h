/* stripe_signature.h - is this body signed by Stripe, with one of our secrets, just now?
 *
 * Use        stripe_signature_check() with the Stripe-Signature header, the raw body bytes and the
 *            time. Pure.
 * Formats    "t=<unix seconds>,v1=<64 hex>[,v1=...][,v0=...]": HMAC-SHA256 over t "." body. The key
 *            is a secret's whole text ("whsec_" is part of it, nothing is decoded). Any v1 under
 *            any secret is enough (rotation at either end); other schemes are ignored.
 * Promise    Every secret is tried on every v1, in constant time: the time taken says nothing about
 *            which one was nearly right.
 * Limits     SIGNATURE_SECRETS_MAX secrets (more are ignored), SIGNATURE_DIGESTS_MAX v1 entries,
 *            SIGNATURE_HEADER_CHARS_MAX characters.
 * See        https://docs.stripe.com/webhooks/signature */
#ifndef USHER_STRIPE_SIGNATURE_H
#define USHER_STRIPE_SIGNATURE_H

#include "digest.h"
#include "provider.h"

enum { SIGNATURE_SECRETS_MAX = 8, SIGNATURE_DIGESTS_MAX = 8, SIGNATURE_HEADER_CHARS_MAX = 2048 };

/* `secrets` is one secret a line; blanks around a line and empty lines do not count. `tolerance_s`
 * holds both ways: too old and too far in the future. */
enum verdict stripe_signature_check(const char *header, struct slice body, const char *secrets,
                                    int64_t now_s, int64_t tolerance_s);

#endif
