/* resend_test.c - the Resend adapter as a table of bytes. */
#include "../adapter_test.h"

#include "mailer.h"

extern const struct adapter mailer_resend;

enum { START, SEND, LOOK };

enum { HOUR_MS = 3600 * 1000 };

static const int64_t now_ms = INT64_C(1790000000000); /* 2026-09-21T14:13:20Z */

struct fixture {
    char *home;
    struct settings *settings;
    json_t *payload;
    json_t *learned;
    struct task task;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->home = test_folder();
    f->settings = test_settings(f->home, mailer_resend.settings, "mailer\n    key = \"re_1\"\n");
    f->payload = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s}}", "to", "ada@example.org", "mark",
        "0123abcd", "sender", "\"Club\" <hello@example.com>", "receiver",
        "\"Zo\xc3\xab\" <ada@example.org>", "subject", "Welcome!", "text", "Hello\n", "html",
        "<p>Hello</p>", "message", "From: ...", "headers", "Auto-Submitted", "auto-generated");
    f->learned = json_object();
    f->task = (struct task){.key = "welcome:mem_1",
                            .kind = "welcome",
                            .member = "mem_1",
                            .attempt = 1,
                            .payload = f->payload,
                            .learned = f->learned,
                            .created_ms = now_ms - 48 * HOUR_MS,
                            .began_ms = now_ms,
                            .secret = "re_1",
                            .settings = f->settings};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    settings_destroy(&f->settings);
    json_decref(f->payload);
    json_decref(f->learned);
    test_rm_folder(&f->home);
    free(f);
    return 0;
}

static void sends(struct fixture *f, int step, const char *expected)
{
    char *text = test_request(&mailer_resend, &f->task, step);
    assert_string_equal(text, expected);
    free(text);
}

static void a_mail_leaves_in_parts_with_its_key(void **state)
{
    struct fixture *f = *state;
    sends(f, START,
          "POST https://api.resend.com/emails\n"
          "Authorization: Bearer re_1\nAccept: application/json\nIdempotency-Key: 0123abcd\n"
          "Content-Type: application/json\n"
          "{\"from\":\"\\\"Club\\\" <hello@example.com>\","
          "\"headers\":{\"Auto-Submitted\":\"auto-generated\"},\"html\":\"<p>Hello</p>\","
          "\"subject\":\"Welcome!\",\"tags\":[{\"name\":\"usher\",\"value\":\"0123abcd\"}],"
          "\"text\":\"Hello\\n\",\"to\":[\"\\\"Zo\xc3\xab\\\" <ada@example.org>\"]}");
    struct verdict verdict = test_outcome(&mailer_resend, &f->task, START, 200, "{\"id\":\"em1\"}");
    assert_int_equal(verdict.kind, VERDICT_DONE);
    assert_string_equal(tree_text(f->learned, "email"), "em1");
}

static void a_plain_mail_has_no_html(void **state)
{
    struct fixture *f = *state;
    json_object_del(f->payload, "html");
    char *text = test_request(&mailer_resend, &f->task, START);
    assert_null(strstr(text, "html"));
    free(text);
}

static void a_repeat_within_a_day_is_the_same_request(void **state)
{
    struct fixture *f = *state;
    char *first = test_request(&mailer_resend, &f->task, START);
    struct verdict verdict = test_outcome(&mailer_resend, &f->task, START, 0, "");
    assert_int_equal(verdict.kind, VERDICT_AGAIN);
    f->task.attempt = 2;
    f->task.repeat = true;
    f->task.began_ms += 22 * HOUR_MS;
    sends(f, START, first);
    free(first);
}

#define AGO(text)                                                                                  \
    "{\"id\":\"x\",\"to\":[\"b@example.org\"],\"subject\":\"s\",\"created_at\":\"" text "\"}"
#define LIST(more, rows) "{\"object\":\"list\",\"has_more\":" more ",\"data\":[" rows "]}"

static struct verdict late_look(struct fixture *f, int status, const char *body)
{
    json_object_clear(f->learned);
    tree_set_int(f->learned, "doubt_ms", now_ms);
    f->task.attempt = 2;
    f->task.repeat = true;
    f->task.began_ms = now_ms + 24 * HOUR_MS;
    return test_outcome(&mailer_resend, &f->task, START, status, body);
}

