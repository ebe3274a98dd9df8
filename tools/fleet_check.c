/* fleet_check.c - nothing starts half: every program looks at its settings before any is started.
 */
#include "fleet.h"

#include "must.h"
#include "process.h"
#include "settings.h"

#include <stdlib.h>
#include <string.h>

/* A section that no program has would be passed over by all of them in silence. */
static bool check_sections(const struct cli *cli)
{
    const char *known[FLEET_PROCESSES_MAX + 3] = {"log", "store"};
    struct buf why = {0};
    const struct fleet_row *row;
    for (size_t i = 0; (row = fleet_nth(i)); i++) {
        MUST(i < FLEET_PROCESSES_MAX);
        known[2 + i] = row->name;
    }
    bool good = settings_stray(cli->home, "usher.cfg", known, &why) == OK;
    fprintf(stderr, "%s", buf_text(&why));
    buf_fini(&why);
    return good;
}

/* Lines that were not said yet: several programs read the same lines. */
static void say_once(const struct cli *cli, struct buf *said, const char *lines)
{
    for (const char *at = lines; *at;) {
        size_t len = strcspn(at, "\n");
        char *line = must_sprintf("\n%.*s\n", (int)len, at);
        if (len > 0 && !strstr(buf_text(said), line)) {
            cli_say(cli, "%.*s", (int)len, cli_clean(at));
            buf_add_text(said, line);
        }
        free(line);
        at += len + (at[len] == '\n');
    }
}

static bool check_program(const struct cli *cli, const struct fleet_row *row, struct buf *said)
{
    char name[64];
    snprintf(name, sizeof name, "usher-%s", row->name);
    char *program = cli_program(name);
    if (!program) {
        if (row->needed) {
            cli_say(cli, "%s is not installed beside usher, nor in PATH", name);
        }
        return !row->needed;
    }
    struct buf err = {0};
    const char *const argv[] = {program, "--home", cli->home, "--check", NULL};
    int code = process_run(argv, NULL, &err, FLEET_CHECK_MS);
    if (code != 0) {
        say_once(cli, said, buf_text(&err));
        if (err.len == 0) {
            cli_say(cli, "%s --check ended with %d", name, code);
        }
    }
    buf_fini(&err);
    free(program);
    return code == 0;
}

int fleet_check(const struct cli *cli)
{
    struct buf said = {0};
    bool good = check_sections(cli);
    const struct fleet_row *row;
    for (size_t i = 0; (row = fleet_nth(i)); i++) {
        good = check_program(cli, row, &said) && good;
    }
    buf_fini(&said);
    if (!good) {
        cli_fail(cli, CLI_CONFIG, "nothing was started or changed");
        return CLI_CONFIG;
    }
    return CLI_FINE;
}
