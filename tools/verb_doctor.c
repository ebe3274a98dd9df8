/* verb_doctor.c - the first hour of triage as one command: gathers what the fleet says of itself,
 * lets the doctor look at the rest, and prints what is wrong and what to do. */
#include "doctor.h"
#include "fleet.h"
#include "verbs.h"

#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum {
    HELLO_MS = 1500,
    HELLO_NOT_RUNNING_MS = 300,
    ASK_MS = 1500,
    EVENTS_BACK = 2000,
    EVENTS = 200
};

/* --- what the fleet says of itself ------------------------------------------------------------ */

struct gathered {
    bool running;
    struct client *client;
    json_t *broker; /* its status; NULL: it does not answer */
    json_t *actors;
    json_t *counts; /* of the webhook's door; NULL: not known */
    json_t *events; /* the newest of the provider's; NULL: not known */
    struct buf mistakes;
};

static json_t *ask(struct client *client, const char *actor, const char *what)
{
    json_t *question = json_pack("{s:s}", "ask", what);
    json_t *answer = NULL;
    enum fault fault = client_ask_wait(client, actor, question, ASK_MS, &answer);
    json_decref(question);
    return fault == OK ? answer : NULL;
}

/* Of the newest events, what the provider sent: whether they had an effect, and why not. */
static json_t *newest_events(struct client *client, uint64_t head)
{
    static const char *const topics[] = {"payment.*",  "subscription.*",   "dispute.*",
                                         "customer.*", "provider.ignored", NULL};
    uint64_t next = head > EVENTS_BACK ? head - EVENTS_BACK : 1;
    json_t *whole = json_array();
    json_t *events = json_array();
    uint64_t end = 0;
    for (size_t pages = 0; end < head && pages <= EVENTS_BACK / EVENTS; pages++) {
        if (client_read_wait(client, next, EVENTS, topics, ASK_MS, whole, &end, &head) != OK ||
            end <= next) {
            break;
        }
        next = end;
    }
    size_t i;
    json_t *event;
    json_array_foreach(whole, i, event)
    {
        json_t *kept = json_object();
        tree_set_text(kept, "ignored", tree_text(tree_get(event, "data"), "ignored"));
        json_array_append_new(events, kept);
    }
    json_decref(whole);
    return events;
}

static void ask_fleet(const struct cli *cli, struct gathered *gathered)
{
    struct client_options options = {.home = cli->home, .name = "tools"};
    uint64_t head, floor;
    int hello_ms = gathered->running ? HELLO_MS : HELLO_NOT_RUNNING_MS;
    if (client_new(&options, &gathered->client) == OK &&
        client_hello_wait(gathered->client, hello_ms, &head, &floor) == OK) {
        gathered->broker = ask(gathered->client, "broker", "status");
    }
    if (gathered->broker) {
        gathered->counts = ask(gathered->client, "webhook", "stats");
        gathered->events = newest_events(gathered->client, head);
    }
}

/* The ledger reads everything: what it does not know is not in the journal. A ledger that does not
 * answer is a finding of its own. */
static bool knows_event(void *self, const char *id)
{
    struct gathered *gathered = self;
    json_t *question = json_pack("{s:s,s:s}", "ask", "trace", "id", id);
    json_t *answer = NULL;
    enum fault fault =
        question ? client_ask_wait(gathered->client, "ledger", question, ASK_MS, &answer) : OK;
    bool unknown = fault == OK && json_array_size(tree_get(answer, "seqs")) == 0;
    json_decref(question);
    json_decref(answer);
    return !unknown;
}

static const json_t *peer_of(const json_t *broker, const char *name)
{
    size_t i;
    json_t *peer;
    json_array_foreach(tree_get(broker, "peers"), i, peer)
    {
        if (strcmp(tree_text(peer, "name"), name) == 0) {
            return peer;
        }
    }
    return NULL;
}

/* One process; while the broker is silent nobody can tell whether the others are connected. */
static void add_actor(const struct cli *cli, struct gathered *gathered, const char *name)
{
    struct fleet_state state;
    const json_t *peer = peer_of(gathered->broker, name);
    bool broker = strcmp(name, "broker") == 0;
    bool connected =
        broker ? gathered->broker != NULL : !gathered->broker || tree_flag(peer, "connected");
    fleet_look(cli->home, name, &state);
    const json_t *says = broker ? gathered->broker : tree_get(peer, "report");
    bool reported = tree_get(says, broker ? "head" : "pid") != NULL;
    const char *version = tree_text(says, "version");
    json_t *actor = json_object();
    tree_set_text(actor, "name", name);
    tree_set_text(actor, "state", fleet_word(&state, connected));
    tree_set_text(actor, "version", reported && !*version ? "older" : version);
    json_array_append_new(gathered->actors, actor);
}

static void gather(const struct cli *cli, struct gathered *gathered)
{
    const struct fleet_row *row;
    gathered->running = fleet_is_up(cli->home);
    gathered->actors = json_array();
    ask_fleet(cli, gathered);
    for (size_t i = 0; (row = fleet_nth(i)); i++) {
        if (fleet_has(row)) {
            add_actor(cli, gathered, row->name);
        }
    }
    (void)fleet_mistakes(cli, &gathered->mistakes);
}

static void gathered_fini(struct gathered *gathered)
{
    client_destroy(&gathered->client);
    json_decref(gathered->broker);
    json_decref(gathered->actors);
    json_decref(gathered->counts);
    json_decref(gathered->events);
    buf_fini(&gathered->mistakes);
}

