/* cli_parse.c - what stands behind the verb: options by the verb's own help text, and words. */
#include "verbs.h"

#include "home.h"
#include "must.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char common_options[] = "--home DIR  \n--json  \n--yes  \n";

struct found {
    const char *name; /* not terminated: in the text */
    size_t len;
    bool valued;
};

/* The next "--name" or "--name VALUE" of option lines; NULL at the end. */
static const char *next_option(const char *lines, struct found *found)
{
    if (!*lines) {
        return NULL;
    }
    const char *end = strchr(lines, '\n');
    found->name = lines;
    found->len = strcspn(lines, " \n");
    const char *behind = lines + found->len;
    found->valued = behind[0] == ' ' && behind[1] != ' ';
    return end ? end + 1 : lines + strlen(lines);
}

static bool find_option(const char *lines, const char *name, size_t len, struct found *found)
{
    for (const char *at = lines; at && *at;) {
        at = next_option(at, found);
        if (found->len == len && strncmp(found->name, name, len) == 0) {
            return true;
        }
    }
    return false;
}

/* The option that was probably meant: two changes away, or what was typed begins it. */
static void guess_option(const char *lines, const char *name, size_t len, struct buf *why)
{
    struct found found;
    char given[32];
    char known[32];
    snprintf(given, sizeof given, "%.*s", (int)len, name);
    for (const char *at = lines; at && *at;) {
        at = next_option(at, &found);
        snprintf(known, sizeof known, "%.*s", (int)found.len, found.name);
        if (word_distance(given, known) <= 2 || (len > 3 && strncmp(known, given, len) == 0)) {
            buf_printf(why, "; did you mean %s?", known);
            return;
        }
    }
}

static bool keep(struct cli *cli, const char *name, size_t len, const char *value, struct buf *why)
{
    if (len == 6 && strncmp(name, "--json", len) == 0) {
        cli->json = true;
    } else if (len == 5 && strncmp(name, "--yes", len) == 0) {
        cli->yes = true;
    } else if (len == 6 && strncmp(name, "--home", len) == 0) {
        free(cli->home);
        cli->home = must_strdup(value);
        cli->home_given = true;
    } else if (cli->option_count == CLI_OPTIONS_MAX) {
        buf_printf(why, "more than %d options", CLI_OPTIONS_MAX);
        return false;
    } else {
        cli->option_names[cli->option_count] = name;
        cli->option_values[cli->option_count] = value;
        cli->option_count++;
    }
    return true;
}

/* One option at argv[*i]; moves *i over its value. */
static bool parse_option(struct cli *cli, int argc, char **argv, int *i, struct buf *why)
{
    const char *given = argv[*i];
    size_t len = strcspn(given, "=");
    struct found found;
    if (!find_option(cli->verb->options, given, len, &found) &&
        !find_option(common_options, given, len, &found)) {
        buf_printf(why, "unknown option %s", cli_clean(given));
        struct buf all = {0};
        buf_printf(&all, "%s%s", cli->verb->options, common_options);
        guess_option(buf_text(&all), given, len, why);
        buf_fini(&all);
        return false;
    }
    const char *value = "";
    if (given[len] == '=') {
        value = given + len + 1;
        if (!found.valued) {
            buf_printf(why, "%.*s takes no value", (int)len, given);
            return false;
        }
    } else if (found.valued) {
        if (*i + 1 >= argc) {
            size_t rest = strcspn(found.name + found.len, "\n");
            buf_printf(why, "%.*s needs a value:%.*s", (int)len, given, (int)rest,
                       found.name + found.len);
            return false;
        }
        value = argv[++*i];
    }
    return keep(cli, found.name, found.len, value, why);
}

static bool terminal_colour(int descriptor)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return !(no && *no) && !(term && strcmp(term, "dumb") == 0) && isatty(descriptor);
}

bool cli_parse(struct cli *cli, const struct verb *verb, int argc, char **argv, struct buf *why)
{
    cli->verb = verb;
    bool only_words = false;
    for (int i = 0; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
            if (!parse_option(cli, argc, argv, &i, why)) {
                return false;
            }
        } else if (cli->word_count == CLI_WORDS_MAX) {
            buf_printf(why, "more than %d words", CLI_WORDS_MAX);
            return false;
        } else {
            cli->words[cli->word_count++] = argv[i];
        }
    }
    char *home = home_find(cli->home);
    free(cli->home);
    cli->home = home;
    cli->colour = !cli->json && terminal_colour(STDOUT_FILENO);
    cli->colour_err = terminal_colour(STDERR_FILENO);
    return true;
}

void cli_fini(struct cli *cli)
{
    free(cli->home);
    cli->home = NULL;
}

static bool same_name(const char *row, const char *name)
{
    size_t len = strlen(name);
    return strncmp(row, name, len) == 0 && strchr(" \n", row[len]); /* rows end so, or with NUL */
}

const char *cli_option_nth(const struct cli *cli, const char *name, size_t n)
{
    for (size_t i = 0; i < cli->option_count; i++) {
        if (same_name(cli->option_names[i], name) && n-- == 0) {
            return cli->option_values[i];
        }
    }
    return NULL;
}

const char *cli_option(const struct cli *cli, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < cli->option_count; i++) {
        if (same_name(cli->option_names[i], name)) {
            value = cli->option_values[i];
        }
    }
    return value;
}

bool cli_flag(const struct cli *cli, const char *name)
{
    return cli_option(cli, name) != NULL;
}

const char *cli_word(const struct cli *cli, size_t n)
{
    return n < cli->word_count ? cli->words[n] : NULL;
}

bool cli_number(const struct cli *cli, const char *name, int64_t min, int64_t max, int64_t fallback,
                int64_t *number)
{
    const char *text = cli_option(cli, name);
    *number = fallback;
    if (!text) {
        return true;
    }
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < min || value > max) {
        cli_fail(cli, CLI_USAGE, "%s: expected a whole number from %lld to %lld, not \"%s\"", name,
                 (long long)min, (long long)max, cli_clean(text));
        return false;
    }
    *number = value;
    return true;
}
