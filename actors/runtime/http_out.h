/* http_out.h - calls to the outside: the one door to libcurl, HTTP and SMTP.
 *
 * Use        http_out_new() on a loop; fill a struct call; http_out_start(); `done` comes from the
 *            loop exactly once per call, unless http_out_destroy comes first.
 * Promise    https only (and for mail STARTTLS or smtps), except to loopback or where the caller
 *            says `plain`. No redirects are followed, no proxy of the environment is used, an
 *            answer is at most HTTP_ANSWER_BYTES_MAX, a call ends within its time-out. Header
 *            values with CR, LF or NUL never leave.
 *            A mail with `hold` stops after its last byte was handed over and before the final dot
 *            leaves: `held` is called, and the mail goes on with http_out_release().
 * Ownership  http_out_start copies what it needs. The answer is borrowed until `done` returns.
 * Threads    One. Callbacks come from the loop, never from http_out_start.
 * Limits     HTTP_CALLS_MAX at once; http_out_start beyond is FAULT_FULL. */
#ifndef USHER_HTTP_OUT_H
#define USHER_HTTP_OUT_H

#include "buf.h"
#include "fault.h"

#include <czmq.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    HTTP_CALLS_MAX = 64,
    HTTP_ANSWER_BYTES_MAX = 1 << 20,
    HTTP_HEADERS_BYTES_MAX = 16384,
    HTTP_TIMEOUT_MS = 10000,
    HTTP_RETRY_AFTER_MS_MAX = 24 * 3600 * 1000
};

/* What to send. Zero-initialise, fill, call_fini(). */
struct call {
    const char *method; /* "GET", "POST", "PUT", "PATCH"; "MAIL" for SMTP, "NOOP": log in only */
    struct buf url;
    struct buf headers; /* by call_header() */
    struct buf body;    /* or the whole message of a mail, CRLF line ends */
    struct buf from;    /* MAIL: envelope addresses, without <> */
    struct buf to;
    struct buf user; /* Basic authentication, or SMTP AUTH; empty: none */
    struct buf password;
    struct buf ca;   /* file with certificates to trust instead of the system's; empty: none */
    bool plain;      /* allow http: or smtp without STARTTLS to any host, not to loopback only */
    bool starttls;   /* MAIL: insist on it for loopback, too */
    bool hold;       /* MAIL: ask before the final dot */
    bool inspect;    /* tell until when the target's certificate is good, too */
    int timeout_ms;  /* 0: HTTP_TIMEOUT_MS */
    const char *why; /* of whoever cannot fill it: why, in a person's words; a literal, or NULL */
};

void call_fini(struct call *call);

/* Appends "name: value". FAULT_MALFORMED if a byte of it could end the line. */
enum fault call_header(struct call *call, const char *name, const char *value) NODISCARD;

/* Appends `text` to a URL, percent-encoded except for unreserved characters. */
void call_escape(struct buf *url, const char *text);

/* What was wrong with TLS, when that is why the target was not reached. */
enum answer_tls {
    ANSWER_TLS_FINE,     /* or not used */
    ANSWER_TLS_NONE,     /* a mail server without STARTTLS */
    ANSWER_TLS_NAME,     /* the certificate is another host's */
    ANSWER_TLS_EXPIRED,  /* or not yet valid */
    ANSWER_TLS_STRANGER, /* signed by nobody whom we trust, or by itself */
    ANSWER_TLS_BROKEN    /* no agreement at all */
};

/* What came back. */
struct answer {
    enum fault fault;       /* OK: an answer came, whatever it says; UNAVAILABLE: the target was not
                               reached; TIMEOUT, IO, TOO_LARGE: it may have been; DENIED: the URL is not allowed */
    bool sent;              /* the target may have taken it: bytes of the request had left */
    int status;             /* of HTTP, or the last SMTP reply */
    int64_t retry_after_ms; /* 0: not said; at most HTTP_RETRY_AFTER_MS_MAX */
    const char *body;       /* NUL behind it */
    size_t len;
    const char *headers; /* "Name: value\n" each, up to HTTP_HEADERS_BYTES_MAX; NULL: none */
    int64_t at_ms;       /* when it came, by our clock */
    const char *words;   /* of the library, for a fault; never a secret */
    int latency_ms;
    enum answer_tls tls;
    int64_t tls_until_ms; /* with `inspect`: the certificate is good until then; 0: not known */
    int64_t date_ms;      /* the target's clock, by its Date header; 0: not said */
    const char *type;     /* Content-Type; "" */
    const char *redirect; /* where a 3xx leads; "" */
};

/* The value of a header, in any case of its name, cut to the room; false, and "", without one. */
bool answer_header(const struct answer *answer, const char *name, char *value, size_t room);

struct http_out;

enum fault http_out_new(zloop_t *loop, struct http_out **out) NODISCARD;
void http_out_destroy(struct http_out **out);

typedef void http_done(void *self, const struct answer *answer);
typedef void http_held(void *self, int64_t id);

/* `held` may be NULL when call->hold is not set. *id names the call until `done` was called. */
enum fault http_out_start(struct http_out *http, const struct call *wanted, http_done *done,
                          http_held *held, void *self, int64_t *id) NODISCARD;
void http_out_release(struct http_out *http, int64_t id);
/* Ends it without calling `done`. */
void http_out_cancel(struct http_out *http, int64_t id);
size_t http_out_running(const struct http_out *http);

/* Is this URL one that may be called? For --check; words in `why` if not. */
bool http_out_url_allowed(const char *url, bool plain, struct buf *why);

#endif
