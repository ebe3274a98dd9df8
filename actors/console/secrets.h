/* secrets.h - the secrets of the home: which there are, how many lines they have, and new ones.
 *
 * Use        secrets_list() for the settings page; secrets_rotate() and secrets_retire() for acts.
 * Promise    A secret's content never leaves this file: what is listed is how many there are and
 *            when they changed. A file is written whole or not at all (home_write_file, 0600).
 *            Whoever uses a secret reads it again by itself (settings.h).
 * Faults     NOT_FOUND: no such secret, or its value stands in usher.cfg or the environment;
 *            DENIED: its file is outside the home; MALFORMED: not what a secret looks like; FULL, IO.
 * Threads    One. */
#ifndef USHER_SECRETS_H
#define USHER_SECRETS_H

#include "fault.h"

#include <jansson.h>
#include <stdbool.h>

enum { SECRETS_LINES_MAX = 4, SECRETS_VALUE_BYTES_MIN = 8, SECRETS_VALUE_BYTES_MAX = 4096 };

/* [{"id":"crm/key","label":...,"provider":"hubspot","lines":1,"changed_at":...,"rotatable":true,
 *   "why":null}] (a new tree); those whose provider takes none are left out. */
json_t *secrets_list(const char *home);

/* The secret that a target of this actor is called with; NULL if there is none. Static. */
const char *secrets_of(const char *actor);

/* One word without blanks and controls, of a length that a secret has. */
bool secrets_is_good(const char *value);

enum fault secrets_rotate(const char *home, const char *id, const char *value) NODISCARD;
enum fault secrets_retire(const char *home, const char *id) NODISCARD;

#endif
