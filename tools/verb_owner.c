/* verb_owner.c - a one-time link to the console, for whoever sits at the machine. */
#include "verbs.h"

#include "must.h"
#include "values.h"

int verb_owner(struct cli *cli)
{
    const char *name = cli_word(cli, 0);
    struct client *client = NULL;
    json_t *answer = NULL, *question = json_object();
    if (cli->word_count > 1) {
        json_decref(question);
        return cli_usage(cli, "expected one name, or none");
    }
    tree_set_text(question, "ask", name ? "rescue" : "first_owner");
    tree_set_text(question, "name", name);
    int code = cli_connect(cli, false, &client);
    if (code == CLI_FINE) {
        code = cli_ask(cli, client, "console", question, &answer);
    }
    const char *link = tree_text(answer, "link");
    if (code == CLI_FINE && !*link) {
        code = cli_fail(cli, CLI_NO, "there is an owner already: name the person who needs a link");
    } else if (code == CLI_FINE && cli->json) {
        cli_print_json(answer);
    } else if (code == CLI_FINE) {
        printf("%s\n", link);
    }
    json_decref(answer);
    json_decref(question);
    client_destroy(&client);
    return code;
}
