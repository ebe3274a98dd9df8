/* The server against clients that are slow, greedy, or wrong. */
#include "web_bench.h"

static void on_echo(void *self, struct web_request *request)
{
    (void)self;
    struct slice body = web_body(request);
    web_answer(request, &(struct web_answer){.status = 200,
                                             .media_type = "text/plain",
                                             .body = body.len ? body.bytes : "",
                                             .len = body.len});
}

static void on_get(void *self, struct web_request *request)
{
    (void)self;
    char text[256];
    const char *query = web_query(request, "q"), *cookie = web_cookie(request, "c");
    snprintf(text, sizeof text, "{\"path\":\"%s\",\"q\":\"%s\",\"c\":\"%s\",\"from\":\"%s\"}",
             web_path(request), query ? query : "", cookie ? cookie : "", web_address(request));
    web_json(request, 200, text);
}

static void on_later(void *self, struct web_request *request)
{
    struct bench *bench = self;
    MUST(bench->ticket_count < 64);
    bench->tickets[bench->ticket_count++] = web_ticket(request);
}

/* Answers all who wait, in the order of their coming. */
static void on_release(void *self, struct web_request *request)
{
    struct bench *bench = self;
    for (size_t i = 0; i < bench->ticket_count; i++) {
        struct web_request *waiting = web_find(bench->web, bench->tickets[i]);
        if (waiting) {
            web_json(waiting, 200, "{\"late\":true}");
            MUST(!web_find(bench->web, bench->tickets[i]));
        } else {
            bench->lost++;
        }
    }
    bench->ticket_count = 0;
    web_json(request, 200, "{}");
}

static void on_never(void *self, struct web_request *request)
{
    (void)self;
    (void)request;
}

static void on_head(void *self, struct web_request *request)
{
    (void)self;
    web_allow(request);
}

static const struct web_route routes[] = {
    {"POST", "/echo", NULL, BODY_MAX, on_echo},
    {"HEAD", "/echo", NULL, 0, on_head},
    {"POST", "/json", "application/json", BODY_MAX, on_echo},
    {"GET", "/get", NULL, 0, on_get},
    {"GET", "/below/*", NULL, 0, on_get},
    {"POST", "/later", NULL, BODY_MAX, on_later},
    {"POST", "/release", NULL, BODY_MAX, on_release},
    {"POST", "/never", NULL, BODY_MAX, on_never},
    {NULL, NULL, NULL, 0, NULL},
};

