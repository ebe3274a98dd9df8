/* verb_why.c - one sentence: why somebody has access, or has not. */
#include "verbs.h"

#include "values.h"

int verb_why(struct cli *cli)
{
    const char *who = cli_word(cli, 0);
    if (!who || cli->word_count > 1) {
        return cli_usage(cli, "expected one member: an e-mail address, or any id");
    }
    struct client *client = NULL;
    json_t *answer = NULL;
    json_t *question = json_pack("{s:s, s:s}", "ask", "why", "who", who);
    int code = question ? cli_connect(cli, false, &client)
                        : cli_usage(cli, "\"%s\" is not text", cli_clean(who));
    if (code == CLI_FINE) {
        code = cli_ask(cli, client, "ledger", question, &answer);
    }
    if (code == CLI_FINE && !*tree_text(answer, "id")) {
        code = cli_fail(cli, CLI_NO, "nobody is known by \"%s\"", cli_clean(who));
        cli_next(cli, "usher members");
    } else if (code == CLI_FINE && cli->json) {
        cli_print_json(answer);
    } else if (code == CLI_FINE) {
        printf("%s\n", cli_clean(tree_text(answer, "sentence")));
    }
    json_decref(answer);
    json_decref(question);
    client_destroy(&client);
    return code;
}
