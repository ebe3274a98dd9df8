/* event_view_test.c - plain words for events, and nothing private among them; jobs of one cause. */
#include "test.h"

#include "event_view.h"
#include "job_like.h"
#include "values.h"

static void expect_redacted(const char *text, const char *expected)
{
    struct buf out = {0};
    view_redact_text(text, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
}

static void check_redact_text(void **state)
{
    (void)state;
    expect_redacted("ada@example.com", "a***@example.com");
    expect_redacted("from ada.l+x@example.com to b@x.org.", "from a***@example.com to b***@x.org.");
    expect_redacted("<ada@example.com>", "<a***@example.com>");
    expect_redacted("no address @ all", "no address @ all");
    expect_redacted("a@b@c", "a***@b***@c");
    expect_redacted("ada@localhost", "a***@localhost");
    expect_redacted("to:ada@example.com", "to:a***@example.com");
    expect_redacted("alert:done:card:in_1@local-1:1", "alert:done:card:in_1@local-1:1");
    expect_redacted("\xc3\xa4rger@example.com", "\xc3\xa4***@example.com");
    expect_redacted("", "");
    expect_redacted("@example.com", "@example.com");
}

static void check_redact_tree(void **state)
{
    (void)state;
    json_t *tree = json_loads("{\"name\":\"Ada Lovelace\",\"list\":[\"ada@example.com\",{\"deep\":"
                              "\"x ada@example.com\"}],\"type\":\"member.joined\",\"n\":1}",
                              0, NULL);
    assert_non_null(tree);
    view_redact(tree);
    char *text = json_dumps(tree, JSON_COMPACT);
    assert_null(strstr(text, "ada@"));
    assert_null(strstr(text, "Lovelace"));
    assert_non_null(strstr(text, "member.joined"));
    free(text);
    json_decref(tree);
}

static void check_drop_raw(void **state)
{
    (void)state;
    json_t *event = json_loads("{\"data\":{\"raw\":\"12345\",\"facts\":[]}}", 0, NULL);
    view_drop_raw(event);
    assert_null(tree_get(tree_get(event, "data"), "raw"));
    assert_int_equal(tree_int(tree_get(event, "data"), "raw_bytes"), 5);
    view_drop_raw(event);
    json_decref(event);
}

static void expect_words(const char *event_text, const char *expected)
{
    struct buf out = {0};
    json_t *event = json_loads(event_text, 0, NULL);
    assert_non_null(event);
    view_words(event, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
    json_decref(event);
}

static void check_words(void **state)
{
    (void)state;
    expect_words("{\"type\":\"payment.succeeded\",\"data\":{\"provider_type\":\"invoice.paid\","
                 "\"facts\":[{\"kind\":\"payment\",\"key\":\"in_1\",\"status\":\"paid\",\"amount\":"
                 "2900,\"currency\":\"usd\"}]}}",
                 "29.00 USD paid (in_1), invoice.paid");
    expect_words("{\"type\":\"payment.partly_refunded\",\"data\":{\"facts\":[{\"kind\":\"refund\","
                 "\"key\":\"ch_1\",\"amount\":500,\"of\":2900,\"currency\":\"usd\"}]}}",
                 "5.00 USD of 29.00 USD refunded (ch_1)");
    expect_words("{\"type\":\"member.joined\",\"data\":{\"name\":\"Ada\",\"state\":\"active\","
                 "\"access\":true,\"reason\":\"invoice in_1 paid\",\"rule\":\"first access\"}}",
                 "Ada: active, access on: invoice in_1 paid (rule: first access)");
    expect_words("{\"type\":\"job.retrying\",\"data\":{\"kind\":\"contact\",\"state\":\"waiting\","
                 "\"target\":\"hubspot\",\"attempt\":2,\"error\":\"429\"}}",
                 "contact waiting at hubspot, attempt 2: 429");
    expect_words("{\"type\":\"provider.ignored\",\"data\":{\"provider_type\":\"x.y\",\"ignored\":"
                 "\"of no meaning\",\"facts\":[]}}",
                 "x.y: of no meaning");
    expect_words("{\"type\":\"odd\"}", "");
}

static void check_ids(void **state)
{
    (void)state;
    assert_string_equal(view_bare_id("stripe:evt_1"), "evt_1");
    assert_string_equal(view_bare_id("crm:done:x:1"), "crm:done:x:1");
    assert_string_equal(view_bare_id("evt_1"), "evt_1");
    assert_true(view_same_id("stripe:evt_1", "evt_1"));
    assert_true(view_same_id("stripe:evt_1", "stripe:evt_1"));
    assert_false(view_same_id("stripe:evt_1", "evt_2"));
}

static void expect_like(const char *a, const char *b, bool like)
{
    json_t *one = json_pack("{s:s, s:s, s:s}", "actor", "crm", "state", "dead", "error", a);
    json_t *two = json_pack("{s:s, s:s, s:s}", "actor", "crm", "state", "dead", "error", b);
    assert_int_equal(job_is_like(one, two), like);
    tree_set_text(two, "state", "waiting");
    assert_false(job_is_like(one, two));
    json_decref(one);
    json_decref(two);
}

static void check_like(void **state)
{
    (void)state;
    expect_like("429 after 3 s", "429 after 17 s", true);
    expect_like("expired", "expired", true);
    expect_like("expired", "expired 1", false);
    expect_like("id 1 gone", "id x gone", false);
    expect_like("", "", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_redact_text), cmocka_unit_test(check_redact_tree),
        cmocka_unit_test(check_drop_raw),    cmocka_unit_test(check_words),
        cmocka_unit_test(check_ids),         cmocka_unit_test(check_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
