#include "actor_core.h"

#include "adapter.h"
#include "clock.h"
#include "home.h"
#include "logs.h"
#include "memory.h"
#include "must.h"
#include "ready.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_SETTINGS = 78 };

static const struct setting own_settings[] = {
    {"log/level", SETTING_CHOICE, "info", 0, 0, "debug|info|warn|error",
     "How much the programs of the fleet say in their logs."},
    {"store/max", SETTING_BYTES, "32g", 1 << 20, INT64_C(1) << 40, NULL,
     "The most that one actor's store may hold; at this size the actor waits for room."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

void (*actor_failpoint)(const char *point);

void actor_reached(const char *point)
{
    if (actor_failpoint) {
        actor_failpoint(point);
    }
}

/* --- what actors ask ------------------------------------------------------------------------- */

const char *actor_name(const struct actor *actor)
{
    return actor->class->name;
}

const char *actor_home(const struct actor *actor)
{
    return actor->home;
}

const struct settings *actor_settings(const struct actor *actor)
{
    return actor->settings;
}

zloop_t *actor_loop(const struct actor *actor)
{
    return actor->loop;
}

struct store *actor_store(const struct actor *actor)
{
    return actor->store;
}

struct client *actor_client(const struct actor *actor)
{
    return actor->client;
}

/* --- the end --------------------------------------------------------------------------------- */

static int end_loop(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer, (void)self;
    return -1;
}

static int exit_code_of(enum fault fault)
{
    return fault == OK ? EXIT_OK : fault_again(fault) ? EXIT_AGAIN : EXIT_NEVER;
}

void actor_stop(struct actor *actor, enum fault fault, const char *why)
{
    if (actor->ended) {
        return;
    }
    actor->ended = true;
    actor->exit_code = exit_code_of(fault);
    logs_write(fault == OK ? LOGS_INFO : LOGS_ERROR, "stopping", "why", why, "fault",
               fault == OK ? NULL : fault_name(fault), NULL);
    MUST(zloop_timer(actor->loop, 0, 1, end_loop, actor) >= 0);
}

void actor_finish_drain(struct actor *actor)
{
    if (actor->draining && outbox_is_clear(actor)) {
        actor_stop(actor, OK, "told to");
    }
}

static int drained_long_enough(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    actor_stop(self, OK, "told to; the outbox keeps what the broker has not taken");
    return 0;
}

static int on_signal(zloop_t *loop, zmq_pollitem_t *item, void *self)
{
    struct actor *actor = self;
    struct signalfd_siginfo info;
    if (read(item->fd, &info, sizeof info) != sizeof info || actor->draining) {
        return 0;
    }
    actor->draining = true;
    ready_stopping();
    reads_end(actor);
    MUST(zloop_timer(loop, client_is_up(actor->client) ? DRAIN_MS_MAX : 0, 1, drained_long_enough,
                     actor) >= 0);
    actor_finish_drain(actor);
    return 0;
}

/* Blocked in every thread and read from a descriptor, so that a signal is an event of the loop.
 * Before czmq starts its threads; its own handler is not wanted. */
static void take_signals(struct actor *actor)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    MUST(pthread_sigmask(SIG_BLOCK, &wanted, NULL) == 0);
    signal(SIGPIPE, SIG_IGN);
    actor->signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    MUST(actor->signal_fd >= 0);
    zsys_handler_set(NULL);
}

/* --- the connection -------------------------------------------------------------------------- */

static void on_state(void *self, bool up, uint64_t head, uint64_t floor)
{
    (void)floor;
    struct actor *actor = self;
    if (up) {
        logs_write(LOGS_INFO, "connected to the broker", NULL);
        feed_connected(actor, head);
        if (!actor->ready && !actor->ended) {
            actor->ready = true;
            ready_notify();
        }
    } else if (client_refused(actor->client) != OK) {
        actor_stop(actor, client_refused(actor->client), client_words(actor->client));
    } else {
        logs_write(LOGS_WARN, "the broker does not answer", NULL);
    }
    if (!up) {
        reads_end(actor);
    }
    if (actor->class->connection && actor->opened && !actor->ended) {
        actor->class->connection(actor->state, up);
    }
}

static int on_report(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    report_update(self);
    reads_tick(self);
    ready_watchdog();
    return 0;
}

/* --- opening --------------------------------------------------------------------------------- */

static void say_lines(struct buf *why, bool plain)
{
    char *text = must_strdup(buf_text(why)), *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (plain) {
            fprintf(stderr, "%s\n", line);
        } else {
            logs_write(LOGS_ERROR, "cannot start", "why", line, NULL);
        }
    }
    free(text);
}

