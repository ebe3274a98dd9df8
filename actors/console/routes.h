/* routes.h - the route table, asked. Pure.
 *
 * Use        routes_nth() for listings, documents and tests; routes_verdict() decides.
 * Promise    Deny by default: what the table does not say is refused. */
#ifndef USHER_ROUTES_H
#define USHER_ROUTES_H

#include "console.h"

struct route_row {
    const char *method;
    const char *path;
    unsigned right; /* of roles_table.h; 0: anyone */
    unsigned scope; /* of scopes_table.h; 0: not with a key; ROUTES_ANY_SCOPE: with any */
    bool masked;
    visit_handler *handle;
    const char *answer; /* schema, or "" */
    const char *summary;
};

enum { ROUTES_ANY_SCOPE = 1 << 30 };

enum verdict_of_route {
    ROUTE_OPEN,     /* come in */
    ROUTE_SIGN_IN,  /* nobody is signed in: 401, or the form */
    ROUTE_FORBIDDEN /* signed in, and may not: 403 */
};

/* 0, 1, 2, ... until NULL, in the order of the table. */
const struct route_row *routes_nth(size_t n);

enum verdict_of_route routes_verdict(const struct route_row *row, const struct identity *identity);

/* Something that changes what is: needs the token against forged requests. */
bool routes_is_act(const struct route_row *row);
/* Answers JSON and problems instead of pages and redirects. */
bool routes_is_api(const struct route_row *row);

/* Routes for the web server, in the same order; each calls `enter`. The caller's to free. */
struct web_route *routes_for_web(web_handler *enter);

#endif
