#include "test.h"

#include "api.h"

/* --- what is sent ------------------------------------------------------------------------------
 * */

static void assert_sent(const struct api_ask *ask, const char *url)
{
    struct call call = {0};
    assert_int_equal(api_request(ask, &call), OK);
    assert_string_equal(call.method, "GET");
    assert_string_equal(buf_text(&call.url), url);
    assert_int_equal(call.body.len, 0);
    assert_non_null(strstr(buf_text(&call.headers), "Authorization: Bearer rk_test_1"));
    assert_non_null(strstr(buf_text(&call.headers), "Stripe-Version: 20"));
    assert_null(strstr(buf_text(&call.headers), "old_key"));
    call_fini(&call);
}

static void test_requests(void **state)
{
    (void)state;
    struct api_ask ask = {.base = "https://api.stripe.com",
                          .key = "rk_test_1\nold_key",
                          .path = "/v1/events",
                          .query = "",
                          .types = {"invoice.paid", "charge.refunded"},
                          .since_s = 1700000000,
                          .until_s = 1700086400,
                          .after = "",
                          .limit = 100};
    assert_sent(&ask, "https://api.stripe.com/v1/events?types%5B%5D=invoice.paid"
                      "&types%5B%5D=charge.refunded&created%5Bgte%5D=1700000000"
                      "&created%5Blte%5D=1700086400&limit=100");
    struct api_ask next = {.base = "https://api.stripe.com",
                           .key = "rk_test_1",
                           .path = "/v1/subscriptions",
                           .query = "status=all",
                           .after = "sub_1&x=1",
                           .limit = 50};
    assert_sent(&next, "https://api.stripe.com/v1/subscriptions?status=all&limit=50"
                       "&starting_after=sub_1%26x%3D1");
    struct api_ask one = {.base = "http://127.0.0.1:1",
                          .key = "rk_test_1",
                          .path = "/v1/charges/ch_1",
                          .query = "",
                          .after = ""};
    assert_sent(&one, "http://127.0.0.1:1/v1/charges/ch_1");
}

static void test_a_key_that_would_end_the_header_is_not_sent(void **state)
{
    (void)state;
    struct call call = {0};
    struct api_ask ask = {
        .base = "https://x", .key = "rk_1\rX: y", .path = "/", .query = "", .after = ""};
    assert_int_equal(api_request(&ask, &call), OK);
    assert_null(strstr(buf_text(&call.headers), "X: y"));
    call_fini(&call);
}

static void test_a_keys_mode(void **state)
{
    (void)state;
    assert_string_equal(api_key_mode("rk_live_abc"), "live");
    assert_string_equal(api_key_mode("sk_test_abc"), "test");
    assert_string_equal(api_key_mode("whsec_abc"), "");
    assert_string_equal(api_key_mode(""), "");
}

/* --- what came back ----------------------------------------------------------------------------
 * */

#define LIST "{\"object\":\"list\",\"data\":[{\"id\":\"a\"}],\"has_more\":true}"

static const struct row {
    enum fault fault;
    int status;
    const char *body;
    int limit;
    const char *after;
    enum api_verdict verdict;
} rows[] = {
    {OK, 200, LIST, 100, "", API_FINE},
    {OK, 200, LIST, 100, "b", API_FINE},
    {OK, 200, LIST, 100, "a", API_AGAIN}, /* the same page for ever */
    {OK, 200, "<html>", 100, "", API_AGAIN},
    {OK, 200, "", 100, "", API_AGAIN},
    {OK, 200, "{\"error\":{}}", 100, "", API_AGAIN},
    {OK, 204, "", 100, "", API_AGAIN},
    {OK, 301, "", 100, "", API_NEVER},
    {OK, 400, "", 100, "", API_NEVER},
    {OK, 400, "", 100, "gone", API_MISSING},
    {OK, 401, "", 100, "", API_REFUSED},
    {OK, 402, "", 100, "", API_NEVER},
    {OK, 403, "", 100, "", API_FORBIDDEN},
    {OK, 404, "", 0, "", API_MISSING},
    {OK, 408, "", 100, "", API_AGAIN},
    {OK, 409, "", 100, "", API_AGAIN},
    {OK, 425, "", 100, "", API_AGAIN},
    {OK, 429, "", 100, "", API_AGAIN},
    {OK, 500, "", 100, "", API_AGAIN},
    {OK, 503, "", 100, "", API_AGAIN},
    {FAULT_TIMEOUT, 0, "", 100, "", API_AGAIN},
    {FAULT_UNAVAILABLE, 0, "", 100, "", API_AGAIN},
    {FAULT_IO, 0, "", 100, "", API_AGAIN},
    {FAULT_TOO_LARGE, 0, "", 100, "", API_SMALLER},
    {FAULT_TOO_LARGE, 0, "", 1, "", API_NEVER},
    {FAULT_DENIED, 0, "", 100, "", API_NEVER},
};

static void test_answers(void **state)
{
    (void)state;
    struct tape tape = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct answer answer = {.fault = row->fault,
                                .status = row->status,
                                .body = row->body,
                                .len = strlen(row->body),
                                .retry_after_ms = 7,
                                .words = "secret words"};
        struct api_ask ask = {.limit = row->limit, .after = row->after};
        struct api_answer said;
        struct api_page page;
        api_said(&answer, &ask, &tape, &page, &said);
        if (said.verdict != row->verdict) {
            fail_msg("row %zu: verdict %d", i, said.verdict);
        }
        assert_int_equal(said.retry_after_ms, 7);
        assert_int_equal(*said.words == '\0', said.verdict == API_FINE);
        assert_int_equal(page.count, said.verdict == API_FINE ? 1 : page.count);
    }
    tape_fini(&tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_a_key_that_would_end_the_header_is_not_sent),
        cmocka_unit_test(test_a_keys_mode),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
