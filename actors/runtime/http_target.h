/* http_target.h - an HTTP endpoint that a file describes: what is sent, and what answers mean.
 *
 *   target
 *       method = POST                    or PUT, PATCH, GET, DELETE
 *       url = "file:secrets/hook"        an address, or where it stands; may hold {{placeholders}}
 *       body = contact.json              a JSON template beside this file; else the usual one
 *       header                           as many as there are
 *           name = Authorization
 *           value = "Bearer {{key}}"
 *       answers
 *           done = "200-299 409"         status codes; those in no list mean what they usually do
 *           again = "423"
 *           never = "410"
 *           refused = "401 403"          our key: nothing is sent for minutes, then one call
 *           path = "result.status"       and what must stand there in the answer's JSON, or it is
 *           value = ok                   an error inside a 2xx
 *           otherwise = again            which is tried again, or never
 *           id = "result.contact.0.id"   where the answer names the contact
 *
 * Use        http_target_load() reads and checks; http_target_call() fills a call, signed as
 *            Standard Webhooks where there are secrets; http_target_verdict() classifies the
 *            answer. Any actor: the names that placeholders may have are the caller's.
 * Promise    A value never becomes anything but a value: escaped in JSON and in the URL, without
 *            controls in a header. The host is the file's own. A mistake is told with file and
 *            line.
 * Ownership  Destroy what was loaded. Everything passed in is borrowed for the call.
 * Limits     HOLES_TEXT_BYTES_MAX for a body, HTTP_TARGET_HEADERS_MAX headers.
 * See        hole.h, standard_webhooks.h; tests/unit/runtime/http_target_test.c */
#ifndef USHER_HTTP_TARGET_H
#define USHER_HTTP_TARGET_H

#include "adapter.h"

enum { HTTP_TARGET_HEADERS_MAX = 16, HTTP_TARGET_REFUSED_MS = 300000 };

struct http_target_use {
    const char *home;
    const char *file; /* below the home: "targets/zapier.cfg"; "": all as usual */
    const char *url;  /* where the file names none */
    const char
        *url_from;    /* ... and what to call the place that it comes from: "usher.cfg: crm/url" */
    const char *body; /* the template, where the file names none */
    const json_t *sample; /* a value of each name that placeholders may have, `key` aside */
};

struct http_target;

/* FAULT_CONFIG with a line for each mistake in `why`. */
enum fault http_target_load(const struct http_target_use *use, struct http_target **out,
                            struct buf *why) NODISCARD;
void http_target_destroy(struct http_target **target);

struct http_message {
    const char *id;       /* the same for the same news */
    const char *secrets;  /* a signature for each line; "": unsigned */
    const char *key;      /* {{key}} of headers */
    int64_t now_ms;       /* signed along */
    const json_t *values; /* each of the kind that its sample is of */
};

/* FAULT_MALFORMED or TOO_LARGE: never. */
enum fault http_target_call(const struct http_target *target, const struct http_message *message,
                            struct call *call) NODISCARD;

/* `id` is appended to where the answer names one; may be NULL. */
void http_target_verdict(const struct http_target *target, const struct answer *answer,
                         struct verdict *verdict, struct buf *id);

#endif
