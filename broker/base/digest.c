#include "digest.h"

#include "must.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* SHA256() of OpenSSL 3 fetches the algorithm on every call; the low-level context does not,
 * which is a third of the time for a 1 KB record. It is deprecated, not unsupported. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

void sha256(const void *bytes, size_t len, uint8_t digest[SHA256_BYTES])
{
    sha256_parts(&(struct slice){bytes, len}, 1, digest);
}

void sha256_parts(const struct slice *parts, size_t count, uint8_t digest[SHA256_BYTES])
{
    SHA256_CTX context;
    SHA256_Init(&context);
    for (size_t i = 0; i < count; i++) {
        SHA256_Update(&context, parts[i].bytes, parts[i].len);
    }
    SHA256_Final(digest, &context);
}

void hmac_sha256(struct slice key, const struct slice *parts, size_t count,
                 uint8_t mac[SHA256_BYTES])
{
    enum { BLOCK_BYTES = 64, INNER = 0x36, OUTER = 0x5c };
    uint8_t block[BLOCK_BYTES] = {0}, inner[BLOCK_BYTES], outer[BLOCK_BYTES];
    if (key.len > sizeof block) {
        sha256(key.bytes, key.len, block);
    } else if (key.len) {
        memcpy(block, key.bytes, key.len);
    }
    for (size_t i = 0; i < sizeof block; i++) {
        inner[i] = block[i] ^ INNER;
        outer[i] = block[i] ^ OUTER;
    }
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, inner, sizeof inner);
    for (size_t i = 0; i < count; i++) {
        SHA256_Update(&context, parts[i].bytes, parts[i].len);
    }
    SHA256_Final(mac, &context);
    SHA256_Init(&context);
    SHA256_Update(&context, outer, sizeof outer);
    SHA256_Update(&context, mac, SHA256_BYTES);
    SHA256_Final(mac, &context);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(inner, sizeof inner);
    OPENSSL_cleanse(outer, sizeof outer);
}

void hmac_sha1(struct slice key, const struct slice *parts, size_t count, uint8_t mac[SHA1_BYTES])
{
    HMAC_CTX *context = HMAC_CTX_new();
    MUST(context && HMAC_Init_ex(context, key.bytes, (int)key.len, EVP_sha1(), NULL) == 1);
    for (size_t i = 0; i < count; i++) {
        MUST(HMAC_Update(context, parts[i].bytes, parts[i].len) == 1);
    }
    MUST(HMAC_Final(context, mac, NULL) == 1);
    HMAC_CTX_free(context);
}

bool ed25519_verify(const uint8_t key[ED25519_KEY_BYTES], const void *message, size_t len,
                    const uint8_t signature[ED25519_SIGNATURE_BYTES])
{
    EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    MUST(context);
    bool good = public && EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1 &&
                EVP_DigestVerify(context, signature, ED25519_SIGNATURE_BYTES, message, len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public);
    return good;
}

void md5(const void *bytes, size_t len, uint8_t digest[MD5_BYTES])
{
    unsigned int made = 0;
    MUST(EVP_Digest(bytes, len, digest, &made, EVP_md5(), NULL) == 1 && made == MD5_BYTES);
}

bool digest_same(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void hex_encode(const void *bytes, size_t len, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;
    for (size_t i = 0; i < len; i++) {
        *text++ = digits[from[i] >> 4];
        *text++ = digits[from[i] & 15];
    }
    *text = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    int lower = tolower((unsigned char)c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool hex_decode(const char *text, size_t chars, uint8_t *bytes, size_t len)
{
    if (chars != 2 * len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void base64_encode(const void *bytes, size_t len, char *text)
{
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
}

void base64url_encode(const void *bytes, size_t len, char *text)
{
    base64_encode(bytes, len, text);
    for (; *text && *text != '='; text++) {
        *text = *text == '+' ? '-' : *text == '/' ? '_' : *text;
    }
    *text = '\0';
}

bool base64_decode(const char *text, uint8_t *bytes, size_t *len)
{
    size_t chars = strlen(text);
    size_t pads =
        chars && text[chars - 1] == '=' ? (chars > 1 && text[chars - 2] == '=' ? 2 : 1) : 0;
    if (chars % 4 != 0 || chars / 4 * 3 - pads > *len) {
        return false;
    }
    if (chars == 0) {
        *len = 0;
        return true;
    }
    uint8_t *whole = must_malloc(chars / 4 * 3);
    int decoded = EVP_DecodeBlock(whole, (const unsigned char *)text, (int)chars);
    if (decoded >= 0) {
        *len = (size_t)decoded - pads;
        memcpy(bytes, whole, *len);
    }
    OPENSSL_cleanse(whole, chars / 4 * 3);
    free(whole);
    return decoded >= 0;
}

void random_bytes(void *bytes, size_t len)
{
    MUST(RAND_bytes(bytes, (int)len) == 1);
}

uint64_t random_u64(void)
{
    uint64_t number;
    random_bytes(&number, sizeof number);
    return number;
}
