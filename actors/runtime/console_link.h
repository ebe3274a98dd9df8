/* console_link.h - where people look something up: links into the console.
 *
 * Use        console_base() once, console_link() for each link.
 * Promise    The base is console/url of usher.cfg, else where the console listens. An object is
 *            percent-encoded, so that a link is one whatever ids hold. */
#ifndef USHER_CONSOLE_LINK_H
#define USHER_CONSOLE_LINK_H

#include "buf.h"

/* Without a slash at the end; a new text. */
char *console_base(const char *home);

/* Appends "<base>/<page>", and "/<object>" where there is one. */
void console_link(const char *base, const char *page, const char *object, struct buf *out);

#endif
