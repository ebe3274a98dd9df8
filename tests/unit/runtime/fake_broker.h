/* fake_broker.h - a broker for the client's tests: the protocol without disk, rights or speed, with
 * faults to order. Serves one message at a time, so that a test decides what happens in between. */
#ifndef USHER_FAKE_BROKER_H
#define USHER_FAKE_BROKER_H

#include "clock.h"
#include "digest.h"
#include "events.h"
#include "home.h"
#include "must.h"
#include "wire.h"

#include <czmq.h>
#include <stdlib.h>
#include <string.h>

enum { FAKE_EVENTS_MAX = 20000, FAKE_PEERS_MAX = 16, FAKE_ID_BYTES = 5 };

struct fake_event {
    char id[EVENT_ID_BYTES_MAX + 1];
    struct buf bytes;
};

struct fake_broker {
    char home[256];
    zcert_t *cert;
    zsock_t *router, *pub;
    struct fake_event *events;
    size_t count;
    uint8_t greeted[FAKE_PEERS_MAX][FAKE_ID_BYTES];
    size_t greeted_count;
    uint8_t peer[FAKE_ID_BYTES]; /* who spoke last */
    /* orders */
    int mute; /* say nothing to so many messages */
    int forget_reads;
    int forget_answers; /* of PUBLISH: keep the events, say nothing */
    int answer_twice;   /* of PUBLISH */
    int refuse_times;   /* PUBLISH and READ */
    enum fault refuse_with;
    const char *poison_id; /* a PUBLISH with it is refused for good */
    enum fault refuse_hello;
    bool refuse_ask;
    size_t answer_bytes; /* of ASK: a text so long, instead of the echo */
    int forget_asks;
    /* what was seen */
    int hellos, publishes, reads, beats, asks;
    int64_t last_cursor;
    json_t *reply; /* of the last REPLY */
    char reply_fault[32];
};

static inline void fake_bind(struct fake_broker *fake)
{
    fake->router = zsock_new(ZMQ_ROUTER);
    fake->pub = zsock_new(ZMQ_PUB);
    zsock_t *sockets[] = {fake->router, fake->pub};
    const char *names[] = {"broker", "bell"};
    for (int i = 0; i < 2; i++) {
        zsock_set_linger(sockets[i], 0);
        zsock_set_curve_server(sockets[i], 1);
        zcert_apply(fake->cert, sockets[i]);
        char *endpoint = home_endpoint(fake->home, names[i]);
        MUST(zsock_bind(sockets[i], "%s", endpoint) >= 0);
        free(endpoint);
    }
}

/* As a crash and a restart: the events stay, the peers are forgotten. */
static inline void fake_stop(struct fake_broker *fake)
{
    zsock_destroy(&fake->router);
    zsock_destroy(&fake->pub);
    fake->greeted_count = 0;
}

static inline void fake_open(struct fake_broker *fake)
{
    *fake = (struct fake_broker){0};
    snprintf(fake->home, sizeof fake->home, "/tmp/usher-fake-XXXXXX");
    MUST(mkdtemp(fake->home));
    MUST(home_make_cert(fake->home, "broker") == OK && home_make_cert(fake->home, "crm") == OK);
    MUST(home_cert(fake->home, "broker", &fake->cert) == OK);
    char *run = home_path(fake->home, "run");
    MUST(home_folder(run) == OK);
    free(run);
    fake->events = must_calloc(FAKE_EVENTS_MAX, sizeof *fake->events);
    fake_bind(fake);
}

static inline void fake_close(struct fake_broker *fake)
{
    fake_stop(fake);
    zcert_destroy(&fake->cert);
    for (size_t i = 0; i < fake->count; i++) {
        buf_fini(&fake->events[i].bytes);
    }
    free(fake->events);
    json_decref(fake->reply);
    char *command = must_sprintf("rm -rf '%s'", fake->home);
    MUST(system(command) == 0);
    free(command);
}

static inline void fake_send(struct fake_broker *fake, const struct buf *header,
                             const struct buf *body)
{
    void *socket = zsock_resolve(fake->router);
    zmq_send(socket, fake->peer, FAKE_ID_BYTES, ZMQ_SNDMORE);
    zmq_send(socket, header->bytes, header->len, body ? ZMQ_SNDMORE : 0);
    if (body) {
        zmq_send(socket, body->bytes, body->len, 0);
    }
}

