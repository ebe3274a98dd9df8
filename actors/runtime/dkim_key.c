#include "dkim_key.h"

#include "must.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

enum { NAME_BYTES_MAX = 200, LABEL_BYTES_MAX = 63 };

struct dkim_key {
    enum dkim_kind kind;
    EVP_PKEY *pair;
};

static const struct {
    const char *name;
    const char *algorithm;
    const char *record;
} kinds[] = {
#define X(kind, name, algorithm, record) {name, algorithm, record},
    DKIM_KINDS(X)
#undef X
};

const char *dkim_kind_name(enum dkim_kind kind)
{
    return kinds[kind].name;
}

const char *dkim_algorithm(enum dkim_kind kind)
{
    return kinds[kind].algorithm;
}

/* --- reading and making ------------------------------------------------------------------------- */

/* Instead of OpenSSL's own, which would ask at the terminal. */
static int no_password(char *room, int size, int writing, void *asked)
{
    (void)room;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static bool check_kind(enum dkim_kind kind, const EVP_PKEY *pair, struct buf *why)
{
    const char *type = EVP_PKEY_get0_type_name(pair);
    int bits = EVP_PKEY_get_bits(pair);
    if (EVP_PKEY_is_a(pair, kind == DKIM_RSA ? "RSA" : "ED25519") != 1) {
        buf_printf(why, "expected an %s key, this is %s", kind == DKIM_RSA ? "RSA" : "Ed25519",
                   type ? type : "of another kind");
        return false;
    }
    if (kind == DKIM_RSA && (bits < DKIM_RSA_BITS_MIN || bits > DKIM_RSA_BITS_MAX)) {
        buf_printf(why, "expected an RSA key of %d to %d bits (%d is usual), this has %d",
                   DKIM_RSA_BITS_MIN, DKIM_RSA_BITS_MAX, DKIM_RSA_BITS, bits);
        return false;
    }
    return true;
}

enum fault dkim_key_read(enum dkim_kind kind, const char *pem, struct dkim_key **out,
                         struct buf *why)
{
    bool asked = false;
    BIO *bio = BIO_new_mem_buf(pem, -1);
    MUST(bio);
    EVP_PKEY *pair = PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked);
    BIO_free(bio);
    ERR_clear_error();
    *out = NULL;
    if (!pair) {
        buf_add_text(why, asked ? "the key has a password: keep it without one"
                          : strstr(pem, "PUBLIC KEY")
                              ? "this is the public key: expected the private one"
                              : "not a private key (PEM, \"-----BEGIN PRIVATE KEY-----\")");
        return FAULT_CONFIG;
    }
    if (!check_kind(kind, pair, why)) {
        EVP_PKEY_free(pair);
        return FAULT_CONFIG;
    }
    *out = must_calloc(1, sizeof **out);
    **out = (struct dkim_key){kind, pair};
    return OK;
}

struct dkim_key *dkim_key_make(enum dkim_kind kind)
{
    struct dkim_key *key = must_calloc(1, sizeof *key);
    key->kind = kind;
    key->pair = kind == DKIM_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)DKIM_RSA_BITS)
                                 : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    MUST(key->pair);
    return key;
}

void dkim_key_destroy(struct dkim_key **key)
{
    if (*key) {
        EVP_PKEY_free((*key)->pair);
        free(*key);
        *key = NULL;
    }
}

enum dkim_kind dkim_key_kind(const struct dkim_key *key)
{
    return key->kind;
}

void dkim_key_pem(const struct dkim_key *key, struct buf *out)
{
    char *bytes = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(bio && PEM_write_bio_PrivateKey(bio, key->pair, NULL, NULL, 0, NULL, NULL) == 1);
    long len = BIO_get_mem_data(bio, &bytes);
    buf_add(out, bytes, (size_t)len);
    BIO_free(bio);
}

/* --- signing ------------------------------------------------------------------------------------ */

static void add_base64(const uint8_t *bytes, size_t len, struct buf *out)
{
    char *text = must_malloc(4 * ((len + 2) / 3) + 1);
    base64_encode(bytes, len, text);
    buf_add_text(out, text);
    free(text);
}

