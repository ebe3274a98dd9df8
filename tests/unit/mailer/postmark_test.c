/* postmark_test.c - the Postmark adapter as a table of bytes. */
#include "../adapter_test.h"

#include "mailer.h"

extern const struct adapter mailer_postmark;

enum { START, SEND, LOOK };

enum { HOUR_MS = 3600 * 1000 };

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
    f->settings = test_settings(f->home, mailer_postmark.settings,
                                "mailer\n    key = \"pm-1\"\n    stream = \"club/2\"\n");
    f->payload = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s}}", "to", "ada@example.org",
                           "mark", "0123abcd", "sender", "\"Club\" <hello@example.com>", "receiver",
                           "ada@example.org", "subject", "Welcome!", "text", "Hello\n", "html",
                           "<p>Hello</p>", "headers", "Auto-Submitted", "auto-generated");
    f->learned = json_object();
    f->task = (struct task){.key = "welcome:mem_1",
                            .kind = "welcome",
                            .member = "mem_1",
                            .attempt = 1,
                            .payload = f->payload,
                            .learned = f->learned,
                            .created_ms = 1,
                            .began_ms = 1000,
                            .secret = "pm-1",
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
    char *text = test_request(&mailer_postmark, &f->task, step);
    assert_string_equal(text, expected);
    free(text);
}

static bool looks(struct fixture *f, int attempt)
{
    f->task.attempt = attempt;
    f->task.repeat = true;
    char *text = test_request(&mailer_postmark, &f->task, START);
    bool look = strncmp(text, "GET ", 4) == 0;
    free(text);
    return look;
}

static struct verdict answers_with(struct fixture *f, int step, int status, const char *body)
{
    return test_outcome(&mailer_postmark, &f->task, step, status, body);
}

static void a_mail_leaves_in_parts_with_its_mark(void **state)
{
    struct fixture *f = *state;
    sends(f, START,
          "POST https://api.postmarkapp.com/email\n"
          "X-Postmark-Server-Token: pm-1\nAccept: application/json\n"
          "Content-Type: application/json\n"
          "{\"From\":\"\\\"Club\\\" <hello@example.com>\","
          "\"Headers\":[{\"Name\":\"Auto-Submitted\",\"Value\":\"auto-generated\"}],"
          "\"HtmlBody\":\"<p>Hello</p>\",\"MessageStream\":\"club/2\","
          "\"Metadata\":{\"usher\":\"0123abcd\"},\"Subject\":\"Welcome!\","
          "\"TextBody\":\"Hello\\n\",\"To\":\"ada@example.org\"}");
    struct verdict verdict =
        answers_with(f, START, 200, "{\"ErrorCode\":0,\"Message\":\"OK\",\"MessageID\":\"m1\"}");
    assert_int_equal(verdict.kind, VERDICT_DONE);
    assert_string_equal(tree_text(f->learned, "email"), "m1");
}

static void a_doubtful_repeat_looks_and_finds(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(answers_with(f, START, 0, "").kind, VERDICT_AGAIN);
    assert_true(looks(f, 2));
    sends(f, START,
          "GET https://api.postmarkapp.com/messages/outbound?count=1&offset=0&"
          "metadata_usher=0123abcd&messagestream=club%2F2\n"
          "X-Postmark-Server-Token: pm-1\nAccept: application/json\n");
    struct verdict verdict = answers_with(
        f, START, 200,
        "{\"TotalCount\":1,\"Messages\":[{\"MessageID\":\"m7\",\"Metadata\":{\"usher\":"
        "\"0123abcd\"}}]}");
    assert_int_equal(verdict.kind, VERDICT_DONE);
    assert_string_equal(tree_text(f->learned, "email"), "m7");
}

static void nothing_there_is_believed_at_the_second_look(void **state)
{
    struct fixture *f = *state;
    static const char none[] = "{\"TotalCount\":0,\"Messages\":[]}";
    static const char other[] =
        "{\"TotalCount\":1,\"Messages\":[{\"MessageID\":\"m7\",\"Metadata\":{\"usher\":\"ff\"}}]}";
    answers_with(f, START, 0, "");
    assert_true(looks(f, 2));
    struct verdict verdict = answers_with(f, START, 200, none);
    assert_int_equal(verdict.kind, VERDICT_AGAIN);
    assert_int_equal(verdict.retry_after_ms, 60000);
    assert_true(looks(f, 3));
    verdict = answers_with(f, START, 200, other);
    assert_int_equal(verdict.kind, VERDICT_STEP);
    assert_int_equal(verdict.step, SEND);
    /* that one is cut off, without an answer: both looks again */
    assert_true(looks(f, 4));
    assert_int_equal(answers_with(f, START, 200, none).kind, VERDICT_AGAIN);
    assert_true(looks(f, 5));
    assert_int_equal(answers_with(f, START, 200, none).kind, VERDICT_STEP);
    /* refused for certain: nothing to look for */
    assert_int_equal(answers_with(f, SEND, 429, "").kind, VERDICT_AGAIN);
    assert_false(looks(f, 6));
}

