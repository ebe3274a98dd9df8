#include "webhook.h"

#include "clock.h"
#include "door.h"
#include "logs.h"
#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 1000, SECRETS_MS = 5000, TABLE_DELIVERIES = ACTOR_TABLES, FORMAT = 1 };

struct webhook {
    struct actor *actor;
    struct door *door;
    int64_t interval_ms;
    int64_t since_ms;         /* wall time at which the interval began */
    int64_t interval_mono_ms; /* and the same on the clock that does not jump */
    int64_t secrets_mono_ms;
    bool interval_over;
    bool waits; /* the delivery log cannot be written: said once */
    size_t notes_taken;
};

/* clang-format off */
const struct setting webhook_settings[] = {
    {"webhook/refused_every", SETTING_DURATION, "60s", 100, 3600000, NULL,
     "How often the count of refused deliveries is published."},
    {"webhook/keep_deliveries", SETTING_DURATION, "90d", 3600000, INT64_C(3155760000000), NULL,
     "How long the delivery log remembers an id after its last delivery."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};
/* clang-format on */

static const struct setting *const tables_of_settings[] = {door_settings, sources_settings,
                                                           webhook_settings, NULL};
static const char *const tables_of_store[] = {"deliveries", NULL};

/* --- on the timer, off the hot path ---------------------------------------------------------- */

static enum fault emit_refused(struct webhook *webhook, struct store_txn *txn, int64_t now_ms)
{
    struct event event = {.time_ms = now_ms, .version = EVENT_VERSION};
    snprintf(event.id, sizeof event.id, "webhook:refused:%lld", (long long)webhook->since_ms);
    EVENT_SET(event.type, "webhook.refused");
    json_t *data = outcomes_data(door_interval(webhook->door), webhook->since_ms, now_ms);
    enum fault fault = actor_emit(webhook->actor, txn, &event, data);
    json_decref(data);
    return fault;
}

static enum fault write_down(void *self, struct store_txn *txn)
{
    struct webhook *webhook = self;
    int64_t now_ms = clock_wall_ms();
    enum fault fault = deliveries_write(door_deliveries(webhook->door), txn, TABLE_DELIVERIES,
                                        now_ms, &webhook->notes_taken);
    if (fault == OK && webhook->interval_over) {
        fault = emit_refused(webhook, txn, now_ms);
    }
    return fault;
}

static void tick_secrets(struct webhook *webhook, int64_t now_ms)
{
    if (now_ms - webhook->secrets_mono_ms >= SECRETS_MS) {
        webhook->secrets_mono_ms = now_ms;
        door_renew_secrets(webhook->door);
    }
}

/* A fault leaves everything as it is: the next tick tries again. */
static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    struct webhook *webhook = self;
    int64_t now_ms = clock_mono_ms();
    tick_secrets(webhook, now_ms);
    bool due = now_ms - webhook->interval_mono_ms >= webhook->interval_ms;
    webhook->interval_over = due && outcomes_refused(door_interval(webhook->door)) > 0;
    if (webhook->interval_over || deliveries_waiting(door_deliveries(webhook->door))) {
        enum fault fault = actor_change(webhook->actor, write_down, webhook);
        if (fault != OK) {
            if (!webhook->waits) {
                logs_write(LOGS_WARN, "the delivery log waits", "fault", fault_name(fault), NULL);
            }
            webhook->waits = true;
            return 0;
        }
        webhook->waits = false;
        deliveries_written(door_deliveries(webhook->door), webhook->notes_taken);
    }
    if (due) {
        door_interval_over(webhook->door);
        webhook->interval_mono_ms = now_ms;
        webhook->since_ms = clock_wall_ms();
    }
    return 0;
}

/* --- the actor ------------------------------------------------------------------------------- */

