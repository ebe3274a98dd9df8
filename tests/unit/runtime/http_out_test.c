/* http_out_test.c - the door to libcurl, against a server of canned bytes in a thread. */
#include "../test.h"

#include "adapter.h"
#include "clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

/* --- which URLs, which headers -------------------------------------------------------------------- */

static void urls(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool allowed;
        bool plain;
    } rows[] = {
        {"https://api.hubapi.com", true, false},
        {"http://api.hubapi.com", false, false},
        {"http://api.hubapi.com", true, true},
        {"http://127.0.0.1:8080/x", true, false},
        {"http://localhost:1", true, false},
        {"http://[::1]:1", true, false},
        {"http://localhost.evil.com", false, false},
        {"http://127.0.0.1.evil.com", false, false},
        {"smtp://mail.example.com:25", true, false},
        {"smtps://mail.example.com", true, false},
        {"file:///etc/passwd", false, true},
        {"ftp://127.0.0.1", false, true},
        {"gopher://127.0.0.1", false, true},
        {"", false, true},
        {"no url at all", false, true},
        {"https://", false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf why = {0};
        bool allowed = http_out_url_allowed(rows[i].url, rows[i].plain, &why);
        if (allowed != rows[i].allowed || (!allowed && why.len == 0)) {
            fail_msg("%s", rows[i].url);
        }
        buf_fini(&why);
    }
}

static void headers(void **state)
{
    (void)state;
    struct call call = {0};
    assert_int_equal(call_header(&call, "X-A", "b c"), OK);
    assert_int_equal(call_header(&call, "X-A", "b\r\nX-Evil: 1"), FAULT_MALFORMED);
    assert_int_equal(call_header(&call, "X-A", "b\n"), FAULT_MALFORMED);
    assert_int_equal(call_header(&call, "X:A", "b"), FAULT_MALFORMED);
    assert_string_equal(buf_text(&call.headers), "X-A: b c\n");
    call_escape(&call.url, "a/b?c=d&e f%\xc3\xab~");
    assert_string_equal(buf_text(&call.url), "a%2Fb%3Fc%3Dd%26e%20f%25%C3%AB~");
    call_fini(&call);
}

/* --- a server ------------------------------------------------------------------------------------- */

struct server {
    int fd;
    int port;
    pthread_t thread;
    const char *says; /* NULL: nothing at all */
    size_t filler;    /* bytes of 'x' behind it */
    bool hang_up;     /* without an answer, once the request is read */
    int connections;
    char request[4096];
};

static void *serve(void *self)
{
    struct server *server = self;
    for (;;) {
        int fd = accept(server->fd, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        server->connections++;
        ssize_t got = read(fd, server->request, sizeof server->request - 1);
        server->request[got > 0 ? got : 0] = '\0';
        if (server->says) {
            (void)!write(fd, server->says, strlen(server->says));
            char block[4096];
            memset(block, 'x', sizeof block);
            for (size_t left = server->filler; left > 0;) {
                size_t len = left < sizeof block ? left : sizeof block;
                if (send(fd, block, len, MSG_NOSIGNAL) <= 0) {
                    break;
                }
                left -= len;
            }
        } else if (!server->hang_up) {
            char one;
            (void)!read(fd, &one, 1); /* until the other side gives up */
        }
        close(fd);
    }
}

static void server_open(struct server *server)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof where;
    server->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&where, len), 0);
    assert_int_equal(listen(server->fd, 16), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&where, &len), 0);
    server->port = ntohs(where.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_close(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
}

/* --- calls ---------------------------------------------------------------------------------------- */

struct caught {
    bool done;
    struct answer answer;
    char body[64];
    char id[16];
    size_t headers_len;
};

static void on_done(void *self, const struct answer *answer)
{
    struct caught *caught = self;
    assert_false(caught->done);
    caught->done = true;
    caught->answer = *answer;
    caught->answer.words = ""; /* borrowed until we return */
    caught->answer.body = NULL;
    (void)answer_header(answer, "resource-id", caught->id, sizeof caught->id);
    caught->headers_len = strlen(answer->headers);
    caught->answer.headers = NULL;
    snprintf(caught->body, sizeof caught->body, "%.60s", answer->body);
}

static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    return ((struct caught *)self)->done ? -1 : 0;
}

