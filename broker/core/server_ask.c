#include "server_core.h"

#include "clock.h"
#include "must.h"

#include <string.h>

/* --- questions to the broker itself ----------------------------------------------------------- */

/* When the oldest event that the consumer has not seen was published, or 0. */
static bool take_time(void *self, uint64_t seq, const uint8_t *bytes, size_t len)
{
    struct event event;
    (void)seq;
    if (event_parse(bytes, len, &event) == OK) {
        *(int64_t *)self = event.time_ms;
    }
    return true;
}

static int64_t oldest_waiting_ms(struct server *server, const struct consumer *consumer,
                                 uint64_t head)
{
    int64_t time_ms = 0;
    uint64_t next;
    if (!consumer->has_topics || !consumer->has_cursor || consumer->cursor >= head) {
        return 0;
    }
    enum fault fault = journal_read(server->options.journal, consumer->cursor + 1, 1, 1,
                                    &consumer->topics, take_time, &time_ms, &next);
    int64_t age_ms = clock_wall_ms() - time_ms;
    return fault == OK && time_ms && age_ms > 0 ? age_ms : 0;
}

static json_t *peer_tree(struct server *server, const struct consumer *consumer, uint64_t head,
                         int64_t now_ms)
{
    json_t *tree = json_object();
    uint64_t lag = consumer->has_topics && consumer->has_cursor && consumer->cursor < head
                       ? head - consumer->cursor
                       : 0;
    tree_set_text(tree, "name", consumer->name);
    tree_set_flag(tree, "connected", consumer_connected(consumer, now_ms));
    tree_set_int(tree, "cursor", (int64_t)consumer->cursor);
    tree_set_int(tree, "lag", (int64_t)lag);
    tree_set_int(tree, "oldest_ms", oldest_waiting_ms(server, consumer, head));
    tree_set_int(tree, "since", consumer->since_ms);
    tree_set_int(tree, "last_seen", clock_wall_ms() - (now_ms - consumer->seen_ms));
    json_t *report = NULL;
    if (!consumer->state.len ||
        value_unpack(consumer->state.bytes, consumer->state.len, &report) != OK) {
        report = json_object();
    }
    tree_set(tree, "report", report);
    return tree;
}

/* Actors only: people come and go. */
static bool is_actor(const struct consumer *consumer)
{
    return strchr(consumer->name, '/') == NULL && !consumer->rights->asks;
}

void server_put_actors(struct server *server, int64_t now_ms)
{
    const struct consumer *consumer;
    size_t count = 0;
    uint64_t head = server_head(server);
    for (size_t i = 0; (consumer = peers_consumer(server->peers, i)); i++) {
        count += is_actor(consumer);
    }
    value_put_array(&server->header, count);
    for (size_t i = 0; (consumer = peers_consumer(server->peers, i)); i++) {
        if (is_actor(consumer)) {
            value_put_array(&server->header, 3);
            value_put_text(&server->header, consumer->name);
            value_put_flag(&server->header, consumer_connected(consumer, now_ms));
            value_put_int(&server->header, oldest_waiting_ms(server, consumer, head));
        }
    }
}

static json_t *counts_tree(const struct server_counts *counts)
{
    json_t *tree = json_object();
    json_t *refused = json_object();
    for (int i = 1; i < FAULT_COUNT; i++) {
        if (counts->refused[i]) {
            tree_set_int(refused, fault_name((enum fault)i), (int64_t)counts->refused[i]);
        }
    }
    tree_set_int(tree, "messages", (int64_t)counts->messages);
    tree_set_int(tree, "events", (int64_t)counts->events);
    tree_set_int(tree, "duplicates", (int64_t)counts->duplicates);
    tree_set_int(tree, "unheard", (int64_t)counts->unheard);
    tree_set(tree, "refused", refused);
    return tree;
}

json_t *server_status(struct server *server, int64_t now_ms)
{
    struct journal_stat stat;
    journal_stat(server->options.journal, &stat);
    json_t *tree = json_object();
    json_t *peers = json_array();
    MUST(tree && peers);
    tree_set_text(tree, "version", USHER_VERSION);
    tree_set_int(tree, "head", (int64_t)stat.head);
    tree_set_int(tree, "floor", (int64_t)stat.floor);
    tree_set_int(tree, "bytes", (int64_t)stat.bytes);
    tree_set_int(tree, "free_bytes", (int64_t)stat.free_bytes);
    tree_set_int(tree, "segments", (int64_t)stat.segments);
    tree_set_int(tree, "damaged", (int64_t)stat.damaged);
    tree_set_int(tree, "commits", (int64_t)stat.commits);
    tree_set_int(tree, "uptime_ms", now_ms - server->started_ms);
    tree_set_flag(tree, "full", server->full_logged);
    const struct consumer *consumer;
    for (size_t i = 0; (consumer = peers_consumer(server->peers, i)); i++) {
        json_array_append_new(peers, peer_tree(server, consumer, stat.head, now_ms));
    }
    tree_set(tree, "peers", peers);
    tree_set(tree, "counts", counts_tree(&server->counts));
    return tree;
}

