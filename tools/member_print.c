#include "member_print.h"

#include "money.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

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
    print_lane(cli, "web app", tree_get(member, "app"));
    print_field("id", tree_text(member, "id"));
    print_field("app user", tree_text(member, "app_user"));
    print_list("customers", tree_get(member, "customers"));
    print_list("perhaps also", tree_get(member, "suggestions"));
    if (json_array_size(tree_get(member, "timeline"))) {
        printf("\n");
        print_timeline(cli, tree_get(member, "timeline"));
    }
}
