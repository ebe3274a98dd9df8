#include "secrets.h"

#include "buf.h"
#include "clock.h"
#include "home.h"
#include "must.h"
#include "settings.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SECRET_FILE_BYTES_MAX = 64 * 1024, SECRET_MODE = 0600 };

struct secret {
    const char *path;
    const char *provider;
    const char *fallback;
    bool keeps;
    const char *label;
};

static const struct secret rows[] = {
#define X(path, provider, fallback, keeps, label) {path, provider, fallback, keeps, label},
#include "secret_table.h"
#undef X
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

static const struct secret *find(const char *id)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].path, id) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *secrets_of(const char *actor)
{
    size_t len = strlen(actor);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strncmp(rows[i].path, actor, len) == 0 && rows[i].path[len] == '/') {
            return rows[i].path;
        }
    }
    return NULL;
}

/* --- listing ---------------------------------------------------------------------------------- */

static int lines_of(const char *text)
{
    int lines = 0;
    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        lines += strcspn(at, "\n") > strspn(at, " \t\r");
    }
    return lines;
}

static const char *why_not(enum fault fault)
{
    return fault == FAULT_DENIED ? "its file is outside the home"
                                 : "it stands in usher.cfg or in the environment, not in a file";
}

static json_t *listed(const char *home, const struct secret *row, const char *provider)
{
    char *path = NULL, *text = NULL;
    struct stat status;
    json_t *tree = json_object();
    enum fault where = settings_secret_path(home, "usher.cfg", row->path, row->fallback, &path);
    enum fault fault = settings_peek(home, "usher.cfg", row->path, row->fallback, &text);
    tree_set_text(tree, "id", row->path);
    tree_set_text(tree, "label", row->label);
    tree_set_text(tree, "provider", provider);
    tree_set_int(tree, "lines", fault == OK ? lines_of(text) : 0);
    tree_set_flag(tree, "rotatable", where == OK);
    tree_set(tree, "why", where == OK ? json_null() : json_string(why_not(where)));
    tree_set(tree, "changed_at", json_null());
    if (path && stat(path, &status) == 0) {
        char time[CLOCK_TEXT_BYTES];
        tree_set_text(tree, "changed_at", clock_rfc3339((int64_t)status.st_mtime * 1000, time));
    }
    free(text);
    free(path);
    return tree;
}

json_t *secrets_list(const char *home)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char *provider = NULL, *value = NULL;
        enum fault fault = settings_peek(home, "usher.cfg", rows[i].provider, "", &provider);
        /* Without a value and a default it is a provider that has no key. */
        if (fault == OK &&
            settings_peek(home, "usher.cfg", rows[i].path, rows[i].fallback, &value) !=
                FAULT_NOT_FOUND &&
            !*value && !*rows[i].fallback) {
            fault = FAULT_NOT_FOUND;
        }
        if (fault == OK && *provider && strcmp(provider, "local") != 0) {
            json_array_append_new(list, listed(home, &rows[i], provider));
        }
        free(provider);
        free(value);
    }
    return list;
}

/* --- changing --------------------------------------------------------------------------------- */

bool secrets_is_good(const char *value)
{
    size_t len = strlen(value);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)value[i] <= ' ' || (unsigned char)value[i] == 0x7f) {
            return false;
        }
    }
    return len >= SECRETS_VALUE_BYTES_MIN && len <= SECRETS_VALUE_BYTES_MAX;
}

/* `first` and then the lines of `old` that are others, up to `most` in all. */
static void compose(const char *first, const char *old, int most, struct buf *out)
{
    int lines = 0;
    if (first) {
        buf_printf(out, "%s\n", first);
        lines++;
    }
    for (const char *at = old; *at && lines < most;) {
        size_t len = strcspn(at, "\n"), used = len;
        while (used && strchr(" \t\r", at[used - 1])) {
            used--;
        }
        bool same = first && strlen(first) == used && memcmp(first, at, used) == 0;
        if (used && !same) {
            buf_printf(out, "%.*s\n", (int)used, at);
            lines++;
        }
        at += len + (at[len] == '\n');
    }
}

static enum fault change(const char *home, const struct secret *row, const char *first, int most)
{
    char *path = NULL, *old = NULL;
    size_t len;
    struct buf text = {0};
    enum fault fault = settings_secret_path(home, "usher.cfg", row->path, row->fallback, &path);
    if (fault == OK) {
        fault = home_read_file(path, SECRET_FILE_BYTES_MAX, &old, &len);
        fault = fault == FAULT_NOT_FOUND && first ? OK : fault;
    }
    if (fault == OK) {
        compose(first, old ? old : "", most, &text);
        fault = home_write_file(path, buf_text(&text), text.len, SECRET_MODE);
    }
    buf_fini(&text);
    free(old);
    free(path);
    return fault;
}

enum fault secrets_rotate(const char *home, const char *id, const char *value)
{
    const struct secret *row = find(id);
    if (!row) {
        return FAULT_NOT_FOUND;
    }
    return secrets_is_good(value) ? change(home, row, value, row->keeps ? SECRETS_LINES_MAX : 1)
                                  : FAULT_MALFORMED;
}

enum fault secrets_retire(const char *home, const char *id)
{
    const struct secret *row = find(id);
    return row ? change(home, row, NULL, 1) : FAULT_NOT_FOUND;
}
