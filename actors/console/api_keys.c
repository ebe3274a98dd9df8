#include "api_keys.h"

#include "clock.h"
#include "must.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

static const char token_prefix[] = "usk_", id_prefix[] = "key_";

bool api_keys_name_is_good(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f) {
            return false;
        }
    }
    return len > 0 && len <= API_KEY_NAME_BYTES_MAX;
}

static bool ids_of(const char *token, char row[VAULT_ID_CHARS + 1], char hash[SHA256_HEX_CHARS + 1])
{
    return strncmp(token, token_prefix, sizeof token_prefix - 1) == 0 &&
           vault_token_id(token + sizeof token_prefix - 1, row, hash);
}

void api_keys_make(char token[API_KEY_CHARS + 1], char id[API_KEY_ID_CHARS + 1])
{
    char row[VAULT_ID_CHARS + 1], hash[SHA256_HEX_CHARS + 1];
    strcpy(token, token_prefix);
    vault_token(token + sizeof token_prefix - 1);
    MUST(ids_of(token, row, hash));
    snprintf(id, API_KEY_ID_CHARS + 1, "%s%s", id_prefix, row);
}

static void count_one(void *self, const char *id, const json_t *row)
{
    (void)id;
    (void)row;
    ++*(size_t *)self;
}

enum fault api_keys_add(struct vault *vault, const char *token, const char *name, unsigned scopes,
                        const char *by, int64_t now_ms)
{
    char id[VAULT_ID_CHARS + 1], hash[SHA256_HEX_CHARS + 1];
    size_t count = 0;
    if (!ids_of(token, id, hash) || !api_keys_name_is_good(name)) {
        return FAULT_MALFORMED;
    }
    enum fault fault = vault_walk(vault, VAULT_KEYS, count_one, &count);
    if (fault != OK || count >= API_KEYS_MAX) {
        return fault == OK ? FAULT_FULL : fault;
    }
    json_t *row = json_object();
    tree_set_text(row, "hash", hash);
    tree_set_text(row, "name", name);
    tree_set_int(row, "scopes", scopes);
    tree_set_text(row, "created_by", by);
    tree_set_int(row, "created_at", now_ms);
    fault = vault_put(vault, VAULT_KEYS, id, row);
    json_decref(row);
    return fault;
}

static void read_key(const char *id, const json_t *row, struct api_key *key)
{
    snprintf(key->id, sizeof key->id, "%s%s", id_prefix, id);
    snprintf(key->name, sizeof key->name, "%s", tree_text(row, "name"));
    key->scopes = (unsigned)tree_int(row, "scopes");
}

enum fault api_keys_check(struct vault *vault, const char *token, int64_t now_ms,
                          struct api_key *key)
{
    char id[VAULT_ID_CHARS + 1], hash[SHA256_HEX_CHARS + 1];
    json_t *row = NULL;
    if (!ids_of(token, id, hash)) {
        return FAULT_NOT_FOUND;
    }
    enum fault fault = vault_get(vault, VAULT_KEYS, id, &row);
    if (fault == OK && !vault_is_of(row, hash)) {
        fault = FAULT_NOT_FOUND;
    }
    if (fault == OK) {
        read_key(id, row, key);
        if (now_ms - tree_int(row, "used_at") >= API_KEY_USED_MS) {
            tree_set_int(row, "used_at", now_ms);
            (void)!vault_put(vault, VAULT_KEYS, id, row); /* refuses nobody */
        }
    }
    json_decref(row);
    return fault;
}

/* Behind "key_". */
static const char *row_of(const char *id)
{
    return strncmp(id, id_prefix, sizeof id_prefix - 1) == 0 ? id + sizeof id_prefix - 1 : "";
}

enum fault api_keys_find(struct vault *vault, const char *id, struct api_key *key)
{
    json_t *row = NULL;
    enum fault fault = vault_get(vault, VAULT_KEYS, row_of(id), &row);
    if (fault == OK) {
        read_key(row_of(id), row, key);
    }
    json_decref(row);
    return fault;
}

enum fault api_keys_remove(struct vault *vault, const char *id)
{
    return vault_remove(vault, VAULT_KEYS, row_of(id));
}

static void list_one(void *self, const char *id, const json_t *row)
{
    struct api_key key;
    char text[CLOCK_TEXT_BYTES];
    json_t *shown = json_object();
    read_key(id, row, &key);
    tree_set_text(shown, "id", key.id);
    tree_set_text(shown, "name", key.name);
    tree_set(shown, "scopes", scopes_list(key.scopes));
    tree_set_text(shown, "created_at", clock_rfc3339(tree_int(row, "created_at"), text));
    tree_set_text(shown, "created_by", tree_text(row, "created_by"));
    int64_t used = tree_int(row, "used_at");
    tree_set(shown, "last_used", used ? json_string(clock_rfc3339(used, text)) : json_null());
    MUST(json_array_append_new(self, shown) == 0);
}

json_t *api_keys_list(struct vault *vault)
{
    json_t *list = json_array();
    (void)!vault_walk(vault, VAULT_KEYS, list_one, list);
    return list;
}
