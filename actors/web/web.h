/* web.h - one HTTP/1.1 server on a zloop: the one door to libmicrohttpd.
 *
 * Use        A table of routes and web_open(). A route's handler gets the whole request; it answers
 *            at once (web_answer, web_json, web_problem) or returns without an answer, keeps
 *            web_ticket(), and answers later through web_find(). Who is answered by nobody gets 503
 *            and Retry-After when answer_ms has passed; web_find() then gives NULL. An answer may be
 *            a stream of events that goes on until somebody ends it: web_stream_begin().
 *            405 with Allow, 404, 413, 414, 415 and 431 are the server's own; so is HEAD where
 *            there is a route for GET, and 400 to a path that is not one: bad escapes, a NUL, text
 *            that is not UTF-8, a segment "." or "..".
 * Promise    No client holds more than its share, or for longer than the limits say, however slowly
 *            it sends or reads: a head by head_ms, a body by body_ms and never slower than
 *            body_bytes_s_min, an answer taken by send_ms; a stream's client that takes nothing for
 *            send_ms while there is something, or lets more than stream_bytes_max wait, is gone. A
 *            request that could mean two things (Content-Length twice, or with Transfer-Encoding)
 *            is refused and its connection closed.
 * Ownership  Whatever a request shows lives until it is answered, unless said otherwise. Answers
 *            are copied.
 * Threads    One: everything happens in the loop. SIGPIPE is ignored from web_open() on.
 * Limits     struct web_limits; WEB_LIMITS_USUAL.
 * Faults     web_open: what the socket says (BUSY: the port is taken), CONFIG (not an address).
 * See        tests/unit/web/web_test.c, tests/scenario/webhook/test_door.py */
#ifndef USHER_WEB_H
#define USHER_WEB_H

#include "digest.h"
#include "fault.h"

#include <czmq.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct web;
struct web_request;

typedef void web_handler(void *self, struct web_request *request);

/* A path is matched segment by segment, as it was sent: "%2F" is a slash inside of a segment, and
 * does not end one. A segment of the table in braces, "/jobs/{actor}/{key}", fits any that is not
 * empty; web_param() gives it. Where several fit, a literal segment goes before a parameter, and
 * both go before an asterisk; among equals, the first of the table. */
struct web_route {
    const char *method;     /* "GET", "POST", ...; NULL ends the table */
    const char *path;       /* whole, or ending in a slash and an asterisk: whatever stands below */
    const char *media_type; /* what a body must be; NULL: whatever */
    size_t body_bytes_max;
    web_handler *handle;
};

struct web_limits {
    size_t connections_max;
    size_t connections_per_address_max; /* trusted proxies do not count */
    size_t bodies_bytes_max;            /* of all requests together: past it 503 */
    int head_ms, body_ms, send_ms;
    int idle_ms;   /* between two requests of a connection */
    int answer_ms; /* the handler's time */
    size_t body_bytes_s_min;
    size_t streams_max;      /* at once: past it 503 */
    size_t stream_bytes_max; /* waiting for one client */
};

/* clang-format off */
#define WEB_LIMITS_USUAL                                                                           \
    {.connections_max = 1024, .connections_per_address_max = 64, .bodies_bytes_max = 4 << 20,      \
     .head_ms = 5000, .body_ms = 10000, .send_ms = 10000, .idle_ms = 75000, .answer_ms = 5000,     \
     .body_bytes_s_min = 1024, .streams_max = 64, .stream_bytes_max = 256 << 10}
/* clang-format on */

/* Why the server itself refused something: static words such as "too_large", "slow", "method". */
typedef void web_refused(void *self, const char *path, const char *reason);

struct web_options {
    zloop_t *loop;
    const char *listen;             /* "127.0.0.1:8080", "[::1]:8080", "localhost:0" */
    const struct web_route *routes; /* copied */
    const char *trusted_proxies;    /* "127.0.0.1 10.0.0.0/8": from them X-Forwarded-For counts */
    struct web_limits limits;
    /* name, value, ..., NULL: of every answer, the server's own refusals and streams too (but not
     * the library's 400 and 431). One that an answer names itself is the answer's. Borrowed until
     * web_close; may be NULL. */
    const char *const *headers;
    void *self;                 /* for the handlers and the callbacks */
    web_refused *refused;       /* may be NULL */
    void (*turned)(void *self); /* after each turn of the server: time to send what handlers made */
};

