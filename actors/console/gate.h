/* gate.h - a request until its handler: who it is, whether they may, and whether it was meant.
 *
 * Use        gate_enter is the web server's handler of every route.
 * Promise    A handler is called only when the route table lets this visitor in, and an act only with
 *            the session's CSRF token, from our own pages (Origin), with a JSON object of a bounded
 *            size. Who is refused learns the status and nothing else. */
#ifndef USHER_GATE_H
#define USHER_GATE_H

#include "console.h"

void gate_enter(void *console, struct web_request *request);

/* The cookie that carries a session: "__Host-usher" by https, "usher" on loopback without. */
const char *gate_cookie_name(const struct console *console);
/* Set-Cookie for it; an empty token ends it. The caller's. */
char *gate_cookie(const struct console *console, const char *token);

/* Is this the origin that the console has, as a browser says it? Pure. */
bool gate_same_origin(const char *origin, const char *host, bool secure);

#endif
