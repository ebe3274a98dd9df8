#include "client_core.h"

#include "clock.h"
#include "logs.h"
#include "must.h"

#include <stdlib.h>
#include <stdatomic.h>
#include <string.h>

enum {
    HANDSHAKE_MS = 3000,
    PING_MS = 2000,
    PING_TIMEOUT_MS = 6000,
    RECONNECT_MS = 50,
    RECONNECT_MS_MAX = 500,
    HIGH_WATER = 1000,
    LATE_MS = 1000 /* a tick that is this late says nothing about the broker */
};

/* --- sending and receiving ------------------------------------------------------------------- */

bool client_send(struct client *client, const struct buf *header, const void *body, size_t len)
{
    if (!client->dealer) {
        return false;
    }
    void *socket = zsock_resolve(client->dealer);
    int more = body && len ? ZMQ_SNDMORE : 0;
    int sent = zmq_send(socket, header->bytes, header->len, ZMQ_DONTWAIT | more);
    if (sent < 0) { /* a connection made just now shows only after this */
        (void)zsock_events(client->dealer);
        sent = zmq_send(socket, header->bytes, header->len, ZMQ_DONTWAIT | more);
    }
    return sent >= 0 && (!more || zmq_send(socket, body, len, ZMQ_DONTWAIT) >= 0);
}

/* One message of one or two frames; further frames are dropped. False: nothing there. */
static bool receive_one(struct client *client)
{
    void *socket = zsock_resolve(client->dealer);
    zmq_msg_t header, body, rest;
    zmq_msg_init(&header);
    if (zmq_msg_recv(&header, socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&header);
        return false;
    }
    bool two = zmq_msg_more(&header), more = two;
    zmq_msg_init(&body);
    if (two) {
        (void)zmq_msg_recv(&body, socket, ZMQ_DONTWAIT);
        more = zmq_msg_more(&body);
    }
    while (more) {
        zmq_msg_init(&rest);
        (void)zmq_msg_recv(&rest, socket, ZMQ_DONTWAIT);
        more = zmq_msg_more(&rest);
        zmq_msg_close(&rest);
    }
    client_take(client, zmq_msg_data(&header), zmq_msg_size(&header),
                two ? zmq_msg_data(&body) : NULL, two ? zmq_msg_size(&body) : 0);
    zmq_msg_close(&header);
    zmq_msg_close(&body);
    return true;
}

/* What the callbacks publish goes out at the end, without another turn of the loop. */
void client_receive(struct client *client)
{
    client->out.receiving = true;
    for (int i = 0; i < CLIENT_DRAIN_MAX && client->dealer && receive_one(client); i++) {
    }
    client->out.receiving = false;
    client_flush(client);
}

void client_receive_monitor(struct client *client)
{
    enum { MONITOR_FRAME_BYTES = 6, UNKNOWN_KEY = 400 };
    for (;;) {
        uint8_t frame[MONITOR_FRAME_BYTES];
        char address[256];
        int got = zmq_recv(zsock_resolve(client->monitor), frame, sizeof frame, ZMQ_DONTWAIT);
        if (got < 0) {
            return;
        }
        (void)zmq_recv(zsock_resolve(client->monitor), address, sizeof address, ZMQ_DONTWAIT);
        uint16_t event;
        uint32_t value;
        memcpy(&event, frame, sizeof event);
        memcpy(&value, frame + sizeof event, sizeof value);
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            client_say_hello(client);
        } else if (event == ZMQ_EVENT_DISCONNECTED) {
            client_go_down(client);
        } else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH && value == UNKNOWN_KEY) {
            snprintf(client->words, sizeof client->words, "the broker does not know the key of %s",
                     client->name);
            client->refused = FAULT_DENIED;
            client_tell_state(client);
        }
    }
}

static void receive_bells(struct client *client)
{
    uint8_t frame[EVENT_NAME_BYTES_MAX + 16];
    for (int i = 0; i < CLIENT_DRAIN_MAX && client->bell; i++) {
        int got = zmq_recv(zsock_resolve(client->bell), frame, sizeof frame, ZMQ_DONTWAIT);
        if (got < 0) {
            return;
        }
        client->bell_ms = clock_mono_ms();
        client_take_bell(client, frame, (size_t)got < sizeof frame ? (size_t)got : sizeof frame);
    }
}

/* --- sockets --------------------------------------------------------------------------------- */

/* The loop shows a socket that was closed in the same turn once more: compare, do not touch. */
static int on_readable(zloop_t *loop, zsock_t *socket, void *self)
{
    (void)loop;
    struct client *client = self;
    if (socket == client->dealer) {
        client_receive(client);
    } else if (socket == client->monitor) {
        client_receive_monitor(client);
    } else if (socket == client->bell) {
        receive_bells(client);
    }
    return 0;
}

