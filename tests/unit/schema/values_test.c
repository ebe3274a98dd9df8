/* values_test.c - msgpack to trees and back, and what the scan refuses. */
#include "test.h"

#include "values.h"

static void trees_go_both_ways(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        "[]",
        "\"\"",
        "{\"\":\"\"}",
        "[0,-1,127,128,-32,-33,255,256,65536,4294967296,-9223372036854775808]",
        "{\"a\":null,\"b\":true,\"c\":[false,{\"d\":\"text\"}],\"e\":1.5}",
        "\"\\u00e9\\u4e2d\"",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *tree = json_loads(rows[i], JSON_DECODE_ANY, NULL), *back = NULL;
        assert_non_null(tree);
        struct buf bytes = {0};
        value_pack(tree, &bytes);
        assert_int_equal(value_unpack(bytes.bytes, bytes.len, &back), OK);
        assert_true(json_equal(tree, back));
        json_decref(tree);
        json_decref(back);
        buf_fini(&bytes);
    }
}

static void equal_trees_give_equal_bytes(void **state)
{
    (void)state;
    json_t *one = json_pack("{s:i, s:i}", "a", 1, "b", 2);
    json_t *two = json_pack("{s:i, s:i}", "b", 2, "a", 1);
    struct buf first = {0}, second = {0};
    value_pack(one, &first);
    value_pack(two, &second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.bytes, second.bytes, first.len);
    json_decref(one);
    json_decref(two);
    buf_fini(&first);
    buf_fini(&second);
}

static void hostile_bytes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"", 0},                     /* nothing */
        {"\xdd\xff\xff\xff\xff", 5}, /* an array of four thousand million */
        {"\xdf\xff\xff\xff\xff", 5}, /* such a map */
        {"\xdb\xff\xff\xff\xff", 5}, /* such a string */
        {"\xc7\x01\x01x", 4},        /* ext */
        {"\xc1", 1},                 /* never used */
        {"\x81\x01\x01", 3},         /* a key that is a number */
        {"\x82\xa1"
         "a\x01",
         4},                                         /* a map that ends early */
        {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9}, /* over 63 bits */
        {"\x01\x01", 2},                             /* bytes left over */
        {"\xa1\xff", 2},                             /* not UTF-8 */
        {"\x81\xa2"
         "a\x00\x01",
         5},                                         /* a NUL in a key */
        {"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", 9}, /* NaN */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *tree;
        assert_int_equal(value_unpack((const uint8_t *)rows[i].bytes, rows[i].len, &tree),
                         FAULT_MALFORMED);
        assert_null(tree);
    }
}

static void budgets_hold(void **state)
{
    (void)state;
    uint8_t deep[VALUE_DEPTH_MAX + 1];
    size_t used;
    memset(deep, 0x91, sizeof deep); /* arrays of one, one in the other */
    deep[VALUE_DEPTH_MAX] = 0xc0;
    assert_int_equal(value_scan(deep, sizeof deep, &used), OK);
    uint8_t deeper[VALUE_DEPTH_MAX + 2];
    memset(deeper, 0x91, sizeof deeper);
    deeper[VALUE_DEPTH_MAX + 1] = 0xc0;
    assert_int_equal(value_scan(deeper, sizeof deeper, &used), FAULT_TOO_LARGE);
    struct buf wide = {0};
    value_put_array(&wide, VALUE_ELEMENTS_MAX);
    for (int i = 0; i < VALUE_ELEMENTS_MAX; i++) {
        value_put_nil(&wide);
    }
    assert_int_equal(value_scan(wide.bytes, wide.len, &used), FAULT_TOO_LARGE);
    buf_fini(&wide);
}

static void cursors_read_what_was_put(void **state)
{
    (void)state;
    struct buf bytes = {0};
    value_put_map(&bytes, 1);
    value_put_text(&bytes, "key");
    value_put_int(&bytes, -5);
    value_put_flag(&bytes, true);
    value_put_nil(&bytes);
    struct value_cursor cursor = {bytes.bytes, bytes.bytes + bytes.len};
    size_t pairs, len;
    int64_t number;
    bool flag;
    const char *text;
    assert_false(value_get_array(&cursor, &pairs));
    assert_true(value_get_map(&cursor, &pairs) && pairs == 1);
    assert_false(value_get_int(&cursor, &number));
    assert_true(value_get_string(&cursor, &text, &len) && len == 3);
    assert_true(value_get_int(&cursor, &number) && number == -5);
    assert_true(value_get_flag(&cursor, &flag) && flag);
    assert_true(value_skip(&cursor));
    assert_false(value_skip(&cursor));
    assert_false(value_get_nil(&cursor));
    buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_go_both_ways),        cmocka_unit_test(equal_trees_give_equal_bytes),
        cmocka_unit_test(hostile_bytes_are_refused), cmocka_unit_test(budgets_hold),
        cmocka_unit_test(cursors_read_what_was_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
