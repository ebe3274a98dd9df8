#include "actor_core.h"

#include "logs.h"
#include "must.h"

#include <inttypes.h>
#include <string.h>

static struct slice row_key(uint64_t key, uint8_t room[8])
{
    store_key_u64(key, room);
    return (struct slice){room, 8};
}

static bool take_last_key(void *self, struct slice key, struct slice value)
{
    (void)value;
    if (key.len == 8) {
        *(uint64_t *)self = store_key_number(key.bytes);
    }
    return false;
}

enum fault outbox_open(struct actor *actor)
{
    struct outbox *outbox = &actor->outbox;
    for (size_t i = 0; i < OUTBOX_IN_FLIGHT_MAX; i++) {
        outbox->slots[i].actor = actor;
        outbox->slots[i].next_free = outbox->free;
        outbox->free = &outbox->slots[i];
    }
    uint64_t last = 0;
    struct store_txn *txn;
    enum fault fault = store_begin(actor->store, false, &txn);
    if (fault == OK) {
        fault = store_scan(txn, ACTOR_TABLE_OUTBOX, (struct slice){NULL, 0},
                           (struct slice){NULL, 0}, true, take_last_key, &last);
        store_abort(&txn);
    }
    outbox->next_key = last + 1;
    return fault;
}

void outbox_close(struct actor *actor)
{
    buf_fini(&actor->outbox.scratch);
}

bool outbox_is_clear(const struct actor *actor)
{
    return !actor->outbox.in_flight && actor->outbox.sent_key + 1 >= actor->outbox.next_key;
}

bool outbox_is_long(const struct actor *actor)
{
    return actor->outbox.next_key - actor->outbox.sent_key > OUTBOX_UNSENT_MAX;
}

/* --- inside a transaction -------------------------------------------------------------------- */

void outbox_begin(struct actor *actor)
{
    actor->outbox.mark = actor->outbox.next_key;
    actor->outbox.sweeping = 0;
}

enum fault actor_emit(struct actor *actor, struct store_txn *txn, const struct event *event,
                      const json_t *data)
{
    struct outbox *outbox = &actor->outbox;
    MUST(actor->in_txn);
    if (!*event->id || !event_type_find(event->type)) {
        return FAULT_MALFORMED;
    }
    buf_reset(&outbox->scratch);
    event_pack_tree(event, data, &outbox->scratch);
    if (outbox->scratch.len > EVENT_BYTES_MAX) {
        return FAULT_TOO_LARGE;
    }
    if (actor_rebuilding(actor)) {
        return OK; /* it was published before the store was dropped */
    }
    uint8_t key[8];
    enum fault fault = store_put(txn, ACTOR_TABLE_OUTBOX, row_key(outbox->next_key, key),
                                 (struct slice){outbox->scratch.bytes, outbox->scratch.len});
    if (fault == OK) {
        outbox->next_key++;
    }
    return fault;
}

enum fault outbox_sweep(struct actor *actor, struct store_txn *txn)
{
    struct outbox *outbox = &actor->outbox;
    for (size_t i = 0; i < outbox->answered_count; i++) {
        uint8_t key[8];
        enum fault fault = store_delete(txn, ACTOR_TABLE_OUTBOX, row_key(outbox->answered[i], key));
        if (fault != OK) {
            return fault;
        }
    }
    outbox->sweeping = outbox->answered_count;
    return OK;
}

void outbox_end(struct actor *actor, bool committed)
{
    struct outbox *outbox = &actor->outbox;
    if (!committed) {
        outbox->next_key = outbox->mark;
        return;
    }
    actor->emitted += outbox->next_key - outbox->mark;
    outbox->answered_count -= outbox->sweeping;
    memmove(outbox->answered, outbox->answered + outbox->sweeping,
            outbox->answered_count * sizeof *outbox->answered);
}

/* --- to the broker --------------------------------------------------------------------------- */

static enum fault nothing(void *self, struct store_txn *txn)
{
    (void)self, (void)txn;
    return OK;
}

static void sweep_now(struct actor *actor)
{
    if (actor->outbox.answered_count) {
        enum fault fault = actor_transact(actor, nothing, NULL);
        if (fault == FAULT_IO || (fault != OK && !fault_again(fault))) {
            actor_stop(actor, fault, "the outbox cannot be written");
        } /* else a later commit takes them along */
    }
}

static int sweep_later(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    struct actor *actor = self;
    actor->outbox.sweep_armed = false;
    sweep_now(actor);
    outbox_publish(actor);
    return 0;
}

static void on_published(void *self, enum fault fault, uint64_t seq, bool duplicate)
{
    (void)seq, (void)duplicate;
    struct outbox_slot *slot = self;
    struct actor *actor = slot->actor;
    struct outbox *outbox = &actor->outbox;
    actor_reached("answered");
    if (fault == OK) {
        MUST(outbox->answered_count < OUTBOX_IN_FLIGHT_MAX);
        outbox->answered[outbox->answered_count++] = slot->key;
    } else { /* it stays in the outbox, for a person to see; the others go on */
        char row[24];
        snprintf(row, sizeof row, "%" PRIu64, slot->key);
        logs_write(LOGS_ERROR, "the broker refused an outgoing event for good", "row", row, "fault",
                   fault_name(fault), "words", client_words(actor->client), NULL);
        actor->refused++;
    }
    slot->next_free = outbox->free;
    outbox->free = slot;
    outbox->in_flight--;
    if (outbox->answered_count >= OUTBOX_SWEEP_ROWS) {
        sweep_now(actor);
    } else if (!outbox->sweep_armed) {
        outbox->sweep_armed = zloop_timer(actor->loop, OUTBOX_SWEEP_MS, 1, sweep_later, actor) >= 0;
    }
    outbox_publish(actor);
    feed_pull(actor); /* it may have waited for room here */
    actor_finish_drain(actor);
}

static bool publish_row(void *self, struct slice key, struct slice value)
{
    struct actor *actor = self;
    struct outbox *outbox = &actor->outbox;
    if (!outbox->free || outbox->in_flight + outbox->answered_count >= OUTBOX_IN_FLIGHT_MAX ||
        key.len != 8) {
        return false;
    }
    struct outbox_slot *slot = outbox->free;
    slot->key = store_key_number(key.bytes);
    if (client_publish(actor->client, value.bytes, value.len, on_published, slot) != OK) {
        return false; /* full: an answer makes room and comes back here */
    }
    outbox->free = slot->next_free;
    outbox->in_flight++;
    outbox->sent_key = slot->key;
    return true;
}

void outbox_publish(struct actor *actor)
{
    struct outbox *outbox = &actor->outbox;
    if (actor->in_txn || actor->ended || outbox->sent_key + 1 >= outbox->next_key ||
        outbox->in_flight + outbox->answered_count >= OUTBOX_IN_FLIGHT_MAX) {
        return;
    }
    struct store_txn *txn;
    enum fault fault = store_begin(actor->store, false, &txn);
    if (fault == OK) {
        uint8_t from[8];
        fault = store_scan(txn, ACTOR_TABLE_OUTBOX, (struct slice){NULL, 0},
                           row_key(outbox->sent_key + 1, from), false, publish_row, actor);
        store_abort(&txn);
    }
    if (fault != OK) {
        actor_stop(actor, fault, "the outbox cannot be read");
        return;
    }
    client_flush(actor->client);
    actor_reached("published");
}
