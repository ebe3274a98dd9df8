/* verb_status.c - one screen: is everything fine, what is wrong, what to do next. */
#include "fleet.h"
#include "verbs.h"

#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { LAG_MS_MAX = 60 * 1000, HELLO_NOT_RUNNING_MS = 300 };

struct status {
    const struct cli *cli;
    bool reachable;   /* the broker answers */
    json_t *broker;   /* its answer, or an empty object */
    json_t *alerts;   /* what the alert actor holds raised */
    json_t *actors;   /* one row each */
    json_t *problems; /* {"what", "next"} */
};

static void problem(struct status *status, const char *next, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void problem(struct status *status, const char *next, const char *format, ...)
{
    char words[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    json_array_append_new(status->problems, json_pack("{s:s,s:s}", "what", words, "next", next));
}

static json_t *ask(struct client *client, const char *actor, const char *what)
{
    json_t *question = json_pack("{s:s}", "ask", what);
    json_t *answer = NULL;
    enum fault fault = client_ask_wait(client, actor, question, CLI_ASK_MS, &answer);
    json_decref(question);
    return fault == OK ? answer : NULL;
}

/* What the broker and the alert actor say; not reachable is an answer here, too. */
static void ask_fleet(struct status *status)
{
    struct client_options options = {.home = status->cli->home, .name = "tools"};
    struct client *client = NULL;
    uint64_t head;
    uint64_t floor;
    bool running = fleet_is_up(status->cli->home);
    if (client_new(&options, &client) == OK) {
        enum fault fault = client_hello_wait(client, CLI_SPEAK_MS, &head, &floor);
        if (fault_again(fault)) {
            cli_say(status->cli, "asking the broker of %s ...", status->cli->home);
            fault = client_hello_wait(client, running ? CLI_HELLO_MS : HELLO_NOT_RUNNING_MS, &head,
                                      &floor);
        }
        status->reachable = fault == OK;
    }
    json_t *broker = status->reachable ? ask(client, "broker", "status") : NULL;
    json_t *alert = broker ? ask(client, "alert", "alerts") : NULL;
    json_t *raised = alert ? tree_get(alert, "alerts") : NULL;
    status->broker = broker ? broker : json_object();
    status->alerts = raised ? json_incref(raised) : json_array();
    status->reachable = broker != NULL;
    json_decref(alert);
    client_destroy(&client);
}

static const json_t *peer_of(const struct status *status, const char *name)
{
    size_t i;
    json_t *peer;
    json_array_foreach(tree_get(status->broker, "peers"), i, peer)
    {
        if (strcmp(tree_text(peer, "name"), name) == 0) {
            return peer;
        }
    }
    return NULL;
}

static void judge(struct status *status, const char *name, const char *word,
                  const struct fleet_state *state, int64_t oldest_ms)
{
    char log[512];
    snprintf(log, sizeof log, "tail %s/data/log/%s/current", status->cli->home, name);
    if (strcmp(word, "failed") == 0) {
        problem(status, log, "%s stays down: its start makes no sense until something is changed",
                name);
    } else if (strcmp(word, "restarting") == 0) {
        if (state->restarts > 1) {
            problem(status, log, "%s keeps ending (%lld times)", name, (long long)state->restarts);
        } else {
            problem(status, log, "%s ended and is being started again", name);
        }
    } else if (strcmp(word, "down") == 0) {
        problem(status, "usher up", "%s is not running", name);
    } else if (strcmp(word, "starting") == 0) {
        problem(status, log, "%s is not ready yet", name);
    } else if (strcmp(word, "silent") == 0 && !status->reachable && strcmp(name, "broker") != 0) {
        return; /* the broker's silence is said once */
    } else if (strcmp(word, "silent") == 0) {
        problem(status, log, "%s runs and %s", name,
                strcmp(name, "broker") == 0 ? "does not answer" : "is not connected to the broker");
    } else if (oldest_ms > LAG_MS_MAX) {
        problem(status, log, "%s is %s behind", name, cli_ago(oldest_ms));
    }
}

static void look_at(struct status *status, const struct fleet_row *row)
{
    struct fleet_state state;
    fleet_look(status->cli->home, row->name, &state);
    const json_t *peer = peer_of(status, row->name);
    bool is_broker = strcmp(row->name, "broker") == 0;
    bool connected = is_broker ? status->reachable : peer && tree_flag(peer, "connected");
    if (!row->needed && !state.supervised && !connected) {
        return;
    }
    const char *word = fleet_word(&state, connected);
    json_t *actor = json_pack("{s:s,s:s}", "name", row->name, "state", word);
    tree_set(actor, "pid", state.up ? json_integer(state.pid) : json_null());
    tree_set_int(actor, "lag", tree_int(peer, "lag"));
    tree_set_int(actor, "oldest_ms", tree_int(peer, "oldest_ms"));
    tree_set_int(actor, "restarts", state.restarts);
    tree_set_int(actor, "for_s", state.supervised ? state.for_s : 0);
    tree_set_flag(actor, "ready", state.supervised ? state.ready : connected);
    tree_set_flag(actor, "connected", connected);
    json_t *report = peer ? tree_get(peer, "report") : NULL;
    if (report) {
        tree_set(actor, "report", json_incref(report));
    }
    judge(status, row->name, word, &state, tree_int(peer, "oldest_ms"));
    json_array_append_new(status->actors, actor);
}

static void look_at_all(struct status *status)
{
    const struct fleet_row *row;
    for (size_t i = 0; (row = fleet_nth(i)); i++) {
        look_at(status, row);
    }
    if (tree_int(status->broker, "damaged") > 0) {
        problem(status, "usher verify", "%lld damaged stretches in the journal",
                (long long)tree_int(status->broker, "damaged"));
    }
    size_t i;
    json_t *alert;
    json_array_foreach(status->alerts, i, alert)
    {
        const char *todo = tree_text(alert, "todo");
        problem(status, *todo ? todo : "usher jobs --state dead", "%s", tree_text(alert, "text"));
    }
}

static void print_json(const struct status *status, bool healthy)
{
    json_t *answer =
        json_pack("{s:b,s:b,s:s,s:O,s:O,s:O}", "healthy", healthy, "reachable", status->reachable,
                  "home", status->cli->home, "actors", status->actors, "problems", status->problems,
                  "alerts", status->alerts);
    json_t *broker = json_deep_copy(status->broker);
    json_object_del(broker, "peers");
    tree_set(answer, "broker", broker);
    cli_print_json(answer);
    json_decref(answer);
}

static void print_actors(const struct status *status)
{
    struct cli_table *table = cli_table_new(6);
    cli_table_row(table, "PROCESS", "STATE", "SINCE", "LAG", "RESTARTS", "PID");
    size_t i;
    json_t *actor;
    json_array_foreach(status->actors, i, actor)
    {
        char lag[32];
        char restarts[32];
        char pid[32] = "-";
        snprintf(lag, sizeof lag, "%lld", (long long)tree_int(actor, "lag"));
        snprintf(restarts, sizeof restarts, "%lld", (long long)tree_int(actor, "restarts"));
        if (tree_int(actor, "pid") > 0) {
            snprintf(pid, sizeof pid, "%lld", (long long)tree_int(actor, "pid"));
        }
        bool good = strcmp(tree_text(actor, "state"), "up") == 0;
        cli_table_row(table, tree_text(actor, "name"), tree_text(actor, "state"),
                      cli_ago(tree_int(actor, "for_s") * 1000), lag, restarts, pid);
        cli_table_paint(table, 1, good ? PAINT_GREEN : PAINT_RED);
    }
    cli_table_print(status->cli, &table);
}

static int64_t waiting_jobs(const json_t *actor)
{
    return tree_int(tree_get(tree_get(actor, "report"), "jobs"), "waiting");
}

/* Jobs that are tried again by themselves need nobody, but are worth a line. */
static bool print_waiting(const struct status *status)
{
    bool any = false;
    size_t i;
    json_t *actor;
    json_array_foreach(status->actors, i, actor)
    {
        int64_t jobs = waiting_jobs(actor);
        if (jobs > 0) {
            printf("  %s: %lld job%s %s for the next try\n", tree_text(actor, "name"),
                   (long long)jobs, jobs == 1 ? "" : "s", jobs == 1 ? "waits" : "wait");
            any = true;
        }
    }
    if (any) {
        printf("    see: usher jobs --state waiting\n");
    }
    return any;
}

static bool any_waiting(const struct status *status)
{
    size_t i;
    json_t *actor;
    json_array_foreach(status->actors, i, actor)
    {
        if (waiting_jobs(actor) > 0) {
            return true;
        }
    }
    return false;
}

static void print_screen(const struct status *status, bool healthy)
{
    const struct cli *cli = status->cli;
    size_t problems = json_array_size(status->problems);
    if (healthy) {
        bool waits = any_waiting(status);
        printf("%s%s%s\n\n", cli_paint(cli, waits ? PAINT_YELLOW : PAINT_GREEN),
               waits ? "Nothing needs you." : "Everything is fine.", cli_paint(cli, PAINT_NONE));
    } else if (!status->reachable) {
        printf("%sThe fleet of %s is not reachable.%s\n\n", cli_paint(cli, PAINT_RED),
               cli_clean(cli->home), cli_paint(cli, PAINT_NONE));
    } else {
        printf("%s%zu thing%s need%s you.%s\n\n", cli_paint(cli, PAINT_RED), problems,
               problems == 1 ? "" : "s", problems == 1 ? "s" : "", cli_paint(cli, PAINT_NONE));
    }
    size_t i;
    json_t *each;
    json_array_foreach(status->problems, i, each)
    {
        printf("  %s%s%s\n    next: %s\n", cli_paint(cli, PAINT_BOLD),
               cli_clean(tree_text(each, "what")), cli_paint(cli, PAINT_NONE),
               cli_clean(tree_text(each, "next")));
    }
    if (print_waiting(status) || problems > 0) {
        putchar('\n');
    }
    if (json_array_size(status->actors) > 0) {
        print_actors(status);
    }
    if (status->reachable) {
        printf("\n%lld events, %s on disk, %s free\n", (long long)tree_int(status->broker, "head"),
               cli_bytes((uint64_t)tree_int(status->broker, "bytes")),
               cli_bytes((uint64_t)tree_int(status->broker, "free_bytes")));
    }
}

int verb_status(struct cli *cli)
{
    if (cli->word_count > 0) {
        return cli_usage(cli, "\"%s\" is not expected here", cli_clean(cli_word(cli, 0)));
    }
    int code = cli_need_home(cli);
    if (code != CLI_FINE) {
        return code;
    }
    struct status status = {.cli = cli, .actors = json_array(), .problems = json_array()};
    ask_fleet(&status);
    if (status.reachable || fleet_is_up(cli->home)) {
        look_at_all(&status);
    } else {
        problem(&status, "usher up", "nothing is running");
    }
    bool healthy = status.reachable && json_array_size(status.problems) == 0;
    if (cli->json) {
        print_json(&status, healthy);
    } else {
        print_screen(&status, healthy);
    }
    json_decref(status.actors);
    json_decref(status.problems);
    json_decref(status.alerts);
    json_decref(status.broker);
    return !status.reachable ? CLI_UNREACHABLE : healthy ? CLI_FINE : CLI_NO;
}
