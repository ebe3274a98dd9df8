/* verb_rebuild.c - drops what an actor has made of the journal, and lets it make it again. */
#include "verbs.h"

#include "clock.h"
#include "fleet.h"
#include "home.h"
#include "must.h"
#include "settings.h"
#include "store_image.h"
#include "values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    ORDER_MS = 20000,
    QUIET_MS = 700, /* no event for so long: what is compared stands still */
    QUIET_WAIT_MS = 10000,
    POLL_MS = 100,
    PROGRESS_MS = 2000,
    WAIT_S_MAX = 24 * 3600,
    WAIT_S = 600
};

struct rebuild {
    struct cli *cli;
    struct client *client;
    const char *actor;
    char *folder, *old_folder;
    struct store_image before, after;
    bool before_known;
    int64_t deadline_ms;
};

static const struct {
    const char *actor;
    const char *why_not; /* NULL: may be rebuilt */
    bool local_counts;   /* with the embedded provider the store is the only place */
} actors[] = {
    {"ledger", NULL, false},
    {"crm", NULL, true},
    {"support", NULL, true},
    {"mailer", NULL, false},
    {"app", NULL, true},
    {"alert", NULL, false},
    {"console", NULL, false},
    {"webhook", "its store is the log of deliveries, which the journal does not hold", false},
    {"backfill", "it only compares the journal with the provider, which `usher backfill` does anew",
     false},
    {"broker", "the journal is what everything else is made from", false},
};

/* --- steps ----------------------------------------------------------------------------------- */

static int check_actor(struct rebuild *rebuild)
{
    for (size_t i = 0; i < sizeof actors / sizeof *actors; i++) {
        if (strcmp(actors[i].actor, rebuild->actor) != 0) {
            continue;
        }
        if (actors[i].why_not) {
            return cli_fail(rebuild->cli, CLI_NO, "%s is not rebuilt: %s", rebuild->actor,
                            actors[i].why_not);
        }
        char *path = must_sprintf("%s/provider", rebuild->actor), *provider = NULL;
        (void)!settings_peek(rebuild->cli->home, "usher.cfg", path, "local", &provider);
        bool loses = actors[i].local_counts && strcmp(provider, "local") == 0;
        free(path);
        free(provider);
        if (loses && !rebuild->cli->yes) {
            return cli_fail(rebuild->cli, CLI_NO,
                            "with the embedded provider the %s's records are in this very store: "
                            "the copy keeps them, the new store begins without. Say --yes to go on",
                            rebuild->actor);
        }
        return CLI_FINE;
    }
    return cli_usage(rebuild->cli,
                     "expected ledger, crm, support, mailer, app, alert or console, not \"%s\"",
                     cli_clean(rebuild->actor));
}

static void wait_a_little(struct rebuild *rebuild)
{
    char type[EVENT_NAME_BYTES_MAX + 1];
    uint64_t seq;
    (void)!client_bell_wait(rebuild->client, POLL_MS, type, sizeof type, &seq);
}

/* The newest event's number; 0 when the broker does not say. */
static uint64_t head_of(struct rebuild *rebuild)
{
    json_t *list = json_array();
    uint64_t next = 0, head = 0;
    (void)!client_read_wait(rebuild->client, 1, 1, NULL, CLI_ASK_MS, list, &next, &head);
    json_decref(list);
    return head;
}

/* Two stores can be compared only if they have seen the same events. */
static void wait_for_quiet(struct rebuild *rebuild)
{
    int64_t until = clock_mono_ms() + QUIET_WAIT_MS, since = clock_mono_ms();
    uint64_t head = head_of(rebuild);
    while (clock_mono_ms() < until && clock_mono_ms() - since < QUIET_MS) {
        wait_a_little(rebuild);
        uint64_t now = head_of(rebuild);
        since = now != head ? clock_mono_ms() : since;
        head = now;
    }
}

/* The files of the store; what else lies in the folder (delivered mail) stays. */
static const char *const store_files[] = {"data.mdb", "lock.mdb", "store.lock", NULL};

static bool move_file(const char *from, const char *to, const char *name)
{
    char *here = must_sprintf("%s/%s", from, name), *there = must_sprintf("%s/%s", to, name);
    bool moved = rename(here, there) == 0 || errno == ENOENT;
    free(here);
    free(there);
    return moved;
}

/* What the new store will find: how far the old one had come. Written before anything is moved: a
 * store without it would take itself for a new fleet's, and send. */
