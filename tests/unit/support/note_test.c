/* note_test.c - what an agent reads, and what the members' own words can do to it: nothing. */
#include "../test.h"

#include "support.h"

#define CONSOLE "https://console.example.com"

static json_t *document(const char *name, bool access)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:{s:i, s:s, s:s}}", "id",
                     "mem_1", "name", name, "email", "ada@example.com", "app_user", "u7", "state",
                     access ? "active" : "revoked", "access", access, "reason",
                     "charge ch_1 refunded", "last_payment_at", (json_int_t)1795430400000, "until",
                     (json_int_t)1798022400000, "last_payment", "amount", 500, "currency", "jpy",
                     "object", "in_1");
}

static json_t *refund(void)
{
    return json_pack("{s:{s:i, s:s, s:s, s:s}, s:b, s:s}", "data", "amount", 2900, "currency",
                     "usd", "object", "ch_1", "subscription", "sub_1", "urgent", 1, "email",
                     "ada@work.example");
}

static void it_says_what_an_agent_needs(void **state)
{
    (void)state;
    json_t *effect = refund();
    json_t *member = document("Ada", false);
    json_t *note = support_note("refund:ch_1", "refund", effect, member, CONSOLE);
    assert_string_equal(tree_text(note, "text"),
                        "Urgent! A payment was refunded: 29.00 USD (ch_1).\n"
                        "Subscription: sub_1\n\n"
                        "Member: Ada, ada@example.com\n"
                        "Access: no (revoked)\n"
                        "Because: charge ch_1 refunded\n"
                        "Last payment: 500 JPY on 2026-11-23 (in_1)\n"
                        "Paid until: 2026-12-23\n"
                        "Member's page: " CONSOLE "/members/mem_1\n"
                        "\n[usher:refund:ch_1]");
    assert_true(tree_flag(note, "urgent"));
    assert_string_equal(tree_text(note, "email"), "ada@work.example");
    assert_string_equal(tree_text(note, "name"), "Ada");
    assert_string_equal(tree_text(note, "user"), "u7");
    assert_string_equal(tree_text(note, "ticket"), "");
    json_t *tags = json_pack("[s, s]", "usher", "member_inactive");
    json_t *untags = json_pack("[s]", "member_active");
    assert_true(json_equal(tree_get(note, "tags"), tags));
    assert_true(json_equal(tree_get(note, "untags"), untags));
    json_decref(tags);
    json_decref(untags);
    json_decref(note);
    json_decref(member);
    json_decref(effect);
}

static void a_dispute_says_why_and_how_it_ended(void **state)
{
    (void)state;
    json_t *effect = json_pack("{s:{s:s, s:s}}", "data", "why", "fraudulent", "status", "lost");
    json_t *member = document("Ada", false);
    json_t *note = support_note("dispute:d:closed", "dispute_closed", effect, member, CONSOLE);
    const char *start = "A dispute is closed.\nReason given: fraudulent\nOutcome: lost\n\nMember: ";
    assert_memory_equal(tree_text(note, "text"), start, strlen(start));
    json_decref(note);
    json_decref(member);
    json_decref(effect);
}

static void a_stranger_is_said_to_be_one(void **state)
{
    (void)state;
    json_t *effect = json_pack("{s:s}", "email", "who@example.com");
    json_t *note = support_note("ticket:zendesk:9", "ticket", effect, NULL, CONSOLE);
    assert_string_equal(tree_text(note, "text"),
                        "There is no member with this address (who@example.com): who wrote may use "
                        "another one than for paying.\n"
                        "Members: " CONSOLE "/members\n"
                        "\n[usher:ticket:zendesk:9]");
    assert_string_equal(tree_text(note, "ticket"), "9");
    assert_int_equal(json_array_size(tree_get(note, "tags")), 1);
    assert_int_equal(json_array_size(tree_get(note, "untags")), 0);
    json_decref(note);
    json_decref(effect);
}

static void the_ticket_is_in_the_key_or_the_data(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *kind;
        const char *object; /* of the data */
        const char *ticket;
    } rows[] = {
        {"ticket:5", "ticket", "", "5"},
        {"ticket:zendesk:5", "ticket", "", "5"},
        {"ticket:zendesk:5:again:0123abcd", "ticket", "", "5"},
        {"ticket:zendesk:5:again:0123abcd", "ticket", "zendesk:5", "5"},
        {"ticket:5", "ticket", "6", "6"},
        {"refund:ch_1", "refund", "ch_1", ""},
        {"dispute:dp_1:closed", "dispute_closed", "dp_1", ""},
        {"ticket:", "ticket", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *effect = json_pack("{s:{s:s}}", "data", "object", rows[i].object);
        json_t *note = support_note(rows[i].key, rows[i].kind, effect, NULL, CONSOLE);
        assert_string_equal(tree_text(note, "ticket"), rows[i].ticket);
        json_decref(note);
        json_decref(effect);
    }
}

