/* http_call.h - one call as libcurl sees it; for http_out.c alone.
 *
 * Use        http_call_new() makes the easy handle; http_call_answer() says what came of it. */
#ifndef USHER_HTTP_CALL_H
#define USHER_HTTP_CALL_H

#include "http_out.h"

#include <curl/curl.h>

struct http_call {
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *recipients;
    char error[CURL_ERROR_SIZE];
    struct buf sending; /* body or message */
    size_t sent_bytes;
    struct buf answer;
    struct buf answer_headers;
    bool mail;
    bool too_large;
    bool hold;
    bool held_now; /* paused in front of the final dot */
    bool told;
    bool released; /* the final dot may have left */
    int64_t id;
    http_done *done;
    http_held *held;
    void *self;
};

/* FAULT_DENIED: the URL is not one that may be called. */
enum fault http_call_new(const struct call *wanted, struct http_call **out) NODISCARD;
void http_call_destroy(struct http_call **out);
void http_call_release(struct http_call *call);

/* Borrowed from the call. */
void http_call_answer(struct http_call *call, CURLcode code, struct answer *answer);

#endif
