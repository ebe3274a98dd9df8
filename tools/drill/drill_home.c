#include "drill_home.h"

#include "drill_section.h"
#include "home.h"
#include "must.h"
#include "process.h"
#include "rules.h"
#include "scratch.h"
#include "values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { COPY_MS = 10000 };

bool drill_home_is_target(const char *name)
{
    static const char *const names[] = {"crm", "support", "mailer", "app"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What the target is told whether the founder's config says it or not. */
static void write_urls(struct section *section)
{
    const struct stand_setting *row = section->stand ? section->stand->kind->settings : NULL;
    for (size_t i = 0; row && i < STAND_SETTINGS_MAX && row[i].name; i++) {
        if (row[i].form && strncmp(row[i].form, "{url}", 5) == 0) {
            char *value = section_filled(section, section->stand, row[i].form);
            section_put_changed(section, section->depth, row[i].name, value);
            free(value);
        }
    }
}

static void put_retry(struct section *section, const char *name, const char *value)
{
    char *path = must_sprintf("retry/%s", name);
    section_put(section, section->depth + 1, name, value);
    section_note(section, path, value);
    free(path);
}

/* Of the times, back-off, probes and pace alone: an outage of the drill's lasts a second. */
static void write_times(struct section *section, zconfig_t *node)
{
    const char *give_up = zconfig_get(node, "retry/give_up", "");
    int depth = section->depth;
    section_put_changed(section, depth, "probe", DRILL_PROBE);
    section_put_changed(section, depth, "rate", DRILL_RATE);
    buf_printf(section->out, "%*sretry\n", depth * SECTION_INDENT, "");
    put_retry(section, "first", DRILL_RETRY_FIRST);
    put_retry(section, "max", DRILL_RETRY_MAX);
    if (*give_up) {
        section_put(section, depth + 1, "give_up", give_up);
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
    section_missing(drill, section->actor, provider);
    return mails ? "maildir" : "local";
}

static void write_children(struct section *section, zconfig_t *node);

static void write_target(struct section *section, zconfig_t *node, size_t hook)
{
    const char *founders = zconfig_get(node, "provider", "");
    const char *provider = settle_provider(section, node, hook);
    bool given_up = *founders && strcmp(founders, provider) != 0;
    if (given_up) { /* settings of a provider that is not there any more would be mistakes */
        section_put_changed(section, section->depth, "provider", provider);
        if (strcmp(section->actor, "mailer") == 0 && zconfig_get(node, "from", NULL)) {
            section_put(section, section->depth, "from", zconfig_get(node, "from", ""));
        }
        return;
    }
    write_children(section, node);
    write_urls(section);
    if (section->stand && !hook) {
        write_times(section, node);
    }
}

static void write_inner(struct section *section, zconfig_t *node, size_t *hooks)
{
    struct section inner = *section;
    const char *name = zconfig_name(node);
    if (strcmp(section->path, "mailer") == 0 && strcmp(name, "dkim") == 0) {
        section_note(section, name, "left out"); /* its keys are the founder's */
        return;
    }
    bool is_hook = strcmp(section->path, "alert") == 0 && strcmp(name, "hook") == 0;
    buf_printf(section->out, "%*s%s\n", section->depth * SECTION_INDENT, "", name);
    snprintf(inner.path, sizeof inner.path, "%.200s/%.50s", section->path, name);
    inner.depth++;
    inner.stand = NULL;
    if (is_hook) {
        write_target(&inner, node, ++*hooks);
    } else if (section_is_source(inner.path)) {
        section_source(&inner, node);
    } else {
        write_children(&inner, node);
    }
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
            section_leaf(section, at);
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
    if (drill_home_is_target(name)) {
        write_target(&section, node, 0);
    } else {
        write_children(&section, node);
    }
    if (strcmp(name, "alert") == 0) {
        write_times(&section, node);
    } else if (strcmp(name, "webhook") == 0) {
        section_settle_payments(&section);
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
        section_put_changed(&section, 1, "listen", listen);
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
        section_settle_payments(&section);
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

/* rules.cfg and templates, as they are; what the founder does not have is not there either. */
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
            section_changed(drill, "rules.cfg", setting, DRILL_SETTLE);
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
