#include "test.h"

#include "api_page.h"
#include "buf.h"

static struct tape tape;
static struct api_page page;

static enum fault read_page(const char *body)
{
    return api_page_read(&tape, body, strlen(body), &page);
}

static void assert_item(size_t i, const char *text)
{
    assert_int_equal(page.items[i].len, strlen(text));
    assert_memory_equal(page.items[i].bytes, text, strlen(text));
}

static void test_a_list_is_cut_into_the_bytes_of_its_objects(void **state)
{
    (void)state;
    assert_int_equal(read_page("{\"object\":\"list\", \"url\":\"/v1/x\", \"has_more\":true,\n"
                               " \"data\" : [ {\"id\":\"a\",\"t\":\"],}\\\"\"} ,\n"
                               "{ \"id\" : \"b\", \"n\": {\"data\":[1,[2]]} }\n] }\n"),
                     OK);
    assert_int_equal(page.count, 2);
    assert_true(page.has_more);
    assert_string_equal(page.last, "b");
    assert_item(0, "{\"id\":\"a\",\"t\":\"],}\\\"\"}");
    assert_item(1, "{ \"id\" : \"b\", \"n\": {\"data\":[1,[2]]} }");
}

static void test_the_list_of_the_list_and_no_other(void **state)
{
    (void)state;
    assert_int_equal(read_page("{\"first\":{\"data\":[{\"id\":\"x\"}]},\"object\":\"list\","
                               "\"data\":[{\"id\":\"a\"}],\"has_more\":false}"),
                     OK);
    assert_int_equal(page.count, 1);
    assert_item(0, "{\"id\":\"a\"}");
    assert_false(page.has_more);
}

static void test_an_empty_list_and_a_single_object(void **state)
{
    (void)state;
    assert_int_equal(read_page("{\"object\":\"list\",\"data\":[ ],\"has_more\":false}"), OK);
    assert_int_equal(page.count, 0);
    assert_string_equal(page.last, "");
    const char *one = "{\"id\":\"ch_1\",\"object\":\"charge\"}";
    assert_int_equal(read_page(one), OK);
    assert_int_equal(page.count, 1);
    assert_item(0, one);
    assert_string_equal(page.last, "ch_1");
}

static void test_what_is_no_answer_of_the_provider(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "<html>a proxy</html>",
        "[]",
        "7",
        "{}",
        "{\"object\":\"list\"}",
        "{\"object\":\"list\",\"data\":{}}",
        "{\"object\":\"list\",\"data\":[1]}",
        "{\"object\":\"list\",\"data\":[{\"id\":\"a\"},null]}",
        "{\"object\":\"list\",\"data\":[{\"id\":\"a\"}",
        "{\"object\":\"list\",\"data\":[],\"has_more\":true}",
        "{\"object\":\"list\",\"data\":[{\"object\":\"x\"}],\"has_more\":false}",
        "{\"object\":\"list\",\"data\":[{\"id\":\"a b\"}],\"has_more\":true}",
        "{\"object\":\"list\",\"data\":[{\"id\":7}],\"has_more\":true}",
        "{\"object\":\"list\",\"d\\u0061ta\":[{\"id\":\"a\"}],\"has_more\":false}",
        "{\"object\":\"list\",\"d\\u0061ta\":[{\"id\":\"a\"}],\"data\":[]}",
        "{\"object\":\"charge\"}",
        "{\"id\":\"ch_1\"}",
        "{\"error\":{\"message\":\"no\"}}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (read_page(bodies[i]) != FAULT_MALFORMED) {
            fail_msg("taken: %s", bodies[i]);
        }
    }
}

static void test_more_than_a_page_is_too_large(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_add_text(&body, "{\"object\":\"list\",\"has_more\":false,\"data\":[");
    for (int i = 0; i <= API_PAGE_ITEMS_MAX; i++) {
        buf_printf(&body, "%s{\"id\":\"i%d\"}", i ? "," : "", i);
    }
    buf_add_text(&body, "]}");
    assert_int_equal(read_page(buf_text(&body)), FAULT_TOO_LARGE);
    buf_fini(&body);
}

static void test_ids(void **state)
{
    (void)state;
    char longest[API_ID_BYTES_MAX + 2];
    memset(longest, 'x', sizeof longest);
    longest[API_ID_BYTES_MAX + 1] = '\0';
    assert_false(api_is_id(longest));
    assert_true(api_is_id(longest + 1));
    assert_true(api_is_id("evt_1"));
    assert_false(api_is_id(""));
    assert_false(api_is_id("a\nb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_is_cut_into_the_bytes_of_its_objects),
        cmocka_unit_test(test_the_list_of_the_list_and_no_other),
        cmocka_unit_test(test_an_empty_list_and_a_single_object),
        cmocka_unit_test(test_what_is_no_answer_of_the_provider),
        cmocka_unit_test(test_more_than_a_page_is_too_large),
        cmocka_unit_test(test_ids),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tape_fini(&tape);
    return failed;
}