static inline void fake_refuse(struct fake_broker *fake, int64_t request, enum fault fault,
                               const char *words, const char *detail)
{
    struct buf header = {0};
    wire_header_begin(&header, WIRE_REFUSED, request, detail ? 3 : 2);
    value_put_text(&header, fault_name(fault));
    value_put_text(&header, words);
    if (detail) {
        value_put_text(&header, detail);
    }
    fake_send(fake, &header, NULL);
    buf_fini(&header);
}

static inline void fake_ring(struct fake_broker *fake, const char *type, uint64_t seq)
{
    struct buf frame = {0};
    buf_add(&frame, type, strlen(type) + 1);
    for (int shift = 56; shift >= 0; shift -= 8) {
        uint8_t byte = (uint8_t)(seq >> shift);
        buf_add(&frame, &byte, 1);
    }
    zmq_send(zsock_resolve(fake->pub), frame.bytes, frame.len, ZMQ_DONTWAIT);
    buf_fini(&frame);
}

static inline size_t fake_keep(struct fake_broker *fake, const uint8_t *bytes, size_t len,
                               bool *duplicate)
{
    struct event event;
    MUST(event_parse(bytes, len, &event) == OK);
    for (size_t i = 0; i < fake->count; i++) {
        if (strcmp(fake->events[i].id, event.id) == 0) {
            *duplicate = true;
            return i + 1;
        }
    }
    MUST(fake->count < FAKE_EVENTS_MAX);
    *duplicate = false;
    snprintf(fake->events[fake->count].id, sizeof fake->events[0].id, "%s", event.id);
    buf_add(&fake->events[fake->count].bytes, bytes, len);
    fake->count++;
    fake_ring(fake, event.type, fake->count);
    return fake->count;
}

static inline void fake_publish(struct fake_broker *fake, const struct wire_header *header,
                                const uint8_t *body, size_t len)
{
    struct buf out = {0}, duplicates = {0};
    int64_t count = 0;
    MUST(wire_int(header, 0, &count));
    fake->publishes++;
    if (fake->refuse_times > 0) {
        fake->refuse_times--;
        fake_refuse(fake, header->request, fake->refuse_with, "as ordered", NULL);
        return;
    }
    if (fake->poison_id && memmem(body, len, fake->poison_id, strlen(fake->poison_id))) {
        fake_refuse(fake, header->request, FAULT_DENIED, "poison", NULL);
        return;
    }
    wire_header_begin(&out, WIRE_PUBLISHED, header->request, 2);
    value_put_array(&out, (size_t)count);
    value_put_array(&duplicates, (size_t)count);
    for (int64_t i = 0; i < count; i++) {
        size_t used;
        bool duplicate;
        MUST(value_scan(body, len, &used) == OK);
        value_put_int(&out, (int64_t)fake_keep(fake, body, used, &duplicate));
        value_put_flag(&duplicates, duplicate);
        body += used;
        len -= used;
    }
    MUST(len == 0);
    buf_add(&out, duplicates.bytes, duplicates.len);
    if (fake->forget_answers > 0) {
        fake->forget_answers--;
    } else {
        fake_send(fake, &out, NULL);
        if (fake->answer_twice > 0) {
            fake->answer_twice--;
            fake_send(fake, &out, NULL);
        }
    }
    buf_fini(&out);
    buf_fini(&duplicates);
}

static inline void fake_read(struct fake_broker *fake, const struct wire_header *header)
{
    struct buf out = {0}, body = {0};
    int64_t from = 0, max = 0, next, count = 0;
    MUST(wire_int(header, 0, &from) && wire_int(header, 1, &max));
    fake->reads++;
    if (fake->forget_reads > 0) {
        fake->forget_reads--;
        return;
    }
    if (fake->refuse_times > 0) {
        fake->refuse_times--;
        fake_refuse(fake, header->request, fake->refuse_with, "as ordered", NULL);
        return;
    }
    for (next = from; next <= (int64_t)fake->count && count < max; next++, count++) {
        value_put_int(&body, next);
        buf_add(&body, fake->events[next - 1].bytes.bytes, fake->events[next - 1].bytes.len);
    }
    wire_header_begin(&out, WIRE_EVENTS, header->request, 3);
    value_put_int(&out, count);
    value_put_int(&out, next);
    value_put_int(&out, (int64_t)fake->count);
    fake_send(fake, &out, &body);
    buf_fini(&out);
    buf_fini(&body);
}

