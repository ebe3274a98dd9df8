/* server_core.h - inside the server: what its files share. Not for others.
 *
 *   server.c          what arrives, by verb: HELLO, BEAT, and who may speak at all
 *   server_publish.c  PUBLISH: the batch, the commit, the answers
 *   server_read.c     READ
 *   server_ask.c      ASK, REPLY, and questions to the broker itself */
#ifndef USHER_SERVER_CORE_H
#define USHER_SERVER_CORE_H

#include "events.h"
#include "peers.h"
#include "server.h"
#include "stamp.h"
#include "switchboard.h"
#include "wire.h"

/* One PUBLISH message in the batch. */
struct publish {
    uint8_t route[PEER_ROUTE_BYTES_MAX];
    size_t route_len;
    int64_t request;
    size_t first, count;
};

struct batch {
    struct journal_entry entries[JOURNAL_BATCH_EVENTS_MAX];
    const struct event_type *types[JOURNAL_BATCH_EVENTS_MAX];
    size_t count;
    struct publish publishes[JOURNAL_BATCH_EVENTS_MAX];
    size_t publish_count;
    struct buf arena; /* never grows: the entries point into it */
};

struct server_counts {
    uint64_t messages, events, duplicates, unheard; /* unheard: answers that nobody took */
    uint64_t refused[FAULT_COUNT];
};

struct server {
    struct server_options options;
    struct peers *peers;
    struct switchboard *board;
    struct batch batch;
    struct event scratch;
    struct buf header; /* of what is sent */
    struct buf body;
    size_t reads_waiting;
    size_t read_turn;
    bool full_logged;
    int64_t started_ms;
    struct server_counts counts;
};

/* server.c */
bool server_send(struct server *server, const struct peer *peer, const void *body, size_t len);
/* Says REFUSED; `detail` below 0 is left out. */
void server_refuse(struct server *server, struct slice route, int64_t request, enum fault fault,
                   const char *words, int64_t detail);
void server_refuse_peer(struct server *server, const struct peer *peer, int64_t request,
                        enum fault fault, const char *words, int64_t detail);

/* server_publish.c */
void batch_init(struct batch *batch);
void batch_fini(struct batch *batch);
bool batch_fits(const struct batch *batch, size_t events, size_t bytes);
enum fault publish_take(struct server *server, struct peer *peer, const struct wire_header *header,
                        struct slice body) NODISCARD;
enum fault publish_commit(struct server *server) NODISCARD;

/* server_read.c */
void read_allowed(const struct rights *rights, struct journal_topics *topics);
void read_take(struct server *server, struct peer *peer, const struct wire_header *header);
void read_serve(struct server *server, int64_t now_ms);

/* server_ask.c */
void ask_take(struct server *server, struct peer *peer, const struct wire_header *header,
              struct slice body, int64_t now_ms);
void reply_take(struct server *server, struct peer *peer, const struct wire_header *header,
                struct slice body);
void ask_expire(struct server *server, int64_t now_ms);
void ask_peer_gone(struct server *server, struct peer *peer);
/* Appends how every actor is to the header: [[name, connected, oldest_ms], ...]. */
void server_put_actors(struct server *server, int64_t now_ms);

#endif
