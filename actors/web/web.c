#include "web_core.h"

#include "clock.h"
#include "logs.h"
#include "must.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    POOL_BYTES = 16 * 1024, /* a head that does not fit gets 431 */
    BACKLOG = 1024,
    SWEEP_MS = 250,
    RUNS_PER_TURN = 16,
    COMPLAIN_MS = 10000,
    RATE_GRACE_MS = 2000,
    CLOSE_RUNS = 50,
    DESCRIPTORS_OF_OTHERS = 128,
    LISTEN_CHARS_MAX = 300
};

void web_note_refused(struct web *web, const char *path, const char *reason)
{
    if (web->options.refused) {
        web->options.refused(web->options.self, path, reason);
    }
}

/* --- connections ----------------------------------------------------------------------------- */

static enum MHD_Result on_accept(void *self, const struct sockaddr *peer, socklen_t len)
{
    (void)len;
    struct web *web = self;
    struct address address;
    if (!address_of(peer, &address) || networks_have(&web->trusted, &address)) {
        return MHD_YES;
    }
    size_t same = 0;
    for (struct connection *c = web->connections; c; c = c->next) {
        same += address_same(&c->peer, &address);
    }
    if (same >= web->options.limits.connections_per_address_max) {
        web_note_refused(web, "", "address_limit");
        return MHD_NO;
    }
    return MHD_YES;
}

static struct connection *connection_new(struct web *web, struct MHD_Connection *mhd)
{
    struct connection *connection = must_calloc(1, sizeof *connection);
    connection->web = web;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info && info->client_addr) {
        (void)address_of(info->client_addr, &connection->peer);
        connection->trusted = networks_have(&web->trusted, &connection->peer);
    }
    connection->phase = PHASE_IDLE;
    connection->deadline_ms = clock_mono_ms() + web->options.limits.head_ms;
    connection->next = web->connections;
    if (connection->next) {
        connection->next->previous = connection;
    }
    web->connections = connection;
    web->connection_count++;
    return connection;
}

static void connection_free(struct connection *connection)
{
    struct web *web = connection->web;
    if (connection->next) {
        connection->next->previous = connection->previous;
    }
    if (connection->previous) {
        connection->previous->next = connection->next;
    } else {
        web->connections = connection->next;
    }
    web->connection_count--;
    if (connection->stream) {
        connection->stream->connection = NULL;
    }
    buf_fini(&connection->target);
    free(connection);
}

static void on_connection(void *self, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = connection_new(self, mhd);
    } else if (*context) {
        connection_free(*context);
        *context = NULL;
    }
}

/* The library shows a path only after it has unescaped it. */
static void keep_target(struct connection *connection, const char *uri)
{
    size_t chars = uri ? strcspn(uri, "?") : 0;
    connection->target_long = chars > PATH_BYTES_MAX;
    buf_reset(&connection->target);
    if (chars && !connection->target_long) {
        buf_add(&connection->target, uri, chars);
    }
    (void)buf_text(&connection->target);
}

/* Called with the request line, before the headers: from here on the head has its own deadline. */
static void *on_request_line(void *self, const char *uri, struct MHD_Connection *mhd)
{
    struct web *web = self;
    struct connection *connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (connection) {
        keep_target(connection, uri);
    }
    if (connection && connection->phase == PHASE_IDLE) {
        connection->phase = PHASE_HEAD;
        connection->deadline_ms = clock_mono_ms() + web->options.limits.head_ms;
    }
    return NULL;
}

/* MHD writes a line for every bad request; one in ten seconds is enough, with the number. */
static void on_complaint(void *self, const char *format, va_list args)
{
    struct web *web = self;
    if (web->quiet) {
        return;
    }
    web->complaints++;
    int64_t now = clock_mono_ms();
    if (web->complained_ms && now - web->complained_ms < COMPLAIN_MS) {
        return;
    }
    char words[200], count[24];
    vsnprintf(words, sizeof words, format, args);
    words[strcspn(words, "\r\n")] = '\0';
    snprintf(count, sizeof count, "%zu", web->complaints);
    logs_write(LOGS_WARN, "http server", "says", words, "times", count, NULL);
    web->complained_ms = now;
    web->complaints = 0;
}

/* --- the loop -------------------------------------------------------------------------------- */

static int on_again(zloop_t *loop, int timer, void *self);