/* Puts a question to the peer that spoke last. */
static inline void fake_ask(struct fake_broker *fake, const json_t *question)
{
    struct buf header = {0}, body = {0};
    wire_header_begin(&header, WIRE_ASKED, 0, 2);
    value_put_int(&header, 4711);
    value_put_text(&header, "people/ada");
    value_pack(question, &body);
    fake_send(fake, &header, &body);
    buf_fini(&header);
    buf_fini(&body);
}

static inline bool fake_knows(struct fake_broker *fake)
{
    for (size_t i = 0; i < fake->greeted_count; i++) {
        if (memcmp(fake->greeted[i], fake->peer, FAKE_ID_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

static inline void fake_hello(struct fake_broker *fake, const struct wire_header *header)
{
    struct buf out = {0};
    fake->hellos++;
    if (fake->refuse_hello != OK) {
        fake_refuse(fake, header->request, fake->refuse_hello, "not with that name", NULL);
        return;
    }
    if (!fake_knows(fake)) {
        memcpy(fake->greeted[fake->greeted_count++ % FAKE_PEERS_MAX], fake->peer, FAKE_ID_BYTES);
    }
    wire_header_begin(&out, WIRE_WELCOME, header->request, 2);
    value_put_int(&out, (int64_t)fake->count);
    value_put_int(&out, 1);
    fake_send(fake, &out, NULL);
    buf_fini(&out);
}

static inline void fake_answer(struct fake_broker *fake, const struct wire_header *header,
                               const uint8_t *body, size_t len)
{
    struct buf out = {0}, copy = {0};
    int64_t ticket = 0;
    switch (header->verb) {
    case WIRE_PUBLISH:
        fake_publish(fake, header, body, len);
        break;
    case WIRE_READ:
        fake_read(fake, header);
        break;
    case WIRE_BEAT:
        fake->beats++;
        MUST(wire_int(header, 0, &fake->last_cursor));
        wire_header_begin(&out, WIRE_BEATEN, header->request, 1);
        value_put_int(&out, (int64_t)fake->count);
        fake_send(fake, &out, NULL);
        break;
    case WIRE_ASK: /* the echo of the question */
        fake->asks++;
        if (fake->forget_asks > 0) {
            fake->forget_asks--;
            break;
        }
        if (fake->refuse_ask) {
            fake_refuse(fake, header->request, FAULT_UNAVAILABLE, "crm is not here", NULL);
            break;
        }
        wire_header_begin(&out, WIRE_ANSWER, header->request, 0);
        if (fake->answer_bytes) {
            char *text = must_calloc(1, fake->answer_bytes + 1);
            memset(text, 'x', fake->answer_bytes);
            value_put_text(&copy, text);
            free(text);
        } else {
            buf_add(&copy, body, len);
        }
        fake_send(fake, &out, &copy);
        break;
    case WIRE_REPLY:
        MUST(wire_int(header, 0, &ticket) && ticket == 4711);
        MUST(wire_text(header, 1, fake->reply_fault, sizeof fake->reply_fault));
        json_decref(fake->reply);
        MUST(value_unpack(body, len, &fake->reply) == OK);
        fake_refuse(fake, header->request, FAULT_TIMEOUT, "too late", NULL); /* harmless */
        break;
    default:
        MUST(!"a verb of a client");
    }
    buf_fini(&out);
    buf_fini(&copy);
}

/* Serves one message, waiting for it up to `wait_ms`. False: none came. */
static inline bool fake_serve(struct fake_broker *fake, int wait_ms)
{
    zmq_pollitem_t item = {zsock_resolve(fake->router), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, wait_ms) <= 0) {
        return false;
    }
    zmsg_t *message = zmsg_recv(fake->router);
    zframe_t *peer = zmsg_first(message), *head = zmsg_next(message), *body = zmsg_next(message);
    MUST(zframe_size(peer) == FAKE_ID_BYTES);
    memcpy(fake->peer, zframe_data(peer), FAKE_ID_BYTES);
    struct wire_header header;
    MUST(wire_parse(zframe_data(head), zframe_size(head), &header) == OK);
    if (fake->mute > 0) {
        fake->mute--;
    } else if (header.verb == WIRE_HELLO) {
        fake_hello(fake, &header);
    } else if (!fake_knows(fake)) {
        fake_refuse(fake, header.request, FAULT_UNAVAILABLE, "say HELLO first", "hello");
    } else {
        fake_answer(fake, &header, body ? zframe_data(body) : NULL, body ? zframe_size(body) : 0);
    }
    zmsg_destroy(&message);
    return true;
}

#endif
