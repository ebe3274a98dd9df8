#include "member_view.h"

#include "clock.h"
#include "event_view.h"
#include "money.h"
#include "must.h"
#include "values.h"

#include <string.h>
#include <time.h>

static json_t *time_or_null(int64_t ms)
{
    char text[CLOCK_TEXT_BYTES];
    return ms ? json_string(clock_rfc3339(ms, text)) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

/* Always the same fields, whatever the actor says. */
static json_t *lane_json(const json_t *answer, const char *actor)
{
    const char *state = tree_text(answer, "state");
    char *silent = must_sprintf("%s does not answer", actor);
    json_t *lane = json_pack("{s:s, s:I, s:I, s:o, s:o}", "state",
                             !answer  ? "unknown"
                             : *state ? state
                                      : "none",
                             "version", (json_int_t)tree_int(answer, "version"), "attempts",
                             (json_int_t)tree_int(answer, "attempts"), "at",
                             time_or_null(tree_int(answer, "at")), "error",
                             text_or_null(answer ? tree_text(answer, "error") : silent));
    free(silent);
    MUST(lane);
    return lane;
}

static json_t *timeline_json(const json_t *timeline)
{
    json_t *list = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(timeline, i, entry)
    {
        json_t *time = tree_get(entry, "time");
        json_t *line = json_pack("{s:o, s:s, s:s, s:o, s:o}", "time",
                                 json_is_string(time) ? json_incref(time)
                                                      : time_or_null(json_integer_value(time)),
                                 "lane", tree_text(entry, "lane"), "text", tree_text(entry, "text"),
                                 "event", text_or_null(view_bare_id(tree_text(entry, "event"))),
                                 "rule", text_or_null(tree_text(entry, "rule")));
        MUST(line && json_array_append_new(list, line) == 0);
    }
    return list;
}

static void copy(json_t *to, const json_t *from, const char *key)
{
    json_t *value = tree_get(from, key);
    tree_set(to, key, value ? json_incref(value) : json_null());
}

json_t *member_json(const json_t *document, const json_t *crm, const json_t *support,
                    const json_t *mail)
{
    static const char *const as_they_are[] = {"id",     "email",   "name",   "state",
                                              "access", "version", "reason", NULL};
    static const char *const behind[] = {"tags",      "rule",    "source",      "app_user",
                                         "customers", "aliases", "suggestions", NULL};
    json_t *member = json_object();
    for (const char *const *key = as_they_are; *key; key++) {
        copy(member, document, *key);
    }
    tree_set(member, "last_payment_at", time_or_null(tree_int(document, "last_payment_at")));
    copy(member, document, "last_payment");
    tree_set(member, "until", time_or_null(tree_int(document, "until")));
    for (const char *const *key = behind; *key; key++) {
        copy(member, document, *key);
    }
    tree_set(member, "crm", lane_json(crm, "crm"));
    tree_set(member, "support", lane_json(support, "support"));
    tree_set(member, "mail", lane_json(mail, "mailer"));
    tree_set(member, "timeline", timeline_json(tree_get(document, "timeline")));
    return member;
}

size_t member_first(const json_t *documents)
{
    size_t best = 0, i;
    json_t *document;
    json_array_foreach(documents, i, document)
    {
        const json_t *there = json_array_get(documents, best);
        bool has = tree_flag(document, "access"), had = tree_flag(there, "access");
        if (has != had
                ? has
                : tree_int(document, "last_payment_at") > tree_int(there, "last_payment_at")) {
            best = i;
        }
    }
    return best;
}

/* --- printing -------------------------------------------------------------------------------- */

static void print_lane(const struct cli *cli, const char *label, const json_t *lane)
{
    const char *state = tree_text(lane, "state"), *error = tree_text(lane, "error");
    bool bad = strcmp(state, "dead") == 0 || strcmp(state, "uncertain") == 0;
    bool good =
        strcmp(state, "synced") == 0 || strcmp(state, "sent") == 0 || strcmp(state, "done") == 0;
    printf("  %-13s %s%s%s", label,
           cli_paint(cli, bad    ? PAINT_RED
                          : good ? PAINT_GREEN
                                 : PAINT_NONE),
           cli_clean(state), cli_paint(cli, PAINT_NONE));
    if (tree_int(lane, "version")) {
        printf(", version %lld", (long long)tree_int(lane, "version"));
    }
    if (tree_int(lane, "attempts") > 1) {
        printf(", %lld attempts", (long long)tree_int(lane, "attempts"));
    }
    if (*tree_text(lane, "at")) {
        printf(", %s", tree_text(lane, "at"));
    }
    printf("%s%s\n", *error ? ": " : "", cli_clean(error));
}

static void print_field(const char *label, const char *text)
{
    if (*text) {
        printf("  %-13s %s\n", label, cli_clean(text));
    }
}

static void print_list(const char *label, const json_t *list)
{
    struct buf text = {0};
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        buf_printf(&text, "%s%s", i ? ", " : "",
                   json_is_string(entry) ? json_string_value(entry) : "");
    }
    print_field(label, buf_text(&text));
    buf_fini(&text);
}

