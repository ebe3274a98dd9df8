#include "drill_section.h"

#include "digest.h"
#include "home.h"
#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SECRET_BYTES = 24, COPIED_BYTES_MAX = 1 << 20 };

/* --- what a value becomes ------------------------------------------------------------------- */

/* "whsec_" and base64, which every kind of secret that usher has may look like. */
static void make_secret(char *text, size_t room)
{
    uint8_t dice[SECRET_BYTES];
    char words[2 * SECRET_BYTES];
    random_bytes(dice, sizeof dice);
    base64_encode(dice, sizeof dice, words);
    snprintf(text, room, "whsec_%s", words);
}

/* A secret of the drill's in a file of its own; "file:secrets/drill-3". */
char *section_secret(struct section *section, char *text, size_t room)
{
    size_t number = ++section->drill->secrets;
    char *path = home_path(section->drill->home, "secrets/drill-%zu", number);
    make_secret(text, room);
    if (home_write_file(path, text, strlen(text), 0600) != OK) {
        buf_printf(section->why, "%s cannot be written\n", path);
    }
    free(path);
    return must_sprintf("file:secrets/drill-%zu", number);
}

/* The key that the stand-in takes. */
static char *new_key(struct section *section, struct stand *stand)
{
    char text[SECTION_SECRET_CHARS], *value = section_secret(section, text, sizeof text);
    free(stand->key);
    free(stand->secret_path);
    stand->key = must_strdup(text);
    stand->secret_path = home_path(section->drill->home, "%s", value + strlen("file:"));
    return value;
}

static bool is_secret(const char *name, const char *raw)
{
    static const char *const names[] = {"key", "secret", "token", "password", "secrets", "keys"};
    bool secret = strncmp(raw, "env:", 4) == 0 || strncmp(raw, "file:", 5) == 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        secret = secret || strcmp(name, names[i]) == 0;
    }
    return secret;
}

/* "{url}/hook": the form of a stand-in's setting, filled in. */
char *section_filled(struct section *section, struct stand *stand, const char *form)
{
    if (strcmp(form, "{key}") == 0) {
        return new_key(section, stand);
    }
    if (strncmp(form, "{url}", 5) != 0) {
        return must_strdup(form);
    }
    char *url = stand_url(stand), *whole = must_sprintf("%s%s", url, form + 5);
    free(url);
    return whole;
}

/* Settings that are the drill's own wherever they stand; NULL: left out. */
static bool fixed(const struct section *section, const char *path, char **value)
{
    const struct drill_home *drill = section->drill;
    *value = NULL;
    if (strncmp(path, "broker/", 7) == 0) {
        return true; /* its sockets are in the scratch home, its sizes are for another disk */
    }
    if (strcmp(path, "webhook/listen") == 0) {
        *value = must_sprintf("127.0.0.1:%d", drill->webhook_port);
    } else if (strcmp(path, "console/listen") == 0) {
        *value = must_sprintf("127.0.0.1:%d", drill->console_port);
    } else if (strcmp(path, "console/url") == 0) {
        *value = must_sprintf("http://127.0.0.1:%d", drill->console_port);
    } else if (strcmp(strrchr(path, '/'), "/trusted_proxies") == 0) {
        *value = must_strdup("127.0.0.1 ::1");
    } else if (strcmp(path, "mailer/folder") == 0) {
        *value = must_strdup("mail");
    } else if (strncmp(path, "webhook/", 8) == 0 && strcmp(strrchr(path, '/'), "/mode") == 0) {
        *value = must_strdup("test");
    }
    return *value != NULL;
}

static const struct stand_setting *ruled(const struct section *section, const char *name)
{
    const struct stand_setting *row = section->stand ? section->stand->kind->settings : NULL;
    for (size_t i = 0; row && i < STAND_SETTINGS_MAX && row[i].name; i++) {
        if (strcmp(row[i].name, name) == 0) {
            return &row[i];
        }
    }
    return NULL;
}

