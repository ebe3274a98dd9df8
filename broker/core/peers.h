/* peers.h - who is connected, and what each actor last said about itself.
 *
 * A peer is one connection (a ROUTER routing id) that has said HELLO; a consumer is a name, which
 * may have several connections (a person's tools) or none (an actor that is down: its cursor and
 * its last report are still shown).
 *
 * Use        peers_new(); peers_add() at HELLO; peers_find() for each message; peers_drop() when
 *            a send says that it is gone; peers_forget() now and then.
 * Ownership  Everything shown is borrowed until the next peers_add, _drop or _forget. Who keeps a
 *            peer longer keeps its number.
 * Limits     PEERS_MAX connections: a further one takes the place of the longest silent, or is
 *            refused while all are alive. PEER_CONNECTIONS_MAX of one name: a further one takes the
 *            place of that name's longest silent. CONSUMERS_MAX names.
 * Threads    One. Time is a parameter. */
#ifndef USHER_PEERS_H
#define USHER_PEERS_H

#include "buf.h"
#include "fault.h"
#include "journal.h"
#include "rights.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PEERS_MAX = 1024,
    PEER_CONNECTIONS_MAX = 256, /* of one name */
    CONSUMERS_MAX = 256,
    PEER_ROUTE_BYTES_MAX = 255,
    PEER_NAME_BYTES_MAX = 127,
    PEER_KEY_CHARS = 40,
    PEER_USER_BYTES_MAX = PEER_KEY_CHARS + 1 + PEER_NAME_BYTES_MAX,
    PEER_STATE_BYTES_MAX = 4096,
    PEER_SILENT_MS = 3000, /* six heartbeats: taken for gone */
    PEER_FORGET_MS = 30000 /* must say HELLO again */
};

struct consumer {
    char name[PEER_NAME_BYTES_MAX + 1];
    const struct rights *rights;
    uint64_t cursor;
    bool has_cursor;
    struct journal_topics topics; /* of its last READ */
    bool has_topics;
    struct buf state; /* msgpack, as it came with the last BEAT */
    int64_t since_ms; /* wall clock, of the newest HELLO */
    int64_t seen_ms;  /* monotonic */
    unsigned connections;
    uint64_t newest; /* number of the newest connection */
};

/* One READ, waiting for its turn. */
struct peer_read {
    bool waiting;
    int64_t request;
    uint64_t from;
    size_t max;
    struct journal_topics topics;
};

struct peer {
    uint64_t number; /* never used again */
    uint8_t route[PEER_ROUTE_BYTES_MAX];
    size_t route_len;
    char user[PEER_USER_BYTES_MAX + 1]; /* "<key> <name>" */
    struct consumer *consumer;
    struct journal_topics allowed;
    int64_t seen_ms;
    struct peer_read read;
    uint64_t read_next;      /* what the last EVENTS said */
    uint64_t unproven_bytes; /* of EVENTS that it may not have taken yet */
    int64_t unproven_ms;
    struct peer *chain;
};

struct peers;

struct peers *peers_new(void);
void peers_destroy(struct peers **peers);

/* The connection, or NULL. */
struct peer *peers_find(const struct peers *peers, const uint8_t *route, size_t len);
struct peer *peers_numbered(const struct peers *peers, uint64_t number);
struct peer *peers_nth(const struct peers *peers, size_t n); /* until NULL */
size_t peers_count(const struct peers *peers);

/* Called for a connection just before it is dropped to make room, or forgotten. */
typedef void peers_gone(void *self, struct peer *peer);

/* A connection that has the right to be `user`; one with the same route is replaced. BUSY when
 * there is no place. */
enum fault peers_add(struct peers *peers, const uint8_t *route, size_t len, const char *user,
                     const struct rights *rights, int64_t now_ms, int64_t wall_ms, peers_gone *gone,
                     void *self, struct peer **out) NODISCARD;
void peers_drop(struct peers *peers, struct peer *peer);

/* Drops connections that have been silent for PEER_FORGET_MS. */
void peers_forget(struct peers *peers, int64_t now_ms, peers_gone *gone, void *self);

/* The newest connection of that name that is not silent, or NULL. */
struct peer *peers_named(const struct peers *peers, const char *name, int64_t now_ms);

struct consumer *peers_consumer(const struct peers *peers, size_t n); /* until NULL */
bool consumer_connected(const struct consumer *consumer, int64_t now_ms);

/* "<key> <name>" -> name. */
const char *peer_user_name(const char *user);

#endif
