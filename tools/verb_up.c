/* verb_up.c - starts the fleet, or brings it up to a changed config. */
#include "fleet.h"
#include "verbs.h"

#include "clock.h"
#include "home.h"
#include "must.h"
#include "process.h"
#include "settings.h"
#include "values.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_S = 30, WAIT_S_MAX = 3600 };

struct up {
    const struct cli *cli;
    int64_t until_ms;
    const struct fleet_row *rows[FLEET_PROCESSES_MAX];
    bool changed[FLEET_PROCESSES_MAX];
    struct fleet_state states[FLEET_PROCESSES_MAX];
    size_t count;
    int64_t scanner; /* the s6-svscan that this call started; 0: it was running */
};

static int left_ms(const struct up *up)
{
    int64_t left = up->until_ms - clock_mono_ms();
    return left > 1 ? (int)left : 1;
}

/* A home that is older than one of the processes has no keys for it. One half of a pair that is gone
 * was taken away by somebody, and stays away. */
static int make_keys(const struct cli *cli)
{
    const struct fleet_row *row;
    for (size_t i = 0; (row = fleet_nth(i)); i++) {
        char *secret = home_path(cli->home, "keys/%s.key", row->name);
        char *public = home_path(cli->home, "keys/%s.pub", row->name);
        bool missing = access(secret, F_OK) != 0 && access(public, F_OK) != 0;
        free(secret);
        free(public);
        if (!missing || !fleet_has(row)) {
            continue;
        }
        cli_say(cli, "making keys/%s.key: this home is older than usher-%s", row->name, row->name);
        enum fault fault = home_make_cert(cli->home, row->name);
        if (fault != OK) {
            cli_fail(cli, CLI_NO, "cannot make %s/keys/%s.key: %s", cli->home, row->name,
                     fault_words(fault));
            cli_next(cli, "usher init");
            return CLI_NO;
        }
    }
    return CLI_FINE;
}

static int write_folders(struct up *up)
{
    const struct fleet_row *row;
    for (size_t i = 0; (row = fleet_nth(i)); i++) {
        if (!fleet_has(row)) {
            continue; /* one that fleet_check found not to be needed */
        }
        MUST(up->count < FLEET_PROCESSES_MAX);
        enum fault fault = fleet_write(up->cli->home, row, &up->changed[up->count]);
        if (fault != OK) {
            return cli_fail(up->cli, CLI_NO, "cannot write %s/run/s6/%s: %s", up->cli->home,
                            row->name, fault_words(fault));
        }
        up->rows[up->count++] = row;
    }
    return CLI_FINE;
}

static int launch(struct up *up)
{
    up->scanner = fleet_launch(up->cli->home);
    while (up->scanner > 0 && !fleet_is_up(up->cli->home)) {
        struct timespec moment = {0, FLEET_POLL_MS * 1000000L};
        if (waitpid((pid_t)up->scanner, NULL, WNOHANG) != 0 || left_ms(up) == 1) {
            up->scanner = -1;
        }
        nanosleep(&moment, NULL);
    }
    if (up->scanner < 0) {
        return cli_fail(up->cli, CLI_UNREACHABLE, "s6-svscan did not start; see %s/data/log/s6.log",
                        up->cli->home);
    }
    return CLI_FINE;
}

/* A running fleet: new folders are found, what changed is restarted, what is down is started. What
 * became of each is shown at the end. */
static void bring_up(struct up *up)
{
    char *folder = home_path(up->cli->home, "run/s6");
    const char *const rescan[] = {"s6-svscanctl", "-a", folder, NULL};
    (void)process_run(rescan, NULL, NULL, FLEET_TOOL_MS);
    free(folder);
    for (size_t i = 0; i < up->count; i++) {
        const char *name = up->rows[i]->name;
        struct fleet_state state;
        fleet_look(up->cli->home, name, &state);
        if (!state.supervised) {
            continue; /* new: the scan starts it */
        }
        enum fault fault = OK;
        if (!state.up || !state.wanted_up) {
            cli_say(up->cli, "starting %s", name);
            fault = fleet_order(up->cli->home, name, FLEET_START, left_ms(up));
        } else if (up->changed[i]) {
            cli_say(up->cli, "restarting %s: its settings or its program changed", name);
            fault = fleet_order(up->cli->home, name, FLEET_RESTART, left_ms(up));
        }
        if (fault == FAULT_TIMEOUT) {
            cli_say(up->cli, "%s takes longer than that", name);
        }
    }
}

static bool settled(const struct fleet_state *state)
{
    bool stays_down = state->supervised && !state->up &&
                      (state->exit_code == 100 || state->exit_code == FLEET_EXIT_STAY_DOWN);
    return state->ready || stays_down;
}

/* Until all are ready, or will not be. */
static void await(struct up *up)
{
    char *folders[FLEET_PROCESSES_MAX];
    const char *wait_all[FLEET_PROCESSES_MAX + 6] = {"s6-svwait", "-U", "-a", "-t", "500"};
    for (size_t i = 0; i < up->count; i++) {
        folders[i] = home_path(up->cli->home, "run/s6/%s", up->rows[i]->name);
        wait_all[5 + i] = folders[i];
    }
    for (bool over = false; !over;) {
        int code = process_run(wait_all, NULL, NULL, FLEET_TOOL_MS);
        over = true;
        for (size_t i = 0; i < up->count; i++) {
            fleet_look(up->cli->home, up->rows[i]->name, &up->states[i]);
            over = over && settled(&up->states[i]);
        }
        over = over || left_ms(up) == 1;
        if (!over && code != 0 && code != 99) { /* the folders are not supervised yet */
            struct timespec moment = {0, FLEET_POLL_MS * 1000000L};
            nanosleep(&moment, NULL);
        }
    }
    for (size_t i = 0; i < up->count; i++) {
        free(folders[i]);
    }
}

