/* inbox.h - what translations of support desks and of mail providers share, beside the reader. Pure.
 *
 * Use        reader_begin(), inbox_name() with the id and the type of the post, then inbox_ticket() or
 *            inbox_bounce() for what it says; a post of neither is recorded and ignored.
 * Promise    A post without an id of its own has one made of its bytes: sent again it is the same, so
 *            that the journal takes it once. */
#ifndef USHER_INBOX_H
#define USHER_INBOX_H

#include "reader.h"

/* Stands in every note of ours: what has it was written by us. */
#define INBOX_MARK "[usher:"
/* And on every ticket that we opened. */
#define INBOX_TAG  "usher"

/* `id` "": made of the type, `object` and the body. Says that nothing follows, so far.
 * FAULT_MALFORMED if the type is none. */
enum fault inbox_name(struct reader *reader, const struct post *post, const char *id,
                      const char *type, const char *object, int64_t at_ms) NODISCARD;

/* A ticket: the fact to be filled in, or NULL, and ignored, if the key is none. */
struct fact *inbox_ticket(struct reader *reader, const char *key, bool open);

/* Mail to one that came back ("hard", "soft"), or that was complained about. */
void inbox_bounce(struct reader *reader, const char *mail, const char *email, const char *status,
                  const char *reason, const char *message_id);

/* A list of tags, of texts or of objects that name one, has ours. */
bool inbox_is_tagged(const struct reader *reader, const char *list, const char *name);
/* The text has the mark of a note of ours. */
bool inbox_is_marked(const struct reader *reader, const char *path);

#endif
