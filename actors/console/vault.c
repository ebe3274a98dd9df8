#include "vault.h"

#include "actor.h"
#include "home.h"
#include "must.h"
#include "values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, ID_BYTES_MAX = 64, REMOVED_MAX = 64 };

static const char *const tables[] = {"people", "sessions", "keys", "links", NULL};

struct vault {
    struct store *store;
    struct attempts attempts;
    int64_t swept_ms;
};

enum fault vault_open(const char *home, struct vault **out)
{
    struct vault *vault = must_calloc(1, sizeof *vault);
    struct store_options options = {.tables = tables, .format = FORMAT};
    vault->attempts.seed = random_u64();
    char *folder = home_path(home, "data/console-vault");
    enum fault fault = store_open(folder, &options, &vault->store);
    free(folder);
    *out = vault;
    if (fault != OK) {
        vault_close(out);
    }
    return fault;
}

void vault_close(struct vault **out)
{
    struct vault *vault = *out;
    if (vault) {
        store_close(&vault->store);
        free(vault);
        *out = NULL;
    }
}

struct attempts *vault_attempts(struct vault *vault)
{
    return &vault->attempts;
}

int64_t *vault_swept_ms(struct vault *vault)
{
    return &vault->swept_ms;
}

/* --- rows -------------------------------------------------------------------------------------- */

enum fault vault_get(struct vault *vault, enum vault_table table, const char *id, json_t **out)
{
    struct store_txn *txn = NULL;
    *out = NULL;
    if (!*id || strlen(id) > ID_BYTES_MAX) {
        return FAULT_NOT_FOUND;
    }
    enum fault fault = store_begin(vault->store, false, &txn);
    if (fault == OK) {
        fault = tree_load(txn, (int)table, text_slice(id), out);
    }
    store_abort(&txn);
    return fault == OK && !*out ? FAULT_NOT_FOUND : fault;
}

enum fault vault_change(struct vault *vault, vault_work *work, void *self)
{
    struct store_txn *txn = NULL;
    enum fault fault = store_begin(vault->store, true, &txn);
    if (fault == OK) {
        fault = work(self, txn);
    }
    if (fault == OK) {
        return store_commit(&txn);
    }
    store_abort(&txn);
    return fault;
}

struct single {
    enum vault_table table;
    const char *id;
    const json_t *row;
};

static enum fault work_single(void *self, struct store_txn *txn)
{
    const struct single *single = self;
    struct slice key = text_slice(single->id);
    return single->row ? tree_save(txn, (int)single->table, key, single->row)
                       : store_delete(txn, (int)single->table, key);
}

enum fault vault_put(struct vault *vault, enum vault_table table, const char *id, const json_t *row)
{
    struct single single = {table, id, row};
    return vault_change(vault, work_single, &single);
}

enum fault vault_remove(struct vault *vault, enum vault_table table, const char *id)
{
    struct single single = {table, id, NULL};
    return vault_change(vault, work_single, &single);
}

struct walk {
    vault_each *each;
    void *self;
};

static bool on_row(void *self, struct slice key, struct slice value)
{
    const struct walk *walk = self;
    char id[ID_BYTES_MAX + 1];
    json_t *row = NULL;
    if (key.len <= ID_BYTES_MAX && value_unpack(value.bytes, value.len, &row) == OK) {
        memcpy(id, key.bytes, key.len);
        id[key.len] = '\0';
        walk->each(walk->self, id, row);
    }
    json_decref(row);
    return true;
}

static enum fault walk_in(struct store_txn *txn, enum vault_table table, vault_each *each,
                          void *self)
{
    struct walk walk = {each, self};
    struct slice all = {NULL, 0};
    return store_scan(txn, (int)table, all, all, false, on_row, &walk);
}

enum fault vault_walk(struct vault *vault, enum vault_table table, vault_each *each, void *self)
{
    struct store_txn *txn = NULL;
    enum fault fault = store_begin(vault->store, false, &txn);
    if (fault == OK) {
        fault = walk_in(txn, table, each, self);
    }
    store_abort(&txn);
    return fault;
}

struct of_person {
    const char *person;
    const char *keep;
    char ids[REMOVED_MAX][ID_BYTES_MAX + 1];
    size_t count;
};

static void collect(void *self, const char *id, const json_t *row)
{
    struct of_person *of = self;
    if (of->count < REMOVED_MAX && strcmp(tree_text(row, "person"), of->person) == 0 &&
        !(of->keep && strcmp(id, of->keep) == 0)) {
        strcpy(of->ids[of->count++], id);
    }
}

enum fault vault_remove_of(struct store_txn *txn, enum vault_table table, const char *person,
                           const char *keep)
{
    struct of_person *of = must_calloc(1, sizeof *of);
    enum fault fault;
    do { /* a page of them at a time */
        *of = (struct of_person){.person = person, .keep = keep};
        fault = walk_in(txn, table, collect, of);
        for (size_t i = 0; fault == OK && i < of->count; i++) {
            fault = store_delete(txn, (int)table, text_slice(of->ids[i]));
        }
    } while (fault == OK && of->count == REMOVED_MAX);
    free(of);
    return fault;
}

/* --- tokens ------------------------------------------------------------------------------------ */

void vault_token(char token[VAULT_TOKEN_CHARS + 1])
{
    uint8_t dice[VAULT_TOKEN_BYTES];
    char text[4 * ((VAULT_TOKEN_BYTES + 2) / 3) + 1];
    random_bytes(dice, sizeof dice);
    base64url_encode(dice, sizeof dice, text);
    memcpy(token, text, VAULT_TOKEN_CHARS);
    token[VAULT_TOKEN_CHARS] = '\0';
}

bool vault_token_id(const char *token, char id[VAULT_ID_CHARS + 1], char hash[SHA256_HEX_CHARS + 1])
{
    uint8_t digest[SHA256_BYTES];
    for (size_t i = 0; i < VAULT_TOKEN_CHARS; i++) {
        if (!isalnum((unsigned char)token[i]) && token[i] != '-' && token[i] != '_') {
            return false; /* also where it ends too early */
        }
    }
    if (token[VAULT_TOKEN_CHARS]) {
        return false;
    }
    sha256(token, VAULT_TOKEN_CHARS, digest);
    hex_encode(digest, sizeof digest, hash);
    memcpy(id, hash, VAULT_ID_CHARS);
    id[VAULT_ID_CHARS] = '\0';
    return true;
}

bool vault_is_of(const json_t *row, const char *hash)
{
    const char *kept = tree_text(row, "hash");
    return strlen(kept) == SHA256_HEX_CHARS && digest_same(kept, hash, SHA256_HEX_CHARS);
}
