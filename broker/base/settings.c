#include "settings.h"

#include "home.h"
#include "must.h"
#include "setting_value.h"

#include <ctype.h>
#include <czmq.h>

enum {
    FILE_BYTES_MAX = 1 << 20,
    INDENT_CHARS = 4,
    DEPTH_MAX = 8,
    PATH_CHARS_MAX = 256,
    SECTIONS_MAX = 64
};

struct value {
    const struct setting *row;
    char *text; /* resolved, except for secrets: as it stands in the file */
    int64_t number;
    bool given;
};

struct settings {
    char *home;
    zconfig_t *root; /* owned by the top one */
    const struct setting *const *tables;
    struct value *values;
    size_t count;
    /* views of repeated sections, made at load */
    struct settings *views[SECTIONS_MAX];
    const char *view_section[SECTIONS_MAX];
    size_t view_count;
    bool is_view;
};

/* What a check needs to say where a mistake is. The tree in preorder and the file's lines that
 * name something come in the same order, which is how a node finds its line. */
struct check {
    const char *file;
    struct settings *settings;
    int *lines;
    size_t line_count;
    size_t next;
    struct buf *why;
    size_t mistakes;
};

static void mistake(struct check *check, int line, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void mistake(struct check *check, int line, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *words = NULL;
    MUST(vasprintf(&words, format, args) >= 0);
    va_end(args);
    if (line) {
        buf_printf(check->why, "%s:%d: ", check->file, line);
    } else {
        buf_printf(check->why, "%s: ", check->file);
    }
    buf_printf(check->why, *path ? "%s: %s\n" : "%s%s\n", path, words);
    free(words);
    check->mistakes++;
}

/* --- the file, line by line: ZPL's grammar as rfc.zeromq.org/spec/4 has it ------------------- */

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || strchr("$-_@.&+/", c);
}

static const char *line_fault(const char *line, int *depth, int last_depth)
{
    size_t spaces = strspn(line, " ");
    const char *at = line + spaces;
    if (*at == '\t') {
        return "indent with four spaces, not with tabs";
    }
    if (spaces % INDENT_CHARS) {
        return "indent by a multiple of four spaces";
    }
    *depth = (int)(spaces / INDENT_CHARS);
    if (*depth > last_depth + 1 || *depth >= DEPTH_MAX) {
        return "indented deeper than the section it stands in";
    }
    if (!is_name_char(*at)) {
        return "expected a name";
    }
    while (*at && is_name_char(*at)) {
        at++;
    }
    at += strspn(at, " \t");
    if (*at == '\0' || *at == '#') {
        return NULL;
    }
    if (*at != '=') {
        return "expected \"name\" or \"name = value\"";
    }
    at++;
    at += strspn(at, " \t");
    if (*at == '"' || *at == '\'') {
        const char *end = strchr(at + 1, *at);
        if (!end) {
            return "the quotation mark is not closed";
        }
        end++;
        end += strspn(end, " \t");
        if (*end && *end != '#') {
            return "unexpected text after the value";
        }
    }
    return NULL;
}

static void check_lines(struct check *check, char *text)
{
    int number = 0, last_depth = -1;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        number++;
        size_t len = strlen(line);
        if (len && line[len - 1] == '\r') {
            line[len - 1] = '\0';
        }
        const char *first = line + strspn(line, " \t");
        if (*first == '\0' || *first == '#') {
            continue;
        }
        int depth = 0;
        const char *wrong = line_fault(line, &depth, last_depth);
        if (wrong) {
            mistake(check, number, "", "%s", wrong);
        }
        last_depth = depth;
        check->lines = must_realloc(check->lines, (check->line_count + 1) * sizeof *check->lines);
        check->lines[check->line_count++] = number;
    }
}

/* --- values ---------------------------------------------------------------------------------- */

static const struct setting *find_row(const struct settings *settings, const char *path)
{
    for (size_t t = 0; settings->tables[t]; t++) {
        for (const struct setting *row = settings->tables[t]; row->path; row++) {
            if (strcmp(row->path, path) == 0) {
                return row;
            }
        }
    }
    return NULL;
}

