/* passwords.h - passwords, slow to guess: the door to libsodium's Argon2id.
 *
 * Use        passwords_hash() when one is set, passwords_match() when somebody signs in; with a NULL
 *            hash it works as long as for a real one, so that time tells nobody who exists.
 * Cost       19 MiB and 2 passes, the first of the settings that OWASP's cheat sheet gives; about
 *            30 ms, in the loop: attempts are throttled (attempts.h), so this is bounded.
 * See        https://doc.libsodium.org/password_hashing; RFC 9106 */
#ifndef USHER_PASSWORDS_H
#define USHER_PASSWORDS_H

#include <stdbool.h>

enum {
    PASSWORDS_BYTES_MIN = 10,
    PASSWORDS_BYTES_MAX = 200,
    PASSWORDS_HASH_BYTES = 128, /* with its NUL */
    PASSWORDS_MEMORY_BYTES = 19 * 1024 * 1024,
    PASSWORDS_PASSES = 2
};

/* NULL if it may be used, else why not, for people. */
const char *passwords_objection(const char *password);

void passwords_hash(const char *password, char hash[PASSWORDS_HASH_BYTES]);
bool passwords_match(const char *hash, const char *password);

#endif
