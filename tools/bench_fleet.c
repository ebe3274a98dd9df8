#include "bench.h"

#include "clock.h"
#include "home.h"
#include "must.h"
#include "process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INIT_MS = 20000, STOP_MS = 5000, STOP_POLL_US = 10000 };

int bench_free_port(void)
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

/* Nothing is throttled that would be in front of the internet, and nothing leaves the machine. */
static enum fault write_settings(const struct bench_fleet *fleet)
{
    struct buf text = {0};
    buf_printf(&text,
               "webhook\n"
               "    listen = \"127.0.0.1:%d\"\n"
               "    payment\n"
               "        provider = stripe\n"
               "        mode = test\n"
               "        secret = \"file:secrets/stripe\"\n"
               "    limits\n"
               "        connections = 1024\n"
               "        per_address = 4096\n"
               "crm\n"
               "    provider = hubspot\n"
               "    url = \"http://127.0.0.1:%d\"\n"
               "    key = \"file:secrets/hubspot\"\n"
               "    rate = 100000\n"
               "support\n"
               "    provider = local\n"
               "mailer\n"
               "    provider = maildir\n"
               "    from = \"Bench <bench@example.com>\"\n"
               "alert\n"
               "    hook\n"
               "        provider = local\n",
               fleet->webhook_port, fleet->sink_port);
    char *config = home_path(fleet->home, "usher.cfg");
    char *secret = home_path(fleet->home, "secrets/stripe");
    char *key = home_path(fleet->home, "secrets/hubspot");
    enum fault fault = home_write_file(config, text.bytes, text.len, 0600);
    if (fault == OK) {
        fault = home_write_file(secret, fleet->secret, strlen(fleet->secret), 0600);
    }
    if (fault == OK) {
        fault = home_write_file(key, "bench", strlen("bench"), 0600);
    }
    free(config);
    free(secret);
    free(key);
    buf_fini(&text);
    return fault;
}

int bench_fleet_make(const struct cli *cli, const char *folder, int sink_port,
                     struct bench_fleet *fleet)
{
    *fleet = (struct bench_fleet){.ours = true, .sink_port = sink_port};
    char *home = must_sprintf("%s/usher-bench-XXXXXX", folder);
    char *program = cli_program("usher");
    if (!program || !mkdtemp(home)) {
        int code = cli_fail(cli, CLI_NO, "cannot make a home in %s: %s", folder,
                            program ? strerror(errno) : "the program usher is not found");
        free(home);
        free(program);
        return code;
    }
    fleet->home = home;
    fleet->webhook_port = bench_free_port();
    fleet->secret = must_strdup("whsec_bench");
    const char *const init[] = {program, "init", "--home", home, NULL};
    struct buf words = {0};
    int ended = process_run(init, NULL, &words, INIT_MS);
    enum fault fault = ended == 0 ? write_settings(fleet) : FAULT_IO;
    int code = CLI_FINE;
    if (fault != OK) {
        code = cli_fail(cli, CLI_NO, "cannot make a home in %s: %s", home, buf_text(&words));
    }
    buf_fini(&words);
    free(program);
    return code;
}

/* --- processes ------------------------------------------------------------------------------- */

/* Only calls that are safe behind fork. */
_Noreturn static void become(const char *program, const char *home, const char *log, int ready)
{
    int null = open("/dev/null", O_RDONLY), out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (null < 0 || out < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
        dup2(ready, 3) < 0) {
        _exit(PROCESS_NOT_FOUND);
    }
    execl(program, program, "--home", home, (char *)NULL);
    _exit(PROCESS_NOT_FOUND);
}

static pid_t spawn(const char *program, const char *home, const char *log, int *ready)
{
    int ends[2];
    MUST(pipe2(ends, O_CLOEXEC) == 0);
    MUST(setenv("NOTIFY_FD", "3", 1) == 0);
    fflush(NULL);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        become(program, home, log, ends[1]);
    }
    unsetenv("NOTIFY_FD");
    close(ends[1]);
    *ready = ends[0];
    return pid;
}

static bool wait_ready(int ready, int64_t until_ms)
{
    struct pollfd item = {ready, POLLIN, 0};
    char byte;
    int64_t left = until_ms - clock_mono_ms();
    bool said = left > 0 && poll(&item, 1, (int)left) == 1 && read(ready, &byte, 1) == 1;
    close(ready);
    return said;
}

int bench_fleet_start(const struct cli *cli, struct bench_fleet *fleet, const char *const *names)
{
    int64_t start = clock_mono_ms();
    int ready[BENCH_PROCESSES_MAX], code = CLI_FINE;
    size_t first = fleet->count;
    for (; *names && code == CLI_FINE; names++) {
        struct bench_process *process = &fleet->processes[fleet->count];
        char *name = must_sprintf("usher-%s", *names), *program = cli_program(name);
        char *log = home_path(fleet->home, "%s.log", *names);
        if (!program) {
            code = cli_fail(cli, CLI_NO, "the program %s is not found", name);
        } else {
            snprintf(process->name, sizeof process->name, "%s", *names);
            process->pid = spawn(program, fleet->home, log, &ready[fleet->count]);
            fleet->count++;
        }
        free(name);
        free(program);
        free(log);
    }
    for (size_t i = first; i < fleet->count; i++) {
        if (!wait_ready(ready[i], start + BENCH_START_MS) && code == CLI_FINE) {
            code = cli_fail(cli, CLI_NO, "%s did not start; its log: %s/%s.log",
                            fleet->processes[i].name, fleet->home, fleet->processes[i].name);
            fleet->ours = false; /* the log is worth keeping */
        }
    }
    fleet->ready_ms = clock_mono_ms() - start;
    return code;
}

static void stop(pid_t pid)
{
    int64_t until = clock_mono_ms() + STOP_MS;
    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (clock_mono_ms() > until) {
            kill(pid, SIGKILL);
            (void)waitpid(pid, NULL, 0);
            return;
        }
        usleep(STOP_POLL_US);
    }
}

void bench_fleet_end(struct bench_fleet *fleet)
{
    while (fleet->count) {
        stop(fleet->processes[--fleet->count].pid);
    }
    if (fleet->ours && fleet->home) {
        const char *const remove[] = {"rm", "-rf", "--", fleet->home, NULL};
        (void)!process_run(remove, NULL, NULL, STOP_MS);
    }
    free(fleet->home);
    free(fleet->secret);
    *fleet = (struct bench_fleet){0};
}

uint64_t bench_memory(pid_t pid)
{
    char *path = must_sprintf("/proc/%ld/status", (long)pid), *text = NULL;
    size_t len;
    unsigned long long kb = 0;
    enum { STATUS_BYTES_MAX = 65536 };
    if (home_read_file(path, STATUS_BYTES_MAX, &text, &len) == OK) {
        const char *line = strstr(text, "RssAnon:");
        if (line) {
            (void)!sscanf(line, "RssAnon: %llu", &kb);
        }
    }
    free(text);
    free(path);
    return kb * 1024;
}
