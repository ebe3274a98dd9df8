/* Server-sent events: to those who read, to those who do not, and to those who leave. */
#include "web_bench.h"

enum { STREAMS_MAX = 4, STREAM_BYTES = 64 * 1024, SEND_MS = 1000, KERNELS_BYTES = 4 << 20 };

/* The handlers' side; the server's thread alone touches the pointers. */
struct streams {
    struct web_stream *open[STREAMS_MAX];
    bool endless;       /* send to all at every turn of the timer */
    size_t sent;        /* bytes, that open streams took */
    atomic_int closed;  /* callbacks */
    atomic_int refused; /* sends that said no */
    atomic_int closed_while_closing;
    struct bench *bench;
};

static void on_closed(void *self, struct web_stream *stream)
{
    struct streams *streams = self;
    bool found = false;
    for (int i = 0; i < STREAMS_MAX; i++) {
        if (streams->open[i] == stream) {
            streams->open[i] = NULL;
            found = true;
        }
    }
    MUST(found);
    streams->closed++;
    streams->closed_while_closing += streams->bench->closing;
    for (int i = 0; i < STREAMS_MAX; i++) { /* whoever is left may be told */
        if (streams->open[i]) {
            (void)web_stream_comment(streams->open[i], "somebody left");
        }
    }
}

static void begin(struct streams *streams, struct web_request *request)
{
    static const char *const headers[] = {"X-Own", "yes", NULL};
    struct web_stream *stream = web_stream_begin(request, headers, on_closed, streams);
    for (int i = 0; stream; i++) {
        MUST(i < STREAMS_MAX);
        if (!streams->open[i]) {
            streams->open[i] = stream;
            break;
        }
    }
}

static void on_stream(void *self, struct web_request *request)
{
    begin(((struct bench *)self)->own, request);
}

/* First to wait, then to stream: as one who asks somebody else before. */
static void on_later(void *self, struct web_request *request)
{
    struct bench *bench = self;
    bench->tickets[bench->ticket_count++] = web_ticket(request);
}

static void on_begin(void *self, struct web_request *request)
{
    struct bench *bench = self;
    begin(bench->own, web_find(bench->web, bench->tickets[0]));
    web_json(request, 200, "{}");
}

static void send_all(struct streams *streams, const char *name, const char *data)
{
    for (int i = 0; i < STREAMS_MAX; i++) {
        if (streams->open[i]) {
            bool taken = web_stream_send(streams->open[i], name, data);
            streams->refused += !taken;
            streams->sent += taken ? strlen(data) : 0;
        }
    }
}

static void on_send(void *self, struct web_request *request)
{
    struct bench *bench = self;
    const char *name = web_query(request, "name");
    struct slice body = web_body(request);
    char *data = strndup(body.len ? (const char *)body.bytes : "", body.len);
    send_all(bench->own, name, data);
    free(data);
    web_json(request, 200, "{\"sent\":true}");
}

static void on_end(void *self, struct web_request *request)
{
    struct streams *streams = ((struct bench *)self)->own;
    for (int i = 0; i < STREAMS_MAX; i++) {
        if (streams->open[i]) {
            MUST(web_stream_send(streams->open[i], "last", "bye"));
            web_stream_end(&streams->open[i]);
            MUST(!streams->open[i]);
        }
    }
    web_json(request, 200, "{}");
}

static void on_flood(void *self, struct web_request *request)
{
    ((struct streams *)((struct bench *)self)->own)->endless = true;
    web_json(request, 200, "{}");
}

static void on_count(void *self, struct web_request *request)
{
    char text[32];
    snprintf(text, sizeof text, "streams:%zu \"path\"", web_streams(((struct bench *)self)->web));
    web_json(request, 200, text);
}

static void on_turned(void *self)
{
    struct bench *bench = self;
    struct streams *streams = bench->own;
    if (streams->endless) {
        static char data[30 * 1024];
        memset(data, 'x', sizeof data - 1);
        send_all(streams, NULL, data);
    }
}

static const struct web_route routes[] = {
    {"GET", "/stream", NULL, 0, on_stream}, {"GET", "/later", NULL, 0, on_later},
    {"POST", "/begin", NULL, 0, on_begin},  {"POST", "/send", NULL, BODY_MAX, on_send},
    {"POST", "/end", NULL, 0, on_end},      {"POST", "/flood", NULL, 0, on_flood},
    {"GET", "/get", NULL, 0, on_count},     {NULL, NULL, NULL, 0, NULL},
};

