/* digest.h - digests, MACs and their encodings: the one door to OpenSSL for hashing.
 *
 * Use        sha256() and hmac_sha256() in one call; digest_same() compares in constant time.
 * Formats    SHA-256 FIPS 180-4; HMAC RFC 2104; MD5 RFC 1321; base64 RFC 4648 section 4; hex in lower case. */
#ifndef USHER_DIGEST_H
#define USHER_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX_CHARS = 64, SHA1_BYTES = 20, MD5_BYTES = 16 };
enum { ED25519_KEY_BYTES = 32, ED25519_SIGNATURE_BYTES = 64 };

/* A run of bytes that somebody else owns. */
struct slice {
    const void *bytes;
    size_t len;
};

void sha256(const void *bytes, size_t len, uint8_t digest[SHA256_BYTES]);

/* Over the parts, one after the other. */
void sha256_parts(const struct slice *parts, size_t count, uint8_t digest[SHA256_BYTES]);
void hmac_sha256(struct slice key, const struct slice *parts, size_t count,
                 uint8_t mac[SHA256_BYTES]);

/* For formats that others chose (one-time codes, some providers' signatures). */
void hmac_sha1(struct slice key, const struct slice *parts, size_t count, uint8_t mac[SHA1_BYTES]);

/* Is `signature` the key owner's over the message (RFC 8032, no context)? */
bool ed25519_verify(const uint8_t key[ED25519_KEY_BYTES], const void *message, size_t len,
                    const uint8_t signature[ED25519_SIGNATURE_BYTES]);

/* Names that others chose (Mailchimp's contacts); nothing that has to be safe. */
void md5(const void *bytes, size_t len, uint8_t digest[MD5_BYTES]);

/* Constant time in the content (not in the length). */
bool digest_same(const void *a, const void *b, size_t len);

/* Writes 2 * len characters and a NUL. */
void hex_encode(const void *bytes, size_t len, char *text);
/* Reads exactly 2 * len hex digits of either case. */
bool hex_decode(const char *text, size_t chars, uint8_t *bytes, size_t len);

/* Writes 4 * ((len + 2) / 3) characters and a NUL. */
void base64_encode(const void *bytes, size_t len, char *text);
/* The same for URLs, without padding (RFC 4648 section 5); `text` needs the room of base64. */
void base64url_encode(const void *bytes, size_t len, char *text);
/* Reads padded base64; *len is the room on entry, the bytes on return. */
bool base64_decode(const char *text, uint8_t *bytes, size_t *len);

/* From the kernel's generator; aborts if there is none. */
void random_bytes(void *bytes, size_t len);
uint64_t random_u64(void);

#endif
