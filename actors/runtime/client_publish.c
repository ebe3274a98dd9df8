#include "client_core.h"

#include "clock.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVENTS_ROOM_MIN = 32,
    SPARE_BYTES_MAX = 1 << 20 /* a spare batch keeps its memory up to this */
};

void publish_init(struct client *client)
{
    struct outgoing *out = &client->out;
    for (unsigned i = 0; i < CLIENT_BATCHES_MAX; i++) {
        out->free_slots[i] = (uint16_t)(CLIENT_BATCHES_MAX - 1 - i);
    }
    out->free_count = CLIENT_BATCHES_MAX;
}

static void batch_destroy(struct batch *batch)
{
    buf_fini(&batch->body);
    free(batch->events);
    free(batch);
}

void publish_fini(struct client *client)
{
    for (size_t i = 0; i < CLIENT_BATCHES_MAX; i++) {
        if (client->out.slots[i]) {
            batch_destroy(client->out.slots[i]);
        }
    }
    for (size_t i = 0; i < client->out.spare_count; i++) {
        batch_destroy(client->out.spare[i]);
    }
}

static int64_t publish_request(struct client *client, const struct batch *batch)
{
    return ++client->serial << (REQUEST_SLOT_BITS + REQUEST_KIND_BITS) |
           (int64_t)batch->slot << REQUEST_KIND_BITS | REQUEST_PUBLISH;
}

static struct batch *batch_begin(struct client *client)
{
    struct outgoing *out = &client->out;
    if (!out->free_count) {
        return NULL;
    }
    struct batch *batch =
        out->spare_count ? out->spare[--out->spare_count] : must_calloc(1, sizeof *batch);
    batch->slot = out->free_slots[--out->free_count];
    MUST(!out->slots[batch->slot]);
    out->slots[batch->slot] = batch;
    batch->request = publish_request(client, batch);
    return batch;
}

/* Gives the slot back; the batch itself is still the caller's. */
static void batch_leave(struct client *client, struct batch *batch)
{
    struct outgoing *out = &client->out;
    out->slots[batch->slot] = NULL;
    out->free_slots[out->free_count++] = (uint16_t)batch->slot;
}

static void batch_recycle(struct client *client, struct batch *batch)
{
    struct outgoing *out = &client->out;
    if (out->spare_count == CLIENT_SPARE_BATCHES_MAX || batch->body.capacity > SPARE_BYTES_MAX) {
        batch_destroy(batch);
        return;
    }
    struct batch fresh = {.events = batch->events, .room = batch->room, .body = batch->body};
    buf_reset(&fresh.body);
    *batch = fresh;
    out->spare[out->spare_count++] = batch;
}

static size_t event_start(const struct batch *batch, size_t i)
{
    return i ? batch->events[i - 1].end : 0;
}

static size_t sent_count(const struct batch *batch)
{
    return batch->alone ? 1 : batch->count - batch->first;
}

static bool batch_send(struct client *client, struct batch *batch, int64_t now)
{
    size_t count = sent_count(batch);
    size_t start = event_start(batch, batch->first);
    size_t end = batch->events[batch->first + count - 1].end;
    wire_header_begin(&client->header, WIRE_PUBLISH, batch->request, 1);
    value_put_int(&client->header, (int64_t)count);
    if (!client_send(client, &client->header, batch->body.bytes + start, end - start)) {
        batch->due_ms = now + CLIENT_BACKOFF_MS_MIN;
        return false;
    }
    int64_t wait = (int64_t)WIRE_RESEND_MS << (batch->tries < 8 ? batch->tries : 8);
    batch->due_ms = now + (wait < CLIENT_RESEND_MS_MAX ? wait : CLIENT_RESEND_MS_MAX);
    batch->tries++;
    return true;
}

/* --- queueing -------------------------------------------------------------------------------- */

static int flush_now(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    struct client *client = self;
    client->out.flush_armed = false;
    client_flush(client);
    return 0;
}

static void arm_flush(struct client *client)
{
    if (client->loop && !client->out.flush_armed && !client->out.receiving) {
        client->flush_timer = zloop_timer(client->loop, 0, 1, flush_now, client);
        MUST(client->flush_timer >= 0);
        client->out.flush_armed = true;
    }
}

/* The batch is whole: it goes out now, or with the connection's return. */
static void seal(struct client *client)
{
    struct batch *batch = client->out.filling;
    client->out.filling = NULL;
    if (client->up) {
        (void)batch_send(client, batch, clock_mono_ms());
    }
}

enum fault client_publish(struct client *client, const uint8_t *event, size_t len,
                          client_published *done, void *self)
{
    struct outgoing *out = &client->out;
    if (len == 0 || len > EVENT_BYTES_MAX) {
        return len ? FAULT_TOO_LARGE : FAULT_MALFORMED;
    }
    if (out->events >= CLIENT_PUBLISH_EVENTS_MAX || out->bytes + len > CLIENT_PUBLISH_BYTES_MAX) {
        return FAULT_FULL;
    }
    struct batch *batch = out->filling;
    if (batch && (batch->count == WIRE_PUBLISH_EVENTS_MAX ||
                  batch->body.len + len > WIRE_PUBLISH_BYTES_MAX)) {
        seal(client);
        batch = NULL;
    }
    if (!batch && !(batch = out->filling = batch_begin(client))) {
        return FAULT_FULL;
    }
    if (batch->count == batch->room) {
        batch->room = batch->room ? batch->room * 2 : EVENTS_ROOM_MIN;
        batch->events = must_realloc(batch->events, batch->room * sizeof *batch->events);
    }
    buf_add(&batch->body, event, len);
    batch->events[batch->count++] = (struct waiting){done, self, batch->body.len};
    out->events++;
    out->bytes += len;
    arm_flush(client);
    return OK;
}

