#include "scratch.h"

#include "clock.h"
#include "home.h"
#include "must.h"
#include "process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_POLL_US = 10000, READY_FD = 3 };

int scratch_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    MUST(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

enum fault scratch_make(struct scratch *scratch, const char *folder, const char *word)
{
    *scratch = (struct scratch){.home = must_sprintf("%s/usher-%s-XXXXXX", folder, word)};
    if (!mkdtemp(scratch->home)) {
        free(scratch->home);
        scratch->home = NULL;
        return FAULT_DENIED;
    }
    return OK;
}

/* --- one process ------------------------------------------------------------------------------ */

/* Only calls that are safe behind fork. */
_Noreturn static void become(const char *program, const char *home, const char *log, int ready,
                             pid_t parent)
{
    int null = open("/dev/null", O_RDONLY), out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent) {
        _exit(PROCESS_NOT_FOUND);
    }
    if (null < 0 || out < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
        dup2(ready, READY_FD) < 0) {
        _exit(PROCESS_NOT_FOUND);
    }
    execl(program, program, "--home", home, (char *)NULL);
    _exit(PROCESS_NOT_FOUND);
}

static struct scratch_process *find(struct scratch *scratch, const char *name)
{
    for (size_t i = 0; i < scratch->count; i++) {
        if (strcmp(scratch->processes[i].name, name) == 0) {
            return &scratch->processes[i];
        }
    }
    return NULL;
}

void scratch_start(struct scratch *scratch, const char *name, const char *program)
{
    struct scratch_process *process = find(scratch, name);
    if (!process) {
        MUST(scratch->count < SCRATCH_PROCESSES_MAX);
        process = &scratch->processes[scratch->count++];
        snprintf(process->name, sizeof process->name, "%s", name);
    }
    MUST(process->pid == 0);
    int ends[2];
    pid_t parent = getpid();
    char *log = home_path(scratch->home, "%s.log", name);
    MUST(pipe2(ends, O_CLOEXEC) == 0);
    MUST(setenv("NOTIFY_FD", "3", 1) == 0);
    fflush(NULL);
    process->pid = fork();
    MUST(process->pid >= 0);
    if (process->pid == 0) {
        become(program, scratch->home, log, ends[1], parent);
    }
    unsetenv("NOTIFY_FD");
    close(ends[1]);
    process->ready = ends[0];
    free(log);
}

static bool wait_ready(struct scratch_process *process, int64_t until_ms)
{
    struct pollfd item = {process->ready, POLLIN, 0};
    char byte;
    int64_t left = until_ms - clock_mono_ms();
    bool said = left > 0 && poll(&item, 1, (int)left) == 1 && read(process->ready, &byte, 1) == 1;
    close(process->ready);
    process->ready = -1;
    return said;
}

const char *scratch_wait(struct scratch *scratch, int64_t until_ms)
{
    const char *missing = NULL;
    for (size_t i = 0; i < scratch->count; i++) {
        struct scratch_process *process = &scratch->processes[i];
        if (process->pid && process->ready >= 0 && !wait_ready(process, until_ms) && !missing) {
            missing = process->name;
        }
    }
    return missing;
}

static void stop(struct scratch_process *process)
{
    int64_t until = clock_mono_ms() + SCRATCH_STOP_MS;
    if (process->ready >= 0) {
        close(process->ready);
        process->ready = -1;
    }
    kill(process->pid, SIGTERM);
    while (waitpid(process->pid, NULL, WNOHANG) == 0) {
        if (clock_mono_ms() > until) {
            kill(process->pid, SIGKILL);
            (void)waitpid(process->pid, NULL, 0);
            break;
        }
        usleep(STOP_POLL_US);
    }
    process->pid = 0;
}

void scratch_stop(struct scratch *scratch, const char *name)
{
    struct scratch_process *process = find(scratch, name);
    if (process && process->pid) {
        stop(process);
    }
}

void scratch_end(struct scratch *scratch)
{
    for (; scratch->count; scratch->count--) { /* the broker, started first, goes last */
        struct scratch_process *process = &scratch->processes[scratch->count - 1];
        if (process->pid) {
            stop(process);
        }
    }
    if (scratch->home && !scratch->keep) {
        const char *const remove[] = {"rm", "-rf", "--", scratch->home, NULL};
        (void)!process_run(remove, NULL, NULL, SCRATCH_STOP_MS);
    }
    free(scratch->home);
    scratch->home = NULL;
}
