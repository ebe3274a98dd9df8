/* Slack's requests and answers, as bytes. */
#include "test.h"

#include "alert.h"

#include <string.h>

extern const struct adapter alert_slack;

static void request(const char *payload, const char *body)
{
    struct call call = {0};
    json_t *tree = json_loads(payload, 0, NULL);
    struct task task = {.key = "k", .payload = tree, .secret = "https://hooks.example/a\nold\n"};
    assert_int_equal(alert_slack.request(&task, 0, &call), OK);
    assert_string_equal(call.method, "POST");
    assert_string_equal(buf_text(&call.url), "https://hooks.example/a");
    assert_string_equal(buf_text(&call.body), body);
    call_fini(&call);
    json_decref(tree);
}

static void test_request(void **state)
{
    (void)state;
    request("{\"text\":\"a <b> & c\",\"todo\":\"usher status\",\"state\":\"raised\"}",
            "{\"text\":\"a &lt;b&gt; &amp; c\\nWhat to do: usher status\"}");
    request("{\"text\":\"x\",\"todo\":\"usher status\",\"state\":\"cleared\"}",
            "{\"text\":\"Over: x\"}");
    request("{\"text\":\"<!channel>\",\"state\":\"notice\"}", "{\"text\":\"&lt;!channel&gt;\"}");
}

static void test_outcome(void **state)
{
    (void)state;
    static const struct {
        enum fault fault;
        int status;
        const char *body;
        int64_t retry_after_ms;
        enum verdict_kind verdict;
    } rows[] = {
        {OK, 200, "ok", 0, VERDICT_DONE},
        {OK, 200, "<html>", 0, VERDICT_NEVER},
        {OK, 400, "invalid_payload", 0, VERDICT_NEVER},
        {OK, 401, "", 0, VERDICT_NEVER},
        {OK, 403, "action_prohibited", 0, VERDICT_NEVER},
        {OK, 404, "no_service", 0, VERDICT_NEVER},
        {OK, 410, "channel_is_archived", 0, VERDICT_NEVER},
        {OK, 429, "", 30000, VERDICT_AGAIN},
        {OK, 500, "rollup_error", 0, VERDICT_AGAIN},
        {FAULT_TIMEOUT, 0, "", 0, VERDICT_AGAIN},
        {FAULT_UNAVAILABLE, 0, "", 0, VERDICT_AGAIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct task task = {.key = "k"};
        struct verdict verdict = {0};
        struct answer answer = {.fault = rows[i].fault,
                                .status = rows[i].status,
                                .body = rows[i].body,
                                .len = strlen(rows[i].body),
                                .retry_after_ms = rows[i].retry_after_ms,
                                .words = ""};
        alert_slack.outcome(&task, 0, &answer, &verdict);
        assert_int_equal(verdict.kind, rows[i].verdict);
        assert_int_equal(verdict.retry_after_ms, rows[i].retry_after_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_request),
                                       cmocka_unit_test(test_outcome)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
