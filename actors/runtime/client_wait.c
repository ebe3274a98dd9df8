#include "client_core.h"

#include "clock.h"
#include "must.h"

#include <string.h>

/* One turn of a loop that waits: what arrived, then what is due. */
static void turn(struct client *client, int64_t deadline_ms)
{
    int64_t wait = deadline_ms - clock_mono_ms();
    wait = wait < 0 ? 0 : wait > CLIENT_TICK_MS ? CLIENT_TICK_MS : wait;
    zmq_pollitem_t items[] = {
        {zsock_resolve(client->dealer), 0, ZMQ_POLLIN, 0},
        {zsock_resolve(client->monitor), 0, ZMQ_POLLIN, 0},
        {client->bell ? zsock_resolve(client->bell) : NULL, 0, ZMQ_POLLIN, 0},
    };
    (void)zmq_poll(items, client->bell_waits ? 3 : 2, (long)wait);
    client_receive_monitor(client);
    client_receive(client);
    client_tick(client);
}

/* UNAVAILABLE when the broker does not answer, or why it will not have us. */
static enum fault connect_wait(struct client *client, int64_t deadline_ms)
{
    while (!client->up && client->refused == OK && clock_mono_ms() < deadline_ms) {
        turn(client, deadline_ms);
    }
    if (client->refused != OK) {
        return client->refused;
    }
    if (!client->up) {
        snprintf(client->words, sizeof client->words, "the broker does not answer at %s",
                 client->endpoint);
        return FAULT_UNAVAILABLE;
    }
    return OK;
}

enum fault client_hello_wait(struct client *client, int deadline_ms, uint64_t *head,
                             uint64_t *floor)
{
    MUST(!client->loop);
    enum fault fault = connect_wait(client, clock_mono_ms() + deadline_ms);
    *head = client->head;
    *floor = client->floor;
    return fault;
}

struct published {
    bool done;
    enum fault fault;
    uint64_t seq;
    bool duplicate;
};

static void on_published(void *self, enum fault fault, uint64_t seq, bool duplicate)
{
    struct published *published = self;
    *published = (struct published){true, fault, seq, duplicate};
}

enum fault client_publish_wait(struct client *client, const uint8_t *event, size_t len,
                               int deadline_ms, uint64_t *seq, bool *duplicate)
{
    MUST(!client->loop);
    int64_t deadline = clock_mono_ms() + deadline_ms;
    *seq = 0;
    *duplicate = false;
    enum fault fault = connect_wait(client, deadline);
    if (fault != OK) {
        return fault;
    }
    struct published published = {.fault = FAULT_TIMEOUT};
    fault = client_publish(client, event, len, on_published, &published);
    if (fault != OK) {
        return fault;
    }
    client_flush(client);
    while (!published.done && clock_mono_ms() < deadline) {
        turn(client, deadline);
    }
    if (!published.done) { /* the answer may still come: it is for nobody then */
        publish_forget(client, &published);
    }
    *seq = published.seq;
    *duplicate = published.duplicate;
    return published.fault;
}

struct listed {
    bool done;
    enum fault fault;
    json_t *list;
    uint64_t next, head;
};

static enum fault list_events(struct value_cursor *body, size_t count, json_t *list)
{
    for (size_t i = 0; i < count; i++) {
        struct value_cursor map;
        struct event event;
        uint64_t seq;
        enum fault fault = wire_next_event(body, &seq, &map);
        if (fault == OK) {
            fault = event_parse(map.at, (size_t)(map.end - map.at), &event);
        }
        if (fault != OK) {
            return fault;
        }
        event.seq = seq;
        json_t *tree = event_json(&event);
        tree_set_int(tree, "seq", (int64_t)seq);
        json_array_append_new(list, tree);
    }
    return OK;
}

static void on_events(void *self, enum fault fault, struct value_cursor *body, size_t count,
                      uint64_t next, uint64_t head)
{
    struct listed *listed = self;
    listed->done = true;
    listed->next = next;
    listed->head = head;
    listed->fault = fault == OK ? list_events(body, count, listed->list) : fault;
}

enum fault client_read_wait(struct client *client, uint64_t from, size_t max,
                            const char *const *topics, int deadline_ms, json_t *list,
                            uint64_t *next, uint64_t *head)
{
    MUST(!client->loop);
    int64_t deadline = clock_mono_ms() + deadline_ms;
    struct listed listed = {.list = list, .next = from, .head = client->head};
    enum fault fault = connect_wait(client, deadline);
    if (fault == OK) {
        fault = client_read(client, from, max, topics, on_events, &listed);
    }
    while (fault == OK && !listed.done && clock_mono_ms() < deadline) {
        turn(client, deadline);
    }
    if (fault == OK && !listed.done) {
        client->read.active = false; /* a late answer is for nobody */
        fault = FAULT_TIMEOUT;
    }
    *next = listed.next;
    *head = listed.head;
    return fault == OK ? listed.fault : fault;
}

struct answered {
    bool done;
    enum fault fault;
    json_t *answer;
};

static void on_answered(void *self, enum fault fault, json_t *answer)
{
    struct answered *answered = self;
    *answered = (struct answered){true, fault, json_incref(answer)};
}

enum fault client_ask_wait(struct client *client, const char *actor, const json_t *question,
                           int deadline_ms, json_t **answer)
{
    MUST(!client->loop);
    int64_t deadline = clock_mono_ms() + deadline_ms;
    struct answered answered = {.fault = FAULT_TIMEOUT};
    *answer = NULL;
    enum fault fault = connect_wait(client, deadline);
    if (fault == OK) {
        fault = asks_begin(client, &(struct question){.actor = actor,
                                                      .tree = question,
                                                      .deadline_ms = deadline_ms,
                                                      .patient = true,
                                                      .done = on_answered,
                                                      .self = &answered});
    }
    if (fault != OK) {
        return fault;
    }
    while (!answered.done && clock_mono_ms() < deadline) {
        turn(client, deadline);
    }
    if (!answered.done) {
        asks_forget(client, &answered);
        snprintf(client->words, sizeof client->words, "%s did not answer in time", actor);
    }
    *answer = answered.answer;
    return answered.fault;
}

/* One frame from the bell's queue, if there is any. */
static bool next_bell(struct client *client, char *type, size_t room, uint64_t *seq)
{
    uint8_t frame[EVENT_NAME_BYTES_MAX + 16];
    int got = zmq_recv(zsock_resolve(client->bell), frame, sizeof frame, ZMQ_DONTWAIT);
    if (got < 0) {
        return false;
    }
    client->bell_ms = clock_mono_ms();
    return (size_t)got <= sizeof frame && client_parse_bell(frame, (size_t)got, type, room, seq);
}

enum fault client_bell_wait(struct client *client, int deadline_ms, char *type, size_t room,
                            uint64_t *seq)
{
    MUST(!client->loop && client->bells);
    int64_t deadline = clock_mono_ms() + deadline_ms;
    enum fault fault = connect_wait(client, deadline);
    client->bell_waits = true;
    client->bell_ms = clock_mono_ms();
    while (fault == OK && !next_bell(client, type, room, seq)) {
        if (clock_mono_ms() >= deadline) {
            fault = FAULT_TIMEOUT;
        } else {
            turn(client, deadline);
        }
    }
    client->bell_waits = false;
    return fault;
}
