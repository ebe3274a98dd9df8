/* mailer.h - mails to members: one per key, from templates that a founder can edit.
 *
 * Use        An adapter is one file in providers/, found by the build. Its task's payload is
 *                {"from": address, "to": address, "id": the Message-ID without <>,
 *                 "mark": the hash of the job's key, also the Message-ID's first part: what a
 *                 provider is told to know the mail by,
 *                 "message": the whole mail, CRLF line ends, signed (DKIM),
 *                 the same in parts, for APIs that build and sign it themselves:
 *                 "sender", "receiver": with their names, "subject", "text", "html" (may be
 *                 absent), "headers": {name: value} beyond those}
 * Promise    The Message-ID comes from the job's key: the same over all attempts. A mail that
 *            SMTP may or may not have taken becomes uncertain and is not sent again by itself;
 *            Resend and Postmark can be asked, which closes that window (providers/).
 *            Who unsubscribed gets no mail of a template that is not transactional (template.h).
 *            An address whose mail bounced for good, or whose owner complained, gets no more mail:
 *            such jobs are skipped. A person who has one sent once more opens it again. */
#ifndef USHER_MAILER_H
#define USHER_MAILER_H

#include "jobs.h"

enum { MAILER_TABLE_SUPPRESSED = JOBS_TABLES, MAILER_TABLE_UNSUBSCRIBED };

extern const struct actor_class mailer_actor;

#endif
