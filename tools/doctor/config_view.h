/* config_view.h - usher.cfg as it stands, whoever's the sections are and whether they are right or
 * not: settings_load() looks at one program's and refuses mistakes.
 *
 * Use        config_view_open(); config_text() for one value, from the top or from a section;
 *            config_section() for the n-th of a repeated section; config_each() for all values.
 * Ownership  Texts live as long as the view; secrets among them are wiped with it. */
#ifndef USHER_CONFIG_VIEW_H
#define USHER_CONFIG_VIEW_H

#include "zpl.h"

struct config_view;

/* Never NULL: a file that is not there or is not ZPL is an empty one. Sections are lines of it. */
struct config_view *config_view_open(const char *home);
void config_view_close(struct config_view **out);

/* The resolved value ("env:", "file:"), `fallback` resolved when it is not set, "" when it cannot
 * be resolved. ZPL_TOP: from the top. */
const char *config_text(struct config_view *view, size_t section, const char *path,
                        const char *fallback);
/* First line of a value that may have several. */
const char *config_line(struct config_view *view, size_t section, const char *path,
                        const char *fallback);
/* As it stands in the file; "" when it is not set. */
const char *config_raw(const struct config_view *view, size_t section, const char *path);

/* The n-th section of that path, from 0; ZPL_NONE behind the last. */
size_t config_section(const struct config_view *view, const char *path, size_t n);

/* Every value that is set, with its whole path and the number of its line. */
typedef void config_seen(void *self, const char *path, const char *raw, int line);
void config_each(const struct config_view *view, config_seen *seen, void *self);

#endif
