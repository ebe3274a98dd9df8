/* forms.h - the few pages that are plain HTML, with values put in.
 *
 *   {{name}}              the value, escaped for HTML
 *   {{#name}}...{{/name}} stays only where there is a value; sections do not nest
 *
 * Use        forms_fill() of an embedded page. Pure. A name without a value is empty. */
#ifndef USHER_FORMS_H
#define USHER_FORMS_H

#include "buf.h"

#include <jansson.h>

void forms_fill(const char *page, size_t len, const json_t *values, struct buf *out);

/* Appends the text as HTML has it. */
void forms_escape(const char *text, struct buf *out);

#endif
