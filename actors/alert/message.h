/* message.h - what a hook tells people, in words. Pure.
 *
 * Use        message_words() for a place that shows text; what such a place takes for markup is named
 *            by the provider. A task's payload is
 *                {"rule", "object", "state": "raised" | "cleared" | "notice" | "test", "text",
 *                 "todo", "link", "member", "time": ms} */
#ifndef USHER_MESSAGE_H
#define USHER_MESSAGE_H

#include "buf.h"

#include <jansson.h>
#include <stdbool.h>

/* Writes one byte of other people's text so that it is no markup. */
typedef void message_byte(struct buf *out, char byte);
void message_plain(struct buf *out, char byte);

/* "Over: ..." when it is; else what is wrong, what to do and where, a line each. */
void message_words(const json_t *payload, message_byte *escape, struct buf *out);

bool message_is(const json_t *payload, const char *state);

#endif
