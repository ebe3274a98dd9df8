#include "actor_core.h"

#include "clock.h"
#include "home.h"
#include "logs.h"
#include "must.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const cursor_key = "cursor";
static const char *const rebuild_key = "rebuild_until";

/* --- the one transaction --------------------------------------------------------------------- */

enum fault actor_transact(struct actor *actor, actor_work *work, void *self)
{
    struct store_txn *txn = NULL;
    MUST(!actor->in_txn);
    enum fault fault = store_begin(actor->store, true, &txn);
    if (fault != OK) {
        return fault;
    }
    actor->in_txn = true;
    outbox_begin(actor);
    fault = work(self, txn);
    if (fault == OK) {
        fault = outbox_sweep(actor, txn);
    }
    actor->in_txn = false;
    if (fault == OK) {
        actor_reached("applied");
        fault = store_commit(&txn);
    } else {
        store_abort(&txn);
    }
    outbox_end(actor, fault == OK);
    if (fault == OK) {
        actor_reached("committed");
    }
    return fault;
}

void actor_after_commit(struct actor *actor)
{
    outbox_publish(actor);
    if (!actor->class->committed || !actor->opened) {
        return;
    }
    if (actor->committing) { /* committed() itself changed something: call it once more after */
        actor->committed_again = true;
        return;
    }
    actor->committing = true;
    do {
        actor->committed_again = false;
        actor->class->committed(actor->state);
    } while (actor->committed_again && !actor->ended);
    actor->committing = false;
}

enum fault actor_change(struct actor *actor, actor_work *work, void *self)
{
    if (actor->ended) {
        return FAULT_BUSY;
    }
    enum fault fault = actor_transact(actor, work, self);
    if (fault == OK) {
        actor_after_commit(actor);
    } else if (fault == FAULT_IO) {
        actor_stop(actor, fault, "the store cannot be written");
    }
    return fault;
}

/* --- the cursor ------------------------------------------------------------------------------ */

static enum fault put_number(struct store_txn *txn, const char *key, uint64_t number)
{
    uint8_t value[8];
    store_key_u64(number, value);
    return store_put(txn, ACTOR_TABLE_META, text_slice(key), (struct slice){value, sizeof value});
}

static enum fault get_number(struct store_txn *txn, const char *key, uint64_t *number)
{
    struct slice value;
    *number = 0;
    enum fault fault = store_get(txn, ACTOR_TABLE_META, text_slice(key), &value);
    if (fault == FAULT_NOT_FOUND) {
        return OK;
    }
    if (fault == OK && value.len != 8) {
        return FAULT_CORRUPT;
    }
    if (fault == OK) {
        *number = store_key_number(value.bytes);
    }
    return fault;
}

static enum fault put_cursor(struct actor *actor, struct store_txn *txn, uint64_t cursor)
{
    enum fault fault = put_number(txn, cursor_key, cursor);
    if (fault == OK && actor->rebuild_until && cursor >= actor->rebuild_until) {
        fault = store_delete(txn, ACTOR_TABLE_META, text_slice(rebuild_key));
    }
    return fault;
}

/* After the commit of put_cursor. */
static void cursor_stored(struct actor *actor, uint64_t cursor)
{
    actor->cursor = actor->cursor_stored = cursor;
    actor->cursor_stored_ms = clock_mono_ms();
    if (actor->rebuild_until && cursor >= actor->rebuild_until) {
        actor->rebuild_until = 0;
        logs_write(LOGS_INFO, "rebuilt", NULL);
    }
}

struct cursor_work {
    struct actor *actor;
    uint64_t cursor;
};

static enum fault work_cursor(void *self, struct store_txn *txn)
{
    struct cursor_work *work = self;
    return put_cursor(work->actor, txn, work->cursor);
}

enum fault feed_store_cursor(struct actor *actor)
{
    struct cursor_work work = {actor, actor->cursor};
    enum fault fault =
        actor->cursor == actor->cursor_stored ? OK : actor_transact(actor, work_cursor, &work);
    if (fault == OK) {
        cursor_stored(actor, work.cursor);
    }
    return fault;
}

/* --- opening --------------------------------------------------------------------------------- */

/* What `usher rebuild` left beside a fresh store: the cursor of the old one, decimal. */
static enum fault read_rebuild_file(const char *path, uint64_t *until)
{
    enum { NUMBER_CHARS_MAX = 32 };
    char *text = NULL, *end;
    size_t len;
    enum fault fault = home_read_file(path, NUMBER_CHARS_MAX, &text, &len);
    if (fault == FAULT_NOT_FOUND) {
        return OK;
    }
    if (fault == OK) {
        errno = 0;
        *until = strtoull(text, &end, 10);
        end += strspn(end, " \r\n");
        fault = end == text || *end || errno ? FAULT_MALFORMED : OK;
    }
    free(text);
    return fault;
}

struct open_work {
    struct actor *actor;
    uint64_t until; /* of the file, 0: none */
};

