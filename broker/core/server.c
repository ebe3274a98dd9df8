#include "server_core.h"

#include "clock.h"
#include "logs.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

struct server *server_new(const struct server_options *options, int64_t now_ms)
{
    struct server *server = must_calloc(1, sizeof *server);
    server->options = *options;
    server->peers = peers_new();
    server->board = switchboard_new();
    server->started_ms = now_ms;
    batch_init(&server->batch);
    return server;
}

void server_destroy(struct server **server_ref)
{
    struct server *server = *server_ref;
    if (!server) {
        return;
    }
    peers_destroy(&server->peers);
    switchboard_destroy(&server->board);
    batch_fini(&server->batch);
    buf_fini(&server->header);
    buf_fini(&server->body);
    free(server);
    *server_ref = NULL;
}

uint64_t server_head(const struct server *server)
{
    struct journal_stat stat;
    journal_stat(server->options.journal, &stat);
    return stat.head;
}

/* --- sending ---------------------------------------------------------------------------------- */

static struct slice route_of(const struct peer *peer)
{
    return (struct slice){peer->route, peer->route_len};
}

/* The header is in server->header. An answer that does not arrive is asked for again. */
static enum fault send_to(struct server *server, struct slice route, const void *body, size_t len)
{
    enum fault fault = server->options.send(server->options.self, route, &server->header,
                                            (struct slice){body, len});
    server->counts.unheard += fault != OK;
    return fault;
}

bool server_send(struct server *server, const struct peer *peer, const void *body, size_t len)
{
    return send_to(server, route_of(peer), body, len) == OK;
}

void server_refuse(struct server *server, struct slice route, int64_t request, enum fault fault,
                   const char *words, int64_t detail)
{
    server->counts.refused[fault]++;
    wire_header_begin(&server->header, WIRE_REFUSED, request, detail < 0 ? 2 : 3);
    value_put_text(&server->header, fault_name(fault));
    value_put_text(&server->header, words);
    if (detail >= 0) {
        value_put_int(&server->header, detail);
    }
    (void)send_to(server, route, NULL, 0);
}

void server_refuse_peer(struct server *server, const struct peer *peer, int64_t request,
                        enum fault fault, const char *words, int64_t detail)
{
    server_refuse(server, route_of(peer), request, fault, words, detail);
}

static void refuse_stranger(struct server *server, struct slice route, int64_t request)
{
    server->counts.refused[FAULT_UNAVAILABLE]++;
    wire_header_begin(&server->header, WIRE_REFUSED, request, 3);
    value_put_text(&server->header, fault_name(FAULT_UNAVAILABLE));
    value_put_text(&server->header, "say HELLO first");
    value_put_text(&server->header, "hello");
    (void)send_to(server, route, NULL, 0);
}

/* --- peers ------------------------------------------------------------------------------------ */

static void forget_peer(struct server *server, struct peer *peer)
{
    logs_write(LOGS_INFO, "disconnected", "name", peer->consumer->name, NULL);
    ask_peer_gone(server, peer);
    server->reads_waiting -= peer->read.waiting;
    peer->read.waiting = false;
}

static void peer_gone(void *self, struct peer *peer)
{
    forget_peer(self, peer);
}

static void drop_peer(struct server *server, struct peer *peer)
{
    forget_peer(server, peer);
    peers_drop(server->peers, peer);
}

static enum fault check_hello(const struct server *server, const char *user, const char *name,
                              int64_t version, const struct rights **rights, const char **words)
{
    *rights = rights_of(peer_user_name(user));
    if (version != WIRE_VERSION) {
        *words = "this broker speaks version 1 of the protocol";
        return FAULT_VERSION;
    }
    if (strcmp(name, peer_user_name(user)) != 0) {
        *words = "the key is not of that name";
        return FAULT_DENIED;
    }
    if (!*rights || !server->options.allowed(server->options.self, user)) {
        *words = "nobody of that name has rights";
        return FAULT_DENIED;
    }
    *words = "too many connections";
    return OK;
}

static void hello_take(struct server *server, const struct server_message *message,
                       const struct wire_header *header, struct peer *old, int64_t now_ms)
{
    char name[PEER_NAME_BYTES_MAX + 1];
    int64_t version;
    const struct rights *rights;
    const char *words;
    if (header->argument_count < 2 || !wire_text(header, 0, name, sizeof name) ||
        !wire_int(header, 1, &version)) {
        server_refuse(server, message->route, header->request, FAULT_MALFORMED,
                      "HELLO name version", -1);
        return;
    }
    enum fault fault = check_hello(server, message->user, name, version, &rights, &words);
    /* It says HELLO again: all that it had is void, but not what lies in its queue. */
    uint64_t unproven_bytes = old ? old->unproven_bytes : 0;
    int64_t unproven_ms = old ? old->unproven_ms : 0;
    struct peer *peer = NULL;
    if (fault == OK) {
        fault = peers_add(server->peers, message->route.bytes, message->route.len, message->user,
                          rights, now_ms, clock_wall_ms(), peer_gone, server, &peer);
    }
    if (fault != OK) {
        logs_write(LOGS_WARN, "hello refused", "name", peer_user_name(message->user), "fault",
                   fault_name(fault), NULL);
        server_refuse(server, message->route, header->request, fault, words, -1);
        return;
    }
    peer->unproven_bytes = unproven_bytes;
    peer->unproven_ms = unproven_ms;
    read_allowed(rights, &peer->allowed);
    logs_write(LOGS_INFO, "connected", "name", name, NULL);
    struct journal_stat stat;
    journal_stat(server->options.journal, &stat);
    wire_header_begin(&server->header, WIRE_WELCOME, header->request, 2);
    value_put_int(&server->header, (int64_t)stat.head);
    value_put_int(&server->header, (int64_t)stat.floor);
    (void)server_send(server, peer, NULL, 0);
}

