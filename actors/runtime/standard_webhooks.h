/* standard_webhooks.h - signatures as Standard Webhooks has them. Pure.
 *
 * Format     https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *            v1: HMAC-SHA-256 over "<id>.<timestamp>.<body>", base64; the secret is "whsec_" and the
 *            key's base64. Several signatures stand in one header, separated by blanks.
 *            v1a: ed25519 over the same; the secret is "whpk_" and the public key's base64.
 * Use        sw_sign() for what we send, sw_check() for what we are sent.
 * Keys       To sign takes a secret of that format. To check takes also what others make of it: a
 *            secret without "whsec_" may be the key's base64 or, as Polar has it, the key itself, so
 *            both are tried. Whoever does not know the secret can make neither.
 * Promise    Every key is tried on every signature, v1 in constant time.
 * Limits     SW_SECRETS_MAX secrets and SW_SIGNATURES_MAX signatures; more are ignored.
 * See        tests/unit/runtime/standard_webhooks_test.c, tests/fuzz/runtime/standard_webhooks.c */
#ifndef USHER_STANDARD_WEBHOOKS_H
#define USHER_STANDARD_WEBHOOKS_H

#include "buf.h"
#include "digest.h"

#include <stdbool.h>

enum { SW_KEY_BYTES_MIN = 24, SW_KEY_BYTES_MAX = 64, SW_SECRETS_MAX = 4, SW_SIGNATURES_MAX = 8 };
enum { SW_TOLERANCE_S = 300 };

enum sw_verdict {
    SW_GENUINE,
    SW_MALFORMED, /* no signature of a version that we know, or no time */
    SW_FORGED,    /* well formed, and made with no secret of ours */
    SW_STALE      /* genuine, and too old or too far in the future */
};

/* The key's bytes; false if the line is no secret of that format. *len: the room, then the bytes. */
bool sw_key(const char *secret, uint8_t *key, size_t *len);

/* Appends a signature for each line of `secrets`, the first line first. False if there is none. */
bool sw_sign(const char *secrets, const char *id, const char *timestamp, struct slice body,
             struct buf *out);

/* What is to be thought of a signature header under the secrets, one a line; `tolerance_s` holds
 * both ways. */
enum sw_verdict sw_check(const char *secrets, const char *id, const char *timestamp,
                         struct slice body, const char *header, int64_t now_s, int64_t tolerance_s);

/* Genuine, and at most SW_TOLERANCE_S away from now? */
bool sw_verify(const char *secrets, const char *id, const char *timestamp, struct slice body,
               const char *header, int64_t now_ms);

#endif
