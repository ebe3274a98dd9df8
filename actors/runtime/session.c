#include "session.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>

static void hash_of(const char *key, uint8_t hash[SHA256_BYTES])
{
    sha256(key, strlen(key), hash);
}

void session_fini(struct session *session)
{
    if (session->token) {
        explicit_bzero(session->token, strlen(session->token));
        free(session->token);
    }
    *session = (struct session){0};
}

void session_take(struct session *session, char **token, int64_t lifetime_ms, const char *key,
                  int64_t now_ms)
{
    int64_t early_ms = lifetime_ms / 2 < SESSION_EARLY_MS ? lifetime_ms / 2 : SESSION_EARLY_MS;
    int64_t held_ms =
        lifetime_ms - early_ms > SESSION_LEAST_MS ? lifetime_ms - early_ms : SESSION_LEAST_MS;
    session_fini(session);
    session->token = *token;
    *token = NULL;
    bool known = lifetime_ms > 0 && held_ms < INT64_MAX - now_ms;
    session->until_ms = known ? now_ms + held_ms : INT64_MAX;
    hash_of(key, session->key_hash);
}

bool session_good(const struct session *session, int64_t now_ms)
{
    return session->token && now_ms < session->until_ms;
}

void session_lost(struct session *session, const char *token)
{
    if (session->token && strcmp(session->token, token) == 0) {
        session_fini(session);
    }
}

void session_for(struct session *session, const char *key)
{
    uint8_t hash[SHA256_BYTES];
    hash_of(key, hash);
    if (session->token && !digest_same(hash, session->key_hash, sizeof hash)) {
        session_fini(session);
    }
}