static const char *words_of(const struct fleet_state *state)
{
    return state->ready         ? "ready"
           : !state->supervised ? "not started"
           : state->up          ? "not ready yet"
           : settled(state)     ? "stays down"
                                : "keeps ending";
}

/* The link by which the first owner comes to the console, NULL if there is one already or nobody
 * says. */
static char *first_owner_link(const struct up *up)
{
    struct client *client = NULL;
    json_t *question = json_pack("{s:s}", "ask", "first_owner"), *answer = NULL;
    struct client_options options = {.home = up->cli->home, .name = "tools"};
    char *link = NULL;
    MUST(question);
    if (client_new(&options, &client) == OK &&
        client_ask_wait(client, "console", question, CLI_ASK_MS, &answer) == OK &&
        *tree_text(answer, "link")) {
        link = must_strdup(tree_text(answer, "link"));
    }
    json_decref(answer);
    json_decref(question);
    client_destroy(&client);
    return link;
}

/* What is not ready, with where to look. */
static int report(const struct up *up)
{
    struct cli_table *table = cli_table_new(3);
    json_t *actors = json_array();
    size_t missing = 0;
    cli_table_row(table, "PROCESS", "STATE", "PID");
    for (size_t i = 0; i < up->count; i++) {
        const struct fleet_state *state = &up->states[i];
        char pid[24] = "-";
        if (state->up) {
            snprintf(pid, sizeof pid, "%lld", (long long)state->pid);
        }
        cli_table_row(table, up->rows[i]->name, words_of(state), pid);
        cli_table_paint(table, 1, state->ready ? PAINT_GREEN : PAINT_RED);
        json_array_append_new(actors, json_pack("{s:s,s:s,s:b}", "name", up->rows[i]->name, "state",
                                                words_of(state), "ready", state->ready));
        missing += !state->ready;
    }
    char *link = first_owner_link(up);
    if (up->cli->json) {
        json_t *answer = json_pack("{s:b,s:O,s:s?}", "ready", missing == 0, "actors", actors,
                                   "first_owner_link", link);
        cli_print_json(answer);
        json_decref(answer);
    } else {
        struct cli_table *shown = table;
        table = NULL;
        cli_table_print(up->cli, &shown);
    }
    cli_table_destroy(&table);
    if (link && !up->cli->json) {
        printf("\nOpen this once to become the owner:\n    %s\n", link);
        fflush(stdout);
    }
    free(link);
    json_decref(actors);
    for (size_t i = 0; i < up->count; i++) {
        if (!up->states[i].ready) {
            cli_next(up->cli, "tail %s/data/log/%s/current", up->cli->home, up->rows[i]->name);
        }
    }
    return missing == 0 ? CLI_FINE : CLI_NO;
}

static volatile sig_atomic_t told_to_stop;

static void on_signal(int number)
{
    (void)number;
    told_to_stop = 1;
}

/* Stays until a signal, or until the fleet is taken down from elsewhere. */
static int stay(const struct up *up)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    cli_say(up->cli, "running; Ctrl-C ends the fleet");
    while (!told_to_stop && waitpid((pid_t)up->scanner, NULL, 0) < 0 && errno == EINTR) {
    }
    return fleet_down(up->cli->home, FLEET_KILL_MS + FLEET_TOOL_MS) == OK ? CLI_FINE : CLI_NO;
}

static int start(struct up *up, bool foreground)
{
    int code = make_keys(up->cli);
    code = code == CLI_FINE ? write_folders(up) : code;
    if (code != CLI_FINE) {
        return code;
    }
    if (fleet_is_up(up->cli->home)) {
        if (foreground) {
            cli_fail(up->cli, CLI_NO, "the fleet is running already");
            cli_next(up->cli, "usher down");
            return CLI_NO;
        }
        bring_up(up);
    } else {
        cli_say(up->cli, "starting %zu processes of %s", up->count, up->cli->home);
        code = launch(up);
    }
    if (code == CLI_FINE) {
        await(up);
        code = report(up);
    }
    if (foreground && up->scanner > 0) {
        int stayed = stay(up);
        code = code == CLI_FINE ? stayed : code;
    } else if (code == CLI_FINE) {
        cli_next(up->cli, "usher trigger payment.succeeded");
    }
    return code;
}

int verb_up(struct cli *cli)
{
    int64_t wait_s;
    if (cli->word_count > 0) {
        return cli_usage(cli, "\"%s\" is not expected here", cli_clean(cli_word(cli, 0)));
    }
    if (!cli_number(cli, "--wait", 1, WAIT_S_MAX, WAIT_S, &wait_s)) {
        return CLI_USAGE;
    }
    int code = cli_need_home(cli);
    code = code == CLI_FINE ? fleet_need_s6(cli) : code;
    if (code == CLI_FINE) {
        cli_say(cli, "checking %s/usher.cfg", cli->home);
        code = fleet_check(cli);
    }
    struct up up = {.cli = cli, .until_ms = clock_mono_ms() + wait_s * 1000};
    return code == CLI_FINE ? start(&up, cli_flag(cli, "--foreground")) : code;
}
