/* web_core.h - what web.c (connections, the loop) and web_request.c (requests, answers) share. */
#ifndef USHER_WEB_CORE_H
#define USHER_WEB_CORE_H

#include "addresses.h"
#include "buf.h"
#include "web.h"

#include <microhttpd.h>

enum { FORWARDED_HEADERS_MAX = 8, BODY_KEEP_BYTES = 16 * 1024 };

enum phase {
    PHASE_IDLE,   /* before a request line */
    PHASE_HEAD,   /* after it, before the end of the headers */
    PHASE_BODY,   /* the body is on its way */
    PHASE_ANSWER, /* the handler has it */
    PHASE_SEND    /* the answer is on its way */
};

struct connection {
    struct web *web;
    struct connection *next, *previous;
    int fd;
    struct address peer;
    bool trusted;
    bool shut;
    enum phase phase;
    int64_t deadline_ms;
    int64_t body_since_ms;
    size_t body_bytes;
    struct web_request *request;
};

struct web_request {
    struct web *web;
    struct connection *connection;
    struct MHD_Connection *mhd;
    const struct web_route *route; /* NULL: no such path, or not with this method */
    const char *method;
    const char *path;
    char address[ADDRESS_TEXT_BYTES];
    struct buf body;
    size_t body_seen; /* more than is kept when it is too large */
    size_t body_bytes_max;
    bool no_room;
    bool dispatched;
    bool suspended;
    bool answered;
    uint32_t slot;
    uint32_t generation;
    struct web_request *next_free;
};

struct web {
    struct web_options options;
    struct web_route *routes;
    struct networks trusted;
    struct MHD_Daemon *daemon;
    int epoll_fd;
    int port;
    int sweep_timer;
    int again_timer; /* -1: not armed */
    struct connection *connections;
    size_t connection_count;
    size_t bodies_bytes;
    struct web_request **requests; /* by slot */
    size_t request_count;
    struct web_request *free_requests;
    int64_t complained_ms;
    size_t complaints;
};

/* Runs MHD once more before the loop waits: a resumed connection shows on no descriptor. Once for
 * however many there are. */
void web_run_again(struct web *web);

void web_note_refused(struct web *web, const char *path, const char *reason);

/* MHD's callbacks for requests. */
enum MHD_Result web_on_access(void *self, struct MHD_Connection *mhd, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **context);
void web_on_completed(void *self, struct MHD_Connection *mhd, void **context,
                      enum MHD_RequestTerminationCode how);

void web_requests_fini(struct web *web);

#endif