static enum fault leave_word(const struct rebuild *rebuild, uint64_t cursor)
{
    char text[32], *path = must_sprintf("%s/REBUILD", rebuild->folder);
    int len = snprintf(text, sizeof text, "%llu\n", (unsigned long long)cursor);
    enum fault fault = home_write_file(path, text, (size_t)len, 0600);
    free(path);
    return fault;
}

static int move_aside(struct rebuild *rebuild)
{
    struct cli *cli = rebuild->cli;
    enum fault fault = store_image_take(rebuild->folder, &rebuild->before);
    rebuild->before_known = fault == OK;
    if (fault == FAULT_NOT_FOUND) {
        return cli_fail(cli, CLI_NO, "there is no store in %s yet", rebuild->folder);
    }
    if (fault != OK) {
        cli_say(cli, "the old store is %s: it cannot be compared", fault_words(fault));
        rebuild->before.cursor = head_of(rebuild);
    }
    fault = leave_word(rebuild, rebuild->before.cursor);
    if (fault == OK) {
        fault = home_folder(rebuild->old_folder);
    }
    if (fault != OK) {
        return cli_fail(cli, CLI_NO, "cannot write to %s: %s; nothing was changed", rebuild->folder,
                        fault_words(fault));
    }
    for (const char *const *file = store_files; *file; file++) {
        if (!move_file(rebuild->folder, rebuild->old_folder, *file)) {
            return cli_fail(cli, CLI_NO, "cannot move %s/%s to %s: %s", rebuild->folder, *file,
                            rebuild->old_folder, strerror(errno));
        }
    }
    return CLI_FINE;
}

/* Until the new store has come as far as the old one. */
static int wait_for_cursor(struct rebuild *rebuild)
{
    int64_t say_ms = clock_mono_ms() + PROGRESS_MS;
    json_t *question = json_pack("{s:s}", "ask", "digest");
    for (;;) {
        json_t *answer = NULL;
        uint64_t cursor = 0;
        enum fault fault =
            client_ask_wait(rebuild->client, rebuild->actor, question, CLI_ASK_MS, &answer);
        if (fault == OK) {
            cursor = (uint64_t)tree_int(answer, "cursor");
        }
        json_decref(answer);
        if (fault == OK && cursor >= rebuild->before.cursor) {
            json_decref(question);
            return CLI_FINE;
        }
        if (clock_mono_ms() > rebuild->deadline_ms) {
            json_decref(question);
            return cli_fail(rebuild->cli, CLI_UNREACHABLE,
                            "%s has come to event %llu of %llu and goes on; the old store is kept "
                            "in %s",
                            rebuild->actor, (unsigned long long)cursor,
                            (unsigned long long)rebuild->before.cursor, rebuild->old_folder);
        }
        if (clock_mono_ms() > say_ms) {
            cli_say(rebuild->cli, "event %llu of %llu", (unsigned long long)cursor,
                    (unsigned long long)rebuild->before.cursor);
            say_ms = clock_mono_ms() + PROGRESS_MS;
        }
        wait_a_little(rebuild);
    }
}

/* The ledger is a function of the journal: its store must be the same to the byte. A store of jobs
 * also holds attempts and times that the journal does not tell: every job must be known again. */
static bool is_function(const struct rebuild *rebuild)
{
    return strcmp(rebuild->actor, "ledger") == 0;
}

struct verdict {
    bool compared;
    uint64_t differences, missing;
    struct buf report;
    enum fault fault; /* of reading the new store */
};

static void compare(struct rebuild *rebuild, struct verdict *verdict)
{
    *verdict = (struct verdict){0};
    verdict->fault = store_image_take(rebuild->folder, &rebuild->after);
    verdict->compared = verdict->fault == OK && rebuild->before_known &&
                        rebuild->after.cursor == rebuild->before.cursor;
    if (verdict->compared) {
        struct buf unused = {0};
        bool function = is_function(rebuild);
        verdict->differences = store_image_compare(&rebuild->before, &rebuild->after,
                                                   function ? &verdict->report : &unused);
        verdict->missing = function ? verdict->differences
                                    : store_image_missing(&rebuild->before, &rebuild->after, "jobs",
                                                          &verdict->report);
        buf_fini(&unused);
    }
}

