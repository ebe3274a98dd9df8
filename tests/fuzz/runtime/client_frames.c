/* What a client takes from its broker: two bytes of header length, the header frame, the body frame;
 * the whole input is shown to the doorbell as well. The client has a PUBLISH of three events, a READ
 * and an ASK on their way: requests 8195, 20 and 29. */
#include "client_core.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int answered;

static void on_published(void *self, enum fault fault, uint64_t seq, bool duplicate)
{
    (void)self, (void)duplicate;
    answered++;
    MUST(fault != OK || seq > 0);
}

static void on_events(void *self, enum fault fault, struct value_cursor *body, size_t count,
                      uint64_t next, uint64_t head)
{
    (void)self, (void)next, (void)head;
    MUST(fault == OK || count == 0);
    for (size_t i = 0; i < count; i++) {
        struct value_cursor map;
        struct event event;
        uint64_t seq;
        if (wire_next_event(body, &seq, &map) != OK) {
            return;
        }
        if (event_parse(map.at, (size_t)(map.end - map.at), &event) == OK) {
            json_decref(event_data(&event));
        }
    }
}

static void on_answered(void *self, enum fault fault, json_t *answer)
{
    (void)self;
    MUST((fault == OK) == (answer != NULL));
}

static json_t *on_question(void *self, const char *who, const json_t *question, enum fault *fault)
{
    (void)self, (void)who;
    *fault = FAULT_NOT_FOUND;
    return json_deep_copy(question);
}

static struct client *busy_client(void)
{
    static const char *const topics[] = {"member.*", NULL};
    struct client *client = client_alloc();
    client->name = must_strdup("crm");
    client->up = true;
    for (int i = 0; i < 3; i++) {
        struct buf packed = {0};
        struct event event = {.version = 1};
        snprintf(event.id, sizeof event.id, "crm:%d", i);
        EVENT_SET(event.type, "job.done");
        event_pack(&event, &packed);
        MUST(client_publish(client, packed.bytes, packed.len, on_published, NULL) == OK);
        buf_fini(&packed);
    }
    client_flush(client);
    MUST(client_read(client, 1, 10, topics, on_events, NULL) == OK);
    json_t *question = json_object();
    MUST(client_ask(client, "crm", question, 1000, on_answered, NULL) == OK);
    json_decref(question);
    client_on_question(client, on_question, NULL);
    return client;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct client *client = busy_client();
    answered = 0;
    client_take_bell(client, bytes, len);
    if (len >= 2) {
        size_t header_len = (size_t)bytes[0] << 8 | bytes[1];
        header_len = header_len < len - 2 ? header_len : len - 2;
        /* Copies of their own, so that one byte too far is seen. */
        uint8_t *header = must_malloc(header_len + 1), *body = must_malloc(len - header_len);
        memcpy(header, bytes + 2, header_len);
        memcpy(body, bytes + 2 + header_len, len - 2 - header_len);
        header = must_realloc(header, header_len ? header_len : 1);
        client_take(client, header, header_len, len - 2 > header_len ? body : NULL,
                    len - 2 - header_len);
        free(header);
        free(body);
    }
    MUST((size_t)answered + client_in_flight(client) == 3);
    client_destroy(&client);
    return 0;
}
