/* tokens.h - access answers that a web app can check by itself: signed, short-lived.
 *
 * Use        tokens_open() makes the key pair at first; tokens_sign() makes a token of claims;
 *            tokens_jwks() is what the web app checks with.
 * Format     JWT (RFC 7519) as JWS compact serialization, EdDSA with Ed25519 (RFC 8037); key set as in
 *            RFC 7517. The secret key's 32 byte seed stands in HOME/secrets/access-key in hex, 0600; one
 *            in access-key.old is published, too, so that tokens of before a change go on to count.
 * Ownership  Texts and trees returned are the caller's.
 * Threads    One. */
#ifndef USHER_TOKENS_H
#define USHER_TOKENS_H

#include "fault.h"

#include <jansson.h>

struct tokens;

enum fault tokens_open(const char *home, struct tokens **out) NODISCARD;
void tokens_destroy(struct tokens **tokens);

char *tokens_sign(const struct tokens *tokens, const json_t *claims);
json_t *tokens_jwks(const struct tokens *tokens);

#endif
