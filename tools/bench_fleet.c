#include "bench.h"

#include "clock.h"
#include "home.h"
#include "must.h"
#include "process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { INIT_MS = 20000 };

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
    char *config = home_path(fleet->scratch.home, "usher.cfg");
    char *secret = home_path(fleet->scratch.home, "secrets/stripe");
    char *key = home_path(fleet->scratch.home, "secrets/hubspot");
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
    *fleet = (struct bench_fleet){.sink_port = sink_port};
    char *program = cli_program("usher");
    if (!program || scratch_make(&fleet->scratch, folder, "bench") != OK) {
        int code = cli_fail(cli, CLI_NO, "cannot make a home in %s: %s", folder,
                            program ? strerror(errno) : "the program usher is not found");
        free(program);
        return code;
    }
    const char *home = fleet->scratch.home;
    fleet->webhook_port = scratch_free_port();
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

int bench_fleet_start(const struct cli *cli, struct bench_fleet *fleet, const char *const *names)
{
    struct scratch *scratch = &fleet->scratch;
    int64_t start = clock_mono_ms();
    int code = CLI_FINE;
    for (; *names && code == CLI_FINE; names++) {
        char *name = must_sprintf("usher-%s", *names), *program = cli_program(name);
        if (program) {
            scratch_start(scratch, *names, program);
        } else {
            code = cli_fail(cli, CLI_NO, "the program %s is not found", name);
        }
        free(name);
        free(program);
    }
    const char *missing = scratch_wait(scratch, start + BENCH_START_MS);
    if (missing && code == CLI_FINE) {
        code = cli_fail(cli, CLI_NO, "%s did not start; its log: %s/%s.log", missing, scratch->home,
                        missing);
        scratch->keep = true; /* the log is worth keeping */
    }
    fleet->ready_ms = clock_mono_ms() - start;
    return code;
}

void bench_fleet_end(struct bench_fleet *fleet)
{
    scratch_end(&fleet->scratch);
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