/* The adapter that the file names; NULL if none does, which settings_load will say. */
static const struct adapter *named_adapter(const struct actor *actor)
{
    char *name = NULL;
    const struct adapter *named = NULL;
    const struct adapter *const *at = actor->class->adapters;
    if (actor->class->provider &&
        settings_peek(actor->home, "usher.cfg", actor->class->provider, "", &name) == OK) {
        for (; at && *at && !named; at++) {
            named = strcmp((*at)->name, name) == 0 ? *at : NULL;
        }
    }
    free(name);
    return named;
}

static size_t count_tables(const struct actor_class *class)
{
    size_t count = 0;
    for (size_t i = 0; class->settings && class->settings[i]; i++) {
        count++;
    }
    for (size_t i = 0; class->adapters && class->adapters[i]; i++) {
        count++;
    }
    return count;
}

static void add_rows(struct actor *actor, size_t *count, const struct adapter *adapter)
{
    if (adapter && adapter->settings) {
        actor->tables[(*count)++] = adapter->settings;
    }
}

/* Those of all adapters: what a founder wrote for another one is no mistake. The named one's come
 * first, as the first row of a path is the one that counts. */
static void gather_tables(struct actor *actor)
{
    const struct actor_class *class = actor->class;
    const struct adapter *named = named_adapter(actor);
    size_t count = 0;
    actor->tables = must_calloc(count_tables(class) + 3, sizeof(void *));
    for (size_t i = 0; class->settings && class->settings[i]; i++) {
        actor->tables[count++] = class->settings[i];
    }
    add_rows(actor, &count, named);
    for (size_t i = 0; class->adapters && class->adapters[i]; i++) {
        if (class->adapters[i] != named) {
            add_rows(actor, &count, class->adapters[i]);
        }
    }
    actor->tables[count] = own_settings;
}

static enum fault load_settings(struct actor *actor, struct buf *why)
{
    gather_tables(actor);
    enum fault fault =
        settings_load(actor->home, "usher.cfg", actor->tables, &actor->settings, why);
    if (fault != OK && !why->len) {
        buf_printf(why, "%s/usher.cfg: %s\n", actor->home, fault_words(fault));
    }
    return fault;
}

static enum fault open_store(struct actor *actor)
{
    const char *names[STORE_TABLES_MAX + 1] = {"meta", "outbox"};
    size_t count = ACTOR_TABLES;
    for (const char *const *table = actor->class->tables; table && *table; table++) {
        MUST(count < STORE_TABLES_MAX);
        names[count++] = *table;
    }
    struct store_options options = {
        .tables = names,
        .format = actor->class->format,
        .map_bytes = (uint64_t)settings_number(actor->settings, "store/max"),
    };
    char *folder = home_path(actor->home, "data/%s", actor->class->name);
    enum fault fault = store_open(folder, &options, &actor->store);
    free(folder);
    return fault;
}

static enum fault connect_broker(struct actor *actor)
{
    struct client_options options = {
        .home = actor->home,
        .name = actor->class->name,
        .loop = actor->loop,
        .bells = actor->class->topics,
        .bell_topics = actor->class->topics,
    };
    enum fault fault = client_new(&options, &actor->client);
    if (fault == OK) {
        client_on_state(actor->client, on_state, actor);
        client_on_bell(actor->client, feed_bell, actor);
        client_on_question(actor->client, report_answer, actor);
    }
    return fault;
}

/* Everything but the settings, in order; *step says what failed. */
static enum fault open_all(struct actor *actor, const char **step, struct buf *why)
{
    *step = "the store cannot be opened";
    enum fault fault = open_store(actor);
    if (fault == OK) {
        fault = outbox_open(actor);
    }
    if (fault == OK) {
        fault = feed_open(actor);
    }
    if (fault == OK) {
        *step = "no connection can be made: is there a key pair in keys/ for this name?";
        fault = connect_broker(actor);
    }
    if (fault == OK) {
        *step = "the actor cannot start";
        fault = actor->class->open(actor, false, &actor->state, why);
        actor->opened = fault == OK;
    }
    return fault;
}

