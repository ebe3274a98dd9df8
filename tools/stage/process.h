/* process.h - running another program and taking what it says.
 *
 * Use        process_run() for a short one; process_start() and process_end() for several side by side;
 *            process_detach() for one that stays.
 * Limits     PROCESS_OUTPUT_BYTES_MAX of output are kept, the rest is read and dropped.
 * Threads    One. */
#ifndef USHER_PROCESS_H
#define USHER_PROCESS_H

#include "buf.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROCESS_OUTPUT_BYTES_MAX = 256 * 1024, PROCESS_NOT_FOUND = 127, PROCESS_LATE = 124 };

/* Runs argv[0] (from PATH unless it holds a slash) with no input, until it ends or `deadline_ms`
 * has passed; then it is killed. Output is appended; NULL: dropped. Returns its exit code, 128 + n
 * for signal n, PROCESS_NOT_FOUND or PROCESS_LATE. */
int process_run(const char *const *argv, struct buf *out, struct buf *err, int deadline_ms);

/* The same in two halves; each started one is ended. */
struct process {
    pid_t pid;
    struct pollfd ends[2];
    int64_t until_ms;
};
void process_start(struct process *process, const char *const *argv, int deadline_ms);
int process_end(struct process *process, struct buf *out, struct buf *err);

/* True if there is such a program in PATH. */
bool process_known(const char *program);

/* Starts one in a session of its own, output to the end of `log`. Returns its pid, or -1. */
pid_t process_detach(const char *const *argv, const char *log);

#endif
