/* api_keys.h - keys that programs read with: the web app, Prometheus, a script.
 *
 * Use        api_keys_make() before the event that tells of it, api_keys_add() after; api_keys_check()
 *            with each request.
 * Format     "usk_" and 43 characters (256 random bits, base64url); id "key_" and the first characters
 *            of its SHA-256. Only the hash is kept: the key is shown once. The row is found by the hash,
 *            so that comparing takes no time that would tell anything.
 * Limits     API_KEYS_MAX. When a key was used last is written at most once a minute.
 * Threads    One. Time is the caller's. */
#ifndef USHER_API_KEYS_H
#define USHER_API_KEYS_H

#include "roles.h"
#include "vault.h"

enum {
    API_KEY_CHARS = 4 + VAULT_TOKEN_CHARS,
    API_KEY_ID_CHARS = 4 + VAULT_ID_CHARS,
    API_KEY_NAME_BYTES_MAX = 60,
    API_KEY_USED_MS = 60 * 1000,
    API_KEYS_MAX = 100
};

struct api_key {
    char id[API_KEY_ID_CHARS + 1];
    char name[API_KEY_NAME_BYTES_MAX + 1];
    unsigned scopes;
};

bool api_keys_name_is_good(const char *name);
void api_keys_make(char token[API_KEY_CHARS + 1], char id[API_KEY_ID_CHARS + 1]);
/* FULL: API_KEYS_MAX. */
enum fault api_keys_add(struct vault *vault, const char *token, const char *name, unsigned scopes,
                        const char *by, int64_t now_ms) NODISCARD;
enum fault api_keys_check(struct vault *vault, const char *token, int64_t now_ms,
                          struct api_key *key) NODISCARD;
enum fault api_keys_find(struct vault *vault, const char *id, struct api_key *key) NODISCARD;
enum fault api_keys_remove(struct vault *vault, const char *id) NODISCARD;
/* [{id, name, scopes, created_at, created_by, last_used}] (a new tree). */
json_t *api_keys_list(struct vault *vault);

#endif
