/* server.h - what the broker does with a message, without sockets.
 *
 * The door (door.h) receives, says who sent it (the ZAP user id), and sends what it is told to.
 * Events of PUBLISH messages gather in a batch; server_commit() appends all of them in one group
 * commit, answers, rings the bells, and then serves a few READs, at most one for each peer, so that
 * reading never starves committing.
 *
 * Use        for each message that has arrived: server_take(); then server_commit();
 *            server_tick() every SERVER_TICK_MS or so.
 * Promise    PUBLISHED is said only after the commit. A faulty message is refused alone.
 *            Any bytes at all cost bounded memory and are counted.
 * Faults     server_take and server_commit give only FAULT_IO: the journal failed, the process
 *            must end and start over. The world's mistakes are answered with REFUSED.
 * Threads    One. Time is a parameter.
 * See        schema/PROTOCOL.md */
#ifndef USHER_SERVER_H
#define USHER_SERVER_H

#include "buf.h"
#include "digest.h"
#include "fault.h"
#include "journal.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SERVER_TICK_MS = 100,
    SERVER_READS_A_ROUND = 4,
    SERVER_UNPROVEN_BYTES_MAX = 32 << 20, /* of EVENTS to a peer that may not be taking them */
    SERVER_UNPROVEN_BYTES_PER_MS = 4096
};

struct server;

struct server_options {
    struct journal *journal;
    void *self; /* for the calls below */

    /* Never blocks. UNAVAILABLE: that connection is gone; FULL: it does not take what it is sent.
     * `header` is borrowed; an empty body is left out. */
    enum fault (*send)(void *self, struct slice route, const struct buf *header, struct slice body);

    /* One bell. */
    void (*ring)(void *self, const char *type, uint64_t seq);

    /* Is the key of this user ("<key> <name>") still in the allow-list? */
    bool (*allowed)(void *self, const char *user);
};

struct server_message {
    struct slice route;  /* the ROUTER's id of the connection */
    const char *user;    /* "<key> <name>", from ZAP */
    struct slice header; /* the first frame */
    struct slice body;   /* the second; bytes NULL: there is none */
    size_t frames;       /* without the route; more than two is malformed */
};

struct server *server_new(const struct server_options *options, int64_t now_ms);
void server_destroy(struct server **server);

enum fault server_take(struct server *server, const struct server_message *message,
                       int64_t now_ms) NODISCARD;
enum fault server_commit(struct server *server, int64_t now_ms) NODISCARD;

/* True when the batch has no room for another full message: commit before taking more. */
bool server_batch_full(const struct server *server);

/* True while READs wait for the next round: do not sleep. */
bool server_busy(const struct server *server);

/* Deadlines of questions, silent peers. */
void server_tick(struct server *server, int64_t now_ms);

/* The allow-list changed: connections whose key is no longer in it are dropped. */
void server_keys_changed(struct server *server);

uint64_t server_head(const struct server *server);

/* The answer to {"ask":"status"}: a new tree. */
json_t *server_status(struct server *server, int64_t now_ms);

#endif
