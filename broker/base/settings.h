/* settings.h - usher.cfg (ZPL, read with czmq's zconfig), checked against tables of rows.
 *
 * Use        Each program has its rows; an adapter brings its own. settings_load() checks every
 *            key of the sections that the rows name (unknown key, wrong kind, out of range) and
 *            says file, line and what was expected. Then settings_text(), settings_number(), ...
 *            A value in the file is literal, "env:NAME" or "file:PATH" (relative to the home).
 * Promise    After settings_load() returns OK every getter below succeeds, except
 *            settings_secret() whose file may have gone since.
 * Kinds      TEXT; NUMBER; DURATION ("5s", in ms); BYTES; FLAG (true/false); CHOICE (of words
 *            separated by '|'); ADDRESS ("host:port"); SECRET (never logged; several
 *            lines allowed).
 * Ownership  Text returned lives as long as the settings. settings_secret() is the caller's.
 * Threads    One. */
#ifndef USHER_SETTINGS_H
#define USHER_SETTINGS_H

#include "buf.h"
#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_kind {
    SETTING_TEXT,
    SETTING_NUMBER,
    SETTING_DURATION,
    SETTING_BYTES,
    SETTING_FLAG,
    SETTING_CHOICE,
    SETTING_ADDRESS,
    SETTING_SECRET
};

struct setting {
    const char *path; /* "webhook/payment/mode"; NULL ends a table */
    enum setting_kind kind;
    const char *fallback; /* as it would stand in the file; NULL: "" and 0 when it is not given */
    int64_t min, max;     /* of numbers, durations and lengths; both 0: any */
    const char *choices;  /* "live|test" */
    const char *help;     /* one plain sentence */
};

struct settings;

/* `tables` ends with NULL. A missing file is FAULT_NOT_FOUND; a mistake is FAULT_CONFIG, with one
 * line per mistake in `why` ("usher.cfg:12: crm/retry/first: expected a duration such as 5s"). */
enum fault settings_load(const char *home, const char *file, const struct setting *const *tables,
                         struct settings **out, struct buf *why) NODISCARD;
void settings_destroy(struct settings **settings);

const char *settings_home(const struct settings *settings);
const char *settings_text(const struct settings *settings, const char *path);
int64_t settings_number(const struct settings *settings,
                        const char *path); /* also DURATION, BYTES */
bool settings_flag(const struct settings *settings, const char *path);

/* True if the file itself names the path. */
bool settings_given(const struct settings *settings, const char *path);

/* Reads the secret afresh (file: may have changed). Trailing white space is cut; inner newlines
 * stay. Empty text when it is not set. */
enum fault settings_secret(const struct settings *settings, const char *path,
                           char **secret) NODISCARD;

/* Repeated sections, such as alert/hook: how many, and a view in which "alert/hook/url" means
 * that of the n-th (from 0). The view lives as long as the settings. */
size_t settings_count(const struct settings *settings, const char *section);
const struct settings *settings_nth(const struct settings *settings, const char *section, size_t n);

/* One value of a file, resolved, without checking the rest: for a tool that looks at another
 * program's section. Of repeated sections the first is meant, or the n-th where the path says so:
 * "webhook/payment#2/secret". `fallback` when the file does not name it. *text is the caller's. */
enum fault settings_peek(const char *home, const char *file, const char *path, const char *fallback,
                         char **text) NODISCARD;

/* How many sections of that path the file has. */
size_t settings_peek_count(const char *home, const char *file, const char *section);

/* The file that a "file:PATH" value names, whether it is there or not: for whoever puts a new secret
 * into it. NOT_FOUND if the value is no file's, DENIED if the file lies outside the home. *whole is
 * the caller's, NULL with a fault. */
enum fault settings_secret_path(const char *home, const char *file, const char *path,
                                const char *fallback, char **whole) NODISCARD;

/* Every row of the tables: its path, default and meaning, for people. */
void settings_manual(const struct setting *const *tables, struct buf *out);

/* The section as text, for "restart only those whose section changed". */
void settings_section_text(const struct settings *settings, const char *section, struct buf *out);

/* Names at the left margin of a file that are none of `known` (ends with NULL): settings_load looks
 * only into the sections of its rows, so whoever knows all of them has to say which are stray. One
 * line each in `why`; FAULT_CONFIG if there is one. */
enum fault settings_stray(const char *home, const char *file, const char *const *known,
                          struct buf *why) NODISCARD;

#endif
