/* verb_drill.c - the monthly drill, in a terminal. */
#include "verbs.h"

#include "drill.h"
#include "fleet.h"
#include "home.h"
#include "must.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void on_signal(int number)
{
    (void)number;
    zsys_interrupted = 1;
}

static void on_said(void *self, const char *words)
{
    cli_say(self, "%s ...", words);
}

/* CLI_FINE, or it has said which program is missing. */
static int find_programs(const struct cli *cli, struct drill_options *options)
{
    const struct fleet_row *row;
    size_t count = 0;
    options->init = cli_program("usher");
    for (size_t i = 0; (row = fleet_nth(i)); i++) {
        char *name = must_sprintf("usher-%s", row->name), *path = cli_program(name);
        MUST(count + 1 < DRILL_PROGRAMS_MAX);
        if (path) {
            options->programs[count++] = (struct drill_program){row->name, path};
        } else if (row->needed) {
            int code = cli_fail(cli, CLI_CONFIG, "%s is not installed", name);
            free(name);
            return code;
        }
        free(name);
    }
    return options->init ? CLI_FINE : cli_fail(cli, CLI_CONFIG, "usher itself is not found");
}

static void forget_programs(struct drill_options *options)
{
    free((char *)options->init);
    for (struct drill_program *at = options->programs; at->name; at++) {
        free((char *)at->path);
    }
}

static void print(const struct cli *cli, const json_t *report)
{
    const struct drill_paint paint = {cli_paint(cli, PAINT_GREEN), cli_paint(cli, PAINT_RED),
                                      cli_paint(cli, PAINT_DIM), cli_paint(cli, PAINT_NONE)};
    struct buf text = {0};
    if (cli->json) {
        cli_print_json(report);
        return;
    }
    drill_report_text(report, &paint, &text);
    printf("%s", buf_text(&text));
    buf_fini(&text);
}

static int save(const struct cli *cli, const json_t *report)
{
    const char *given = cli_option(cli, "--report");
    char *folder = given ? must_strdup(given) : home_path(cli->home, "drills"), *path = NULL;
    enum fault fault = drill_report_save(report, folder, &path);
    int code = fault == OK ? CLI_FINE
                           : cli_fail(cli, CLI_NO, "the report cannot be written to %s: %s", folder,
                                      fault_words(fault));
    if (code == CLI_FINE) {
        cli_say(cli, "report: %s, and .json beside it", path);
    }
    free(folder);
    free(path);
    return code;
}

static int run(const struct cli *cli, struct drill_options *options)
{
    json_t *report = NULL;
    struct buf why = {0};
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    enum fault fault = drill_run(options, &report, &why);
    int code = CLI_NO;
    if (fault == OK) {
        print(cli, report);
        code = save(cli, report);
        bool passed = json_is_true(json_object_get(report, "passed"));
        const char *kept = json_string_value(json_object_get(report, "scratch_home"));
        code = code == CLI_FINE && !passed ? CLI_NO : code;
        if (kept) {
            cli_say(cli, "the scratch home stays: %s", kept);
        }
    } else {
        fputs(buf_text(&why), stderr);
        code = cli_fail(cli, fault == FAULT_CONFIG || fault == FAULT_DENIED ? CLI_CONFIG : CLI_NO,
                        "the drill was not held");
    }
    json_decref(report);
    buf_fini(&why);
    return code;
}

int verb_drill(struct cli *cli)
{
    struct drill_options options = {.home = cli->home,
                                    .keep = cli_flag(cli, "--keep"),
                                    .only = cli_option(cli, "--only"),
                                    .said = on_said,
                                    .self = cli};
    if (cli->word_count > 0) {
        return cli_usage(cli, "\"%s\" is not expected here", cli_clean(cli_word(cli, 0)));
    }
    struct buf why = {0};
    int code = cli_need_home(cli);
    if (code == CLI_FINE && options.only && !drill_cases_known(options.only, &why)) {
        code = cli_usage(cli, "--only: %s", buf_text(&why));
    }
    buf_fini(&why);
    code = code == CLI_FINE ? find_programs(cli, &options) : code;
    code = code == CLI_FINE ? run(cli, &options) : code;
    forget_programs(&options);
    return code;
}
