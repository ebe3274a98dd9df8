/* verb_up.c */
#include "verbs.h"

int verb_up(struct cli *cli)
{
    return cli_fail(cli, CLI_NO, "not there yet");
}
