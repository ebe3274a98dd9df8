/* RULES.md and the code are held together: every row of its tables is told to the ledger and to the
 * oracle. The rules file, and the rules in plain English. */
#include "stories.h"

#include "home.h"

enum { CELLS = 5, CELL_BYTES = 64 };

static FILE *lines;
static char *lines_path;
static char *rules_text;

/* --- telling a row ------------------------------------------------------------------------------ */

struct telling {
    struct story_event events[STORY_EVENTS_MAX];
    size_t count;
    int64_t now_ms;
    struct rules rules;
};

static struct fact *tell(struct telling *telling, enum fact_kind kind, const char *key, int64_t day)
{
    assert_true(telling->count < STORY_EVENTS_MAX);
    struct fact *fact = &telling->events[telling->count++].facts[0];
    *fact = (struct fact){.kind = kind, .key = key, .at_ms = START + day * DAY};
    return fact;
}

static void pay(struct telling *telling, const char *key, const char *subscription, bool paid,
                int64_t day)
{
    struct fact *fact = tell(telling, FACT_PAYMENT, key, day);
    fact->status = paid ? "paid" : "failed";
    fact->customer = "cus_1";
    fact->subscription = subscription;
    fact->amount = 2900;
    fact->until_ms = *subscription ? START + (day + 30) * DAY : 0;
}

static void refund(struct telling *telling, const char *charge, const char *payment, int64_t amount,
                   int64_t day)
{
    struct fact *fact = tell(telling, FACT_REFUND, charge, day);
    fact->amount = amount;
    fact->of = 2900;
    tell(telling, FACT_LINK, charge, day)->object = payment;
}

static bool is(const char *cell, const char *word)
{
    return strcmp(cell, word) == 0;
}

static void tell_subscription(struct telling *telling, const char *cell)
{
    if (is(cell, "one-off") || is(cell, "unseen")) {
        return;
    }
    static const char *const words[] = {"active", "trialing",   "past_due",           "unpaid",
                                        "paused", "incomplete", "incomplete_expired", "canceled"};
    struct fact *fact = tell(telling, FACT_SUBSCRIPTION, "sub_1", 40);
    fact->customer = "cus_1";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is(cell, words[i])) {
            fact->status = words[i];
        }
    }
    if (is(cell, "active, will end")) {
        fact->status = "active";
        fact->ends_ms = START + 60 * DAY;
    }
    assert_non_null(fact->status);
}

static void tell_payment(struct telling *telling, const char *cell, const char *subscription)
{
    if (is(cell, "paid") || is(cell, "renewal failed")) {
        pay(telling, "in_1", subscription, true, 0);
        if (is(cell, "renewal failed")) {
            pay(telling, "in_2", subscription, false, 30);
        }
    } else if (is(cell, "failed")) {
        pay(telling, "in_1", subscription, false, 0);
    } else if (is(cell, "failed, then paid")) {
        pay(telling, "in_1", subscription, false, 0);
        pay(telling, "in_1", subscription, true, 1);
    } else if (is(cell, "old one paid late")) {
        pay(telling, "in_2", subscription, false, 30);
        pay(telling, "in_1", subscription, false, 0);
        pay(telling, "in_1", subscription, true, 0);
    } else {
        assert_string_equal(cell, "none");
    }
}

static void tell_since(struct telling *telling, const char *cell, const char *subscription)
{
    if (strncmp(cell, "dispute ", 8) == 0 || is(cell, "inquiry")) {
        struct fact *fact = tell(telling, FACT_DISPUTE, "dp_1", 41);
        fact->status = is(cell, "inquiry")        ? "inquiry"
                       : is(cell, "dispute open") ? "open"
                       : is(cell, "dispute won")  ? "won"
                                                  : "lost";
        fact->object = "ch_1";
        tell(telling, FACT_LINK, "ch_1", 0)->object = "in_1";
    } else if (is(cell, "refunded in full") || is(cell, "refund failed")) {
        refund(telling, "ch_1", "in_1", 2900, 41);
        if (is(cell, "refund failed")) {
            struct fact *fact = tell(telling, FACT_REFUND_STATE, "re_1", 42);
            fact->status = "failed";
            fact->object = "ch_1";
            fact->amount = 2900;
        }
    } else if (is(cell, "partly refunded")) {
        refund(telling, "ch_1", "in_1", 100, 41);
    } else if (is(cell, "older one refunded")) {
        refund(telling, "ch_0", "in_0", 2900, 41);
        pay(telling, "in_0", subscription, true, -30);
    } else if (is(cell, "within grace") || is(cell, "after grace")) {
        telling->rules.grace_ms = 20 * DAY;
        telling->now_ms = START + (is(cell, "after grace") ? 50 : 45) * DAY;
    } else if (is(cell, "period over")) {
        telling->now_ms = START + 30 * DAY;
    } else {
        assert_string_equal(cell, "nothing");
    }
}

