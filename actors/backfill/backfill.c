#include "backfill.h"

#include "backfill_core.h"
#include "clock.h"
#include "door.h"
#include "logs.h"
#include "must.h"
#include "stripe_facts.h"
#include "values.h"
#include "webhook.h"

#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 100, FORMAT = 1 };

static const struct setting own_settings[] = {
    {"backfill/every", SETTING_DURATION, "1h", 0, 7 * (int64_t)DAY_MS, NULL,
     "How often the newest events are compared with the provider's; 0s: never."},
    {"backfill/window", SETTING_DURATION, "2h", 60000, 30 * (int64_t)DAY_MS, NULL,
     "How far back it looks then."},
    {"backfill/daily", SETTING_DURATION, "24h", 0, 30 * (int64_t)DAY_MS, NULL,
     "How often everything is compared: events, and what is so now; 0s: never."},
    {"backfill/daily_days", SETTING_NUMBER, "30", 1, RUN_DAYS_MAX, NULL,
     "How many days of events it compares then; the provider keeps 30."},
    {"backfill/states", SETTING_FLAG, "true", 0, 0, NULL,
     "Whether subscriptions, customers, checkouts, refunds and disputes are compared, too."},
    {"backfill/settle", SETTING_DURATION, "60s", 0, 3600000, NULL,
     "What is younger may still be on its way here and is not looked for."},
    {"backfill/timeout", SETTING_DURATION, "20s", 100, 60000, NULL,
     "How long one call to the provider may take."},
    {"backfill/retry", SETTING_DURATION, "1s", 10, 60000, NULL,
     "How long the first wait is when the provider does not answer; it doubles up to a minute."},
    {"backfill/found_max", SETTING_NUMBER, "20000", 100, 1000000, NULL,
     "How much that is missing is kept before it is published, and then looked on."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    struct backfill *backfill = self;
    if (backfill->calling || !actor_caught_up(backfill->actor) ||
        actor_rebuilding(backfill->actor) || !actor_is_up(backfill->actor) ||
        clock_mono_ms() < backfill->wait_mono_ms) {
        return 0;
    }
    bool looking = backfill->run.stage == RUN_LISTING;
    bool mine = looking && backfill->hunted; /* they take turns */
    backfill->hunted = false;
    if (backfill->run.stage == RUN_PUBLISHING) {
        publish_on(backfill);
    } else if (!mine && hunt_on(backfill)) {
        backfill->hunted = true;
    } else if (looking) {
        look_on(backfill);
    } else {
        due_look(backfill);
    }
    return 0;
}

/* --- the actor -------------------------------------------------------------------------------- */

static enum fault backfill_apply(void *state, struct store_txn *txn, const struct event *event)
{
    struct backfill *backfill = state;
    char source[EVENT_NAME_BYTES_MAX + 1];
    picture_source(event->id, source);
    if (!remote_named(backfill, source)) {
        return OK;
    }
    json_t *data = event_data(event);
    enum fault fault = picture_note(txn, event, tree_get(data, "facts"));
    if (fault == OK) {
        fault = hunts_note(txn, event, tree_get(data, "facts"), backfill->settle_ms);
    }
    json_decref(data);
    return fault;
}

static void backfill_close(void **state)
{
    struct backfill *backfill = *state;
    if (backfill) {
        http_out_destroy(&backfill->http);
        sources_close(&backfill->sources);
        sift_fini(&backfill->sift);
        run_fini(&backfill->run);
        free(backfill);
        *state = NULL;
    }
}

/* The run that was under way when we were stopped or killed goes on where it was. */
static enum fault take_up(struct backfill *backfill)
{
    json_t *tree = NULL;
    enum fault fault = keep_load(backfill, NOTE_RUN, &tree);
    if (tree && run_read(tree, &backfill->run) != OK) {
        run_fini(&backfill->run);
    }
    json_decref(tree);
    return fault;
}

static void read_settings(struct backfill *backfill, const struct settings *settings)
{
    backfill->every_ms = settings_number(settings, "backfill/every");
    backfill->window_ms = settings_number(settings, "backfill/window");
    backfill->daily_days = settings_number(settings, "backfill/daily_days");
    backfill->settle_ms = settings_number(settings, "backfill/settle");
    backfill->retry_ms = settings_number(settings, "backfill/retry");
    backfill->found_max = settings_number(settings, "backfill/found_max");
    backfill->timeout_ms = (int)settings_number(settings, "backfill/timeout");
    backfill->states = settings_flag(settings, "backfill/states");
    for (size_t i = 0; i < backfill->sources.count; i++) {
        struct source *source = &backfill->sources.all[i];
        if (strcmp(source->provider->name, "stripe") == 0) {
            backfill->remotes[backfill->remote_count] = source;
            backfill->names[backfill->remote_count++] = source->name;
        }
    }
    size_t types = 0;
    while (stripe_type_nth(types)) {
        types++;
    }
    backfill->batches = (types + API_TYPES_MAX - 1) / API_TYPES_MAX;
}

static enum fault backfill_open(struct actor *actor, bool check_only, void **state, struct buf *why)
{
    const struct settings *settings = actor_settings(actor);
    struct backfill *backfill = must_calloc(1, sizeof *backfill);
    backfill->actor = actor;
    *state = backfill;
    enum fault fault = sources_open(settings, &backfill->sources, why);
    if (fault == OK) {
        read_settings(backfill, settings);
    }
    for (size_t i = 0; fault == OK && i < backfill->remote_count; i++) {
        const char *api = settings_text(backfill->remotes[i]->settings, "webhook/payment/api");
        struct buf words = {0};
        if (!http_out_url_allowed(api, false, &words)) {
            buf_printf(why, "usher.cfg: webhook/payment/api: %s\n", buf_text(&words));
            fault = FAULT_CONFIG;
        }
        buf_fini(&words);
    }
    if (fault == OK && !check_only) {
        fault = http_out_new(actor_loop(actor), &backfill->http);
        fault = fault == OK ? take_up(backfill) : fault;
        backfill->schedule_mono_ms = clock_mono_ms() + due_spread(backfill->every_ms);
        MUST(zloop_timer(actor_loop(actor), TICK_MS, 0, on_tick, backfill) >= 0);
    }
    if (fault != OK) {
        backfill_close(state);
    }
    return fault;
}

static void backfill_report(void *state, json_t *into)
{
    const struct backfill *backfill = state;
    const struct run *run = &backfill->run;
    tree_set_text(into, "run", run->id);
    tree_set_text(into, "stage", run_stage_word(run->stage));
    tree_set_int(into, "looked", run->looked);
    tree_set_int(into, "missing", run->missing + run->drifted);
    tree_set_text(into, "waits_for", run->words);
}

static const struct setting *const tables_of_settings[] = {
    own_settings, door_settings, sources_settings, webhook_settings, NULL};
static const char *const topics[] = {"payment.*",  "dispute.*",        "subscription.*",
                                     "customer.*", "provider.ignored", NULL};
static const char *const tables[] = {"seen",  "known", "would", "links", "found",
                                     "lines", "hunts", "notes", NULL};

const struct actor_class backfill_actor = {.name = "backfill",
                                           .settings = tables_of_settings,
                                           .topics = topics,
                                           .tables = tables,
                                           .format = FORMAT,
                                           .open = backfill_open,
                                           .close = backfill_close,
                                           .apply = backfill_apply,
                                           .answer = backfill_answer,
                                           .report = backfill_report};
