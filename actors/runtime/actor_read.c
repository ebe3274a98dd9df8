#include "actor_core.h"

#include "clock.h"
#include "must.h"

/* One event is a READ like the feed's, and there may be one READ of a connection at a time. So it
 * asks for the feed's topics: the broker takes them from the last READ for what it says about lag. */

static void finish(struct seeing *seeing, enum fault fault, const struct event *event)
{
    actor_seen *seen = seeing->seen;
    seeing->seen = NULL;
    if (seen) {
        seen(seeing->self, fault, event);
    }
}

/* The oldest goes; its place is free before anybody is told. */
static struct seeing take_first(struct reads *reads)
{
    struct seeing first = reads->waiting[reads->first];
    reads->first = (reads->first + 1) % ACTOR_READS_MAX;
    reads->count--;
    return first;
}

static void on_event(void *self, enum fault fault, struct value_cursor *body, size_t count,
                     uint64_t next, uint64_t head)
{
    (void)next;
    struct actor *actor = self;
    struct seeing *seeing = &actor->reads.current;
    struct event event;
    struct value_cursor map;
    uint64_t seq = 0;
    actor->reading = false;
    if (head > actor->head) {
        actor->head = head;
    }
    bool shown = fault == OK && count > 0 && wire_next_event(body, &seq, &map) == OK;
    if (fault == FAULT_AHEAD || (fault == OK && (!shown || seq != seeing->seq))) {
        fault = FAULT_NOT_FOUND; /* it is of another topic, and what came is the next one */
    }
    if (fault == OK) {
        fault = event_parse(map.at, (size_t)(map.end - map.at), &event);
        event.seq = seq;
    }
    finish(seeing, fault, fault == OK ? &event : NULL);
    feed_pull(actor);
}

bool reads_pull(struct actor *actor)
{
    struct reads *reads = &actor->reads;
    if (reads->count == 0) {
        return false;
    }
    reads->current = take_first(reads);
    enum fault fault =
        client_read(actor->client, reads->current.seq, 1, actor->class->topics, on_event, actor);
    MUST(fault == OK); /* one at a time, and topics that fit */
    actor->reading = true;
    return true;
}

/* Those who are there now; a callback's own next question is not. */
static void give_up(struct actor *actor, int64_t until_ms)
{
    struct reads *reads = &actor->reads;
    if (reads->current.seen && reads->current.deadline_ms <= until_ms) {
        finish(&reads->current, FAULT_UNAVAILABLE, NULL); /* its answer will be for nobody */
    }
    for (size_t left = reads->count; left > 0; left--) {
        if (reads->waiting[reads->first].deadline_ms > until_ms) {
            return;
        }
        struct seeing first = take_first(reads);
        finish(&first, FAULT_UNAVAILABLE, NULL);
    }
}

void reads_tick(struct actor *actor)
{
    give_up(actor, clock_mono_ms());
    feed_pull(actor); /* what was asked for inside a transaction */
}

void reads_end(struct actor *actor)
{
    give_up(actor, INT64_MAX);
}

enum fault actor_read(struct actor *actor, uint64_t seq, actor_seen *seen, void *self)
{
    struct reads *reads = &actor->reads;
    if (seq == 0) {
        return FAULT_NOT_FOUND;
    }
    if (actor->draining || actor->ended || !client_is_up(actor->client)) {
        return FAULT_UNAVAILABLE;
    }
    if (reads->count == ACTOR_READS_MAX) {
        return FAULT_BUSY;
    }
    size_t place = (reads->first + reads->count++) % ACTOR_READS_MAX;
    reads->waiting[place] = (struct seeing){seq, clock_mono_ms() + ACTOR_READ_MS, seen, self};
    if (!actor->in_txn) { /* the cursor is about to move */
        feed_pull(actor);
    }
    return OK;
}

bool actor_is_up(const struct actor *actor)
{
    return client_is_up(actor->client);
}
