/* zpl_test.c - a ZPL text becomes its lines; a mistake is told with file and line. */
#include "test.h"

#include "zpl.h"

static void lines_have_names_values_and_places(void **state)
{
    (void)state;
    static const char text[] = "# a comment\n"
                               "sender\r\n"
                               "    key = text   # why\n"
                               "\n"
                               "events\n"
                               "    order.paid\n"
                               "        payment\n"
                               "            status = \"{data.status} # no comment\"\n"
                               "                paid = paid\n"
                               "            key = '{data.id}'\n"
                               "    a:b = order.paid\n"
                               "    empty =\n";
    struct zpl zpl;
    struct buf why = {0};
    assert_int_equal(zpl_parse(&zpl, "x.cfg", text, sizeof text - 1, &why), OK);
    size_t sender = zpl_child(&zpl, ZPL_TOP), events = zpl_next(&zpl, sender);
    assert_string_equal(zpl.lines[sender].name, "sender");
    assert_null(zpl.lines[sender].value);
    assert_string_equal(zpl.lines[zpl_child(&zpl, sender)].value, "text");
    assert_int_equal(zpl_next(&zpl, zpl_child(&zpl, sender)), ZPL_NONE);
    assert_int_equal(zpl_next(&zpl, events), ZPL_NONE);
    size_t type = zpl_child(&zpl, events), payment = zpl_child(&zpl, type);
    size_t status = zpl_child(&zpl, payment), key = zpl_next(&zpl, status);
    assert_string_equal(zpl.lines[status].value, "{data.status} # no comment");
    assert_int_equal(zpl.lines[status].number, 8);
    assert_string_equal(zpl.lines[zpl_child(&zpl, status)].name, "paid");
    assert_string_equal(zpl.lines[key].value, "{data.id}");
    assert_int_equal(zpl_child(&zpl, key), ZPL_NONE);
    size_t other = zpl_next(&zpl, type), empty = zpl_next(&zpl, other);
    assert_string_equal(zpl.lines[other].name, "a:b");
    assert_string_equal(zpl.lines[other].value, "order.paid");
    assert_string_equal(zpl.lines[empty].value, "");
    assert_int_equal(zpl_next(&zpl, empty), ZPL_NONE);
    zpl_fini(&zpl);
    buf_fini(&why);
}

static void mistakes_name_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"\ta = 1\n", "x.cfg:1: indent with four spaces, not with tabs\n"},
        {"a\n  b = 1\n", "x.cfg:2: indent by a multiple of four spaces\n"},
        {"a\n        b = 1\n", "x.cfg:2: indented deeper than the section it stands in\n"},
        {"    a = 1\n", "x.cfg:1: indented deeper than the section it stands in\n"},
        {"\n= 1\n", "x.cfg:2: expected a name\n"},
        {"a b\n", "x.cfg:1: expected \"name\" or \"name = value\"\n"},
        {"a = \"b\n", "x.cfg:1: the quotation mark is not closed\n"},
        {"a = \"b\" c\n", "x.cfg:1: unexpected text after the value\n"},
        {"a = \"b\n= 2\n", "x.cfg:1: the quotation mark is not closed\nx.cfg:2: expected a name\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct zpl zpl;
        struct buf why = {0};
        enum fault fault = zpl_parse(&zpl, "x.cfg", rows[i].text, strlen(rows[i].text), &why);
        assert_int_equal(fault, FAULT_CONFIG);
        assert_string_equal(buf_text(&why), rows[i].why);
        assert_null(zpl.lines);
        buf_fini(&why);
    }
    struct zpl zpl;
    struct buf why = {0};
    assert_int_equal(zpl_parse(&zpl, "x.cfg", "a\0b", 3, &why), FAULT_CONFIG);
    assert_string_equal(buf_text(&why), "x.cfg: holds a NUL byte\n");
    buf_reset(&why);
    for (int i = 0; i < ZPL_LINES_MAX; i++) {
        buf_add_text(&why, "a\n");
    }
    struct buf told = {0};
    assert_int_equal(zpl_parse(&zpl, "x.cfg", why.bytes, why.len, &told), FAULT_CONFIG);
    assert_string_equal(buf_text(&told), "x.cfg:4096: too many lines\n");
    buf_fini(&told);
    buf_fini(&why);
}

static void paths_lead_to_lines(void **state)
{
    (void)state;
    static const char text[] = "crm\n    key = 1\nhook\n    url = 2\nhooks\nhook\n    url = 3\n";
    struct zpl zpl;
    struct buf why = {0};
    assert_int_equal(zpl_parse(&zpl, "x.cfg", text, strlen(text), &why), OK);
    size_t second = zpl_find(&zpl, ZPL_TOP, "hook", 1);
    assert_string_equal(zpl.lines[zpl_find(&zpl, ZPL_TOP, "crm/key", 0)].value, "1");
    assert_string_equal(zpl.lines[zpl_find(&zpl, ZPL_TOP, "hook/url", 0)].value, "2");
    assert_string_equal(zpl.lines[zpl_find(&zpl, second, "url", 0)].value, "3");
    assert_int_equal(zpl_find(&zpl, ZPL_TOP, "hook", 2), ZPL_NONE);
    assert_int_equal(zpl_find(&zpl, ZPL_TOP, "crm/url", 0), ZPL_NONE);
    assert_int_equal(zpl_find(&zpl, ZPL_TOP, "key", 0), ZPL_NONE);
    zpl_fini(&zpl);
    assert_int_equal(zpl_find(&zpl, ZPL_TOP, "crm", 0), ZPL_NONE);
    buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_names_values_and_places),
        cmocka_unit_test(mistakes_name_file_and_line),
        cmocka_unit_test(paths_lead_to_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
