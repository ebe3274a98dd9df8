/* zendesk_test.c - the Zendesk adapter as a table of bytes. */
#include "../adapter_test.h"

#include "support.h"

extern const struct adapter support_zendesk;

enum { START, COMMENTS, NOTE, TAGS, FIND, CREATE, REQUESTER };

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
    f->settings = test_settings(f->home, support_zendesk.settings,
                                "support\n    url = \"https://x.zendesk.com\"\n"
                                "    user = \"agent@x.com\"\n    key = \"token\"\n");
    f->payload = json_pack("{s:s, s:s, s:s, s:s, s:[s], s:b}", "text", "note [usher:refund:ch_1]",
                           "subject", "A payment was refunded", "email", "ada@example.com", "name",
                           "Ada", "tags", "usher", "urgent", 0);
    f->learned = json_object();
    f->task = (struct task){.key = "refund:ch_1",
                            .kind = "refund",
                            .member = "mem_1",
                            .attempt = 1,
                            .payload = f->payload,
                            .learned = f->learned,
                            .secret = "token",
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
    char *text = test_request(&support_zendesk, &f->task, step);
    assert_string_equal(text, expected);
    free(text);
}

static void goes(struct fixture *f, int step, int status, const char *body, enum verdict_kind kind,
                 int next)
{
    struct verdict verdict = test_outcome(&support_zendesk, &f->task, step, status, body);
    if (verdict.kind != kind || (kind == VERDICT_STEP && verdict.step != next)) {
        fail_msg("step %d, %d %s: verdict %d, step %d", step, status, body, (int)verdict.kind,
                 verdict.step);
    }
}

static void a_ticket_is_made_with_its_key(void **state)
{
    struct fixture *f = *state;
    sends(f, START,
          "POST https://x.zendesk.com/api/v2/tickets.json\n"
          "Accept: application/json\n"
          "Idempotency-Key: "
          "d70cf20770b95dfb93999f9432dcf034356bc84ba6e354477b19e4007d1326c4\n"
          "Content-Type: application/json\n"
          "user agent@x.com/token:token\n"
          "{\"ticket\":{\"comment\":{\"body\":\"note [usher:refund:ch_1]\",\"public\":false},"
          "\"external_id\":\"refund:ch_1\",\"requester\":{\"email\":\"ada@example.com\",\"name\":"
          "\"Ada\"},\"subject\":\"A payment was refunded\",\"tags\":[\"usher\"]}}");
    goes(f, START, 201, "{\"ticket\":{\"id\":35436}}", VERDICT_DONE, 0);
    assert_string_equal(tree_text(f->learned, "ticket"), "35436");
}

static void a_repeat_looks_first(void **state)
{
    struct fixture *f = *state;
    f->task.repeat = true;
    sends(f, START,
          "GET https://x.zendesk.com/api/v2/tickets.json?external_id=refund%3Ach_1\n"
          "Accept: application/json\nuser agent@x.com/token:token\n");
    goes(f, START, 200, "{\"tickets\":[]}", VERDICT_STEP, CREATE);
    goes(f, START, 200, "{\"tickets\":[{\"id\":1,\"external_id\":\"other\"}]}", VERDICT_STEP,
         CREATE);
    goes(f, START, 200, "{\"tickets\":[{\"id\":2,\"external_id\":\"refund:ch_1\"}]}", VERDICT_DONE,
         0);
}