static void close_all(struct actor *actor)
{
    if (actor->state && actor->class->close) {
        actor->class->close(&actor->state);
    }
    actor->opened = false;
    if (actor->store && actor->exit_code == EXIT_OK && feed_store_cursor(actor) != OK) {
        logs_write(LOGS_WARN, "the cursor was not stored: some events are looked at again", NULL);
    }
    client_destroy(&actor->client);
    outbox_close(actor);
    store_close(&actor->store);
    zloop_destroy(&actor->loop);
    settings_destroy(&actor->settings);
    free(actor->tables);
    if (actor->signal_fd >= 0) {
        close(actor->signal_fd);
    }
    free(actor->home);
    zsys_shutdown();
}

/* --- the two ways to run --------------------------------------------------------------------- */

static int check_only(struct actor *actor)
{
    struct buf why = {0};
    enum fault fault = load_settings(actor, &why);
    if (fault == OK) {
        fault = actor->class->open(actor, true, &actor->state, &why);
    }
    say_lines(&why, true);
    if (fault != OK && !why.len) {
        fprintf(stderr, "usher-%s: %s\n", actor->class->name, fault_words(fault));
    }
    buf_fini(&why);
    return fault == OK ? EXIT_OK : EXIT_SETTINGS;
}

static int run(struct actor *actor)
{
    struct buf why = {0};
    const char *step = "bad settings";
    enum fault fault = load_settings(actor, &why);
    if (fault == OK) {
        logs_open(actor->class->name, settings_text(actor->settings, "log/level"));
        fault = open_all(actor, &step, &why);
    }
    say_lines(&why, false);
    buf_fini(&why);
    if (fault != OK) {
        actor_stop(actor, fault, step);
        return actor->exit_code;
    }
    zmq_pollitem_t signals = {NULL, actor->signal_fd, ZMQ_POLLIN, 0};
    MUST(zloop_poller(actor->loop, &signals, on_signal, actor) == 0);
    MUST(zloop_timer(actor->loop, REPORT_MS, 0, on_report, actor) >= 0);
    report_update(actor);
    outbox_publish(actor); /* what was left over */
    while (!actor->ended && zloop_start(actor->loop) == 0) {
    }
    return actor->exit_code;
}

static int usage(const struct actor_class *class, FILE *to)
{
    fprintf(to,
            "usage: usher-%s [--home DIR] [--check]\n\n"
            "  --home DIR  the fleet's folder (else $USHER_HOME, else ~/.usher)\n"
            "  --check     look at the settings, say every mistake, exit 0 or 78\n",
            class->name);
    if (to == stdout) {
        const struct setting *const own[] = {own_settings, NULL};
        struct buf manual = {0};
        settings_manual(class->settings, &manual);
        settings_manual(own, &manual);
        fprintf(to, "\nsettings in usher.cfg:\n%s", buf_text(&manual));
        for (size_t i = 0; class->adapters && class->adapters[i]; i++) {
            const struct setting *const rows[] = {class->adapters[i]->settings, NULL};
            buf_reset(&manual);
            settings_manual(rows, &manual);
            if (manual.len > 0) {
                fprintf(to, "\nwith provider = %s:\n%s", class->adapters[i]->name,
                        buf_text(&manual));
            }
        }
        buf_fini(&manual);
    }
    return to == stdout ? EXIT_OK : EXIT_USAGE;
}

int actor_main(int argc, char **argv, const struct actor_class *class)
{
    const char *home = NULL;
    bool check = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--home") == 0 && i + 1 < argc) {
            home = argv[++i];
        } else if (strncmp(argv[i], "--home=", 7) == 0) {
            home = argv[i] + 7;
        } else if (strcmp(argv[i], "--check") == 0) {
            check = true;
        } else {
            return usage(class, strcmp(argv[i], "--help") == 0 ? stdout : stderr);
        }
    }
    memory_for_messages();
    struct actor *actor = must_calloc(1, sizeof *actor);
    actor->class = class;
    actor->signal_fd = -1;
    actor->started_ms = clock_mono_ms();
    actor->home = home_find(home);
    logs_open(class->name, NULL);
    take_signals(actor);
    actor->loop = zloop_new();
    MUST(actor->loop);
    int code = check ? check_only(actor) : run(actor);
    close_all(actor);
    free(actor);
    return code;
}