static enum fault work_open(void *self, struct store_txn *txn)
{
    struct open_work *work = self;
    struct actor *actor = work->actor;
    enum fault fault = get_number(txn, cursor_key, &actor->cursor);
    if (fault == OK && work->until) {
        fault = put_number(txn, rebuild_key, work->until);
    }
    if (fault == OK) {
        fault = get_number(txn, rebuild_key, &actor->rebuild_until);
    }
    if (fault == OK && actor->rebuild_until <= actor->cursor) {
        actor->rebuild_until = 0;
        fault = store_delete(txn, ACTOR_TABLE_META, text_slice(rebuild_key));
    }
    return fault;
}

enum fault feed_open(struct actor *actor)
{
    struct open_work work = {actor, 0};
    char *path = home_path(actor->home, "data/%s/REBUILD", actor->class->name);
    enum fault fault = read_rebuild_file(path, &work.until);
    if (fault == OK) {
        fault = actor_transact(actor, work_open, &work);
    }
    if (fault == OK && work.until && unlink(path) != 0 && errno != ENOENT) {
        fault = fault_from_errno(errno);
    }
    free(path);
    actor->cursor_stored = actor->cursor;
    actor->cursor_stored_ms = clock_mono_ms();
    return fault;
}

/* --- applying -------------------------------------------------------------------------------- */

struct batch_work {
    struct actor *actor;
    struct value_cursor body;
    size_t count;
    uint64_t next;
    uint64_t applied;
};

static enum fault apply_one(struct actor *actor, struct store_txn *txn, uint64_t seq,
                            const struct value_cursor *map)
{
    struct event event;
    if (event_parse(map->at, (size_t)(map->end - map->at), &event) != OK) {
        char number[24];
        snprintf(number, sizeof number, "%" PRIu64, seq);
        logs_write(LOGS_ERROR, "the broker sent an event that is not one", "seq", number, NULL);
        return FAULT_CORRUPT;
    }
    event.seq = seq;
    actor->applying = seq;
    enum fault fault = actor->class->apply(actor->state, txn, &event);
    actor->applying = 0;
    if (fault != OK) {
        logs_write(fault_again(fault) ? LOGS_WARN : LOGS_ERROR, "event not applied", "event",
                   event.id, "trace", event.trace, "fault", fault_name(fault), NULL);
    }
    return fault;
}

static enum fault work_batch(void *self, struct store_txn *txn)
{
    struct batch_work *work = self;
    struct actor *actor = work->actor;
    uint64_t last = actor->cursor;
    for (size_t i = 0; i < work->count; i++) {
        struct value_cursor map;
        uint64_t seq;
        if (wire_next_event(&work->body, &seq, &map) != OK) {
            return FAULT_CORRUPT;
        }
        if (seq <= last) { /* never twice, whatever the broker sends */
            continue;
        }
        if (seq >= work->next) {
            return FAULT_CORRUPT;
        }
        enum fault fault = apply_one(actor, txn, seq, &map);
        if (fault != OK) {
            return fault;
        }
        last = seq;
        work->applied++;
    }
    return put_cursor(actor, txn, work->next - 1);
}

static int retry_now(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    struct actor *actor = self;
    actor->waiting = false;
    feed_pull(actor);
    return 0;
}

/* A full disk is waited for; a broken one is not. */
static void batch_failed(struct actor *actor, enum fault fault)
{
    if (fault == FAULT_IO || !fault_again(fault)) {
        actor_stop(actor, fault, "a batch of events could not be applied");
        return;
    }
    if (!actor->trouble) {
        logs_write(LOGS_WARN, "a batch of events is tried again", "fault", fault_name(fault), NULL);
    }
    actor->trouble = fault_words(fault);
    actor->retried++;
    int64_t wait = FEED_RETRY_MS_MIN << (actor->failures < 8 ? actor->failures : 8);
    wait = wait < FEED_RETRY_MS_MAX ? wait : FEED_RETRY_MS_MAX;
    actor->failures++;
    actor->waiting = zloop_timer(actor->loop, (size_t)wait, 1, retry_now, actor) >= 0;
}

static void check_caught_up(struct actor *actor)
{
    if (actor->welcomed && !actor->caught_up &&
        (!actor->class->topics || actor->cursor >= actor->caught_up_at)) {
        actor->caught_up = true;
        logs_write(LOGS_INFO, "caught up", NULL);
        actor_after_commit(actor); /* what waited for it may begin */
    }
}