static struct view *view_of(struct telling *telling, struct factset *set)
{
    for (size_t i = 0; i < telling->count; i++) {
        story_tell(set, &telling->events[i]);
    }
    if (telling->now_ms) {
        factset_add_due(set, telling->now_ms);
    }
    return view_new(set, &telling->rules);
}

static void assert_row(struct telling *telling, const char *row, const char *state,
                       const char *access)
{
    struct factset set = {0};
    tell(telling, FACT_CUSTOMER, "cus_1", 0)->email = "ada@x.com";
    struct view *view = view_of(telling, &set);
    story_line(lines, telling->events, telling->count, view);
    assert_int_equal(view->member_count, 1);
    const struct member *member = &view->members[0];
    if (!is(state_name(member->state), state) || member->access != is(access, "yes")) {
        fail_msg("%s: the code says %s, access %s: %s", row, state_name(member->state),
                 member->access ? "yes" : "no", member->reason);
    }
    assert_true(*member->reason);
    view_destroy(&view);
    factset_fini(&set);
}

/* --- reading the tables ----------------------------------------------------------------------------- */

static size_t read_cells(const char *line, char cells[CELLS][CELL_BYTES])
{
    size_t count = 0;
    while (*line == '|' && count < CELLS) {
        const char *from = line + 1 + strspn(line + 1, " "), *end = strchr(from, '|');
        if (!end) {
            break;
        }
        line = end;
        while (end > from && end[-1] == ' ') {
            end--;
        }
        snprintf(cells[count++], CELL_BYTES, "%.*s", (int)(end - from), from);
    }
    return count;
}

typedef void each_row(const char *row, char cells[CELLS][CELL_BYTES]);

static size_t rows_of(const char *heading, size_t columns, each_row *each)
{
    const char *at = strstr(rules_text, heading);
    assert_non_null(at);
    at = strstr(at, "|---");
    size_t rows = 0;
    for (at = strchr(at, '\n') + 1; *at == '|'; at = strchr(at, '\n') + 1) {
        char cells[CELLS][CELL_BYTES], row[256];
        snprintf(row, sizeof row, "%.*s", (int)strcspn(at, "\n"), at);
        assert_int_equal(read_cells(row, cells), columns);
        each(row, cells);
        rows++;
    }
    return rows;
}

static void item_row(const char *row, char cells[CELLS][CELL_BYTES])
{
    struct telling telling = {0};
    rules_default(&telling.rules);
    const char *subscription = is(cells[0], "one-off") ? "" : "sub_1";
    tell_subscription(&telling, cells[0]);
    tell_payment(&telling, cells[1], subscription);
    tell_since(&telling, cells[2], subscription);
    assert_row(&telling, row, cells[3], cells[4]);
}

static void every_row_of_the_truth_table(void **state)
{
    (void)state;
    assert_true(rows_of("## Does an item give access?", 5, item_row) >= 40);
}

static void tell_item(struct telling *telling, const char *word, const char *payment,
                      const char *subscription, const char *charge)
{
    if (is(word, "nothing")) {
        return;
    }
    pay(telling, payment, subscription, !is(word, "failed"), 0);
    struct fact *fact = tell(telling, FACT_SUBSCRIPTION, subscription, 0);
    fact->customer = "cus_1";
    fact->status = strncmp(word, "ended", 5) == 0 ? "canceled"
                   : is(word, "paused")           ? "paused"
                   : is(word, "trialing")         ? "trialing"
                   : is(word, "failed")           ? "incomplete"
                                                  : "active";
    fact->ended_ms = strncmp(word, "ended", 5) == 0 ? START + 20 * DAY : 0;
    if (is(word, "refunded")) {
        refund(telling, charge, payment, 2900, 10);
    }
}

static void tell_person(struct telling *telling, const char *cell)
{
    static char id[RECORD_ID_BYTES];
    record_id("stripe", "customer", "cus_1", id);
    struct act act = {.record = id, .who = "ada", .reason = "", .id = "tools:1", .at_ms = START};
    if (strncmp(cell, "granted", 7) == 0) {
        act.until_ms = is(cell, "granted, run out") ? START + DAY : 0;
        telling->now_ms = START + 2 * DAY;
        telling->events[telling->count++].act = act;
    }
    if (strstr(cell, "revoked")) {
        act.id = "tools:2";
        act.revoke = true;
        act.until_ms = 0;
        telling->events[telling->count++].act = act;
    }
    if (strstr(cell, "given back")) {
        act.id = "tools:3";
        act.lift = true;
        act.at_ms++;
        telling->events[telling->count++].act = act;
    }
}

