/* verb_backfill.c - asks the provider what never arrived: shows the difference, applies it. */
#include "verbs.h"

#include "clock.h"
#include "event_view.h"
#include "fleet_ask.h"
#include "must.h"
#include "values.h"

#include <string.h>
#include <unistd.h>

enum { DAYS_MAX = 30, SHOWN = 20, WAIT_S = 1800, POLL_US = 100 * 1000 };

static const char *const actor = "backfill";

/* --- asking ----------------------------------------------------------------------------------- */

/* The customers that the member is at the provider. */
static int add_member(const struct cli *cli, struct client *client, json_t *question)
{
    const char *who = cli_option(cli, "--member");
    json_t *members = NULL, *customers = json_array(), *member, *id;
    size_t i, n;
    int code = who ? fleet_members_by(cli, client, who, &members) : CLI_FINE;
    json_array_foreach(members, i, member)
    {
        json_array_foreach(tree_get(member, "customers"), n, id)
        {
            json_t *customer = json_object();
            tree_set_text(customer, "source", tree_text(member, "source"));
            tree_set_text(customer, "id", json_string_value(id));
            MUST(json_array_append_new(customers, customer) == 0);
        }
    }
    if (who && code == CLI_FINE && json_array_size(customers) == 0) {
        code = cli_fail(cli, CLI_NO, "nobody known as \"%s\" is a customer of the provider",
                        cli_clean(who));
    }
    if (who) {
        tree_set(question, "customers", json_incref(customers));
    }
    json_decref(customers);
    json_decref(members);
    return code;
}

static int say_refused(const struct cli *cli, const char *words)
{
    cli_fail(cli, CLI_CONFIG, "%s", cli_clean(words));
    cli_say(
        cli,
        "A restricted key is enough: on the provider's page of API keys, one that may read\n"
        "Events, Customers, Subscriptions, Invoices, Checkout Sessions, Charges and Refunds,\n"
        "Disputes and Payment Intents, and write nothing. In usher.cfg, below webhook, payment:\n"
        "    key = \"file:secrets/stripe-key\"");
    cli_next(cli, "usher up");
    return CLI_CONFIG;
}

/* Begins a run, when the one that is under way has ended; *run is the caller's. */
static int begin(const struct cli *cli, struct client *client, const json_t *question,
                 int64_t until_ms, json_t **run)
{
    for (bool said = false;; usleep(POLL_US)) {
        json_t *answer = NULL;
        int code = cli_ask(cli, client, actor, question, &answer);
        const char *refused = tree_text(answer, "refused");
        bool busy = *tree_text(answer, "busy") != '\0';
        if (code == CLI_FINE && *refused) {
            code = say_refused(cli, refused);
        } else if (code == CLI_FINE && !busy) {
            *run = json_incref(tree_get(answer, "run"));
        } else if (code == CLI_FINE && clock_mono_ms() > until_ms) {
            code = cli_fail(cli, CLI_NO, "not begun: %s", tree_text(answer, "busy"));
        } else if (code == CLI_FINE && !said) {
            cli_say(cli, "%s", tree_text(answer, "busy"));
            said = true;
        }
        json_decref(answer);
        if (code != CLI_FINE || !busy) {
            return code;
        }
    }
}

static void say_progress(const struct cli *cli, const json_t *run, char told[200])
{
    const char *waits = tree_text(run, "words");
    if (strcmp(waits, told) != 0) {
        snprintf(told, 200, "%s", waits);
        if (*waits) {
            cli_say(cli, "waiting: %s", cli_clean(waits));
        }
    }
}

/* Until the run has ended; *run is replaced by what it is then. */
static int follow(const struct cli *cli, struct client *client, int64_t until_ms, json_t **run)
{
    json_t *question = json_pack("{s:s}", "ask", "progress");
    char told[200] = "";
    int code = CLI_FINE;
    MUST(question);
    cli_say(cli, "asking the provider ...");
    while (code == CLI_FINE && strcmp(tree_text(*run, "stage"), "ended") != 0) {
        json_t *answer = NULL;
        usleep(POLL_US);
        code = cli_ask(cli, client, actor, question, &answer);
        json_t *now = tree_get(answer, "run");
        if (code == CLI_FINE && strcmp(tree_text(now, "id"), tree_text(*run, "id")) != 0) {
            code = cli_fail(cli, CLI_NO, "the look was given up: another one took its place");
        } else if (code == CLI_FINE) {
            json_decref(*run);
            *run = json_incref(now);
            say_progress(cli, *run, told);
        }
        if (code == CLI_FINE && clock_mono_ms() > until_ms) {
            code = cli_fail(cli, CLI_NO, "it is still looking, and goes on by itself");
        }
        json_decref(answer);
    }
    json_decref(question);
    return code;
}

/* What it found, as far as it kept that for people. */
static json_t *lines_of(const struct cli *cli, struct client *client)
{
    json_t *lines = json_array();
    int64_t after = 0;
    for (bool more = true; more;) {
        json_t *question = json_pack("{s:s, s:I}", "ask", "lines", "after", (json_int_t)after);
        json_t *answer = NULL;
        MUST(question);
        more = cli_ask(cli, client, actor, question, &answer) == CLI_FINE &&
               json_array_size(tree_get(answer, "lines")) > 0;
        if (more) {
            json_array_extend(lines, tree_get(answer, "lines"));
            after = tree_int(answer, "next");
        }
        json_decref(answer);
        json_decref(question);
    }
    return lines;
}

/* --- showing ---------------------------------------------------------------------------------- */

