#include "client_core.h"

#include "clock.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

static void pending_send(struct client *client, struct pending *pending, int64_t retry_ms)
{
    pending->due_ms = clock_mono_ms() + retry_ms;
    if (!client_send(client, &pending->header, pending->body.bytes, pending->body.len)) {
        pending->due_ms = clock_mono_ms() + CLIENT_BACKOFF_MS_MIN;
    }
}

void calls_tick(struct client *client, int64_t now)
{
    if (client->up && client->read.active && client->read.due_ms <= now) {
        pending_send(client, &client->read, CLIENT_READ_RETRY_MS);
    }
}

void calls_reconnected(struct client *client)
{
    if (client->read.active) {
        pending_send(client, &client->read, CLIENT_READ_RETRY_MS);
    }
}

void calls_fini(struct client *client)
{
    buf_fini(&client->read.header);
    buf_fini(&client->read.body);
}

/* --- READ ------------------------------------------------------------------------------------ */

enum fault client_read(struct client *client, uint64_t from, size_t max, const char *const *topics,
                       client_events *done, void *self)
{
    struct pending *read = &client->read;
    if (read->active) {
        return FAULT_BUSY;
    }
    size_t count = 0;
    while (topics && topics[count]) {
        count++;
    }
    if (count > WIRE_TOPICS_MAX) {
        return FAULT_TOO_LARGE;
    }
    read->request = client_next_request(client, REQUEST_READ);
    wire_header_begin(&read->header, WIRE_READ, read->request, 3);
    value_put_int(&read->header, (int64_t)from);
    value_put_int(&read->header,
                  (int64_t)(max < WIRE_READ_EVENTS_MAX ? max : WIRE_READ_EVENTS_MAX));
    value_put_array(&read->header, count);
    for (size_t i = 0; i < count; i++) {
        value_put_text(&read->header, topics[i]);
    }
    read->active = true;
    read->tries = 0;
    read->due_ms = 0;
    client->read_done = done;
    client->read_self = self;
    if (client->up) {
        pending_send(client, read, CLIENT_READ_RETRY_MS);
    }
    return OK;
}

void read_answered(struct client *client, const struct wire_header *header, const uint8_t *body,
                   size_t len)
{
    int64_t count, next, head;
    if (!client->read.active || header->request != client->read.request ||
        !wire_int(header, 0, &count) || !wire_int(header, 1, &next) ||
        !wire_int(header, 2, &head) || count < 0 || count > WIRE_READ_EVENTS_MAX || next < 1 ||
        head < 0) {
        return;
    }
    client->read.active = false; /* before the callback, which may read on */
    client->head = (uint64_t)head;
    struct value_cursor events = {body, body ? body + len : NULL};
    client->read_done(client->read_self, OK, &events, (size_t)count, (uint64_t)next,
                      (uint64_t)head);
}

void read_refused(struct client *client, const struct wire_header *header, enum fault fault)
{
    if (!client->read.active || header->request != client->read.request) {
        return;
    }
    if (fault_again(fault)) {
        client->read.due_ms =
            clock_mono_ms() +
            client_backoff_ms(client->read.tries++, CLIENT_BACKOFF_MS_MIN, CLIENT_RESEND_MS_MAX);
        return;
    }
    int64_t next = 0;
    (void)wire_int(header, 2, &next);
    client->read.active = false;
    struct value_cursor none = {NULL, NULL};
    client->read_done(client->read_self, fault, &none, 0, next > 0 ? (uint64_t)next : 0,
                      client->head);
}

/* --- questions to us ------------------------------------------------------------------------- */

/* REPLY ticket fault: the ticket goes back as it came. */
static void reply(struct client *client, const struct value_cursor *ticket, enum fault fault,
                  const json_t *answer)
{
    buf_reset(&client->body);
    if (fault == OK) {
        value_pack(answer, &client->body);
        if (client->body.len > WIRE_BODY_BYTES_MAX) {
            fault = FAULT_TOO_LARGE;
        }
    }
    if (fault != OK) {
        buf_reset(&client->body);
        value_put_nil(&client->body);
    }
    wire_header_begin(&client->header, WIRE_REPLY, client_next_request(client, REQUEST_REPLY), 2);
    buf_add(&client->header, ticket->at, (size_t)(ticket->end - ticket->at));
    value_put_text(&client->header, fault_name(fault));
    (void)client_send(client, &client->header, client->body.bytes, client->body.len);
}

void question_asked(struct client *client, const struct wire_header *header, const uint8_t *body,
                    size_t len)
{
    char who[EVENT_NAME_BYTES_MAX + 1];
    if (header->argument_count < 2) {
        return;
    }
    if (!wire_text(header, 1, who, sizeof who)) {
        who[0] = '\0';
    }
    json_t *question = NULL, *answer = NULL;
    enum fault fault = body ? value_unpack(body, len, &question) : FAULT_MALFORMED;
    if (fault == OK && !client->on_question) {
        fault = FAULT_NOT_FOUND;
    } else if (fault == OK) {
        answer = client->on_question(client->question_self, who, question, &fault);
        if (!answer && fault == OK) {
            fault = FAULT_NOT_FOUND;
        }
    }
    reply(client, &header->arguments[0], answer ? OK : fault, answer);
    json_decref(question);
    json_decref(answer);
}

void client_on_question(struct client *client, client_question *answer, void *self)
{
    client->on_question = answer;
    client->question_self = self;
}

/* --- bells ----------------------------------------------------------------------------------- */

bool client_parse_bell(const uint8_t *frame, size_t len, char *type, size_t room, uint64_t *seq)
{
    enum { SEQ_BYTES = 8 };
    const uint8_t *nul = len ? memchr(frame, '\0', len) : NULL;
    if (!nul || (size_t)(nul - frame) >= room || len - (size_t)(nul - frame) - 1 != SEQ_BYTES) {
        return false;
    }
    memcpy(type, frame, (size_t)(nul - frame) + 1);
    *seq = 0;
    for (size_t i = 0; i < SEQ_BYTES; i++) {
        *seq = *seq << 8 | nul[1 + i];
    }
    return true;
}

void client_take_bell(struct client *client, const uint8_t *frame, size_t len)
{
    char type[EVENT_NAME_BYTES_MAX + 1];
    uint64_t seq;
    if (!client_parse_bell(frame, len, type, sizeof type, &seq)) {
        return;
    }
    if (seq > client->head) {
        client->head = seq;
    }
    if (client->on_bell) {
        client->on_bell(client->bell_self, type, seq);
    }
}

void client_on_actors(struct client *client, client_actors *actors, void *self)
{
    client->on_actors = actors;
    client->actors_self = self;
}

void client_on_bell(struct client *client, client_bell *bell, void *self)
{
    client->on_bell = bell;
    client->bell_self = self;
}
