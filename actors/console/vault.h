/* vault.h - what must never be in the journal: passwords, sessions, API keys, one-time links.
 *
 * It is no projection: `usher rebuild console` leaves it alone, and who signed in stays signed in.
 * What is done to it is told as admin.* events (act.h), without what is secret.
 *
 * Use        vault_open(); people.h, sessions.h and api_keys.h work on it.
 * Format     An LMDB store, HOME/data/console-vault. Values are msgpack trees. Secrets that we give out
 *            (sessions, keys, links: 256 random bits) are kept as SHA-256 only: whoever reads the file
 *            has none of them. A row's key is the first characters of the hash.
 * Promise    OK of a change means that it is on disk.
 * Threads    One. */
#ifndef USHER_VAULT_H
#define USHER_VAULT_H

#include "attempts.h"
#include "fault.h"
#include "store.h"

#include <jansson.h>

struct vault;

enum vault_table { VAULT_PEOPLE, VAULT_SESSIONS, VAULT_KEYS, VAULT_LINKS };

enum { VAULT_TOKEN_BYTES = 32, VAULT_TOKEN_CHARS = 43, VAULT_ID_CHARS = 16 };

enum fault vault_open(const char *home, struct vault **out) NODISCARD;
void vault_close(struct vault **vault);

/* Guesses of passwords and codes, in memory. */
struct attempts *vault_attempts(struct vault *vault);
/* When sessions_sweep() looked last; 0: not yet. */
int64_t *vault_swept_ms(struct vault *vault);

/* A row as a new tree; NOT_FOUND. */
enum fault vault_get(struct vault *vault, enum vault_table table, const char *id,
                     json_t **out) NODISCARD;
/* One row in a transaction of its own. */
enum fault vault_put(struct vault *vault, enum vault_table table, const char *id,
                     const json_t *row) NODISCARD;
enum fault vault_remove(struct vault *vault, enum vault_table table, const char *id) NODISCARD;

/* Every row, by id; `each` must not change the vault. */
typedef void vault_each(void *self, const char *id, const json_t *row);
enum fault vault_walk(struct vault *vault, enum vault_table table, vault_each *each,
                      void *self) NODISCARD;

/* Several changes at once, or none. */
typedef enum fault vault_work(void *self, struct store_txn *txn);
enum fault vault_change(struct vault *vault, vault_work *work, void *self) NODISCARD;
/* Rows whose "person" is that one, but `keep` (may be NULL), inside of vault_change. */
enum fault vault_remove_of(struct store_txn *txn, enum vault_table table, const char *person,
                           const char *keep) NODISCARD;

/* --- secrets that are given out ---------------------------------------------------------------- */

/* 256 random bits as base64url. */
void vault_token(char token[VAULT_TOKEN_CHARS + 1]);
/* The row's key, and the whole hash to compare it with. False if it cannot be a token of ours. */
bool vault_token_id(const char *token, char id[VAULT_ID_CHARS + 1],
                    char hash[SHA256_HEX_CHARS + 1]);
/* Whether the row is that token's. */
bool vault_is_of(const json_t *row, const char *hash);

#endif
