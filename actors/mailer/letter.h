/* letter.h - one mail: from a template and a member to what an adapter sees.
 *
 * Use        letterhead_open() at start: what all mails of a home share; letter_write() for each.
 * Promise    The same job gives the same bytes at every attempt, as long as words, member and keys
 *            are the same: the mark, Message-ID, Date and signature come from the job alone. A name
 *            that could not stand in a header is left out, the mail goes.
 * Ownership  letterhead_close() frees what the head holds.
 * See        mailer.h (the payload), template.h, signing.h, unsubscribe.h */
#ifndef USHER_LETTER_H
#define USHER_LETTER_H

#include "jobs.h"
#include "mail.h"
#include "signing.h"
#include "template.h"
#include "unsubscribe.h"

struct letterhead {
    char from_name[200];
    char from[MAIL_ADDRESS_BYTES_MAX + 1];
    const char *link;
    char *site; /* where unsubscribe links lead; "": nowhere */
    struct unsubscribe_key key;
    struct signing *signing;
};

extern const struct setting letter_settings[];

/* With `check_only` no key is made. CONFIG with a line for each mistake in `why`. */
enum fault letterhead_open(const struct settings *settings, bool check_only,
                           struct letterhead *head, struct buf *why) NODISCARD;
void letterhead_close(struct letterhead *head);

/* The payload of mailer.h, a new tree; NULL with *fault. A template that is not transactional needs
 * head->site. */
json_t *letter_write(const struct letterhead *head, const struct template *template,
                     const struct jobs_view *view, const char *to, enum fault *fault);

#endif
