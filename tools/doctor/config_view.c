#include "config_view.h"

#include "home.h"
#include "must.h"
#include "setting_value.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_CHARS_MAX = 256, FILE_BYTES_MAX = 1 << 20 };

struct config_view {
    char *home;
    struct zpl zpl; /* without a line when there is nothing to read */
    char **texts;
    size_t count;
};

struct config_view *config_view_open(const char *home)
{
    struct config_view *view = must_calloc(1, sizeof *view);
    char *path = home_path(home, "usher.cfg");
    char *text = NULL;
    size_t len;
    struct buf why = {0};
    view->home = must_strdup(home);
    if (home_read_file(path, FILE_BYTES_MAX, &text, &len) == OK) {
        (void)!zpl_parse(&view->zpl, "usher.cfg", text, len, &why); /* the programs say it, too */
    }
    buf_fini(&why);
    free(text);
    free(path);
    return view;
}

void config_view_close(struct config_view **out)
{
    struct config_view *view = *out;
    if (!view) {
        return;
    }
    for (size_t i = 0; i < view->count; i++) {
        OPENSSL_cleanse(view->texts[i], strlen(view->texts[i]));
        free(view->texts[i]);
    }
    free(view->texts);
    zpl_fini(&view->zpl);
    free(view->home);
    free(view);
    *out = NULL;
}

static char *keep(struct config_view *view, char *text)
{
    view->texts = must_realloc(view->texts, (view->count + 1) * sizeof *view->texts);
    view->texts[view->count++] = text;
    return text;
}

const char *config_raw(const struct config_view *view, size_t section, const char *path)
{
    size_t line = zpl_find(&view->zpl, section, path, 0);
    const char *value = line ? view->zpl.lines[line].value : NULL;
    return value ? value : "";
}

const char *config_text(struct config_view *view, size_t section, const char *path,
                        const char *fallback)
{
    const char *raw = config_raw(view, section, path);
    char *text = NULL;
    (void)!setting_resolve(view->home, *raw ? raw : fallback, &text); /* "" with a fault */
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1])) {
        text[--len] = '\0';
    }
    return keep(view, text);
}

const char *config_line(struct config_view *view, size_t section, const char *path,
                        const char *fallback)
{
    char *line = keep(view, must_strdup(config_text(view, section, path, fallback)));
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

size_t config_section(const struct config_view *view, const char *path, size_t n)
{
    return zpl_find(&view->zpl, ZPL_TOP, path, n);
}

static void walk(const struct zpl *zpl, size_t parent, const char *prefix, config_seen *seen,
                 void *self)
{
    for (size_t i = zpl_child(zpl, parent); i; i = zpl_next(zpl, i)) {
        const struct zpl_line *line = &zpl->lines[i];
        char path[PATH_CHARS_MAX];
        snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "/" : "", line->name);
        if (line->value && *line->value) {
            seen(self, path, line->value, line->number);
        }
        walk(zpl, i, path, seen, self);
    }
}

void config_each(const struct config_view *view, config_seen *seen, void *self)
{
    if (view->zpl.count > 0) {
        walk(&view->zpl, ZPL_TOP, "", seen, self);
    }
}