void dkim_key_sign(const struct dkim_key *key, struct slice bytes, struct buf *out)
{
    uint8_t hash[SHA256_BYTES];
    uint8_t signature[DKIM_RSA_BITS_MAX / 8];
    size_t len = sizeof signature;
    const EVP_MD *digest = key->kind == DKIM_RSA ? EVP_sha256() : NULL;
    if (key->kind == DKIM_ED25519) {
        sha256(bytes.bytes, bytes.len, hash);
        bytes = (struct slice){hash, sizeof hash};
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    MUST(context && EVP_DigestSignInit(context, NULL, digest, NULL, key->pair) == 1);
    MUST(EVP_DigestSign(context, signature, &len, bytes.bytes, bytes.len) == 1);
    EVP_MD_CTX_free(context);
    add_base64(signature, len, out);
}

/* --- records ------------------------------------------------------------------------------------ */

static void add_public(const struct dkim_key *key, struct buf *out)
{
    if (key->kind == DKIM_ED25519) {
        uint8_t raw[32];
        size_t len = sizeof raw;
        MUST(EVP_PKEY_get_raw_public_key(key->pair, raw, &len) == 1);
        add_base64(raw, len, out);
        return;
    }
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key->pair, &der);
    MUST(len > 0);
    add_base64(der, (size_t)len, out);
    OPENSSL_free(der);
}

void dkim_record(const struct dkim_key *key, struct buf *out)
{
    buf_printf(out, "v=DKIM1; k=%s; p=", kinds[key->kind].record);
    add_public(key, out);
}

void dkim_record_line(const char *domain, const char *selector, const char *record, struct buf *out)
{
    size_t len = strlen(record);
    buf_printf(out, "%s._domainkey.%s. IN TXT", selector, domain);
    for (size_t at = 0; at < len; at += DKIM_TEXT_BYTES_MAX) {
        size_t left = len - at;
        int part = (int)(left < DKIM_TEXT_BYTES_MAX ? left : DKIM_TEXT_BYTES_MAX);
        buf_printf(out, " \"%.*s\"", part, record + at);
    }
}

/* Appends the value of a tag ("p") without blanks; false if it is not there. */
static bool tag_of(const char *record, char tag, struct buf *value)
{
    for (const char *at = record; *at;) {
        const char *end = at + strcspn(at, ";");
        at += strspn(at, " \t\r\n");
        if (*at == tag && at[1 + strspn(at + 1, " \t\r\n")] == '=') {
            for (at = strchr(at, '=') + 1; at < end; at++) {
                buf_add(value, at, isspace((unsigned char)*at) ? 0 : 1);
            }
            return true;
        }
        at = *end ? end + 1 : end;
    }
    return false;
}

bool dkim_record_fits(const struct dkim_key *key, const char *record)
{
    struct buf ours = {0};
    struct buf theirs = {0};
    struct buf kind = {0};
    add_public(key, &ours);
    if (!tag_of(record, 'k', &kind)) {
        buf_add_text(&kind, "rsa");
    }
    bool fits = tag_of(record, 'p', &theirs) &&
                strcmp(buf_text(&kind), kinds[key->kind].record) == 0 &&
                strcmp(buf_text(&theirs), buf_text(&ours)) == 0;
    buf_fini(&ours);
    buf_fini(&theirs);
    buf_fini(&kind);
    return fits;
}

bool dkim_name_good(const char *name)
{
    size_t label = 0;
    for (const char *at = name; *at; at++) {
        if (*at == '.' && (label == 0 || at[-1] == '-' || !at[1])) {
            return false;
        }
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                      (*at >= '0' && *at <= '9') || (*at == '-' && label > 0);
        if (*at != '.' && !letter) {
            return false;
        }
        label = *at == '.' ? 0 : label + 1;
        if (label > LABEL_BYTES_MAX) {
            return false;
        }
    }
    return *name && strlen(name) <= NAME_BYTES_MAX && name[strlen(name) - 1] != '-';
}
