#include "routes.h"

#include "handlers.h"
#include "must.h"
#include "roles.h"
#include "api_keys.h"

#include <string.h>

enum { FORM_BYTES_MAX = 4096, ACT_BYTES_MAX = 32 * 1024 };

/* Words of the table. */
enum { RIGHT_ANYONE = 0, SCOPE_NO_KEY = 0, SCOPE_ANY_KEY = ROUTES_ANY_SCOPE };
enum { MASKED = 1, WHOLE = 0 };

static const struct route_row rows[] = {
#define X(method, path, right, scope, privacy, handler, answer, summary)                           \
    {#method, path, RIGHT_##right, SCOPE_##scope, privacy, handler, answer, summary},
#include "route_table.h"
#undef X
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

const struct route_row *routes_nth(size_t n)
{
    return n < ROW_COUNT ? &rows[n] : NULL;
}

enum verdict_of_route routes_verdict(const struct route_row *row, const struct identity *identity)
{
    if (row->right == RIGHT_ANYONE) {
        return ROUTE_OPEN;
    }
    switch (identity->kind) {
    case IDENTITY_PERSON:
        return (identity->rights & row->right) == row->right ? ROUTE_OPEN : ROUTE_FORBIDDEN;
    case IDENTITY_KEY: {
        bool fits = row->scope == ROUTES_ANY_SCOPE || (row->scope & identity->scopes);
        return row->scope != SCOPE_NO_KEY && fits && !routes_is_act(row) ? ROUTE_OPEN
                                                                         : ROUTE_FORBIDDEN;
    }
    default:
        return ROUTE_SIGN_IN;
    }
}

bool routes_is_act(const struct route_row *row)
{
    return strcmp(row->method, "GET") != 0 && row->right != RIGHT_ANYONE;
}

bool routes_is_api(const struct route_row *row)
{
    return strncmp(row->path, "/api/", 5) == 0 || strcmp(row->path, "/metrics") == 0;
}

struct web_route *routes_for_web(web_handler *enter)
{
    struct web_route *routes = must_calloc(ROW_COUNT + 1, sizeof *routes);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct route_row *row = &rows[i];
        bool body = strcmp(row->method, "GET") != 0;
        routes[i] = (struct web_route){.method = row->method, .path = row->path, .handle = enter};
        if (body && routes_is_api(row)) {
            routes[i].media_type = "application/json";
            routes[i].body_bytes_max = ACT_BYTES_MAX;
        } else if (body) {
            routes[i].media_type = "application/x-www-form-urlencoded";
            routes[i].body_bytes_max = FORM_BYTES_MAX;
        }
    }
    return routes;
}