/* Whom it is about and what the ledger says of them now: "ada@example.com, active". */
static void who_of(const struct cli *cli, struct client *client, const json_t *line,
                   struct buf *out)
{
    const char *email = "", *customer = "";
    json_t *fact, *members = NULL;
    size_t i;
    json_array_foreach(tree_get(line, "facts"), i, fact)
    {
        email = *email ? email : tree_text(fact, "email");
        customer = *customer ? customer : tree_text(fact, "customer");
    }
    const char *name = *customer ? customer : email;
    if (*name && fleet_members_by(cli, client, name, &members) == CLI_FINE) {
        const json_t *member = json_array_get(members, 0);
        email = *email ? email : tree_text(member, "email");
        buf_printf(out, "%s%s%s", *email ? email : name, member ? ", " : "",
                   member ? tree_text(member, "state") : "");
    }
    json_decref(members);
}

static void print_line(const struct cli *cli, struct client *client, struct cli_table *table,
                       const json_t *line)
{
    char when[CLOCK_TEXT_BYTES];
    struct buf words = {0}, who = {0};
    json_t *event = json_object(), *data = json_object();
    tree_set(data, "facts", json_incref(tree_get(line, "facts")));
    tree_set(event, "data", data);
    tree_set_text(event, "type", tree_text(line, "type"));
    view_words(event, &words);
    who_of(cli, client, line, &who);
    cli_table_row(table, clock_rfc3339(tree_int(line, "time"), when), tree_text(line, "type"),
                  buf_text(&words), buf_text(&who), tree_text(line, "reason"));
    json_decref(event);
    buf_fini(&words);
    buf_fini(&who);
}

static bool is_link(const json_t *line)
{
    return strcmp(tree_text(line, "type"), "payment.linked") == 0;
}

/* Money and memberships first, what only belongs together after it. */
static void print_lines(const struct cli *cli, struct client *client, const json_t *lines,
                        int64_t found)
{
    struct cli_table *table = cli_table_new(5);
    size_t shown = 0;
    cli_table_row(table, "when", "type", "what", "who, and now", "why");
    for (int links = 0; links < 2; links++) {
        for (size_t i = 0; i < json_array_size(lines) && shown < SHOWN; i++) {
            if (is_link(json_array_get(lines, i)) == links) {
                print_line(cli, client, table, json_array_get(lines, i));
                shown++;
            }
        }
    }
    cli_table_print(cli, &table);
    if (found > (int64_t)shown) {
        cli_say(cli, "and %lld more: --json shows them", (long long)found - (long long)shown);
    }
}

static void print_counts(const struct cli *cli, const json_t *run)
{
    const char *type;
    json_t *count;
    size_t i;
    json_object_foreach(tree_get(run, "types"), type, count)
    {
        printf("%6lld  %s\n", (long long)json_integer_value(count), type);
    }
    json_array_foreach(tree_get(run, "troubles"), i, count)
    {
        cli_say(cli, "not looked at: %s", cli_clean(json_string_value(count)));
    }
}

static int show(const struct cli *cli, struct client *client, const json_t *run, json_t *lines)
{
    int64_t found = tree_int(run, "missing") + tree_int(run, "drifted");
    bool failed = tree_flag(run, "failed"), applied = tree_flag(run, "apply");
    if (cli->json) {
        json_t *answer = json_pack("{s:O, s:O}", "run", (json_t *)run, "lines", lines);
        MUST(answer);
        cli_print_json(answer);
        json_decref(answer);
        return failed || (found && !applied) ? CLI_NO : CLI_FINE;
    }
    print_counts(cli, run);
    if (found) {
        print_lines(cli, client, lines, found);
    }
    if (found && applied) {
        cli_say(cli, "applied: %lld of %lld; %lld had come by themselves meanwhile",
                (long long)tree_int(run, "applied"), (long long)found,
                (long long)tree_int(run, "late"));
    } else if (found) {
        cli_say(cli, "%lld missed and %lld that differ; nothing was changed",
                (long long)tree_int(run, "missing"), (long long)tree_int(run, "drifted"));
        cli_next(cli, "usher backfill --apply");
    } else if (!failed) {
        cli_say(cli, "nothing is missing: %lld looked at", (long long)tree_int(run, "looked"));
    }
    return failed || (found && !applied) ? CLI_NO : CLI_FINE;
}

/* --- the verb --------------------------------------------------------------------------------- */

static int run_with(const struct cli *cli, struct client *client, int64_t days, int64_t wait_s)
{
    int64_t until_ms = clock_mono_ms() + wait_s * 1000;
    json_t *question = json_pack("{s:s, s:I}", "ask", "run", "days", (json_int_t)days);
    json_t *run = NULL, *lines = NULL;
    MUST(question);
    tree_set_flag(question, "apply", cli_flag(cli, "--apply"));
    int code = add_member(cli, client, question);
    if (code == CLI_FINE) {
        code = begin(cli, client, question, until_ms, &run);
    }
    if (code == CLI_FINE) {
        code = follow(cli, client, until_ms, &run);
    }
    if (code == CLI_FINE) {
        lines = lines_of(cli, client);
        code = show(cli, client, run, lines);
    }
    json_decref(lines);
    json_decref(run);
    json_decref(question);
    return code;
}

int verb_backfill(struct cli *cli)
{
    struct client *client = NULL;
    int64_t days, wait_s;
    if (cli->word_count) {
        return cli_usage(cli, "\"%s\" is one word too many", cli_clean(cli_word(cli, 0)));
    }
    if (!cli_number(cli, "--days", 1, DAYS_MAX, DAYS_MAX, &days) ||
        !cli_number(cli, "--wait", 1, 24 * 3600, WAIT_S, &wait_s)) {
        return CLI_USAGE;
    }
    int code = cli_need_home(cli);
    code = code == CLI_FINE ? cli_connect(cli, false, &client) : code;
    if (code == CLI_FINE) {
        code = run_with(cli, client, days, wait_s);
    }
    client_destroy(&client);
    return code;
}
