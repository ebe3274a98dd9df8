/* due.c - when the fleet looks by itself. */
#include "backfill_core.h"

#include "clock.h"
#include "values.h"

enum { SCHEDULE_MS = 1000, SPREAD = 10 };

static bool any_key(const struct backfill *backfill)
{
    bool any = false;
    for (size_t i = 0; i < backfill->remote_count && !any; i++) {
        char words[KEY_WORDS_BYTES], *key = NULL;
        any = key_take(backfill->remotes[i], &key, words);
        key_drop(&key);
    }
    return any;
}

static bool is_due(int64_t every_ms, int64_t last_ms, int64_t now_ms)
{
    return every_ms > 0 && (last_ms > now_ms || now_ms - last_ms >= every_ms);
}

static enum fault work_first(void *self, struct store_txn *txn)
{
    json_t *last = json_object();
    tree_set_int(last, "hourly", *(const int64_t *)self);
    enum fault fault = tree_save(txn, TABLE_NOTES, text_slice(NOTE_LAST), last);
    json_decref(last);
    return fault;
}

/* With a key that is new the first look comes after an hour, and is the whole one: until then a
 * person may see what it will find. */
static bool whole_is_due(const struct backfill *backfill, const json_t *last, int64_t now_ms)
{
    int64_t daily_ms = settings_number(actor_settings(backfill->actor), "backfill/daily");
    if (tree_int(last, "daily")) {
        return is_due(daily_ms, tree_int(last, "daily"), now_ms);
    }
    bool hourly = backfill->every_ms && backfill->every_ms < daily_ms;
    return daily_ms &&
           is_due(hourly ? backfill->every_ms : daily_ms, tree_int(last, "hourly"), now_ms);
}

static void begin_due(struct backfill *backfill, const json_t *last, int64_t now_ms)
{
    bool daily = whole_is_due(backfill, last, now_ms);
    if ((!daily && !is_due(backfill->every_ms, tree_int(last, "hourly"), now_ms)) ||
        !any_key(backfill)) {
        return;
    }
    if (!last) {
        (void)!actor_change(backfill->actor, work_first, &now_ms);
        return;
    }
    int64_t back_ms = daily ? backfill->daily_days * (int64_t)DAY_MS : backfill->window_ms;
    struct run run = {.kind = daily ? RUN_DAILY : RUN_HOURLY,
                      .apply = true,
                      .states = daily && backfill->states,
                      .since_s =
                          run_since_s(now_ms / 1000, back_ms / 1000, tree_int(last, "covered_s")),
                      .until_s = (now_ms - backfill->settle_ms) / 1000,
                      .started_ms = now_ms};
    if (keep_begin(backfill, &run) != OK) {
        wait_for(backfill, backfill->retry_ms);
    }
}

int64_t due_spread(int64_t every_ms)
{
    return every_ms > 0 ? (int64_t)(random_u64() % (uint64_t)(every_ms / SPREAD + 1)) : 0;
}

void due_look(struct backfill *backfill)
{
    int64_t mono_ms = clock_mono_ms();
    json_t *last = NULL;
    if (mono_ms < backfill->schedule_mono_ms || !backfill->remote_count) {
        return;
    }
    backfill->schedule_mono_ms = mono_ms + SCHEDULE_MS;
    if (keep_load(backfill, NOTE_LAST, &last) == OK) {
        begin_due(backfill, last, clock_wall_ms());
    }
    if (backfill->run.stage == RUN_LISTING) {
        backfill->schedule_mono_ms = mono_ms + SCHEDULE_MS + due_spread(backfill->every_ms);
    }
    json_decref(last);
}
