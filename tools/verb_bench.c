/* verb_bench.c - what this machine does: durable publishes, posts, effects; in which sync mode. */
#include "verbs.h"

#include "bench.h"
#include "must.h"
#include "settings.h"
#include "values.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    ROWS_MAX = 24,
    ROUNDS_MAX = 50,
    OPEN_CONNECTIONS = 64,
    OPEN_RATE = 1000,
    EFFECT_RATE = 100,
    EFFECT_CONNECTIONS = 16
};

#define SYNC_WORDS                                                                                 \
    "one write and one fdatasync a group commit, acknowledged after it; CURVE on every socket, "   \
    "ipc"

/* One line of the table: a case at one load, over the rounds. */
struct row {
    const char *name;
    int load; /* in flight, connections, or a second */
    struct bench_result runs[ROUNDS_MAX];
    size_t count;
};

struct bench_run {
    struct cli *cli;
    const char *folder;
    double seconds;
    int64_t rounds;
    struct row rows[ROWS_MAX];
    size_t row_count;
    json_t *memory;
    int64_t start_ms;
};

/* --- collecting ------------------------------------------------------------------------------ */

static void keep(struct bench_run *run, const char *name, int load, struct bench_result result)
{
    size_t i = 0;
    while (i < run->row_count &&
           (strcmp(run->rows[i].name, name) != 0 || run->rows[i].load != load)) {
        i++;
    }
    MUST(i < ROWS_MAX);
    struct row *row = &run->rows[i];
    run->row_count += i == run->row_count;
    row->name = name;
    row->load = load;
    row->runs[row->count++] = result;
    cli_say(run->cli, "  %-16s %5d  %9.0f/s  p50 %.2f ms  p99 %.2f ms%s", name, load,
            result.per_second, result.p50_ms, result.p99_ms,
            result.failed ? "  (with failures)" : "");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct spread {
    double median, min, max;
};

static struct spread spread_of(const struct row *row, size_t offset)
{
    double values[ROUNDS_MAX];
    for (size_t i = 0; i < row->count; i++) {
        memcpy(&values[i], (const char *)&row->runs[i] + offset, sizeof values[i]);
    }
    qsort(values, row->count, sizeof *values, by_value);
    size_t middle = row->count / 2;
    double median = row->count % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    return (struct spread){median, values[0], values[row->count - 1]};
}

#define SPREAD(row, field) spread_of((row), offsetof(struct bench_result, field))

static uint64_t failed_of(const struct row *row)
{
    uint64_t failed = 0;
    for (size_t i = 0; i < row->count; i++) {
        failed += row->runs[i].failed;
    }
    return failed;
}

/* --- cases ----------------------------------------------------------------------------------- */

static const int windows[] = {1, 16, 64, 256};
enum { WINDOW_COUNT = sizeof windows / sizeof *windows };

static int publish_rounds(struct bench_run *run, const char *home)
{
    for (int64_t round = 0; round < run->rounds; round++) {
        cli_say(run->cli, "publish, round %lld of %lld", (long long)round + 1,
                (long long)run->rounds);
        for (int i = 0; i < WINDOW_COUNT; i++) {
            struct bench_result result;
            enum fault fault = bench_publish(home, windows[i], run->seconds, &result);
            if (fault != OK || !result.samples) {
                return cli_fail(run->cli, CLI_UNREACHABLE, "the broker of %s: %s", home,
                                fault_words(fault));
            }
            keep(run, "publish", windows[i], result);
        }
    }
    return CLI_FINE;
}

static int webhook_rounds(struct bench_run *run, const char *secret, int port)
{
    struct bench_posts posts;
    enum fault fault = OK;
    bench_posts_init(&posts, secret, port);
    for (int64_t round = 0; round < run->rounds && fault == OK; round++) {
        cli_say(run->cli, "webhook, %zu byte bodies, round %lld of %lld", posts.body_len,
                (long long)round + 1, (long long)run->rounds);
        for (int i = 0; i <= WINDOW_COUNT && fault == OK; i++) {
            bool open = i == WINDOW_COUNT;
            struct bench_result result;
            fault = bench_load(&posts, open ? OPEN_CONNECTIONS : windows[i], open ? OPEN_RATE : 0,
                               run->seconds, NULL, &result, NULL);
            if (fault == OK && !result.samples) {
                fault = FAULT_DENIED;
            }
            if (fault == OK) {
                keep(run, open ? "webhook-open" : "webhook", open ? OPEN_RATE : windows[i], result);
            }
        }
    }
    bench_posts_fini(&posts);
    return fault == OK ? CLI_FINE
                       : cli_fail(run->cli, CLI_UNREACHABLE, "the webhook at port %d: %s", port,
                                  fault == FAULT_DENIED ? "it takes nothing" : fault_words(fault));
}

static int effect_rounds(struct bench_run *run, struct bench_fleet *fleet, struct bench_sink *sink)
{
    struct bench_posts posts;
    enum fault fault = OK;
    bench_posts_init(&posts, fleet->secret, fleet->webhook_port);
    for (int64_t round = 0; round < run->rounds && fault == OK; round++) {
        cli_say(run->cli, "effect, round %lld of %lld", (long long)round + 1,
                (long long)run->rounds);
        struct bench_result answers, effects;
        fault = bench_load(&posts, EFFECT_CONNECTIONS, EFFECT_RATE, run->seconds, sink, &answers,
                           &effects);
        if (fault == OK) {
            keep(run, "effect-answer", EFFECT_RATE, answers);
            keep(run, "effect-crm-call", EFFECT_RATE, effects);
        }
    }
    bench_posts_fini(&posts);
    return fault == OK ? CLI_FINE
                       : cli_fail(run->cli, CLI_UNREACHABLE, "the webhook: %s", fault_words(fault));
}

static void weigh(struct bench_run *run, const struct bench_fleet *fleet)
{
    run->start_ms = fleet->ready_ms;
    for (size_t i = 0; i < fleet->scratch.count; i++) {
        const struct scratch_process *process = &fleet->scratch.processes[i];
        json_t *line = json_pack("{s:s, s:I}", "name", process->name, "bytes",
                                 (json_int_t)bench_memory(process->pid));
        MUST(line && json_array_append_new(run->memory, line) == 0);
    }
}

/* Each case has a fleet of its own: what one leaves behind must not slow the next. */
static int run_case(struct bench_run *run, const char *name)
{
    static const char *const publish[] = {"broker", NULL};
    static const char *const webhook[] = {"broker", "webhook", NULL};
    static const char *const effect[] = {"broker", "webhook", "ledger", "crm", "support",
                                         "mailer", "app",     "alert",  NULL};
    bool publishes = strcmp(name, "publish") == 0, posts = strcmp(name, "webhook") == 0;
    struct bench_sink *sink = bench_sink_new();
    struct bench_fleet fleet;
    int code = bench_fleet_make(run->cli, run->folder, bench_sink_port(sink), &fleet);
    if (code == CLI_FINE) {
        code = bench_fleet_start(run->cli, &fleet, publishes ? publish : posts ? webhook : effect);
    }
    if (code == CLI_FINE) {
        code = publishes ? publish_rounds(run, fleet.scratch.home)
               : posts   ? webhook_rounds(run, fleet.secret, fleet.webhook_port)
                         : effect_rounds(run, &fleet, sink);
    }
    if (code == CLI_FINE && !publishes && !posts) {
        weigh(run, &fleet);
    }
    bench_fleet_end(&fleet);
    bench_sink_destroy(&sink);
    return code;
}

/* --- the machine ----------------------------------------------------------------------------- */

static const char *filesystem_of(const char *folder)
{
    static const struct {
        long type;
        const char *name;
    } names[] = {{0xEF53, "ext4"},      {0x58465342, "xfs"},       {0x9123683E, "btrfs"},
                 {0x01021994, "tmpfs"}, {0x794C7630, "overlayfs"}, {0x2FC12FC1, "zfs"},
                 {0x858458F6, "ramfs"}};
    struct statfs info;
    if (statfs(folder, &info) == 0) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (names[i].type == (long)info.f_type) {
                return names[i].name;
            }
        }
    }
    return "a file system unknown here";
}

