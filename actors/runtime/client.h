/* client.h - a connection to the broker: publish, read, ask, answer, bells.
 *
 * Use        Actors: client_new() on their zloop, then the asynchronous calls; callbacks come from
 *            the loop. Tools: client_new(NULL loop) and the *_wait calls, which block up to a
 *            deadline.
 * Promise    A published event is kept and sent again (the same bytes, first after WIRE_RESEND_MS,
 *            then less and less often, down to every CLIENT_RESEND_MS_MAX) until the broker has
 *            answered, over reconnects and restarts of the broker; its id makes that harmless.
 *            What is in flight is bounded: client_publish returns FAULT_FULL at
 *            CLIENT_PUBLISH_EVENTS_MAX, CLIENT_PUBLISH_BYTES_MAX, or CLIENT_BATCHES_MAX messages.
 *            A broker that does not answer three beats is taken for gone: new sockets, HELLO again,
 *            and everything unanswered is sent again.
 * Ownership  The client copies what it is given. Events shown to callbacks are borrowed.
 * Threads    One.
 * Faults     FULL, TIMEOUT, UNAVAILABLE (temporary); what the broker REFUSED says (permanent).
 * See        schema/PROTOCOL.md */
#ifndef USHER_CLIENT_H
#define USHER_CLIENT_H

#include "events.h"
#include "wire.h"

#include <czmq.h>

enum {
    CLIENT_PUBLISH_EVENTS_MAX = 16384,
    CLIENT_PUBLISH_BYTES_MAX = 32 << 20,
    CLIENT_BATCHES_MAX = 1024, /* PUBLISH messages without an answer */
    CLIENT_RESEND_MS_MAX = 2000,
    CLIENT_BEATS_MISSED_MAX = 3,
    CLIENT_ASKS_MAX = 64,      /* as many as the broker allows */
    CLIENT_ASK_GRACE_MS = 500, /* the broker's TIMEOUT should come first */
    CLIENT_REPORT_BYTES_MAX = 4096
};

struct client;

struct client_options {
    const char *home;
    const char *name;               /* the key pair: "crm", or "people/ada" */
    zloop_t *loop;                  /* NULL: for the *_wait calls */
    bool bells;                     /* subscribe to the doorbell */
    const char *const *bell_topics; /* "member.*", ..., ends with NULL; NULL: every event's bell */
};

enum fault client_new(const struct client_options *options, struct client **out) NODISCARD;
void client_destroy(struct client **client);

/* --- asynchronous, on the loop ------------------------------------------------------------- */

/* OK with the seq, or what the broker refused it with (permanent only: temporary refusals are
 * tried again by the client). */
typedef void client_published(void *self, enum fault fault, uint64_t seq, bool duplicate);
/* Queues one packed event; it leaves together with the others of this turn of the loop, at the
 * turn's end (a timer without delay). A caller with a rhythm of its own calls client_flush. FULL:
 * try again when something has been answered; TOO_LARGE over EVENT_BYTES_MAX. `done` comes from
 * the loop, once, never from within client_publish; it may publish again. */
enum fault client_publish(struct client *client, const uint8_t *event, size_t len,
                          client_published *done, void *self) NODISCARD;
void client_flush(struct client *client);
size_t client_in_flight(const struct client *client);

/* The temporary fault with which the broker refused the last PUBLISH (FULL: its disk), OK when it
 * answered since. What was refused is tried again all the same; who must answer at once looks here. */
enum fault client_trouble(const struct client *client);

/* The events are in `body` for wire_next_event; next is where to read on; head the newest number.
 * Callback with a fault: GONE, AHEAD, DENIED, ...; with CORRUPT, next is behind the damage if the
 * broker said so, else 0. Temporary trouble is retried by the client. One READ at a time: BUSY. */
typedef void client_events(void *self, enum fault fault, struct value_cursor *body, size_t count,
                           uint64_t next, uint64_t head);
enum fault client_read(struct client *client, uint64_t from, size_t max, const char *const *topics,
                       client_events *done, void *self) NODISCARD;

/* Bells and heartbeats: the head moved, or may have. `type` is "heartbeat" for a heartbeat, and for
 * the broker's answer to a beat, so that a deaf bell costs half a second. */
typedef void client_bell(void *self, const char *type, uint64_t seq);
void client_on_bell(struct client *client, client_bell *bell, void *self);

/* How another actor is, with each answer to a beat: only a name whose kind is "alert" is told. */
typedef void client_actors(void *self, const char *name, bool connected, int64_t oldest_ms);
void client_on_actors(struct client *client, client_actors *actors, void *self);

/* Connected (WELCOME arrived) or lost: up is false while the broker does not answer. */
typedef void client_state(void *self, bool up, uint64_t head, uint64_t floor);
void client_on_state(struct client *client, client_state *state, void *self);
bool client_is_up(const struct client *client);

/* OK, or why the broker will not have us (the key is not known to it, not of this name, another
 * version of the protocol). The state callback is called with up false when it changes. */
enum fault client_refused(const struct client *client);

/* Reports the cursor with the next beat (every WIRE_HEARTBEAT_MS); `state` is a small tree (taken):
 * counters shown by status. One that packs to more than CLIENT_REPORT_BYTES_MAX is left out. */
void client_report(struct client *client, uint64_t cursor, json_t *state);

/* Questions to this actor. Return the answer (a new tree), or NULL with *fault set. */
typedef json_t *client_question(void *self, const char *who, const json_t *question,
                                enum fault *fault);
void client_on_question(struct client *client, client_question *answer, void *self);

/* Asks another actor ("broker" is one, too). OK: `done` comes once, from the loop and never from
 * within client_ask, with the answer (borrowed, at most WIRE_BODY_BYTES_MAX packed), or a fault
 * and NULL: what the actor or the broker REFUSED with (UNAVAILABLE: the actor is not there),
 * UNAVAILABLE when the connection is lost meanwhile, TIMEOUT CLIENT_ASK_GRACE_MS after the deadline
 * at the latest. client_destroy calls nobody.
 * Else: BUSY with CLIENT_ASKS_MAX under way, UNAVAILABLE without a connection, TOO_LARGE. */
typedef void client_answered(void *self, enum fault fault, json_t *answer);
enum fault client_ask(struct client *client, const char *actor, const json_t *question,
                      int deadline_ms, client_answered *done, void *self) NODISCARD;

/* --- blocking, for tools ------------------------------------------------------------------- *
 * Each says HELLO first if need be. UNAVAILABLE: the broker did not answer within the deadline. */

enum fault client_hello_wait(struct client *client, int deadline_ms, uint64_t *head,
                             uint64_t *floor) NODISCARD;
enum fault client_publish_wait(struct client *client, const uint8_t *event, size_t len,
                               int deadline_ms, uint64_t *seq, bool *duplicate) NODISCARD;
/* Appends the events' trees (event_json plus "seq") to `list`. */
enum fault client_read_wait(struct client *client, uint64_t from, size_t max,
                            const char *const *topics, int deadline_ms, json_t *list,
                            uint64_t *next, uint64_t *head) NODISCARD;
/* As client_ask, but asks again when the connection comes back within the deadline. */
enum fault client_ask_wait(struct client *client, const char *actor, const json_t *question,
                           int deadline_ms, json_t **answer) NODISCARD;
/* Waits for the next bell, with options.bells. FAULT_TIMEOUT when none came. */
enum fault client_bell_wait(struct client *client, int deadline_ms, char *type, size_t room,
                            uint64_t *seq) NODISCARD;
/* Words of the last refusal, "" if none. */
const char *client_words(const struct client *client);

#endif
