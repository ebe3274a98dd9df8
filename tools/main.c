/* main.c - the `usher` program: picks the verb. */
#include "verbs.h"

#include <czmq.h>
#include <stdlib.h>
#include <string.h>

static int usage_error(const struct cli *cli, const char *name)
{
    const struct verb *guess = verb_guess(name);
    fprintf(stderr, "usher: there is no verb \"%s\"", cli_clean(name));
    if (guess) {
        fprintf(stderr, "; did you mean \"%s\"?", guess->name);
    }
    fprintf(stderr, "\n");
    cli_next(cli, "usher help");
    return CLI_USAGE;
}

static int help(const struct cli *cli, const char *name)
{
    if (!name) {
        verb_list(cli, stdout);
        return CLI_FINE;
    }
    const struct verb *verb = verb_find(name);
    if (!verb) {
        return usage_error(cli, name);
    }
    verb_help(cli, verb);
    return CLI_FINE;
}

static int run(struct cli *cli, const struct verb *verb, int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return help(cli, verb->name);
        }
    }
    struct buf why = {0};
    int code = CLI_USAGE;
    if (cli_parse(cli, verb, argc, argv, &why)) {
        code = verb->run(cli);
    } else {
        fprintf(stderr, "usher %s: %s\n", verb->name, buf_text(&why));
        cli_next(cli, "usher help %s", verb->name);
    }
    buf_fini(&why);
    return code;
}

/* Options that stand before the verb ("usher --home DIR status") are taken behind it. */
static int verb_position(int argc, char **argv)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-') {
        i += strcmp(argv[i], "--home") == 0 ? 2 : 1;
    }
    return i < argc ? i : argc;
}

int main(int argc, char **argv)
{
    zsys_handler_set(NULL); /* Ctrl-C ends a tool at once; those that tidy up set their own */
    struct cli cli = {0};
    cli.colour_err = cli.colour = false;
    int at = verb_position(argc, argv);
    int code;
    if (at == argc) {
        bool asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
        if (argc > 1 && strcmp(argv[1], "--version") == 0) {
            printf("usher %s\n", USHER_VERSION);
            return CLI_FINE;
        }
        verb_list(&cli, asked ? stdout : stderr);
        return asked ? CLI_FINE : CLI_USAGE;
    }
    const char *name = argv[at];
    if (strcmp(name, "help") == 0) {
        return help(&cli, at + 1 < argc && argv[at + 1][0] != '-' ? argv[at + 1] : NULL);
    }
    const struct verb *verb = verb_find(name);
    if (!verb) {
        return usage_error(&cli, name);
    }
    for (int i = at; i > 1; i--) { /* the verb to the front, so that all else stands behind it */
        argv[i] = argv[i - 1];
    }
    code = run(&cli, verb, argc - 2, argv + 2);
    cli_fini(&cli);
    if (fflush(stdout) != 0 && code == CLI_FINE) {
        code = CLI_NO; /* a full disk must not look like an empty answer */
    }
    return code;
}
