/* runtime_actor.c - a small actor under the name "crm", to try the skeleton's promises with.
 *
 * It adds up the numbers in admin.noted events, remembers how often each was applied, and publishes
 * one job.done for each; a timer of its own publishes job.retrying, numbered, through actor_change.
 *
 *   --die POINT:N   kills itself (-9) the N-th time that POINT is reached
 *   --ticks         with the timer
 *   --look          with a timer that looks at single events of the journal, one after the other */
#include "actor.h"

#include "actor_core.h"
#include "must.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLE_SEEN = ACTOR_TABLES, TABLE_TOTALS };
enum { TICK_MS = 2 };

struct adder {
    struct actor *actor;
    int commits;
    int connections; /* how often it was told of one, or of its loss */
    struct {
        bool burst;
        uint64_t next;
        int waiting, seen, absent, wrong, unavailable, busy;
    } look;
};

struct wanted {
    struct adder *adder;
    uint64_t seq;
};

static const char *die_point;
static int die_count;
static bool ticks, looks;

static void reached(const char *point)
{
    if (die_point && strcmp(point, die_point) == 0 && --die_count == 0) {
        kill(getpid(), SIGKILL);
    }
}

static enum fault add_to(struct store_txn *txn, const char *name, int64_t number, int64_t *total)
{
    json_t *tree;
    enum fault fault = tree_load(txn, TABLE_TOTALS, text_slice(name), &tree);
    if (fault == OK) {
        tree = tree ? tree : json_object();
        *total = tree_int(tree, "total") + number;
        tree_set_int(tree, "total", *total);
        fault = tree_save(txn, TABLE_TOTALS, text_slice(name), tree);
    }
    json_decref(tree);
    return fault;
}

static enum fault emit(struct adder *adder, struct store_txn *txn, const char *type, const char *id,
                       const char *cause, int64_t number)
{
    struct event event = {.version = EVENT_VERSION, .time_ms = 1};
    EVENT_SET(event.type, type);
    EVENT_SET(event.id, id);
    EVENT_SET(event.cause, cause);
    json_t *data = json_pack("{s:I}", "number", (json_int_t)number);
    enum fault fault = actor_emit(adder->actor, txn, &event, data);
    json_decref(data);
    return fault;
}

static enum fault adder_apply(void *state, struct store_txn *txn, const struct event *event)
{
    struct adder *adder = state;
    json_t *data = event_data(event), *seen = NULL;
    int64_t number = tree_int(data, "number"), total;
    char id[EVENT_ID_BYTES_MAX + 32];
    json_decref(data);
    if (strcmp(event->type, "admin.noted") != 0) {
        return OK;
    }
    enum fault fault = tree_load(txn, TABLE_SEEN, text_slice(event->id), &seen);
    if (fault == OK) {
        seen = seen ? seen : json_object();
        tree_set_int(seen, "times", tree_int(seen, "times") + 1);
        fault = tree_save(txn, TABLE_SEEN, text_slice(event->id), seen);
    }
    json_decref(seen);
    if (fault == OK) {
        fault = add_to(txn, "sum", number, &total);
    }
    if (fault == OK) {
        snprintf(id, sizeof id, "crm:done:%s", event->id);
        fault = emit(adder, txn, number < 0 ? "member.joined" : "job.done", id, event->id, number);
    }
    return fault;
}

static enum fault tick_work(void *self, struct store_txn *txn)
{
    int64_t number;
    char id[64];
    enum fault fault = add_to(txn, "ticks", 1, &number);
    if (fault == OK) {
        snprintf(id, sizeof id, "crm:tick:%lld", (long long)number);
        fault = emit(self, txn, "job.retrying", id, "", number);
    }
    return fault;
}

static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    struct adder *adder = self;
    enum fault fault = actor_change(adder->actor, tick_work, adder);
    MUST(fault == OK || fault_again(fault));
    return 0;
}

static void on_seen(void *self, enum fault fault, const struct event *event)
{
    struct wanted *wanted = self;
    struct adder *adder = wanted->adder;
    adder->look.waiting--;
    if (fault == OK) {
        bool right = event->seq == wanted->seq && strcmp(event->type, "admin.noted") == 0;
        adder->look.seen += right;
        adder->look.wrong += !right;
    } else {
        adder->look.absent += fault == FAULT_NOT_FOUND;
        adder->look.unavailable += fault == FAULT_UNAVAILABLE;
        adder->look.wrong += event || (fault != FAULT_NOT_FOUND && fault != FAULT_UNAVAILABLE);
    }
    free(wanted);
}

static void look_at(struct adder *adder, uint64_t seq)
{
    struct wanted *wanted = must_calloc(1, sizeof *wanted);
    *wanted = (struct wanted){adder, seq};
    int before = adder->look.waiting++;
    enum fault fault = actor_read(adder->actor, seq, on_seen, wanted);
    if (fault != OK) {
        MUST(adder->look.waiting == before + 1); /* nobody was called */
        adder->look.waiting--;
        adder->look.busy += fault == FAULT_BUSY;
        adder->look.unavailable += fault == FAULT_UNAVAILABLE;
        free(wanted);
    }
}

