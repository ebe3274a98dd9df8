/* signature.h - is this body signed with one of our secrets, just now? What the schemes share.
 *
 * Use        signature_check() for a header that lists a time and HMACs in hex over both (Stripe,
 *            Paddle); signature_check_body() for a header that is the HMAC in hex over the body
 *            alone (Lemon Squeezy). Pure. A provider's file says which, with which words.
 * Formats    "<time>=<unix seconds><between><digest>=<64 hex>[<between><digest>=...]": HMAC-SHA256
 *            over time, joint and body. The key is a secret's whole text, nothing is decoded. Any
 *            digest under any secret is enough (rotation at either end); other names are ignored.
 * Promise    Every secret is tried on every digest, in constant time: the time taken says nothing
 *            about which one was nearly right.
 * Limits     SIGNATURE_SECRETS_MAX secrets (more are ignored), SIGNATURE_DIGESTS_MAX digests,
 *            SIGNATURE_HEADER_CHARS_MAX characters. */
#ifndef USHER_SIGNATURE_H
#define USHER_SIGNATURE_H

#include "digest.h"
#include "provider.h"

enum { SIGNATURE_SECRETS_MAX = 8, SIGNATURE_DIGESTS_MAX = 8, SIGNATURE_HEADER_CHARS_MAX = 2048 };

struct signature_scheme {
    char between;       /* the parts of the header */
    const char *time;   /* what the time is called */
    const char *digest; /* what the digests are called */
    const char *joint;  /* stands between time and body in what is signed */
};

/* `secrets` is one secret a line; blanks around a line and empty lines do not count. `tolerance_s`
 * holds both ways: too old and too far in the future. */
enum verdict signature_check(const struct signature_scheme *scheme, const char *header,
                             struct slice body, const char *secrets, int64_t now_s,
                             int64_t tolerance_s);

/* The same for schemes whose header is read elsewhere: is that digest the MAC of the parts? */
bool signature_is_sha256(const char *secrets, const struct slice *parts, size_t count,
                         const uint8_t wanted[SHA256_BYTES]);
bool signature_is_sha1(const char *secrets, const struct slice *parts, size_t count,
                       const uint8_t wanted[SHA1_BYTES]);
/* Is the text itself one of the secrets? For providers that send one as it is. */
bool signature_is_secret(const char *secrets, struct slice text);
/* How far a time may be from now. */
enum verdict signature_age(int64_t signed_s, int64_t now_s, int64_t tolerance_s);

/* There is no time in this one: whoever repeats a post is told apart by the event's id alone. */
enum verdict signature_check_body(const char *header, struct slice body, const char *secrets);

#endif