static bool starts_path(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(path, prefix, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* True if some row lies in the section, so that it is ours to check. */
static bool knows_section(const struct settings *settings, const char *path)
{
    for (size_t t = 0; settings->tables[t]; t++) {
        for (const struct setting *row = settings->tables[t]; row->path; row++) {
            if (starts_path(row->path, path)) {
                return true;
            }
        }
    }
    return false;
}

static void set_value(struct check *check, struct settings *settings, const struct setting *row,
                      const char *raw, int line, bool given)
{
    struct value value = {.row = row, .given = given};
    char *text = NULL;
    enum fault fault = setting_resolve(settings->home, raw, &text);
    if (fault != OK) {
        mistake(check, line, row->path, "%s: %s", raw, fault_words(fault));
    } else {
        const char *wrong = setting_parse(row, text, &value.number);
        if (wrong && row->kind == SETTING_CHOICE) {
            mistake(check, line, row->path, "%s %s", wrong, row->choices);
        } else if (wrong && (row->min || row->max) && strcmp(wrong, "out of range") == 0) {
            mistake(check, line, row->path, "%s: from %lld to %lld", wrong, (long long)row->min,
                    (long long)row->max);
        } else if (wrong) {
            mistake(check, line, row->path, "%s", wrong);
        }
    }
    if (row->kind == SETTING_SECRET) { /* resolved afresh whenever it is asked for */
        memset(text, 0, strlen(text));
        free(text);
        text = must_strdup(raw);
    }
    value.text = text;
    for (size_t i = 0; i < settings->count; i++) {
        if (settings->values[i].row == row) {
            if (settings->values[i].given) {
                mistake(check, line, row->path, "is set twice");
            }
            free(settings->values[i].text);
            settings->values[i] = value;
            return;
        }
    }
    settings->values =
        must_realloc(settings->values, (settings->count + 1) * sizeof *settings->values);
    settings->values[settings->count++] = value;
}

static int next_line(struct check *check)
{
    return check->next < check->line_count ? check->lines[check->next++] : 0;
}

static struct settings *new_view(struct settings *top, const char *section, zconfig_t *node)
{
    struct settings *view = must_calloc(1, sizeof *view);
    view->home = must_strdup(top->home);
    view->root = node;
    view->tables = top->tables;
    view->is_view = true;
    top->views[top->view_count] = view;
    top->view_section[top->view_count++] = section;
    return view;
}

/* Every node becomes a view's root when its section repeats; views cost little, so each section
 * that lies two levels deep or more gets one. */
static void walk(struct check *check, struct settings *into, zconfig_t *node, const char *prefix,
                 bool ours)
{
    for (zconfig_t *child = zconfig_child(node); child; child = zconfig_next(child)) {
        int line = next_line(check);
        char path[PATH_CHARS_MAX];
        snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "/" : "", zconfig_name(child));
        struct settings *top = check->settings;
        bool mine = ours || knows_section(top, path);
        const struct setting *row = find_row(top, path);
        const char *raw = zconfig_value(child);
        if (zconfig_child(child) || (!row && mine && knows_section(top, path))) {
            struct settings *view = into;
            if (*prefix && mine && top->view_count < SECTIONS_MAX && into == top) {
                view = new_view(top, must_strdup(path), child);
            }
            if (mine && !knows_section(top, path)) {
                mistake(check, line, path, "unknown section");
            }
            walk(check, view, child, path, mine);
        } else if (row) {
            set_value(check, into, row, raw ? raw : "", line, true);
        } else if (mine) {
            mistake(check, line, path, "unknown setting");
        }
    }
}

static bool in_section(const char *path, const char *section)
{
    return starts_path(path, section) && strcmp(path, section) != 0;
}

static bool in_a_view(const struct settings *settings, const struct setting *row)
{
    for (size_t i = 0; i < settings->view_count; i++) {
        const struct settings *view = settings->views[i];
        for (size_t j = 0; j < view->count; j++) {
            if (view->values[j].row == row) {
                return true;
            }
        }
    }
    return false;
}

static void add_fallbacks(struct check *check, struct settings *settings, const char *section)
{
    for (size_t t = 0; settings->tables[t]; t++) {
        for (const struct setting *row = settings->tables[t]; row->path; row++) {
            bool known = section && !in_section(row->path, section);
            for (size_t i = 0; i < settings->count && !known; i++) {
                known = settings->values[i].row == row;
            }
            /* A secret that the file names elsewhere need not be where it usually is. */
            known = known || (row->kind == SETTING_SECRET && in_a_view(settings, row));
            if (!known && row->fallback) {
                set_value(check, settings, row, row->fallback, 0, false);
            }
        }
    }
}

static void check_file(struct check *check, const char *path, char *text)
{
    struct settings *settings = check->settings;
    check_lines(check, text);
    if (check->mistakes == 0) {
        settings->root = zconfig_load(path);
        if (!settings->root) {
            mistake(check, 0, "", "is not ZPL");
        } else {
            walk(check, settings, settings->root, "", false);
        }
    }
    for (size_t i = 0; i < settings->view_count; i++) {
        add_fallbacks(check, settings->views[i], settings->view_section[i]);
    }
    add_fallbacks(check, settings, NULL);
}

enum fault settings_load(const char *home, const char *file, const struct setting *const *tables,
                         struct settings **out, struct buf *why)
{
    *out = NULL;
    char *path = home_path(home, "%s", file);
    char *text = NULL;
    size_t len;
    enum fault fault = home_read_file(path, FILE_BYTES_MAX, &text, &len);
    if (fault != OK) {
        buf_printf(why, "%s: %s\n", path, fault_words(fault));
        free(path);
        return fault;
    }
    struct settings *settings = must_calloc(1, sizeof *settings);
    settings->home = must_strdup(home);
    settings->tables = tables;
    struct check check = {.file = file, .settings = settings, .why = why};
    if (strlen(text) != len) {
        mistake(&check, 0, "", "holds a NUL byte");
    } else {
        check_file(&check, path, text);
    }
    free(text);
    free(path);
    free(check.lines);
    if (check.mistakes) {
        settings_destroy(&settings);
        return FAULT_CONFIG;
    }
    *out = settings;
    return OK;
}

void settings_destroy(struct settings **settings)
{
    struct settings *self = *settings;
    if (!self) {
        return;
    }
    for (size_t i = 0; i < self->view_count; i++) {
        settings_destroy(&self->views[i]);
        free((char *)self->view_section[i]);
    }
    for (size_t i = 0; i < self->count; i++) {
        free(self->values[i].text);
    }
    free(self->values);
    free(self->home);
    if (!self->is_view) {
        zconfig_destroy(&self->root);
    }
    free(self);
    *settings = NULL;
}

const char *settings_home(const struct settings *settings)
{
    return settings->home;
}

static const struct value *find_value(const struct settings *settings, const char *path)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->values[i].row->path, path) == 0) {
            return &settings->values[i];
        }
    }
    /* A value of a section that stands once is seen from the top, too. */
    for (size_t i = 0; i < settings->view_count; i++) {
        if (in_section(path, settings->view_section[i])) {
            const struct value *value = find_value(settings->views[i], path);
            if (value) {
                return value;
            }
        }
    }
    return NULL;
}

