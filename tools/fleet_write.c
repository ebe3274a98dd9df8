/* fleet_write.c - the service folder of one process: scripts for s6, and what they were made from.
 */
#include "fleet.h"

#include "digest.h"
#include "home.h"
#include "must.h"
#include "settings.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 20 };

/* $1 is the exit code, 256 after a signal. 100 is "never": s6 takes 125 for "leave it down". What
 * died more than once in ten minutes waits, twice as long each time, but only as long as it is
 * wanted up. A line of s6-svdt begins with a TAI64N label: characters 10 to 17 are the seconds. */
static const char finish_script[] =
    "#!/bin/sh\n"
    "if [ \"$1\" -eq 100 ]; then exit 125; fi\n"
    "if [ \"$1\" -eq 0 ]; then exit 0; fi\n"
    "deaths=$(s6-svdt -n 8 . | grep -v ' exitcode 0$' | cut -c 10-17)\n"
    "last=0\n"
    "for at in $deaths; do last=$((0x$at)); done\n"
    "delay=0\n"
    "for at in $deaths; do\n"
    "    if [ $((last - 0x$at)) -lt 600 ]; then\n"
    "        if [ \"$delay\" -eq 0 ]; then delay=1; else delay=$((delay * 2)); fi\n"
    "    fi\n"
    "done\n"
    "if [ \"$delay\" -gt 60 ]; then delay=60; fi\n"
    "while [ \"$delay\" -gt 0 ] && [ \"$(s6-svstat -o wantedup .)\" = true ]; do\n"
    "    sleep 1\n"
    "    delay=$((delay - 1))\n"
    "done\n";

const char *fleet_finish_script(void)
{
    return finish_script;
}

/* In single quotes for sh. */
static void add_quoted(struct buf *out, const char *text)
{
    buf_add_text(out, "'");
    for (; *text; text++) {
        if (*text == '\'') {
            buf_add_text(out, "'\\''");
        } else {
            buf_add(out, text, 1);
        }
    }
    buf_add_text(out, "'");
}

static enum fault write_file(const char *home, const char *name, const char *file, const char *text,
                             unsigned mode)
{
    char *path = home_path(home, "run/s6/%s/%s", name, file);
    char *old = NULL;
    size_t len = 0;
    enum fault fault = home_read_file(path, FILE_BYTES_MAX, &old, &len);
    if (fault != OK || len != strlen(text) || memcmp(old, text, len) != 0) {
        fault = home_write_file(path, text, strlen(text), mode);
    }
    free(old);
    free(path);
    return fault;
}

static void write_run(const char *home, const char *program, struct buf *out)
{
    buf_add_text(out, "#!/bin/sh\nexec 2>&1\nexport NOTIFY_FD=3\nexec ");
    add_quoted(out, program);
    buf_add_text(out, " --home ");
    add_quoted(out, home);
    buf_add_text(out, "\n");
}

/* Ten files of a megabyte for each process. */
static void write_log_run(const char *home, const char *name, struct buf *out)
{
    char *folder = home_path(home, "data/log/%s", name);
    buf_add_text(out, "#!/bin/sh\nexec s6-log -b -d 3 n10 s1000000 ");
    add_quoted(out, folder);
    buf_add_text(out, "\n");
    free(folder);
}

/* --- made from -------------------------------------------------------------------------------- */

static void add_file(const char *path, struct buf *out)
{
    char *text = NULL;
    size_t len;
    if (home_read_file(path, FILE_BYTES_MAX, &text, &len) == OK) {
        buf_printf(out, "%s %zu\n", path, len);
        buf_add(out, text, len);
    }
    free(text);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* A file, or the files of a folder, by name. */
static void add_files(const char *path, struct buf *out)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_name);
    if (count < 0) {
        add_file(path, out);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            char *file = must_sprintf("%s/%s", path, entries[i]->d_name);
            add_file(file, out);
            free(file);
        }
        free(entries[i]);
    }
    free(entries);
}

typedef void each_word(void *self, const char *word);

