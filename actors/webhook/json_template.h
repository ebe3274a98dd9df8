/* json_template.h - texts with places in a body: "order_{data.id}".
 *
 * Use        json_template_wrong() once, when the text is read; json_template_text() per body.
 * Format     Text as it is, and insertions: {path} or {path|path|...}, of which the first that
 *            shows something counts. A path begins at the body's root:
 *              data.customer.email     members of members
 *              data.items[0].id        an element, from 0
 *              data.emails[id=data.primary_id].address
 *                                      the first element whose member shows the same
 *              data.metadata.$user     the app's own user id in it, by the source's setting
 *            Text, whole numbers and true or false show as they are; anything else shows nothing.
 *            A text with insertions of which none shows anything is "". Blanks at its ends go.
 * Ownership  As in reader.h: what is not borrowed from the tape lies in the translation's room.
 * Limits     JSON_TEMPLATE_CHARS_MAX characters shown, JSON_TEMPLATE_NAME_CHARS_MAX for a name. */
#ifndef USHER_JSON_TEMPLATE_H
#define USHER_JSON_TEMPLATE_H

#include "reader.h"

enum { JSON_TEMPLATE_CHARS_MAX = 511, JSON_TEMPLATE_NAME_CHARS_MAX = 63 };

/* What is wrong with it; NULL if nothing is. */
const char *json_template_wrong(const char *text);

/* The text must not be wrong. */
const char *json_template_text(const struct reader *reader, const char *text);

#endif
