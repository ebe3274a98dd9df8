/* A mapping is read line by line; what it says of a body, and what is wrong with it. */
#include "bodies.h"

#include "mapping.h"

extern const struct provider provider_standard;

static struct mapping *parsed(const char *text)
{
    struct mapping *mapping = NULL;
    struct buf why = {0};
    if (mapping_parse("own.cfg", text, strlen(text), &mapping, &why) != OK) {
        fail_msg("%s", buf_text(&why));
    }
    buf_fini(&why);
    return mapping;
}

#define KEY "            key = k\n"
#define ROW "events\n    a\n        payment\n" KEY "            status = paid\n"

static void test_mistakes_name_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "own.cfg: no event has a meaning; expected a section events\n"},
        {"events\n", "own.cfg: no event has a meaning; expected a section events\n"},
        {"\tevents\n", "own.cfg:1: indent with four spaces, not with tabs\n"},
        {ROW "other\n", "own.cfg:6: other: expected one section sender and one section events\n"},
        {ROW "events\n", "own.cfg:6: events: expected one section sender and one section events\n"},
        {ROW "sender\n    kind = \"{a}\"\n", "own.cfg:7: kind: expected type, time or live\n"},
        {ROW "sender\n    type = \"{a\"\n", "own.cfg:7: type: expected . or [ or | or }\n"},
        {ROW "    a\n        link\n" KEY "            object = o\n",
         "own.cfg:6: a: is there twice\n"},
        {ROW "    b\n", "own.cfg:6: b: expected facts below it\n"},
        {ROW "    b = c\n", "own.cfg:6: b: expected facts, or the name of a type that has some\n"},
        {ROW "    b = a\n    c = b\n",
         "own.cfg:7: c: expected facts, or the name of a type that has some\n"},
        {ROW "        ticket\n" KEY,
         "own.cfg:6: ticket: expected product, payment, refund, refund_state, dispute, "
         "subscription, customer or link\n"},
        {ROW "        customer\n            email = e\n",
         "own.cfg:6: customer: a customer needs its key\n"},
        {ROW "        payment\n" KEY, "own.cfg:6: payment: a payment needs its status\n"},
        {ROW "        link\n" KEY, "own.cfg:6: link: a link needs its object\n"},
        {ROW "            amout = 1\n", "own.cfg:6: amout: a payment has no such field\n"},
        {ROW "            ends = \"{e}\"\n", "own.cfg:6: ends: a payment has no such field\n"},
        {ROW "            name = \"{}\"\n", "own.cfg:6: name: expected a name of a member\n"},
        {ROW "            name = \"a}\"\n", "own.cfg:6: name: a } without its {\n"},
        {ROW "            name = \"{a.}\"\n", "own.cfg:6: name: expected a name of a member\n"},
        {ROW "            name = \"{a b}\"\n", "own.cfg:6: name: expected . or [ or | or }\n"},
        {ROW "            name = \"{a[}\"\n", "own.cfg:6: name: expected a name of a member\n"},
        {ROW "            name = \"{a[1}\"\n",
         "own.cfg:6: name: expected [number] or [name=path]\n"},
        {ROW "            name = \"{a[b=c}\"\n", "own.cfg:6: name: expected ]\n"},
        {ROW "            name = \"{a[99999]}\"\n",
         "own.cfg:6: name: the number of an element is too large\n"},
        {ROW "            name\n", "own.cfg:6: name: expected a text such as \"{data.id}\"\n"},
        {ROW "            when = b\n",
         "own.cfg:6: when: expected \"{path}\" or \"{path} = word\"\n"},
        {ROW "            name = \"{n}\"\n                a\n",
         "own.cfg:7: a: expected \"what it shows = what we call it\"\n"},
        {"events\n    a\n        payment\n" KEY "            status = done\n",
         "own.cfg:5: status: \"done\" is no status of a payment; expected one of paid, failed\n"},
        {"events\n    a\n        dispute\n" KEY "            status = \"{s}\"\n"
         "                lost = lost\n                gone = gone\n",
         "own.cfg:7: gone: \"gone\" is no status of a dispute; expected one of open, won, lost, "
         "inquiry\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mapping *mapping = NULL;
        struct buf why = {0};
        enum fault fault =
            mapping_parse("own.cfg", rows[i].text, strlen(rows[i].text), &mapping, &why);
        assert_string_equal(buf_text(&why), rows[i].why);
        assert_int_equal(fault, FAULT_CONFIG);
        assert_null(mapping);
        buf_fini(&why);
    }
}