static void a_look_without_an_answer_is_a_look_again(void **state)
{
    struct fixture *f = *state;
    answers_with(f, START, 500, "");
    assert_true(looks(f, 2));
    static const struct {
        int status;
        const char *body;
        enum verdict_kind kind;
    } rows[] = {{0, "", VERDICT_AGAIN},      {503, "", VERDICT_AGAIN},
                {429, "", VERDICT_AGAIN},    {200, "<html>", VERDICT_AGAIN},
                {200, "{}", VERDICT_AGAIN},  {200, "{\"Messages\":7}", VERDICT_AGAIN},
                {401, "{}", VERDICT_REFUSED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(answers_with(f, START, rows[i].status, rows[i].body).kind, rows[i].kind);
    }
    assert_true(looks(f, 3));
}

static void a_refusal_that_costs_no_attempt_hides_no_crash(void **state)
{
    struct fixture *f = *state;
    struct verdict verdict = answers_with(f, START, 422, "{\"ErrorCode\":405}");
    assert_int_equal(verdict.hold_ms, HOUR_MS);
    assert_false(looks(f, 1));
    assert_true(looks(f, 2)); /* the first was tried again, and cut off */
}

/* status, body -> verdict, hold, words */
static const struct {
    int status;
    const char *body;
    enum verdict_kind kind;
    int64_t hold_ms;
    bool ambiguous;
    const char *words;
} answers[] = {
    {0, "", VERDICT_AGAIN, 0, true, "no answer in time"},
    {200, "<html>", VERDICT_AGAIN, 0, true, "not one"},
    {200, "{}", VERDICT_AGAIN, 0, true, "not one"},
    {200, "{\"ErrorCode\":0}", VERDICT_AGAIN, 0, true, "not one"},
    {200, "{\"ErrorCode\":\"0\",\"MessageID\":\"m\"}", VERDICT_AGAIN, 0, true, "not one"},
    {200, "{\"ErrorCode\":406,\"Message\":\"ada@example.org\"}", VERDICT_NEVER, 0, false,
     "inactive"},
    {302, "", VERDICT_NEVER, 0, false, "redirect"},
    {401, "{\"ErrorCode\":10}", VERDICT_REFUSED, 0, false, "key"},
    {403, "", VERDICT_FORBIDDEN, 0, false, "403"},
    {404, "", VERDICT_NEVER, 0, false, "404"},
    {422, "{\"ErrorCode\":10}", VERDICT_REFUSED, 0, false, "key"},
    {422, "{\"ErrorCode\":100}", VERDICT_AGAIN, 0, false, "maintained"},
    {422, "{\"ErrorCode\":300}", VERDICT_NEVER, 0, false, "invalid (300)"},
    {422, "{\"ErrorCode\":400}", VERDICT_NEVER, 0, false, "sender"},
    {422, "{\"ErrorCode\":401}", VERDICT_NEVER, 0, false, "not confirmed"},
    {422, "{\"ErrorCode\":405}", VERDICT_AGAIN, HOUR_MS, false, "credits"},
    {422, "{\"ErrorCode\":406}", VERDICT_NEVER, 0, false, "inactive"},
    {422, "{\"ErrorCode\":412}", VERDICT_NEVER, 0, false, "not approved"},
    {422, "{\"ErrorCode\":413}", VERDICT_NEVER, 0, false, "may not send"},
    {422, "{\"ErrorCode\":1235}", VERDICT_NEVER, 0, false, "mailer/stream"},
    {422, "{\"ErrorCode\":9999}", VERDICT_NEVER, 0, false, "code 9999"},
    {422, "", VERDICT_NEVER, 0, false, "422"},
    {429, "", VERDICT_AGAIN, 0, false, "too many"},
    {500, "", VERDICT_AGAIN, 0, false, "500"},
    {503, "garbage", VERDICT_AGAIN, 0, false, "503"},
};

static void answers_are_classified(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        json_object_clear(f->learned);
        struct verdict verdict = answers_with(f, START, answers[i].status, answers[i].body);
        if (verdict.kind != answers[i].kind || verdict.ambiguous != answers[i].ambiguous ||
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
    assert_true(mailer_postmark.check(f->settings, &why));
    struct settings *bad =
        test_settings(f->home, mailer_postmark.settings, "mailer\n    url = \"ftp://a\"\n");
    assert_false(mailer_postmark.check(bad, &why));
    assert_non_null(strstr(buf_text(&why), "mailer/url: expected https://"));
    assert_non_null(strstr(buf_text(&why), "mailer/key: expected a server API token"));
    settings_destroy(&bad);
    buf_fini(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mail_leaves_in_parts_with_its_mark),
        TEST(a_doubtful_repeat_looks_and_finds),
        TEST(nothing_there_is_believed_at_the_second_look),
        TEST(a_look_without_an_answer_is_a_look_again),
        TEST(a_refusal_that_costs_no_attempt_hides_no_crash),
        TEST(answers_are_classified),
        TEST(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