static void cpu_of(char *text, size_t room)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    snprintf(text, room, "unknown CPU");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (colon && strncmp(line, "model name", 10) == 0) {
            colon[strcspn(colon, "\n")] = '\0';
            snprintf(text, room, "%s", colon + 2);
            break;
        }
    }
    if (file) {
        fclose(file);
    }
}

/* --- telling --------------------------------------------------------------------------------- */

static void print_cell(struct spread spread, const char *format)
{
    char cell[64], *at = cell;
    at += snprintf(at, 20, format, spread.median);
    *at++ = ' ';
    *at++ = '(';
    at += snprintf(at, 20, format, spread.min);
    *at++ = '-';
    at += snprintf(at, 20, format, spread.max);
    snprintf(at, 2, ")");
    printf(" %s |", cell);
}

static void print_table(const struct bench_run *run)
{
    char cpu[128];
    cpu_of(cpu, sizeof cpu);
    printf("sync mode: " SYNC_WORDS "\n");
    printf("machine:   %s, %ld cores, %s\n\n", cpu, sysconf(_SC_NPROCESSORS_ONLN),
           filesystem_of(run->folder));
    printf("| case | in flight | runs | msgs/s | p50 ms | p99 ms | max ms |\n"
           "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (size_t i = 0; i < run->row_count; i++) {
        const struct row *row = &run->rows[i];
        bool rate = row->load == OPEN_RATE || row->load == EFFECT_RATE;
        printf("| %s | %d%s | %zu |", row->name, row->load, rate ? "/s" : "", row->count);
        print_cell(SPREAD(row, per_second), "%.0f");
        print_cell(SPREAD(row, p50_ms), "%.2f");
        print_cell(SPREAD(row, p99_ms), "%.2f");
        print_cell(SPREAD(row, max_ms), "%.1f");
        printf("%s", failed_of(row) ? " failures: " : "\n");
        if (failed_of(row)) {
            printf("%llu\n", (unsigned long long)failed_of(row));
        }
    }
    size_t i;
    json_t *line;
    json_array_foreach(run->memory, i, line)
    {
        printf("%s%s %s", i ? ", " : "\nmemory (anonymous): ", tree_text(line, "name"),
               cli_bytes((uint64_t)tree_int(line, "bytes")));
    }
    if (json_array_size(run->memory)) {
        printf("\nall ready after %lld ms\n", (long long)run->start_ms);
    }
}

