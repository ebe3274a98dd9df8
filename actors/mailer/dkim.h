/* dkim.h - signs a mail, so that receivers can tell that it is ours and unchanged. Pure.
 *
 * Formats    RFC 6376, relaxed/relaxed; rsa-sha256, and ed25519-sha256 of RFC 8463.
 * Use        One dkim_sign() per key, each over the message as mail_build() made it; the fields that
 *            it appends go in front of that message, in any order.
 * Promise    Equal input gives equal bytes. Lines end with CRLF and are at most 78 bytes long.
 * See        tests/unit/mailer/dkim_test.c (the vectors of RFC 8463), tests/fuzz/mailer/dkim.c,
 *            tests/scenario/effects/test_dkim.py (other people's verifiers) */
#ifndef USHER_DKIM_H
#define USHER_DKIM_H

#include "dkim_key.h"

#include <stdint.h>

struct dkim_signer {
    const char *domain;
    const char *selector;
    const struct dkim_key *key;
};

/* Names for h=, in lower case, ended by NULL. One that the message does not have is left out; one
 * that stands here more often than in the message is signed as absent, so that nobody can add it. */
extern const char *const dkim_fields[];

/* Appends one DKIM-Signature field. FAULT_MALFORMED if the message is not header lines, an empty
 * line and a body, all ending with CRLF. */
enum fault dkim_sign(const struct dkim_signer *signer, const char *const *fields,
                     const char *message, int64_t time_s, struct buf *out) NODISCARD;

#endif
