#include "drill_home.h"

#include "digest.h"
#include "home.h"
#include "must.h"
#include "process.h"
#include "rules.h"
#include "scratch.h"
#include "seller.h"
#include "values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SECRET_BYTES = 24,
    SECRET_CHARS = 4 * SECRET_BYTES,
    INDENT = 4,
    PATH_BYTES = 256,
    COPY_MS = 10000,
    COPIED_BYTES_MAX = 1 << 20
};

/* One section while it is written anew. */
struct section {
    struct drill_home *drill;
    struct buf *out;
    const char *actor;   /* "crm"; "alert" for its hooks, too */
    struct stand *stand; /* of this target; NULL: none */
    char path[PATH_BYTES];
    int depth;
    struct buf *why;
};

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
static char *new_secret(struct section *section, char *text, size_t room)
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
    char text[SECRET_CHARS], *value = new_secret(section, text, sizeof text);
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
static char *filled(struct section *section, struct stand *stand, const char *form)
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
        return row->form && !later ? filled(section, section->stand, row->form) : NULL;
    }
    if (is_secret(name, raw)) {
        char text[SECRET_CHARS];
        return new_secret(section, text, sizeof text);
    }
    if (strstr(raw, "://")) {
        bool slash = raw[strlen(raw) - 1] == '/';
        return must_sprintf("http://127.0.0.1:9%s", slash ? "/" : ""); /* a page that mails name */
    }
    value = copied_file(section, raw);
    return value ? value : must_strdup(raw);
}

/* --- writing -------------------------------------------------------------------------------- */

static void put(struct section *section, int depth, const char *name, const char *value)
{
    char quote = strchr(value, '"') ? '\'' : '"';
    if (strchr(value, quote) || strchr(value, '\n')) {
        buf_printf(section->why, "usher.cfg: %s/%s: cannot be written anew\n", section->path, name);
        return;
    }
    buf_printf(section->out, "%*s%s = %c%s%c\n", depth * INDENT, "", name, quote, value, quote);
}

static void note(struct drill_home *drill, const char *path, const char *name, const char *now)
{
    json_t *line =
        json_pack("{s:o, s:s}", "setting", json_sprintf("%s/%s", path, name), "now", now);
    MUST(line && json_array_append_new(drill->changed, line) == 0);
}

static void note_change(struct section *section, const char *name, const char *now)
{
    note(section->drill, section->path, name, now);
}

static void put_changed(struct section *section, int depth, const char *name, const char *value)
{
    put(section, depth, name, value);
    note_change(section, name, value);
}

static void write_leaf(struct section *section, zconfig_t *leaf)
{
    const char *name = zconfig_name(leaf), *raw = zconfig_value(leaf);
    char path[2 * PATH_BYTES];
    raw = raw ? raw : "";
    snprintf(path, sizeof path, "%s/%s", section->path, name);
    char *value = new_value(section, path, name, raw);
    if (value) {
        put(section, section->depth, name, value);
    }
    bool later = !value && ruled(section, name) && ruled(section, name)->form; /* write_urls() */
    if (!later && (!value || strcmp(value, raw) != 0)) {
        note_change(section, name, value ? value : "left out");
    }
    free(value);
}

/* What the target is told whether the founder's config says it or not. */
static void write_urls(struct section *section)
{
    const struct stand_setting *row = section->stand ? section->stand->kind->settings : NULL;
    for (size_t i = 0; row && i < STAND_SETTINGS_MAX && row[i].name; i++) {
        if (row[i].form && strncmp(row[i].form, "{url}", 5) == 0) {
            char *value = filled(section, section->stand, row[i].form);
            put_changed(section, section->depth, row[i].name, value);
            free(value);
        }
    }
}

static void put_retry(struct section *section, const char *name, const char *value)
{
    char *path = must_sprintf("retry/%s", name);
    put(section, section->depth + 1, name, value);
    note_change(section, path, value);
    free(path);
}

/* Of the times, back-off, probes and pace alone: an outage of the drill's lasts a second. */
static void write_times(struct section *section, zconfig_t *node)
{
    const char *give_up = zconfig_get(node, "retry/give_up", "");
    int depth = section->depth;
    put_changed(section, depth, "probe", DRILL_PROBE);
    put_changed(section, depth, "rate", DRILL_RATE);
    buf_printf(section->out, "%*sretry\n", depth * INDENT, "");
    put_retry(section, "first", DRILL_RETRY_FIRST);
    put_retry(section, "max", DRILL_RETRY_MAX);
    if (*give_up) {
        put(section, depth + 1, "give_up", give_up);
    }
}

