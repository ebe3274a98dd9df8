/* Slack's requests and answers, as bytes; and what the actor looks at itself. */
#include "test.h"

#include "alert.h"
#include "sights.h"

#include <string.h>

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

static const struct watch_sight *sight_of(const struct watch_sight *sights, size_t count,
                                          enum alert_rule rule, const char *object)
{
    for (size_t i = 0; i < count; i++) {
        if (sights[i].rule == rule && strcmp(sights[i].object, object) == 0) {
            return &sights[i];
        }
    }
    fail_msg("no sight of %s", object);
    return NULL;
}

static void test_sights(void **state)
{
    (void)state;
    struct sights sights;
    struct watch_sight seen[SIGHTS_MAX];
    sights_init(&sights, "/tmp", 60000, 99);
    size_t count = sights_look(&sights, 5000, seen);
    assert_false(sight_of(seen, count, ALERT_ACTOR_MISSING, "crm")->known); /* nothing heard yet */
    sights_heard(&sights, "crm", true, 61000, 10000);
    sights_heard(&sights, "mailer", false, 90000, 10000);
    count = sights_look(&sights, 10000, seen);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_MISSING, "crm")->for_ms, -1);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_LAGGING, "crm")->for_ms, 0);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_LAGGING, "mailer")->for_ms, -1);
    for (int64_t now = 10500; now <= 41000; now += 500) {
        sights_heard(&sights, "crm", true, 0, now);
        sights_heard(&sights, "mailer", false, 0, now);
    }
    count = sights_look(&sights, 41000, seen);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_MISSING, "crm")->for_ms, -1);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_LAGGING, "crm")->for_ms, -1);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_MISSING, "mailer")->for_ms, 31000);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_MISSING, "ledger")->for_ms, 31000);
    /* the broker was silent: what happened meanwhile is not known, and counting begins anew */
    count = sights_look(&sights, 45000, seen);
    assert_false(sight_of(seen, count, ALERT_ACTOR_MISSING, "mailer")->known);
    sights_heard(&sights, "mailer", false, 0, 60000);
    count = sights_look(&sights, 60000, seen);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_MISSING, "mailer")->for_ms, -1);
    assert_true(sight_of(seen, count, ALERT_ACTOR_MISSING, "mailer")->known);
}

static void test_disk(void **state)
{
    (void)state;
    struct sights sights;
    struct watch_sight seen[SIGHTS_MAX];
    sights_init(&sights, "/proc/no/such/place", 60000, 80);
    size_t count = sights_look(&sights, 1000, seen);
    assert_false(sight_of(seen, count, ALERT_DISK, "home")->known);
    sights_init(&sights, "/", 60000, 100);
    count = sights_look(&sights, 1000, seen);
    assert_int_equal(sight_of(seen, count, ALERT_DISK, "home")->for_ms, -1);
    sights_init(&sights, "/", 60000, 0); /* anything is more than that */
    count = sights_look(&sights, 1000, seen);
    assert_int_equal(sight_of(seen, count, ALERT_DISK, "home")->for_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_request),
                                       cmocka_unit_test(test_outcome),
                                       cmocka_unit_test(test_sights), cmocka_unit_test(test_disk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
