/* sessions.h - who is signed in, from where, until when.
 *
 * Use        sessions_start() after a sign-in gives the token for the cookie; sessions_check() with
 *            each request.
 * Promise    A session ends SESSION_IDLE_MS after it was seen last and SESSION_MAX_MS after it began,
 *            when it is ended, and when its person is removed. Rights are those of the person's role
 *            now. At most SESSIONS_EACH_MAX of a person: the oldest ends.
 *            A token is shown once: its hash is kept. The public id is a part of that hash.
 * Cost       When it was seen last is written at most once a minute.
 * Threads    One. Time is the caller's. */
#ifndef USHER_SESSIONS_H
#define USHER_SESSIONS_H

#include "people.h"
#include "vault.h"

enum {
    SESSION_TOKEN_CHARS = VAULT_TOKEN_CHARS,
    SESSION_IDLE_MS = 30 * 60 * 1000,
    SESSION_MAX_MS = 8 * 3600 * 1000,
    SESSION_SEEN_MS = 60 * 1000,
    SESSIONS_EACH_MAX = 20
};

struct session {
    char id[VAULT_ID_CHARS + 1];
    char person[PEOPLE_NAME_BYTES_MAX + 1];
    enum role role;
    char
        csrf[SHA256_HEX_CHARS + 1]; /* what acts have to bring along; only sessions_check sets it */
};

enum fault sessions_start(struct vault *vault, const char *person, const char *address,
                          const char *agent, int64_t now_ms,
                          char token[SESSION_TOKEN_CHARS + 1]) NODISCARD;
/* NOT_FOUND: no session, or no more. */
enum fault sessions_check(struct vault *vault, const char *token, int64_t now_ms,
                          struct session *session) NODISCARD;
enum fault sessions_find(struct vault *vault, const char *id, struct session *session) NODISCARD;
bool sessions_is_open(struct vault *vault, const char *id, int64_t now_ms);

enum fault sessions_end(struct vault *vault, const char *id) NODISCARD;
enum fault sessions_end_others(struct vault *vault, const char *person, const char *keep) NODISCARD;

/* [{id, person, created_at, last_seen, address, agent, current}] (a new tree); person NULL: all. */
json_t *sessions_list(struct vault *vault, const char *person, const char *current, int64_t now_ms);
size_t sessions_count(struct vault *vault);
/* Drops what is over, now and then. */
void sessions_sweep(struct vault *vault, int64_t now_ms);

#endif
