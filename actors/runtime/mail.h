/* mail.h - builds one mail: headers and body as the standards want them.
 *
 * Formats    RFC 5322 (message), 2047 (words that are not ASCII), 2045 quoted-printable, 2046
 *            multipart/alternative. Lines end with CRLF and are at most 76 characters long (a
 *            single long address may make a header longer).
 * Promise    Pure, and equal input gives equal bytes. Nothing in a value can start a header, end the
 *            headers or add a recipient: CR, LF, NUL and other controls in a header value, text that
 *            is not UTF-8 and addresses that are not plain are refused with FAULT_MALFORMED.
 * See        tests/unit/runtime/mail_test.c */
#ifndef USHER_MAIL_H
#define USHER_MAIL_H

#include "buf.h"
#include "fault.h"

#include <stdbool.h>
#include <stdint.h>

enum { MAIL_ADDRESS_BYTES_MAX = 254, MAIL_SUBJECT_BYTES_MAX = 500, MAIL_BYTES_MAX = 512 * 1024 };

#define MAIL_AUTO_SUBMITTED "auto-generated" /* RFC 3834: no robot should answer it */

struct mail {
    const char *from_name; /* may be "" */
    const char *from;
    const char *to_name;
    const char *to;
    const char *subject;
    const char *message_id; /* without <> */
    int64_t date_ms;
    const char *text;
    const char *html;        /* NULL: plain text only */
    const char *unsubscribe; /* the URL of RFC 8058's two fields; NULL: none */
};

/* The value that makes such a URL one of one click. */
#define MAIL_ONE_CLICK "List-Unsubscribe=One-Click"

/* Appends the message. FAULT_MALFORMED, FAULT_TOO_LARGE. */
enum fault mail_build(const struct mail *mail, struct buf *out) NODISCARD;

/* A plain address: one @, ASCII, nothing that needs quoting. */
bool mail_address_good(const char *address);

/* "Community <hello@example.com>" or "hello@example.com", into name and address. */
bool mail_split(const char *text, char *name, size_t name_room, char *address, size_t address_room);

/* Appends "Name" <address> as UTF-8, for APIs that encode it themselves. The name is one that
 * mail_build() takes. */
void mail_mailbox(const char *name, const char *address, struct buf *out);

#endif
