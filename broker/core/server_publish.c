#include "server_core.h"

#include "logs.h"
#include "must.h"

#include <string.h>

void batch_init(struct batch *batch)
{
    (void)buf_room(&batch->arena, JOURNAL_BATCH_BYTES_MAX); /* touched only as far as it is used */
}

void batch_fini(struct batch *batch)
{
    buf_fini(&batch->arena);
}

bool batch_fits(const struct batch *batch, size_t events, size_t bytes)
{
    return batch->count + events <= JOURNAL_BATCH_EVENTS_MAX &&
           batch->arena.len + bytes + events * STAMP_BYTES_MAX <= JOURNAL_BATCH_BYTES_MAX;
}

/* --- taking ----------------------------------------------------------------------------------- */

static bool check_publish(struct server *server, const struct peer *peer,
                          const struct wire_header *header, struct slice body, int64_t *count)
{
    if (!wire_int(header, 0, count) || *count < 1 || !body.bytes) {
        server_refuse_peer(server, peer, header->request, FAULT_MALFORMED,
                           "PUBLISH count, and a body of as many events", -1);
        return false;
    }
    if (*count > WIRE_PUBLISH_EVENTS_MAX || body.len > WIRE_PUBLISH_BYTES_MAX) {
        server_refuse_peer(server, peer, header->request, FAULT_TOO_LARGE,
                           "at most 512 events and 768 KiB in a message", -1);
        return false;
    }
    return true;
}

/* Puts one event at the end of the batch; moves *cursor behind it. */
static enum fault add_event(struct server *server, const struct peer *peer,
                            struct value_cursor *cursor, const char **why)
{
    struct batch *batch = &server->batch;
    struct stamped stamped;
    enum fault fault = stamp_event(peer->consumer->rights, peer->consumer->name, cursor->at,
                                   (size_t)(cursor->end - cursor->at), &server->scratch,
                                   &batch->arena, &stamped, why);
    if (fault == OK) {
        MUST(batch->arena.len <= JOURNAL_BATCH_BYTES_MAX);
        const uint8_t *bytes = batch->arena.bytes;
        batch->types[batch->count] = stamped.type;
        batch->entries[batch->count++] = (struct journal_entry){
            .id = (const char *)bytes + stamped.id_start,
            .id_len = stamped.id_len,
            .topic = (uint8_t)stamped.type->number,
            .bytes = bytes + stamped.start,
            .len = stamped.len,
        };
        cursor->at += stamped.used;
    }
    return fault;
}

enum fault publish_take(struct server *server, struct peer *peer, const struct wire_header *header,
                        struct slice body)
{
    struct batch *batch = &server->batch;
    int64_t count;
    if (!check_publish(server, peer, header, body, &count)) {
        return OK;
    }
    if (!batch_fits(batch, (size_t)count, body.len)) {
        enum fault fault = publish_commit(server);
        if (fault != OK) {
            return fault;
        }
    }
    size_t first = batch->count, start = batch->arena.len;
    struct value_cursor cursor = {body.bytes, (const uint8_t *)body.bytes + body.len};
    const char *why = "";
    enum fault fault = OK;
    for (int64_t i = 0; i < count && fault == OK; i++) {
        fault = add_event(server, peer, &cursor, &why);
        if (fault != OK) {
            batch->count = first;
            batch->arena.len = start;
            server_refuse_peer(server, peer, header->request, fault, why, i);
        }
    }
    if (fault == OK && cursor.at != cursor.end) {
        batch->count = first;
        batch->arena.len = start;
        server_refuse_peer(server, peer, header->request, FAULT_MALFORMED,
                           "more in the body than count says", -1);
    } else if (fault == OK) {
        struct publish *publish = &batch->publishes[batch->publish_count++];
        memcpy(publish->route, peer->route, peer->route_len);
        publish->route_len = peer->route_len;
        publish->request = header->request;
        publish->first = first;
        publish->count = (size_t)count;
    }
    return OK;
}

/* --- committing ------------------------------------------------------------------------------- */

static void answer(struct server *server, const struct publish *publish)
{
    const struct journal_entry *entries = server->batch.entries + publish->first;
    struct buf *header = &server->header;
    wire_header_begin(header, WIRE_PUBLISHED, publish->request, 2);
    value_put_array(header, publish->count);
    for (size_t i = 0; i < publish->count; i++) {
        value_put_int(header, (int64_t)entries[i].seq);
    }
    value_put_array(header, publish->count);
    for (size_t i = 0; i < publish->count; i++) {
        value_put_flag(header, entries[i].duplicate);
        server->counts.duplicates += entries[i].duplicate;
    }
    struct slice route = {publish->route, publish->route_len};
    enum fault fault = server->options.send(server->options.self, route, header, (struct slice){0});
    server->counts.unheard += fault != OK;
}

static void refuse(struct server *server, const struct publish *publish, enum fault fault)
{
    struct slice route = {publish->route, publish->route_len};
    server_refuse(server, route, publish->request, fault, fault_words(fault), -1);
}

static void ring(struct server *server, size_t first, size_t count)
{
    const struct batch *batch = &server->batch;
    for (size_t i = first; i < first + count; i++) {
        if (!batch->entries[i].duplicate) {
            server->options.ring(server->options.self, batch->types[i]->name,
                                 batch->entries[i].seq);
            server->counts.events++;
        }
    }
}

static void log_full(struct server *server, enum fault fault)
{
    if (fault == FAULT_FULL && !server->full_logged) {
        logs_write(LOGS_ERROR, "no room on the disk: publishing is refused", NULL);
    } else if (fault == OK && server->full_logged) {
        logs_write(LOGS_INFO, "room on the disk again", NULL);
    }
    server->full_logged = fault == FAULT_FULL;
}

/* The journal would not take the batch for a reason that lies in one of its events: each message by
 * itself, so that nobody pays for another's. */
static enum fault commit_one_by_one(struct server *server)
{
    struct batch *batch = &server->batch;
    for (size_t i = 0; i < batch->publish_count; i++) {
        const struct publish *publish = &batch->publishes[i];
        enum fault fault = journal_append(server->options.journal, batch->entries + publish->first,
                                          publish->count);
        if (fault == FAULT_IO) {
            return fault;
        }
        if (fault == OK) {
            answer(server, publish);
            ring(server, publish->first, publish->count);
        } else {
            logs_write(LOGS_ERROR, "the journal refused a message", "fault", fault_name(fault),
                       NULL);
            refuse(server, publish, fault);
        }
    }
    return OK;
}

enum fault publish_commit(struct server *server)
{
    struct batch *batch = &server->batch;
    if (!batch->count) {
        return OK;
    }
    enum fault fault = journal_append(server->options.journal, batch->entries, batch->count);
    if (fault == OK || fault == FAULT_FULL) {
        log_full(server, fault);
        for (size_t i = 0; i < batch->publish_count; i++) {
            if (fault == OK) {
                answer(server, &batch->publishes[i]);
            } else {
                refuse(server, &batch->publishes[i], fault);
            }
        }
        if (fault == OK) {
            ring(server, 0, batch->count);
        }
        fault = OK;
    } else if (fault != FAULT_IO) {
        fault = commit_one_by_one(server);
    }
    batch->count = 0;
    batch->publish_count = 0;
    buf_reset(&batch->arena);
    return fault;
}
