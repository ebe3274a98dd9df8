#include "door.h"

#include "auth.h"
#include "clock.h"
#include "doorbell.h"
#include "home.h"
#include "logs.h"
#include "must.h"
#include "ready.h"
#include "server.h"
#include "wire.h"
#include "zap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

struct door {
    void *context;
    void *router;
    void *bell;
    struct zap *zap;
    struct auth *auth;
    struct server *server;
    struct journal *journal;
    int signals;
    int64_t next_tick_ms, next_beat_ms, next_keys_ms;
};

/* --- sockets ---------------------------------------------------------------------------------- */

static void set_int(void *socket, int option, int value)
{
    MUST(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void *new_socket(void *context, int type, int64_t message_bytes_max, zcert_t *cert)
{
    void *socket = zmq_socket(context, type);
    MUST(socket);
    set_int(socket, ZMQ_LINGER, 0);
    set_int(socket, ZMQ_HANDSHAKE_IVL, DOOR_HANDSHAKE_MS);
    set_int(socket, ZMQ_HEARTBEAT_IVL, DOOR_PING_MS);
    set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, DOOR_PING_TIMEOUT_MS);
    set_int(socket, ZMQ_HEARTBEAT_TTL, DOOR_PING_TIMEOUT_MS);
    set_int(socket, ZMQ_BACKLOG, DOOR_BACKLOG);
    set_int(socket, ZMQ_CURVE_SERVER, 1);
    MUST(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_bytes_max, sizeof message_bytes_max) == 0);
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, zcert_secret_key(cert), 32) == 0);
    MUST(zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) == 0);
    return socket;
}

static enum fault bind_to(void *socket, const char *home, const char *name, struct buf *why)
{
    char *endpoint = home_endpoint(home, name);
    enum fault fault = OK;
    if (zmq_bind(socket, endpoint) != 0) {
        buf_printf(why, "cannot bind %s: %s", endpoint, zmq_strerror(errno));
        fault = errno == EADDRINUSE ? FAULT_BUSY : FAULT_CONFIG;
    } else {
        logs_write(LOGS_INFO, "listening", "socket", name, "endpoint", endpoint, NULL);
    }
    free(endpoint);
    return fault;
}

static enum fault open_sockets(struct door *door, const char *home, struct buf *why)
{
    zcert_t *cert = NULL;
    enum fault fault = home_cert(home, "broker", &cert);
    if (fault != OK) {
        buf_printf(why, "keys/broker.key: %s", fault_words(fault));
        return fault == FAULT_NOT_FOUND ? FAULT_CONFIG : fault;
    }
    fault = zap_open(door->context, door->auth, &door->zap);
    MUST(fault == OK); /* the context is ours alone */
    door->router = new_socket(door->context, ZMQ_ROUTER, WIRE_MESSAGE_BYTES_MAX, cert);
    set_int(door->router, ZMQ_ROUTER_MANDATORY, 1);
    set_int(door->router, ZMQ_SNDHWM, DOOR_SEND_HWM);
    set_int(door->router, ZMQ_RCVHWM, DOOR_RECEIVE_HWM);
    door->bell = new_socket(door->context, ZMQ_PUB, DOOR_BELL_BYTES_MAX, cert);
    set_int(door->bell, ZMQ_SNDHWM, DOOR_BELL_HWM);
    zcert_destroy(&cert);
    char *run = home_path(home, "run");
    fault = home_folder(run);
    free(run);
    if (fault != OK) {
        buf_printf(why, "%s/run: %s", home, fault_words(fault));
        return fault;
    }
    fault = bind_to(door->router, home, "broker", why);
    return fault != OK ? fault : bind_to(door->bell, home, "bell", why);
}

/* --- what the server asks for ----------------------------------------------------------------- */

static enum fault send_message(void *self, struct slice route, const struct buf *header,
                               struct slice body)
{
    void *router = ((struct door *)self)->router;
    if (zmq_send(router, route.bytes, route.len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        return errno == EAGAIN ? FAULT_FULL : FAULT_UNAVAILABLE;
    }
    int more = body.len ? ZMQ_SNDMORE : 0;
    if (zmq_send(router, header->bytes, header->len, ZMQ_DONTWAIT | more) < 0 ||
        (more && zmq_send(router, body.bytes, body.len, ZMQ_DONTWAIT) < 0)) {
        return FAULT_UNAVAILABLE;
    }
    return OK;
}

static void ring_bell(void *self, const char *type, uint64_t seq)
{
    uint8_t frame[DOORBELL_BYTES_MAX];
    size_t len = doorbell_frame(type, seq, frame);
    (void)zmq_send(((struct door *)self)->bell, frame, len, ZMQ_DONTWAIT);
}

static bool is_allowed(void *self, const char *user)
{
    return auth_holds(((struct door *)self)->auth, user);
}

/* --- open and close --------------------------------------------------------------------------- */

static void watch_signals(struct door *door)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    door->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    MUST(door->signals >= 0);
}

enum fault door_open(const char *home, struct journal *journal, struct door **out, struct buf *why)
{
    struct door *door = must_calloc(1, sizeof *door);
    door->journal = journal;
    watch_signals(door);
    door->auth = auth_new(home);
    door->context = zmq_ctx_new();
    MUST(door->context);
    door->server = server_new(&(struct server_options){.journal = journal,
                                                       .self = door,
                                                       .send = send_message,
                                                       .ring = ring_bell,
                                                       .allowed = is_allowed},
                              clock_mono_ms());
    enum fault fault = open_sockets(door, home, why);
    if (fault != OK) {
        door_close(&door);
        return fault;
    }
    *out = door;
    return OK;
}