static void a_repeat_later_than_the_key_looks_first(void **state)
{
    struct fixture *f = *state;
    static const char mine[] =
        "{\"id\":\"em7\",\"to\":[\"Ada <ADA@example.org>\"],\"subject\":\"Welcome!\","
        "\"created_at\":\"2026-09-21 14:14:00.5+00\"}";
    char list[512];
    struct verdict verdict = late_look(f, 503, "");
    assert_int_equal(verdict.kind, VERDICT_AGAIN);
    sends(f, START,
          "GET https://api.resend.com/emails?limit=100\n"
          "Authorization: Bearer re_1\nAccept: application/json\n");
    /* there */
    snprintf(list, sizeof list, LIST("true", "%s,%s"), AGO("2026-09-21 14:15:00+00"), mine);
    verdict = late_look(f, 200, list);
    assert_int_equal(verdict.kind, VERDICT_DONE);
    assert_string_equal(tree_text(f->learned, "email"), "em7");
    /* not there, and the list is whole, or goes back far enough */
    verdict = late_look(f, 200, LIST("false", ""));
    assert_int_equal(verdict.kind, VERDICT_STEP);
    assert_int_equal(verdict.step, SEND);
    verdict = late_look(f, 200, LIST("true", AGO("2026-09-20T10:00:00Z")));
    assert_int_equal(verdict.kind, VERDICT_STEP);
    /* one to the same person, of before */
    snprintf(list, sizeof list, LIST("true", "%s"), mine);
    memcpy(strstr(list, "09-21"), "09-20", 5);
    assert_int_equal(late_look(f, 200, list).kind, VERDICT_STEP);
    /* more than the list shows, no list, a key that may only send */
    static const struct {
        int status;
        const char *body;
    } dark[] = {{200, LIST("true", AGO("2026-09-21T15:00:00Z"))},
                {200, LIST("true", "")},
                {200, LIST("true", AGO("garbage"))},
                {200, "{}"},
                {200, "<html>"},
                {401, "{\"name\":\"restricted_api_key\"}"},
                {404, ""}};
    for (size_t i = 0; i < sizeof dark / sizeof *dark; i++) {
        verdict = late_look(f, dark[i].status, dark[i].body);
        if (verdict.kind != VERDICT_UNCERTAIN || !strstr(verdict.words, "more than a day ago")) {
            fail_msg("row %zu: %d, %s", i, (int)verdict.kind, verdict.words);
        }
    }
}

static void what_was_surely_refused_leaves_no_doubt(void **state)
{
    struct fixture *f = *state;
    for (int attempt = 1; attempt <= 5; attempt++) {
        f->task.attempt = attempt;
        f->task.repeat = attempt > 1;
        f->task.began_ms += 20 * HOUR_MS;
        char *text = test_request(&mailer_resend, &f->task, START);
        assert_non_null(strstr(text, "POST "));
        free(text);
        test_outcome(&mailer_resend, &f->task, START, 429, "{\"name\":\"rate_limit_exceeded\"}");
    }
    /* an attempt without an answer: cut off */
    f->task.attempt = 7;
    char *text = test_request(&mailer_resend, &f->task, START);
    assert_non_null(strstr(text, "GET "));
    free(text);
    /* a person asked for it again: that decides */
    f->task.attempt = 1;
    text = test_request(&mailer_resend, &f->task, START);
    assert_non_null(strstr(text, "POST "));
    free(text);
}

static void a_secret_with_a_line_end_does_not_leave(void **state)
{
    struct fixture *f = *state;
    f->task.secret = "re\r\nX-Evil: 1";
    sends(f, START, "fault malformed");
}

