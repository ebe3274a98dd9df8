#include "inbox.h"

#include <stdio.h>
#include <string.h>

enum { MADE_TYPE_CHARS_MAX = 80, MADE_OBJECT_CHARS_MAX = 60, HASH_HEX_CHARS = 32 };

static const char *made_id(const struct reader *reader, const struct post *post, const char *type,
                           const char *object)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    struct translation *out = reader->out;
    sha256(post->body.bytes, post->body.len, digest);
    hex_encode(digest, sizeof digest, hex);
    snprintf(out->id_room, sizeof out->id_room, "%.*s:%s:%.*s", MADE_TYPE_CHARS_MAX, type,
             is_name(object, MADE_OBJECT_CHARS_MAX) ? object : "-", HASH_HEX_CHARS, hex);
    return out->id_room;
}

enum fault inbox_name(struct reader *reader, const struct post *post, const char *id,
                      const char *type, const char *object, int64_t at_ms)
{
    id = *id ? id : made_id(reader, post, type, object);
    reader_ignore(reader, "a type that has no meaning here");
    return reader_name(reader, id, type, at_ms);
}

/* reader_conclude() without a thought of products: there are none in a ticket. */
static struct fact *add(struct reader *reader, enum fact_kind kind, const char *key,
                        const char *status, const char *type)
{
    struct translation *out = reader->out;
    struct fact *fact = add_fact(reader, kind, key);
    if (fact) {
        fact->status = status;
        out->type = type;
        out->ignored = "";
    } else if (out->fact_count == 0) {
        reader_ignore(reader, "names no object that it could be about");
    }
    return fact;
}

struct fact *inbox_ticket(struct reader *reader, const char *key, bool open)
{
    return add(reader, FACT_TICKET, key, open ? "open" : "closed",
               open ? "ticket.opened" : "ticket.closed");
}

void inbox_bounce(struct reader *reader, const char *mail, const char *email, const char *status,
                  const char *reason, const char *message_id)
{
    email = usable_id(email);
    bool complaint = strcmp(status, "complaint") == 0;
    struct fact *fact = add(reader, FACT_BOUNCE, strchr(email, '@') ? mail : "", status,
                            complaint ? "mail.complained" : "mail.bounced");
    if (fact) {
        fact->email = email;
        fact->reason = reason;
        fact->object = message_id;
    }
}

bool inbox_is_tagged(const struct reader *reader, const char *list, const char *name)
{
    const struct tape *tape = reader->tape;
    uint32_t tags = tape_path(tape, reader->object, list);
    for (uint32_t at = tape_first(tape, tags); at; at = tape_next(tape, tags, at)) {
        bool object = tape_kind(tape, at) == TAPE_OBJECT;
        if (strcmp(tape_text(tape, object ? tape_get(tape, at, name) : at), INBOX_TAG) == 0) {
            return true;
        }
    }
    return false;
}

bool inbox_is_marked(const struct reader *reader, const char *path)
{
    const char *text = tape_text(reader->tape, tape_path(reader->tape, reader->object, path));
    return strstr(text, INBOX_MARK) != NULL;
}
