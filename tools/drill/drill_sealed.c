/* drill_sealed.c - does anything in the drill's usher.cfg lead out? Looked at as it was written, by
 * code that did not write it. */
#include "drill_home.h"

#include "home.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_CHARS = 256, SECRET_BYTES_MAX = 1 << 20 };

/* "127.0.0.1", "localhost" or "[::1]", then a port, a path or nothing. */
static bool is_loopback(const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i]);
        if (strncmp(host, names[i], len) == 0 && (host[len] == '\0' || strchr(":/", host[len]))) {
            return true;
        }
    }
    return false;
}

/* Is it "host:port"? */
static bool is_address(const char *value)
{
    const char *colon = strrchr(value, ':');
    return colon && colon != value && colon[1] && !strchr(value, ' ') &&
           strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

static void look_at(const char *home, const char *path, const char *value, struct buf *why)
{
    const char *scheme = strstr(value, "://");
    if (strncmp(value, "env:", 4) == 0) {
        buf_printf(why, "%s: is read from the environment\n", path);
    } else if (strncmp(value, "file:", 5) == 0) {
        char *text = NULL, *file = home_path(home, "%s", value + 5);
        size_t len;
        if (strncmp(value, "file:secrets/", 13) != 0 || strstr(value, "..") ||
            home_read_file(file, SECRET_BYTES_MAX, &text, &len) != OK) {
            buf_printf(why, "%s: is not a secret of the drill's\n", path);
        } else if (strstr(text, "://")) {
            buf_printf(why, "%s: the secret is an address\n", path);
        }
        free(text);
        free(file);
    } else if (scheme && !is_loopback(scheme + 3)) {
        buf_printf(why, "%s: leads to somewhere else than loopback\n", path);
    } else if (!scheme && is_address(value) && !is_loopback(value)) {
        buf_printf(why, "%s: is an address that is not loopback\n", path);
    }
}

static void look_into(const char *home, zconfig_t *node, const char *prefix, struct buf *why)
{
    for (zconfig_t *at = zconfig_child(node); at; at = zconfig_next(at)) {
        char path[PATH_CHARS];
        snprintf(path, sizeof path, "%.190s%s%.60s", prefix, *prefix ? "/" : "", zconfig_name(at));
        if (zconfig_value(at)) {
            look_at(home, path, zconfig_value(at), why);
        }
        look_into(home, at, path, why);
    }
}

/* A target that is not embedded must be told where to go: its own default is the world. */
static void look_at_target(zconfig_t *node, const char *actor, struct buf *why)
{
    const char *provider = zconfig_get(node, "provider", "local");
    const struct stand_kind *kind = stand_find(actor, provider);
    if (!kind && !stand_is_embedded(provider)) {
        buf_printf(why, "%s: nobody stands in for %s\n", actor, provider);
    }
    for (size_t i = 0; kind && i < STAND_SETTINGS_MAX && kind->settings[i].name; i++) {
        const struct stand_setting *row = &kind->settings[i];
        bool leads = row->form && strncmp(row->form, "{url}", 5) == 0;
        if (leads && !zconfig_get(node, row->name, NULL)) {
            buf_printf(why, "%s: %s is not told where to go\n", actor, provider);
        }
    }
}

enum fault drill_home_sealed(const char *home, struct buf *why)
{
    char *path = home_path(home, "usher.cfg");
    zconfig_t *root = zconfig_load(path);
    free(path);
    if (!root) {
        buf_add_text(why, "the drill's usher.cfg cannot be read\n");
        return FAULT_CONFIG;
    }
    size_t before = why->len;
    look_into(home, root, "", why);
    for (zconfig_t *at = zconfig_child(root); at; at = zconfig_next(at)) {
        const char *name = zconfig_name(at);
        if (drill_home_is_target(name)) {
            look_at_target(at, name, why);
        }
        for (zconfig_t *hook = strcmp(name, "alert") == 0 ? zconfig_child(at) : NULL; hook;
             hook = zconfig_next(hook)) {
            if (strcmp(zconfig_name(hook), "hook") == 0) {
                look_at_target(hook, "alert", why);
            }
        }
    }
    zconfig_destroy(&root);
    return why->len == before ? OK : FAULT_DENIED;
}
