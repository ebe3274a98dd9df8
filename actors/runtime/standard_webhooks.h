/* standard_webhooks.h - signatures as Standard Webhooks has them. Pure.
 *
 * Format     https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *            v1: HMAC-SHA-256 over "<id>.<timestamp>.<body>", base64; the secret is "whsec_" and the
 *            key's base64. Several signatures stand in one header, separated by blanks.
 * Use        sw_sign() for what we send, sw_verify() for what we are sent.
 * See        tests/unit/runtime/standard_webhooks_test.c */
#ifndef USHER_STANDARD_WEBHOOKS_H
#define USHER_STANDARD_WEBHOOKS_H

#include "buf.h"
#include "digest.h"

#include <stdbool.h>

enum { SW_KEY_BYTES_MIN = 24, SW_KEY_BYTES_MAX = 64, SW_SECRETS_MAX = 4, SW_TOLERANCE_S = 300 };

/* The key's bytes; false if the line is no secret of that format. *len: the room, then the bytes. */
bool sw_key(const char *secret, uint8_t *key, size_t *len);

/* Appends a signature for each line of `secrets`, the first line first. False if there is none. */
bool sw_sign(const char *secrets, const char *id, const char *timestamp, struct slice body,
             struct buf *out);

/* Is one of the header's v1 signatures made with one of the secrets, and the timestamp (seconds) at
 * most SW_TOLERANCE_S away from now? Compares in constant time. */
bool sw_verify(const char *secrets, const char *id, const char *timestamp, struct slice body,
               const char *header, int64_t now_ms);

#endif
