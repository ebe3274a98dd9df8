/* web_bench.h - the server in a thread of its own, and clients that write bytes, not requests. */
#ifndef USHER_WEB_BENCH_H
#define USHER_WEB_BENCH_H

#include "web.h"

#include "clock.h"
#include "must.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 64 * 1024, DEADLINE_MS = 5000, BODY_MAX = 1000, PER_ADDRESS = 8 };

struct bench {
    pthread_t thread;
    zloop_t *loop;
    struct web *web;
    int port;
    struct web_options options;
    atomic_bool ready, stop, closing;
    uint64_t tickets[64]; /* of requests to /later */
    atomic_size_t ticket_count;
    _Atomic(const char *) refused;
    atomic_int lost; /* tickets that had gone when they were to be answered */
    void *own;       /* of the test's handlers */
};

static inline void on_refused(void *self, const char *path, const char *reason)
{
    (void)path;
    ((struct bench *)self)->refused = reason;
}

static inline int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    return ((struct bench *)self)->stop ? -1 : 0;
}

static inline void *serve(void *self)
{
    struct bench *bench = self;
    bench->loop = zloop_new();
    bench->options.loop = bench->loop;
    MUST(web_open(&bench->options, &bench->web) == OK);
    bench->port = web_port(bench->web);
    zloop_timer(bench->loop, 10, 0, on_tick, bench);
    bench->ready = true;
    zloop_start(bench->loop);
    bench->closing = true;
    web_close(&bench->web);
    zloop_destroy(&bench->loop);
    return NULL;
}

static inline struct bench *bench_new(const struct web_route *routes)
{
    struct bench *bench = must_calloc(1, sizeof *bench);
    bench->options = (struct web_options){
        .listen = "127.0.0.1:0",
        .routes = routes,
        .trusted_proxies = "",
        .limits = WEB_LIMITS_USUAL,
        .self = bench,
        .refused = on_refused,
    };
    bench->options.limits.connections_per_address_max = PER_ADDRESS;
    return bench;
}

static inline int bench_start(struct bench *bench, void **state)
{
    zsys_handler_set(NULL);
    MUST(pthread_create(&bench->thread, NULL, serve, bench) == 0);
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    while (!bench->ready && clock_mono_ms() < until) {
        poll(NULL, 0, 1);
    }
    *state = bench;
    return bench->ready ? 0 : -1;
}

static inline int tear_down(void **state)
{
    struct bench *bench = *state;
    bench->stop = true;
    pthread_join(bench->thread, NULL);
    free(bench->own);
    free(bench);
    return 0;
}

/* --- clients --------------------------------------------------------------------------------- */

static inline int dial(const struct bench *bench)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)bench->port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    MUST(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

static inline void say(int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Reads until `wanted` shows in the text or the end or the deadline; true if it showed. */
static inline bool hear(int fd, const char *wanted, char text[ROOM])
{
    size_t len = 0;
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    text[0] = '\0';
    for (;;) {
        if (wanted && strstr(text, wanted)) {
            return true;
        }
        struct pollfd item = {.fd = fd, .events = POLLIN};
        int64_t left = until - clock_mono_ms();
        if (left <= 0 || poll(&item, 1, (int)left) <= 0) {
            fail_msg("no %s in time, only: %s", wanted ? wanted : "end", text);
        }
        ssize_t got = recv(fd, text + len, ROOM - len - 1, 0);
        if (got <= 0) {
            return false;
        }
        len += (size_t)got;
        text[len] = '\0';
    }
}

/* Whether the connection is over, after what was said until then. */
static inline void expect_end(int fd)
{
    static char text[ROOM];
    assert_false(hear(fd, NULL, text));
}

static inline void expect(struct bench *bench, const char *request, const char *answer, bool stays)
{
    static char text[ROOM];
    int fd = dial(bench);
    say(fd, request);
    if (!hear(fd, answer, text)) {
        fail_msg("%s\n--- expected %s, was\n%s", request, answer, text);
    }
    if (stays) {
        assert_null(strstr(text, "Connection: close"));
        say(fd, "GET /get HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(hear(fd, "\"path\"", text));
    } else {
        expect_end(fd);
    }
    close(fd);
}

#define HOST       "Host: a\r\n"
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
