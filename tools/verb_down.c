/* verb_down.c */
#include "verbs.h"

int verb_down(struct cli *cli)
{
    return cli_fail(cli, CLI_NO, "not there yet");
}