static void apply_batch(struct actor *actor, struct value_cursor *body, size_t count, uint64_t next)
{
    bool idle = count == 0 && next - actor->cursor_stored <= FEED_IDLE_EVENTS_MAX &&
                clock_mono_ms() - actor->cursor_stored_ms < FEED_IDLE_MS_MAX &&
                !actor->rebuild_until;
    if (idle) { /* nothing of ours: killed here, it is looked at once more */
        actor->cursor = next - 1;
        return;
    }
    struct batch_work work = {actor, *body, count, next, 0};
    enum fault fault = actor_transact(actor, work_batch, &work);
    if (fault != OK) {
        batch_failed(actor, fault);
        return;
    }
    cursor_stored(actor, next - 1);
    if (actor->trouble) {
        logs_write(LOGS_INFO, "events are applied again", NULL);
    }
    actor->failures = 0;
    actor->trouble = NULL;
    actor->applied += work.applied;
    actor->batches++;
    actor_after_commit(actor);
}

/* A damaged stretch of the journal is lost for everybody: said loudly, then passed. */
static void pass_damage(struct actor *actor, uint64_t next)
{
    char from[24], to[24];
    snprintf(from, sizeof from, "%" PRIu64, actor->cursor + 1);
    snprintf(to, sizeof to, "%" PRIu64, next - 1);
    logs_write(LOGS_ERROR, "the journal is damaged: these events cannot be read", "from", from,
               "to", to, NULL);
    actor->damaged += next - 1 - actor->cursor;
    struct value_cursor none = {NULL, NULL};
    struct batch_work work = {actor, none, 0, next, 0};
    enum fault fault = actor_transact(actor, work_batch, &work);
    if (fault != OK) {
        batch_failed(actor, fault);
        return;
    }
    cursor_stored(actor, next - 1);
}

static void refuse_to_skip(struct actor *actor, enum fault fault)
{
    char why[192];
    if (fault == FAULT_GONE) {
        snprintf(why, sizeof why,
                 "events from %" PRIu64 " on are no longer in the journal: read the archive back",
                 actor->cursor + 1);
    } else if (fault == FAULT_AHEAD) {
        uint64_t ours = actor->rebuild_until > actor->cursor ? actor->rebuild_until : actor->cursor;
        snprintf(why, sizeof why,
                 "the cursor %" PRIu64 " is above the journal's head %" PRIu64
                 ": an older journal was restored; nothing is skipped",
                 ours, actor->head);
    } else {
        snprintf(why, sizeof why, "the broker refused to read: %s", client_words(actor->client));
    }
    actor_stop(actor, fault, why);
}

static void on_events(void *self, enum fault fault, struct value_cursor *body, size_t count,
                      uint64_t next, uint64_t head)
{
    struct actor *actor = self;
    actor->reading = false;
    actor->head = head;
    if (actor->draining || actor->ended) {
        return;
    }
    if (fault == FAULT_CORRUPT && next > actor->cursor + 1) {
        pass_damage(actor, next);
    } else if (fault != OK) {
        refuse_to_skip(actor, fault);
    } else if (next > actor->cursor + 1) {
        apply_batch(actor, body, count, next);
    } else { /* no step forward: wait for the next bell, do not spin */
        actor->head = actor->cursor;
    }
    check_caught_up(actor);
    feed_pull(actor);
}

/* --- when to read ---------------------------------------------------------------------------- */

static bool feed_wants(const struct actor *actor)
{
    return !actor->waiting && actor->class->topics && actor->cursor < actor->head &&
           !outbox_is_long(actor);
}

/* One READ at a time: a single event that somebody wants to see goes first, and then the feed. */
void feed_pull(struct actor *actor)
{
    if (actor->reading || actor->draining || actor->ended || !actor->welcomed) {
        return;
    }
    bool wants = feed_wants(actor);
    if ((!wants || !actor->reads.had_turn) && reads_pull(actor)) {
        actor->reads.had_turn = true;
    } else if (wants) {
        actor->reads.had_turn = false;
        enum fault fault = client_read(actor->client, actor->cursor + 1, WIRE_READ_EVENTS_MAX,
                                       actor->class->topics, on_events, actor);
        MUST(fault == OK); /* one at a time, and topics that fit */
        actor->reading = true;
    }
}

void feed_bell(void *self, const char *type, uint64_t seq)
{
    (void)type;
    struct actor *actor = self;
    if (seq > actor->head) {
        actor->head = seq;
    }
    feed_pull(actor);
}

void feed_connected(struct actor *actor, uint64_t head)
{
    actor->head = head;
    if (actor->cursor > head || actor->rebuild_until > head) {
        refuse_to_skip(actor, FAULT_AHEAD);
        return;
    }
    if (!actor->welcomed) {
        actor->welcomed = true;
        actor->caught_up_at = head;
    }
    check_caught_up(actor);
    feed_pull(actor);
}

bool actor_caught_up(const struct actor *actor)
{
    return actor->caught_up;
}

uint64_t actor_cursor(const struct actor *actor)
{
    return actor->applying ? actor->applying : actor->cursor;
}

bool actor_rebuilding(const struct actor *actor)
{
    uint64_t at = actor->applying ? actor->applying : actor->cursor + 1;
    return actor->rebuild_until && at <= actor->rebuild_until;
}
