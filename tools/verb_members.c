/* verb_members.c - the list of members. */
#include "verbs.h"

#include "must.h"
#include "values.h"

#include <string.h>

enum { PAGE = 200, SHOWN = 50, LIMIT_MAX = 10000000 };

/* Appends a page; *next is where to go on, "" at the end. */
static int fetch_page(const struct cli *cli, struct client *client, const char *state, size_t limit,
                      json_t *list, char *next, size_t room)
{
    json_t *question = json_object();
    tree_set_text(question, "ask", "members");
    tree_set_text(question, "state", state);
    tree_set_text(question, "after", next);
    tree_set_int(question, "limit", limit < PAGE ? (int64_t)limit : PAGE);
    json_t *answer = NULL;
    int code = cli_ask(cli, client, "ledger", question, &answer);
    json_decref(question);
    json_array_extend(list, tree_get(answer, "members"));
    const char *more = tree_text(answer, "next");
    snprintf(next, room, "%s", strcmp(more, next) == 0 ? "" : more);
    json_decref(answer);
    return code;
}

static void print_members(const struct cli *cli, const json_t *list)
{
    struct cli_table *table = cli_table_new(6);
    cli_table_row(table, "member", "email", "name", "state", "access", "tags");
    size_t i, t;
    json_t *member, *tag;
    json_array_foreach(list, i, member)
    {
        struct buf tags = {0};
        json_array_foreach(tree_get(member, "tags"), t, tag)
        {
            buf_printf(&tags, "%s%s", t ? ", " : "", json_string_value(tag));
        }
        bool access = tree_flag(member, "access");
        cli_table_row(table, tree_text(member, "id"), tree_text(member, "email"),
                      tree_text(member, "name"), tree_text(member, "state"), access ? "on" : "off",
                      buf_text(&tags));
        cli_table_paint(table, 4, access ? PAINT_GREEN : PAINT_YELLOW);
        buf_fini(&tags);
    }
    cli_table_print(cli, &table);
}

static bool is_member_state(const char *word)
{
    static const char *const states[] = {"active",  "trialing", "ending", "paused",
                                         "revoked", "ended",    "none",   NULL};
    for (const char *const *state = states; *state; state++) {
        if (strcmp(*state, word) == 0) {
            return true;
        }
    }
    return false;
}

int verb_members(struct cli *cli)
{
    int64_t limit;
    const char *state = cli_option(cli, "--state");
    if (cli->word_count) {
        return cli_usage(cli, "expected options only; one member: usher member %s",
                         cli_clean(cli_word(cli, 0)));
    }
    if (state && !is_member_state(state)) {
        return cli_usage(cli,
                         "--state: expected active, trialing, ending, paused, revoked, ended "
                         "or none, not \"%s\"",
                         cli_clean(state));
    }
    if (!cli_number(cli, "--limit", 1, LIMIT_MAX, cli->json ? LIMIT_MAX : SHOWN, &limit)) {
        return CLI_USAGE;
    }
    struct client *client = NULL;
    int code = cli_connect(cli, false, &client);
    json_t *list = json_array();
    char next[512] = "";
    while (code == CLI_FINE && json_array_size(list) < (size_t)limit) {
        code = fetch_page(cli, client, state ? state : "", (size_t)limit - json_array_size(list),
                          list, next, sizeof next);
        if (!*next) {
            break;
        }
    }
    if (code == CLI_FINE && cli->json) {
        cli_print_json(list);
    } else if (code == CLI_FINE && !json_array_size(list)) {
        cli_say(cli, state ? "no member is in that state" : "there are no members yet");
        cli_next(cli, state ? "usher members"
                            : "usher trigger payment.succeeded --email ada@example.com");
    } else if (code == CLI_FINE) {
        print_members(cli, list);
        if (*next) {
            cli_say(cli, "there are more: --limit %lld shows them", (long long)limit * 10);
        }
    }
    json_decref(list);
    client_destroy(&client);
    return code;
}