/* --- saying it -------------------------------------------------------------------------------- */

static bool needs_you(const struct finding *finding)
{
    return finding->health == HEALTH_TROUBLE || finding->health == HEALTH_WARNING;
}

static size_t count_of(const struct doctor *doctor, enum health health)
{
    size_t count = 0;
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        count += doctor_finding(doctor, (enum check)i).health == health;
    }
    return count;
}

static json_t *lines_of(const char *text)
{
    json_t *lines = json_array();
    while (*text) {
        size_t len = strcspn(text, "\n");
        json_array_append_new(lines, json_stringn(text, len));
        text += len + (text[len] == '\n');
    }
    return lines;
}

static void print_json(const struct cli *cli, const struct doctor *doctor, bool healthy)
{
    json_t *checks = json_array();
    json_t *counts = json_object();
    for (enum health health = HEALTH_SKIPPED; health <= HEALTH_TROUBLE; health++) {
        tree_set_int(counts, health_word(health), (int64_t)count_of(doctor, health));
    }
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        struct finding finding = doctor_finding(doctor, (enum check)i);
        json_t *check = json_pack("{s:s,s:s,s:o}", "name", finding.name, "health",
                                  health_word(finding.health), "seen", lines_of(finding.seen));
        if (needs_you(&finding)) {
            tree_set_text(check, "wrong", finding.wrong);
            tree_set_text(check, "why", finding.why);
            tree_set(check, "todo", lines_of(finding.todo));
            tree_set(check, "records", json_deep_copy(finding.records));
        }
        json_array_append_new(checks, check);
    }
    json_t *answer = json_pack("{s:b,s:s,s:o,s:o}", "healthy", healthy, "home", cli->home, "counts",
                               counts, "checks", checks);
    cli_print_json(answer);
    json_decref(answer);
}

/* Lines under a label; long ones (DNS records are to be copied) are left whole. */
static void print_lines(const char *label, const char *text)
{
    for (bool first = true; *text; first = false) {
        size_t len = strcspn(text, "\n");
        printf("    %-6s%.*s\n", first ? label : "", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void print_finding(const struct cli *cli, const struct finding *finding)
{
    bool trouble = finding->health == HEALTH_TROUBLE;
    printf("  %s%s%s  %s[%s]%s\n", cli_paint(cli, trouble ? PAINT_RED : PAINT_YELLOW),
           finding->wrong, cli_paint(cli, PAINT_NONE), cli_paint(cli, PAINT_DIM), finding->name,
           cli_paint(cli, PAINT_NONE));
    print_lines("seen:", finding->seen);
    print_lines("why:", finding->why);
    print_lines("do:", finding->todo);
    putchar('\n');
}

static void print_screen(const struct cli *cli, const struct doctor *doctor, bool healthy)
{
    size_t wrong = count_of(doctor, HEALTH_TROUBLE) + count_of(doctor, HEALTH_WARNING);
    size_t fine = count_of(doctor, HEALTH_FINE), skipped = count_of(doctor, HEALTH_SKIPPED);
    if (healthy) {
        printf("%sNothing is wrong.%s\n\n", cli_paint(cli, PAINT_GREEN),
               cli_paint(cli, PAINT_NONE));
    } else {
        printf("%s%zu thing%s wrong.%s\n\n", cli_paint(cli, PAINT_RED), wrong,
               wrong == 1 ? " is" : "s are", cli_paint(cli, PAINT_NONE));
    }
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        struct finding finding = doctor_finding(doctor, (enum check)i);
        if (needs_you(&finding)) {
            print_finding(cli, &finding);
        }
    }
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        struct finding finding = doctor_finding(doctor, (enum check)i);
        if (finding.health == HEALTH_UNKNOWN) {
            printf("  could not tell: %s\n", finding.name);
            print_lines("", finding.seen);
        }
    }
    printf("%zu checks fine, %zu not applicable here\n", fine, skipped);
}

int verb_doctor(struct cli *cli)
{
    const char *server = cli_option(cli, "--dns");
    if (cli->word_count > 0) {
        return cli_usage(cli, "\"%s\" is not expected here", cli_clean(cli_word(cli, 0)));
    }
    if (server && !doctor_dns_good(server)) {
        return cli_usage(cli, "--dns: expected a name server such as 9.9.9.9:53, not \"%s\"",
                         cli_clean(server));
    }
    int code = cli_need_home(cli);
    if (code != CLI_FINE) {
        return code;
    }
    struct gathered gathered = {0};
    cli_say(cli, "looking at everything; this takes up to 15 seconds ...");
    gather(cli, &gathered);
    struct doctor_options options = {.home = cli->home,
                                     .dns = server,
                                     .ca = cli_option(cli, "--ca"),
                                     .mistakes = buf_text(&gathered.mistakes),
                                     .running = gathered.running,
                                     .reachable = gathered.broker != NULL,
                                     .actors = gathered.actors,
                                     .counts = gathered.counts,
                                     .events = gathered.events,
                                     .knows = gathered.broker ? knows_event : NULL,
                                     .self = &gathered};
    struct doctor *doctor = doctor_new(&options);
    bool healthy = count_of(doctor, HEALTH_TROUBLE) + count_of(doctor, HEALTH_WARNING) == 0;
    if (cli->json) {
        print_json(cli, doctor, healthy);
    } else {
        print_screen(cli, doctor, healthy);
    }
    doctor_destroy(&doctor);
    gathered_fini(&gathered);
    return healthy ? CLI_FINE : CLI_NO;
}