/* status, body -> verdict, wait, hold, words */
static const struct {
    int status;
    const char *body;
    enum verdict_kind kind;
    int64_t retry_after_ms;
    int64_t hold_ms;
    bool ambiguous;
    const char *words;
} answers[] = {
    {0, "", VERDICT_AGAIN, 0, 0, true, "no answer in time"},
    {200, "<html>", VERDICT_AGAIN, 0, 0, true, "not one"},
    {200, "[]", VERDICT_AGAIN, 0, 0, true, "not one"},
    {200, "{\"id\":7}", VERDICT_AGAIN, 0, 0, true, "not one"},
    {201, "{\"name\":\"application_error\"}", VERDICT_AGAIN, 0, 0, true, "not one"},
    {302, "", VERDICT_NEVER, 0, 0, false, "redirect"},
    {400, "{\"name\":\"validation_error\",\"message\":\"ada@example.org\"}", VERDICT_NEVER, 0, 0,
     false, "invalid (400), validation_error"},
    {401, "{\"name\":\"missing_api_key\"}", VERDICT_REFUSED, 0, 0, false, "key"},
    {403, "{\"name\":\"invalid_api_key\"}", VERDICT_REFUSED, 0, 0, false, "key"},
    {403, "{\"name\":\"validation_error\"}", VERDICT_FORBIDDEN, 0, 0, false, "verified"},
    {404, "{\"name\":\"not_found\"}", VERDICT_NEVER, 0, 0, false, "404"},
    {409, "{\"name\":\"invalid_idempotent_request\"}", VERDICT_NEVER, 0, 0, false, "other words"},
    {409, "{\"name\":\"concurrent_idempotent_requests\"}", VERDICT_AGAIN, 0, 0, true, "under way"},
    {409, "{}", VERDICT_NEVER, 0, 0, false, "conflict"},
    {422, "{\"name\":\"invalid_from_address\"}", VERDICT_NEVER, 0, 0, false,
     "invalid (422), invalid_from_address"},
    {422, "{\"name\":\"<ada@example.org>\"}", VERDICT_NEVER, 0, 0, false, "invalid (422)"},
    {429, "{\"name\":\"rate_limit_exceeded\"}", VERDICT_AGAIN, 1000, 0, false, "too many"},
    {429, "{\"name\":\"daily_quota_exceeded\"}", VERDICT_AGAIN, 0, HOUR_MS, false, "daily quota"},
    {429, "{\"name\":\"monthly_quota_exceeded\"}", VERDICT_AGAIN, 0, 6 * HOUR_MS, false,
     "monthly quota"},
    {429, "", VERDICT_AGAIN, 1000, 0, false, "too many"},
    {500, "{\"name\":\"application_error\"}", VERDICT_AGAIN, 0, 0, false, "500"},
    {503, "garbage", VERDICT_AGAIN, 0, 0, false, "503"},
};

static void answers_are_classified(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        json_object_clear(f->learned);
        struct verdict verdict =
            test_outcome(&mailer_resend, &f->task, START, answers[i].status, answers[i].body);
        if (verdict.kind != answers[i].kind || verdict.ambiguous != answers[i].ambiguous ||
            verdict.retry_after_ms != answers[i].retry_after_ms ||
            verdict.hold_ms != answers[i].hold_ms || !strstr(verdict.words, answers[i].words)) {
            fail_msg("row %zu: verdict %d, \"%s\"", i, (int)verdict.kind, verdict.words);
        }
        assert_null(strstr(verdict.words, "ada@"));
    }
}

static void settings_are_checked(void **state)
{
    struct fixture *f = *state;
    struct buf why = {0};
    assert_true(mailer_resend.check(f->settings, &why));
    struct settings *bad =
        test_settings(f->home, mailer_resend.settings, "mailer\n    url = \"http://a.com\"\n");
    assert_false(mailer_resend.check(bad, &why));
    assert_non_null(strstr(buf_text(&why), "mailer/url: http:// is taken for loopback"));
    assert_non_null(strstr(buf_text(&why), "mailer/key: expected an API key of Resend"));
    settings_destroy(&bad);
    buf_fini(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mail_leaves_in_parts_with_its_key),
        TEST(a_plain_mail_has_no_html),
        TEST(a_repeat_within_a_day_is_the_same_request),
        TEST(a_repeat_later_than_the_key_looks_first),
        TEST(what_was_surely_refused_leaves_no_doubt),
        TEST(a_secret_with_a_line_end_does_not_leave),
        TEST(answers_are_classified),
        TEST(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
