/* certificate.h - a signature under a certificate: the one door to OpenSSL for X.509. Pure.
 *
 * Use        certificate_signed() with the PEM, one of the names that it has to bear, the time, the
 *            parts that were signed and the signature's bytes.
 * Promise    An expired certificate, one that is not yet valid, of another name, or with an RSA key of
 *            less than CERTIFICATE_KEY_BITS_MIN signs nothing. Who issued it is not looked at: whoever
 *            fetches it has to know its host (TLS), since such documents come without their chain.
 * See        tests/unit/webhook/certificate_test.c, tests/fuzz/webhook/certificate.c */
#ifndef USHER_CERTIFICATE_H
#define USHER_CERTIFICATE_H

#include "digest.h"

enum { CERTIFICATE_KEY_BITS_MIN = 2048, CERTIFICATE_NAMES_MAX = 3 };

enum certificate_digest { CERTIFICATE_SHA1, CERTIFICATE_SHA256 };

struct certificate_wanted {
    const char *names[CERTIFICATE_NAMES_MAX]; /* any one of them; ends with NULL or is full */
    int64_t now_s;
    enum certificate_digest digest;
};

bool certificate_signed(struct slice pem, const struct certificate_wanted *wanted,
                        const struct slice *parts, size_t count, struct slice signature);

#endif