static void words_of(const char *text, each_word *each, void *self)
{
    char *copy = must_strdup(text);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, " "));) {
        if (*word) {
            each(self, word);
        }
    }
    free(copy);
}

struct source {
    const char *home;
    const struct settings *settings;
    struct buf text;
};

static void add_section(void *self, const char *section)
{
    struct source *source = self;
    settings_section_text(source->settings, section, &source->text);
}

static void add_named(void *self, const char *file)
{
    struct source *source = self;
    char *path = home_path(source->home, "%s", file);
    add_files(path, &source->text);
    free(path);
}

/* The digest of everything whose change must restart the process. */
static enum fault made_from(const char *home, const struct fleet_row *row, const char *program,
                            char hex[2 * SHA256_BYTES + 1])
{
    static const struct setting *const no_tables[] = {NULL};
    struct settings *settings = NULL;
    struct buf why = {0};
    enum fault fault = settings_load(home, "usher.cfg", no_tables, &settings, &why);
    buf_fini(&why);
    if (fault != OK) {
        return fault;
    }
    struct source source = {home, settings, {0}};
    struct stat stat_of = {0};
    (void)stat(program, &stat_of);
    buf_printf(&source.text, "%s %lld.%09ld %lld\n", program, (long long)stat_of.st_mtim.tv_sec,
               stat_of.st_mtim.tv_nsec, (long long)stat_of.st_size);
    words_of("log store broker", add_section, &source);
    words_of(row->sections, add_section, &source);
    words_of(row->files, add_named, &source);
    uint8_t digest[SHA256_BYTES];
    sha256(source.text.bytes, source.text.len, digest);
    hex_encode(digest, sizeof digest, hex);
    buf_fini(&source.text);
    settings_destroy(&settings);
    return OK;
}

/* The digest that the running process was started with; changes it. */
static enum fault remember(const char *home, const char *name, const char *hex, bool *changed)
{
    char *path = home_path(home, "run/s6/%s/made-from", name);
    char *old = NULL;
    size_t len = 0;
    enum fault fault = home_read_file(path, FILE_BYTES_MAX, &old, &len);
    *changed = fault != OK || strcmp(old, hex) != 0;
    fault = *changed ? home_write_file(path, hex, strlen(hex), 0600) : OK;
    free(old);
    free(path);
    return fault;
}

enum fault fleet_write(const char *home, const struct fleet_row *row, bool *changed)
{
    char hex[2 * SHA256_BYTES + 1];
    char name[64];
    char kill_ms[16];
    struct buf run = {0};
    struct buf log_run = {0};
    snprintf(name, sizeof name, "usher-%s", row->name);
    snprintf(kill_ms, sizeof kill_ms, "%d\n", FLEET_KILL_MS);
    char *program = cli_program(name);
    char *log_folder = home_path(home, "run/s6/%s/log", row->name);
    char *data_folder = home_path(home, "data/log/%s", row->name);
    *changed = false;
    enum fault fault = program ? made_from(home, row, program, hex) : FAULT_NOT_FOUND;
    if (fault == OK) {
        write_run(home, program, &run);
        write_log_run(home, row->name, &log_run);
        fault = home_folder(log_folder);
    }
    fault = fault == OK ? home_folder(data_folder) : fault;
    const struct {
        const char *file;
        const char *text;
        unsigned mode;
    } files[] = {{"run", buf_text(&run), 0700},       {"finish", finish_script, 0700},
                 {"notification-fd", "3\n", 0600},    {"timeout-kill", kill_ms, 0600},
                 {"timeout-finish", "0\n", 0600},     {"log/run", buf_text(&log_run), 0700},
                 {"log/notification-fd", "3\n", 0600}};
    for (size_t i = 0; fault == OK && i < sizeof files / sizeof files[0]; i++) {
        fault = write_file(home, row->name, files[i].file, files[i].text, files[i].mode);
    }
    fault = fault == OK ? remember(home, row->name, hex, changed) : fault;
    buf_fini(&run);
    buf_fini(&log_run);
    free(data_folder);
    free(log_folder);
    free(program);
    return fault;
}