static int on_look(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    enum { BURST = 100 };
    struct adder *adder = self;
    uint64_t cursor = actor_cursor(adder->actor);
    if (cursor == 0) {
        return 0;
    }
    for (int i = 0; i < (adder->look.burst ? 1 : BURST); i++) {
        look_at(adder, adder->look.next++ % cursor + 1);
    }
    adder->look.burst = true;
    return 0;
}

static enum fault adder_open(struct actor *actor, bool check_only, void **state, struct buf *why)
{
    if (settings_number(actor_settings(actor), "crm/answer") == 41) {
        buf_add_text(why, "usher.cfg: crm/answer: not quite\n");
        return FAULT_CONFIG;
    }
    struct adder *adder = must_calloc(1, sizeof *adder);
    adder->actor = actor;
    *state = adder;
    if (!check_only && ticks) {
        MUST(zloop_timer(actor_loop(actor), TICK_MS, 0, on_tick, adder) >= 0);
    }
    if (!check_only && looks) {
        MUST(zloop_timer(actor_loop(actor), TICK_MS, 0, on_look, adder) >= 0);
    }
    return OK;
}

static void adder_close(void **state)
{
    free(*state);
    *state = NULL;
}

static void adder_committed(void *state)
{
    ((struct adder *)state)->commits++;
}

struct tally {
    int64_t events, doubled;
};

static bool count_seen(void *self, struct slice key, struct slice value)
{
    (void)key;
    struct tally *tally = self;
    json_t *tree;
    MUST(value_unpack(value.bytes, value.len, &tree) == OK);
    tally->events++;
    tally->doubled += tree_int(tree, "times") != 1;
    json_decref(tree);
    return true;
}

static int64_t total_of(struct store_txn *txn, const char *name)
{
    json_t *tree;
    MUST(tree_load(txn, TABLE_TOTALS, text_slice(name), &tree) == OK);
    int64_t total = tree_int(tree, "total");
    json_decref(tree);
    return total;
}

static json_t *adder_answer(void *state, const char *who, const json_t *question, enum fault *fault)
{
    struct adder *adder = state;
    if (strcmp(tree_text(question, "ask"), "sum") != 0) {
        *fault = FAULT_NOT_FOUND;
        return NULL;
    }
    struct tally tally = {0};
    struct store_txn *txn;
    struct slice all = {NULL, 0};
    MUST(store_begin(actor_store(adder->actor), false, &txn) == OK);
    MUST(store_scan(txn, TABLE_SEEN, all, all, false, count_seen, &tally) == OK);
    json_t *answer = json_object();
    tree_set_text(answer, "who", who);
    tree_set_int(answer, "events", tally.events);
    tree_set_int(answer, "doubled", tally.doubled);
    tree_set_int(answer, "sum", total_of(txn, "sum"));
    tree_set_int(answer, "ticks", total_of(txn, "ticks"));
    tree_set_int(answer, "outbox", (int64_t)store_count(txn, ACTOR_TABLE_OUTBOX));
    tree_set_int(answer, "cursor", (int64_t)actor_cursor(adder->actor));
    tree_set_flag(answer, "caught_up", actor_caught_up(adder->actor));
    tree_set_flag(answer, "rebuilding", actor_rebuilding(adder->actor));
    store_abort(&txn);
    tree_set_int(answer, "waiting", adder->look.waiting);
    tree_set_int(answer, "seen", adder->look.seen);
    tree_set_int(answer, "absent", adder->look.absent);
    tree_set_int(answer, "wrong", adder->look.wrong);
    tree_set_int(answer, "unavailable", adder->look.unavailable);
    tree_set_int(answer, "busy", adder->look.busy);
    tree_set_int(answer, "connections", adder->connections);
    return answer;
}

static void adder_connection(void *state, bool up)
{
    struct adder *adder = state;
    MUST(actor_is_up(adder->actor) == up);
    adder->connections++;
}

static void adder_report(void *state, json_t *into)
{
    tree_set_int(into, "commits", ((struct adder *)state)->commits);
}

static const struct setting rows[] = {
    {"crm/answer", SETTING_NUMBER, "42", 1, 100, NULL, "A number."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};
static const struct setting *const setting_tables[] = {rows, NULL};
static const char *const topics[] = {"admin.*", NULL};
static const char *const table_names[] = {"seen", "totals", NULL};

static const struct actor_class adder_actor = {
    .name = "crm",
    .settings = setting_tables,
    .topics = topics,
    .tables = table_names,
    .format = 1,
    .open = adder_open,
    .close = adder_close,
    .apply = adder_apply,
    .committed = adder_committed,
    .answer = adder_answer,
    .report = adder_report,
    .connection = adder_connection,
};

int main(int argc, char **argv)
{
    actor_failpoint = reached;
    for (; argc > 1; argc--, argv++) {
        if (strcmp(argv[1], "--ticks") == 0) {
            ticks = true;
        } else if (strcmp(argv[1], "--look") == 0) {
            looks = true;
        } else if (strcmp(argv[1], "--die") == 0 && argc > 2) {
            die_point = strtok(argv[2], ":");
            die_count = atoi(strtok(NULL, ":"));
            argc--, argv++;
        } else {
            break;
        }
    }
    return actor_main(argc, argv, &adder_actor);
}
