/* client_core.h - inside the client: what its files share. Not for others.
 *
 *   client.c          the object; HELLO, beats, and who gets what arrives
 *   client_link.c     sockets, frames, silence
 *   client_publish.c  events on their way, in batches
 *   client_calls.c    READ, one at a time; questions to us; bells
 *   client_ask.c      questions to others
 *   client_wait.c     the blocking calls
 *
 * A request number tells whose answer came: its lowest bits say the kind, the rest is a serial. */
#ifndef USHER_CLIENT_CORE_H
#define USHER_CLIENT_CORE_H

#include "client.h"

enum {
    CLIENT_TICK_MS = 125,
    CLIENT_READ_RETRY_MS = 1000,
    CLIENT_BACKOFF_MS_MIN = 50,
    CLIENT_REOPEN_MS = 3000,
    CLIENT_BELL_SILENT_MS = 3000,
    CLIENT_DRAIN_MAX = 256, /* messages taken in one turn */
    CLIENT_SPARE_BATCHES_MAX = 8,
    CLIENT_WORDS_BYTES = 256
};

enum request_kind {
    REQUEST_HELLO = 1,
    REQUEST_BEAT,
    REQUEST_PUBLISH,
    REQUEST_READ,
    REQUEST_ASK,
    REQUEST_REPLY
};
enum { REQUEST_KIND_BITS = 3, REQUEST_KIND_MASK = 7, REQUEST_SLOT_BITS = 10 };

/* One event waiting for its answer; its bytes end at `end` of the batch's body. */
struct waiting {
    client_published *done;
    void *self;
    size_t end;
};

/* One PUBLISH message. The events before `first` are answered already: after a permanent refusal
 * of several the rest goes one by one, so that only the wrong one is blamed. */
struct batch {
    int64_t request;
    int64_t due_ms; /* when to send it (again); 0: at once */
    unsigned tries;
    bool alone;
    unsigned slot;
    size_t first, count, room;
    struct waiting *events;
    struct buf body;
};

struct outgoing {
    struct batch *slots[CLIENT_BATCHES_MAX];
    uint16_t free_slots[CLIENT_BATCHES_MAX];
    size_t free_count;
    struct batch *filling; /* in its slot, not sent yet */
    struct batch *spare[CLIENT_SPARE_BATCHES_MAX];
    size_t spare_count;
    size_t events, bytes;
    bool flush_armed;
    bool receiving; /* flushed at the end of it */
};

/* A call that is sent again until it is answered. */
struct pending {
    bool active;
    int64_t request;
    int64_t due_ms;
    unsigned tries;
    struct buf header, body;
};

/* A question on its way; `request` tells whose answer came. */
struct asking {
    bool active;
    bool patient; /* asked again on a new connection; else over with the old one */
    int64_t request;
    int64_t deadline_ms;
    int64_t due_ms; /* when to send it (again), INT64_MAX: never */
    client_answered *done;
    void *self;
    struct buf header, body;
};

struct client {
    char *home;
    char *name;
    char *endpoint, *bell_endpoint;
    zcert_t *cert, *broker_cert;
    zloop_t *loop;
    int timer;
    int flush_timer;
    bool bells;
    bool bell_waits; /* client_bell_wait wants to be woken */
    char **bell_topics;

    zsock_t *dealer;
    zsock_t *monitor;
    zsock_t *bell;
    int64_t opened_ms;
    int64_t heard_ms;
    int64_t bell_ms;
    int64_t hello_ms; /* last HELLO sent on this connection, 0: none */
    int64_t beat_ms;
    int64_t tick_ms;
    int64_t serial;
    bool up;
    enum fault refused;
    enum fault trouble; /* of publishing */
    uint64_t head, floor;
    char words[CLIENT_WORDS_BYTES];

    struct outgoing out;
    struct pending read;
    client_events *read_done;
    void *read_self;
    struct asking asks[CLIENT_ASKS_MAX];

    client_actors *on_actors;
    void *actors_self;
    client_bell *on_bell;
    void *bell_self;
    client_state *on_state;
    void *state_self;
    client_question *on_question;
    void *question_self;
    uint64_t cursor;
    struct buf report;       /* packed */
    struct buf header, body; /* scratch for what is sent */
};

/* client.c */
struct client *client_alloc(void); /* without sockets: for the fuzzer */
int64_t client_next_request(struct client *client, enum request_kind kind);
int64_t client_backoff_ms(unsigned tries, int64_t first, int64_t most);
/* One message that arrived; `body` may be NULL. */
void client_take(struct client *client, const uint8_t *header, size_t header_len,
                 const uint8_t *body, size_t len);
void client_say_hello(struct client *client);
void client_say_beat(struct client *client, int64_t now);
void client_go_down(struct client *client);
void client_tell_state(struct client *client);

/* client_link.c */
enum fault client_open_dealer(struct client *client) NODISCARD;
enum fault client_open_bell(struct client *client) NODISCARD;
void client_close_socket(struct client *client, zsock_t **socket);
bool client_send(struct client *client, const struct buf *header, const void *body, size_t len);
void client_receive(struct client *client);
void client_receive_monitor(struct client *client);
void client_tick(struct client *client);

/* client_publish.c */
void publish_init(struct client *client);
void publish_fini(struct client *client);
void publish_tick(struct client *client, int64_t now);
void publish_reconnected(struct client *client);
void publish_answered(struct client *client, const struct wire_header *header);
/* Answers to events of `self` go to nobody from now on. */
void publish_forget(struct client *client, const void *self);
void publish_refused(struct client *client, int64_t request, enum fault fault);

/* client_calls.c */
void calls_tick(struct client *client, int64_t now);
void calls_reconnected(struct client *client);
void calls_fini(struct client *client);
void read_answered(struct client *client, const struct wire_header *header, const uint8_t *body,
                   size_t len);
void read_refused(struct client *client, const struct wire_header *header, enum fault fault);
/* One frame of the doorbell. */
void client_take_bell(struct client *client, const uint8_t *frame, size_t len);
bool client_parse_bell(const uint8_t *frame, size_t len, char *type, size_t room, uint64_t *seq);
void question_asked(struct client *client, const struct wire_header *header, const uint8_t *body,
                    size_t len);

/* client_ask.c */
struct question {
    const char *actor;
    const json_t *tree;
    int deadline_ms;
    bool patient;
    client_answered *done;
    void *self;
};

enum fault asks_begin(struct client *client, const struct question *question) NODISCARD;
void asks_tick(struct client *client, int64_t now);
void asks_reconnected(struct client *client);
void asks_lost(struct client *client);
/* Answers to questions of `self` go to nobody from now on. */
void asks_forget(struct client *client, const void *self);
void asks_fini(struct client *client);
void ask_answered(struct client *client, const struct wire_header *header, const uint8_t *body,
                  size_t len);
void ask_refused(struct client *client, const struct wire_header *header, enum fault fault);

#endif
