#include "server_core.h"

#include <string.h>

static void topics_add(struct journal_topics *topics, int number)
{
    topics->bits[number / 64] |= UINT64_C(1) << (number % 64);
}

static bool topics_empty(const struct journal_topics *topics)
{
    uint64_t any = 0;
    for (size_t i = 0; i < JOURNAL_TOPICS / 64; i++) {
        any |= topics->bits[i];
    }
    return any == 0;
}

void read_allowed(const struct rights *rights, struct journal_topics *topics)
{
    memset(topics, 0, sizeof *topics);
    const struct event_type *type;
    for (size_t i = 0; (type = event_type_nth(i)); i++) {
        if (rights_read(rights, type->name)) {
            topics_add(topics, type->number);
        }
    }
}

/* The patterns' types, all when there is no pattern; false if it is not a list of patterns. */
static bool parse_topics(const struct wire_header *header, struct journal_topics *topics)
{
    struct value_cursor cursor = header->arguments[2];
    size_t count, len;
    const char *bytes;
    memset(topics, 0, sizeof *topics);
    if (!value_get_array(&cursor, &count) || count > WIRE_TOPICS_MAX) {
        return false;
    }
    if (!count) {
        memset(topics, 0xff, sizeof *topics);
    }
    for (size_t i = 0; i < count; i++) {
        char pattern[EVENT_NAME_BYTES_MAX + 1];
        if (!value_get_string(&cursor, &bytes, &len) || len >= sizeof pattern ||
            memchr(bytes, '\0', len)) {
            return false;
        }
        memcpy(pattern, bytes, len);
        pattern[len] = '\0';
        const struct event_type *type;
        for (size_t j = 0; (type = event_type_nth(j)); j++) {
            if (topic_matches(pattern, type->name)) {
                topics_add(topics, type->number);
            }
        }
    }
    return true;
}

void read_take(struct server *server, struct peer *peer, const struct wire_header *header)
{
    int64_t from, max;
    struct journal_topics topics;
    if (header->argument_count < 3 || !wire_int(header, 0, &from) || from < 1 ||
        !wire_int(header, 1, &max) || max < 1 || !parse_topics(header, &topics)) {
        server_refuse_peer(server, peer, header->request, FAULT_MALFORMED, "READ from max topics",
                           -1);
        return;
    }
    for (size_t i = 0; i < JOURNAL_TOPICS / 64; i++) {
        topics.bits[i] &= peer->allowed.bits[i];
    }
    if (topics_empty(&topics)) {
        server_refuse_peer(server, peer, header->request, FAULT_DENIED,
                           "none of these topics is yours to read", -1);
        return;
    }
    if (peer->read.waiting && peer->read.request != header->request) {
        server_refuse_peer(server, peer, header->request, FAULT_BUSY, "one READ at a time", -1);
        return;
    }
    server->reads_waiting += !peer->read.waiting;
    peer->read = (struct peer_read){
        .waiting = true,
        .request = header->request,
        .from = (uint64_t)from,
        .max = max < WIRE_READ_EVENTS_MAX ? (size_t)max : WIRE_READ_EVENTS_MAX,
        .topics = topics,
    };
    peer->consumer->topics = topics;
    peer->consumer->has_topics = true;
}

/* --- serving ---------------------------------------------------------------------------------- */

/* A peer that asks and does not take the answers makes them pile up in its queue. One that reads
 * on where the last answer ended has taken it; else bytes count as taken only slowly. */
static bool may_send_more(struct peer *peer, int64_t now_ms)
{
    if (peer->read.from == peer->read_next) {
        peer->unproven_bytes = 0;
    }
    uint64_t taken = (uint64_t)(now_ms - peer->unproven_ms) * SERVER_UNPROVEN_BYTES_PER_MS;
    peer->unproven_bytes -= taken < peer->unproven_bytes ? taken : peer->unproven_bytes;
    peer->unproven_ms = now_ms;
    return peer->unproven_bytes < SERVER_UNPROVEN_BYTES_MAX;
}

struct reading {
    struct buf *body;
    size_t count;
    uint64_t last;
};

static bool add_record(void *self, uint64_t seq, const uint8_t *bytes, size_t len)
{
    struct reading *reading = self;
    size_t next = reading->body->len + 9 + len;
    if (reading->count && next > WIRE_READ_BYTES_MAX) {
        return false;
    }
    value_put_int(reading->body, (int64_t)seq);
    buf_add(reading->body, bytes, len);
    reading->count++;
    reading->last = seq;
    return true;
}

static void refuse_read(struct server *server, const struct peer *peer, enum fault fault,
                        uint64_t next, const struct journal_stat *stat)
{
    int64_t detail = -1;
    if (fault == FAULT_GONE) {
        detail = (int64_t)stat->floor;
    } else if (fault == FAULT_AHEAD) {
        detail = (int64_t)stat->head;
    } else if (fault == FAULT_CORRUPT) {
        detail = (int64_t)next;
    }
    server_refuse_peer(server, peer, peer->read.request, fault, fault_words(fault), detail);
}

static void serve(struct server *server, struct peer *peer, int64_t now_ms)
{
    const struct peer_read *read = &peer->read;
    if (!may_send_more(peer, now_ms)) {
        server_refuse_peer(server, peer, read->request, FAULT_BUSY, "take your answers first", -1);
        return;
    }
    struct journal_stat stat;
    uint64_t next = 0;
    buf_reset(&server->body);
    struct reading reading = {&server->body, 0, 0};
    enum fault fault =
        journal_read(server->options.journal, read->from, read->max, WIRE_READ_BYTES_MAX,
                     &read->topics, add_record, &reading, &next);
    journal_stat(server->options.journal, &stat);
    if (fault != OK && !(fault == FAULT_CORRUPT && reading.count)) {
        refuse_read(server, peer, fault, next, &stat);
        return;
    }
    if (fault == FAULT_CORRUPT) {
        next = reading.last + 1; /* up to the damage; the next READ is told of it */
    }
    wire_header_begin(&server->header, WIRE_EVENTS, read->request, 3);
    value_put_int(&server->header, (int64_t)reading.count);
    value_put_int(&server->header, (int64_t)next);
    value_put_int(&server->header, (int64_t)stat.head);
    if (server_send(server, peer, server->body.bytes, server->body.len)) {
        peer->unproven_bytes += server->body.len;
        peer->read_next = next;
    }
}

void read_serve(struct server *server, int64_t now_ms)
{
    size_t peers = peers_count(server->peers);
    size_t served = 0;
    for (size_t i = 0; i < peers && served < SERVER_READS_A_ROUND && server->reads_waiting; i++) {
        struct peer *peer = peers_nth(server->peers, server->read_turn++ % peers);
        if (peer->read.waiting) {
            peer->read.waiting = false;
            server->reads_waiting--;
            serve(server, peer, now_ms);
            served++;
        }
    }
}
