/* fleet.h - the fleet as s6 runs it: service folders, starting, stopping, how each process is.
 *
 * Use        `usher up`, `down`, `status` and whatever stops one actor for a while (`rebuild`).
 * Format     HOME/run/s6/<actor>/: run, finish, notification-fd, timeout-kill, timeout-finish,
 *            `made-from` (a digest of all that a change of must restart the actor), and log/.
 *            https://skarnet.org/software/s6/servicedir.html
 * Threads    One. */
#ifndef USHER_FLEET_H
#define USHER_FLEET_H

#include "buf.h"
#include "fault.h"
#include "verbs.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FLEET_CHECK_MS = 10000, /* for one `usher-<actor> --check` */
    FLEET_TOOL_MS = 5000,   /* for one call of an s6 program */
    FLEET_POLL_MS = 20,
    FLEET_KILL_MS = 10000,  /* an actor that does not stop is killed after that */
    FLEET_DELAY_S_MAX = 60, /* before a process that keeps dying is started again */
    FLEET_EXIT_STAY_DOWN = 125,
    FLEET_PROCESSES_MAX = 32
};

struct fleet_row {
    const char *name;
    const char *sections;
    const char *files;
    bool needed;
};

/* 0, 1, 2, ... until NULL. */
const struct fleet_row *fleet_nth(size_t n);
const struct fleet_row *fleet_find(const char *name);

/* True if the program is installed. */
bool fleet_has(const struct fleet_row *row);

/* What s6 says of one process. */
struct fleet_state {
    bool supervised; /* false: s6 does not run it, the rest is not set */
    bool up;
    bool wanted_up;
    bool ready;
    int64_t pid;
    int exit_code;    /* of the last end; -1: none, or a signal */
    int64_t for_s;    /* up or down for so long */
    int64_t restarts; /* ends out of order that s6 remembers */
};

void fleet_look(const char *home, const char *name, struct fleet_state *state);

/* "up", "down", "starting", "silent" (runs, and the broker does not know it), "failed" (stays down)
 * or "restarting". `connected`: the broker says so. */
const char *fleet_word(const struct fleet_state *state, bool connected);

/* Is s6-svscan running for this home? */
bool fleet_is_up(const char *home);

/* CLI_FINE if s6 is installed; else says how to install it. */
int fleet_need_s6(const struct cli *cli);

/* Asks every program to check its settings, and looks for sections that nobody knows. Mistakes go
 * to stderr as file:line. CLI_FINE or CLI_CONFIG. */
int fleet_check(const struct cli *cli);
/* The same; the mistakes are appended, each once, a line each. True if there are none. */
bool fleet_mistakes(const struct cli *cli, struct buf *lines);

/* Writes a service folder. *changed: its content, its settings or its program are others than
 * before. */
enum fault fleet_write(const char *home, const struct fleet_row *row, bool *changed) NODISCARD;

/* Starts s6-svscan on the folders; returns its pid, or -1. */
int64_t fleet_launch(const char *home);

/* Starts, stops or restarts one process and waits for it (ready, or down), up to the deadline. */
enum fleet_order { FLEET_START, FLEET_STOP, FLEET_RESTART };
enum fault fleet_order(const char *home, const char *name, enum fleet_order order,
                       int deadline_ms) NODISCARD;

/* Ends all of it, s6-svscan, too. TIMEOUT if something is still there. */
enum fault fleet_down(const char *home, int deadline_ms) NODISCARD;

/* The finish script, for tests. */
const char *fleet_finish_script(void);

#endif
