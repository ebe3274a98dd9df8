/* dkim_key.h - the keys that sign mail, and what the DNS has to say of them. The one door to OpenSSL
 * for them. In the runtime, because the mailer signs with a key and the tools make and check it.
 *
 * Formats    private keys as PEM (PKCS #8 or the older RSA form, without a password); records as in
 *            RFC 6376 3.6.1: p= is the DER of SubjectPublicKeyInfo for RSA, the 32 bytes of the key
 *            itself for Ed25519 (RFC 8463).
 * Use        dkim_key_read() or dkim_key_make(); dkim_key_sign() signs what dkim.h prepared;
 *            dkim_record() is the TXT record's text, dkim_record_line() the line for a zone file.
 * Promise    Equal bytes give equal signatures: both algorithms are without dice.
 * Ownership  dkim_key_read and dkim_key_make give a key that is the caller's.
 * Faults     CONFIG with plain words in `why`.
 * See        tests/unit/runtime/dkim_key_test.c, actors/mailer/dkim.h */
#ifndef USHER_DKIM_KEY_H
#define USHER_DKIM_KEY_H

#include "buf.h"
#include "digest.h"
#include "fault.h"

#include <stdbool.h>

enum { DKIM_RSA_BITS = 2048, DKIM_RSA_BITS_MIN = 1024, DKIM_RSA_BITS_MAX = 4096 };
enum { DKIM_TEXT_BYTES_MAX = 255 /* of one string of a TXT record */ };

/* X(kind, what settings and files call it, algorithm of RFC 6376 3.3, k= of the record) */
#define DKIM_KINDS(X)                                                                              \
    X(DKIM_RSA, "rsa", "rsa-sha256", "rsa")                                                        \
    X(DKIM_ED25519, "ed25519", "ed25519-sha256", "ed25519")

enum dkim_kind {
#define X(kind, name, algorithm, record) kind,
    DKIM_KINDS(X)
#undef X
        DKIM_KIND_COUNT
};

const char *dkim_kind_name(enum dkim_kind kind);
const char *dkim_algorithm(enum dkim_kind kind);

struct dkim_key;

/* A private key of that kind. A wrong kind, a public key, one with a password, too few or too many
 * bits: said in `why`, without a byte of the key. */
enum fault dkim_key_read(enum dkim_kind kind, const char *pem, struct dkim_key **out,
                         struct buf *why) NODISCARD;
struct dkim_key *dkim_key_make(enum dkim_kind kind);
void dkim_key_destroy(struct dkim_key **key);

enum dkim_kind dkim_key_kind(const struct dkim_key *key);
void dkim_key_pem(const struct dkim_key *key, struct buf *out);

/* Appends the signature's base64. Ed25519 signs the SHA-256 of the bytes, as RFC 8463 wants it. */
void dkim_key_sign(const struct dkim_key *key, struct slice bytes, struct buf *out);

/* Appends "v=DKIM1; k=rsa; p=...": what the DNS has to answer for <selector>._domainkey.<domain>. */
void dkim_record(const struct dkim_key *key, struct buf *out);

/* Appends `name. IN TXT "..." "..."`: strings of at most DKIM_TEXT_BYTES_MAX. */
void dkim_record_line(const char *domain, const char *selector, const char *record,
                      struct buf *out);

/* Does a TXT record's text (its strings joined) publish this key? Blanks and the order of tags do
 * not matter. */
bool dkim_record_fits(const struct dkim_key *key, const char *record);

/* Letters, digits, hyphens; labels of at most 63, separated by dots: a domain or a selector. */
bool dkim_name_good(const char *name);

#endif