static void a_named_ticket_gets_the_note(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "ticket", "12/../3");
    sends(f, START,
          "PUT https://x.zendesk.com/api/v2/tickets/12%2F..%2F3.json\n"
          "Accept: application/json\nContent-Type: application/json\n"
          "user agent@x.com/token:token\n"
          "{\"ticket\":{\"comment\":{\"body\":\"note [usher:refund:ch_1]\",\"public\":false}}}");
    goes(f, START, 200, "{\"ticket\":{}}", VERDICT_STEP, TAGS);
    sends(f, TAGS,
          "PUT https://x.zendesk.com/api/v2/tickets/12%2F..%2F3/tags.json\n"
          "Accept: application/json\nContent-Type: application/json\n"
          "user agent@x.com/token:token\n{\"tags\":[\"usher\"]}");
    goes(f, TAGS, 200, "{\"tags\":[]}", VERDICT_DONE, 0);
    f->task.repeat = true;
    goes(f, START, 200, "{\"comments\":[{\"body\":\"x [usher:refund:ch_1] y\"}]}", VERDICT_STEP,
         TAGS);
    goes(f, START, 200, "{\"comments\":[{\"body\":\"[usher:refund:ch_12]\"}]}", VERDICT_STEP, NOTE);
    goes(f, START, 200, "{\"comments\":7}", VERDICT_STEP, NOTE);
}

static void a_person_is_looked_up(void **state)
{
    struct fixture *f = *state;
    f->task.kind = SUPPORT_ASKS;
    f->task.repeat = true;
    tree_set_text(f->payload, "ticket", "35436");
    tree_set_text(f->payload, "customer", "20978392/x");
    sends(f, START,
          "GET https://x.zendesk.com/api/v2/users/20978392%2Fx.json\n"
          "Accept: application/json\nuser agent@x.com/token:token\n");
    goes(f, START, 404, "{}", VERDICT_NEVER, 0);
    goes(f, START, 200, "<html>", VERDICT_AGAIN, 0);
    goes(f, START, 200, "{\"user\":{\"email\":null,\"name\":7}}", VERDICT_DONE, 0);
    assert_string_equal(tree_text(f->learned, "email"), "");
    goes(f, START, 200, "{\"user\":{\"email\":\"ada@example.com\",\"name\":\"Ada\"}}", VERDICT_DONE,
         0);
    assert_string_equal(tree_text(f->learned, "email"), "ada@example.com");
    assert_string_equal(tree_text(f->learned, "name"), "Ada");
}

static void answers_are_classified(void **state)
{
    struct fixture *f = *state;
    goes(f, CREATE, 0, "", VERDICT_AGAIN, 0);
    goes(f, CREATE, 201, "text", VERDICT_AGAIN, 0);
    goes(f, CREATE, 401, "", VERDICT_REFUSED, 0);
    goes(f, CREATE, 403, "", VERDICT_FORBIDDEN, 0);
    goes(f, CREATE, 409, "", VERDICT_AGAIN, 0);
    goes(f, CREATE, 429, "", VERDICT_AGAIN, 0);
    goes(f, CREATE, 500, "", VERDICT_AGAIN, 0);
    goes(f, START, 400, "{\"error\":\"IdempotentRequestError\"}", VERDICT_STEP, FIND);
    goes(f, CREATE, 400, "{}", VERDICT_NEVER, 0);
    goes(f, CREATE, 422, "{}", VERDICT_NEVER, 0);
    goes(f, NOTE, 422, "{}", VERDICT_NEVER, 0);
    goes(f, NOTE, 404, "{}", VERDICT_NEVER, 0);
}

static void settings_are_checked(void **state)
{
    struct fixture *f = *state;
    struct buf why = {0};
    assert_true(support_zendesk.check(f->settings, &why));
    struct settings *bad = test_settings(f->home, support_zendesk.settings, "support\n");
    assert_false(support_zendesk.check(bad, &why));
    assert_non_null(strstr(buf_text(&why), "support/url"));
    assert_non_null(strstr(buf_text(&why), "support/user"));
    assert_non_null(strstr(buf_text(&why), "support/key"));
    settings_destroy(&bad);
    buf_fini(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_ticket_is_made_with_its_key), TEST(a_repeat_looks_first),
        TEST(a_named_ticket_gets_the_note),  TEST(a_person_is_looked_up),
        TEST(answers_are_classified),        TEST(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