static void watch(struct client *client, zsock_t *socket)
{
    if (client->loop) {
        MUST(zloop_reader(client->loop, socket, on_readable, client) == 0);
        zloop_reader_set_tolerant(client->loop, socket);
    }
}

void client_close_socket(struct client *client, zsock_t **socket)
{
    if (*socket && client->loop) {
        zloop_reader_end(client->loop, *socket);
    }
    zsock_destroy(socket);
}

static zsock_t *new_socket(struct client *client, int type)
{
    zsock_t *socket = zsock_new(type);
    MUST(socket);
    zsock_set_linger(socket, 0);
    zsock_set_maxmsgsize(socket, WIRE_MESSAGE_BYTES_MAX);
    zsock_set_sndhwm(socket, HIGH_WATER);
    zsock_set_rcvhwm(socket, HIGH_WATER);
    zsock_set_handshake_ivl(socket, HANDSHAKE_MS);
    zsock_set_heartbeat_ivl(socket, PING_MS);
    zsock_set_heartbeat_timeout(socket, PING_TIMEOUT_MS);
    zsock_set_heartbeat_ttl(socket, PING_TIMEOUT_MS);
    zsock_set_reconnect_ivl(socket, RECONNECT_MS);
    zsock_set_reconnect_ivl_max(socket, RECONNECT_MS_MAX);
    zcert_apply(client->cert, socket);
    zsock_set_curve_serverkey(socket, zcert_public_txt(client->broker_cert));
    return socket;
}

enum fault client_open_bell(struct client *client)
{
    client_close_socket(client, &client->bell);
    client->bell_ms = clock_mono_ms();
    if (!client->bells) {
        return OK;
    }
    client->bell = new_socket(client, ZMQ_SUB);
    if (!client->bell_topics) {
        zsock_set_subscribe(client->bell, "");
    } else {
        zsock_set_subscribe(client->bell, "heartbeat");
    }
    for (char **topic = client->bell_topics; topic && *topic; topic++) {
        zsock_set_subscribe(client->bell, *topic);
    }
    if (zsock_connect(client->bell, "%s", client->bell_endpoint) != 0) {
        return FAULT_CONFIG;
    }
    watch(client, client->bell);
    return OK;
}

enum fault client_open_dealer(struct client *client)
{
    client_close_socket(client, &client->monitor);
    client_close_socket(client, &client->dealer);
    client->opened_ms = client->heard_ms = clock_mono_ms();
    client->hello_ms = 0;
    client->dealer = new_socket(client, ZMQ_DEALER);
    zsock_set_immediate(client->dealer, 1); /* queue nothing for a broker that is not there */

    /* Sockets close behind our back: a name is never used twice, not even by a later client that
     * got the same memory. */
    static atomic_ullong opened;
    char *watched = must_sprintf("inproc://client-%llu", atomic_fetch_add(&opened, 1));
    client->monitor = zsock_new(ZMQ_PAIR);
    MUST(client->monitor);
    MUST(zmq_socket_monitor(zsock_resolve(client->dealer), watched,
                            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                                ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == 0);
    MUST(zsock_connect(client->monitor, "%s", watched) == 0);
    free(watched);
    if (zsock_connect(client->dealer, "%s", client->endpoint) != 0) {
        return FAULT_CONFIG;
    }
    watch(client, client->dealer);
    watch(client, client->monitor);
    return OK;
}

/* --- time ------------------------------------------------------------------------------------ */

/* It worked before, so it will again: the next tick that finds silence tries once more. */
static void reopen(struct client *client, enum fault (*open)(struct client *))
{
    enum fault fault = open(client);
    if (fault != OK) {
        logs_write(LOGS_WARN, "no new connection", "fault", fault_name(fault), NULL);
    }
}

void client_tick(struct client *client)
{
    int64_t now = clock_mono_ms();
    if (now - client->tick_ms > LATE_MS) { /* we were away, not the broker */
        client->heard_ms = client->bell_ms = now;
    }
    client->tick_ms = now;
    int64_t silent = now - client->heard_ms;
    bool listens = client->bells && (client->loop || client->bell_waits);
    if ((client->up && silent > CLIENT_BEATS_MISSED_MAX * WIRE_HEARTBEAT_MS + CLIENT_TICK_MS) ||
        (!client->up && now - client->opened_ms > CLIENT_REOPEN_MS)) {
        client_go_down(client);
        reopen(client, client_open_dealer);
        reopen(client, client_open_bell);
    } else if (client->up && listens && now - client->bell_ms > CLIENT_BELL_SILENT_MS) {
        reopen(client, client_open_bell);
    }
    if (!client->up && now - client->hello_ms >= WIRE_HEARTBEAT_MS) {
        client_say_hello(client);
    }
    if (client->up && now - client->beat_ms >= WIRE_HEARTBEAT_MS) {
        client_say_beat(client, now);
    }
    publish_tick(client, now);
    calls_tick(client, now);
    asks_tick(client, now);
}
