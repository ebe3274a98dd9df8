/* records.h - what SPF, DKIM and DMARC records say. Pure: text in, judgement out.
 *
 * Formats    SPF RFC 7208, DKIM keys RFC 6376 section 3.6.1, DMARC RFC 7489 section 6.3.
 * Promise    Any text is an answer, none a fault: a record comes from whoever owns the domain.
 * Limits     SPF is judged by the record alone: mechanisms that need look-ups (a, mx, include, ...)
 *            are SPF_UNDECIDED unless the answer is clear without them. The organisation of a name
 *            is its last two labels, or three below names such as co.uk: a guess, without
 *            the public suffix list.
 * See        tests/unit/doctor/records_test.c, tests/fuzz/doctor/records.c */
#ifndef USHER_RECORDS_H
#define USHER_RECORDS_H

#include "buf.h"

#include <stdbool.h>

/* --- SPF -------------------------------------------------------------------------------------- */

enum spf_verdict {
    SPF_NAMES,     /* the server may send */
    SPF_REFUSES,   /* the record speaks of all servers, and this one is not among the good */
    SPF_UNDECIDED, /* would need look-ups */
    SPF_BROKEN     /* no receiver can read it */
};

bool spf_is(const char *text);

/* What is known of the server that mail leaves from; "" for what is not. */
struct spf_server {
    const char *address;
    const char *host;
    const char *include; /* the domain that the mail provider asks to be included */
};

/* May it send? */
enum spf_verdict spf_judge(const char *record, const struct spf_server *server);

/* Does the record name no server at all ("v=spf1 -all")? */
bool spf_names_nobody(const char *record);

/* The record with `mechanism` added in front, or a new one when `record` is NULL. */
void spf_add(const char *record, const char *mechanism, struct buf *out);

/* --- tag lists (DKIM, DMARC): "v=DKIM1; k=rsa; p=..." ----------------------------------------- */

/* The value of a tag without white space; false when it is not there. */
bool tag_value(const char *record, const char *tag, struct buf *out);

bool dkim_is(const char *text); /* might be a key record: has a p= */
bool dmarc_is(const char *text);

/* --- names ------------------------------------------------------------------------------------ */

/* Where the organisation's name begins in a domain: "example.com" in "mail.example.com". */
const char *organisation_of(const char *domain);
/* DMARC's alignment; strict: the same name. */
bool domains_aligned(const char *a, const char *b, bool strict);

/* The domain of "Name <user@Example.com>", in lower case; false when there is none. */
bool domain_of_sender(const char *from, struct buf *out);

#endif
