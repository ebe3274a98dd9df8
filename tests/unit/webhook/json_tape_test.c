#include "json_tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct tape tape;

static enum fault parse(const char *text)
{
    return tape_parse(&tape, text, strlen(text));
}

static void test_values_by_path(void **state)
{
    (void)state;
    assert_int_equal(
        parse(" {\"a\":{\"b\":[1,-2,true,null,\"x\\u00e9\\ud83c\\udfa9\\n\"],\"c\":1.5},"
              "\"d\":9223372036854775807,\"e\":9223372036854775808,\"a\":7} "),
        OK);
    assert_int_equal(tape_kind(&tape, TAPE_ROOT), TAPE_OBJECT);
    uint32_t list = tape_path(&tape, TAPE_ROOT, "a.b");
    assert_int_equal(tape_kind(&tape, list), TAPE_ARRAY);
    uint32_t at = tape_first(&tape, list);
    assert_int_equal(tape_int(&tape, at), 1);
    at = tape_next(&tape, list, at);
    assert_int_equal(tape_int(&tape, at), -2);
    at = tape_next(&tape, list, at);
    assert_true(tape_flag(&tape, at));
    at = tape_next(&tape, list, at);
    assert_int_equal(tape_kind(&tape, at), TAPE_NULL);
    at = tape_next(&tape, list, at);
    assert_string_equal(tape_text(&tape, at), "x\xc3\xa9\xf0\x9f\x8e\xa9\n");
    assert_int_equal(tape_next(&tape, list, at), TAPE_NONE);
    assert_int_equal(tape_kind(&tape, tape_path(&tape, TAPE_ROOT, "a.c")), TAPE_REAL);
    assert_int_equal(tape_int(&tape, tape_get(&tape, TAPE_ROOT, "d")), INT64_MAX);
    assert_int_equal(tape_kind(&tape, tape_get(&tape, TAPE_ROOT, "e")), TAPE_REAL);
    assert_string_equal(tape_key(&tape, tape_first(&tape, TAPE_ROOT)), "a");
    assert_string_equal(tape_key(&tape, at), "");
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"a\":{\"b\":\"c\"},\"n\":\"x\\u0000y\",\"empty\":[]}"), OK);
    assert_int_equal(tape_path(&tape, TAPE_ROOT, "a.x"), TAPE_NONE);
    assert_int_equal(tape_path(&tape, TAPE_ROOT, "a.b.c"), TAPE_NONE);
    assert_int_equal(tape_path(&tape, TAPE_NONE, "a"), TAPE_NONE);
    assert_int_equal(tape_get(&tape, 4711, "a"), TAPE_NONE);
    assert_int_equal(tape_first(&tape, tape_get(&tape, TAPE_ROOT, "empty")), TAPE_NONE);
    assert_int_equal(tape_first(&tape, tape_path(&tape, TAPE_ROOT, "a.b")), TAPE_NONE);
    assert_string_equal(tape_text(&tape, tape_get(&tape, TAPE_ROOT, "a")), "");
    assert_string_equal(tape_text(&tape, TAPE_NONE), "");
    assert_int_equal(tape_int(&tape, tape_path(&tape, TAPE_ROOT, "a.b")), 0);
    assert_false(tape_flag(&tape, TAPE_NONE));
    /* a NUL inside would end the text early */
    assert_string_equal(tape_text(&tape, tape_get(&tape, TAPE_ROOT, "n")), "");
}

static void test_what_is_not_json(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{}\"",
        "[] \"x",
        "{\"a\":1}\":4,",
        "{\"a\":\"b\\\\\"}\"}",
        "1\"",
        "\"a",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "01",
        "1.",
        "-",
        "+1",
        ".5",
        "1e",
        "nul",
        "tru",
        "'a'",
        "\"a",
        "[1] x",
        "{} {}",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "// c\n1",
        "/* c */1",
        "NaN",
        "[1 2]",
        "\x01",
        /* half a surrogate pair */
        "\"\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        /* not UTF-8: overlong, surrogate, too high, cut short, stray */
        "\"\xc0\x80\"",
        "\"\xe0\x80\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xf0\x9f\x8e\"",
        "\"\x80\"",
        "\"\xff\"",
        "\"\xc3",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (parse(texts[i]) != FAULT_MALFORMED) {
            fail_msg("taken: %s", texts[i]);
        }
        assert_int_equal(tape_kind(&tape, TAPE_ROOT), TAPE_NOTHING);
    }
    assert_int_equal(tape_parse(&tape, "1\0", 2), FAULT_MALFORMED);
    assert_int_equal(tape_parse(&tape, "{\"a\":\"\0\"}", 9), FAULT_MALFORMED);
}

static void test_limits(void **state)
{
    (void)state;
    char text[2 * TAPE_DEPTH_MAX + 3];
    memset(text, '[', sizeof text);
    memset(text + TAPE_DEPTH_MAX, ']', TAPE_DEPTH_MAX);
    assert_int_equal(tape_parse(&tape, text, 2 * TAPE_DEPTH_MAX), OK);
    memset(text, '[', TAPE_DEPTH_MAX + 1);
    memset(text + TAPE_DEPTH_MAX + 1, ']', TAPE_DEPTH_MAX + 1);
    assert_int_equal(tape_parse(&tape, text, 2 * TAPE_DEPTH_MAX + 2), FAULT_TOO_LARGE);

    enum { MANY = TAPE_NODES_MAX * 2 };
    char *list = malloc(MANY + 2);
    assert_non_null(list);
    list[0] = '[';
    for (size_t i = 1; i < MANY; i += 2) {
        list[i] = '1';
        list[i + 1] = ',';
    }
    list[MANY - 1] = '1';
    list[MANY] = ']';
    assert_int_equal(tape_parse(&tape, list, MANY + 1), FAULT_TOO_LARGE);
    list[MANY - 2] = ']';
    assert_int_equal(tape_parse(&tape, list, MANY - 1), OK);
    free(list);

    char *large = malloc(TAPE_BYTES_MAX + 1);
    assert_non_null(large);
    memset(large, ' ', TAPE_BYTES_MAX + 1);
    large[0] = '1';
    assert_int_equal(tape_parse(&tape, large, TAPE_BYTES_MAX + 1), FAULT_TOO_LARGE);
    assert_int_equal(tape_parse(&tape, large, TAPE_BYTES_MAX), OK);
    free(large);
}

/* The same tape again and again: nothing of the last one shows. */
static void test_again(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"a\":1,\"b\":{\"c\":2}}"), OK);
    assert_int_equal(parse("{\"b\":3}"), OK);
    assert_int_equal(tape_get(&tape, TAPE_ROOT, "a"), TAPE_NONE);
    assert_int_equal(tape_int(&tape, tape_get(&tape, TAPE_ROOT, "b")), 3);
    assert_int_equal(parse("7"), OK);
    assert_int_equal(tape_int(&tape, TAPE_ROOT), 7);
    tape_fini(&tape);
    assert_int_equal(tape_kind(&tape, TAPE_ROOT), TAPE_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_by_path),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_what_is_not_json),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
