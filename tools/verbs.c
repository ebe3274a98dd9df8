/* verbs.c - the table of verbs, the help made from it, and the guess at a typo. */
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

static const struct verb verbs[] = {
#define X(name, usage, summary, options, examples, text)                                           \
    {#name, usage, summary, options, examples, text, verb_##name},
#include "verbs_table.h"
#undef X
};

enum { VERB_COUNT = sizeof verbs / sizeof verbs[0], GUESS_CHARS_MAX = 32 };

const struct verb *verb_nth(size_t n)
{
    return n < VERB_COUNT ? &verbs[n] : NULL;
}

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

size_t word_distance(const char *a, const char *b)
{
    size_t rows[GUESS_CHARS_MAX + 1][GUESS_CHARS_MAX + 1];
    size_t m = strlen(a);
    size_t n = strlen(b);
    if (m > GUESS_CHARS_MAX || n > GUESS_CHARS_MAX) {
        return GUESS_CHARS_MAX;
    }
    for (size_t i = 0; i <= m; i++) {
        for (size_t j = 0; j <= n; j++) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            size_t best = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            best = rows[i - 1][j] + 1 < best ? rows[i - 1][j] + 1 : best;
            best = rows[i][j - 1] + 1 < best ? rows[i][j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                rows[i - 2][j - 2] + 1 < best) {
                best = rows[i - 2][j - 2] + 1;
            }
            rows[i][j] = best;
        }
    }
    return rows[m][n];
}

const struct verb *verb_guess(const char *name)
{
    const struct verb *guess = NULL;
    size_t nearest = 3; /* further than two changes is another word */
    for (size_t i = 0; i < VERB_COUNT; i++) {
        size_t far = word_distance(name, verbs[i].name);
        if (far < nearest && far < strlen(verbs[i].name)) {
            nearest = far;
            guess = &verbs[i];
        }
    }
    if (strcmp(name, "start") == 0) {
        guess = verb_find("up");
    } else if (strcmp(name, "stop") == 0) {
        guess = verb_find("down");
    }
    return guess;
}

/* Lines "left  right" in two columns. */
static void print_pairs(const char *lines)
{
    size_t widest = 0;
    for (const char *line = lines; *line;) {
        const char *gap = strstr(line, "  ");
        const char *end = strchr(line, '\n');
        if (gap && end && gap < end && (size_t)(gap - line) > widest) {
            widest = (size_t)(gap - line);
        }
        line = end ? end + 1 : line + strlen(line);
    }
    for (const char *line = lines; *line;) {
        const char *end = strchr(line, '\n');
        size_t len = end ? (size_t)(end - line) : strlen(line);
        const char *gap = memmem(line, len, "  ", 2);
        size_t left = gap ? (size_t)(gap - line) : len;
        printf("  %-*.*s%s%.*s\n", gap ? (int)widest : 0, (int)left, line, gap ? "  " : "",
               gap ? (int)(len - left - 2) : 0, gap ? gap + 2 : "");
        line += len + (end ? 1 : 0);
    }
}

void verb_help(const struct cli *cli, const struct verb *verb)
{
    (void)cli;
    printf("%s\n\nExamples\n", verb->summary);
    print_pairs(verb->examples);
    printf("\nUsage\n  usher %s%s%s\n", verb->name, verb->usage[0] ? " " : "", verb->usage);
    printf("\nOptions\n");
    struct buf options = {0};
    buf_add_text(&options, verb->options);
    buf_add_text(&options, "--home DIR  the fleet's folder; $USHER_HOME or ~/.usher without it\n"
                           "--json  data as JSON on stdout\n"
                           "--yes  ask nothing\n");
    print_pairs(buf_text(&options));
    buf_fini(&options);
    if (verb->text[0]) {
        printf("\n%s", verb->text);
    }
}

void verb_list(const struct cli *cli, FILE *to)
{
    (void)cli;
    fprintf(to, "usher - a payment arrives; membership, CRM, support and mail follow\n\n"
                "Examples\n"
                "  usher init && usher up\n"
                "  usher status\n\nVerbs\n");
    for (size_t i = 0; i < VERB_COUNT; i++) {
        fprintf(to, "  %-9s %s\n", verbs[i].name, verbs[i].summary);
    }
    fprintf(to,
            "\n`usher help VERB` says more. --home DIR names the fleet's folder.\n"
            "Exit codes: 0 fine, 1 the answer is no, 2 usage, 69 not reachable, 78 bad config.\n");
}
