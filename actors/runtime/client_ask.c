#include "client_core.h"

#include "clock.h"

#include <string.h>

/* It is sent once on a connection, however long the answer takes: asking reads, but may cost. */
static void send_question(struct client *client, struct asking *asking)
{
    bool sent = client_send(client, &asking->header, asking->body.bytes, asking->body.len);
    asking->due_ms = sent ? INT64_MAX : clock_mono_ms() + CLIENT_BACKOFF_MS_MIN;
}

static void finish(struct asking *asking, enum fault fault, json_t *answer)
{
    asking->active = false; /* before the callback, which may ask on */
    asking->done(asking->self, fault, answer);
}

static struct asking *free_asking(struct client *client)
{
    for (size_t i = 0; i < CLIENT_ASKS_MAX; i++) {
        if (!client->asks[i].active) {
            return &client->asks[i];
        }
    }
    return NULL;
}

static struct asking *asking_of(struct client *client, int64_t request)
{
    for (size_t i = 0; i < CLIENT_ASKS_MAX; i++) {
        if (client->asks[i].active && client->asks[i].request == request) {
            return &client->asks[i];
        }
    }
    return NULL;
}

enum fault asks_begin(struct client *client, const struct question *question)
{
    struct asking *asking = free_asking(client);
    int deadline_ms =
        question->deadline_ms < WIRE_ASK_MS_MAX ? question->deadline_ms : WIRE_ASK_MS_MAX;
    deadline_ms = deadline_ms > 0 ? deadline_ms : 1;
    if (!asking) {
        return FAULT_BUSY;
    }
    buf_reset(&asking->body);
    value_pack(question->tree, &asking->body);
    if (asking->body.len > WIRE_BODY_BYTES_MAX) {
        buf_fini(&asking->body);
        return FAULT_TOO_LARGE;
    }
    asking->active = true;
    asking->patient = question->patient;
    asking->done = question->done;
    asking->self = question->self;
    asking->deadline_ms = clock_mono_ms() + deadline_ms + CLIENT_ASK_GRACE_MS;
    asking->due_ms = INT64_MAX;
    asking->request = client_next_request(client, REQUEST_ASK);
    wire_header_begin(&asking->header, WIRE_ASK, asking->request, 2);
    value_put_text(&asking->header, question->actor);
    value_put_int(&asking->header, deadline_ms);
    if (client->up) {
        send_question(client, asking);
    }
    return OK;
}

enum fault client_ask(struct client *client, const char *actor, const json_t *question,
                      int deadline_ms, client_answered *done, void *self)
{
    if (!client->up) {
        return FAULT_UNAVAILABLE;
    }
    return asks_begin(client, &(struct question){.actor = actor,
                                                 .tree = question,
                                                 .deadline_ms = deadline_ms,
                                                 .done = done,
                                                 .self = self});
}

/* --- what happens to questions --------------------------------------------------------------- */

void asks_tick(struct client *client, int64_t now)
{
    for (struct asking *asking = client->asks; asking < client->asks + CLIENT_ASKS_MAX; asking++) {
        if (asking->active && asking->deadline_ms <= now) {
            finish(asking, FAULT_TIMEOUT, NULL);
        } else if (asking->active && client->up && asking->due_ms <= now) {
            send_question(client, asking);
        }
    }
}

void asks_reconnected(struct client *client)
{
    for (struct asking *asking = client->asks; asking < client->asks + CLIENT_ASKS_MAX; asking++) {
        if (asking->active) {
            send_question(client, asking);
        }
    }
}

void asks_lost(struct client *client)
{
    for (struct asking *asking = client->asks; asking < client->asks + CLIENT_ASKS_MAX; asking++) {
        if (asking->active && !asking->patient) {
            finish(asking, FAULT_UNAVAILABLE, NULL);
        }
    }
}

void asks_forget(struct client *client, const void *self)
{
    for (struct asking *asking = client->asks; asking < client->asks + CLIENT_ASKS_MAX; asking++) {
        asking->active &= asking->self != self;
    }
}

void asks_fini(struct client *client)
{
    for (struct asking *asking = client->asks; asking < client->asks + CLIENT_ASKS_MAX; asking++) {
        buf_fini(&asking->header);
        buf_fini(&asking->body);
    }
}

void ask_answered(struct client *client, const struct wire_header *header, const uint8_t *body,
                  size_t len)
{
    struct asking *asking = asking_of(client, header->request);
    if (asking) {
        json_t *answer = NULL;
        enum fault fault = body ? value_unpack(body, len, &answer) : FAULT_MALFORMED;
        finish(asking, fault, fault == OK ? answer : NULL);
        json_decref(answer);
    }
}

void ask_refused(struct client *client, const struct wire_header *header, enum fault fault)
{
    struct asking *asking = asking_of(client, header->request);
    if (asking) {
        finish(asking, fault, NULL);
    }
}
