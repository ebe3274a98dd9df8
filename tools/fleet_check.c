/* fleet_check.c - nothing starts half: every program looks at its settings before any is started.
 */
#include "fleet.h"

#include "must.h"
#include "process.h"
#include "settings.h"

#include <stdlib.h>
#include <string.h>

/* Appends lines that are not there yet: several programs read the same lines. */
static void add_lines(struct buf *lines, const char *more)
{
    for (const char *at = more; *at;) {
        size_t len = strcspn(at, "\n");
        char *line = must_sprintf("%.*s\n", (int)len, at);
        const char *there = strstr(buf_text(lines), line);
        bool whole = there && (there == buf_text(lines) || there[-1] == '\n');
        if (len > 0 && !whole) {
            buf_add_text(lines, line);
        }
        free(line);
        at += len + (at[len] == '\n');
    }
}

/* A section that no program has would be passed over by all of them in silence. */
static bool check_sections(const struct cli *cli, struct buf *lines)
{
    const char *known[FLEET_PROCESSES_MAX + 3] = {"log", "store"};
    struct buf why = {0};
    const struct fleet_row *row;
    for (size_t i = 0; (row = fleet_nth(i)); i++) {
        MUST(i < FLEET_PROCESSES_MAX);
        known[2 + i] = row->name;
    }
    bool good = settings_stray(cli->home, "usher.cfg", known, &why) == OK;
    add_lines(lines, buf_text(&why));
    buf_fini(&why);
    return good;
}

struct check {
    char name[64];
    bool started;
    struct process process;
};

static bool start_check(const struct cli *cli, const struct fleet_row *row, struct check *check,
                        struct buf *lines)
{
    snprintf(check->name, sizeof check->name, "usher-%s", row->name);
    char *program = cli_program(check->name);
    check->started = program != NULL;
    if (!program) {
        if (row->needed) {
            buf_printf(lines, "%s is not installed beside usher, nor in PATH\n", check->name);
        }
        return !row->needed;
    }
    const char *const argv[] = {program, "--home", cli->home, "--check", NULL};
    process_start(&check->process, argv, FLEET_CHECK_MS);
    free(program);
    return true;
}

static bool end_check(struct check *check, struct buf *lines)
{
    struct buf err = {0};
    int code = check->started ? process_end(&check->process, NULL, &err) : 0;
    if (code != 0) {
        add_lines(lines, buf_text(&err));
        if (err.len == 0) {
            buf_printf(lines, "%s --check ended with %d\n", check->name, code);
        }
    }
    buf_fini(&err);
    return code == 0;
}

bool fleet_mistakes(const struct cli *cli, struct buf *lines)
{
    struct check checks[FLEET_PROCESSES_MAX];
    bool good = check_sections(cli, lines);
    const struct fleet_row *row;
    size_t count = 0;
    for (; (row = fleet_nth(count)); count++) { /* side by side */
        MUST(count < FLEET_PROCESSES_MAX);
        good = start_check(cli, row, &checks[count], lines) && good;
    }
    for (size_t i = 0; i < count; i++) {
        good = end_check(&checks[i], lines) && good;
    }
    return good;
}

int fleet_check(const struct cli *cli)
{
    struct buf lines = {0};
    bool good = fleet_mistakes(cli, &lines);
    for (const char *at = buf_text(&lines); *at;) {
        size_t len = strcspn(at, "\n");
        char *line = must_sprintf("%.*s", (int)len, at);
        cli_say(cli, "%s", cli_clean(line));
        free(line);
        at += len + (at[len] == '\n');
    }
    buf_fini(&lines);
    if (!good) {
        cli_fail(cli, CLI_CONFIG, "nothing was started or changed");
        return CLI_CONFIG;
    }
    return CLI_FINE;
}
