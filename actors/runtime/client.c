#include "client_core.h"

#include "clock.h"
#include "digest.h"
#include "home.h"
#include "must.h"

#include <stdlib.h>
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

int64_t client_next_request(struct client *client, enum request_kind kind)
{
    return ++client->serial << REQUEST_KIND_BITS | (int64_t)kind;
}

int64_t client_backoff_ms(unsigned tries, int64_t first, int64_t most)
{
    int64_t wait = first << (tries < 16 ? tries : 16);
    wait = wait < most ? wait : most;
    return wait / 2 + (int64_t)(random_u64() % (uint64_t)(wait / 2 + 1));
}

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

static void say_hello(struct client *client)
{
    wire_header_begin(&client->header, WIRE_HELLO, client_next_request(client, REQUEST_HELLO), 2);
    value_put_text(&client->header, client->name);
    value_put_int(&client->header, WIRE_VERSION);
    if (client_send(client, &client->header, NULL, 0)) {
        client->hello_ms = clock_mono_ms();
    }
}

static void say_beat(struct client *client, int64_t now)
{
    wire_header_begin(&client->header, WIRE_BEAT, client_next_request(client, REQUEST_BEAT), 2);
    value_put_int(&client->header, (int64_t)client->cursor);
    if (client->report.len) {
        buf_add(&client->header, client->report.bytes, client->report.len);
    } else {
        value_put_map(&client->header, 0);
    }
    (void)client_send(client, &client->header, NULL, 0);
    client->beat_ms = now;
}

static void tell_state(struct client *client)
{
    if (client->on_state) {
        client->on_state(client->state_self, client->up, client->head, client->floor);
    }
}

static void go_down(struct client *client)
{
    bool was_up = client->up;
    client->up = false;
    client->hello_ms = 0;
    if (was_up) {
        tell_state(client);
    }
}

static void welcomed(struct client *client, const struct wire_header *header)
{
    int64_t head, floor;
    if (!wire_int(header, 0, &head) || !wire_int(header, 1, &floor) || head < 0 || floor < 0) {
        return;
    }
    client->head = (uint64_t)head;
    client->floor = (uint64_t)floor;
    client->refused = OK;
    client->up = true;
    client->bell_ms = clock_mono_ms();
    publish_reconnected(client);
    calls_reconnected(client);
    tell_state(client);
}

/* [[name, connected, oldest_ms], ...] */
static void actors_told(struct client *client, struct value_cursor list)
{
    size_t count, fields, len;
    if (!value_get_array(&list, &count)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *bytes;
        char name[EVENT_NAME_BYTES_MAX + 1];
        bool connected;
        int64_t oldest_ms;
        if (!value_get_array(&list, &fields) || fields != 3 ||
            !value_get_string(&list, &bytes, &len) || len >= sizeof name ||
            !value_get_flag(&list, &connected) || !value_get_int(&list, &oldest_ms)) {
            return;
        }
        memcpy(name, bytes, len);
        name[len] = '\0';
        client->on_actors(client->actors_self, name, connected, oldest_ms);
    }
}

static void beaten(struct client *client, const struct wire_header *header)
{
    int64_t head;
    if (wire_int(header, 0, &head) && head >= 0) {
        client->head = (uint64_t)head;
        if (client->on_bell) {
            client->on_bell(client->bell_self, "heartbeat", client->head);
        }
    }
    if (header->argument_count > 1 && client->on_actors) {
        actors_told(client, header->arguments[1]);
    }
}

static void refused(struct client *client, const struct wire_header *header)
{
    char name[EVENT_NAME_BYTES_MAX + 1], detail[EVENT_NAME_BYTES_MAX + 1];
    if (!wire_text(header, 0, name, sizeof name)) {
        return;
    }
    enum fault fault = fault_from_name(name);
    fault = fault == OK ? FAULT_MALFORMED : fault;
    if (!wire_text(header, 1, client->words, sizeof client->words)) {
        snprintf(client->words, sizeof client->words, "%s", fault_words(fault));
    }
    int kind = (int)(header->request & REQUEST_KIND_MASK);
    bool stranger = wire_text(header, 2, detail, sizeof detail) && strcmp(detail, "hello") == 0;
    if (stranger || (kind == REQUEST_BEAT && fault_again(fault))) {
        /* It was restarted: what it refused goes out again after its WELCOME. */
        if (client->up) {
            go_down(client);
            say_hello(client);
        }
    } else if (kind == REQUEST_PUBLISH) {
        publish_refused(client, header->request, fault);
    } else if (kind == REQUEST_READ) {
        read_refused(client, header, fault);
    } else if (kind == REQUEST_ASK) {
        ask_refused(client, header, fault);
    } else if (kind == REQUEST_HELLO && !fault_again(fault)) {
        client->refused = fault;
        client->up = false;
        tell_state(client);
    }
}

