/* standard_webhooks.h - signatures as Standard Webhooks has them. Pure.
 *
 * Format     https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *            v1: HMAC-SHA-256 over "<id>.<timestamp>.<body>", base64; the secret is "whsec_" and the
 *            key's base64. Several signatures stand in one header, separated by blanks.
 * Use        sw_sign() for what we send. */
#ifndef USHER_STANDARD_WEBHOOKS_H
#define USHER_STANDARD_WEBHOOKS_H

#include "buf.h"
#include "digest.h"

#include <stdbool.h>

enum { SW_KEY_BYTES_MIN = 24, SW_KEY_BYTES_MAX = 64, SW_SECRETS_MAX = 4 };

/* The key's bytes; false if the line is no secret of that format. *len: the room, then the bytes. */
bool sw_key(const char *secret, uint8_t *key, size_t *len);

/* Appends a signature for each line of `secrets`, the first line first. False if there is none. */
bool sw_sign(const char *secrets, const char *id, const char *timestamp, struct slice body,
             struct buf *out);

#endif
