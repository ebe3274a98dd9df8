/* verb_jobs.c - what is done for members at other tools: listed, shown, tried again, skipped. */
#include "verbs.h"

#include "clock.h"
#include "fleet_ask.h"
#include "job_like.h"
#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN = 50, LIMIT_MAX = 1000000, SAMPLES = 5 };

static bool is_state(const char *word)
{
    static const char *const states[] = {"settling", "waiting", "sending",   "committing",
                                         "done",     "dead",    "uncertain", "superseded",
                                         "skipped",  NULL};
    for (const char *const *state = states; *state; state++) {
        if (strcmp(*state, word) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_effect_actor(const char *word)
{
    for (const char *const *actor = fleet_effect_actors; *actor; actor++) {
        if (strcmp(*actor, word) == 0) {
            return true;
        }
    }
    return false;
}

/* CLI_FINE, or it has said what was expected. */
static int check_filters(const struct cli *cli)
{
    const char *state = cli_option(cli, "--state"), *actor = cli_option(cli, "--actor");
    if (state && !is_state(state)) {
        return cli_usage(cli,
                         "--state: expected settling, waiting, sending, done, dead, "
                         "uncertain, superseded or skipped, not \"%s\"",
                         cli_clean(state));
    }
    if (actor && !is_effect_actor(actor)) {
        return cli_usage(cli, "--actor: expected crm, support, mailer, app or alert, not \"%s\"",
                         cli_clean(actor));
    }
    return CLI_FINE;
}

/* --- list and show --------------------------------------------------------------------------- */

static enum cli_paint paint_of(const char *state)
{
    if (strcmp(state, "dead") == 0) {
        return PAINT_RED;
    }
    if (strcmp(state, "done") == 0) {
        return PAINT_GREEN;
    }
    bool past = strcmp(state, "superseded") == 0 || strcmp(state, "skipped") == 0;
    return past ? PAINT_DIM : PAINT_YELLOW;
}

static const char *next_try(const json_t *job)
{
    int64_t at = tree_int(job, "next_at"), now = clock_wall_ms();
    return !at ? "" : at <= now ? "now" : cli_ago(at - now);
}

static void print_jobs(const struct cli *cli, const json_t *list)
{
    struct cli_table *table = cli_table_new(7);
    cli_table_row(table, "actor", "job", "state", "tries", "next in", "age", "error");
    size_t i;
    json_t *job;
    json_array_foreach(list, i, job)
    {
        char tries[24];
        snprintf(tries, sizeof tries, "%lld", (long long)tree_int(job, "attempt"));
        cli_table_row(table, tree_text(job, "actor"), tree_text(job, "key"),
                      tree_text(job, "state"), tries, next_try(job),
                      cli_ago(clock_wall_ms() - tree_int(job, "created_at")),
                      tree_text(job, "error"));
        cli_table_paint(table, 2, paint_of(tree_text(job, "state")));
    }
    cli_table_print(cli, &table);
}

static int list_jobs(const struct cli *cli, struct client *client)
{
    int64_t limit;
    if (!cli_number(cli, "--limit", 1, LIMIT_MAX, cli->json ? LIMIT_MAX : SHOWN, &limit)) {
        return CLI_USAGE;
    }
    json_t *filters = json_object();
    const char *state = cli_option(cli, "--state"), *member = cli_option(cli, "--member");
    tree_set_text(filters, "state", state);
    tree_set_text(filters, "member", member);
    size_t answered;
    json_t *list = fleet_jobs(cli, client, cli_option(cli, "--actor"), filters,
                              (size_t)limit + (cli->json ? 0 : 1), &answered);
    bool more = json_array_size(list) > (size_t)limit;
    if (more) {
        json_array_remove(list, (size_t)limit);
    }
    int code = answered ? CLI_FINE : CLI_UNREACHABLE;
    if (!answered) {
        cli_next(cli, "usher status");
    } else if (cli->json) {
        cli_print_json(list);
    } else if (!json_array_size(list)) {
        cli_say(cli, "there are no such jobs");
    } else {
        print_jobs(cli, list);
        if (more) {
            cli_say(cli, "there are more: --limit %lld shows them", (long long)limit * 10);
        }
    }
    json_decref(list);
    json_decref(filters);
    return code;
}

/* The one job of that key; NULL, having said so. */
static json_t *find_job(const struct cli *cli, struct client *client, const char *key, int *code)
{
    size_t answered;
    json_t *filters = json_pack("{s:s}", "key", key), *found = NULL;
    json_t *list = filters
                       ? fleet_jobs(cli, client, cli_option(cli, "--actor"), filters, 10, &answered)
                       : json_array();
    if (json_array_size(list) == 1) {
        found = json_incref(json_array_get(list, 0));
        *code = CLI_FINE;
    } else if (json_array_size(list) > 1) {
        *code = cli_fail(cli, CLI_NO, "several actors have a job %s: say which with --actor",
                         cli_clean(key));
    } else {
        *code = cli_fail(cli, CLI_NO, "there is no job %s", cli_clean(key));
        cli_next(cli, "usher jobs");
    }
    json_decref(list);
    json_decref(filters);
    return found;
}

static void print_time(const char *label, int64_t ms)
{
    char text[CLOCK_TEXT_BYTES];
    if (ms) {
        printf("  %-10s %s\n", label, clock_rfc3339(ms, text));
    }
}

static void print_job(const struct cli *cli, const json_t *job)
{
    const char *state = tree_text(job, "state"), *error = tree_text(job, "error");
    printf("%s%s%s  %s%s%s\n", cli_paint(cli, PAINT_BOLD), cli_clean(tree_text(job, "key")),
           cli_paint(cli, PAINT_NONE), cli_paint(cli, paint_of(state)), state,
           cli_paint(cli, PAINT_NONE));
    printf("  %-10s %s at %s, by %s\n", "what", cli_clean(tree_text(job, "kind")),
           cli_clean(tree_text(job, "target")), cli_clean(tree_text(job, "actor")));
    printf("  %-10s %s\n", "member", cli_clean(tree_text(job, "member")));
    printf("  %-10s %lld\n", "attempts", (long long)tree_int(job, "attempt"));
    if (*error) {
        printf("  %-10s %s\n", "error", cli_clean(error));
    }
    print_time("next try", tree_int(job, "next_at"));
    print_time("created", tree_int(job, "created_at"));
    print_time("updated", tree_int(job, "updated_at"));
    printf("  %-10s %s\n", "trace", cli_clean(tree_text(job, "trace")));
    fflush(stdout);
    if (strcmp(state, "dead") == 0 || strcmp(state, "uncertain") == 0) {
        cli_next(cli, "usher jobs retry %s --reason \"...\"", cli_clean(tree_text(job, "key")));
    }
    cli_next(cli, "usher trace %s", cli_clean(tree_text(job, "trace")));
}

static int show_job(const struct cli *cli, struct client *client, const char *key)
{
    int code;
    json_t *job = find_job(cli, client, key, &code);
    if (job && cli->json) {
        cli_print_json(job);
    } else if (job) {
        print_job(cli, job);
    }
    json_decref(job);
    return code;
}

/* --- retry and skip -------------------------------------------------------------------------- */

static int decide_one(const struct cli *cli, struct client *client, const char *type,
                      const json_t *job, const char *reason)
{
    json_t *data = json_pack("{s:s, s:s, s:s}", "actor", tree_text(job, "actor"), "key",
                             tree_text(job, "key"), "reason", reason);
    MUST(data);
    tree_set_text(data, "member", tree_text(job, "member"));
    int code = cli_publish(cli, client, type, tree_text(job, "member"), tree_text(job, "cause"),
                           tree_text(job, "trace"), data, NULL);
    json_decref(data);
    return code;
}

/* Those of one cause: the same actor, kind, target, state and error. */
static json_t *jobs_like(const struct cli *cli, struct client *client, const json_t *job)
{
    json_t *filters = json_pack("{s:s}", "state", tree_text(job, "state"));
    size_t answered, i = 0;
    json_t *list = fleet_jobs(cli, client, tree_text(job, "actor"), filters, LIMIT_MAX, &answered);
    while (i < json_array_size(list)) {
        if (job_is_like(job, json_array_get(list, i))) {
            i++;
        } else {
            json_array_remove(list, i);
        }
    }
    json_decref(filters);
    return list;
}

/* More than one: the count is shown first, and --yes is wanted. */
static int confirm(const struct cli *cli, const char *word, const json_t *list)
{
    size_t count = json_array_size(list);
    const json_t *first = json_array_get(list, 0);
    cli_say(cli, "%zu job%s of one cause: %s, %s%s%s", count, count == 1 ? "" : "s",
            tree_text(first, "actor"), tree_text(first, "state"),
            *tree_text(first, "error") ? ": " : "", cli_clean(tree_text(first, "error")));
    for (size_t i = 0; i < count && i < SAMPLES; i++) {
        cli_say(cli, "  %s", cli_clean(tree_text(json_array_get(list, i), "key")));
    }
    if (count > SAMPLES) {
        cli_say(cli, "  and %zu more", count - SAMPLES);
    }
    if (cli->yes) {
        return CLI_FINE;
    }
    return cli_fail(cli, CLI_NO, "nothing was done: the same with --yes will %s all of them", word);
}

/* What is over is not tried again, nor skipped. */
static int check_state(const struct cli *cli, const char *word, const json_t *job)
{
    const char *state = tree_text(job, "state");
    bool retries = strcmp(word, "retry") == 0;
    if (strcmp(state, "done") == 0 || strcmp(state, "superseded") == 0 ||
        (!retries && strcmp(state, "skipped") == 0)) {
        return cli_fail(cli, CLI_NO, "%s is %s: there is nothing to %s",
                        cli_clean(tree_text(job, "key")), state, word);
    }
    return CLI_FINE;
}

static int decide(const struct cli *cli, struct client *client, const char *word, const char *key)
{
    const char *type = strcmp(word, "retry") == 0 ? "admin.retried" : "admin.skipped";
    const char *reason = cli_option(cli, "--reason"), *like = cli_option(cli, "--like");
    int code;
    json_t *job = find_job(cli, client, like ? like : key, &code);
    if (!job) {
        return code;
    }
    code = check_state(cli, word, job);
    json_t *list = like ? jobs_like(cli, client, job) : json_pack("[O]", job), *each;
    json_decref(job);
    if (code == CLI_FINE && like) {
        code = confirm(cli, word, list);
    }
    size_t i, done = 0;
    json_array_foreach(list, i, each)
    {
        if (code == CLI_FINE) {
            code = decide_one(cli, client, type, each, reason);
            done += code == CLI_FINE;
        }
    }
    if (code == CLI_FINE && cli->json) {
        cli_print_json(list);
    } else if (code == CLI_FINE) {
        cli_say(cli, "asked to %s %zu job%s; it stands in the journal with the reason", word, done,
                done == 1 ? "" : "s");
        cli_next(cli, "usher jobs show %s", cli_clean(tree_text(json_array_get(list, 0), "key")));
    }
    json_decref(list);
    return code;
}

int verb_jobs(struct cli *cli)
{
    const char *word = cli_word(cli, 0), *key = cli_word(cli, 1);
    bool shows = word && strcmp(word, "show") == 0, lists = !word || strcmp(word, "list") == 0;
    bool decides = word && (strcmp(word, "retry") == 0 || strcmp(word, "skip") == 0);
    if (!shows && !lists && !decides) {
        return cli_usage(cli, "expected list, show, retry or skip, not \"%s\"", cli_clean(word));
    }
    if (cli->word_count > 2 || (lists && key) || (shows && !key) ||
        (decides && !key == !cli_option(cli, "--like"))) {
        return cli_usage(cli, decides ? "expected one job, or --like JOB" : "expected one job");
    }
    if (decides && (!cli_option(cli, "--reason") || !*cli_option(cli, "--reason"))) {
        return cli_usage(cli, "--reason is needed: it is kept with the change");
    }
    int code = check_filters(cli);
    struct client *client = NULL;
    if (code == CLI_FINE) {
        code = cli_connect(cli, false, &client);
    }
    if (code == CLI_FINE) {
        code = lists   ? list_jobs(cli, client)
               : shows ? show_job(cli, client, key)
                       : decide(cli, client, word, key);
    }
    client_destroy(&client);
    return code;
}
