/* signing.h - the home's DKIM settings: which keys sign a mail.
 *
 * Use        signing_open() at start and for --check; signing_add() puts one DKIM-Signature for
 *            each key in front of a message. Without mailer/dkim/domain there is nothing to sign with.
 * Promise    A key that cannot be read, or does not fit, is refused at --check, never with a mail.
 * Ownership  signing_close() frees the keys.
 * Faults     CONFIG with one line per mistake in `why`.
 * See        dkim.h, `usher dkim` */
#ifndef USHER_SIGNING_H
#define USHER_SIGNING_H

#include "dkim.h"
#include "settings.h"

struct signing;

extern const struct setting signing_settings[];

/* `from` is the address that mails come from: its domain has to be the signature's, or DMARC would
 * not count it. */
enum fault signing_open(const struct settings *settings, const char *from, struct signing **out,
                        struct buf *why) NODISCARD;
void signing_close(struct signing **signing);

/* Appends the signed message: signatures, then `message`. FAULT_MALFORMED. */
enum fault signing_add(const struct signing *signing, const char *message, int64_t time_ms,
                       struct buf *out) NODISCARD;

#endif
