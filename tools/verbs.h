/* verbs.h - the `usher` program: one table of verbs, and what they share.
 *
 * Use        A verb is a row of verbs_table.h and a function `int verb_<name>(struct cli *cli)` in
 *            verb_<name>.c; it returns an exit code. Its options are read from the row: the text
 *            that people see in the help is the text that the parser works by.
 * Manners    Data goes to stdout, talk to stderr. --json: one JSON value (or JSON lines) and
 *            nothing else on stdout. Nothing is ever asked where --yes would answer. What fails
 *            says what was expected and the next command. Something is said within 100 ms.
 * Exits      CLI_FINE, CLI_NO (the answer is no), CLI_USAGE, CLI_UNREACHABLE, CLI_CONFIG.
 * Ownership  Texts from the command line live as long as the process.
 * See        tests/unit/tools/ */
#ifndef USHER_VERBS_H
#define USHER_VERBS_H

#include "buf.h"
#include "client.h"
#include "fault.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CLI_FINE = 0,
    CLI_NO = 1,
    CLI_USAGE = 2,
    CLI_UNREACHABLE = 69, /* EX_UNAVAILABLE */
    CLI_CONFIG = 78       /* EX_CONFIG */
};

enum {
    CLI_OPTIONS_MAX = 32,
    CLI_WORDS_MAX = 256,
    CLI_HELLO_MS = 3000, /* how long a tool waits for the broker */
    CLI_ASK_MS = 5000,
    CLI_SPEAK_MS = 80 /* after that much silence it says what it waits for */
};

struct cli;

struct verb {
    const char *name;
    const char *usage;    /* what follows the name: "ID [--json]" */
    const char *summary;  /* one plain sentence */
    const char *options;  /* a line each: "--copies N  how often each is sent" */
    const char *examples; /* a line each: "usher trace evt_123  what that event led to" */
    const char *text;     /* what else there is to know; paragraphs */
    int (*run)(struct cli *cli);
};

#define X(name, usage, summary, options, examples, text) int verb_##name(struct cli *cli);
#include "verbs_table.h"
#undef X

/* 0, 1, 2, ... until NULL. */
const struct verb *verb_nth(size_t n);
const struct verb *verb_find(const char *name);

/* The verb that was probably meant, or NULL. */
const struct verb *verb_guess(const char *name);

/* Changes of one letter (put, dropped, replaced, two swapped) between two words; a large number for
 * long ones. */
size_t word_distance(const char *a, const char *b);

/* One call of the program, parsed. */
struct cli {
    const struct verb *verb;
    char *home;      /* --home, USHER_HOME or ~/.usher */
    bool home_given; /* by --home: the next command needs it, too */
    bool json;
    bool yes;
    bool colour;     /* of stdout */
    bool colour_err; /* of stderr */
    const char *option_names[CLI_OPTIONS_MAX];
    const char *option_values[CLI_OPTIONS_MAX]; /* "" for one without a value */
    size_t option_count;
    const char *words[CLI_WORDS_MAX]; /* what is not an option */
    size_t word_count;
};

/* Parses what follows the verb. Options that every verb takes (--home, --json, --yes, --help) need
 * not stand in its row. False with what is wrong, and a guess, in `why`. */
bool cli_parse(struct cli *cli, const struct verb *verb, int argc, char **argv, struct buf *why);
void cli_fini(struct cli *cli);

/* The value of an option ("--email"), the last one given; NULL if it was not. */
const char *cli_option(const struct cli *cli, const char *name);
/* The n-th of an option that may be repeated, from 0; NULL behind the last. */
const char *cli_option_nth(const struct cli *cli, const char *name, size_t n);
bool cli_flag(const struct cli *cli, const char *name);
/* The n-th word, or NULL. */
const char *cli_word(const struct cli *cli, size_t n);
/* A whole number of min to max; `fallback` if the option was not given. False, having said what
 * was expected, if it is not one: return CLI_USAGE. */
bool cli_number(const struct cli *cli, const char *name, int64_t min, int64_t max, int64_t fallback,
                int64_t *number);

/* Help to stdout: of one verb (examples first), or the list. */
void verb_help(const struct cli *cli, const struct verb *verb);
void verb_list(const struct cli *cli, FILE *to);

/* --- saying things ---------------------------------------------------------------------------- */

/* A line to stderr. */
void cli_say(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "next: usher up" to stderr: the command that goes on from here. --home is added to a command of
 * ours where it was given to this one. */
void cli_next(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "usher trace: no such event" to stderr; returns `code`. */
int cli_fail(const struct cli *cli, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says that the words or options are not right, and shows the usage; returns CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One JSON value and a newline to stdout, keys in the order in which they were set. */
void cli_print_json(const json_t *tree);

enum cli_paint {
    PAINT_NONE,
    PAINT_BOLD,
    PAINT_DIM,
    PAINT_RED,
    PAINT_GREEN,
    PAINT_YELLOW,
    PAINT_BLUE
};
/* The escape that begins a colour on stdout, "" where there is none; PAINT_NONE ends it. */
const char *cli_paint(const struct cli *cli, enum cli_paint paint);

/* Outside text (names, addresses) with control characters replaced, so that it cannot drive the
 * terminal. Returns one of a few static buffers, cut to a line. */
const char *cli_clean(const char *text);

/* "3 s", "12 min", "4 h", "9 d". Returns one of a few static buffers. */
const char *cli_ago(int64_t ms);

/* "12.4 MB" */
const char *cli_bytes(uint64_t bytes);

/* Columns. Cells are copied; printed to stdout aligned, the first row dim as the head. Width is
 * counted in characters, not bytes. */
struct cli_table;
struct cli_table *cli_table_new(size_t columns);
/* One row: as many texts as there are columns. Texts are cleaned. */
void cli_table_row(struct cli_table *table, const char *first, ...);
/* The colour of a cell of the last row. */
void cli_table_paint(struct cli_table *table, size_t column, enum cli_paint paint);
void cli_table_print(const struct cli *cli, struct cli_table **table); /* and destroys it */
void cli_table_destroy(struct cli_table **table);

/* --- the home and the fleet ------------------------------------------------------------------- */

/* CLI_FINE if there is a home with a usher.cfg; else says so with the next command. */
int cli_need_home(const struct cli *cli);

/* Path of one of our programs ("usher-crm"): beside this one, or in PATH; NULL if there is none.
 * The caller's. */
char *cli_program(const char *name);

/* Connects to the fleet's broker as "tools" and says HELLO. CLI_FINE, or it has said what is
 * wrong (CLI_UNREACHABLE, CLI_CONFIG). `bells`: subscribe to the doorbell, too. */
int cli_connect(const struct cli *cli, bool bells, struct client **out);

/* As `name` (tools, people/ada). */
int cli_connect_as(const struct cli *cli, const char *name, bool bells, struct client **out);

/* Asks an actor; *answer is a new tree. CLI_FINE, or it has said what is wrong. */
int cli_ask(const struct cli *cli, struct client *client, const char *actor, const json_t *question,
            json_t **answer);

/* Publishes an event of ours (id "tools:<random>", time now), waits until it is on disk. `subject`,
 * `cause` and `trace` may be NULL. `id` (EVENT_ID_BYTES_MAX + 1, may be NULL) is what it got. */
int cli_publish(const struct cli *cli, struct client *client, const char *type, const char *subject,
                const char *cause, const char *trace, const json_t *data, char *id);

#endif
