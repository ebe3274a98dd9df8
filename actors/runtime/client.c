#include "client_core.h"

#include "clock.h"
#include "digest.h"
#include "home.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

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

/* --- what is said and heard ------------------------------------------------------------------ */

void client_say_hello(struct client *client)
{
    wire_header_begin(&client->header, WIRE_HELLO, client_next_request(client, REQUEST_HELLO), 2);
    value_put_text(&client->header, client->name);
    value_put_int(&client->header, WIRE_VERSION);
    if (client_send(client, &client->header, NULL, 0)) {
        client->hello_ms = clock_mono_ms();
    }
}

void client_say_beat(struct client *client, int64_t now)
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

void client_tell_state(struct client *client)
{
    if (client->on_state) {
        client->on_state(client->state_self, client->up, client->head, client->floor);
    }
}

void client_go_down(struct client *client)
{
    bool was_up = client->up;
    client->up = false;
    client->hello_ms = 0;
    if (was_up) {
        asks_lost(client);
        client_tell_state(client);
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
    asks_reconnected(client);
    client_tell_state(client);
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
    if (stranger) { /* it was restarted: what it refused goes out again after its WELCOME */
        if (client->up) {
            client_go_down(client);
            client_say_hello(client);
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
        asks_lost(client);
        client_tell_state(client);
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

/* --- the object ------------------------------------------------------------------------------ */

static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    client_tick(self);
    return 0;
}

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
        fault = client_open_dealer(client);
    }
    if (fault == OK) {
        fault = client_open_bell(client);
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
    client_close_socket(client, &client->bell);
    client_close_socket(client, &client->monitor);
    client_close_socket(client, &client->dealer);
    zcert_destroy(&client->cert);
    zcert_destroy(&client->broker_cert);
    for (char **topic = client->bell_topics; topic && *topic; topic++) {
        free(*topic);
    }
    free(client->bell_topics);
    publish_fini(client);
    calls_fini(client);
    asks_fini(client);
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

enum fault client_trouble(const struct client *client)
{
    return client->trouble;
}

const char *client_words(const struct client *client)
{
    return client->words;
}
