#include "config_view.h"

#include "home.h"
#include "must.h"
#include "setting_value.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_CHARS_MAX = 256 };

struct config_view {
    char *home;
    zconfig_t *root; /* NULL: nothing to read */
    char **texts;
    size_t count;
};

struct config_view *config_view_open(const char *home)
{
    struct config_view *view = must_calloc(1, sizeof *view);
    char *path = home_path(home, "usher.cfg");
    view->home = must_strdup(home);
    view->root = zconfig_load(path);
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
    zconfig_destroy(&view->root);
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

const char *config_raw(const struct config_view *view, zconfig_t *section, const char *path)
{
    zconfig_t *from = section ? section : view->root;
    const char *raw = from ? zconfig_get(from, path, "") : "";
    return raw ? raw : "";
}

const char *config_text(struct config_view *view, zconfig_t *section, const char *path,
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

const char *config_line(struct config_view *view, zconfig_t *section, const char *path,
                        const char *fallback)
{
    char *line = keep(view, must_strdup(config_text(view, section, path, fallback)));
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

zconfig_t *config_section(const struct config_view *view, const char *path, size_t n)
{
    zconfig_t *node = view->root ? zconfig_locate(view->root, path) : NULL;
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    while (node && n > 0) {
        node = zconfig_next(node);
        n -= node && strcmp(zconfig_name(node), name) == 0;
    }
    return node;
}

static void walk(zconfig_t *node, const char *prefix, config_seen *seen, void *self)
{
    for (zconfig_t *child = zconfig_child(node); child; child = zconfig_next(child)) {
        char path[PATH_CHARS_MAX];
        const char *raw = zconfig_value(child);
        snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "/" : "", zconfig_name(child));
        if (raw && *raw) {
            seen(self, path, raw);
        }
        walk(child, path, seen, self);
    }
}

void config_each(const struct config_view *view, config_seen *seen, void *self)
{
    if (view->root) {
        walk(view->root, "", seen, self);
    }
}
