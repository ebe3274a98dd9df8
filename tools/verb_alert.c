/* verb_alert.c - what is wrong now; and a test of those who are told of it. */
#include "fleet_ask.h"
#include "verbs.h"

#include "clock.h"
#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { BELL_MS = 200, WAIT_MS = 15000 };

static json_t *ask_alerts(const struct cli *cli, struct client *client, int *code)
{
    json_t *question = json_pack("{s:s}", "ask", "alerts"), *answer = NULL;
    *code = cli_ask(cli, client, "alert", question, &answer);
    json_decref(question);
    return answer;
}

/* --- list ------------------------------------------------------------------------------------ */

static int list_alerts(const struct cli *cli, struct client *client)
{
    int code;
    json_t *answer = ask_alerts(cli, client, &code), *alert;
    const json_t *standing = tree_get(answer, "alerts");
    size_t i;
    if (code == CLI_FINE && cli->json) {
        cli_print_json(standing);
    } else if (code == CLI_FINE && !json_array_size(standing)) {
        cli_say(cli, "nothing is wrong");
    } else if (code == CLI_FINE) {
        struct cli_table *table = cli_table_new(3);
        cli_table_row(table, "since", "what is wrong", "what to do");
        json_array_foreach(standing, i, alert)
        {
            cli_table_row(table, cli_ago(clock_wall_ms() - tree_int(alert, "since")),
                          tree_text(alert, "text"), tree_text(alert, "todo"));
        }
        cli_table_print(cli, &table);
    }
    json_decref(answer);
    return code;
}

/* --- test ------------------------------------------------------------------------------------ */

/* Nothing more will happen to it by itself, or it is known to be in trouble. */
static bool has_spoken(const json_t *job)
{
    const char *state = tree_text(job, "state");
    bool open = strcmp(state, "waiting") == 0 || strcmp(state, "sending") == 0 ||
                strcmp(state, "settling") == 0;
    return !open || (strcmp(state, "waiting") == 0 && tree_int(job, "attempt") > 0);
}

static size_t count_spoken(const json_t *jobs)
{
    size_t i, spoken = 0;
    json_t *job;
    json_array_foreach(jobs, i, job)
    {
        spoken += has_spoken(job);
    }
    return spoken;
}

/* The jobs of the test, once each hook has said something, or the time is up. */
static json_t *wait_for_hooks(const struct cli *cli, struct client *client, const char *event,
                              size_t hooks, int64_t wait_ms)
{
    json_t *filters = json_pack("{s:s}", "trace", event), *jobs = NULL;
    int64_t until_ms = clock_mono_ms() + wait_ms;
    for (;;) {
        size_t answered;
        jobs = fleet_jobs(cli, client, "alert", filters, hooks, &answered);
        if (!answered || count_spoken(jobs) >= hooks || clock_mono_ms() >= until_ms) {
            break;
        }
        json_decref(jobs);
        char type[EVENT_NAME_BYTES_MAX + 1];
        uint64_t seq;
        (void)!client_bell_wait(client, BELL_MS, type, sizeof type, &seq);
    }
    json_decref(filters);
    return jobs;
}

static const json_t *job_of(const json_t *jobs, const char *hook)
{
    size_t i;
    json_t *job;
    json_array_foreach(jobs, i, job)
    {
        const char *at = strrchr(tree_text(job, "key"), '@');
        if (at && strcmp(at + 1, hook) == 0) {
            return job;
        }
    }
    return NULL;
}

/* One row for each hook; how many were not reached. */
static size_t judge(const json_t *hooks, const json_t *jobs, json_t *rows)
{
    size_t i, failed = 0;
    json_t *hook;
    json_array_foreach(hooks, i, hook)
    {
        const char *name = json_string_value(hook);
        const json_t *job = job_of(jobs, name);
        bool reached = strcmp(tree_text(job, "state"), "done") == 0;
        const char *error = tree_text(job, "error");
        json_t *row = json_object();
        tree_set_text(row, "hook", name);
        tree_set_flag(row, "reached", reached);
        tree_set_text(row, "error", reached ? "" : *error ? error : "no answer yet");
        MUST(json_array_append_new(rows, row) == 0);
        failed += !reached;
    }
    return failed;
}

static void print_rows(const struct cli *cli, const json_t *rows)
{
    size_t i;
    json_t *row;
    struct cli_table *table = cli_table_new(3);
    cli_table_row(table, "hook", "reached", "what it said");
    json_array_foreach(rows, i, row)
    {
        bool reached = tree_flag(row, "reached");
        cli_table_row(table, tree_text(row, "hook"), reached ? "yes" : "no",
                      tree_text(row, "error"));
        cli_table_paint(table, 1, reached ? PAINT_GREEN : PAINT_RED);
    }
    cli_table_print(cli, &table);
}

static int test_hooks(const struct cli *cli, struct client *client, int64_t wait_ms)
{
    int code;
    char id[EVENT_ID_BYTES_MAX + 1];
    json_t *answer = ask_alerts(cli, client, &code);
    const json_t *hooks = tree_get(answer, "hooks");
    size_t count = json_array_size(hooks);
    if (code == CLI_FINE && !count) {
        code = cli_fail(cli, CLI_NO, "usher.cfg names no hook: nobody is told of alerts");
        cli_next(cli, "usher-alert --help");
    }
    if (code == CLI_FINE) {
        json_t *data = json_object();
        const char *reason = cli_option(cli, "--reason");
        tree_set_text(data, "reason", reason ? reason : "test");
        code = cli_publish(cli, client, "admin.tested", NULL, NULL, NULL, data, id);
        json_decref(data);
    }
    if (code == CLI_FINE) {
        json_t *jobs = wait_for_hooks(cli, client, id, count, wait_ms);
        json_t *rows = json_array();
        code = judge(hooks, jobs, rows) ? CLI_NO : CLI_FINE;
        if (cli->json) {
            cli_print_json(rows);
        } else {
            print_rows(cli, rows);
        }
        json_decref(rows);
        json_decref(jobs);
    }
    json_decref(answer);
    return code;
}

int verb_alert(struct cli *cli)
{
    const char *word = cli_word(cli, 0), *wait = cli_option(cli, "--wait");
    bool lists = !word || strcmp(word, "list") == 0, tests = word && strcmp(word, "test") == 0;
    int64_t wait_ms = WAIT_MS;
    if ((!lists && !tests) || cli->word_count > 1) {
        return cli_usage(cli, "expected list or test");
    }
    if (wait && !clock_parse_duration(wait, &wait_ms)) {
        return cli_usage(cli, "--wait: expected a duration such as 15s");
    }
    struct client *client = NULL;
    int code = cli_connect(cli, tests, &client);
    if (code == CLI_FINE) {
        code = lists ? list_alerts(cli, client) : test_hooks(cli, client, wait_ms);
    }
    client_destroy(&client);
    return code;
}