static void print_human(const struct rebuild *rebuild, struct verdict *verdict)
{
    const struct cli *cli = rebuild->cli;
    const char *green = cli_paint(cli, PAINT_GREEN), *red = cli_paint(cli, PAINT_RED);
    const char *plain = cli_paint(cli, PAINT_NONE);
    unsigned long long cursor = rebuild->after.cursor;
    if (verdict->missing) {
        printf("%s%llu %s%s\n%s", red, (unsigned long long)verdict->missing,
               is_function(rebuild) ? "differences" : "jobs are not known any more", plain,
               buf_text(&verdict->report));
    } else if (verdict->compared && !verdict->differences) {
        printf("%sidentical%s: %llu pairs, up to event %llu\n", green, plain,
               (unsigned long long)rebuild->after.pairs, cursor);
    } else if (verdict->compared) {
        printf("%severy job is known again%s, up to event %llu; attempts or times of some differ\n",
               green, plain, cursor);
    } else if (verdict->fault != OK) {
        printf("%snot compared%s: the new store: %s\n", red, plain, fault_words(verdict->fault));
    } else if (!rebuild->before_known) {
        printf("not compared: the old store is damaged; the new one is at event %llu\n", cursor);
    } else {
        printf("not compared: the old store had seen event %llu, the new one %llu already\n",
               (unsigned long long)rebuild->before.cursor, cursor);
    }
}

static int tell(struct rebuild *rebuild)
{
    struct verdict verdict;
    compare(rebuild, &verdict);
    if (rebuild->cli->json) {
        json_t *whole = json_pack(
            "{s:s, s:b, s:b, s:I, s:I, s:I, s:s}", "actor", rebuild->actor, "compared",
            verdict.compared, "identical", verdict.compared && !verdict.differences, "differences",
            (json_int_t)verdict.differences, "missing", (json_int_t)verdict.missing, "cursor",
            (json_int_t)rebuild->after.cursor, "kept", rebuild->old_folder);
        MUST(whole);
        cli_print_json(whole);
        json_decref(whole);
    } else {
        print_human(rebuild, &verdict);
    }
    fflush(stdout);
    cli_say(rebuild->cli, "the old store is kept in %s", rebuild->old_folder);
    buf_fini(&verdict.report);
    return verdict.missing || verdict.fault != OK ? CLI_NO : CLI_FINE;
}

static int order(struct rebuild *rebuild, enum fleet_order what)
{
    enum fault fault = fleet_order(rebuild->cli->home, rebuild->actor, what, ORDER_MS);
    if (fault == OK) {
        return CLI_FINE;
    }
    cli_fail(rebuild->cli, CLI_NO, "%s cannot be %s: %s", rebuild->actor,
             what == FLEET_STOP ? "stopped" : "started", fault_words(fault));
    cli_next(rebuild->cli, "usher status");
    return CLI_NO;
}

static int run(struct rebuild *rebuild)
{
    wait_for_quiet(rebuild);
    int code = order(rebuild, FLEET_STOP);
    if (code != CLI_FINE) {
        return code;
    }
    code = move_aside(rebuild);
    int started = order(rebuild, FLEET_START); /* whatever happened */
    if (code == CLI_FINE) {
        code = started;
    }
    if (code == CLI_FINE) {
        code = wait_for_cursor(rebuild);
    }
    return code == CLI_FINE ? tell(rebuild) : code;
}

int verb_rebuild(struct cli *cli)
{
    struct rebuild rebuild = {.cli = cli, .actor = cli_word(cli, 0)};
    int64_t wait_s;
    if (!rebuild.actor || cli->word_count > 1) {
        return cli_usage(cli,
                         "expected one actor: ledger, crm, support, mailer, app, alert or console");
    }
    if (!cli_number(cli, "--wait", 1, WAIT_S_MAX, WAIT_S, &wait_s)) {
        return CLI_USAGE;
    }
    int code = cli_need_home(cli);
    if (code == CLI_FINE) {
        code = check_actor(&rebuild);
    }
    if (code == CLI_FINE && !fleet_is_up(cli->home)) {
        code = cli_fail(cli, CLI_UNREACHABLE, "the fleet of %s is not running", cli->home);
        cli_next(cli, "usher up");
    }
    if (code == CLI_FINE) {
        code = cli_connect(cli, true, &rebuild.client);
    }
    if (code == CLI_FINE) {
        rebuild.folder = home_path(cli->home, "data/%s", rebuild.actor);
        rebuild.old_folder = home_path(cli->home, "data/%s.old-%lld", rebuild.actor,
                                       (long long)(clock_wall_ms() / 1000));
        rebuild.deadline_ms = clock_mono_ms() + wait_s * 1000;
        code = run(&rebuild);
    }
    client_destroy(&rebuild.client);
    store_image_fini(&rebuild.before);
    store_image_fini(&rebuild.after);
    free(rebuild.folder);
    free(rebuild.old_folder);
    return code;
}
