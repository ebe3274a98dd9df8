#include "gate.h"

#include "api_keys.h"
#include "clock.h"
#include "http_out.h"
#include "must.h"
#include "people.h"
#include "reply.h"
#include "roles.h"
#include "routes.h"
#include "sessions.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LOCATION_BYTES = 1024 };

const char *gate_cookie_name(const struct console *console)
{
    return console->secure ? "__Host-usher" : "usher";
}

char *gate_cookie(const struct console *console, const char *token)
{
    return must_sprintf("%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", gate_cookie_name(console),
                        token, console->secure ? "; Secure" : "", *token ? "" : "; Max-Age=0");
}

bool gate_same_origin(const char *origin, const char *host, bool secure)
{
    const char *scheme = secure ? "https://" : "http://";
    size_t len = strlen(scheme);
    return origin && host && *host && strncasecmp(origin, scheme, len) == 0 &&
           strcasecmp(origin + len, host) == 0;
}

/* --- who -------------------------------------------------------------------------------------- */

static void by_key(struct visit *visit, const char *token)
{
    struct api_key key;
    if (api_keys_check(visit->console->vault, token, clock_wall_ms(), &key) == OK) {
        visit->identity.kind = IDENTITY_KEY;
        visit->identity.scopes = key.scopes;
        EVENT_SET(visit->identity.name, key.name);
    }
}

static void by_session(struct visit *visit, const char *token)
{
    struct session session;
    if (sessions_check(visit->console->vault, token, clock_wall_ms(), &session) == OK) {
        visit->identity.kind = IDENTITY_PERSON;
        visit->identity.rights = role_rights(session.role);
        EVENT_SET(visit->identity.name, session.person);
        EVENT_SET(visit->identity.session, session.id);
        EVENT_SET(visit->identity.csrf, session.csrf);
    }
}

static void identify(struct visit *visit)
{
    static const char bearer[] = "Bearer ";
    const char *authorization = web_header(visit->request, "Authorization");
    const char *cookie = web_cookie(visit->request, gate_cookie_name(visit->console));
    if (authorization && strncasecmp(authorization, bearer, sizeof bearer - 1) == 0) {
        by_key(visit, authorization + sizeof bearer - 1);
    } else if (!authorization && cookie) {
        by_session(visit, cookie);
    }
}

/* --- may they --------------------------------------------------------------------------------- */

/* Where they wanted to go, for after the sign-in: a path of ours. */
static void ask_to_sign_in(const struct visit *visit)
{
    char location[LOCATION_BYTES];
    const char *path = web_path(visit->request);
    if (routes_is_api(visit->row) || strcmp(visit->row->method, "GET") != 0 ||
        strncmp(path, "/assets/", 8) == 0) {
        reply_problem(visit, 401, "sign in first", NULL);
        return;
    }
    struct buf escaped = {0};
    call_escape(&escaped, path);
    int len = snprintf(location, sizeof location, "/login?next=%s", buf_text(&escaped));
    buf_fini(&escaped);
    reply_redirect(visit, len < LOCATION_BYTES ? location : "/login", NULL);
}

/* A name that somebody else's DNS leads to us is not ours: only what people reach us by, or the machine's
 * own names where nothing is said. */
static bool is_our_host(const struct console *console, const char *host)
{
    const char *own = strstr(console->url, "://") + 3;
    const char *port = strrchr(own, ':');
    size_t len = strcspn(host ? host : "", ":");
    bool loopback = !console->secure && host && port && strcmp(host + len, port) == 0 &&
                    (strncmp(host, "localhost", len) == 0 || strncmp(host, "127.0.0.1", len) == 0);
    return host && (strcasecmp(host, own) == 0 || loopback);
}

/* A page of somebody else's may send what a browser lets it, but neither our token nor our origin. */
static bool was_meant(const struct visit *visit)
{
    const char *origin = web_header(visit->request, "Origin");
    const char *host = web_header(visit->request, "Host");
    if (!is_our_host(visit->console, host) ||
        !gate_same_origin(origin, host, visit->console->secure)) {
        return false;
    }
    if (!routes_is_api(visit->row)) {
        return true; /* a form: SameSite=Strict and the origin */
    }
    const char *token = web_header(visit->request, "X-Usher-CSRF");
    const char *wanted = visit->identity.csrf;
    return token && *wanted && strlen(token) == strlen(wanted) &&
           digest_same(token, wanted, strlen(wanted));
}

static bool read_body(struct visit *visit)
{
    struct slice body = web_body(visit->request);
    if (!routes_is_act(visit->row) || !routes_is_api(visit->row)) {
        return true;
    }
    visit->body = json_loadb(body.len ? body.bytes : "{}", body.len ? body.len : 2,
                             JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(visit->body);
}

void gate_enter(void *self, struct web_request *request)
{
    struct console *console = self;
    struct visit visit = {
        .console = console, .request = request, .row = routes_nth(web_route_index(request))};
    console->requests++;
    identify(&visit);
    switch (routes_verdict(visit.row, &visit.identity)) {
    case ROUTE_SIGN_IN:
        ask_to_sign_in(&visit);
        return;
    case ROUTE_FORBIDDEN:
        reply_problem(&visit, 403, "that is not yours to do", NULL);
        return;
    case ROUTE_OPEN:
        break;
    }
    if (strcmp(visit.row->method, "GET") != 0 && !was_meant(&visit)) {
        reply_problem(&visit, 403, "that did not come from our own pages",
                      "Load the page again and repeat it.");
    } else if (!read_body(&visit)) {
        reply_problem(&visit, 400, "expected a JSON object", NULL);
    } else {
        visit.row->handle(&visit);
    }
    json_decref(visit.body);
}
