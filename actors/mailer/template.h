/* template.h - the words of a mail, which a founder can edit.
 *
 *   HOME/templates/<kind>.txt     Subject: Welcome, {{name|friend}}
 *                                 Transactional: no            (this line may be left out)
 *                                 (an empty line)
 *                                 plain text with {{variables}}
 *   HOME/templates/<kind>.html    the same as HTML; optional, values are escaped
 *
 * {{name}} is replaced by the value, {{name|words}} by the words where there is no value.
 * {{#name}}...{{/name}} stays only where there is a value; on a line of its own, either of the two
 * takes the line along. Sections do not nest, and one ends in the part where it began. Without
 * files of its own a kind has the embedded words. A .txt without .html makes a plain mail.
 *
 * A mail is transactional when it answers something that the person did: a payment, a cancellation.
 * One that is not (news, an offer to come back) says so with "Transactional: no"; it carries a way to
 * unsubscribe with one click, {{unsubscribe}} in its text too, and does not go to who did.
 *
 * Use        template_parse() for one pair of files (pure); template_render(). A mistake is told
 *            with file and line. template_variables names what may be used.
 * Ownership  A template owns copies of its texts. */
#ifndef USHER_TEMPLATE_H
#define USHER_TEMPLATE_H

#include "buf.h"
#include "fault.h"

#include <jansson.h>
#include <stdbool.h>

enum { TEMPLATE_BYTES_MAX = 64 * 1024, TEMPLATE_RENDERED_BYTES_MAX = 100 * 1024 };

struct template
{
    char *subject;
    char *text;
    char *html; /* NULL: plain text only */
    bool transactional;
};

/* Names that may stand between {{ and }}; ends with NULL. */
extern const char *const template_variables[];

/* `html` may be NULL. FAULT_CONFIG with one line per mistake in `why`: "<name>.txt:3: ..." */
enum fault template_parse(const char *name, const char *text, size_t text_len, const char *html,
                          size_t html_len, struct template *out, struct buf *why) NODISCARD;
void template_fini(struct template *template);

enum template_part { TEMPLATE_SUBJECT, TEMPLATE_TEXT, TEMPLATE_HTML };

/* Appends the part with `values` (an object of texts) put in. In a subject, controls of a value
 * become blanks; in HTML it is escaped. FAULT_TOO_LARGE. */
enum fault template_render(const struct template *template, enum template_part part,
                           const json_t *values, struct buf *out) NODISCARD;

/* The embedded ones. NULL if there is none of that name; *html may be NULL. */
const char *template_embedded(const char *name, const char **html);
/* 0, 1, 2, ... until NULL. */
const char *template_embedded_name(size_t n);

#endif