/* A file that the config names comes along: a mapping, a certificate. */
static char *copied_file(struct section *section, const char *raw)
{
    struct stat info;
    char *from = *raw == '/' ? must_strdup(raw) : home_path(section->drill->from, "%s", raw);
    char *text = NULL, *value = NULL;
    size_t len;
    bool file = *raw && !strstr(raw, "..") && stat(from, &info) == 0 && S_ISREG(info.st_mode);
    if (file && home_read_file(from, COPIED_BYTES_MAX, &text, &len) == OK) {
        const char *base = strrchr(raw, '/') ? strrchr(raw, '/') + 1 : raw;
        char *folder = home_path(section->drill->home, "files");
        char *to = home_path(section->drill->home, "files/%s", base);
        if (home_folder(folder) == OK && home_write_file(to, text, len, 0600) == OK) {
            value = must_sprintf("files/%s", base);
        }
        free(folder);
        free(to);
    }
    free(text);
    free(from);
    return value;
}

/* NULL: the setting is left out. */
static char *new_value(struct section *section, const char *path, const char *name, const char *raw)
{
    char *value = NULL;
    const struct stand_setting *row = ruled(section, name);
    if (fixed(section, path, &value)) {
        return value;
    }
    if (row) {
        bool later = row->form && strncmp(row->form, "{url}", 5) == 0; /* with or without his */
        return row->form && !later ? section_filled(section, section->stand, row->form) : NULL;
    }
    bool elsewhere = strncmp(raw, "env:", 4) == 0 || strncmp(raw, "file:", 5) == 0;
    if (elsewhere && (strcmp(name, "from") == 0 || strcmp(name, "to") == 0)) {
        return must_strdup("drill@drill.example"); /* an address, whatever it is there */
    }
    if (is_secret(name, raw)) {
        char text[SECTION_SECRET_CHARS];
        return section_secret(section, text, sizeof text);
    }
    if (strstr(raw, "://")) {
        bool slash = raw[strlen(raw) - 1] == '/';
        return must_sprintf("http://127.0.0.1:9%s", slash ? "/" : ""); /* a page that mails name */
    }
    value = copied_file(section, raw);
    return value ? value : must_strdup(raw);
}

/* --- writing -------------------------------------------------------------------------------- */

void section_put(struct section *section, int depth, const char *name, const char *value)
{
    char quote = strchr(value, '"') ? '\'' : '"';
    if (strchr(value, quote) || strchr(value, '\n')) {
        buf_printf(section->why, "usher.cfg: %s/%s: cannot be written anew\n", section->path, name);
        return;
    }
    buf_printf(section->out, "%*s%s = %c%s%c\n", depth * SECTION_INDENT, "", name, quote, value,
               quote);
}

void section_changed(struct drill_home *drill, const char *path, const char *name, const char *now)
{
    json_t *line =
        json_pack("{s:o, s:s}", "setting", json_sprintf("%s/%s", path, name), "now", now);
    MUST(line && json_array_append_new(drill->changed, line) == 0);
}

void section_note(struct section *section, const char *name, const char *now)
{
    section_changed(section->drill, section->path, name, now);
}

void section_put_changed(struct section *section, int depth, const char *name, const char *value)
{
    section_put(section, depth, name, value);
    section_note(section, name, value);
}

void section_leaf(struct section *section, zconfig_t *leaf)
{
    const char *name = zconfig_name(leaf), *raw = zconfig_value(leaf);
    char path[2 * SECTION_PATH_BYTES];
    raw = raw ? raw : "";
    snprintf(path, sizeof path, "%s/%s", section->path, name);
    char *value = new_value(section, path, name, raw);
    if (value) {
        section_put(section, section->depth, name, value);
    }
    bool later = !value && ruled(section, name) && ruled(section, name)->form; /* write_urls() */
    if (!later && (!value || strcmp(value, raw) != 0)) {
        section_note(section, name, value ? value : "left out");
    }
    free(value);
}

void section_missing(struct drill_home *drill, const char *actor, const char *provider)
{
    json_t *line = json_pack("{s:s, s:s}", "actor", actor, "provider", provider);
    MUST(line && json_array_append_new(drill->not_drilled, line) == 0);
}
