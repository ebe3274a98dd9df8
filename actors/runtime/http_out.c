#include "http_out.h"

#include "clock.h"
#include "http_call.h"
#include "logs.h"
#include "must.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* curl's sockets and its one timer hang in an epoll set of our own; the loop polls that one
 * descriptor. */
struct http_out {
    zloop_t *loop;
    CURLM *multi;
    int epoll_fd;
    int timer_fd;
    int64_t last_id;
    size_t running;
    struct http_call *calls[HTTP_CALLS_MAX];
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *self, void *of_socket)
{
    (void)easy;
    (void)of_socket;
    struct http_out *http = self;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* gone if it was closed */
        return 0;
    }
    struct epoll_event want = {.data.fd = fd};
    want.events |= (what & CURL_POLL_IN) ? EPOLLIN : 0;
    want.events |= (what & CURL_POLL_OUT) ? EPOLLOUT : 0;
    if (epoll_ctl(http->epoll_fd, EPOLL_CTL_MOD, fd, &want) != 0 &&
        epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &want) != 0) {
        logs_errno("cannot watch a socket", NULL);
    }
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *self)
{
    (void)multi;
    struct http_out *http = self;
    struct itimerspec at = {0};
    if (timeout_ms >= 0) {
        at.it_value.tv_sec = timeout_ms / 1000;
        at.it_value.tv_nsec = timeout_ms % 1000 * 1000000 + (timeout_ms == 0);
    }
    MUST(timerfd_settime(http->timer_fd, 0, &at, NULL) == 0);
    return 0;
}

static void forget(struct http_out *http, struct http_call *call)
{
    for (size_t i = 0; i < HTTP_CALLS_MAX; i++) {
        if (http->calls[i] == call) {
            http->calls[i] = NULL;
            http->running--;
            curl_multi_remove_handle(http->multi, call->easy);
            http_call_destroy(&call);
            return;
        }
    }
    MUST(false);
}

static struct http_call *find(struct http_out *http, int64_t id)
{
    for (size_t i = 0; i < HTTP_CALLS_MAX; i++) {
        if (http->calls[i] && http->calls[i]->id == id) {
            return http->calls[i];
        }
    }
    return NULL;
}

static void finish(struct http_out *http)
{
    int left = 0;
    CURLMsg *message = NULL;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        struct http_call *call = NULL;
        MUST(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call) == CURLE_OK);
        struct answer answer;
        http_call_answer(call, message->data.result, &answer);
        call->done(call->self, &answer);
        forget(http, call);
    }
}

/* Mails that stopped before their final dot: told from here, not from within curl. */
static void tell_held(struct http_out *http)
{
    for (size_t i = 0; i < HTTP_CALLS_MAX; i++) {
        struct http_call *call = http->calls[i];
        if (call && call->held_now && !call->told) {
            call->told = true;
            call->held(call->self, call->id);
        }
    }
}

static int on_ready(zloop_t *loop, zmq_pollitem_t *item, void *self)
{
    (void)loop;
    (void)item;
    struct http_out *http = self;
    struct epoll_event ready[HTTP_CALLS_MAX];
    int count = epoll_wait(http->epoll_fd, ready, HTTP_CALLS_MAX, 0);
    int running = 0;
    for (int i = 0; i < count; i++) {
        int fd = ready[i].data.fd;
        if (fd == http->timer_fd) {
            uint64_t times = 0;
            if (read(fd, &times, sizeof times) == (ssize_t)sizeof times) {
                curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
            }
            continue;
        }
        int what = 0;
        what |= (ready[i].events & EPOLLIN) ? CURL_CSELECT_IN : 0;
        what |= (ready[i].events & EPOLLOUT) ? CURL_CSELECT_OUT : 0;
        what |= (ready[i].events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0;
        curl_multi_socket_action(http->multi, fd, what, &running);
    }
    tell_held(http);
    finish(http);
    return 0;
}

enum fault http_out_new(zloop_t *loop, struct http_out **out)
{
    static bool global = false;
    if (!global) {
        MUST(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
        global = true;
    }
    struct http_out *http = must_calloc(1, sizeof *http);
    http->loop = loop;
    http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    http->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    http->multi = curl_multi_init();
    MUST(http->multi);
    struct epoll_event timer = {.events = EPOLLIN, .data.fd = http->timer_fd};
    if (http->epoll_fd < 0 || http->timer_fd < 0 ||
        epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, http->timer_fd, &timer) != 0) {
        http_out_destroy(&http);
        return FAULT_IO;
    }
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    zmq_pollitem_t item = {.fd = http->epoll_fd, .events = ZMQ_POLLIN};
    MUST(zloop_poller(loop, &item, on_ready, http) == 0);
    zloop_poller_set_tolerant(loop, &item);
    *out = http;
    return OK;
}

void http_out_destroy(struct http_out **out)
{
    struct http_out *http = *out;
    if (!http) {
        return;
    }
    *out = NULL;
    for (size_t i = 0; i < HTTP_CALLS_MAX; i++) {
        if (http->calls[i]) {
            forget(http, http->calls[i]);
        }
    }
    curl_multi_cleanup(http->multi);
    if (http->epoll_fd >= 0) {
        zmq_pollitem_t item = {.fd = http->epoll_fd, .events = ZMQ_POLLIN};
        zloop_poller_end(http->loop, &item);
        close(http->epoll_fd);
    }
    if (http->timer_fd >= 0) {
        close(http->timer_fd);
    }
    free(http);
}

enum fault http_out_start(struct http_out *http, const struct call *wanted, http_done *done,
                          http_held *held, void *self, int64_t *id)
{
    size_t slot = 0;
    while (slot < HTTP_CALLS_MAX && http->calls[slot]) {
        slot++;
    }
    if (slot == HTTP_CALLS_MAX) {
        return FAULT_FULL;
    }
    struct http_call *call = NULL;
    enum fault fault = http_call_new(wanted, &call);
    if (fault != OK) {
        return fault;
    }
    MUST(held || !wanted->hold);
    call->done = done;
    call->held = held;
    call->self = self;
    call->id = ++http->last_id;
    http->calls[slot] = call;
    http->running++;
    *id = call->id;
    MUST(curl_multi_add_handle(http->multi, call->easy) == CURLM_OK);
    return OK;
}

void http_out_release(struct http_out *http, int64_t id)
{
    struct http_call *call = find(http, id);
    if (call && call->held_now) {
        http_call_release(call);
        /* Unpausing inside a callback is noticed at the timer's next turn. */
        on_timer(http->multi, 0, http);
    }
}

void http_out_cancel(struct http_out *http, int64_t id)
{
    struct http_call *call = find(http, id);
    if (call) {
        forget(http, call);
    }
}

size_t http_out_running(const struct http_out *http)
{
    return http->running;
}
