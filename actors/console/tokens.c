#include "tokens.h"

#include "buf.h"
#include "digest.h"
#include "home.h"
#include "must.h"
#include "values.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEED_CHARS = 2 * crypto_sign_SEEDBYTES,
    FILE_BYTES_MAX = 256,
    KID_CHARS = 16,
    PUBLIC_CHARS = 4 * ((crypto_sign_PUBLICKEYBYTES + 2) / 3) + 1,
    KEYS = 2
};

struct pair {
    uint8_t public[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    char kid[KID_CHARS + 1];
};

struct tokens {
    struct pair pairs[KEYS]; /* the one that signs, and perhaps an old one */
    size_t count;
};

static void make_pair(const uint8_t seed[crypto_sign_SEEDBYTES], struct pair *pair)
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    MUST(crypto_sign_seed_keypair(pair->public, pair->secret, seed) == 0);
    sha256(pair->public, sizeof pair->public, hash);
    hex_encode(hash, sizeof hash, hex);
    memcpy(pair->kid, hex, KID_CHARS);
    pair->kid[KID_CHARS] = '\0';
}

static enum fault read_pair(const char *path, struct pair *pair)
{
    char *text = NULL;
    size_t len;
    uint8_t seed[crypto_sign_SEEDBYTES];
    enum fault fault = home_read_file(path, FILE_BYTES_MAX, &text, &len);
    if (fault == OK) {
        len = strcspn(text, " \r\n");
        fault = hex_decode(text, len, seed, sizeof seed) ? OK : FAULT_CONFIG;
    }
    if (fault == OK) {
        make_pair(seed, pair);
    }
    sodium_memzero(seed, sizeof seed);
    free(text);
    return fault;
}

static enum fault make_file(const char *path)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    char text[SEED_CHARS + 2];
    random_bytes(seed, sizeof seed);
    hex_encode(seed, sizeof seed, text);
    text[SEED_CHARS] = '\n';
    enum fault fault = home_write_file(path, text, SEED_CHARS + 1, 0600);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(text, sizeof text);
    return fault;
}

enum fault tokens_open(const char *home, struct tokens **out)
{
    struct tokens *tokens = must_calloc(1, sizeof *tokens);
    char *path = home_path(home, "secrets/access-key");
    char *old = home_path(home, "secrets/access-key.old");
    MUST(sodium_init() >= 0);
    enum fault fault = read_pair(path, &tokens->pairs[0]);
    if (fault == FAULT_NOT_FOUND) {
        char *folder = home_path(home, "secrets");
        fault = home_folder(folder);
        free(folder);
        fault = fault == OK ? make_file(path) : fault;
        fault = fault == OK ? read_pair(path, &tokens->pairs[0]) : fault;
    }
    tokens->count = 1;
    if (fault == OK && read_pair(old, &tokens->pairs[1]) == OK) {
        tokens->count = 2;
    }
    free(path);
    free(old);
    *out = tokens;
    if (fault != OK) {
        tokens_destroy(out);
    }
    return fault;
}

void tokens_destroy(struct tokens **out)
{
    if (*out) {
        sodium_memzero(*out, sizeof **out);
        free(*out);
        *out = NULL;
    }
}

static void add_encoded(struct buf *out, const void *bytes, size_t len)
{
    size_t room = 4 * ((len + 2) / 3) + 1;
    char *at = (char *)buf_room(out, room);
    base64url_encode(bytes, len, at);
    out->len += strlen(at);
}

char *tokens_sign(const struct tokens *tokens, const json_t *claims)
{
    const struct pair *pair = &tokens->pairs[0];
    struct buf token = {0};
    uint8_t signature[crypto_sign_BYTES];
    char *header = must_sprintf("{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"%s\"}", pair->kid);
    char *body = json_dumps(claims, JSON_COMPACT);
    MUST(body);
    add_encoded(&token, header, strlen(header));
    buf_add(&token, ".", 1);
    add_encoded(&token, body, strlen(body));
    MUST(crypto_sign_detached(signature, NULL, token.bytes, token.len, pair->secret) == 0);
    buf_add(&token, ".", 1);
    add_encoded(&token, signature, sizeof signature);
    char *text = must_strdup(buf_text(&token));
    buf_fini(&token);
    free(header);
    free(body);
    return text;
}

json_t *tokens_jwks(const struct tokens *tokens)
{
    json_t *set = json_object(), *keys = json_array();
    for (size_t i = 0; i < tokens->count; i++) {
        char x[PUBLIC_CHARS];
        json_t *key = json_object();
        base64url_encode(tokens->pairs[i].public, sizeof tokens->pairs[i].public, x);
        tree_set_text(key, "kty", "OKP");
        tree_set_text(key, "crv", "Ed25519");
        tree_set_text(key, "x", x);
        tree_set_text(key, "kid", tokens->pairs[i].kid);
        tree_set_text(key, "alg", "EdDSA");
        tree_set_text(key, "use", "sig");
        MUST(json_array_append_new(keys, key) == 0);
    }
    tree_set(set, "keys", keys);
    return set;
}
