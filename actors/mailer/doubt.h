/* doubt.h - may an earlier attempt of a mail have got through? For providers that take a mail twice
 * when they are asked twice. Pure.
 *
 * Use        doubt_note() behind every answer to a send; doubt_is() before the next one. What is known
 *            is kept with the job (verdict->learned): "sure", the last attempt that was surely
 *            refused, and "doubt_ms", when the first one that was not began.
 * Promise    An attempt that was cut off (a crash) leaves no answer, and counts as one that may have
 *            got through.
 * See        tests/unit/mailer/postmark_test.c, resend_test.c */
#ifndef USHER_DOUBT_H
#define USHER_DOUBT_H

#include "adapter.h"

/* Have all attempts before this one been surely refused? */
bool doubt_is(const struct task *task);

/* When the first doubtful one began, or before; meaningless without a doubt. */
int64_t doubt_since_ms(const struct task *task);

/* `verdict` is what was made of the answer. */
void doubt_note(const struct task *task, const struct answer *answer, struct verdict *verdict);

/* Nothing got through up to and with attempt `attempt`: somebody looked. */
void doubt_ended(int attempt, struct verdict *verdict);

#endif