static void beat_take(struct server *server, struct peer *peer, const struct wire_header *header,
                      int64_t now_ms)
{
    int64_t cursor;
    if (header->argument_count < 1 || !wire_int(header, 0, &cursor) || cursor < 0) {
        server_refuse_peer(server, peer, header->request, FAULT_MALFORMED, "BEAT cursor state", -1);
        return;
    }
    struct consumer *consumer = peer->consumer;
    if (header->argument_count > 1) {
        size_t len = (size_t)(header->arguments[1].end - header->arguments[1].at);
        if (len > PEER_STATE_BYTES_MAX) {
            server_refuse_peer(server, peer, header->request, FAULT_TOO_LARGE,
                               "the state of a BEAT is at most 4096 bytes", -1);
            return;
        }
        buf_reset(&consumer->state);
        buf_add(&consumer->state, header->arguments[1].at, len);
    }
    consumer->cursor = (uint64_t)cursor;
    consumer->has_cursor = true;
    bool watcher = rights_has_kind(consumer->rights, "alert");
    wire_header_begin(&server->header, WIRE_BEATEN, header->request, watcher ? 2 : 1);
    value_put_int(&server->header, (int64_t)server_head(server));
    if (watcher) {
        server_put_actors(server, now_ms);
    }
    (void)server_send(server, peer, NULL, 0);
}

/* --- what arrives ----------------------------------------------------------------------------- */

static enum fault take_verb(struct server *server, struct peer *peer,
                            const struct wire_header *header, struct slice body, int64_t now_ms)
{
    switch (header->verb) {
    case WIRE_PUBLISH:
        return publish_take(server, peer, header, body);
    case WIRE_READ:
        read_take(server, peer, header);
        return OK;
    case WIRE_BEAT:
        beat_take(server, peer, header, now_ms);
        return OK;
    case WIRE_ASK:
        ask_take(server, peer, header, body, now_ms);
        return OK;
    case WIRE_REPLY:
        reply_take(server, peer, header, body);
        return OK;
    default: /* what only a broker says */
        server_refuse_peer(server, peer, header->request, FAULT_MALFORMED,
                           "not a verb for a broker", -1);
        return OK;
    }
}

enum fault server_take(struct server *server, const struct server_message *message, int64_t now_ms)
{
    struct wire_header header;
    server->counts.messages++;
    if (message->frames < 1 || message->frames > 2 ||
        wire_parse(message->header.bytes, message->header.len, &header) != OK) {
        server_refuse(server, message->route, 0, FAULT_MALFORMED, "not a message", -1);
        return OK;
    }
    struct peer *peer = peers_find(server->peers, message->route.bytes, message->route.len);
    if (peer && strcmp(peer->user, message->user) != 0) {
        drop_peer(server, peer); /* another key on a route of the same name */
        peer = NULL;
    }
    if (header.verb == WIRE_HELLO) {
        hello_take(server, message, &header, peer, now_ms);
        return OK;
    }
    if (!peer) {
        refuse_stranger(server, message->route, header.request);
        return OK;
    }
    peer->seen_ms = now_ms;
    peer->consumer->seen_ms = now_ms;
    return take_verb(server, peer, &header, message->body, now_ms);
}

enum fault server_commit(struct server *server, int64_t now_ms)
{
    enum fault fault = publish_commit(server);
    if (fault == OK && server->reads_waiting) {
        read_serve(server, now_ms);
    }
    return fault;
}

bool server_batch_full(const struct server *server)
{
    return !batch_fits(&server->batch, 1, EVENT_BYTES_MAX);
}

bool server_busy(const struct server *server)
{
    return server->reads_waiting > 0;
}

void server_tick(struct server *server, int64_t now_ms)
{
    ask_expire(server, now_ms);
    peers_forget(server->peers, now_ms, peer_gone, server);
}

void server_keys_changed(struct server *server)
{
    for (size_t i = peers_count(server->peers); i-- > 0;) {
        struct peer *peer = peers_nth(server->peers, i);
        if (!server->options.allowed(server->options.self, peer->user)) {
            logs_write(LOGS_WARN, "key withdrawn", "name", peer->consumer->name, NULL);
            drop_peer(server, peer);
        }
    }
}
