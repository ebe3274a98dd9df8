/* verb_trace.c - one trace as a tree of cause and effect, with the times. */
#include "verbs.h"

#include "clock.h"
#include "event_view.h"
#include "fleet_ask.h"
#include "must.h"
#include "trace_view.h"
#include "values.h"

#include <string.h>

enum { JOBS_MAX = 10000, BELL_MS = 100, QUIET_MS = 300 };

struct trace {
    json_t *answer; /* the ledger's */
    json_t *events;
    json_t *jobs;
};

static void trace_fini(struct trace *trace)
{
    json_decref(trace->answer);
    json_decref(trace->events);
    json_decref(trace->jobs);
    *trace = (struct trace){0};
}

static int fetch(const struct cli *cli, struct client *client, const char *id, struct trace *trace)
{
    json_t *question = json_pack("{s:s, s:s}", "ask", "trace", "id", id);
    if (!question) {
        return cli_usage(cli, "\"%s\" is not an id", cli_clean(id));
    }
    int code = cli_ask(cli, client, "ledger", question, &trace->answer);
    json_decref(question);
    if (code == CLI_FINE && json_array_size(tree_get(trace->answer, "seqs"))) {
        code = fleet_events(cli, client, tree_get(trace->answer, "seqs"), &trace->events);
    }
    if (code == CLI_FINE && trace->events) {
        size_t answered;
        json_t *filters = json_pack("{s:s}", "trace", tree_text(trace->answer, "trace"));
        trace->jobs = fleet_jobs(cli, client, NULL, filters, JOBS_MAX, &answered);
        json_decref(filters);
    }
    return code;
}

/* Again and again until nothing is under way and nothing new came for a while, or time is up. */
static int fetch_settled(const struct cli *cli, struct client *client, const char *id,
                         int64_t wait_ms, struct trace *trace)
{
    int64_t until = clock_mono_ms() + wait_ms, quiet_since = clock_mono_ms();
    size_t seen = 0;
    int code = fetch(cli, client, id, trace);
    while (code == CLI_FINE && clock_mono_ms() < until) {
        size_t now = json_array_size(trace->events);
        if (now != seen || !now || !trace_is_settled(trace->jobs)) {
            quiet_since = clock_mono_ms();
        } else if (clock_mono_ms() - quiet_since >= QUIET_MS) {
            break;
        }
        seen = now;
        char type[EVENT_NAME_BYTES_MAX + 1];
        uint64_t seq;
        (void)!client_bell_wait(client, BELL_MS, type, sizeof type, &seq);
        trace_fini(trace);
        code = fetch(cli, client, id, trace);
    }
    return code;
}

static void hide_private(const struct cli *cli, struct trace *trace)
{
    size_t i;
    json_t *event;
    json_array_foreach(trace->events, i, event)
    {
        if (!cli_flag(cli, "--raw")) {
            view_drop_raw(event);
        }
        if (!cli_flag(cli, "--show-personal")) {
            view_redact(event);
        }
    }
}

static void print_tree(const struct cli *cli, const struct trace *trace)
{
    struct trace_lines tree;
    trace_tree(trace->events, trace->jobs, &tree);
    printf("%s%s%s  %s\n", cli_paint(cli, PAINT_BOLD),
           cli_clean(view_bare_id(tree_text(trace->answer, "trace"))), cli_paint(cli, PAINT_NONE),
           cli_clean(tree_text(json_array_get(trace->events, 0), "time")));
    for (size_t i = 0; i < tree.count; i++) {
        const struct trace_line *line = &tree.lines[i];
        char after[32];
        snprintf(after, sizeof after, "+%lld ms", (long long)line->after_ms);
        const char *failed = strcmp(line->type, "job.dead") == 0 || strcmp(line->type, "dead") == 0
                                 ? cli_paint(cli, PAINT_RED)
                                 : cli_paint(cli, PAINT_NONE);
        printf("%10s  %s%s%s%-7s %s%s%s  %s\n", after, cli_paint(cli, PAINT_DIM), line->branch,
               cli_paint(cli, PAINT_NONE), cli_clean(line->actor), failed, cli_clean(line->type),
               cli_paint(cli, PAINT_NONE), cli_clean(line->words));
    }
    trace_lines_fini(&tree);
}

static void print_json(const struct trace *trace)
{
    json_t *whole =
        json_pack("{s:s, s:O, s:O}", "trace", view_bare_id(tree_text(trace->answer, "trace")),
                  "events", trace->events, "jobs", trace->jobs);
    MUST(whole);
    cli_print_json(whole);
    json_decref(whole);
}

int verb_trace(struct cli *cli)
{
    const char *id = cli_word(cli, 0), *wait = cli_option(cli, "--wait");
    int64_t wait_ms = 0;
    if (!id || cli->word_count > 1) {
        return cli_usage(cli, "expected one id: of an event, or the provider's (evt_...)");
    }
    if (wait && !clock_parse_duration(wait, &wait_ms)) {
        return cli_usage(cli, "--wait: expected a duration such as 5s");
    }
    struct client *client;
    int code = cli_connect(cli, wait_ms > 0, &client);
    if (code != CLI_FINE) {
        return code;
    }
    struct trace trace = {0};
    code =
        wait_ms ? fetch_settled(cli, client, id, wait_ms, &trace) : fetch(cli, client, id, &trace);
    if (code == CLI_FINE && !json_array_size(trace.events)) {
        code = cli_fail(cli, CLI_NO, "no event is known by \"%s\"", cli_clean(id));
        cli_next(cli, "usher tap --last 20 --until-now");
    } else if (code == CLI_FINE) {
        hide_private(cli, &trace);
        if (cli->json) {
            print_json(&trace);
        } else {
            print_tree(cli, &trace);
        }
    }
    trace_fini(&trace);
    client_destroy(&client);
    return code;
}
