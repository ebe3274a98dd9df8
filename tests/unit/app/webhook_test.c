/* What the web app is sent, and what its answers mean, as bytes. */
#include "adapter_test.h"

#include "app.h"
#include "clock.h"
#include "standard_webhooks.h"

#include <stdlib.h>
#include <string.h>

extern const struct adapter app_webhook;

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER  "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"

struct sent {
    char id[80], timestamp[24], signature[200], body[400];
};

static void take_header(const char *text, const char *name, char *value, size_t room)
{
    const char *at = strstr(text, name);
    assert_non_null(at);
    at += strlen(name);
    snprintf(value, room, "%.*s", (int)strcspn(at, "\r\n"), at);
}

static struct sent send_one(const char *member, int64_t version, int attempt, const char *secret)
{
    struct sent sent;
    char *home = test_folder();
    struct settings *settings = test_settings(home, app_webhook.settings,
                                              "app\n    url = \"https://your.app/api/usher\"\n");
    json_t *payload = json_pack("{s:s, s:I, s:b, s:s}", "member", member, "version",
                                (json_int_t)version, "access", 0, "asOf", "2026-01-02T03:04:05Z");
    struct task task = {.key = "access:x",
                        .member = "mem_1",
                        .version = version,
                        .attempt = attempt,
                        .payload = payload,
                        .secret = secret,
                        .settings = settings};
    char *text = test_request(&app_webhook, &task, 0);
    assert_int_equal(strncmp(text, "POST https://your.app/api/usher\n", 32), 0);
    assert_non_null(strstr(text, "Content-Type: application/json"));
    take_header(text, "webhook-id: ", sent.id, sizeof sent.id);
    take_header(text, "webhook-timestamp: ", sent.timestamp, sizeof sent.timestamp);
    take_header(text, "webhook-signature: ", sent.signature, sizeof sent.signature);
    snprintf(sent.body, sizeof sent.body, "%s", strchr(text, '{'));
    free(text);
    json_decref(payload);
    settings_destroy(&settings);
    test_rm_folder(&home);
    return sent;
}

static bool verified(const struct sent *sent, const char *secret)
{
    return sw_verify(secret, sent->id, sent->timestamp,
                     (struct slice){sent->body, strlen(sent->body)}, sent->signature,
                     clock_wall_ms());
}

static void check_signed(void **state)
{
    (void)state;
    struct sent sent = send_one("mem_1", 7, 1, SECRET "\n" OTHER "\n");
    assert_string_equal(sent.body, "{\"type\":\"access.changed\",\"timestamp\":"
                                   "\"2026-01-02T03:04:05Z\",\"data\":{\"member\":\"mem_1\","
                                   "\"version\":7,\"access\":false,"
                                   "\"asOf\":\"2026-01-02T03:04:05Z\"}}");
    assert_true(verified(&sent, SECRET));
    assert_true(verified(&sent, OTHER));
    assert_int_equal(strncmp(sent.id, "msg_", 4), 0);
}

/* The same over all attempts of a version, and of nothing else. */
static void check_id(void **state)
{
    (void)state;
    struct sent first = send_one("mem_1", 7, 1, SECRET);
    struct sent again = send_one("mem_1", 7, 5, OTHER);
    struct sent newer = send_one("mem_1", 8, 1, SECRET);
    struct sent alias = send_one("mem_2", 7, 1, SECRET); /* a job of the same member */
    assert_string_equal(first.id, again.id);
    assert_string_not_equal(first.id, newer.id);
    assert_string_not_equal(first.id, alias.id);
}

static void check_outcome(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum verdict_kind verdict;
    } rows[] = {{200, VERDICT_DONE},  {204, VERDICT_DONE},    {301, VERDICT_NEVER},
                {400, VERDICT_NEVER}, {401, VERDICT_REFUSED}, {404, VERDICT_NEVER},
                {408, VERDICT_AGAIN}, {410, VERDICT_NEVER},   {429, VERDICT_AGAIN},
                {500, VERDICT_AGAIN}, {503, VERDICT_AGAIN},   {0, VERDICT_AGAIN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct task task = {.key = "access:mem_1"};
        struct verdict verdict = test_outcome(&app_webhook, &task, 0, rows[i].status, "garbage");
        assert_int_equal(verdict.kind, rows[i].verdict);
        assert_int_equal(strstr(verdict.words, "no more") != NULL, rows[i].status == 410);
    }
}

static void check_settings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"    url = \"https://your.app/x\"\n    secret = \"" SECRET "\"\n", ""},
        {"    url = \"http://127.0.0.1:3000/x\"\n    secret = \"" SECRET "\"\n", ""},
        {"    url = \"http://your.app/x\"\n    secret = \"" SECRET "\"\n", "app/url"},
        {"    secret = \"" SECRET "\"\n", "app/url"},
        {"    url = \"https://your.app/x\"\n", "app/secret"},
        {"    url = \"https://your.app/x\"\n    secret = \"whsec_c2hvcnQ=\"\n", "app/secret"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *home = test_folder();
        char text[300];
        struct buf why = {0};
        snprintf(text, sizeof text, "app\n%s", rows[i].text);
        struct settings *settings = test_settings(home, app_webhook.settings, text);
        assert_int_equal(app_webhook.check(settings, &why), !*rows[i].words);
        assert_non_null(strstr(buf_text(&why), rows[i].words));
        buf_fini(&why);
        settings_destroy(&settings);
        test_rm_folder(&home);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(check_signed), cmocka_unit_test(check_id),
                                       cmocka_unit_test(check_outcome),
                                       cmocka_unit_test(check_settings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
