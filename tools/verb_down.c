/* verb_down.c - stops the fleet. */
#include "fleet.h"
#include "verbs.h"

enum { WAIT_S = 15, WAIT_S_MAX = 3600 };

int verb_down(struct cli *cli)
{
    int64_t wait_s;
    if (cli->word_count > 0) {
        return cli_usage(cli, "\"%s\" is not expected here", cli_clean(cli_word(cli, 0)));
    }
    if (!cli_number(cli, "--wait", 1, WAIT_S_MAX, WAIT_S, &wait_s)) {
        return CLI_USAGE;
    }
    int code = cli_need_home(cli);
    code = code == CLI_FINE ? fleet_need_s6(cli) : code;
    if (code != CLI_FINE) {
        return code;
    }
    bool was_up = fleet_is_up(cli->home);
    if (was_up) {
        cli_say(cli, "stopping the fleet of %s", cli->home);
    }
    enum fault fault = fleet_down(cli->home, (int)(wait_s * 1000));
    if (fault != OK) {
        cli_fail(cli, CLI_NO, "something is still running: %s", fault_words(fault));
        cli_next(cli, "usher status");
        return CLI_NO;
    }
    if (cli->json) {
        json_t *answer = json_pack("{s:b,s:b}", "stopped", was_up, "running", false);
        cli_print_json(answer);
        json_decref(answer);
    } else {
        cli_say(cli, was_up ? "all is down" : "nothing was running");
    }
    return CLI_FINE;
}