static const char *const everywhere[] = {"X-Everywhere", "yes", NULL};

static int set_up_with(void **state, size_t stream_bytes_max)
{
    struct bench *bench = bench_new(routes);
    struct streams *streams = must_calloc(1, sizeof *streams);
    streams->bench = bench;
    bench->own = streams;
    bench->options.headers = everywhere;
    bench->options.turned = on_turned;
    bench->options.limits.streams_max = STREAMS_MAX;
    bench->options.limits.stream_bytes_max = stream_bytes_max;
    bench->options.limits.send_ms = SEND_MS;
    return bench_start(bench, state);
}

static int set_up(void **state)
{
    return set_up_with(state, STREAM_BYTES);
}

/* More may wait than the test sends, so that only the clock finds who does not read. */
static int set_up_roomy(void **state)
{
    return set_up_with(state, SIZE_MAX / 2);
}

static char text[ROOM];

static int subscribe(struct bench *bench)
{
    int fd = dial(bench);
    say(fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    assert_true(hear(fd, ":\n\n", text)); /* at once, with nothing sent yet */
    return fd;
}

static void post(struct bench *bench, const char *path, const char *body)
{
    char request[1024];
    snprintf(request, sizeof request, "POST %s HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n%s",
             path, strlen(body), body);
    expect(bench, request, "200 OK", true);
}

static void wait_for(atomic_int *number, int wanted)
{
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    while (*number < wanted && clock_mono_ms() < until) {
        poll(NULL, 0, 1);
    }
    assert_int_equal(*number, wanted);
}

static void test_two_clients(void **state)
{
    struct bench *bench = *state;
    int first = subscribe(bench), second = dial(bench);
    say(second, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
    assert_true(hear(second, ":\n\n", text));
    assert_non_null(strstr(text, "HTTP/1.1 200 OK"));
    assert_non_null(strstr(text, "Content-Type: text/event-stream"));
    assert_non_null(strstr(text, "Transfer-Encoding: chunked"));
    assert_non_null(strstr(text, "Cache-Control: no-store"));
    assert_non_null(strstr(text, "X-Own: yes"));
    assert_non_null(strstr(text, "X-Everywhere: yes"));
    post(bench, "/send?name=line", "one\r\ntwo\rthree\nfour: 4\n");
    assert_true(hear(first, "data: four: 4\ndata: \n\n", text));
    assert_non_null(
        strstr(text, "event: line\ndata: one\ndata: two\ndata: three\ndata: four: 4\n"));
    assert_true(hear(second, "data: four: 4\ndata: \n\n", text));
    post(bench, "/send", "again");
    assert_true(hear(first, "data: again\n\n", text));
    assert_null(strstr(text, "event:"));
    assert_true(hear(second, "data: again\n\n", text));
    expect(bench, "GET /get HTTP/1.1\r\n" HOST "\r\n", "streams:2 ", true);
    close(first);
    close(second);
}

/* Longer than every deadline of the server, and longer than send_ms. */
static void test_idle_stream_stays(void **state)
{
    struct bench *bench = *state;
    struct streams *streams = bench->own;
    int fd = subscribe(bench);
    struct pollfd item = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&item, 1, 2 * SEND_MS), 0); /* nothing comes, no end either */
    post(bench, "/send", "late");
    assert_true(hear(fd, "data: late\n\n", text));
    assert_int_equal(streams->closed, 0);
    close(fd);
}

static void test_client_leaves(void **state)
{
    struct bench *bench = *state;
    struct streams *streams = bench->own;
    int first = subscribe(bench), second = subscribe(bench), third = subscribe(bench);
    close(first);
    wait_for(&streams->closed, 1);
    assert_true(hear(third, ": somebody left\n\n", text));
    shutdown(second, SHUT_WR); /* a half is enough */
    wait_for(&streams->closed, 2);
    expect_end(second);
    say(third, "GET /get HTTP/1.1\r\n" HOST "\r\n"); /* behind a stream nothing is answered */
    close(third);
    wait_for(&streams->closed, 3);
    expect(bench, "GET /get HTTP/1.1\r\n" HOST "\r\n", "streams:0 ", true);
    close(second);
}

