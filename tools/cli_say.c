/* cli_say.c - talk, colours, columns, and outside text made harmless for a terminal. */
#include "verbs.h"

#include "must.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { STATIC_TEXTS = 16, STATIC_BYTES = 512 };

/* A few buffers in turn, so that one printf may use several. */
static char *static_text(void)
{
    static char texts[STATIC_TEXTS][STATIC_BYTES];
    static unsigned turn;
    return texts[turn++ % STATIC_TEXTS];
}

static const char *escape(enum cli_paint paint)
{
    static const char *const escapes[] = {"\033[0m",  "\033[1m",  "\033[2m", "\033[31m",
                                          "\033[32m", "\033[33m", "\033[34m"};
    return escapes[paint];
}

const char *cli_paint(const struct cli *cli, enum cli_paint paint)
{
    return cli->colour ? escape(paint) : "";
}

void cli_say(const struct cli *cli, const char *format, ...)
{
    (void)cli;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void cli_next(const struct cli *cli, const char *format, ...)
{
    char command[STATIC_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    bool ours = strncmp(command, "usher ", 6) == 0 && !strstr(command, "--home");
    fprintf(stderr, "%snext:%s %s%s%s\n", cli->colour_err ? escape(PAINT_DIM) : "",
            cli->colour_err ? escape(PAINT_NONE) : "", command,
            ours && cli->home_given ? " --home " : "", ours && cli->home_given ? cli->home : "");
}

int cli_fail(const struct cli *cli, int code, const char *format, ...)
{
    fprintf(stderr, "%susher%s%s:%s ", cli->colour_err ? escape(PAINT_RED) : "",
            cli->verb ? " " : "", cli->verb ? cli->verb->name : "",
            cli->colour_err ? escape(PAINT_NONE) : "");
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return code;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
    char words[STATIC_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    cli_fail(cli, CLI_USAGE, "%s", words);
    cli_say(cli, "usage: usher %s%s%s", cli->verb->name, *cli->verb->usage ? " " : "",
            cli->verb->usage);
    cli_next(cli, "usher help %s", cli->verb->name);
    return CLI_USAGE;
}

void cli_print_json(const json_t *tree)
{
    char *text = json_dumps(tree, JSON_COMPACT | JSON_ENCODE_ANY);
    MUST(text);
    puts(text);
    free(text);
}

const char *cli_clean(const char *text)
{
    char *out = static_text();
    size_t len = 0;
    for (const unsigned char *at = (const unsigned char *)(text ? text : ""); *at; at++) {
        if (len + 8 > STATIC_BYTES && (*at & 0xC0) != 0x80) { /* between two characters */
            memcpy(out + len, "...", 3);
            len += 3;
            break;
        }
        bool control = *at < 0x20 || *at == 0x7F;
        bool c1 = at[0] == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0; /* U+0080 to U+009F */
        out[len++] = control || c1 ? '?' : (char)*at;
        at += c1;
    }
    out[len] = '\0';
    return out;
}

const char *cli_ago(int64_t ms)
{
    static const struct {
        int64_t unit, until;
        const char *name;
    } units[] = {{1, 1000, "ms"},
                 {1000, 120 * 1000, "s"},
                 {60 * 1000, 120 * 60 * 1000, "min"},
                 {3600 * 1000, 48 * 3600 * 1000, "h"}};
    char *out = static_text();
    ms = ms < 0 ? 0 : ms;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ms < units[i].until) {
            snprintf(out, STATIC_BYTES, "%lld %s", (long long)(ms / units[i].unit), units[i].name);
            return out;
        }
    }
    snprintf(out, STATIC_BYTES, "%lld d", (long long)(ms / (24LL * 3600 * 1000)));
    return out;
}

const char *cli_bytes(uint64_t bytes)
{
    static const char *const names[] = {"B", "kB", "MB", "GB", "TB"};
    char *out = static_text();
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1000 && unit < 4) {
        value /= 1000;
        unit++;
    }
    snprintf(out, STATIC_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", value, names[unit]);
    return out;
}

/* --- columns ---------------------------------------------------------------------------------- */

struct cell {
    char *text;
    enum cli_paint paint;
};

struct cli_table {
    size_t columns;
    size_t rows;
    size_t room;
    struct cell *cells;
};

struct cli_table *cli_table_new(size_t columns)
{
    struct cli_table *table = must_calloc(1, sizeof *table);
    table->columns = columns;
    return table;
}

void cli_table_row(struct cli_table *table, const char *first, ...)
{
    if (table->rows == table->room) {
        table->room = table->room ? 2 * table->room : 16;
        table->cells =
            must_realloc(table->cells, table->room * table->columns * sizeof *table->cells);
    }
    struct cell *row = table->cells + table->rows * table->columns;
    va_list arguments;
    va_start(arguments, first);
    for (size_t i = 0; i < table->columns; i++) {
        const char *text = i == 0 ? first : va_arg(arguments, const char *);
        row[i] = (struct cell){must_strdup(cli_clean(text)), PAINT_NONE};
    }
    va_end(arguments);
    table->rows++;
}

void cli_table_paint(struct cli_table *table, size_t column, enum cli_paint paint)
{
    MUST(table->rows > 0 && column < table->columns);
    table->cells[(table->rows - 1) * table->columns + column].paint = paint;
}

void cli_table_destroy(struct cli_table **table)
{
    struct cli_table *t = *table;
    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->rows * t->columns; i++) {
        free(t->cells[i].text);
    }
    free(t->cells);
    free(t);
    *table = NULL;
}

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++) {
        width += (*text & 0xC0) != 0x80; /* characters begin there */
    }
    return width;
}

void cli_table_print(const struct cli *cli, struct cli_table **table)
{
    struct cli_table *t = *table;
    size_t *widths = must_calloc(t->columns, sizeof *widths);
    for (size_t i = 0; i < t->rows * t->columns; i++) {
        size_t width = width_of(t->cells[i].text);
        widths[i % t->columns] = width > widths[i % t->columns] ? width : widths[i % t->columns];
    }
    for (size_t i = 0; i < t->rows * t->columns; i++) {
        struct cell *cell = &t->cells[i];
        size_t column = i % t->columns;
        enum cli_paint paint = i < t->columns ? PAINT_DIM : cell->paint;
        bool last = column + 1 == t->columns;
        printf("%s%s%s", paint ? cli_paint(cli, paint) : "", cell->text,
               paint ? cli_paint(cli, PAINT_NONE) : "");
        printf("%*s%s", last ? 0 : (int)(widths[column] - width_of(cell->text) + 2), "",
               last ? "\n" : "");
    }
    free(widths);
    cli_table_destroy(table);
}
