#include "logs.h"

#include "clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 4096, TAIL_BYTES = 4 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static char program_name[32] = "usher";
static enum logs_level least = LOGS_INFO;

struct line {
    char text[LINE_BYTES_MAX];
    size_t len;
};

static void put(struct line *line, const char *bytes, size_t len)
{
    size_t room = sizeof line->text - TAIL_BYTES - line->len;
    if (len > room) {
        len = room;
    }
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
}

static void put_string(struct line *line, const char *text)
{
    put(line, "\"", 1);
    for (; *text && line->len + 8 < sizeof line->text - TAIL_BYTES; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            put(line, (char[]){'\\', (char)c}, 2);
        } else if (c < 0x20 || c == 0x7f) {
            char escaped[8];
            put(line, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", c));
        } else {
            put(line, (const char *)text, 1);
        }
    }
    put(line, "\"", 1);
}

static void put_pair(struct line *line, const char *key, const char *value)
{
    if (value) {
        put(line, ",", 1);
        put_string(line, key);
        put(line, ":", 1);
        put_string(line, value);
    }
}

static void write_line(enum logs_level level, const char *message, const char *error, va_list args)
{
    if (level < least) {
        return;
    }
    struct line line = {.len = 0};
    char now[CLOCK_TEXT_BYTES];
    put(&line, "{\"time\":", 8);
    put_string(&line, clock_rfc3339(clock_wall_ms(), now));
    put_pair(&line, "level", level_names[level]);
    put_pair(&line, "actor", program_name);
    put_pair(&line, "message", message);
    put_pair(&line, "error", error);
    for (const char *key; (key = va_arg(args, const char *));) {
        put_pair(&line, key, va_arg(args, const char *));
    }
    memcpy(line.text + line.len, "}\n", 2);
    ssize_t written = write(STDERR_FILENO, line.text, line.len + 2);
    (void)written; /* nowhere left to say it */
}

void logs_open(const char *program, const char *level)
{
    snprintf(program_name, sizeof program_name, "%s", program);
    for (unsigned i = 0; level && i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(level, level_names[i]) == 0) {
            least = (enum logs_level)i;
        }
    }
}

void logs_write(enum logs_level level, const char *message, ...)
{
    va_list args;
    va_start(args, message);
    write_line(level, message, NULL, args);
    va_end(args);
}

void logs_errno(const char *message, ...)
{
    const char *words = strerror(errno);
    va_list args;
    va_start(args, message);
    write_line(LOGS_ERROR, message, words, args);
    va_end(args);
}
