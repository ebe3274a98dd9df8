/* http_test.c - a CRM that a file describes, as a table of bytes. */
#include "crm_fixture.h"

#include "standard_webhooks.h"

extern const struct adapter crm_http;

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static int set_up(void **state)
{
    *state = fixture_new(crm_http.settings,
                         "crm\n    url = \"https://hook.example/1\"\n    secret = \"" SECRET "\"\n",
                         SECRET);
    return 0;
}

/* The value of a header; what follows it stays. */
static char *header(const struct call *call, const char *name)
{
    const char *at = strstr((const char *)call->headers.bytes, name);
    assert_non_null(at);
    at += strlen(name) + 2;
    return strndup(at, strcspn(at, "\n"));
}

static struct call called(struct fixture *f)
{
    struct call call = {0};
    assert_int_equal(crm_http.request(&f->task, 0, &call), OK);
    (void)buf_text(&call.headers);
    return call;
}

static void the_state_is_posted_and_signed(void **state)
{
    struct fixture *f = *state;
    struct call call = called(f);
    assert_string_equal(call.method, "POST");
    assert_string_equal(buf_text(&call.url), "https://hook.example/1");
    assert_string_equal(
        buf_text(&call.body),
        "{\"type\": \"contact.changed\", \"timestamp\": \"1970-01-01T00:00:00Z\", \"data\": "
        "{\"member\": \"mem_1\", \"version\": 3, \"email\": \"Ada@Example.com\", \"name\": \"Ada "
        "King "
        "Lovelace\", \"state\": \"active\", \"access\": true, \"tags\": [\"member\"], "
        "\"app_user\": "
        "\"\", \"contact\": \"\", \"retired\": false}}");
    char *id = header(&call, "webhook-id");
    char *timestamp = header(&call, "webhook-timestamp");
    char *signature = header(&call, "webhook-signature");
    assert_true(sw_verify(SECRET, id, timestamp, (struct slice){call.body.bytes, call.body.len},
                          signature, atoll(timestamp) * 1000));
    free(timestamp);
    free(signature);
    call_fini(&call);

    call = called(f); /* the same news has the same id, newer news another one */
    char *again = header(&call, "webhook-id");
    assert_string_equal(again, id);
    free(again);
    call_fini(&call);
    f->task.version = 4;
    call = called(f);
    again = header(&call, "webhook-id");
    assert_string_not_equal(again, id);
    free(again);
    free(id);
    call_fini(&call);
}

static void a_retired_contact_is_told_as_such(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "mem_2");
    tree_set_flag(f->payload, "retire", true);
    struct call call = called(f);
    assert_non_null(strstr(buf_text(&call.body),
                           "\"state\": \"merged\", \"access\": false, \"tags\": [], \"app_user\": "
                           "\"\", \"contact\": \"mem_2\", \"retired\": true}}"));
    call_fini(&call);
}

static void a_contact_is_known_by_its_member_where_nobody_names_it(void **state)
{
    struct fixture *f = *state;
    struct verdict verdict = test_outcome(&crm_http, &f->task, 0, 204, "");
    assert_int_equal(verdict.kind, VERDICT_DONE);
    assert_string_equal(tree_text(f->learned, "contact"), "mem_1");
}

static void answers_are_classified(void **state)
{
    struct fixture *f = *state;
    static const struct answer_row rows[] = {
        {0, 0, "", VERDICT_AGAIN, true, "no answer in time"},
        {0, 200, "<html>", VERDICT_DONE, false, ""}, /* all that is said is 200 */
        {0, 401, "", VERDICT_AGAIN, false, "refuses our key"},
        {0, 403, "", VERDICT_NEVER, false, "403"},
        {0, 410, "", VERDICT_NEVER, false, "410"},
        {0, 429, "", VERDICT_AGAIN, false, "429"},
        {0, 502, "", VERDICT_AGAIN, false, "502"},
    };
    classified(&crm_http, f, rows, sizeof rows / sizeof *rows);
}

static void a_file_with_a_mistake_lets_jobs_wait(void **state)
{
    struct fixture *f = *state;
    struct buf why = {0};
    settings_destroy(&f->settings);
    f->settings = test_settings(f->home, crm_http.settings,
                                "crm\n    url = \"https://hook.example/1\"\n    target = "
                                "\"targets/none.cfg\"\n    secret = \"whsec_short\"\n");
    f->task.settings = f->settings;
    sends(&crm_http, f, 0, "fault unavailable");
    struct verdict verdict = test_outcome(&crm_http, &f->task, 0, 200, "");
    assert_int_equal(verdict.kind, VERDICT_AGAIN);
    assert_non_null(strstr(verdict.words, "targets/none.cfg:1: "));
    assert_false(crm_http.check(f->settings, &why));
    assert_non_null(strstr(buf_text(&why), "targets/none.cfg:1: "));
    assert_non_null(strstr(buf_text(&why), "usher.cfg: crm/secret: expected whsec_"));
    buf_fini(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_state_is_posted_and_signed),
        TEST(a_retired_contact_is_told_as_such),
        TEST(a_contact_is_known_by_its_member_where_nobody_names_it),
        TEST(answers_are_classified),
        TEST(a_file_with_a_mistake_lets_jobs_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
