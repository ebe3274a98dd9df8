/* auth.h - the allow-list: which CURVE key is whose.
 *
 * Read from keys/<name>.pub and keys/people/<who>.pub (ZPL certificates). Only names with a row
 * in the rights table are taken; a key of two names is nobody's.
 *
 * Use        auth_open(); auth_refresh() before a decision and now and then: it looks at the
 *            folders' and files' times and reads again only what changed; auth_user().
 * Threads    One. */
#ifndef USHER_AUTH_H
#define USHER_AUTH_H

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AUTH_KEYS_MAX = 1024, AUTH_KEY_BYTES = 32, AUTH_FILE_BYTES_MAX = 16384 };

struct auth;

struct auth *auth_new(const char *home);
void auth_destroy(struct auth **auth);

/* True if the list is another one now. */
bool auth_refresh(struct auth *auth);
size_t auth_count(const struct auth *auth);

/* "<key> <name>" of a public key (32 bytes), or NULL. */
const char *auth_user(const struct auth *auth, const uint8_t *key, size_t len);

/* Is "<key> <name>" in the list? */
bool auth_holds(const struct auth *auth, const char *user);

#endif
