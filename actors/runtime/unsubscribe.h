/* unsubscribe.h - the links by which people leave mailing lists: made by the mailer, taken by the door.
 *
 * Format     <mailer/unsubscribe_url>/api/unsubscribe/<token>; the token is 64 hex digits: 16 bytes
 *            that stand for an address, and 16 that only the home's key can make of them. No address
 *            stands in a link, in the event that follows, or in the mailer's table.
 * Use        unsubscribe_key_open() once; unsubscribe_token() for a link, unsubscribe_check() for what
 *            came back, unsubscribe_id() to look an address up. All but the first are pure.
 * Promise    Nobody without the key can make a token, for an address or for none. Addresses that
 *            differ only in ASCII case are one.
 * Key        HOME/secrets/unsubscribe, made when it is first needed. Where mailer and webhook run on
 *            two machines, both need the same file. Without it old links are worth nothing.
 * See        RFC 8058; tests/unit/runtime/unsubscribe_test.c */
#ifndef USHER_UNSUBSCRIBE_H
#define USHER_UNSUBSCRIBE_H

#include "buf.h"
#include "fault.h"

#include <stdbool.h>
#include <stdint.h>

enum { UNSUBSCRIBE_KEY_BYTES = 32, UNSUBSCRIBE_ID_CHARS = 32, UNSUBSCRIBE_TOKEN_CHARS = 64 };

#define UNSUBSCRIBE_PATH  "/api/unsubscribe/"
#define UNSUBSCRIBE_EVENT "mail.unsubscribed" /* its data: {"id": what unsubscribe_check() gave} */

struct unsubscribe_key {
    uint8_t bytes[UNSUBSCRIBE_KEY_BYTES];
};

/* `make`: if there is no file yet. NOT_FOUND without; CONFIG if the file holds something else. */
enum fault unsubscribe_key_open(const char *home, bool make, struct unsubscribe_key *key) NODISCARD;

/* What stands for an address: hex digits. */
void unsubscribe_id(const struct unsubscribe_key *key, const char *address,
                    char id[UNSUBSCRIBE_ID_CHARS + 1]);
void unsubscribe_token(const struct unsubscribe_key *key, const char *address,
                       char token[UNSUBSCRIBE_TOKEN_CHARS + 1]);

/* Is it one of ours? Then `id` is what stands for the address. */
bool unsubscribe_check(const struct unsubscribe_key *key, const char *token,
                       char id[UNSUBSCRIBE_ID_CHARS + 1]);

#endif
