/* settings_test.c - usher.cfg is checked with file, line and what was expected. */
#include "test.h"

#include "settings.h"

static const struct setting rows[] = {
    {"crm/provider", SETTING_CHOICE, "local", 0, 0, "hubspot|local", "which CRM"},
    {"crm/key", SETTING_SECRET, "", 0, 0, NULL, "its key"},
    {"crm/retry/first", SETTING_DURATION, "5s", 1, 3600000, NULL, "first wait"},
    {"crm/calls", SETTING_NUMBER, "8", 1, 64, NULL, "calls at once"},
    {"crm/listen", SETTING_ADDRESS, "127.0.0.1:0", 0, 0, NULL, "where"},
    {"crm/body", SETTING_BYTES, "256k", 0, 0, NULL, "largest"},
    {"crm/on", SETTING_FLAG, "true", 0, 0, NULL, "at all"},
    {"alert/hook/provider", SETTING_CHOICE, "local", 0, 0, "slack|local", "kind"},
    {"alert/hook/url", SETTING_SECRET, "", 0, 0, NULL, "where"},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};
static const struct setting *const tables[] = {rows, NULL};

static struct settings *load(const char *text, const char *expected)
{
    char *home = test_folder();
    test_write_file(home, "usher.cfg", text);
    test_write_file(home, "key", "one\ntwo\n\n");
    struct buf why = {0};
    struct settings *settings = NULL;
    enum fault fault = settings_load(home, "usher.cfg", tables, &settings, &why);
    assert_string_equal(buf_text(&why), expected);
    assert_int_equal(fault, *expected ? FAULT_CONFIG : OK);
    char *secret = NULL;
    if (settings && strstr(text, "file:key")) {
        assert_int_equal(settings_secret(settings, "crm/key", &secret), OK);
        assert_string_equal(secret, "one\ntwo");
        free(secret);
    }
    buf_fini(&why);
    test_rm_folder(&home);
    return settings;
}

static void good_values_are_read(void **state)
{
    (void)state;
    setenv("USHER_TEST_CALLS", "12", 1);
    struct settings *s = load("# a comment\n"
                              "other\n    anything = 1\n"
                              "crm\n"
                              "    provider = hubspot   # why not\n"
                              "    key = \"file:key\"\n"
                              "    calls = \"env:USHER_TEST_CALLS\"\n"
                              "    on = false\n"
                              "    retry\n"
                              "        first = \"250ms\"\n",
                              "");
    assert_string_equal(settings_text(s, "crm/provider"), "hubspot");
    assert_int_equal(settings_number(s, "crm/calls"), 12);
    assert_int_equal(settings_number(s, "crm/retry/first"), 250);
    assert_int_equal(settings_number(s, "crm/body"), 256 * 1024);
    assert_false(settings_flag(s, "crm/on"));
    assert_true(settings_given(s, "crm/provider"));
    assert_false(settings_given(s, "crm/listen"));
    assert_string_equal(settings_text(s, "crm/listen"), "127.0.0.1:0");
    settings_destroy(&s);
    assert_null(s);
}

static void repeated_sections_are_views(void **state)
{
    (void)state;
    struct settings *s = load("alert\n    hook\n        provider = slack\n        url = a\n"
                              "    hook\n        url = b\n",
                              "");
    assert_int_equal(settings_count(s, "alert/hook"), 2);
    const struct settings *first = settings_nth(s, "alert/hook", 0);
    const struct settings *second = settings_nth(s, "alert/hook", 1);
    assert_string_equal(settings_text(first, "alert/hook/provider"), "slack");
    assert_string_equal(settings_text(second, "alert/hook/provider"), "local");
    char *url;
    assert_int_equal(settings_secret(second, "alert/hook/url", &url), OK);
    assert_string_equal(url, "b");
    free(url);
    assert_null(settings_nth(s, "alert/hook", 2));
    settings_destroy(&s);
}

static void mistakes_name_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"crm\n    provider = salesforce\n",
         "usher.cfg:2: crm/provider: expected one of hubspot|local\n"},
        {"crm\n    provdier = local\n", "usher.cfg:2: crm/provdier: unknown setting\n"},
        {"\ncrm\n    retry\n        first = soon\n",
         "usher.cfg:4: crm/retry/first: expected a duration such as 250ms, 5s, 10m, 72h or 30d\n"},
        {"crm\n    calls = 65\n", "usher.cfg:2: crm/calls: out of range: from 1 to 64\n"},
        {"crm\n    calls = many\n    on = yes\n",
         "usher.cfg:2: crm/calls: expected a whole number\n"
         "usher.cfg:3: crm/on: expected true or false\n"},
        {"crm\n    listen = 8080\n",
         "usher.cfg:2: crm/listen: expected host:port, such as 127.0.0.1:8080\n"},
        {"crm\n    key = \"file:absent\"\n", "usher.cfg:2: crm/key: file:absent: not found\n"},
        {"crm\n    key = \"env:USHER_TEST_ABSENT\"\n",
         "usher.cfg:2: crm/key: env:USHER_TEST_ABSENT: not found\n"},
        {"crm\n   calls = 1\n", "usher.cfg:2: indent by a multiple of four spaces\n"},
        {"crm\n\tcalls = 1\n", "usher.cfg:2: indent with four spaces, not with tabs\n"},
        {"crm\n        calls = 1\n",
         "usher.cfg:2: indented deeper than the section it stands in\n"},
        {"crm\n    key = \"open\n", "usher.cfg:2: the quotation mark is not closed\n"},
        {"crm\n    calls 1\n", "usher.cfg:2: expected \"name\" or \"name = value\"\n"},
        {"crm\n    calls = 1\n    calls = 2\n", "usher.cfg:3: crm/calls: is set twice\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct settings *s = load(cases[i].text, cases[i].expected);
        assert_null(s);
    }
}

static void the_manual_has_every_row(void **state)
{
    (void)state;
    struct buf manual = {0};
    settings_manual(tables, &manual);
    assert_non_null(strstr(buf_text(&manual), "crm/retry/first"));
    assert_non_null(strstr(buf_text(&manual), "hubspot|local; default local. which CRM"));
    buf_fini(&manual);
}

static void a_missing_file_is_said(void **state)
{
    (void)state;
    struct settings *settings;
    struct buf why = {0};
    assert_int_equal(settings_load("/nowhere", "usher.cfg", tables, &settings, &why),
                     FAULT_NOT_FOUND);
    assert_string_equal(buf_text(&why), "/nowhere/usher.cfg: not found\n");
    buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_values_are_read),   cmocka_unit_test(repeated_sections_are_views),
        cmocka_unit_test(mistakes_name_the_line), cmocka_unit_test(the_manual_has_every_row),
        cmocka_unit_test(a_missing_file_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
