#include "unsubscribe.h"

#include "digest.h"
#include "home.h"

#include <stdlib.h>
#include <string.h>

enum { HALF_BYTES = 16, FILE_BYTES_MAX = 256 };

/* --- the key ------------------------------------------------------------------------------------ */

static enum fault make_key(const char *home, const char *path, struct unsubscribe_key *key)
{
    char line[2 * UNSUBSCRIBE_KEY_BYTES + 2];
    char *folder = home_path(home, "secrets");
    random_bytes(key->bytes, sizeof key->bytes);
    hex_encode(key->bytes, sizeof key->bytes, line);
    strcat(line, "\n");
    enum fault fault = home_folder(folder);
    if (fault == OK) {
        fault = home_write_file(path, line, strlen(line), 0600);
    }
    free(folder);
    return fault;
}

enum fault unsubscribe_key_open(const char *home, bool make, struct unsubscribe_key *key)
{
    char *text = NULL;
    size_t len = 0;
    char *path = home_path(home, "secrets/unsubscribe");
    enum fault fault = home_read_file(path, FILE_BYTES_MAX, &text, &len);
    if (fault == FAULT_NOT_FOUND && make) {
        fault = make_key(home, path, key);
    } else if (fault == OK) {
        struct unsubscribe_key read; /* a bad file leaves the caller's as it was */
        size_t digits = strcspn(text, " \t\r\n");
        fault = hex_decode(text, digits, read.bytes, sizeof read.bytes) ? OK : FAULT_CONFIG;
        *key = fault == OK ? read : *key;
    }
    free(text);
    free(path);
    return fault;
}

/* --- tokens ------------------------------------------------------------------------------------- */

/* The first half of a MAC; `what` keeps the two uses of the key apart. */
static void half(const struct unsubscribe_key *key, const char *what, struct slice text,
                 uint8_t out[HALF_BYTES])
{
    uint8_t mac[SHA256_BYTES];
    const struct slice parts[] = {{what, strlen(what) + 1}, text};
    hmac_sha256((struct slice){key->bytes, sizeof key->bytes}, parts, 2, mac);
    memcpy(out, mac, HALF_BYTES);
}

static void address_half(const struct unsubscribe_key *key, const char *address,
                         uint8_t out[HALF_BYTES])
{
    struct buf lower = {0};
    for (const char *at = address; *at; at++) {
        char c = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
        buf_add(&lower, &c, 1);
    }
    half(key, "address", (struct slice){buf_text(&lower), lower.len}, out);
    buf_fini(&lower);
}

void unsubscribe_id(const struct unsubscribe_key *key, const char *address,
                    char id[UNSUBSCRIBE_ID_CHARS + 1])
{
    uint8_t who[HALF_BYTES];
    address_half(key, address, who);
    hex_encode(who, sizeof who, id);
}

void unsubscribe_token(const struct unsubscribe_key *key, const char *address,
                       char token[UNSUBSCRIBE_TOKEN_CHARS + 1])
{
    uint8_t both[2 * HALF_BYTES];
    address_half(key, address, both);
    half(key, "link", (struct slice){both, HALF_BYTES}, both + HALF_BYTES);
    hex_encode(both, sizeof both, token);
}

bool unsubscribe_check(const struct unsubscribe_key *key, const char *token,
                       char id[UNSUBSCRIBE_ID_CHARS + 1])
{
    uint8_t both[2 * HALF_BYTES];
    uint8_t right[HALF_BYTES];
    if (strlen(token) != UNSUBSCRIBE_TOKEN_CHARS ||
        !hex_decode(token, UNSUBSCRIBE_TOKEN_CHARS, both, sizeof both)) {
        return false;
    }
    half(key, "link", (struct slice){both, HALF_BYTES}, right);
    if (!digest_same(right, both + HALF_BYTES, HALF_BYTES)) {
        return false;
    }
    hex_encode(both, HALF_BYTES, id);
    return true;
}
