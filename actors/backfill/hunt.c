/* hunt.c - single objects that a fact speaks of: asked for one at a time, published with that
 * fact's event as their cause. */
#include "backfill_core.h"

#include "clock.h"
#include "logs.h"
#include "values.h"

#include <string.h>

enum { NO_RIGHT_MS = 600 * 1000, LOOK_EVERY_MS = 500 };

/* --- what came back --------------------------------------------------------------------------- */

struct hunted {
    struct backfill *backfill;
    const struct source *source;
    const struct api_answer *said;
};

static enum fault tell(struct backfill *backfill, struct store_txn *txn)
{
    struct event event;
    const struct hunt *hunt = &backfill->hunt;
    if (event_parse(backfill->sift.packed.bytes, backfill->sift.packed.len, &event) != OK) {
        return FAULT_CORRUPT;
    }
    EVENT_SET(event.cause, hunt->cause);
    EVENT_SET(event.trace, hunt->trace);
    json_t *data = event_data(&event);
    enum fault fault = actor_emit(backfill->actor, txn, &event, data);
    if (fault == OK) { /* it will be in the journal: the trail may lead on at once */
        fault = picture_note(txn, &event, tree_get(data, "facts"));
    }
    json_decref(data);
    return fault;
}

static enum fault work_found(void *self, struct store_txn *txn)
{
    struct hunted *hunted = self;
    struct backfill *backfill = hunted->backfill;
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < backfill->page.count; i++) {
        struct sift_object object = {.item = backfill->page.items[i],
                                     .asked_ms = backfill->asked_ms,
                                     .now_ms = clock_wall_ms(),
                                     .raw = true,
                                     .links = true,
                                     .why = "fetched"};
        struct finding finding;
        bool seen = false;
        fault = sift_object(&backfill->sift, txn, hunted->source, &object, &finding);
        if (fault == OK && finding.found) {
            fault = picture_seen(txn, finding.id, &seen);
        }
        if (fault == OK && finding.found && !seen) {
            fault = tell(backfill, txn);
        }
    }
    if (fault == OK) {
        fault = hunts_over(txn, &backfill->hunt);
    }
    return fault == OK ? hunts_follow(txn, &backfill->hunt) : fault;
}

/* Without a key, or with one that may not read this, a person has to do something first. */
static int64_t wait_of(const struct backfill *backfill, const struct api_answer *said)
{
    if (!said || said->verdict == API_FORBIDDEN || said->verdict == API_REFUSED) {
        return NO_RIGHT_MS;
    }
    return run_wait_ms(backfill->hunt.tries + 1, backfill->retry_ms, said->retry_after_ms,
                       random_u64());
}

static enum fault work_later(void *self, struct store_txn *txn)
{
    struct hunted *hunted = self;
    struct backfill *backfill = hunted->backfill;
    int64_t due_ms = clock_wall_ms() + wait_of(backfill, hunted->said);
    return hunts_later(txn, &backfill->hunt, due_ms, hunted->said != NULL);
}

static enum fault work_over(void *self, struct store_txn *txn)
{
    struct hunted *hunted = self;
    return hunts_over(txn, &hunted->backfill->hunt);
}

static void change(struct hunted *hunted, actor_work *work)
{
    enum fault fault = actor_change(hunted->backfill->actor, work, hunted);
    if (fault != OK) {
        logs_write(LOGS_WARN, "a fetched object is looked at again later", "object",
                   hunted->backfill->hunt.id, "fault", fault_name(fault), NULL);
        wait_for(hunted->backfill, hunted->backfill->retry_ms);
    }
}

static void on_object(void *self, const struct answer *answer)
{
    struct backfill *backfill = self;
    struct api_answer said;
    ask_ended(backfill, answer, &said);
    struct hunted hunted = {backfill, remote_named(backfill, backfill->hunt.source), &said};
    if (said.verdict == API_FINE) {
        change(&hunted, work_found);
        return;
    }
    logs_write(LOGS_WARN, "an object could not be fetched", "object", backfill->hunt.id, "why",
               said.words, NULL);
    if (said.verdict == API_AGAIN) {
        wait_for(backfill, wait_of(backfill, &said));
    }
    bool again =
        said.verdict == API_AGAIN || said.verdict == API_FORBIDDEN || said.verdict == API_REFUSED;
    change(&hunted, again ? work_later : work_over);
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool start(struct backfill *backfill, const struct source *source, const char *key)
{
    struct buf path = {0}, query = {0};
    hunt_path(&backfill->hunt, &path, &query);
    struct api_ask ask = {.after = "", .path = buf_text(&path), .query = buf_text(&query)};
    bool started = ask_start(backfill, source, key, &ask, on_object);
    buf_fini(&path);
    buf_fini(&query);
    return started;
}

/* One that is due, and whether it still has to be asked for. */
static bool find(struct backfill *backfill, bool *needed)
{
    struct store_txn *txn = NULL;
    bool there = false;
    enum fault fault = store_begin(actor_store(backfill->actor), false, &txn);
    if (fault == OK) {
        fault = hunts_next(txn, clock_wall_ms(), &backfill->hunt, &there);
    }
    if (fault == OK && there) {
        fault = hunt_needed(txn, &backfill->hunt, needed);
    }
    store_abort(&txn);
    return fault == OK && there;
}

bool hunt_on(struct backfill *backfill)
{
    bool needed = false;
    char words[KEY_WORDS_BYTES], *key = NULL;
    if (!backfill->remote_count || clock_mono_ms() < backfill->hunt_mono_ms) {
        return false;
    }
    if (!find(backfill, &needed)) {
        backfill->hunt_mono_ms = clock_mono_ms() + LOOK_EVERY_MS;
        return false;
    }
    const struct source *source = remote_named(backfill, backfill->hunt.source);
    struct hunted hunted = {backfill, source, NULL};
    bool started = false;
    if (!needed || !source) {
        change(&hunted, work_over);
    } else if (!key_take(source, &key, words)) {
        change(&hunted, work_later); /* perhaps there will be one */
    } else {
        started = start(backfill, source, key);
        if (!started) {
            change(&hunted, work_over);
        }
    }
    key_drop(&key);
    return started;
}
