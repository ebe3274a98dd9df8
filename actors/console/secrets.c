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

struct row {
    const char *section;
    const char *leaf;
    const char *fallback;
    bool keeps;
    const char *label;
};

static const struct row rows[] = {
#define X(section, leaf, fallback, keeps, label) {section, leaf, fallback, keeps, label},
#include "secret_table.h"
#undef X
};

enum {
    ROW_COUNT = sizeof rows / sizeof *rows,
    SECTION_CHARS_MAX = 60,
    PATH_CHARS_MAX = 120,
    SECTIONS_MAX = 16
};

/* A row in the nth section of its name. */
struct secret {
    const struct row *row;
    char section[SECTION_CHARS_MAX];
    char
        path[PATH_CHARS_MAX]; /* and its id: "webhook/payment/secret", "webhook/payment#2/secret" */
    char fallback[PATH_CHARS_MAX];
    char *provider;
    char *name; /* of the source; "" for what has none */
};

static char *look(const char *home, const char *section, const char *leaf)
{
    char path[PATH_CHARS_MAX], *text = NULL;
    snprintf(path, sizeof path, "%s/%s", section, leaf);
    if (settings_peek(home, "usher.cfg", path, "", &text) != OK) {
        free(text);
        text = must_strdup("");
    }
    return text;
}

static void secret_init(const char *home, const struct row *row, size_t nth, struct secret *out)
{
    *out = (struct secret){.row = row};
    if (nth == 1) {
        snprintf(out->section, sizeof out->section, "%s", row->section);
    } else {
        snprintf(out->section, sizeof out->section, "%.30s#%zu", row->section, nth);
    }
    snprintf(out->path, sizeof out->path, "%s/%s", out->section, row->leaf);
    out->provider = look(home, out->section, "provider");
    out->name = look(home, out->section, "name");
    size_t star = strcspn(row->fallback, "*");
    snprintf(out->fallback, sizeof out->fallback, "%.*s%.60s", (int)star, row->fallback,
             !row->fallback[star] ? ""
             : *out->name         ? out->name
                                  : out->provider);
}

static void secret_fini(struct secret *secret)
{
    free(secret->provider);
    free(secret->name);
}

/* The secret of that id; false if it is none. */
static bool find(const char *home, const char *id, struct secret *out)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        for (size_t nth = 1; nth <= SECTIONS_MAX; nth++) {
            secret_init(home, &rows[i], nth, out);
            if (strcmp(out->path, id) == 0) {
                return true;
            }
            secret_fini(out);
        }
    }
    return false;
}

const char *secrets_of(const char *actor)
{
    static char path[PATH_CHARS_MAX];
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].section, actor) == 0) {
            snprintf(path, sizeof path, "%s/%s", rows[i].section, rows[i].leaf);
            return path;
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

static json_t *listed(const char *home, const struct secret *secret)
{
    char *path = NULL, *text = NULL;
    struct stat status;
    json_t *tree = json_object();
    enum fault where =
        settings_secret_path(home, "usher.cfg", secret->path, secret->fallback, &path);
    enum fault fault = settings_peek(home, "usher.cfg", secret->path, secret->fallback, &text);
    tree_set_text(tree, "id", secret->path);
    tree_set_text(tree, "label", secret->row->label);
    tree_set_text(tree, "provider", *secret->name ? secret->name : secret->provider);
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

/* Does its provider take one? Without a value and a default it is one that has no key. */
static bool is_used(const char *home, const struct secret *secret)
{
    char *value = NULL;
    enum fault fault = settings_peek(home, "usher.cfg", secret->path, secret->fallback, &value);
    bool empty = fault != FAULT_NOT_FOUND && !*value && !*secret->fallback;
    free(value);
    return *secret->provider && strcmp(secret->provider, "local") != 0 && !empty;
}

json_t *secrets_list(const char *home)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ROW_COUNT; i++) {
        size_t count = settings_peek_count(home, "usher.cfg", rows[i].section);
        for (size_t nth = 1; nth <= count && nth <= SECTIONS_MAX; nth++) {
            struct secret secret;
            secret_init(home, &rows[i], nth, &secret);
            if (is_used(home, &secret)) {
                json_array_append_new(list, listed(home, &secret));
            }
            secret_fini(&secret);
        }
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

static enum fault change(const char *home, const struct secret *secret, const char *first, int most)
{
    char *path = NULL, *old = NULL;
    size_t len;
    struct buf text = {0};
    enum fault fault =
        settings_secret_path(home, "usher.cfg", secret->path, secret->fallback, &path);
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
    struct secret secret;
    if (!find(home, id, &secret)) {
        return FAULT_NOT_FOUND;
    }
    int most = secret.row->keeps ? SECRETS_LINES_MAX : 1;
    enum fault fault =
        secrets_is_good(value) ? change(home, &secret, value, most) : FAULT_MALFORMED;
    secret_fini(&secret);
    return fault;
}

enum fault secrets_retire(const char *home, const char *id)
{
    struct secret secret;
    if (!find(home, id, &secret)) {
        return FAULT_NOT_FOUND;
    }
    enum fault fault = change(home, &secret, NULL, 1);
    secret_fini(&secret);
    return fault;
}
