/* verb_status.c */
#include "verbs.h"

int verb_status(struct cli *cli)
{
    struct client *client;
    int code = cli_connect(cli, false, &client);
    if (code != CLI_FINE) {
        return code;
    }
    json_t *question = json_pack("{s:s}", "ask", "status");
    json_t *answer = NULL;
    code = cli_ask(cli, client, "broker", question, &answer);
    json_decref(question);
    client_destroy(&client);
    if (code == CLI_FINE) {
        cli_print_json(answer);
    }
    json_decref(answer);
    return code;
}
