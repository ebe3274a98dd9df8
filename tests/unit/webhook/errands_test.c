/* errands_test.c - documents fetched once, against a server of canned bytes on the same loop. */
#include "test.h"

#include "clock.h"
#include "errands.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { DEADLINE_MS = 10000, RESUMED_MAX = 128, TAG = 7 };

struct stage {
    zloop_t *loop;
    int fd;
    int port;
    const char *says;
    size_t filler; /* bytes of 'x' behind it */
    int connections;
    struct errands *errands;
    uint64_t resumed[RESUMED_MAX];
    size_t resumed_count, resumed_wanted;
    int64_t until_ms;
};

static int on_request(zloop_t *loop, zmq_pollitem_t *item, void *self)
{
    struct stage *stage = self;
    zmq_pollitem_t polled = *item;
    char request[4096], block[1024];
    if (read(polled.fd, request, sizeof request) > 0) {
        assert_true(write(polled.fd, stage->says, strlen(stage->says)) > 0);
    }
    memset(block, 'x', sizeof block);
    for (size_t sent = 0; sent < stage->filler; sent += sizeof block) {
        (void)!send(polled.fd, block, sizeof block, MSG_NOSIGNAL);
    }
    zloop_poller_end(loop, &polled);
    close(polled.fd);
    return 0;
}

static int on_connection(zloop_t *loop, zmq_pollitem_t *item, void *self)
{
    struct stage *stage = self;
    int fd = accept(item->fd, NULL, NULL);
    assert_true(fd >= 0);
    stage->connections++;
    zmq_pollitem_t polled = {.fd = fd, .events = ZMQ_POLLIN};
    return zloop_poller(loop, &polled, on_request, stage);
}

static void on_resumed(void *self, uint64_t ticket, int tag)
{
    struct stage *stage = self;
    assert_int_equal(tag, TAG);
    assert_true(stage->resumed_count < RESUMED_MAX);
    stage->resumed[stage->resumed_count++] = ticket;
}

static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    const struct stage *stage = self;
    assert_true(clock_mono_ms() < stage->until_ms);
    return stage->resumed_count >= stage->resumed_wanted ? -1 : 0;
}

static void run_until(struct stage *stage, size_t resumed)
{
    stage->resumed_wanted = resumed;
    stage->until_ms = clock_mono_ms() + DEADLINE_MS;
    int timer = zloop_timer(stage->loop, 5, 0, on_tick, stage);
    zloop_start(stage->loop);
    zloop_timer_end(stage->loop, timer);
    assert_int_equal(stage->resumed_count, resumed);
}

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof where;
    stage->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(stage->fd, (struct sockaddr *)&where, len), 0);
    assert_int_equal(listen(stage->fd, 16), 0);
    assert_int_equal(getsockname(stage->fd, (struct sockaddr *)&where, &len), 0);
    stage->port = ntohs(where.sin_port);
    stage->loop = zloop_new();
    zmq_pollitem_t item = {.fd = stage->fd, .events = ZMQ_POLLIN};
    assert_int_equal(zloop_poller(stage->loop, &item, on_connection, stage), 0);
    assert_int_equal(errands_new(stage->loop, DEADLINE_MS, on_resumed, stage, &stage->errands), OK);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    errands_destroy(&stage->errands);
    errands_destroy(&stage->errands);
    zloop_destroy(&stage->loop);
    close(stage->fd);
    free(stage);
    return 0;
}

static enum errand ask(struct stage *stage, const char *path, uint64_t ticket,
                       struct slice *document)
{
    char url[100];
    struct slice any;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/%s", stage->port, path);
    return errands_ask(stage->errands, url, ticket, TAG, document ? document : &any);
}

static void one_call_serves_all_who_wait(void **state)
{
    struct stage *stage = *state;
    struct slice document;
    stage->says = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
    for (uint64_t ticket = 1; ticket <= 3; ticket++) {
        assert_int_equal(ask(stage, "a", ticket, NULL), ERRAND_AWAITED);
    }
    run_until(stage, 3);
    assert_int_equal(stage->resumed[0] + stage->resumed[1] + stage->resumed[2], 6);
    assert_int_equal(ask(stage, "a", 4, &document), ERRAND_THERE);
    assert_int_equal(document.len, 4);
    assert_memory_equal(document.bytes, "body", 4);
    assert_int_equal(ask(stage, "b", 5, NULL), ERRAND_AWAITED);
    run_until(stage, 4);
    assert_int_equal(stage->connections, 2);
}

static void what_failed_is_not_asked_again_at_once(void **state)
{
    struct stage *stage = *state;
    static const struct {
        const char *says;
        size_t filler;
    } rows[] = {
        {"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nbody", 0},
        {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
        {"HTTP/1.1 200 OK\r\n\r\n", ERRANDS_BYTES_MAX + 1},
        {"no HTTP at all", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[10];
        snprintf(path, sizeof path, "%zu", i);
        stage->says = rows[i].says;
        stage->filler = rows[i].filler;
        assert_int_equal(ask(stage, path, i, NULL), ERRAND_AWAITED);
        run_until(stage, i + 1);
        assert_int_equal(ask(stage, path, i, NULL), ERRAND_FAILED);
    }
    assert_int_equal(stage->connections, sizeof rows / sizeof *rows);
}

static void a_host_that_is_none_of_ours_is_not_called(void **state)
{
    struct stage *stage = *state;
    struct slice document;
    static const char *const urls[] = {"http://sns.example.com/x.pem", "file:///etc/passwd", "",
                                       "x"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        assert_int_equal(errands_ask(stage->errands, urls[i], i, TAG, &document), ERRAND_FAILED);
    }
}

static void who_comes_beyond_the_limits_is_told_so(void **state)
{
    struct stage *stage = *state;
    static const char *const paths[ERRANDS_AT_ONCE] = {"a", "b", "c", "d"};
    uint64_t ticket = 0;
    for (; ticket < ERRANDS_AT_ONCE; ticket++) {
        assert_int_equal(ask(stage, paths[ticket], ticket, NULL), ERRAND_AWAITED);
    }
    assert_int_equal(ask(stage, "one more", ticket, NULL), ERRAND_FAILED);
    for (; ticket < ERRANDS_WAITING_MAX; ticket++) {
        assert_int_equal(ask(stage, "a", ticket, NULL), ERRAND_AWAITED);
    }
    assert_int_equal(ask(stage, "a", ticket, NULL), ERRAND_FAILED);
}

static void the_oldest_of_too_many_is_forgotten(void **state)
{
    struct stage *stage = *state;
    char path[10];
    stage->says = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
    for (size_t i = 0; i <= ERRANDS_KEPT; i++) {
        snprintf(path, sizeof path, "%zu", i);
        assert_int_equal(ask(stage, path, i, NULL), ERRAND_AWAITED);
        run_until(stage, i + 1);
    }
    assert_int_equal(ask(stage, path, 1, NULL), ERRAND_THERE);
    int before = stage->connections;
    assert_int_equal(ask(stage, "0", 1, NULL), ERRAND_AWAITED);
    run_until(stage, ERRANDS_KEPT + 2);
    assert_int_equal(stage->connections, before + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_call_serves_all_who_wait),
        TEST(what_failed_is_not_asked_again_at_once),
        TEST(a_host_that_is_none_of_ours_is_not_called),
        TEST(who_comes_beyond_the_limits_is_told_so),
        TEST(the_oldest_of_too_many_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