static json_t *leaves_of(zconfig_t *node)
{
    json_t *leaves = json_object();
    for (zconfig_t *at = zconfig_child(node); at; at = zconfig_next(at)) {
        if (!zconfig_child(at) && zconfig_value(at)) {
            tree_set(leaves, zconfig_name(at), json_string(zconfig_value(at)));
        }
    }
    return leaves;
}

static void note_missing(struct drill_home *drill, const char *actor, const char *provider)
{
    json_t *line = json_pack("{s:s, s:s}", "actor", actor, "provider", provider);
    MUST(line && json_array_append_new(drill->not_drilled, line) == 0);
}

/* Opens what stands in for a section's target. An embedded provider stays; one that nobody can
 * stand in for gives way to an embedded one, and is named. */
static const char *settle_provider(struct section *section, zconfig_t *node, size_t hook)
{
    struct drill_home *drill = section->drill;
    bool mails = strcmp(section->actor, "mailer") == 0;
    const char *provider = zconfig_get(node, "provider", mails ? "maildir" : "local");
    const struct stand_kind *kind = stand_find(section->actor, provider);
    char slot[48];
    if (hook) {
        snprintf(slot, sizeof slot, "%.16s-%zu", provider, hook);
    } else {
        snprintf(slot, sizeof slot, "%s", section->actor);
    }
    if (kind && drill->stand_count < DRILL_STANDS_MAX &&
        stand_open(drill->loop, kind, slot, leaves_of(node), &section->stand) == OK) {
        drill->stands[drill->stand_count++] = section->stand;
        return provider;
    }
    drill->keeps_notices = drill->keeps_notices || hook; /* an embedded one, now or instead */
    if (!kind && stand_is_embedded(provider)) {
        return provider;
    }
    note_missing(drill, section->actor, provider);
    return mails ? "maildir" : "local";
}

static void write_children(struct section *section, zconfig_t *node);

static void write_target(struct section *section, zconfig_t *node, size_t hook)
{
    const char *founders = zconfig_get(node, "provider", "");
    const char *provider = settle_provider(section, node, hook);
    bool given_up = *founders && strcmp(founders, provider) != 0;
    if (given_up) { /* settings of a provider that is not there any more would be mistakes */
        put_changed(section, section->depth, "provider", provider);
        if (strcmp(section->actor, "mailer") == 0 && zconfig_get(node, "from", NULL)) {
            put(section, section->depth, "from", zconfig_get(node, "from", ""));
        }
        return;
    }
    write_children(section, node);
    write_urls(section);
    if (section->stand && !hook) {
        write_times(section, node);
    }
}

/* --- who posts ------------------------------------------------------------------------------ */

const struct drill_source *drill_home_source(const struct drill_home *drill, const char *kind,
                                             const char *provider)
{
    for (size_t i = 0; i < drill->source_count; i++) {
        const struct drill_source *source = &drill->sources[i];
        if (strcmp(source->kind, kind) == 0 && strcmp(source->provider, provider) == 0) {
            return source;
        }
    }
    return NULL;
}

/* It signs with a secret of the drill's, wherever the founder's is. NULL: there are too many. */
static struct drill_source *write_source_secret(struct section *section, const char *kind,
                                                const char *provider, const char *name)
{
    struct drill_home *drill = section->drill;
    if (drill->source_count == DRILL_SOURCES_MAX) {
        buf_printf(section->why, "usher.cfg: webhook: too many sources for a drill\n");
        return NULL;
    }
    struct drill_source *source = &drill->sources[drill->source_count++];
    snprintf(source->kind, sizeof source->kind, "%s", kind);
    snprintf(source->provider, sizeof source->provider, "%s", provider);
    snprintf(source->name, sizeof source->name, "%s", *name ? name : provider);
    char *value = new_secret(section, source->secret, sizeof source->secret);
    put_changed(section, section->depth, "secret", value);
    free(value);
    return source;
}

/* A section payment, support or mail of the webhook. Its key, which would ask the provider's API
 * for what was missed, is left out. */
static void write_source(struct section *section, zconfig_t *node)
{
    const char *kind = zconfig_name(node);
    bool pays = strcmp(kind, "payment") == 0;
    const char *provider = zconfig_get(node, "provider", pays ? "stripe" : "");
    for (zconfig_t *at = zconfig_child(node); at; at = zconfig_next(at)) {
        const char *name = zconfig_name(at);
        if (strcmp(name, "key") == 0) {
            note_change(section, name, "left out");
        } else if (strcmp(name, "secret") != 0) {
            write_leaf(section, at);
        }
    }
    struct drill_source *source =
        write_source_secret(section, kind, provider, zconfig_get(node, "name", ""));
    if (source) {
        const char *products = zconfig_get(node, "products", "");
        snprintf(source->product, sizeof source->product, "%.*s", (int)strcspn(products, " \t,"),
                 products);
    }
}