static const struct value *get_value(const struct settings *settings, const char *path)
{
    /* A view's own values go before the top's fallbacks. */
    for (size_t i = 0; i < settings->view_count; i++) {
        if (in_section(path, settings->view_section[i])) {
            const struct value *value = find_value(settings->views[i], path);
            if (value && value->given) {
                return value;
            }
        }
    }
    return find_value(settings, path);
}

const char *settings_text(const struct settings *settings, const char *path)
{
    const struct value *value = get_value(settings, path);
    return value ? value->text : "";
}

int64_t settings_number(const struct settings *settings, const char *path)
{
    const struct value *value = get_value(settings, path);
    return value ? value->number : 0;
}

bool settings_flag(const struct settings *settings, const char *path)
{
    return settings_number(settings, path) != 0;
}

bool settings_given(const struct settings *settings, const char *path)
{
    const struct value *value = get_value(settings, path);
    return value && value->given;
}

enum fault settings_secret(const struct settings *settings, const char *path, char **secret)
{
    const struct value *value = get_value(settings, path);
    return setting_resolve(settings->home, value ? value->text : "", secret);
}

size_t settings_count(const struct settings *settings, const char *section)
{
    size_t count = 0;
    for (size_t i = 0; i < settings->view_count; i++) {
        count += strcmp(settings->view_section[i], section) == 0;
    }
    return count;
}

