#include "rules.h"

#include "clock.h"
#include "must.h"
#include "settings.h"
#include "values.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { PARTS = 6, PATH_BYTES_MAX = 64, GRACE_MS_MAX = 90 * 24 * 3600 };

static const struct {
    const char *id, *name, *when, *tag, *mail, *key, *settle, *support, *sentence;
    bool alert;
} table[RULE_COUNT] = {
#define X(id, name, when, tag, mail, key, settle, support, alert, sentence)                        \
    {#id, name, when, tag, mail, key, settle, support, sentence, alert},
#include "rules_table.h"
#undef X
};

static int64_t duration(const char *text)
{
    int64_t ms = 0;
    MUST(clock_parse_duration(text, &ms));
    return ms;
}

void rules_default(struct rules *rules)
{
    *rules = (struct rules){0};
    for (int i = 0; i < RULE_COUNT; i++) {
        struct rule *rule = &rules->rule[i];
        rule->name = table[i].name;
        rule->when = table[i].when;
        rule->mail_kind = table[i].mail;
        rule->key = table[i].key;
        rule->sentence = table[i].sentence;
        snprintf(rule->tag, sizeof rule->tag, "%s", table[i].tag);
        rule->mail = *table[i].mail != '\0';
        rule->support = *table[i].support != '\0';
        rule->urgent = strcmp(table[i].support, "urgent") == 0;
        rule->alert = table[i].alert;
        rule->settle_ms = duration(table[i].settle);
    }
}

/* --- rules.cfg --------------------------------------------------------------------------------- */

struct settings_rows {
    struct setting rows[RULE_COUNT * PARTS + 2];
    char paths[RULE_COUNT * PARTS][PATH_BYTES_MAX];
    size_t count;
};

static const char *add_path(struct settings_rows *rows, int rule, const char *what)
{
    char *path = rows->paths[rows->count];
    snprintf(path, PATH_BYTES_MAX, "%s/%s", table[rule].id, what);
    for (char *c = path; *c; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return path;
}

static void add_flag(struct settings_rows *rows, int rule, const char *what, bool possible,
                     const char *help)
{
    if (possible) {
        rows->rows[rows->count] = (struct setting){.path = add_path(rows, rule, what),
                                                   .kind = SETTING_FLAG,
                                                   .fallback = "true",
                                                   .help = help};
        rows->count++;
    }
}

/* Only what a rule can do may be set: a mail that it does not know is an unknown key. */
static void make_rows(struct settings_rows *rows)
{
    *rows = (struct settings_rows){0};
    for (int i = 0; i < RULE_COUNT; i++) {
        add_flag(rows, i, "mail", *table[i].mail, "Whether the rule sends its mail.");
        add_flag(rows, i, "support", *table[i].support, "Whether the support desk gets a note.");
        add_flag(rows, i, "alert", table[i].alert, "Whether the founder is told.");
        if (*table[i].tag) {
            rows->rows[rows->count] = (struct setting){.path = add_path(rows, i, "tag"),
                                                       .kind = SETTING_TEXT,
                                                       .fallback = table[i].tag,
                                                       .max = RULE_TAG_BYTES_MAX,
                                                       .help = "The CRM tag; empty: none."};
            rows->count++;
        }
        if (*table[i].mail) {
            rows->rows[rows->count] =
                (struct setting){.path = add_path(rows, i, "settle"),
                                 .kind = SETTING_DURATION,
                                 .fallback = table[i].settle,
                                 .max = (int64_t)GRACE_MS_MAX * 1000,
                                 .help = "How long the condition holds before the mail goes out."};
            rows->count++;
        }
    }
    rows->rows[rows->count] =
        (struct setting){.path = "payment_failed/grace",
                         .kind = SETTING_DURATION,
                         .fallback = "0s",
                         .max = (int64_t)GRACE_MS_MAX * 1000,
                         .help = "How long access stays on after a failed payment."};
}

static bool given(const struct settings_rows *rows, const char *path)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->rows[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

static void take(const struct settings *settings, const struct settings_rows *rows,
                 struct rules *rules)
{
    struct settings_rows names = {0}; /* builds paths */
    for (int i = 0; i < RULE_COUNT; i++) {
        struct rule *rule = &rules->rule[i];
        names.count = 0;
        const char *path = add_path(&names, i, "mail");
        rule->mail = given(rows, path) && settings_flag(settings, path);
        path = add_path(&names, i, "support");
        rule->support = given(rows, path) && settings_flag(settings, path);
        path = add_path(&names, i, "alert");
        rule->alert = given(rows, path) && settings_flag(settings, path);
        path = add_path(&names, i, "tag");
        if (given(rows, path)) {
            snprintf(rule->tag, sizeof rule->tag, "%s", settings_text(settings, path));
        }
        path = add_path(&names, i, "settle");
        if (given(rows, path)) {
            rule->settle_ms = settings_number(settings, path);
        }
    }
    rules->grace_ms = settings_number(settings, "payment_failed/grace");
}

enum fault rules_load(const char *home, struct rules *rules, struct buf *why)
{
    static struct settings_rows rows; /* settings keep pointing at them */
    rules_default(rules);
    make_rows(&rows);
    const struct setting *const tables[] = {rows.rows, NULL};
    struct settings *settings = NULL;
    enum fault fault = settings_load(home, "rules.cfg", tables, &settings, why);
    if (fault == FAULT_NOT_FOUND) {
        buf_reset(why);
        return OK;
    }
    if (fault == OK) {
        char names[RULE_COUNT][PATH_BYTES_MAX];
        const char *known[RULE_COUNT + 1] = {NULL};
        for (int i = 0; i < RULE_COUNT; i++) {
            struct settings_rows name = {0};
            snprintf(names[i], PATH_BYTES_MAX, "%s", add_path(&name, i, ""));
            names[i][strlen(names[i]) - 1] = '\0'; /* without its slash */
            known[i] = names[i];
        }
        fault = settings_stray(home, "rules.cfg", known, why);
    }
    if (fault == OK) {
        take(settings, &rows, rules);
    }
    settings_destroy(&settings);
    return fault;
}

/* --- for people -------------------------------------------------------------------------------- */

static void print_duration(int64_t ms, struct buf *out)
{
    if (ms && ms % 60000 == 0) {
        buf_printf(out, "%lld min", (long long)(ms / 60000));
    } else {
        buf_printf(out, "%lld s", (long long)(ms / 1000));
    }
}

void rules_print(const struct rules *rules, struct buf *out)
{
    for (int i = 0; i < RULE_COUNT; i++) {
        const struct rule *rule = &rules->rule[i];
        buf_printf(out, "%s (%s).\n    %s\n", rule->when, rule->name, rule->sentence);
        if (*rule->tag) {
            buf_printf(out, "    CRM tag: %s.\n", rule->tag);
        }
        if (rule->mail) {
            buf_printf(out, "    Mail: %s, once for each %s", rule->mail_kind, rule->key);
            if (rule->settle_ms) {
                buf_add_text(out, ", if it still holds after ");
                print_duration(rule->settle_ms, out);
            }
            buf_add_text(out, ".\n");
        } else if (*rule->mail_kind) {
            buf_add_text(out, "    Mail: switched off.\n");
        }
        if (rule->support) {
            buf_printf(out, "    Support: %s note, once for each %s.\n",
                       rule->urgent ? "an urgent" : "a", rule->key);
        }
        if (rule->alert) {
            buf_add_text(out, "    Alert: the founder is told.\n");
        }
        if (i == RULE_PAYMENT_FAILED) {
            buf_add_text(out, "    Grace: ");
            print_duration(rules->grace_ms, out);
            buf_add_text(out, ".\n");
        }
    }
}

json_t *rules_tree(const struct rules *rules)
{
    json_t *list = json_array();
    MUST(list);
    for (int i = 0; i < RULE_COUNT; i++) {
        const struct rule *rule = &rules->rule[i];
        json_t *tree = json_object();
        MUST(tree);
        tree_set_text(tree, "name", rule->name);
        tree_set_text(tree, "when", rule->when);
        tree_set_text(tree, "sentence", rule->sentence);
        tree_set_text(tree, "key", rule->key);
        tree_set_text(tree, "tag", rule->tag);
        tree_set_text(tree, "mail", rule->mail ? rule->mail_kind : "");
        tree_set_int(tree, "settle_ms", rule->settle_ms);
        tree_set_text(tree, "support", rule->support ? rule->urgent ? "urgent" : "note" : "");
        tree_set_flag(tree, "alert", rule->alert);
        if (i == RULE_PAYMENT_FAILED) {
            tree_set_int(tree, "grace_ms", rules->grace_ms);
        }
        MUST(json_array_append_new(list, tree) == 0);
    }
    return list;
}
