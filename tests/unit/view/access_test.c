/* access_test.c - the object that a web app is told. */
#include "access.h"
#include "test.h"
#include "values.h"

static const int64_t as_of_ms = INT64_C(1795680000123); /* 2026-11-26T08:00:00.123Z */

static json_t *document_of(const char *text)
{
    json_t *document = json_loads(text, 0, NULL);
    assert_non_null(document);
    return document;
}

static void check(const char *document_text, const char *expected_text)
{
    json_t *document = document_of(document_text), *expected = document_of(expected_text);
    json_t *before = json_deep_copy(document);
    json_t *answer = access_answer(document, as_of_ms);
    char *shown = json_dumps(answer, JSON_SORT_KEYS);
    if (!json_equal(answer, expected)) {
        fail_msg("not as expected: %s", shown);
    }
    assert_true(json_equal(document, before));
    free(shown);
    json_decref(answer);
    json_decref(before);
    json_decref(expected);
    json_decref(document);
}

static void test_with_access(void **state)
{
    (void)state;
    check("{\"id\":\"mem_1\",\"version\":7,\"access\":true,\"until\":1795680000000,"
          "\"reason\":\"paid (in_1)\",\"tags\":[\"member\",\"ending\"],\"state\":\"ending\","
          "\"email\":\"ada@example.com\"}",
          "{\"member\":\"mem_1\",\"version\":7,\"access\":true,\"until\":\"2026-11-26T08:00:00Z\","
          "\"reason\":\"paid (in_1)\",\"features\":[\"member\",\"ending\"],\"state\":\"ending\","
          "\"asOf\":\"2026-11-26T08:00:00.123Z\"}");
}

static void test_without_access_there_are_no_features(void **state)
{
    (void)state;
    check("{\"id\":\"mem_1\",\"version\":8,\"access\":false,\"until\":0,\"reason\":\"refunded\","
          "\"tags\":[\"refunded\"],\"state\":\"revoked\"}",
          "{\"member\":\"mem_1\",\"version\":8,\"access\":false,\"until\":null,"
          "\"reason\":\"refunded\",\"features\":[],\"state\":\"revoked\","
          "\"asOf\":\"2026-11-26T08:00:00.123Z\"}");
}

/* What is left out of a document is not left out of the answer. */
static void test_is_whole_whatever_the_document_lacks(void **state)
{
    (void)state;
    check("{\"id\":\"mem_1\"}",
          "{\"member\":\"mem_1\",\"version\":0,\"access\":false,\"until\":null,"
          "\"reason\":\"\",\"features\":[],\"state\":\"\","
          "\"asOf\":\"2026-11-26T08:00:00.123Z\"}");
}

static void test_an_end_without_access_is_no_end(void **state)
{
    (void)state;
    check("{\"id\":\"mem_1\",\"access\":false,\"until\":1795680000000,\"state\":\"paused\"}",
          "{\"member\":\"mem_1\",\"version\":0,\"access\":false,\"until\":null,"
          "\"reason\":\"\",\"features\":[],\"state\":\"paused\","
          "\"asOf\":\"2026-11-26T08:00:00.123Z\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_access),
        cmocka_unit_test(test_without_access_there_are_no_features),
        cmocka_unit_test(test_is_whole_whatever_the_document_lacks),
        cmocka_unit_test(test_an_end_without_access_is_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