static json_t *spread_json(struct spread spread)
{
    return json_pack("{s:f, s:f, s:f}", "median", spread.median, "min", spread.min, "max",
                     spread.max);
}

static void print_json(const struct bench_run *run)
{
    char cpu[128];
    json_t *rows = json_array();
    cpu_of(cpu, sizeof cpu);
    for (size_t i = 0; i < run->row_count; i++) {
        const struct row *row = &run->rows[i];
        json_t *line = json_pack(
            "{s:s, s:i, s:I, s:o, s:o, s:o, s:o, s:I}", "case", row->name, "load", row->load,
            "runs", (json_int_t)row->count, "per_second", spread_json(SPREAD(row, per_second)),
            "p50_ms", spread_json(SPREAD(row, p50_ms)), "p99_ms", spread_json(SPREAD(row, p99_ms)),
            "max_ms", spread_json(SPREAD(row, max_ms)), "failed", (json_int_t)failed_of(row));
        MUST(line && json_array_append_new(rows, line) == 0);
    }
    json_t *whole = json_pack("{s:s, s:s, s:I, s:s, s:f, s:I, s:o, s:O, s:I}", "sync", SYNC_WORDS,
                              "cpu", cpu, "cores", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN),
                              "filesystem", filesystem_of(run->folder), "seconds", run->seconds,
                              "rounds", (json_int_t)run->rounds, "results", rows, "memory",
                              run->memory, "start_ms", (json_int_t)run->start_ms);
    MUST(whole);
    cli_print_json(whole);
    json_decref(whole);
}

