/* web_core.h - inside the server: what its files share. Not for others.
 *
 *   web.c          connections and their deadlines, the loop, opening and closing
 *   web_request.c  requests: routes, reading, the library's calls
 *   web_answer.c   answers
 *   web_stream.c   answers that go on: server-sent events */
#ifndef USHER_WEB_CORE_H
#define USHER_WEB_CORE_H

#include "addresses.h"
#include "buf.h"
#include "paths.h"
#include "web.h"

#include <microhttpd.h>

enum { FORWARDED_HEADERS_MAX = 8, BODY_KEEP_BYTES = 16 * 1024, RETRY_AFTER_S = 5 };

enum phase {
    PHASE_IDLE,   /* before a request line */
    PHASE_HEAD,   /* after it, before the end of the headers */
    PHASE_BODY,   /* the body is on its way */
    PHASE_ANSWER, /* the handler has it */
    PHASE_SEND,   /* the answer is on its way */
    PHASE_STREAM  /* it is a stream; without a deadline while nothing waits to be taken */
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
    struct buf target; /* the path of the request line, as it was sent; cut by path_cut */
    bool target_long;
    struct web_request *request;
    struct web_stream *stream; /* until the library lets go of the answer */
};

struct web_stream {
    struct web *web;
    struct connection *connection; /* NULL: gone */
    struct MHD_Connection *mhd;
    struct buf out;
    size_t taken;   /* of out, by the library */
    bool suspended; /* everything was taken, and is with the kernel */
    bool ended;     /* nothing follows */
    bool cut;       /* the client is gone, or has to go */
    web_stream_closed *closed;
    void *self;
};

struct web_request {
    struct web *web;
    struct connection *connection;
    struct MHD_Connection *mhd;
    const struct web_route *route; /* NULL: no such path, or not with this method */
    const char *method;
    const char *path;
    enum path_verdict verdict;
    struct path segments;
    bool path_known;
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
    size_t stream_count;
    bool closing;                  /* nothing new is begun */
    struct web_request **requests; /* by slot */
    size_t request_count;
    struct web_request *free_requests;
    bool quiet; /* what the library says now is known */
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
void web_drop_body(struct web_request *request);

/* The methods of the request's path: "GET, POST". */
enum { ALLOW_CHARS = 128 };
void web_list_methods(const struct web_request *request, char allow[ALLOW_CHARS]);

/* web_answer.c */
/* The answer's own headers, the server's, and what everybody gets. */
void web_add_headers(const struct web *web, struct MHD_Response *response,
                     const char *const *headers);
/* Hands the response over, whole; the request is answered. False: the connection is broken, which
 * it finds out by itself. */
bool web_send_response(struct web_request *request, int status, struct MHD_Response *response,
                       enum phase phase);
/* An answer of the server's own. */
void web_refuse(struct web_request *request, int status, const char *title, const char *reason);

/* web_stream.c */
/* Looks whether the client is still there; true if not. */
bool stream_is_gone(const struct web_stream *stream);
/* Ends it at once, with what waits. */
void stream_cut(struct web_stream *stream);
void streams_close(struct web *web);

#endif
