/* usher-broker: the journal, the doorbell and the switchboard, as one process. */
#include "door.h"
#include "home.h"
#include "journal.h"
#include "logs.h"
#include "memory.h"
#include "settings.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78 };

static const struct setting rows[] = {
    {"broker/broker", SETTING_TEXT, NULL, 0, 0, NULL,
     "Where actors connect; empty: run/broker.ipc (tcp://127.0.0.1:7700 to leave the machine)."},
    {"broker/bell", SETTING_TEXT, NULL, 0, 0, NULL, "Where bells are heard; empty: run/bell.ipc."},
    {"broker/segment", SETTING_BYTES, "67108864", 1 << 20, 1 << 30, NULL,
     "How large one file of the journal is."},
    {"broker/disk_free_min", SETTING_BYTES, "67108864", 1, INT64_C(1) << 50, NULL,
     "Events are refused when the disk has less room than this."},
    {"broker/log", SETTING_CHOICE, "info", 0, 0, "debug|info|warn|error",
     "How much is written to the log."},
    {0},
};

static const struct setting *const tables[] = {rows, NULL};

static void usage(FILE *to)
{
    fputs("usage: usher-broker [--home DIR] [--check]\n"
          "\n"
          "  usher-broker --home ~/.usher           runs until told to stop\n"
          "  usher-broker --home ~/.usher --check   checks usher.cfg and says what is wrong\n",
          to);
}

/* 0: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, const char **home, bool *check)
{
    static const struct option options[] = {{"home", required_argument, NULL, 'H'},
                                            {"check", no_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'H') {
            *home = optarg;
        } else if (option == 'c') {
            *check = true;
        } else {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? -1 : EXIT_USAGE;
        }
    }
    if (optind < argc) {
        usage(stderr);
        return EXIT_USAGE;
    }
    return 0;
}

static int exit_code(enum fault fault)
{
    return fault == OK ? EXIT_OK : fault_again(fault) ? EXIT_AGAIN : EXIT_NEVER;
}

/* Before any thread is made, so that none of them takes these signals. */
static void hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static enum fault run(const char *home, const struct settings *settings, struct buf *why)
{
    struct journal *journal = NULL;
    struct door *door = NULL;
    struct journal_options options = {
        .segment_bytes = (uint64_t)settings_number(settings, "broker/segment"),
        .disk_free_min = (uint64_t)settings_number(settings, "broker/disk_free_min"),
    };
    char *folder = home_path(home, "data/broker");
    hold_signals();
    enum fault fault = home_folder(folder);
    if (fault == OK) {
        fault = journal_open(folder, &options, &journal, why);
    }
    if (fault == OK) {
        fault = door_open(home, journal, &door, why);
    }
    if (fault == OK) {
        fault = door_run(door);
    }
    door_close(&door);
    journal_close(&journal);
    free(folder);
    return fault;
}

int main(int argc, char **argv)
{
    const char *given = NULL;
    bool check = false;
    int code = parse_arguments(argc, argv, &given, &check);
    if (code) {
        return code < 0 ? EXIT_OK : code;
    }
    memory_for_messages();
    char *home = home_find(given);
    struct settings *settings = NULL;
    struct buf why = {0};
    enum fault fault = settings_load(home, "usher.cfg", tables, &settings, &why);
    if (fault != OK) {
        fprintf(stderr, "%s\n",
                why.len ? buf_text(&why) : "usher.cfg: not found (run: usher init)");
        code = check ? EXIT_CONFIG : exit_code(fault);
    } else if (!check) {
        logs_open("broker", settings_text(settings, "broker/log"));
        fault = run(home, settings, &why);
        if (fault != OK) {
            logs_write(LOGS_ERROR, "stopped", "fault", fault_name(fault), "why", buf_text(&why),
                       NULL);
        }
        code = exit_code(fault);
    }
    settings_destroy(&settings);
    buf_fini(&why);
    free(home);
    return code;
}