enum fault web_open(const struct web_options *options, struct web **out) NODISCARD;
/* Requests without an answer get 503. Streams end, and their `closed` is called. */
void web_close(struct web **web);

/* Whether a text could be trusted_proxies: for checking settings. */
bool web_are_networks(const char *text);

int web_port(const struct web *web);
size_t web_connections(const struct web *web);

/* --- the request ------------------------------------------------------------------------------ */

const char *web_method(const struct web_request *request);
const char *web_path(const struct web_request *request); /* unescaped, without the query */
/* The segment that stands for {name} in the route's path, unescaped: UTF-8 without NUL, never empty,
 * but slashes and control characters it may have. NULL if the route has no such segment. */
const char *web_param(const struct web_request *request, const char *name);
/* Which row of the routes it is, from 0. */
size_t web_route_index(const struct web_request *request);
/* NULL if it is not there; an argument that is not UTF-8 is not. */
const char *web_query(const struct web_request *request, const char *name);
const char *web_cookie(const struct web_request *request, const char *name);
const char *web_header(const struct web_request *request, const char *name);
/* Fills in at most `room` values of a header and says how many there are. */
size_t web_headers(const struct web_request *request, const char *name, const char **values,
                   size_t room);
struct slice web_body(const struct web_request *request);
/* A field of a body that is application/x-www-form-urlencoded (the route's media_type sees to that);
 * the caller frees it. NULL: not there, there twice, badly escaped, not UTF-8, or with a NUL. */
char *web_form(const struct web_request *request, const char *name) NODISCARD;
/* Whether what the client has is still right: If-None-Match names `etag` (with its quotes), or
 * anything. Then the answer is {.status = 304} with the same ETag and Cache-Control. */
bool web_not_modified(const struct web_request *request, const char *etag);
bool web_accepts_gzip(const struct web_request *request);
/* The client's address: the peer's, or what trusted proxies say it is. */
const char *web_address(const struct web_request *request);

/* --- the answer ------------------------------------------------------------------------------- */

struct web_answer {
    int status;
    const char *media_type; /* NULL: none */
    const void *body;
    size_t len;
    const char *const *headers; /* name, value, ..., NULL; may be NULL */
};

/* Once per request. Nothing of the request may be used afterwards. */
void web_answer(struct web_request *request, const struct web_answer *answer);
void web_json(struct web_request *request, int status, const char *text);
/* {"status":404,"title":"..."} as RFC 9457 has it; Retry-After when it is not 0. */
void web_problem(struct web_request *request, int status, const char *title, int retry_after_s);
/* With {"detail":"..."} for people; NULL: none. Any text: what is not UTF-8 becomes U+FFFD. */
void web_problem_detail(struct web_request *request, int status, const char *title,
                        const char *detail);
/* 200 without a body, with the methods of this path in Allow. */
void web_allow(struct web_request *request);

uint64_t web_ticket(const struct web_request *request);
/* The request if it still waits for an answer. */
struct web_request *web_find(struct web *web, uint64_t ticket);

/* --- server-sent events ----------------------------------------------------------------------- */

struct web_stream;

/* The stream is over, by the client or by web_close(): the last that is heard of it. Comes from the
 * loop, never from within a call of this section. Not for a stream that web_stream_end() took. */
typedef void web_stream_closed(void *self, struct web_stream *stream);

/* Answers with 200 and text/event-stream, and leaves the answer open. NULL when there are
 * streams_max already: the request got 503. Nothing of the request may be used afterwards. */
struct web_stream *web_stream_begin(struct web_request *request, const char *const *headers,
                                    web_stream_closed *closed, void *self) NODISCARD;
/* One event; `name` (no line break in it) may be NULL: "message". Data of several lines arrives as
 * it is, with \n for every line break. False: the stream is over or its client does not read, and
 * `closed` follows. */
bool web_stream_send(struct web_stream *stream, const char *name, const char *data);
/* What a browser ignores: keeps proxies from giving up. */
bool web_stream_comment(struct web_stream *stream, const char *text);
/* What was sent still leaves. Nulls the pointer. */
void web_stream_end(struct web_stream **stream);
size_t web_streams(const struct web *web);

#endif