void client_take(struct client *client, const uint8_t *header_bytes, size_t header_len,
                 const uint8_t *body, size_t len)
{
    struct wire_header header;
    if (wire_parse(header_bytes, header_len, &header) != OK) {
        return;
    }
    client->heard_ms = clock_mono_ms();
    switch (header.verb) {
    case WIRE_WELCOME:
        welcomed(client, &header);
        break;
    case WIRE_PUBLISHED:
        publish_answered(client, &header);
        break;
    case WIRE_EVENTS:
        read_answered(client, &header, body, len);
        break;
    case WIRE_BEATEN:
        beaten(client, &header);
        break;
    case WIRE_ASKED:
        question_asked(client, &header, body, len);
        break;
    case WIRE_ANSWER:
        ask_answered(client, &header, body, len);
        break;
    case WIRE_REFUSED:
        refused(client, &header);
        break;
    default: /* what only a client says */
        break;
    }
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

void client_receive(struct client *client)
{
    for (int i = 0; i < CLIENT_DRAIN_MAX && client->dealer && receive_one(client); i++) {
    }
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
            say_hello(client);
        } else if (event == ZMQ_EVENT_DISCONNECTED) {
            go_down(client);
        } else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH && value == UNKNOWN_KEY) {
            snprintf(client->words, sizeof client->words, "the broker does not know the key of %s",
                     client->name);
            client->refused = FAULT_DENIED;
            tell_state(client);
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

static void close_socket(struct client *client, zsock_t **socket)
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

static enum fault open_bell(struct client *client)
{
    close_socket(client, &client->bell);
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

static enum fault open_dealer(struct client *client)
{
    close_socket(client, &client->monitor);
    close_socket(client, &client->dealer);
    client->opened_ms = client->heard_ms = clock_mono_ms();
    client->hello_ms = 0;
    client->dealer = new_socket(client, ZMQ_DEALER);
    zsock_set_immediate(client->dealer, 1); /* queue nothing for a broker that is not there */

    char *watched = must_sprintf("inproc://client-%p-%u", (void *)client, ++client->opened);
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
        go_down(client);
        (void)open_dealer(client); /* worked before: the endpoint is sound */
        (void)open_bell(client);
    } else if (client->up && listens && now - client->bell_ms > CLIENT_BELL_SILENT_MS) {
        (void)open_bell(client);
    }
    if (!client->up && client->hello_ms && now - client->hello_ms >= WIRE_HEARTBEAT_MS) {
        say_hello(client);
    }
    if (client->up && now - client->beat_ms >= WIRE_HEARTBEAT_MS) {
        say_beat(client, now);
    }
    publish_tick(client, now);
    calls_tick(client, now);
}

static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    client_tick(self);
    return 0;
}

/* --- the object ------------------------------------------------------------------------------ */

struct client *client_alloc(void)
{
    struct client *client = must_calloc(1, sizeof *client);
    client->timer = -1;
    publish_init(client);
    return client;
}

static char **copy_topics(const char *const *topics)
{
    size_t count = 0;
    while (topics && topics[count]) {
        count++;
    }
    char **copy = topics ? must_calloc(count + 1, sizeof *copy) : NULL;
    for (size_t i = 0; i < count; i++) {
        copy[i] = must_strdup(topics[i]);
        char *star = strchr(copy[i], '*');
        if (star) { /* a subscription is a prefix */
            *star = '\0';
        }
    }
    return copy;
}

enum fault client_new(const struct client_options *options, struct client **out)
{
    struct client *client = client_alloc();
    *out = NULL;
    client->home = must_strdup(options->home);
    client->name = must_strdup(options->name);
    client->loop = options->loop;
    client->bells = options->bells;
    client->bell_topics = copy_topics(options->bell_topics);
    client->endpoint = home_endpoint(options->home, "broker");
    client->bell_endpoint = home_endpoint(options->home, "bell");
    client->tick_ms = clock_mono_ms();
    enum fault fault = home_cert(options->home, options->name, &client->cert);
    if (fault == OK) {
        fault = home_public_cert(options->home, "broker", &client->broker_cert);
    }
    if (fault == OK) {
        fault = open_dealer(client);
    }
    if (fault == OK) {
        fault = open_bell(client);
    }
    if (fault != OK) {
        client_destroy(&client);
        return fault;
    }
    if (client->loop) {
        client->timer = zloop_timer(client->loop, CLIENT_TICK_MS, 0, on_tick, client);
        MUST(client->timer >= 0);
    }
    *out = client;
    return OK;
}

void client_destroy(struct client **client_p)
{
    struct client *client = *client_p;
    if (!client) {
        return;
    }
    *client_p = NULL;
    if (client->loop && client->timer >= 0) {
        zloop_timer_end(client->loop, client->timer);
    }
    if (client->loop && client->out.flush_armed) {
        zloop_timer_end(client->loop, client->flush_timer);
    }
    close_socket(client, &client->bell);
    close_socket(client, &client->monitor);
    close_socket(client, &client->dealer);
    zcert_destroy(&client->cert);
    zcert_destroy(&client->broker_cert);
    for (char **topic = client->bell_topics; topic && *topic; topic++) {
        free(*topic);
    }
    free(client->bell_topics);
    publish_fini(client);
    calls_fini(client);
    buf_fini(&client->report);
    buf_fini(&client->header);
    buf_fini(&client->body);
    free(client->endpoint);
    free(client->bell_endpoint);
    free(client->home);
    free(client->name);
    free(client);
}

void client_on_state(struct client *client, client_state *state, void *self)
{
    client->on_state = state;
    client->state_self = self;
}

bool client_is_up(const struct client *client)
{
    return client->up;
}

enum fault client_refused(const struct client *client)
{
    return client->refused;
}

void client_report(struct client *client, uint64_t cursor, json_t *state)
{
    client->cursor = cursor;
    buf_reset(&client->report);
    value_pack(state, &client->report);
    if (client->report.len > CLIENT_REPORT_BYTES_MAX) {
        buf_reset(&client->report);
    }
    json_decref(state);
}

const char *client_words(const struct client *client)
{
    return client->words;
}