/* MHD's epoll is edge-triggered inside: whatever it has read and not yet worked on shows only in
 * MHD_get_timeout, so that it is asked after every run. */
static void turn(struct web *web)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 1;
    for (int i = 0; i < RUNS_PER_TURN; i++) {
        MHD_run(web->daemon);
        if (MHD_get_timeout(web->daemon, &timeout_ms) != MHD_YES) {
            timeout_ms = SWEEP_MS;
        }
        if (timeout_ms > 0) {
            break;
        }
    }
    if (web->options.turned) {
        web->options.turned(web->options.self);
    }
    if (timeout_ms == 0) {
        web_run_again(web);
    }
}

void web_run_again(struct web *web)
{
    if (web->again_timer < 0) {
        web->again_timer = zloop_timer(web->options.loop, 0, 1, on_again, web);
    }
}

static int on_again(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    struct web *web = self;
    web->again_timer = -1;
    turn(web);
    return 0;
}

static int on_ready(zloop_t *loop, zmq_pollitem_t *item, void *self)
{
    (void)loop;
    (void)item;
    turn(self);
    return 0;
}

static bool is_too_slow(const struct connection *connection, int64_t now)
{
    if (connection->phase != PHASE_BODY) {
        return false;
    }
    int64_t lasted_ms = now - connection->body_since_ms - RATE_GRACE_MS;
    size_t rate = connection->web->options.limits.body_bytes_s_min;
    return lasted_ms > 0 && connection->body_bytes < (size_t)lasted_ms * rate / 1000;
}

static void end_connection(struct connection *connection)
{
    static const char *const reasons[] = {
        [PHASE_HEAD] = "slow_head",
        [PHASE_BODY] = "slow_body",
        [PHASE_SEND] = "slow_reader",
        [PHASE_STREAM] = "slow_reader",
    };
    if (connection->phase != PHASE_IDLE) {
        const char *path = connection->request ? connection->request->path : "";
        web_note_refused(connection->web, path, reasons[connection->phase]);
    }
    connection->shut = true;
    if (connection->phase == PHASE_STREAM) {
        stream_cut(connection->stream);
    } else {
        shutdown(connection->fd, SHUT_RDWR); /* MHD sees the end of it and cleans up */
    }
}

static int on_sweep(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    struct web *web = self;
    int64_t now = clock_mono_ms();
    for (struct connection *c = web->connections; c; c = c->next) {
        struct web_request *request = c->request;
        if (!c->shut && c->phase == PHASE_STREAM && stream_is_gone(c->stream)) {
            c->shut = true;
            stream_cut(c->stream);
        }
        if (c->shut || (now < c->deadline_ms && !is_too_slow(c, now))) {
            continue;
        }
        if (c->phase != PHASE_ANSWER) {
            end_connection(c);
        } else if (request && request->suspended) {
            web_note_refused(web, request->path, "late");
            web_problem(request, 503, "not now", RETRY_AFTER_S);
        }
    }
    turn(web);
    return 0;
}

/* --- opening and closing --------------------------------------------------------------------- */

/* Splits "host:port" or "[host]:port". */
static bool split_listen(const char *listen, char *host, size_t room, const char **port)
{
    const char *colon = strrchr(listen, ':');
    if (!colon || colon[1] == '\0') {
        return false;
    }
    const char *start = listen, *end = colon;
    if (*start == '[' && end > start && end[-1] == ']') {
        start++;
        end--;
    }
    if (end <= start || (size_t)(end - start) >= room) {
        return false;
    }
    snprintf(host, room, "%.*s", (int)(end - start), start);
    *port = colon + 1;
    return true;
}

static enum fault bind_socket(const struct addrinfo *info, int *out)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fault_from_errno(errno);
    }
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        enum fault fault = errno == EADDRINUSE ? FAULT_BUSY : fault_from_errno(errno);
        close(fd);
        return fault;
    }
    *out = fd;
    return OK;
}

static enum fault open_socket(const char *listen, int *fd, int *port)
{
    char host[LISTEN_CHARS_MAX];
    const char *service;
    struct addrinfo *found = NULL;
    *fd = -1;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    if (!split_listen(listen, host, sizeof host, &service) ||
        getaddrinfo(host, service, &hints, &found) != 0) {
        return FAULT_CONFIG;
    }
    enum fault fault = bind_socket(found, fd);
    freeaddrinfo(found);
    if (fault == OK) {
        union {
            struct sockaddr any;
            struct sockaddr_in v4;
            struct sockaddr_in6 v6;
        } bound = {.v6 = {0}};
        socklen_t len = sizeof bound;
        MUST(getsockname(*fd, &bound.any, &len) == 0);
        *port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
    }
    return fault;
}