const struct settings *settings_nth(const struct settings *settings, const char *section, size_t n)
{
    for (size_t i = 0; i < settings->view_count; i++) {
        if (strcmp(settings->view_section[i], section) == 0 && n-- == 0) {
            return settings->views[i];
        }
    }
    return NULL;
}

/* The node of a path whose segments may say which of several is meant: "payment#2". NULL: none. */
static zconfig_t *node_at(zconfig_t *root, const char *path)
{
    zconfig_t *node = root;
    while (node && *path) {
        size_t chars = strcspn(path, "/"), name = strcspn(path, "/#");
        long nth = name < chars ? strtol(path + name + 1, NULL, 10) : 1;
        for (node = zconfig_child(node); node; node = zconfig_next(node)) {
            const char *own = zconfig_name(node);
            if (strlen(own) == name && memcmp(own, path, name) == 0 && --nth == 0) {
                break;
            }
        }
        path += chars + (path[chars] == '/');
    }
    return node;
}

static const char *value_at(zconfig_t *root, const char *path, const char *fallback)
{
    zconfig_t *node = root ? node_at(root, path) : NULL;
    return node && zconfig_value(node) ? zconfig_value(node) : fallback;
}

size_t settings_peek_count(const char *home, const char *file, const char *section)
{
    size_t count = 0;
    char *whole = home_path(home, "%s", file);
    zconfig_t *root = zconfig_load(whole);
    free(whole);
    while (root) {
        char *path = must_sprintf("%s#%zu", section, count + 1);
        bool there = node_at(root, path);
        free(path);
        if (!there) {
            break;
        }
        count++;
    }
    zconfig_destroy(&root);
    return count;
}

enum fault settings_peek(const char *home, const char *file, const char *path, const char *fallback,
                         char **text)
{
    char *whole = home_path(home, "%s", file);
    zconfig_t *root = zconfig_load(whole);
    free(whole);
    const char *raw = value_at(root, path, fallback);
    enum fault fault = root ? setting_resolve(home, raw, text) : FAULT_NOT_FOUND;
    if (!root) {
        *text = must_strdup(fallback);
    }
    zconfig_destroy(&root);
    return fault;
}

enum fault settings_secret_path(const char *home, const char *file, const char *path,
                                const char *fallback, char **whole)
{
    static const char prefix[] = "file:";
    char *config = home_path(home, "%s", file);
    zconfig_t *root = zconfig_load(config);
    free(config);
    const char *raw = value_at(root, path, fallback);
    enum fault fault = OK;
    *whole = NULL;
    if (strncmp(raw, prefix, sizeof prefix - 1) != 0) {
        fault = FAULT_NOT_FOUND;
    } else if (raw[sizeof prefix - 1] == '/' || strstr(raw, "..")) {
        fault = FAULT_DENIED;
    } else {
        *whole = home_path(home, "%s", raw + sizeof prefix - 1);
    }
    zconfig_destroy(&root);
    return fault;
}

static void section_text(zconfig_t *node, int depth, struct buf *out)
{
    buf_printf(out, "%*s%s = %s\n", depth * INDENT_CHARS, "", zconfig_name(node),
               zconfig_value(node) ? zconfig_value(node) : "");
    for (zconfig_t *child = zconfig_child(node); child; child = zconfig_next(child)) {
        section_text(child, depth + 1, out);
    }
}

void settings_section_text(const struct settings *settings, const char *section, struct buf *out)
{
    zconfig_t *node = settings->root ? zconfig_locate(settings->root, section) : NULL;
    if (node) {
        section_text(node, 0, out);
    }
}

void settings_manual(const struct setting *const *tables, struct buf *out)
{
    for (size_t t = 0; tables && tables[t]; t++) {
        for (const struct setting *row = tables[t]; row->path; row++) {
            bool has_fallback = row->fallback && *row->fallback;
            buf_printf(out, "  %-28s ", row->path);
            if (row->choices) {
                buf_printf(out, "%s; ", row->choices);
            }
            if (has_fallback) {
                buf_printf(out, "default %s. ", row->fallback);
            }
            buf_printf(out, "%s\n", row->help ? row->help : "");
        }
    }
}
