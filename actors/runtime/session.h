/* session.h - the token that a login gave, as long as it holds.
 *
 * Use        session_take() when a login succeeded; session_good() before a call; session_lost()
 *            when the target refuses the token; session_for() when the key may be another one by now.
 * Promise    A token is let go a little before it ends, so that a call does not meet its end. Lost
 *            is only the token that was refused: one that came since stays.
 * Ownership  Embedded, zero-initialised; session_fini() wipes the token and frees it.
 * See        jobs_login.c (who asks for one), tests/unit/runtime/session_test.c */
#ifndef USHER_SESSION_H
#define USHER_SESSION_H

#include "digest.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SESSION_EARLY_MS = 60000, /* of a short-lived token: half its life */
    SESSION_LEAST_MS = 1000   /* held so long whatever it says: nobody is asked in a circle */
};

struct session {
    char *token; /* NULL: none */
    int64_t until_ms;
    uint8_t key_hash[SHA256_BYTES]; /* of the key that it was given for */
};

/* Takes the token. A lifetime of 0 is not known: it holds until it is refused. */
void session_take(struct session *session, char **token, int64_t lifetime_ms, const char *key,
                  int64_t now_ms);

bool session_good(const struct session *session, int64_t now_ms);
void session_lost(struct session *session, const char *token);
void session_for(struct session *session, const char *key);
void session_fini(struct session *session);

#endif