static void test_client_that_does_not_read(void **state)
{
    struct bench *bench = *state;
    struct streams *streams = bench->own;
    int fd = subscribe(bench), bytes = 16 * 1024;
    MUST(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0);
    bench->refused = "";
    post(bench, "/flood", "");
    wait_for(&streams->closed, 1);
    assert_int_equal(streams->refused, 1);
    assert_true(streams->sent < STREAM_BYTES + KERNELS_BYTES);
    assert_string_equal(bench->refused, "slow_reader");
    expect(bench, "GET /get HTTP/1.1\r\n" HOST "\r\n", "streams:0 ", true);
    close(fd);
}

static void test_client_that_stops_reading(void **state)
{
    struct bench *bench = *state;
    struct streams *streams = bench->own;
    int fd = subscribe(bench);
    bench->refused = "";
    char data[900];
    memset(data, 'y', sizeof data - 1);
    data[sizeof data - 1] = '\0';
    char request[1024];
    snprintf(request, sizeof request,
             "POST /send HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n%s", strlen(data), data);
    int sender = dial(bench);
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    while (streams->closed == 0 && clock_mono_ms() < until) {
        say(sender, request);
        assert_true(hear(sender, "\"sent\"", text));
    }
    wait_for(&streams->closed, 1);
    assert_string_equal(bench->refused, "slow_reader");
    close(sender);
    close(fd);
}

static void test_end(void **state)
{
    struct bench *bench = *state;
    struct streams *streams = bench->own;
    int fd = subscribe(bench);
    post(bench, "/end", "");
    assert_true(hear(fd, "event: last\ndata: bye\n\n", text));
    say(fd, "GET /get HTTP/1.1\r\n" HOST "\r\n"); /* the connection is as good as before */
    assert_true(hear(fd, "streams:0 ", text));
    assert_int_equal(streams->closed, 0);
    close(fd);
}

static void test_old_client_and_head(void **state)
{
    struct bench *bench = *state;
    struct streams *streams = bench->own;
    int fd = dial(bench);
    say(fd, "GET /stream HTTP/1.0\r\n\r\n");
    assert_true(hear(fd, ":\n\n", text));
    assert_null(strstr(text, "chunked"));
    assert_non_null(strstr(text, "Connection: close"));
    post(bench, "/send", "old");
    assert_true(hear(fd, "data: old\n\n", text));
    post(bench, "/end", "");
    expect_end(fd);
    close(fd);
    expect(bench, "HEAD /stream HTTP/1.1\r\n" HOST "\r\n", "text/event-stream", true);
    wait_for(&streams->closed, 1);
}

static void test_stream_after_waiting(void **state)
{
    struct bench *bench = *state;
    int fd = dial(bench);
    say(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    while (bench->ticket_count < 1 && clock_mono_ms() < until) {
        poll(NULL, 0, 1);
    }
    post(bench, "/begin", "");
    assert_true(hear(fd, ":\n\n", text));
    post(bench, "/send", "hello");
    assert_true(hear(fd, "data: hello\n\n", text));
    close(fd);
}

static void test_too_many(void **state)
{
    struct bench *bench = *state;
    int fds[STREAMS_MAX];
    for (int i = 0; i < STREAMS_MAX; i++) {
        fds[i] = subscribe(bench);
    }
    expect(bench, "GET /stream HTTP/1.1\r\n" HOST "\r\n", "503 ", true);
    assert_string_equal(bench->refused, "streams");
    close(fds[0]);
    wait_for(&((struct streams *)bench->own)->closed, 1);
    fds[0] = subscribe(bench);
    for (int i = 0; i < STREAMS_MAX; i++) {
        close(fds[i]);
    }
}

static void test_close_with_open_streams(void **state)
{
    struct bench *bench = *state;
    struct streams *streams = bench->own;
    int first = subscribe(bench), second = subscribe(bench);
    int later = dial(bench);
    say(later, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    bench->stop = true;
    assert_false(hear(first, NULL, text));
    assert_non_null(strstr(text, "0\r\n\r\n")); /* whole, not cut */
    expect_end(second);
    expect_end(later);
    wait_for(&streams->closed_while_closing, 2);
    assert_int_equal(streams->closed, 2);
    close(first);
    close(second);
    close(later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_clients),
        TEST(test_idle_stream_stays),
        TEST(test_client_leaves),
        TEST(test_client_that_does_not_read),
        cmocka_unit_test_setup_teardown(test_client_that_stops_reading, set_up_roomy, tear_down),
        TEST(test_end),
        TEST(test_old_client_and_head),
        TEST(test_stream_after_waiting),
        TEST(test_too_many),
        TEST(test_close_with_open_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