static bool start_daemon(struct web *web, int fd)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    web->daemon = MHD_start_daemon(
        flags, 0, on_accept, web, web_on_access, web, MHD_OPTION_EXTERNAL_LOGGER, on_complaint, web,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)web->options.limits.connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)POOL_BYTES, MHD_OPTION_NOTIFY_CONNECTION, on_connection, web,
        MHD_OPTION_NOTIFY_COMPLETED, web_on_completed, web, MHD_OPTION_URI_LOG_CALLBACK,
        on_request_line, web, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    return web->daemon != NULL;
}

/* Every connection is a descriptor, and running out of them hurts whoever opens the next file. So
 * the limit is raised as far as it goes, and the connections have to fit below it. */
static size_t connections_that_fit(size_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    rlim_t needed = wanted + DESCRIPTORS_OF_OTHERS;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed) {
        return wanted;
    }
    logs_write(LOGS_WARN, "fewer connections than configured: too few open files are allowed",
               NULL);
    return limit.rlim_cur > DESCRIPTORS_OF_OTHERS ? limit.rlim_cur - DESCRIPTORS_OF_OTHERS : 1;
}

static struct web_route *copy_routes(const struct web_route *routes)
{
    size_t count = 0;
    while (routes[count].method) {
        count++;
    }
    struct web_route *copy = must_calloc(count + 1, sizeof *copy);
    memcpy(copy, routes, count * sizeof *copy);
    return copy;
}

enum fault web_open(const struct web_options *options, struct web **out)
{
    *out = NULL;
    struct web *web = must_calloc(1, sizeof *web);
    web->options = *options;
    web->options.routes = web->routes = copy_routes(options->routes);
    web->options.limits.connections_max = connections_that_fit(options->limits.connections_max);
    web->again_timer = -1;
    int fd = -1;
    enum fault fault = networks_parse(options->trusted_proxies, &web->trusted)
                           ? open_socket(options->listen, &fd, &web->port)
                           : FAULT_CONFIG;
    if (fault == OK && !start_daemon(web, fd)) {
        close(fd);
        fault = FAULT_IO;
    }
    if (fault != OK) {
        free(web->routes);
        free(web);
        return fault;
    }
    signal(SIGPIPE, SIG_IGN);
    web->epoll_fd = MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    zmq_pollitem_t item = {.fd = web->epoll_fd, .events = ZMQ_POLLIN};
    MUST(zloop_poller(options->loop, &item, on_ready, web) == 0);
    zloop_poller_set_tolerant(options->loop, &item);
    web->sweep_timer = zloop_timer(options->loop, SWEEP_MS, 0, on_sweep, web);
    *out = web;
    return OK;
}

void web_close(struct web **web)
{
    struct web *self = *web;
    if (!self) {
        return;
    }
    self->closing = true;
    for (struct connection *c = self->connections; c; c = c->next) {
        if (c->request && c->request->suspended) {
            web_problem(c->request, 503, "not now", RETRY_AFTER_S);
        }
    }
    streams_close(self);
    for (int i = 0; i < CLOSE_RUNS; i++) { /* what is answered leaves, as far as it goes at once */
        MHD_UNSIGNED_LONG_LONG timeout_ms;
        MHD_run(self->daemon);
        if (MHD_get_timeout(self->daemon, &timeout_ms) != MHD_YES || timeout_ms > 0) {
            break;
        }
    }
    zmq_pollitem_t item = {.fd = self->epoll_fd, .events = ZMQ_POLLIN};
    zloop_poller_end(self->options.loop, &item);
    zloop_timer_end(self->options.loop, self->sweep_timer);
    if (self->again_timer >= 0) {
        zloop_timer_end(self->options.loop, self->again_timer);
    }
    MHD_stop_daemon(self->daemon);
    web_requests_fini(self);
    free(self->routes);
    free(self);
    *web = NULL;
}

bool web_are_networks(const char *text)
{
    struct networks networks;
    return networks_parse(text, &networks);
}

int web_port(const struct web *web)
{
    return web->port;
}

size_t web_connections(const struct web *web)
{
    return web->connection_count;
}