static void test_files_of_the_home_and_shipped_ones(void **state)
{
    (void)state;
    char *home = test_folder();
    struct mapping *mapping = NULL;
    struct buf why = {0};
    test_write_file(home, "own.cfg", ROW);
    assert_int_equal(mapping_read(home, "own.cfg", &mapping, &why), OK);
    mapping_destroy(&mapping);
    assert_int_equal(mapping_read(home, "polar", &mapping, &why), OK);
    mapping_destroy(&mapping);
    assert_int_equal(mapping_read(home, "gone.cfg", &mapping, &why), FAULT_CONFIG);
    assert_non_null(strstr(buf_text(&why), "gone.cfg: "));
    buf_reset(&why);
    assert_int_equal(mapping_read(home, "", &mapping, &why), FAULT_CONFIG);
    assert_string_equal(buf_text(&why), "usher.cfg: webhook/payment/mapping: expected a file such "
                                        "as mappings/own.cfg, or one of clerk polar\n");
    buf_fini(&why);
    test_rm_folder(&home);
}

/* One field of one customer, from one body. */
static void check_text(const char *text, const char *expected)
{
    static const char body[] =
        "{\"type\":\"a\",\"id\":7,\"yes\":true,\"no\":false,\"nil\":null,\"half\":1.5,"
        "\"word\":\"w\",\"who\":{\"first\":\"Ada\",\"last\":\"\",\"id\":\"m2\","
        "\"metadata\":{\"other\":1,\"user_id\":42}},"
        "\"mails\":[{\"id\":\"m1\",\"at\":\"one\"},{\"id\":\"m2\",\"at\":\"two\"}]}";
    char *file = NULL;
    assert_true(asprintf(&file,
                         "events\n    a\n        customer\n            key = k\n"
                         "            name = \"%s\"\n",
                         text) > 0);
    struct mapping *mapping = parsed(file);
    struct tape tape = {0};
    struct translation out;
    assert_int_equal(
        translate_body(&provider_standard, mapping, body, strlen(body), NULL, &tape, &out), OK);
    if (strcmp(out.facts[0].name, expected) != 0) {
        fail_msg("%s shows \"%s\", expected \"%s\"", text, out.facts[0].name, expected);
    }
    tape_fini(&tape);
    mapping_destroy(&mapping);
    free(file);
}

static void test_texts_show_places(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"plain", "plain"},
        {"{word}", "w"},
        {"{who.first}", "Ada"},
        {"{id}", "7"},
        {"{yes} {no}", "true false"},
        {"a_{id}", "a_7"},
        {"{who.first} {who.last}", "Ada"},
        {"{who.last} {who.first}", "Ada"},
        {"a_{nil}", ""},
        {"a_{gone}_{word}", "a__w"},
        {"{gone|who.last|word|id}", "w"},
        {"{gone|nil}", ""},
        {"{half}", ""},
        {"{who}", ""},
        {"{mails}", ""},
        {"{mails[0].at}", "one"},
        {"{mails[1].at}", "two"},
        {"{mails[2].at}", ""},
        {"{who[0]}", ""},
        {"{mails[id=who.id].at}", "two"},
        {"{mails[id=word].at|mails[0].at}", "one"},
        {"{mails[id=gone].at}", ""},
        {"{word.deeper}", ""},
        {"{who.metadata.$user}", "42"},
        {"{who.$user|word}", "w"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_text(rows[i][0], rows[i][1]);
    }
}