/* Which source tells of payments: the first that the drill can speak for; the others are named.
 * Where it can speak for none there is one of Stripe's beside them, and what is the provider's own
 * has not been drilled. */
static void settle_payments(struct section *section)
{
    struct drill_home *drill = section->drill;
    struct section inner = *section;
    size_t count = drill->source_count;
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (!found && strcmp(drill->sources[i].kind, "payment") == 0 &&
            seller_find(drill->sources[i].provider)) {
            drill->payments = i;
            found = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        bool pays = strcmp(drill->sources[i].kind, "payment") == 0;
        if (pays && !(found && i == drill->payments)) {
            note_missing(drill, found ? "webhook" : "payment", drill->sources[i].provider);
        }
    }
    if (found) {
        return;
    }
    snprintf(inner.path, sizeof inner.path, "webhook/payment");
    inner.depth = 2;
    buf_printf(section->out, "%*spayment\n", INDENT, "");
    put(&inner, 2, "provider", "stripe");
    put(&inner, 2, "name", "drill");
    drill->payments = drill->source_count;
    (void)write_source_secret(&inner, "payment", "stripe", "drill");
}

static bool is_source(const char *path)
{
    return strcmp(path, "webhook/payment") == 0 || strcmp(path, "webhook/support") == 0 ||
           strcmp(path, "webhook/mail") == 0;
}

/* --- sections ------------------------------------------------------------------------------- */

static void write_inner(struct section *section, zconfig_t *node, size_t *hooks)
{
    struct section inner = *section;
    const char *name = zconfig_name(node);
    if (strcmp(section->path, "mailer") == 0 && strcmp(name, "dkim") == 0) {
        note_change(section, name, "left out"); /* its keys are the founder's */
        return;
    }
    bool is_hook = strcmp(section->path, "alert") == 0 && strcmp(name, "hook") == 0;
    buf_printf(section->out, "%*s%s\n", section->depth * INDENT, "", name);
    snprintf(inner.path, sizeof inner.path, "%.200s/%.50s", section->path, name);
    inner.depth++;
    inner.stand = NULL;
    if (is_hook) {
        write_target(&inner, node, ++*hooks);
    } else if (is_source(inner.path)) {
        write_source(&inner, node);
    } else {
        write_children(&inner, node);
    }
}

static bool is_target(const char *name)
{
    return strcmp(name, "crm") == 0 || strcmp(name, "support") == 0 ||
           strcmp(name, "mailer") == 0 || strcmp(name, "app") == 0;
}

/* What write_times() writes is not written twice. */
static bool is_time(const struct section *section, const char *name)
{
    bool timed = section->stand || strcmp(section->path, "alert") == 0;
    return timed && section->depth == 1 &&
           (strcmp(name, "retry") == 0 || strcmp(name, "probe") == 0 || strcmp(name, "rate") == 0);
}

static void write_children(struct section *section, zconfig_t *node)
{
    size_t hooks = 0;
    for (zconfig_t *at = zconfig_child(node); at; at = zconfig_next(at)) {
        if (is_time(section, zconfig_name(at))) {
            continue;
        }
        if (zconfig_child(at)) {
            write_inner(section, at, &hooks);
        } else {
            write_leaf(section, at);
        }
    }
}

static void write_section(struct drill_home *drill, zconfig_t *node, struct buf *out,
                          struct buf *why)
{
    const char *name = zconfig_name(node);
    struct section section = {.drill = drill, .out = out, .actor = name, .depth = 1, .why = why};
    snprintf(section.path, sizeof section.path, "%s", name);
    buf_printf(out, "%s\n", name);
    if (is_target(name)) {
        write_target(&section, node, 0);
    } else {
        write_children(&section, node);
    }
    if (strcmp(name, "alert") == 0) {
        write_times(&section, node);
    } else if (strcmp(name, "webhook") == 0) {
        settle_payments(&section);
    }
}

/* Where they listen is said in any case: the founder's fleet may be at the default. */
static void write_listen(struct drill_home *drill, zconfig_t *root, const char *name, int port,
                         struct buf *out, struct buf *why)
{
    struct section section = {.drill = drill, .out = out, .actor = name, .depth = 1, .why = why};
    char *path = must_sprintf("%s/listen", name), *listen = must_sprintf("127.0.0.1:%d", port);
    snprintf(section.path, sizeof section.path, "%s", name);
    if (!zconfig_locate(root, name)) {
        buf_printf(out, "%s\n", name);
    }
    if (!zconfig_locate(root, path)) {
        put_changed(&section, 1, "listen", listen);
    }
    free(path);
    free(listen);
}

