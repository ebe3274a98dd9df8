/* Discord, PagerDuty and any HTTP address: requests and answers, as bytes. */
#include "test.h"

#include "alert.h"

#include "adapter_test.h"
#include "standard_webhooks.h"

#include <string.h>

extern const struct adapter alert_discord;
extern const struct adapter alert_pagerduty;
extern const struct adapter alert_webhook;

static const struct setting hook_rows[] = {
    {"alert/hook/url", SETTING_SECRET, "", 0, 0, NULL, ""},
    {"alert/hook/key", SETTING_SECRET, "", 0, 0, NULL, ""},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

#define KEY "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

struct fixture {
    char *home;
    struct settings *settings;
};

static int set_up(void **state)
{
    struct fixture *f = test_malloc(sizeof *f);
    f->home = test_folder();
    f->settings = test_settings(f->home, hook_rows,
                                "alert\n    hook\n        url = \"https://hooks.example/a\"\n"
                                "        key = \"" KEY "\"\n");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    settings_destroy(&f->settings);
    test_rm_folder(&f->home);
    test_free(f);
    return 0;
}

static struct task task_of(const struct fixture *f, const char *secret, const char *payload)
{
    json_t *tree = json_loads(payload, 0, NULL);
    assert_non_null(tree);
    return (struct task){.key = "disk:home:1:raised@x",
                         .payload = tree,
                         .secret = secret,
                         .settings = settings_nth(f->settings, "alert/hook", 0)};
}

static void sends(const struct adapter *adapter, const struct fixture *f, const char *secret,
                  const char *payload, int step, const char *expected)
{
    struct task task = task_of(f, secret, payload);
    char *text = test_request(adapter, &task, step);
    if (strncmp(text, expected, strlen(expected)) != 0) {
        fail_msg("expected\n%s\nis\n%s", expected, text);
    }
    free(text);
    json_decref((json_t *)task.payload);
}

static enum verdict_kind says(const struct adapter *adapter, const struct fixture *f, int step,
                              const char *payload, int status, const char *body)
{
    struct task task = task_of(f, "x", payload);
    struct verdict verdict = test_outcome(adapter, &task, step, status, body);
    json_decref((json_t *)task.payload);
    return verdict.kind;
}

#define RAISED                                                                                     \
    "{\"rule\":\"disk\",\"object\":\"home\",\"state\":\"raised\",\"text\":\"a *b* "                \
    "@everyone\",\"todo\":\"usher "                                                                \
    "status\",\"link\":\"https://u.example/fleet\",\"time\":1700000000000}"
#define CLEARED                                                                                    \
    "{\"rule\":\"disk\",\"object\":\"home\",\"state\":\"cleared\",\"text\":\"x\",\"time\":"        \
    "1700000000000}"
#define NOTICE                                                                                     \
    "{\"rule\":\"dispute\",\"object\":\"dp_1\",\"state\":\"notice\",\"text\":\"x\",\"time\":"      \
    "1700000000000}"

static void test_discord(void **state)
{
    struct fixture *f = *state;
    const char *url = "https://discord.example/api/v10/webhooks/1/a\nold\n";
    sends(
        &alert_discord, f, url, RAISED, 0,
        "POST https://discord.example/api/v10/webhooks/1/a\nContent-Type: application/json\n"
        "{\"allowed_mentions\":{\"parse\":[]},\"content\":\"a \\\\*b\\\\* @everyone\\nWhat to do: "
        "usher status\\nhttps://u.example/fleet\"}");
    sends(&alert_discord, f, url, CLEARED, 0,
          "POST https://discord.example/api/v10/webhooks/1/a\nContent-Type: application/json\n"
          "{\"allowed_mentions\":{\"parse\":[]},\"content\":\"Over: x\"}");
    static const struct {
        int status;
        const char *body;
        enum verdict_kind kind;
    } rows[] = {
        {204, "", VERDICT_DONE},
        {200, "{\"id\":\"123\"}", VERDICT_DONE},
        {200, "<html>", VERDICT_NEVER},
        {400, "{\"code\":50035}", VERDICT_NEVER},
        {401, "", VERDICT_NEVER},
        {403, "", VERDICT_NEVER},
        {404, "{\"code\":10015}", VERDICT_NEVER},
        {429, "{\"retry_after\":0.5}", VERDICT_AGAIN},
        {429, "not json", VERDICT_AGAIN},
        {500, "", VERDICT_AGAIN},
        {0, "", VERDICT_AGAIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(says(&alert_discord, f, 0, RAISED, rows[i].status, rows[i].body),
                         rows[i].kind);
    }
    struct task task = task_of(f, "x", RAISED);
    assert_int_equal(
        test_outcome(&alert_discord, &task, 0, 429, "{\"retry_after\":1.25}").retry_after_ms, 1251);
    assert_int_equal(
        test_outcome(&alert_discord, &task, 0, 429, "{\"retry_after\":-1}").retry_after_ms, 0);
    json_decref((json_t *)task.payload);
}

/* However long and in whatever letters, the content is within the limit and whole. */
static void test_discord_cuts(void **state)
{
    struct fixture *f = *state;
    char text[12001] = "";
    for (int i = 0; i < 3000; i++) {
        memcpy(text + 3 * i, "\xe2\x82\xac", 4);
    }
    json_t *payload = json_pack("{s:s, s:s}", "state", "raised", "text", text);
    struct task task = {
        .payload = payload, .secret = "https://d.example/a", .settings = f->settings};
    struct call call = {0};
    assert_int_equal(alert_discord.request(&task, 0, &call), OK);
    json_t *body = json_loads(buf_text(&call.body), 0, NULL);
    assert_non_null(body); /* it is UTF-8 still */
    size_t len = strlen(tree_text(body, "content"));
    assert_true(len > 1800 && len <= 2000);
    json_decref(body);
    json_decref(payload);
    call_fini(&call);
}

static void test_pagerduty(void **state)
{
    struct fixture *f = *state;
    char *raised, *cleared;
    struct task task = task_of(f, "R0", RAISED);
    raised = test_request(&alert_pagerduty, &task, 0);
    json_decref((json_t *)task.payload);
    task = task_of(f, "R0", CLEARED);
    cleared = test_request(&alert_pagerduty, &task, 0);
    json_decref((json_t *)task.payload);
    json_t *first = json_loads(strchr(raised, '{'), 0, NULL);
    json_t *second = json_loads(strchr(cleared, '{'), 0, NULL);
    assert_string_equal(tree_text(first, "event_action"), "trigger");
    assert_string_equal(tree_text(second, "event_action"), "resolve");
    assert_string_equal(tree_text(first, "routing_key"), "R0");
    assert_true(*tree_text(first, "dedup_key") && strlen(tree_text(first, "dedup_key")) <= 255);
    assert_string_equal(tree_text(first, "dedup_key"), tree_text(second, "dedup_key"));
    const json_t *payload = tree_get(first, "payload");
    assert_string_equal(tree_text(payload, "summary"), "a *b* @everyone");
    assert_string_equal(tree_text(payload, "source"), "usher");
    assert_string_equal(tree_text(payload, "severity"), "error");
    assert_string_equal(tree_text(payload, "timestamp"), "2023-11-14T22:13:20Z");
    assert_null(tree_get(second, "payload"));
    json_decref(first);
    json_decref(second);
    free(raised);
    free(cleared);
    assert_int_equal(says(&alert_pagerduty, f, 0, RAISED, 202, "{}"), VERDICT_DONE);
    assert_int_equal(says(&alert_pagerduty, f, 0, CLEARED, 202, "{}"), VERDICT_DONE);
    assert_int_equal(says(&alert_pagerduty, f, 0, NOTICE, 202, "{}"), VERDICT_STEP);
    assert_int_equal(says(&alert_pagerduty, f, 1, NOTICE, 202, "{}"), VERDICT_DONE);
    assert_int_equal(says(&alert_pagerduty, f, 0, RAISED, 200, "<html>"), VERDICT_NEVER);
    assert_int_equal(says(&alert_pagerduty, f, 0, RAISED, 400, "{}"), VERDICT_NEVER);
    assert_int_equal(says(&alert_pagerduty, f, 0, RAISED, 429, ""), VERDICT_AGAIN);
    assert_int_equal(says(&alert_pagerduty, f, 0, RAISED, 500, ""), VERDICT_AGAIN);
    assert_int_equal(says(&alert_pagerduty, f, 0, RAISED, 0, ""), VERDICT_AGAIN);
}

static const char *header(const struct call *call, const char *name, char *room, size_t size)
{
    const char *at = strstr(buf_text((struct buf *)&call->headers), name);
    assert_non_null(at);
    at += strlen(name) + 2;
    snprintf(room, size, "%.*s", (int)strcspn(at, "\r\n"), at);
    return room;
}

static void test_webhook(void **state)
{
    struct fixture *f = *state;
    struct task task = task_of(f, KEY "\n", RAISED);
    struct call call = {0};
    char id[100], timestamp[40], signature[200];
    assert_int_equal(alert_webhook.request(&task, 0, &call), OK);
    assert_string_equal(buf_text(&call.url), "https://hooks.example/a");
    header(&call, "webhook-id", id, sizeof id);
    header(&call, "webhook-timestamp", timestamp, sizeof timestamp);
    header(&call, "webhook-signature", signature, sizeof signature);
    assert_true(sw_verify(KEY, id, timestamp, (struct slice){call.body.bytes, call.body.len},
                          signature, atoll(timestamp) * 1000));
    json_t *body = json_loads(buf_text(&call.body), 0, NULL);
    assert_string_equal(tree_text(body, "type"), "alert.raised");
    assert_string_equal(tree_text(tree_get(body, "data"), "rule"), "disk");
    json_decref(body);
    call_fini(&call);
    json_decref((json_t *)task.payload);
    assert_int_equal(says(&alert_webhook, f, 0, RAISED, 200, "<html>"), VERDICT_DONE);
    assert_int_equal(says(&alert_webhook, f, 0, RAISED, 410, ""), VERDICT_NEVER);
    assert_int_equal(says(&alert_webhook, f, 0, RAISED, 302, ""), VERDICT_NEVER);
    assert_int_equal(says(&alert_webhook, f, 0, RAISED, 503, ""), VERDICT_AGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_discord, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_discord_cuts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pagerduty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_webhook, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