/* --- against a fleet that runs --------------------------------------------------------------- */

static int run_here(struct bench_run *run, const char *name)
{
    struct cli *cli = run->cli;
    char *mode = NULL, *listen = NULL, *secret = NULL;
    int code = cli_need_home(cli);
    if (code != CLI_FINE) {
        return code;
    }
    if (!cli->yes) {
        return cli_fail(cli, CLI_NO, "the journal of %s would keep every event for good: say --yes",
                        cli->home);
    }
    bool got =
        settings_peek(cli->home, "usher.cfg", "webhook/payment/mode", "test", &mode) == OK &&
        settings_peek(cli->home, "usher.cfg", "webhook/listen", "127.0.0.1:8080", &listen) == OK &&
        settings_peek(cli->home, "usher.cfg", "webhook/payment/secret", "file:secrets/stripe",
                      &secret) == OK;
    if (!got) {
        code = cli_fail(cli, CLI_CONFIG, "section webhook of usher.cfg cannot be read");
    } else if (strcmp(mode, "live") == 0) {
        code = cli_fail(cli, CLI_NO, "this home is in live mode");
    } else if (strcmp(name, "publish") == 0) {
        code = publish_rounds(run, cli->home);
    } else if (strcmp(name, "webhook") == 0) {
        secret[strcspn(secret, "\r\n")] = '\0';
        code = webhook_rounds(run, secret, atoi(strrchr(listen, ':') + 1));
    } else {
        code = cli_usage(cli, "the effect case brings its own CRM: it runs without --here only");
    }
    free(mode);
    free(listen);
    free(secret);
    return code;
}

static int run_cases(struct bench_run *run, const char *name)
{
    static const char *const cases[] = {"publish", "webhook", "effect", NULL};
    bool all = strcmp(name, "all") == 0, here = cli_flag(run->cli, "--here");
    int code = CLI_FINE;
    for (const char *const *at = cases; *at && code == CLI_FINE; at++) {
        if (!all || (here && strcmp(*at, "effect") == 0)) {
            continue;
        }
        code = here ? run_here(run, *at) : run_case(run, *at);
    }
    if (!all) {
        code = here ? run_here(run, name) : run_case(run, name);
    }
    return code;
}

static bool is_case(const char *name)
{
    static const char *const names[] = {"publish", "webhook", "effect", "all", NULL};
    const char *const *at = names;
    while (*at && strcmp(*at, name) != 0) {
        at++;
    }
    return *at != NULL;
}

int verb_bench(struct cli *cli)
{
    const char *name = cli_word(cli, 0) ? cli_word(cli, 0) : "all";
    const char *folder = cli_option(cli, "--dir");
    int64_t seconds;
    struct bench_run run = {.cli = cli, .folder = folder ? folder : "."};
    if (cli->word_count > 1 || !is_case(name)) {
        return cli_usage(cli, "expected publish, webhook, effect or all");
    }
    if (!cli_number(cli, "--seconds", 1, 60, 2, &seconds) ||
        !cli_number(cli, "--rounds", 1, ROUNDS_MAX, 3, &run.rounds)) {
        return CLI_USAGE;
    }
    if (strcmp(filesystem_of(run.folder), "tmpfs") == 0 && !cli->yes) {
        return cli_fail(cli, CLI_NO,
                        "%s is in memory: nothing durable to measure there. --dir "
                        "names another folder, --yes goes on",
                        run.folder);
    }
#ifdef __SANITIZE_ADDRESS__
    cli_say(cli, "built with sanitizers: these numbers say nothing about a release");
#endif
    run.seconds = (double)seconds;
    run.memory = json_array();
    char *whole = realpath(run.folder, NULL);
    run.folder = whole ? whole : run.folder;
    int code = run_cases(&run, name);
    if (code == CLI_FINE && cli->json) {
        print_json(&run);
    } else if (code == CLI_FINE) {
        print_table(&run);
    }
    json_decref(run.memory);
    free(whole);
    return code;
}