static int set_up(void **state)
{
    struct bench *bench = bench_new(routes);
    bench->options.limits.head_ms = bench->options.limits.idle_ms = 600;
    bench->options.limits.body_ms = 3500;
    bench->options.limits.answer_ms = 600;
    return bench_start(bench, state);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void test_answers(void **state)
{
    struct bench *bench = *state;
    expect(bench, "GET /get?q=7 HTTP/1.1\r\n" HOST "Cookie: c=yes\r\n\r\n",
           "{\"path\":\"/get\",\"q\":\"7\",\"c\":\"yes\",\"from\":\"127.0.0.1\"}", true);
    expect(bench, "GET /below/a/b HTTP/1.1\r\n" HOST "\r\n", "\"/below/a/b\"", true);
    expect(bench, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", "hello", true);
    expect(bench,
           "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
           "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
           "hello", true);
    expect(bench, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "200 OK", true);
    expect(bench,
           "POST /json HTTP/1.1\r\n" HOST
           "Content-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
           "200 OK", true);
    expect(bench, "GET /get HTTP/1.1\r\n" HOST "X-Forwarded-For: 6.6.6.6\r\n\r\n", "127.0.0.1",
           true);
    expect(bench, "GET /get HTTP/1.0\r\n\r\n", "\"path\"", false);
    /* what a browser needs to be told */
    expect(bench, "GET /get HTTP/1.1\r\n" HOST "\r\n", "nosniff", true);
}

static void test_refusals(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *request, *answer, *reason;
        bool stays;
    } rows[] = {
        {"GET /nowhere HTTP/1.1\r\n" HOST "\r\n", "404 ", "not_found", true},
        {"GET /below HTTP/1.1\r\n" HOST "\r\n", "404 ", "not_found", true},
        {"GET /echo HTTP/1.1\r\n" HOST "\r\n", "405 ", "method", true},
        {"GET /echo HTTP/1.1\r\n" HOST "\r\n", "Allow: POST, HEAD", "method", true},
        {"DELETE /get HTTP/1.1\r\n" HOST "\r\n", "405 ", "method", true},
        {"POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxx", "404 ", "not_found",
         false},
        {"POST /get HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxx", "405 ", "method", false},
        {"POST /json HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", "415 ", "media_type", false},
        {"POST /json HTTP/1.1\r\n" HOST
         "Content-Type: application/jsonx\r\nContent-Length: 2\r\n\r\n{}",
         "415 ", "media_type", false},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", "413 ", "too_large", false},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
         "413 ", "too_large", false},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
         "400 ", "ambiguous", false},
        {"POST /echo HTTP/1.1\r\n" HOST
         "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "400 ", "ambiguous", false},
        {"GET /get HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 ", "ambiguous", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bench->refused = "";
        expect(bench, rows[i].request, rows[i].answer, rows[i].stays);
        assert_string_equal(bench->refused, rows[i].reason);
    }
    /* refused by the library itself */
    expect(bench, "GET /get HTTP/1.1\r\n\r\n", "400 ", false);
    expect(bench, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", "400 ", false);
    static char large[32 * 1024];
    snprintf(large, sizeof large, "GET /get HTTP/1.1\r\n" HOST "X-Large: %020000d\r\n\r\n", 0);
    expect(bench, large, "431 ", false);
}

static void test_head(void **state)
{
    struct bench *bench = *state;
    static char text[ROOM];
    int fd = dial(bench);
    /* the next answer follows at once: there was no body */
    say(fd, "HEAD /echo HTTP/1.1\r\n" HOST "\r\nHEAD /get HTTP/1.1\r\n" HOST
            "\r\nGET /get HTTP/1.1\r\n" HOST "\r\n");
    assert_true(hear(fd, "\"path\"", text));
    assert_non_null(strstr(text, "Allow: POST, HEAD"));
    assert_int_equal(strncmp(strstr(text, "\r\n\r\n") + 4, "HTTP/1.1 200", 12), 0);
    close(fd);
}

/* Without a length the limit shows at the end only; without an end the connection goes. */
static void test_chunked_without_end(void **state)
{
    struct bench *bench = *state;
    static char text[ROOM];
    char chunk[512 + 8];
    memset(chunk, 'x', sizeof chunk);
    memcpy(chunk, "200\r\n", 5);
    memcpy(chunk + 5 + 512, "\r\n", 3);
    int fd = dial(bench);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        say(fd, chunk);
    }
    say(fd, "0\r\n\r\n");
    assert_true(hear(fd, "413 ", text));
    close(fd);

    fd = dial(bench);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 100; i++) {
        say(fd, chunk);
    }
    expect_end(fd);
    close(fd);
}

static void expect_slow(struct bench *bench, const char *first, const char *drop, int every_ms,
                        const char *reason)
{
    int fd = dial(bench);
    bench->refused = "";
    say(fd, first);
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    for (;;) {
        struct pollfd item = {.fd = fd, .events = POLLIN};
        char byte;
        if (poll(&item, 1, every_ms) > 0 && recv(fd, &byte, 1, 0) <= 0) {
            break;
        }
        assert_true(clock_mono_ms() < until);
        say(fd, drop);
    }
    assert_string_equal(bench->refused, reason);
    close(fd);
}

/* Each byte comes before any idle time is over; the whole never does. */
static void test_slow_clients(void **state)
{
    struct bench *bench = *state;
    expect_slow(bench, "GET /get HT", "x", 50, "");
    expect_slow(bench, "GET /get HTTP/1.1\r\n" HOST, "X-a: b\r\n", 50, "slow_head");
    expect_slow(bench, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 999\r\n\r\n", "x", 100,
                "slow_body");
    /* and nobody else had to wait */
    expect(bench, "GET /get HTTP/1.1\r\n" HOST "\r\n", "\"path\"", true);
}

