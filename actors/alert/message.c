#include "message.h"

#include "values.h"

#include <string.h>

void message_plain(struct buf *out, char byte)
{
    buf_add(out, &byte, 1);
}

static void add_escaped(const char *text, message_byte *escape, struct buf *out)
{
    for (; *text; text++) {
        escape(out, *text);
    }
}

bool message_is(const json_t *payload, const char *state)
{
    return strcmp(tree_text(payload, "state"), state) == 0;
}

void message_words(const json_t *payload, message_byte *escape, struct buf *out)
{
    const char *todo = tree_text(payload, "todo"), *link = tree_text(payload, "link");
    bool cleared = message_is(payload, "cleared");
    buf_add_text(out, cleared ? "Over: " : "");
    add_escaped(tree_text(payload, "text"), escape, out);
    if (*todo && !cleared) {
        buf_add_text(out, "\nWhat to do: ");
        add_escaped(todo, escape, out);
    }
    if (*link && !cleared) {
        buf_printf(out, "\n%s", link);
    }
}
