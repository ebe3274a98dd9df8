/* bench_sink.c - a small HTTP server that stands for the CRM and takes every contact at once. */
#include "bench.h"

#include "must.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CALLERS_MAX = 128, REQUEST_ROOM = 16384, READY_MAX = 32 };

struct caller {
    int fd;
    char in[REQUEST_ROOM];
    size_t len;
    uint64_t began_ns; /* of the request that is being read */
};

struct bench_sink {
    int listen_fd, epoll_fd, port;
    struct caller *callers[CALLERS_MAX];
};

struct bench_sink *bench_sink_new(void)
{
    struct bench_sink *sink = must_calloc(1, sizeof *sink);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sink->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sink->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    MUST(sink->listen_fd >= 0 && sink->epoll_fd >= 0);
    MUST(bind(sink->listen_fd, (struct sockaddr *)&address, sizeof address) == 0);
    MUST(listen(sink->listen_fd, CALLERS_MAX) == 0);
    MUST(getsockname(sink->listen_fd, (struct sockaddr *)&address, &len) == 0);
    MUST(epoll_ctl(sink->epoll_fd, EPOLL_CTL_ADD, sink->listen_fd, &event) == 0);
    sink->port = ntohs(address.sin_port);
    return sink;
}

void bench_sink_destroy(struct bench_sink **sink)
{
    struct bench_sink *self = *sink;
    *sink = NULL;
    for (size_t i = 0; self && i < CALLERS_MAX; i++) {
        if (self->callers[i]) {
            close(self->callers[i]->fd);
            free(self->callers[i]);
        }
    }
    if (self) {
        close(self->listen_fd);
        close(self->epoll_fd);
        free(self);
    }
}

int bench_sink_port(const struct bench_sink *sink)
{
    return sink->port;
}

int bench_sink_fd(const struct bench_sink *sink)
{
    return sink->epoll_fd;
}

static void welcome(struct bench_sink *sink)
{
    int one = 1, fd = accept4(sink->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    size_t i = 0;
    while (i < CALLERS_MAX && sink->callers[i]) {
        i++;
    }
    if (fd < 0 || i == CALLERS_MAX) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    sink->callers[i] = must_calloc(1, sizeof *sink->callers[i]);
    sink->callers[i]->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = sink->callers[i]};
    MUST(epoll_ctl(sink->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void farewell(struct bench_sink *sink, struct caller *caller)
{
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        if (sink->callers[i] == caller) {
            sink->callers[i] = NULL;
        }
    }
    close(caller->fd);
    free(caller);
}

/* Bytes of a whole request at the start of what came; 0 if it is not whole yet. */
static size_t request_len(struct caller *caller)
{
    caller->in[caller->len] = '\0';
    char *end = strstr(caller->in, "\r\n\r\n");
    if (!end) {
        return 0;
    }
    char *length = strcasestr(caller->in, "\r\nContent-Length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    size_t whole = (size_t)(end - caller->in) + 4 + body;
    return whole <= caller->len ? whole : 0;
}

/* A contact as HubSpot answers: made (POST), shown (GET) or changed (PATCH). */
static void answer(struct caller *caller, size_t len, uint32_t number)
{
    char body[128], text[512];
    bool makes = strncmp(caller->in, "POST", 4) == 0;
    int body_len = snprintf(body, sizeof body, "{\"id\":\"%lu\",\"properties\":{}}",
                            (unsigned long)number + 1);
    int text_len = snprintf(text, sizeof text,
                            "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                            "Content-Length: %d\r\n\r\n%s",
                            makes ? "201 Created" : "200 OK", body_len, body);
    (void)!send(caller->fd, text, (size_t)text_len, MSG_NOSIGNAL);
    memmove(caller->in, caller->in + len, caller->len - len);
    caller->len -= len;
}

static void serve_one(struct bench_sink *sink, struct caller *caller, bench_called *called,
                      void *self)
{
    uint64_t now = bench_now_ns();
    ssize_t got =
        recv(caller->fd, caller->in + caller->len, sizeof caller->in - 1 - caller->len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        farewell(sink, caller);
        return;
    }
    caller->began_ns = caller->len ? caller->began_ns : now;
    caller->len += (size_t)got;
    for (size_t len; (len = request_len(caller));) {
        uint32_t number = 0;
        if (bench_find_number(caller->in, len, &number)) {
            called(self, number, caller->began_ns);
        }
        answer(caller, len, number);
        caller->began_ns = now;
    }
}

void bench_sink_serve(struct bench_sink *sink, bench_called *called, void *self)
{
    struct epoll_event ready[READY_MAX];
    int count = epoll_wait(sink->epoll_fd, ready, READY_MAX, 0);
    for (int i = 0; i < count; i++) {
        if (ready[i].data.ptr) {
            serve_one(sink, ready[i].data.ptr, called, self);
        } else {
            welcome(sink);
        }
    }
}