static void test_later(void **state)
{
    struct bench *bench = *state;
    static char text[ROOM];
    int waiting[3];
    for (int i = 0; i < 3; i++) {
        waiting[i] = dial(bench);
        say(waiting[i], "POST /later HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"
                        "GET /get HTTP/1.1\r\n" HOST "\r\n");
    }
    close(waiting[2]); /* who leaves while waiting harms nobody */
    /* as soon as both are suspended */
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    while (bench->ticket_count < 3 && clock_mono_ms() < until) {
        poll(NULL, 0, 1);
    }
    expect(bench, "POST /release HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "{}", true);
    for (int i = 0; i < 2; i++) {
        assert_true(hear(waiting[i], "\"path\"", text)); /* the pipelined one, after the late one */
        assert_non_null(strstr(text, "\"late\":true"));
        close(waiting[i]);
    }
    assert_int_equal(bench->lost, 0);
}

/* Nobody answers: 503 in time; the late answer finds nobody. */
static void test_answer_deadline(void **state)
{
    struct bench *bench = *state;
    static char text[ROOM];
    int fd = dial(bench);
    say(fd, "POST /later HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx");
    assert_true(hear(fd, "503 ", text));
    assert_non_null(strstr(text, "Retry-After: 5"));
    assert_string_equal(bench->refused, "late");
    expect(bench, "POST /release HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "{}", true);
    assert_int_equal(bench->lost, 1);
    say(fd, "GET /get HTTP/1.1\r\n" HOST "\r\n");
    assert_true(hear(fd, "\"path\"", text));
    close(fd);
}

static void test_connections_per_address(void **state)
{
    struct bench *bench = *state;
    static char text[ROOM];
    int fds[PER_ADDRESS];
    for (int i = 0; i < PER_ADDRESS; i++) {
        fds[i] = dial(bench);
        say(fds[i], "GET /get HTTP/1.1\r\n" HOST "\r\n");
        assert_true(hear(fds[i], "\"path\"", text));
    }
    int fd = dial(bench);
    say(fd, "GET /get HTTP/1.1\r\n" HOST "\r\n");
    assert_false(hear(fd, "\"path\"", text));
    assert_string_equal(bench->refused, "address_limit");
    close(fd);
    for (int i = 0; i < PER_ADDRESS; i++) {
        close(fds[i]);
    }
    /* there is room again as soon as the server has seen them go */
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    for (bool heard = false; !heard;) {
        assert_true(clock_mono_ms() < until);
        fd = dial(bench);
        say(fd, "GET /get HTTP/1.1\r\n" HOST "\r\n");
        heard = hear(fd, "\"path\"", text);
        close(fd);
    }
}

/* A body larger than the socket's buffers arrives whole: the trap of an edge-triggered epoll. */
static void test_many_at_once(void **state)
{
    struct bench *bench = *state;
    static char text[ROOM], request[2048];
    int length = snprintf(request, sizeof request,
                          "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 900\r\n\r\n");
    memset(request + length, 'y', 899);
    strcpy(request + length + 899, "z");
    int fd = dial(bench);
    for (int i = 0; i < 20; i++) {
        say(fd, request);
    }
    say(fd, "GET /get HTTP/1.1\r\n" HOST "\r\n");
    assert_true(hear(fd, "\"path\"", text));
    size_t answers = 0;
    for (const char *at = text; (at = strstr(at, "yz")); at++) {
        answers++;
    }
    assert_int_equal(answers, 20);
    close(fd);
}

static void test_bad_listen(void **state)
{
    (void)state;
    zloop_t *loop = zloop_new();
    struct web *web;
    struct web_options options = {.loop = loop, .routes = routes, .trusted_proxies = ""};
    options.listen = "127.0.0.1";
    assert_int_equal(web_open(&options, &web), FAULT_CONFIG);
    options.listen = "nowhere.invalid:80";
    assert_int_equal(web_open(&options, &web), FAULT_CONFIG);
    struct bench *bench = *state;
    char taken[64];
    snprintf(taken, sizeof taken, "127.0.0.1:%d", bench->port);
    options.listen = taken;
    assert_int_equal(web_open(&options, &web), FAULT_BUSY);
    zloop_destroy(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answers),
        TEST(test_refusals),
        TEST(test_head),
        TEST(test_chunked_without_end),
        TEST(test_slow_clients),
        TEST(test_later),
        TEST(test_answer_deadline),
        TEST(test_connections_per_address),
        TEST(test_many_at_once),
        TEST(test_bad_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