void client_flush(struct client *client)
{
    /* Without a connection the batch goes on filling: fewer and fuller messages afterwards. */
    if (client->out.filling && client->up) {
        seal(client);
    }
}

size_t client_in_flight(const struct client *client)
{
    return client->out.events;
}

/* --- sending again --------------------------------------------------------------------------- */

static int by_request(const void *a, const void *b)
{
    const struct batch *const *left = a, *const *right = b;
    return ((*left)->request > (*right)->request) - ((*left)->request < (*right)->request);
}

/* Oldest first, so that events keep their order as far as that is possible. */
static void send_due(struct client *client, int64_t now)
{
    struct batch *due[CLIENT_BATCHES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < CLIENT_BATCHES_MAX; i++) {
        struct batch *batch = client->out.slots[i];
        if (batch && batch != client->out.filling && batch->due_ms <= now) {
            due[count++] = batch;
        }
    }
    qsort(due, count, sizeof(void *), by_request);
    for (size_t i = 0; i < count && batch_send(client, due[i], now); i++) {
    }
}

void publish_tick(struct client *client, int64_t now)
{
    if (client->up && client->out.events) {
        send_due(client, now);
    }
}

void publish_reconnected(struct client *client)
{
    for (size_t i = 0; i < CLIENT_BATCHES_MAX; i++) {
        struct batch *batch = client->out.slots[i];
        if (batch && batch != client->out.filling) {
            batch->due_ms = 0;
            batch->tries = 0;
        }
    }
    publish_tick(client, clock_mono_ms());
    client_flush(client);
}

/* --- answers --------------------------------------------------------------------------------- */

static struct batch *find_batch(const struct client *client, int64_t request)
{
    size_t slot = (size_t)(request >> REQUEST_KIND_BITS) & (CLIENT_BATCHES_MAX - 1);
    struct batch *batch = client->out.slots[slot];
    return batch && batch->request == request && batch != client->out.filling ? batch : NULL;
}

/* The answers of the `count` events that were sent: those of PUBLISHED, or one fault for all. */
struct verdicts {
    enum fault fault;
    struct value_cursor seqs, duplicates;
};

static void settle(struct client *client, struct batch *batch, struct verdicts verdicts)
{
    size_t first = batch->first, count = sent_count(batch);
    client->trouble = OK;
    client->out.bytes -= batch->events[first + count - 1].end - event_start(batch, first);
    client->out.events -= count;
    batch->first += count;
    bool over = batch->first == batch->count;
    if (over) { /* before the callbacks, which may publish */
        batch_leave(client, batch);
    }
    for (size_t i = 0; i < count; i++) {
        int64_t seq = 0;
        bool duplicate = false;
        if (verdicts.fault == OK) {
            MUST(value_get_int(&verdicts.seqs, &seq)); /* looked at before */
            MUST(value_get_flag(&verdicts.duplicates, &duplicate));
        }
        struct waiting *event = &batch->events[first + i];
        if (event->done) {
            event->done(event->self, verdicts.fault, (uint64_t)seq, duplicate);
        }
    }
    if (over) {
        batch_recycle(client, batch);
    } else {
        batch->request = publish_request(client, batch);
        batch->due_ms = 0;
        batch->tries = 0;
        publish_tick(client, clock_mono_ms());
    }
}

static bool check_arrays(struct verdicts verdicts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t seq;
        bool duplicate;
        if (!value_get_int(&verdicts.seqs, &seq) || seq < 1 ||
            !value_get_flag(&verdicts.duplicates, &duplicate)) {
            return false;
        }
    }
    return true;
}

void publish_answered(struct client *client, const struct wire_header *header)
{
    struct batch *batch = find_batch(client, header->request);
    if (!batch || header->argument_count < 2) {
        return; /* late: answered before */
    }
    struct verdicts verdicts = {OK, header->arguments[0], header->arguments[1]};
    size_t seqs, duplicates;
    if (value_get_array(&verdicts.seqs, &seqs) &&
        value_get_array(&verdicts.duplicates, &duplicates) && seqs == sent_count(batch) &&
        duplicates == seqs && check_arrays(verdicts, seqs)) {
        settle(client, batch, verdicts);
    } /* else no answer: it is sent again */
}

void publish_refused(struct client *client, int64_t request, enum fault fault)
{
    struct batch *batch = find_batch(client, request);
    if (!batch) {
        return;
    }
    if (fault_again(fault)) {
        client->trouble = fault;
        batch->due_ms = clock_mono_ms() + client_backoff_ms(batch->tries, CLIENT_BACKOFF_MS_MIN,
                                                            CLIENT_RESEND_MS_MAX);
    } else if (sent_count(batch) > 1) {
        batch->alone = true;
        batch->request = publish_request(client, batch);
        batch->due_ms = 0;
        publish_tick(client, clock_mono_ms());
    } else {
        settle(client, batch, (struct verdicts){.fault = fault});
    }
}

void publish_forget(struct client *client, const void *self)
{
    for (size_t i = 0; i < CLIENT_BATCHES_MAX; i++) {
        struct batch *batch = client->out.slots[i];
        for (size_t j = batch ? batch->first : 0; batch && j < batch->count; j++) {
            if (batch->events[j].self == self) {
                batch->events[j].done = NULL;
            }
        }
    }
}
