/* fleet.c - the table of processes, and s6 asked and told. */
#include "fleet.h"

#include "clock.h"
#include "home.h"
#include "must.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct fleet_row rows[] = {
#define X(name, sections, files, needed) {#name, sections, files, needed},
#include "fleet_table.h"
#undef X
};

const struct fleet_row *fleet_nth(size_t n)
{
    return n < sizeof rows / sizeof rows[0] ? &rows[n] : NULL;
}

const struct fleet_row *fleet_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

bool fleet_has(const struct fleet_row *row)
{
    char program[64];
    snprintf(program, sizeof program, "usher-%s", row->name);
    char *path = cli_program(program);
    free(path);
    return path != NULL;
}

int fleet_need_s6(const struct cli *cli)
{
    static const char *const programs[] = {"s6-svscan", "s6-supervise", "s6-svc",
                                           "s6-svstat", "s6-svscanctl", "s6-log"};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        if (!process_known(programs[i])) {
            cli_fail(cli, CLI_CONFIG, "s6 runs the processes, and %s is not installed",
                     programs[i]);
            cli_next(cli, "apt install s6");
            return CLI_CONFIG;
        }
    }
    return CLI_FINE;
}

bool fleet_is_up(const char *home)
{
    char *path = home_path(home, "run/s6/.s6-svscan/control");
    int control = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC); /* ENXIO: nobody reads it */
    free(path);
    if (control >= 0) {
        close(control);
    }
    return control >= 0;
}

/* Lines of s6-svdt that do not tell of an orderly end. */
static int64_t count_deaths(const char *lines)
{
    int64_t deaths = 0;
    for (const char *at = lines; *at;) {
        size_t len = strcspn(at, "\n");
        static const char orderly[] = " exitcode 0";
        size_t tail = sizeof orderly - 1;
        deaths += len < tail || memcmp(at + len - tail, orderly, tail) != 0;
        at += len + (at[len] == '\n');
    }
    return deaths;
}

void fleet_look(const char *home, const char *name, struct fleet_state *state)
{
    *state = (struct fleet_state){.exit_code = -1};
    char *folder = home_path(home, "run/s6/%s", name);
    const char *const ask[] = {"s6-svstat", "-o", "up,wantedup,ready,pid,exitcode,updownfor",
                               folder, NULL};
    struct buf said = {0};
    if (process_run(ask, &said, NULL, FLEET_TOOL_MS) == 0) {
        char up[8];
        char wanted[8];
        char ready[8];
        long long pid;
        long long seconds;
        int code;
        if (sscanf(buf_text(&said), "%7s %7s %7s %lld %d %lld", up, wanted, ready, &pid, &code,
                   &seconds) == 6) {
            *state = (struct fleet_state){.supervised = true,
                                          .up = strcmp(up, "true") == 0,
                                          .wanted_up = strcmp(wanted, "true") == 0,
                                          .ready = strcmp(ready, "true") == 0,
                                          .pid = pid,
                                          .exit_code = code,
                                          .for_s = seconds};
        }
    }
    if (state->supervised) {
        const char *const deaths[] = {"s6-svdt", folder, NULL};
        buf_reset(&said);
        if (process_run(deaths, &said, NULL, FLEET_TOOL_MS) == 0) {
            state->restarts = count_deaths(buf_text(&said));
        }
    }
    buf_fini(&said);
    free(folder);
}

const char *fleet_word(const struct fleet_state *state, bool connected)
{
    if (!state->supervised) {
        return connected ? "up" : "down";
    }
    if (state->up) {
        return !state->ready ? "starting" : connected ? "up" : "silent";
    }
    if (state->exit_code == 100 || state->exit_code == FLEET_EXIT_STAY_DOWN) {
        return "failed";
    }
    return state->wanted_up ? "restarting" : "down";
}

int64_t fleet_launch(const char *home)
{
    char *folder = home_path(home, "run/s6");
    char *log = home_path(home, "data/log/s6.log");
    const char *const scan[] = {"s6-svscan", folder, NULL};
    pid_t pid = process_detach(scan, log);
    free(log);
    free(folder);
    return pid;
}

static void nap(void)
{
    struct timespec moment = {0, FLEET_POLL_MS * 1000000L};
    nanosleep(&moment, NULL);
}

enum fault fleet_order(const char *home, const char *name, enum fleet_order order, int deadline_ms)
{
    static const char *const waits[] = {"-wU", "-wD", "-wR"};
    static const char *const orders[] = {"-u", "-d", "-r"};
    char *folder = home_path(home, "run/s6/%s", name);
    char deadline[16];
    snprintf(deadline, sizeof deadline, "%d", deadline_ms);
    const char *const tell[] = {"s6-svc",      waits[order], "-T", deadline,
                                orders[order], folder,       NULL};
    int code = process_run(tell, NULL, NULL, deadline_ms + FLEET_TOOL_MS);
    free(folder);
    return code == 0 ? OK : code == 99 ? FAULT_TIMEOUT : FAULT_UNAVAILABLE;
}

/* Tells all but the broker to stop and waits, so that they can hand over what is in their outboxes.
 * Told one by one, since a process that waits for its next start hears only that. */
static void stop_actors(const char *home, int deadline_ms)
{
    char deadline[16];
    char *folders[FLEET_PROCESSES_MAX];
    const char *wait_all[FLEET_PROCESSES_MAX + 6] = {"s6-svwait", "-D", "-a", "-t", deadline};
    size_t count = 0;
    const struct fleet_row *row;
    snprintf(deadline, sizeof deadline, "%d", deadline_ms);
    for (size_t i = 0; (row = fleet_nth(i)); i++) {
        struct fleet_state state;
        fleet_look(home, row->name, &state);
        if (!state.supervised || strcmp(row->name, "broker") == 0) {
            continue;
        }
        MUST(count < FLEET_PROCESSES_MAX);
        folders[count] = home_path(home, "run/s6/%s", row->name);
        const char *const tell[] = {"s6-svc", "-d", folders[count], NULL};
        (void)process_run(tell, NULL, NULL, FLEET_TOOL_MS);
        wait_all[5 + count] = folders[count];
        count++;
    }
    if (count > 0) {
        (void)process_run(wait_all, NULL, NULL, deadline_ms + FLEET_TOOL_MS);
    }
    for (size_t i = 0; i < count; i++) {
        free(folders[i]);
    }
}

enum fault fleet_down(const char *home, int deadline_ms)
{
    if (!fleet_is_up(home)) {
        return OK;
    }
    int64_t until = clock_mono_ms() + deadline_ms;
    stop_actors(home, deadline_ms);
    char *folder = home_path(home, "run/s6");
    char *broker = home_path(home, "run/s6/broker");
    const char *const stop_broker[] = {"s6-svc", "-d", broker, NULL};
    const char *const tell[] = {"s6-svscanctl", "-t", folder, NULL};
    (void)process_run(stop_broker, NULL, NULL, FLEET_TOOL_MS);
    int code = process_run(tell, NULL, NULL, FLEET_TOOL_MS);
    free(broker);
    free(folder);
    if (code != 0) {
        return FAULT_UNAVAILABLE;
    }
    while (fleet_is_up(home)) {
        if (clock_mono_ms() >= until) {
            return FAULT_TIMEOUT;
        }
        nap();
    }
    return OK;
}
