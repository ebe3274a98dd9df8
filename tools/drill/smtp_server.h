/* smtp_server.h - a mail server for a stand-in: takes mails, asks for a login where usher has one,
 * and refuses the address that the stand-in bounces.
 *
 * Format     RFC 5321, RFC 4954 (AUTH PLAIN and LOGIN); no TLS: it is on loopback.
 * Use        smtp_server_open() listens on stand->port (0: a free one, which it sets) and writes
 *            what it took with stand_saw(): {"who": recipient, "id": Message-ID without <>,
 *            "text": it all}.
 * Limits     A few connections, a mail of SMTP_MAIL_BYTES_MAX. Threads: one. */
#ifndef USHER_SMTP_SERVER_H
#define USHER_SMTP_SERVER_H

#include "stand.h"

enum { SMTP_MAIL_BYTES_MAX = 4 << 20, SMTP_LINE_BYTES_MAX = 4096, SMTP_CALLERS_MAX = 32 };

enum fault smtp_server_open(struct stand *stand, struct smtp_server **out) NODISCARD;
void smtp_server_close(struct smtp_server **server);

#endif
