/* setting_value.h - one value of usher.cfg: from what stands in the file to what it means.
 *
 * Use        In settings.c, and where a default depends on another setting. */
#ifndef USHER_SETTING_VALUE_H
#define USHER_SETTING_VALUE_H

#include "settings.h"

/* NULL if `text` is what the row wants, with *number set for kinds that have one; else what was
 * expected. */
const char *setting_parse(const struct setting *row, const char *text, int64_t *number);

/* Follows "env:NAME" and "file:PATH"; *text is the caller's, "" with a fault. */
enum fault setting_resolve(const char *home, const char *raw, char **text) NODISCARD;

#endif