static void member_row(const char *row, char cells[CELLS][CELL_BYTES])
{
    struct telling telling = {0};
    char first[CELL_BYTES];
    rules_default(&telling.rules);
    snprintf(first, sizeof first, "%.*s", (int)strcspn(cells[0], ","), cells[0]);
    const char *second = strchr(cells[0], ',');
    tell_item(&telling, first, "in_1", "sub_1", "ch_1");
    tell_item(&telling, second ? second + 2 : "nothing", "in_2", "sub_2", "ch_2");
    tell_person(&telling, cells[1]);
    assert_row(&telling, row, cells[2], cells[3]);
}

static void every_row_of_the_members_table(void **state)
{
    (void)state;
    assert_true(rows_of("## What is a member's state?", 4, member_row) >= 16);
}

static void the_oracle_agrees(void **state)
{
    (void)state;
    assert_int_equal(fclose(lines), 0);
    story_ask_oracle(lines_path);
}

/* --- the rules themselves ------------------------------------------------------------------------------ */

static void rules_are_printed_whole(void **state)
{
    (void)state;
    struct rules rules;
    struct buf out = {0};
    rules_default(&rules);
    rules_print(&rules, &out);
    const char *text = buf_text(&out);
    for (int i = 0; i < RULE_COUNT; i++) {
        assert_non_null(strstr(text, rules.rule[i].name));
        assert_non_null(strstr(text, rules.rule[i].sentence));
        assert_non_null(strstr(text, rules.rule[i].tag));
    }
    json_t *tree = rules_tree(&rules);
    assert_int_equal(json_array_size(tree), RULE_COUNT);
    json_decref(tree);
    assert_int_equal(rules.rule[RULE_PAYMENT_FAILED].settle_ms, 10 * 60 * 1000);
    assert_int_equal(rules.rule[RULE_BACK].settle_ms, 60 * 1000);
    assert_int_equal(rules.rule[RULE_FIRST_ACCESS].settle_ms, 0);
    buf_fini(&out);
}

static void a_rules_file_changes_one_rule_at_a_time(void **state)
{
    (void)state;
    char *home = test_folder();
    struct rules rules;
    struct buf why = {0};
    assert_int_equal(rules_load(home, &rules, &why), OK); /* no file */
    assert_true(rules.rule[RULE_BACK].mail);
    test_write_file(home, "rules.cfg",
                    "payment_failed\n    grace = \"3d\"\n    settle = \"1h\"\n    alert = false\n"
                    "back\n    mail = false\nfirst_access\n    tag = \"insider\"\n");
    assert_int_equal(rules_load(home, &rules, &why), OK);
    assert_int_equal(rules.grace_ms, 3 * DAY);
    assert_int_equal(rules.rule[RULE_PAYMENT_FAILED].settle_ms, 3600 * 1000);
    assert_false(rules.rule[RULE_PAYMENT_FAILED].alert);
    assert_true(rules.rule[RULE_PAYMENT_FAILED].mail);
    assert_false(rules.rule[RULE_BACK].mail);
    assert_string_equal(rules.rule[RULE_FIRST_ACCESS].tag, "insider");
    test_write_file(home, "rules.cfg", "back\n    settle = \"soon\"\n");
    assert_int_equal(rules_load(home, &rules, &why), FAULT_CONFIG);
    assert_non_null(strstr(buf_text(&why), "rules.cfg:2"));
    buf_reset(&why);
    test_write_file(home, "rules.cfg", "refunded\n    mail = true\n");
    assert_int_equal(rules_load(home, &rules, &why), FAULT_CONFIG); /* it knows no mail */
    assert_non_null(strstr(buf_text(&why), "rules.cfg:2"));
    buf_fini(&why);
    test_rm_folder(&home);
}

int main(void)
{
    char *folder = test_folder();
    size_t len;
    lines_path = must_sprintf("%s/lines", folder);
    lines = fopen(lines_path, "w");
    assert_non_null(lines);
    assert_int_equal(home_read_file(USHER_SOURCE "/schema/RULES.md", 1 << 20, &rules_text, &len),
                     OK);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_truth_table),
        cmocka_unit_test(every_row_of_the_members_table),
        cmocka_unit_test(the_oracle_agrees),
        cmocka_unit_test(rules_are_printed_whole),
        cmocka_unit_test(a_rules_file_changes_one_rule_at_a_time),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(lines_path);
    free(rules_text);
    test_rm_folder(&folder);
    return failed;
}