static void test_fields_have_kinds(void **state)
{
    (void)state;
    static const char file[] = "sender\n"
                               "    type = \"{kind}\"\n"
                               "    time = \"{at}\"\n"
                               "    live = \"{sandbox}\"\n"
                               "        true = false\n"
                               "        else = true\n"
                               "events\n"
                               "    sold\n"
                               "        payment\n"
                               "            when = \"{money}\"\n"
                               "            key = \"{id}\"\n"
                               "            status = \"{state}\"\n"
                               "                ok = paid\n"
                               "                else = failed\n"
                               "            amount = \"{net}+{tax}\"\n"
                               "            currency = \"{currency}\"\n"
                               "            until = \"{until}\"\n"
                               "            final = \"{last}\"\n"
                               "    also:sold = sold\n";
    static const struct {
        const char *body, *mode, *shows;
    } rows[] = {
        {"{\"kind\":\"sold\",\"at\":1790848800,\"money\":1,\"id\":\"o1\",\"state\":\"ok\",\"net\":"
         "25,"
         "\"tax\":\"4\",\"currency\":\"EUR\",\"until\":1793527200000}",
         "live", "paid 29 eur 1793527200000 1790848800000 0"},
        {"{\"kind\":\"also:sold\",\"at\":\"2026-10-01T10:00:00Z\",\"money\":true,\"id\":\"o1\","
         "\"state\":\"no\",\"net\":25,\"last\":true,\"until\":\"soon\",\"currency\":\"EURO\"}",
         "live", "failed 25  0 1790848800000 1"},
        {"{\"kind\":\"sold\",\"at\":1,\"money\":1,\"id\":\"o1\",\"state\":\"ok\",\"net\":-25}",
         "live", "paid 0  0 1000 0"},
        {"{\"kind\":\"sold\",\"at\":1,\"money\":1,\"id\":\"o1\",\"state\":\"ok\","
         "\"net\":\"1234567890123456\"}",
         "live", "paid 0  0 1000 0"},
        {"{\"kind\":\"sold\",\"money\":false,\"id\":\"o1\",\"state\":\"ok\"}", "live",
         "names no object that it could be about"},
        {"{\"kind\":\"sold\",\"money\":1,\"id\":\"\",\"state\":\"ok\"}", "live",
         "names no object that it could be about"},
        {"{\"kind\":\"sold\",\"money\":1,\"id\":\"o1\"}", "live", "failed 0  0 0 0"},
        {"{\"kind\":\"bought\"}", "live", "a type that the mapping does not name"},
        {"{\"kind\":\"sold\",\"sandbox\":false}", "test", "a live event, and the mode is test"},
        {"{\"kind\":\"sold\",\"sandbox\":true}", "live", "a test event, and the mode is live"},
    };
    struct mapping *mapping = parsed(file);
    struct tape tape = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *rules = json_pack("{s:s}", "mode", rows[i].mode);
        struct translation out;
        assert_int_equal(translate_body(&provider_standard, mapping, rows[i].body,
                                        strlen(rows[i].body), rules, &tape, &out),
                         OK);
        assert_string_equal(out.id, POST_ID);
        char shows[200];
        const struct fact *fact = &out.facts[0];
        snprintf(shows, sizeof shows, "%s %lld %s %lld %lld %d", fact->status,
                 (long long)fact->amount, fact->currency, (long long)fact->until_ms,
                 (long long)fact->at_ms, fact->final);
        assert_string_equal(out.fact_count ? shows : out.ignored, rows[i].shows);
        json_decref(rules);
    }
    tape_fini(&tape);
    mapping_destroy(&mapping);
}

/* Hundreds of facts whose texts stand nowhere in the body: refused whole, not told by half. */
static void test_room_is_bounded(void **state)
{
    (void)state;
    struct buf file = {0};
    buf_add_text(&file, "events\n    a\n");
    for (int i = 0; i < 30; i++) {
        buf_printf(&file, "        customer\n            key = \"%0150d_{id}\"\n", i);
        buf_printf(&file, "            app_user = \"%0150d_{id}\"\n", i);
    }
    struct mapping *mapping = parsed(buf_text(&file));
    static const char body[] = "{\"type\":\"a\",\"id\":7}";
    struct tape tape = {0};
    struct translation out;
    assert_int_equal(
        translate_body(&provider_standard, mapping, body, strlen(body), NULL, &tape, &out),
        FAULT_TOO_LARGE);
    tape_fini(&tape);
    mapping_destroy(&mapping);
    buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_name_file_and_line),
        cmocka_unit_test(test_files_of_the_home_and_shipped_ones),
        cmocka_unit_test(test_texts_show_places),
        cmocka_unit_test(test_fields_have_kinds),
        cmocka_unit_test(test_room_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
