/* scratch.h - a fleet of one's own in a folder that is gone afterwards: to measure, to try out.
 *
 * Use        scratch_make(); fill the home; scratch_start() each program; scratch_wait() until all are
 *            ready; scratch_stop() and scratch_start() one of them again; scratch_end().
 * Promise    Every program is a child that the kernel ends when we are gone, however we went.
 *            scratch_end() leaves neither process nor folder, unless `keep` is set.
 * Ownership  The struct is the caller's; scratch_end() frees what is in it and is safe twice.
 * Threads    One: the thread that starts a child must outlive it.
 * Limits     SCRATCH_PROCESSES_MAX; a process that does not end in SCRATCH_STOP_MS is killed. */
#ifndef USHER_SCRATCH_H
#define USHER_SCRATCH_H

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SCRATCH_PROCESSES_MAX = 16, SCRATCH_NAME_BYTES = 32, SCRATCH_STOP_MS = 5000 };

struct scratch_process {
    char name[SCRATCH_NAME_BYTES];
    pid_t pid; /* 0: stopped */
    int ready; /* it says there that it is; -1: it did, or never will */
};

struct scratch {
    char *home;
    bool keep; /* the folder stays */
    struct scratch_process processes[SCRATCH_PROCESSES_MAX];
    size_t count;
};

/* FOLDER/usher-WORD-XXXXXX, mode 0700. DENIED with errno as mkdtemp left it. */
enum fault scratch_make(struct scratch *scratch, const char *folder, const char *word) NODISCARD;

/* Starts `program --home HOME`, its output in HOME/NAME.log; or starts it again. */
void scratch_start(struct scratch *scratch, const char *name, const char *program);

/* Waits until all that were started are ready. NULL, or the name of one that is not (it ended, or
 * time is up: clock_mono_ms() reached `until_ms`). */
const char *scratch_wait(struct scratch *scratch, int64_t until_ms);

/* Ends one and waits for it. */
void scratch_stop(struct scratch *scratch, const char *name);

void scratch_end(struct scratch *scratch);

/* A free port of 127.0.0.1. */
int scratch_free_port(void);

#endif