static void answer_ourselves(struct server *server, struct peer *peer, int64_t request,
                             struct slice question, int64_t now_ms)
{
    json_t *tree = NULL;
    enum fault fault = value_unpack(question.bytes, question.len, &tree);
    if (fault != OK || strcmp(tree_text(tree, "ask"), "status") != 0) {
        server_refuse_peer(server, peer, request, fault != OK ? fault : FAULT_NOT_FOUND,
                           "the broker answers {\"ask\":\"status\"}", -1);
        json_decref(tree);
        return;
    }
    json_decref(tree);
    tree = server_status(server, now_ms);
    buf_reset(&server->body);
    value_pack(tree, &server->body);
    json_decref(tree);
    wire_header_begin(&server->header, WIRE_ANSWER, request, 0);
    (void)server_send(server, peer, server->body.bytes, server->body.len);
}

/* --- questions to others ---------------------------------------------------------------------- */

static bool one_value(struct slice body)
{
    size_t used;
    return body.bytes && value_scan(body.bytes, body.len, &used) == OK && used == body.len;
}

static void pass_on(struct server *server, struct peer *peer, const char *actor, int64_t request,
                    struct slice question, int64_t deadline_ms, int64_t now_ms)
{
    struct peer *target = peers_named(server->peers, actor, now_ms);
    if (!target) {
        server_refuse_peer(server, peer, request, FAULT_UNAVAILABLE, "that actor is not connected",
                           -1);
        return;
    }
    int64_t number;
    enum fault fault = switchboard_open(server->board, peer->number, target->number, request,
                                        now_ms + deadline_ms, &number);
    if (fault != OK) {
        server_refuse_peer(server, peer, request, fault, "too many questions are open", -1);
        return;
    }
    wire_header_begin(&server->header, WIRE_ASKED, number, 2);
    value_put_int(&server->header, number);
    value_put_text(&server->header, peer->consumer->name);
    if (!server_send(server, target, question.bytes, question.len)) {
        struct ticket ticket;
        MUST(switchboard_close(server->board, number, target->number, &ticket));
        server_refuse_peer(server, peer, request, FAULT_UNAVAILABLE,
                           "that actor is gone or takes nothing", -1);
    }
}

void ask_take(struct server *server, struct peer *peer, const struct wire_header *header,
              struct slice body, int64_t now_ms)
{
    char actor[PEER_NAME_BYTES_MAX + 1];
    int64_t deadline_ms;
    if (header->argument_count < 2 || !wire_text(header, 0, actor, sizeof actor) ||
        !wire_int(header, 1, &deadline_ms) || deadline_ms < 1 || !one_value(body)) {
        server_refuse_peer(server, peer, header->request, FAULT_MALFORMED,
                           "ASK actor deadline_ms, and a body", -1);
        return;
    }
    if (!peer->consumer->rights->asks) {
        server_refuse_peer(server, peer, header->request, FAULT_DENIED, "only people ask", -1);
        return;
    }
    if (strcmp(actor, "broker") == 0) {
        answer_ourselves(server, peer, header->request, body, now_ms);
        return;
    }
    pass_on(server, peer, actor, header->request, body,
            deadline_ms < WIRE_ASK_MS_MAX ? deadline_ms : WIRE_ASK_MS_MAX, now_ms);
}

void reply_take(struct server *server, struct peer *peer, const struct wire_header *header,
                struct slice body)
{
    int64_t number;
    char name[32];
    struct ticket ticket;
    if (header->argument_count < 2 || !wire_int(header, 0, &number) ||
        !wire_text(header, 1, name, sizeof name)) {
        server_refuse_peer(server, peer, header->request, FAULT_MALFORMED,
                           "REPLY ticket fault, and a body", -1);
        return;
    }
    if (!switchboard_close(server->board, number, peer->number, &ticket)) {
        return; /* too late: the asker has been told */
    }
    struct peer *asker = peers_numbered(server->peers, ticket.asker);
    if (!asker) {
        return;
    }
    if (strcmp(name, "ok") != 0) {
        enum fault fault = fault_from_name(name);
        server_refuse_peer(server, asker, ticket.request, fault, fault_words(fault), -1);
    } else if (!one_value(body)) {
        server_refuse_peer(server, asker, ticket.request, FAULT_MALFORMED,
                           "the actor's answer is malformed", -1);
    } else {
        wire_header_begin(&server->header, WIRE_ANSWER, ticket.request, 0);
        (void)server_send(server, asker, body.bytes, body.len);
    }
}

static void tell_asker(struct server *server, const struct ticket *ticket, enum fault fault,
                       const char *words)
{
    const struct peer *asker = peers_numbered(server->peers, ticket->asker);
    if (asker) {
        server_refuse_peer(server, asker, ticket->request, fault, words, -1);
    }
}

void ask_expire(struct server *server, int64_t now_ms)
{
    struct ticket ticket;
    while (switchboard_expired(server->board, now_ms, &ticket)) {
        tell_asker(server, &ticket, FAULT_TIMEOUT, "the actor did not answer in time");
    }
}

void ask_peer_gone(struct server *server, struct peer *peer)
{
    struct ticket ticket;
    while (switchboard_gone(server->board, peer->number, &ticket)) {
        tell_asker(server, &ticket, FAULT_UNAVAILABLE, "that actor is gone");
    }
}
