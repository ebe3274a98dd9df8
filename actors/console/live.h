/* live.h - pages that follow as it happens, by server-sent events.
 *
 * Use        live_open is a handler; live_line() for each thing that happened, live_tick()
 *            now and then: when the state of the whole has changed, pages are told.
 * Promise    A page that does not read is let go (web.h); nothing of it is kept. Lines are masked for
 *            who may not see names. A session that ended, or whose
 *            person has another role by now, ends its pages at the next tick.
 * Threads    One. */
#ifndef USHER_LIVE_H
#define USHER_LIVE_H

#include "console.h"

enum { LIVE_COMMENT_MS = 15000, LIVE_STATE_MS = 2000 };

struct live;

struct live *live_new(struct console *console);
void live_destroy(struct live **live);

void live_line(struct live *live, const json_t *line);
/* The broker came or went. */
void live_state_changed(struct live *live);
void live_tick(struct live *live, int64_t now_ms);
size_t live_pages(const struct live *live);

#endif