static void print_payment(const json_t *member)
{
    const json_t *payment = tree_get(member, "last_payment");
    if (*tree_text(member, "last_payment_at")) {
        struct buf text = {0};
        money_words(tree_int(payment, "amount"), tree_text(payment, "currency"), &text);
        buf_printf(&text, ", %s (%s)", tree_text(member, "last_payment_at"),
                   tree_text(payment, "object"));
        print_field("last payment", buf_text(&text));
        buf_fini(&text);
    }
}

static void print_timeline(const struct cli *cli, const json_t *timeline)
{
    size_t i;
    json_t *entry;
    json_array_foreach(timeline, i, entry)
    {
        const char *rule = tree_text(entry, "rule"), *event = tree_text(entry, "event");
        bool ours = strchr(event, ':'); /* long, and says nothing to people */
        printf("  %s%-24s%s  %-6s  %s%s%s%s", cli_paint(cli, PAINT_DIM),
               cli_clean(tree_text(entry, "time")), cli_paint(cli, PAINT_NONE),
               cli_clean(tree_text(entry, "lane")), cli_clean(tree_text(entry, "text")),
               *rule ? " (" : "", cli_clean(rule), *rule ? ")" : "");
        if (!ours && *event) {
            printf("  %s%s%s", cli_paint(cli, PAINT_DIM), cli_clean(event),
                   cli_paint(cli, PAINT_NONE));
        }
        putchar('\n');
    }
}

void member_print(const struct cli *cli, const json_t *member)
{
    bool access = tree_flag(member, "access");
    const char *name = tree_text(member, "name");
    printf("%s%s%s%s%s  %saccess %s%s, %s\n", cli_paint(cli, PAINT_BOLD), cli_clean(name),
           *name ? "  " : "", cli_clean(tree_text(member, "email")), cli_paint(cli, PAINT_NONE),
           cli_paint(cli, access ? PAINT_GREEN : PAINT_YELLOW), access ? "on" : "off",
           cli_paint(cli, PAINT_NONE), cli_clean(tree_text(member, "state")));
    print_field("why", tree_text(member, "reason"));
    print_field("rule", tree_text(member, "rule"));
    print_field("until", tree_text(member, "until"));
    print_payment(member);
    print_list("tags", tree_get(member, "tags"));
    print_lane(cli, "CRM", tree_get(member, "crm"));
    print_lane(cli, "support", tree_get(member, "support"));
    print_lane(cli, "mail", tree_get(member, "mail"));
    print_field("id", tree_text(member, "id"));
    print_field("app user", tree_text(member, "app_user"));
    print_list("customers", tree_get(member, "customers"));
    print_list("perhaps also", tree_get(member, "suggestions"));
    if (json_array_size(tree_get(member, "timeline"))) {
        printf("\n");
        print_timeline(cli, tree_get(member, "timeline"));
    }
}