void door_close(struct door **door_ref)
{
    struct door *door = *door_ref;
    if (!door) {
        return;
    }
    if (door->router) {
        zmq_close(door->router);
    }
    if (door->bell) {
        zmq_close(door->bell);
    }
    zap_close(&door->zap);
    zmq_ctx_term(door->context);
    server_destroy(&door->server);
    auth_destroy(&door->auth);
    close(door->signals);
    free(door);
    *door_ref = NULL;
}

/* --- receiving -------------------------------------------------------------------------------- */

struct parts {
    zmq_msg_t route, header, body;
};

/* Receives the rest of a message into `parts`; returns the number of frames behind the route. */
static size_t receive_frames(void *router, struct parts *parts)
{
    size_t frames = 0;
    bool more = zmq_msg_more(&parts->route);
    while (more) {
        zmq_msg_t extra, *to = frames == 0 ? &parts->header : frames == 1 ? &parts->body : &extra;
        if (to == &extra) {
            zmq_msg_init(&extra);
        }
        if (zmq_msg_recv(to, router, ZMQ_DONTWAIT) < 0) {
            break; /* cannot be: a message arrives as a whole */
        }
        more = zmq_msg_more(to);
        frames++;
        if (to == &extra) {
            zmq_msg_close(&extra);
        }
    }
    return frames;
}

static struct slice slice_of(zmq_msg_t *message)
{
    return (struct slice){zmq_msg_data(message), zmq_msg_size(message)};
}

/* One message to the server; *any is false when there was none. */
static enum fault take_one(struct door *door, struct parts *parts, int64_t now_ms, bool *any)
{
    *any = zmq_msg_recv(&parts->route, door->router, ZMQ_DONTWAIT) >= 0;
    if (!*any) {
        return OK;
    }
    size_t frames = receive_frames(door->router, parts);
    const char *user = frames ? zmq_msg_gets(&parts->header, "User-Id") : NULL;
    struct server_message message = {
        .route = slice_of(&parts->route),
        .user = user ? user : "",
        .header = frames ? slice_of(&parts->header) : (struct slice){0},
        .body = frames > 1 ? slice_of(&parts->body) : (struct slice){0},
        .frames = frames,
    };
    return server_take(door->server, &message, now_ms);
}

/* All that has arrived, up to a full batch. */
static enum fault take_all(struct door *door, int64_t now_ms)
{
    struct parts parts;
    enum fault fault = OK;
    bool any = true;
    zmq_msg_init(&parts.route);
    zmq_msg_init(&parts.header);
    zmq_msg_init(&parts.body);
    for (int i = 0; i < JOURNAL_BATCH_EVENTS_MAX && any && fault == OK; i++) {
        if (server_batch_full(door->server)) {
            break;
        }
        fault = take_one(door, &parts, now_ms, &any);
    }
    zmq_msg_close(&parts.route);
    zmq_msg_close(&parts.header);
    zmq_msg_close(&parts.body);
    return fault;
}

/* --- the loop --------------------------------------------------------------------------------- */

static enum fault tick(struct door *door, int64_t now_ms)
{
    if (now_ms >= door->next_beat_ms) {
        ring_bell(door, DOORBELL_HEARTBEAT, server_head(door->server));
        door->next_beat_ms = now_ms + WIRE_HEARTBEAT_MS;
        ready_watchdog();
    }
    if (now_ms >= door->next_keys_ms) {
        door->next_keys_ms = now_ms + DOOR_KEYS_MS;
        if (auth_refresh(door->auth)) {
            server_keys_changed(door->server);
        }
    }
    if (now_ms < door->next_tick_ms) {
        return OK;
    }
    door->next_tick_ms = now_ms + SERVER_TICK_MS;
    server_tick(door->server, now_ms);
    enum fault fault = journal_tend(door->journal);
    if (fault != OK && fault != FAULT_IO) { /* no room, say: the next append will tell */
        logs_write(LOGS_WARN, "tending the journal", "fault", fault_name(fault), NULL);
        fault = OK;
    }
    return fault;
}

static void serve_handshakes(struct door *door)
{
    if (auth_refresh(door->auth)) {
        server_keys_changed(door->server);
    }
    zap_serve(door->zap);
}

enum fault door_run(struct door *door)
{
    zmq_pollitem_t items[] = {
        {.socket = door->router, .events = ZMQ_POLLIN},
        {.socket = zap_socket(door->zap), .events = ZMQ_POLLIN},
        {.fd = door->signals, .events = ZMQ_POLLIN},
    };
    enum fault fault = OK;
    ready_notify();
    while (fault == OK) {
        int64_t now_ms = clock_mono_ms();
        int64_t wait_ms = server_busy(door->server) ? 0 : door->next_tick_ms - now_ms;
        if (zmq_poll(items, 3, wait_ms > 0 ? wait_ms : 0) < 0 && errno != EINTR) {
            return FAULT_IO;
        }
        if (items[2].revents) {
            break;
        }
        if (items[1].revents) {
            serve_handshakes(door);
        }
        now_ms = clock_mono_ms();
        if (items[0].revents) {
            fault = take_all(door, now_ms);
        }
        if (fault == OK) {
            fault = server_commit(door->server, now_ms);
        }
        if (fault == OK) {
            fault = tick(door, now_ms);
        }
    }
    ready_stopping();
    return fault;
}