static enum fault write_config(struct drill_home *drill, zconfig_t *root, struct buf *why)
{
    struct buf out = {0};
    for (zconfig_t *at = zconfig_child(root); at; at = zconfig_next(at)) {
        write_section(drill, at, &out, why);
        bool door = strcmp(zconfig_name(at), "webhook") == 0;
        if (door || strcmp(zconfig_name(at), "console") == 0) {
            write_listen(drill, root, zconfig_name(at),
                         door ? drill->webhook_port : drill->console_port, &out, why);
        }
    }
    if (!zconfig_locate(root, "webhook")) {
        struct section section = {.drill = drill, .out = &out, .path = "webhook", .why = why};
        write_listen(drill, root, "webhook", drill->webhook_port, &out, why);
        settle_payments(&section);
    }
    if (!zconfig_locate(root, "console")) {
        write_listen(drill, root, "console", drill->console_port, &out, why);
    }
    char *path = home_path(drill->home, "usher.cfg");
    enum fault fault = home_write_file(path, out.bytes, out.len, 0600);
    free(path);
    buf_fini(&out);
    return fault != OK ? fault : why->len ? FAULT_CONFIG : OK;
}

/* rules.cfg and templates, as they are; a file that the founder does not have is not there either. */
static enum fault copy_words(const struct drill_home *drill, struct buf *why)
{
    static const char *const names[] = {"rules.cfg", "templates"};
    enum fault fault = OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat info;
        char *from = home_path(drill->from, "%s", names[i]);
        char *to = home_path(drill->home, "%s", names[i]);
        const char *const remove[] = {"rm", "-rf", "--", to, NULL};
        const char *const copy[] = {"cp", "-RL", "--", from, to, NULL};
        bool there = stat(from, &info) == 0;
        if (process_run(remove, NULL, why, COPY_MS) != 0 ||
            (there && process_run(copy, NULL, why, COPY_MS) != 0)) {
            fault = FAULT_IO;
        }
        free(from);
        free(to);
    }
    return fault;
}

/* A mail that waits ten minutes by its rule waits a moment in the drill. A welcome, which is to go
 * out at once, waits for as long as the founder's rules let it. */
static enum fault shorten_rules(struct drill_home *drill, struct buf *why)
{
    static const char *const ids[] = {
#define X(id, name, when, tag, mail, key, settle, support, alert, sentence) #id,
#include "rules_table.h"
#undef X
    };
    struct rules usual, rules;
    rules_default(&usual);
    enum fault fault = rules_load(drill->home, &rules, why);
    char *path = home_path(drill->home, "rules.cfg");
    zconfig_t *root = fault == OK ? zconfig_load(path) : NULL;
    root = root ? root : zconfig_new("root", NULL);
    for (int i = 0; fault == OK && i < RULE_COUNT; i++) {
        if (usual.rule[i].settle_ms > 0 && rules.rule[i].settle_ms > 0) {
            char setting[64];
            snprintf(setting, sizeof setting, "%s/settle", ids[i]);
            for (char *at = setting; *at; at++) {
                *at = (char)tolower((unsigned char)*at);
            }
            zconfig_put(root, setting, DRILL_SETTLE);
            note(drill, "rules.cfg", setting, DRILL_SETTLE);
        }
    }
    fault = fault == OK && zconfig_save(root, path) != 0 ? FAULT_IO : fault;
    zconfig_destroy(&root);
    free(path);
    return fault;
}

enum fault drill_home_fill(struct drill_home *drill, struct buf *why)
{
    char *path = home_path(drill->from, "usher.cfg");
    zconfig_t *root = zconfig_load(path);
    free(path);
    if (!root) {
        buf_add_text(why, "usher.cfg cannot be read\n");
        return FAULT_CONFIG;
    }
    drill->webhook_port = scratch_free_port();
    drill->console_port = scratch_free_port();
    drill->changed = json_array();
    drill->not_drilled = json_array();
    enum fault fault = write_config(drill, root, why);
    zconfig_destroy(&root);
    fault = fault == OK ? copy_words(drill, why) : fault;
    return fault == OK ? shorten_rules(drill, why) : fault;
}

void drill_home_fini(struct drill_home *drill)
{
    while (drill->stand_count) {
        stand_close(&drill->stands[--drill->stand_count]);
    }
    json_decref(drill->changed);
    json_decref(drill->not_drilled);
    drill->changed = drill->not_drilled = NULL;
}

/* --- looking at what was written ------------------------------------------------------------ */

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
            home_read_file(file, COPIED_BYTES_MAX, &text, &len) != OK) {
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
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%.190s%s%.60s", prefix, *prefix ? "/" : "", zconfig_name(at));
        if (zconfig_value(at)) {
            look_at(home, path, zconfig_value(at), why);
        }
        look_into(home, at, path, why);
    }
}

/* A target whose provider is not embedded must be told where to go: its own default is the world. */
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
        if (is_target(name)) {
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