static enum fault webhook_open(struct actor *actor, bool check_only, void **state, struct buf *why)
{
    const struct settings *settings = actor_settings(actor);
    if (check_only) {
        return door_check(settings, why);
    }
    struct webhook *webhook = must_calloc(1, sizeof *webhook);
    webhook->actor = actor;
    enum fault fault =
        door_open(actor_loop(actor), actor_client(actor), settings, &webhook->door, why);
    if (fault != OK) {
        free(webhook);
        return fault;
    }
    door_deliveries(webhook->door)->keep_ms = settings_number(settings, "webhook/keep_deliveries");
    webhook->interval_ms = settings_number(settings, "webhook/refused_every");
    webhook->since_ms = clock_wall_ms();
    webhook->interval_mono_ms = webhook->secrets_mono_ms = clock_mono_ms();
    int64_t tick_ms = webhook->interval_ms < TICK_MS ? webhook->interval_ms : TICK_MS;
    MUST(zloop_timer(actor_loop(actor), (size_t)tick_ms, 0, on_tick, webhook) >= 0);
    *state = webhook;
    return OK;
}

static void webhook_close(void **state)
{
    struct webhook *webhook = *state;
    if (!webhook) {
        return;
    }
    if (deliveries_waiting(door_deliveries(webhook->door))) {
        webhook->interval_over = false;
        (void)!actor_change(webhook->actor, write_down, webhook);
    }
    door_close(&webhook->door);
    free(webhook);
    *state = NULL;
}

/* The row of a delivery by the event's id, or by the provider's own id at any source. */
static enum fault find_delivery(struct webhook *webhook, struct store_txn *txn, const char *id,
                                json_t **row)
{
    const struct deliveries *deliveries = door_deliveries(webhook->door);
    const struct sources *sources = door_sources(webhook->door);
    enum fault fault = deliveries_find(deliveries, txn, TABLE_DELIVERIES, id, row);
    for (size_t i = 0; fault == OK && !*row && i < sources->count; i++) {
        char whole[STORE_KEY_BYTES_MAX + 1];
        int chars = snprintf(whole, sizeof whole, "%s:%s", sources->all[i].name, id);
        if (chars < (int)sizeof whole) {
            fault = deliveries_find(deliveries, txn, TABLE_DELIVERIES, whole, row);
        }
    }
    return fault;
}

static json_t *answer_delivery(struct webhook *webhook, const json_t *question, enum fault *fault)
{
    const char *id = tree_text(question, "id");
    struct store_txn *txn = NULL;
    json_t *row = NULL;
    *fault = store_begin(actor_store(webhook->actor), false, &txn);
    if (*fault == OK && *id && strlen(id) <= STORE_KEY_BYTES_MAX) {
        *fault = find_delivery(webhook, txn, id, &row);
    }
    store_abort(&txn);
    if (*fault != OK) {
        return NULL;
    }
    json_t *list = json_array();
    if (row) {
        json_array_append_new(list, row);
    }
    json_t *answer = json_object();
    tree_set(answer, "deliveries", list);
    return answer;
}

static json_t *webhook_answer(void *state, const char *who, const json_t *question,
                              enum fault *fault)
{
    (void)who;
    struct webhook *webhook = state;
    const char *ask = tree_text(question, "ask");
    if (strcmp(ask, "delivery") == 0) {
        return answer_delivery(webhook, question, fault);
    }
    if (strcmp(ask, "stats") == 0) {
        return outcomes_tree(door_outcomes(webhook->door));
    }
    *fault = FAULT_NOT_FOUND;
    return NULL;
}

static void webhook_report(void *state, json_t *into)
{
    struct webhook *webhook = state;
    const struct outcomes *outcomes = door_outcomes(webhook->door);
    tree_set_int(into, "received",
                 (int64_t)(outcomes->counts[OUTCOME_RECEIVED] + outcomes->counts[OUTCOME_IGNORED]));
    tree_set_int(into, "duplicates", (int64_t)outcomes->counts[OUTCOME_DUPLICATE]);
    tree_set(into, "refusals", outcomes_refusals(outcomes)); /* "refused" is the skeleton's */
    tree_set_int(into, "in_flight", (int64_t)door_in_flight(webhook->door));
    tree_set_int(into, "connections", (int64_t)door_connections(webhook->door));
    tree_set_int(into, "unlogged", (int64_t)door_deliveries(webhook->door)->unlogged);
}

const struct actor_class webhook_actor = {
    .name = "webhook",
    .settings = tables_of_settings,
    .topics = NULL,
    .tables = tables_of_store,
    .format = FORMAT,
    .open = webhook_open,
    .close = webhook_close,
    .answer = webhook_answer,
    .report = webhook_report,
};