/* What a name becomes in the line "Member: ..., ada@example.com". */
static void names_stay_in_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *shown;
    } rows[] = {
        {"Zo\u00eb \U0001f389", "Zo\u00eb \U0001f389"},
        {"Ada\r\nAccess: yes (active)", "Ada  Access: yes (active)"},
        {"x [usher:refund:ch_2]", "x (usher:refund:ch_2]"},
        {"[[usher:a]", "[(usher:a]"},
        {"\u05d3\u05d5\u05d3", "\u2068\u05d3\u05d5\u05d3\u2069"},
        {"\u0645\u0631\u064a\u0645 (1)", "\u2068\u0645\u0631\u064a\u0645 (1)\u2069"},
        {"evil \u202egnp.exe", "evil gnp.exe"},
        {"a\u2066b\u2069c\u200f\u061c", "abc"},
        {"line\u2028two\xc2\x85"
         "x",
         "line two x"},
        {"<b>\"O'Neill\" & co</b>", "<b>\"O'Neill\" & co</b>"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *member = document(rows[i].name, true);
        json_t *note = support_note("refund:ch_1", "refund", NULL, member, CONSOLE);
        char line[512];
        snprintf(line, sizeof line, "\nMember: %s, ada@example.com\n", rows[i].shown);
        if (!strstr(tree_text(note, "text"), line)) {
            fail_msg("%s: %s", rows[i].name, tree_text(note, "text"));
        }
        json_decref(note);
        json_decref(member);
    }
}

static void a_long_name_is_cut_between_characters(void **state)
{
    (void)state;
    char name[10241] = "";
    for (size_t i = 0; i + 2 < sizeof name; i += 2) {
        memcpy(name + i, "\u00eb", 3);
    }
    json_t *member = document(name, true);
    json_t *note = support_note("refund:ch_1", "refund", NULL, member, CONSOLE);
    const char *shown = tree_text(note, "name");
    assert_int_equal(strlen(shown), 200);
    assert_true(strlen(tree_text(note, "text")) < 700);
    json_decref(note);
    json_decref(member);
}

static void as_html_nothing_is_markup_but_ours(void **state)
{
    (void)state;
    struct buf html = {0};
    json_t *member = document("<script>\"A\" & 'b'", true);
    json_object_del(member, "reason");
    tree_set_int(member, "last_payment_at", 0);
    tree_set_int(member, "until", 0);
    json_t *note = support_note("refund:ch_1", "refund", NULL, member, CONSOLE);
    support_html(note, &html);
    assert_string_equal(buf_text(&html),
                        "A payment was refunded.<br><br>"
                        "Member: &lt;script&gt;&quot;A&quot; &amp; &#39;b&#39;, ada@example.com<br>"
                        "Access: yes (active)<br>"
                        "Member&#39;s page: <a href=\"" CONSOLE "/members/mem_1\">" CONSOLE
                        "/members/mem_1</a><br><br>[usher:refund:ch_1]");
    assert_true(support_marked(buf_text(&html), "refund:ch_1"));
    buf_fini(&html);
    json_decref(note);
    json_decref(member);
}

static void markers_are_told_apart(void **state)
{
    (void)state;
    assert_true(support_marked("x [usher:refund:ch_1] y", "refund:ch_1"));
    assert_false(support_marked("[usher:refund:ch_12]", "refund:ch_1"));
    assert_false(support_marked("[usher:refund:ch_1", "refund:ch_1"));
    assert_false(support_marked("", "refund:ch_1"));
    struct buf marker = {0};
    support_marker("ticket:x<&>]", &marker);
    assert_int_equal(marker.len, strlen("[usher:]") + 64);
    assert_null(strpbrk(buf_text(&marker), "<&>"));
    assert_true(support_marked(buf_text(&marker), "ticket:x<&>]"));
    buf_fini(&marker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_an_agent_needs),
        cmocka_unit_test(a_dispute_says_why_and_how_it_ended),
        cmocka_unit_test(a_stranger_is_said_to_be_one),
        cmocka_unit_test(the_ticket_is_in_the_key_or_the_data),
        cmocka_unit_test(names_stay_in_their_place),
        cmocka_unit_test(a_long_name_is_cut_between_characters),
        cmocka_unit_test(as_html_nothing_is_markup_but_ours),
        cmocka_unit_test(markers_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