static struct caught call_server(struct server *server, int timeout_ms)
{
    struct caught caught = {0};
    struct http_out *http = NULL;
    struct call call = {.method = "POST", .timeout_ms = timeout_ms};
    int64_t id = 0;
    zloop_t *loop = zloop_new();
    buf_printf(&call.url, "http://127.0.0.1:%d/x", server->port);
    buf_add_text(&call.body, "{}");
    assert_int_equal(http_out_new(loop, &http), OK);
    assert_int_equal(http_out_start(http, &call, on_done, NULL, &caught, &id), OK);
    assert_int_equal(http_out_running(http), 1);
    zloop_timer(loop, 5, 0, on_tick, &caught);
    zloop_start(loop);
    assert_true(caught.done);
    assert_int_equal(http_out_running(http), 0);
    call_fini(&call);
    http_out_destroy(&http);
    zloop_destroy(&loop);
    return caught;
}

static struct caught call_saying(const char *says, size_t filler)
{
    struct server server = {.says = says, .filler = filler};
    server_open(&server);
    struct caught caught = call_server(&server, 2000);
    server_close(&server);
    assert_int_equal(server.connections, 1);
    return caught;
}

static void an_answer_comes(void **state)
{
    (void)state;
    struct caught caught = call_saying("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", 0);
    assert_int_equal(caught.answer.fault, OK);
    assert_int_equal(caught.answer.status, 201);
    assert_string_equal(caught.body, "ok");
}

