#include "process.h"

#include "clock.h"
#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Only calls that are safe behind fork. */
_Noreturn static void become(const char *const *argv, int out, int err)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out < 0 ? null : out, STDOUT_FILENO) < 0 ||
        dup2(err < 0 ? null : err, STDERR_FILENO) < 0) {
        _exit(PROCESS_NOT_FOUND);
    }
    execvp(argv[0], (char *const *)argv);
    _exit(PROCESS_NOT_FOUND);
}

static void take(struct pollfd *from, struct buf *into)
{
    char bytes[4096];
    ssize_t got = read(from->fd, bytes, sizeof bytes);
    if (got > 0) {
        if (into && into->len + (size_t)got <= PROCESS_OUTPUT_BYTES_MAX) {
            buf_add(into, bytes, (size_t)got);
        }
    } else if (got == 0 || errno != EINTR) {
        close(from->fd);
        from->fd = -1;
    }
}

/* Reads both until they end. False when time is up. */
static bool collect(struct pollfd ends[2], struct buf *out, struct buf *err, int64_t until_ms)
{
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        int64_t left = until_ms - clock_mono_ms();
        if (left <= 0) {
            return false;
        }
        if (poll(ends, 2, (int)left) < 0 && errno != EINTR) {
            return false;
        }
        for (int i = 0; i < 2; i++) {
            if (ends[i].fd >= 0 && ends[i].revents) {
                take(&ends[i], i == 0 ? out : err);
            }
        }
    }
    return true;
}

void process_start(struct process *process, const char *const *argv, int deadline_ms)
{
    int outs[2];
    int errs[2];
    MUST(pipe2(outs, O_CLOEXEC) == 0 && pipe2(errs, O_CLOEXEC) == 0);
    fflush(NULL);
    process->until_ms = clock_mono_ms() + deadline_ms;
    process->pid = fork();
    MUST(process->pid >= 0);
    if (process->pid == 0) {
        become(argv, outs[1], errs[1]);
    }
    close(outs[1]);
    close(errs[1]);
    process->ends[0] = (struct pollfd){outs[0], POLLIN, 0};
    process->ends[1] = (struct pollfd){errs[0], POLLIN, 0};
}

int process_end(struct process *process, struct buf *out, struct buf *err)
{
    bool whole = collect(process->ends, out, err, process->until_ms);
    if (!whole) {
        kill(process->pid, SIGKILL);
    }
    for (int i = 0; i < 2; i++) {
        if (process->ends[i].fd >= 0) {
            close(process->ends[i].fd);
        }
    }
    int status;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR) {
    }
    return !whole ? PROCESS_LATE : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_run(const char *const *argv, struct buf *out, struct buf *err, int deadline_ms)
{
    struct process process;
    process_start(&process, argv, deadline_ms);
    return process_end(&process, out, err);
}

bool process_known(const char *program)
{
    const char *folders = getenv("PATH");
    for (const char *at = folders ? folders : "/usr/bin:/bin"; *at;) {
        size_t part = strcspn(at, ":");
        char *path = must_sprintf("%.*s/%s", (int)part, at, program);
        bool known = access(path, X_OK) == 0;
        free(path);
        if (known) {
            return true;
        }
        at += part + (at[part] == ':');
    }
    return false;
}

pid_t process_detach(const char *const *argv, const char *log)
{
    int to = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    fflush(NULL);
    pid_t pid = to < 0 ? -1 : fork();
    if (pid == 0) {
        setsid();
        become(argv, to, to);
    }
    if (to >= 0) {
        close(to);
    }
    return pid;
}
