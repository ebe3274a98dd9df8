/* verb_rules.c - the rules in plain English, with what rules.cfg changes. */
#include "verbs.h"

#include "rules.h"

int verb_rules(struct cli *cli)
{
    struct rules rules;
    struct buf why = {0};
    struct buf text = {0};
    int code = CLI_FINE;
    if (cli->word_count > 0) {
        return cli_usage(cli, "\"%s\" is not expected here", cli_clean(cli_word(cli, 0)));
    }
    enum fault fault = rules_load(cli->home, &rules, &why);
    if (fault != OK) {
        fprintf(stderr, "%s", why.len > 0 ? buf_text(&why) : "");
        code = cli_fail(cli, CLI_CONFIG, "the rules cannot be read");
    } else if (cli->json) {
        json_t *tree = rules_tree(&rules);
        cli_print_json(tree);
        json_decref(tree);
    } else {
        rules_print(&rules, &text);
        fputs(buf_text(&text), stdout);
    }
    buf_fini(&text);
    buf_fini(&why);
    return code;
}