static void retry_after_is_read_and_bounded(void **state)
{
    (void)state;
    struct caught caught =
        call_saying("HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 0);
    assert_int_equal(caught.answer.retry_after_ms, 7000);
    caught =
        call_saying("HTTP/1.1 503 No\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n", 0);
    assert_int_equal(caught.answer.retry_after_ms, HTTP_RETRY_AFTER_MS_MAX);
}

static void headers_are_read(void **state)
{
    (void)state;
    struct caught caught =
        call_saying("HTTP/1.1 201 Created\r\nX-Resource-ID: 1\r\nResource-ID:  4711 \r\n"
                    "Content-Length: 0\r\n\r\n",
                    0);
    assert_int_equal(caught.answer.status, 201);
    assert_string_equal(caught.id, "4711");
    assert_true(caught.answer.at_ms > 0);
    static const struct {
        const char *headers;
        const char *value;
        bool there;
    } rows[] = {
        {"A: b\nResource-ID: 5\n", "5", true},
        {"RESOURCE-id:5\n", "5", true},
        {"Resource-ID:\nA: b\n", "", true},
        {"Resource-ID: 12345678901234567890\n", "123456789012345", true},
        {"X: Resource-ID: 5\n", "", false},
        {"Resource-ID", "", false},
        {"Resource-IDs: 5\n", "", false},
        {"", "", false},
        {NULL, "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = {.headers = rows[i].headers};
        char value[16] = "before";
        assert_int_equal(answer_header(&answer, "Resource-ID", value, sizeof value), rows[i].there);
        assert_string_equal(value, rows[i].value);
    }
}

/* What does not fit is left out, and the answer is one all the same. */
static void many_headers_are_cut_off(void **state)
{
    (void)state;
    struct buf says = {0};
    buf_add_text(&says, "HTTP/1.1 200 OK\r\nResource-ID: 5\r\n");
    for (int i = 0; i < 500; i++) {
        buf_printf(&says, "X-Header-%d: 01234567890123456789012345678901234567890123456789\r\n", i);
    }
    buf_add_text(&says, "Content-Length: 2\r\n\r\nok");
    struct caught caught = call_saying(buf_text(&says), 0);
    assert_int_equal(caught.answer.fault, OK);
    assert_string_equal(caught.body, "ok");
    assert_string_equal(caught.id, "5");
    assert_in_range(caught.headers_len, HTTP_HEADERS_BYTES_MAX / 2, HTTP_HEADERS_BYTES_MAX);
    buf_fini(&says);
}

static void a_redirect_is_an_answer(void **state)
{
    (void)state;
    struct caught caught = call_saying(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 0);
    assert_int_equal(caught.answer.fault, OK);
    assert_int_equal(caught.answer.status, 302);
}

static void a_large_answer_is_cut_off(void **state)
{
    (void)state;
    struct caught caught = call_saying("HTTP/1.1 200 OK\r\n\r\n", 3 << 20);
    assert_int_equal(caught.answer.fault, FAULT_TOO_LARGE);
    assert_true(caught.answer.sent);
}

static void silence_is_a_timeout(void **state)
{
    (void)state;
    struct server server = {.says = NULL};
    server_open(&server);
    int64_t start_ms = clock_mono_ms();
    struct caught caught = call_server(&server, 200);
    assert_in_range(clock_mono_ms() - start_ms, 150, 1500);
    server_close(&server);
    assert_int_equal(caught.answer.fault, FAULT_TIMEOUT);
    assert_true(caught.answer.sent);
    struct verdict verdict = {0};
    verdict_http(&caught.answer, &verdict);
    assert_int_equal(verdict.kind, VERDICT_AGAIN);
    assert_true(verdict.ambiguous);
}

/* curl repeats by itself on a kept connection: ours are fresh, so that an attempt is one request. */
static void a_hang_up_is_one_request(void **state)
{
    (void)state;
    struct server server = {.hang_up = true};
    server_open(&server);
    struct caught caught = call_server(&server, 2000);
    server_close(&server);
    assert_int_equal(caught.answer.fault, FAULT_IO);
    assert_true(caught.answer.sent);
    assert_int_equal(server.connections, 1);
}

static void nobody_there_is_not_ambiguous(void **state)
{
    (void)state;
    struct server server = {.says = NULL};
    server_open(&server);
    server_close(&server);
    struct caught caught = call_server(&server, 2000);
    assert_int_equal(caught.answer.fault, FAULT_UNAVAILABLE);
    assert_false(caught.answer.sent);
}

static void what_may_not_be_called_is_refused_at_once(void **state)
{
    (void)state;
    struct http_out *http = NULL;
    zloop_t *loop = zloop_new();
    int64_t id = 0;
    assert_int_equal(http_out_new(loop, &http), OK);
    struct call call = {.method = "GET"};
    buf_add_text(&call.url, "http://example.com/");
    assert_int_equal(http_out_start(http, &call, on_done, NULL, NULL, &id), FAULT_DENIED);
    buf_reset(&call.url);
    buf_add_text(&call.url, "smtp://127.0.0.1/");
    assert_int_equal(http_out_start(http, &call, on_done, NULL, NULL, &id), FAULT_DENIED);
    call.method = "MAIL";
    buf_add_text(&call.from, "a@b.c");
    buf_add_text(&call.to, "d@e.f>\r\nRCPT TO:<x@y.z");
    assert_int_equal(http_out_start(http, &call, on_done, NULL, NULL, &id), FAULT_MALFORMED);
    call_fini(&call);
    http_out_destroy(&http);
    zloop_destroy(&loop);
}

static void calls_are_bounded_and_can_be_cancelled(void **state)
{
    (void)state;
    struct server server = {.says = NULL};
    struct caught caught = {0};
    struct http_out *http = NULL;
    zloop_t *loop = zloop_new();
    int64_t id = 0;
    server_open(&server);
    assert_int_equal(http_out_new(loop, &http), OK);
    struct call call = {.method = "GET"};
    buf_printf(&call.url, "http://127.0.0.1:%d/", server.port);
    for (int i = 0; i < HTTP_CALLS_MAX; i++) {
        assert_int_equal(http_out_start(http, &call, on_done, NULL, &caught, &id), OK);
    }
    assert_int_equal(http_out_start(http, &call, on_done, NULL, &caught, &id), FAULT_FULL);
    http_out_cancel(http, id);
    assert_int_equal(http_out_running(http), HTTP_CALLS_MAX - 1);
    call_fini(&call);
    http_out_destroy(&http);
    server_close(&server);
    zloop_destroy(&loop);
    assert_false(caught.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(headers),
        cmocka_unit_test(an_answer_comes),
        cmocka_unit_test(retry_after_is_read_and_bounded),
        cmocka_unit_test(headers_are_read),
        cmocka_unit_test(many_headers_are_cut_off),
        cmocka_unit_test(a_redirect_is_an_answer),
        cmocka_unit_test(a_large_answer_is_cut_off),
        cmocka_unit_test(silence_is_a_timeout),
        cmocka_unit_test(a_hang_up_is_one_request),
        cmocka_unit_test(nobody_there_is_not_ambiguous),
        cmocka_unit_test(what_may_not_be_called_is_refused_at_once),
        cmocka_unit_test(calls_are_bounded_and_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
