/* zendesk_test.c - the Zendesk adapter as a table of bytes. */
#include "../adapter_test.h"

#include "support.h"

extern const struct adapter support_zendesk;

enum { START, COMMENTS, NOTE, TAGS, UNTAG, FIND, FIND_SURELY, USER, OPEN, CREATE, REQUESTER };

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
    f->payload =
        json_pack("{s:s, s:s, s:s, s:s, s:[s], s:[s], s:b}", "text", "note [usher:refund:ch_1]",
                  "subject", "A payment was refunded", "email", "ada@example.com", "name", "Ada",
                  "tags", "usher", "untags", "member_active", "urgent", 0);
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

static struct verdict goes(struct fixture *f, int step, int status, const char *body,
                           enum verdict_kind kind, int next)
{
    struct verdict verdict = test_outcome(&support_zendesk, &f->task, step, status, body);
    if (verdict.kind != kind || (kind == VERDICT_STEP && verdict.step != next)) {
        fail_msg("step %d, %d %s: verdict %d, step %d", step, status, body, (int)verdict.kind,
                 verdict.step);
    }
    return verdict;
}

#define AGENT "Accept: application/json\nuser agent@x.com/token:token\n"
#define WRITES                                                                                     \
    "Accept: application/json\nContent-Type: application/json\nuser agent@x.com/token:token\n"

static void a_ticket_is_made_with_its_key(void **state)
{
    struct fixture *f = *state;
    sends(f, CREATE,
          "POST https://x.zendesk.com/api/v2/tickets.json\n"
          "Accept: application/json\n"
          "Idempotency-Key: "
          "d70cf20770b95dfb93999f9432dcf034356bc84ba6e354477b19e4007d1326c4\n"
          "Content-Type: application/json\n"
          "user agent@x.com/token:token\n"
          "{\"ticket\":{\"comment\":{\"body\":\"note [usher:refund:ch_1]\",\"public\":false},"
          "\"external_id\":\"refund:ch_1\",\"requester\":{\"email\":\"ada@example.com\",\"name\":"
          "\"Ada\"},\"subject\":\"A payment was refunded\",\"tags\":[\"usher\"]}}");
    goes(f, CREATE, 201, "{\"ticket\":{\"id\":35436}}", VERDICT_DONE, 0);
    assert_string_equal(tree_text(f->learned, "ticket"), "35436");
}

static void the_members_open_ticket_is_looked_for(void **state)
{
    struct fixture *f = *state;
    sends(f, START,
          "GET https://x.zendesk.com/api/v2/users/"
          "search.json?query=email%3A%22ada%40example.com%22\n" AGENT);
    goes(f, START, 200, "{\"users\":[]}", VERDICT_STEP, CREATE);
    goes(f, START, 200, "{\"users\":[{\"id\":1,\"email\":\"ada@example.com.evil\"},7,{}]}",
         VERDICT_STEP, CREATE);
    goes(f, START, 200, "{\"users\":[{\"id\":1},{\"id\":2,\"email\":\"Ada@Example.com\"}]}",
         VERDICT_STEP, OPEN);
    sends(f, OPEN,
          "GET https://x.zendesk.com/api/v2/users/2/tickets/"
          "requested.json?sort_by=updated_at&sort_order=desc&per_page=25\n" AGENT);
    static const char *const not_open[] = {
        "{\"tickets\":[]}", "{\"tickets\":[{\"id\":5,\"status\":\"solved\"}]}",
        "{\"tickets\":[{\"id\":5,\"status\":\"closed\"},{\"id\":6,\"status\":\"deleted\"}]}",
        "{\"tickets\":[{\"status\":\"open\"},7,{\"id\":\"x\",\"status\":\"open\"}]}"};
    for (size_t i = 0; i < sizeof not_open / sizeof *not_open; i++) {
        goes(f, OPEN, 200, not_open[i], VERDICT_STEP, CREATE);
    }
    static const char *const words[] = {"new", "open", "pending", "hold"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char body[200];
        snprintf(body, sizeof body,
                 "{\"tickets\":[{\"id\":8,\"status\":\"closed\"},{\"id\":9,\"status\":\"%s\"},"
                 "{\"id\":10,\"status\":\"open\"}]}",
                 words[i]);
        json_object_del(f->learned, "ticket");
        assert_true(goes(f, OPEN, 200, body, VERDICT_STEP, NOTE).keep);
        assert_string_equal(tree_text(f->learned, "ticket"), "9");
    }
}

static void an_address_that_cannot_be_searched_makes_a_ticket(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "email", "a\" OR x@example.com");
    char *text = test_request(&support_zendesk, &f->task, START);
    assert_memory_equal(text, "POST ", 5);
    free(text);
    json_object_del(f->payload, "email");
    text = test_request(&support_zendesk, &f->task, START);
    assert_memory_equal(text, "POST ", 5);
    assert_null(strstr(text, "requester"));
    free(text);
}

static void a_repeat_goes_where_the_first_went(void **state)
{
    struct fixture *f = *state;
    f->task.repeat = true;
    tree_set_text(f->learned, "ticket", "9");
    sends(f, START,
          "GET https://x.zendesk.com/api/v2/tickets/9/"
          "comments.json?sort_order=desc&per_page=50\n" AGENT);
}

static void a_repeat_looks_first(void **state)
{
    struct fixture *f = *state;
    f->task.repeat = true;
    sends(f, START,
          "GET https://x.zendesk.com/api/v2/tickets.json?external_id=refund%3Ach_1\n" AGENT);
    goes(f, START, 200, "{\"tickets\":[]}", VERDICT_STEP, USER);
    goes(f, START, 200, "{\"tickets\":[{\"id\":1,\"external_id\":\"other\"}]}", VERDICT_STEP, USER);
    goes(f, START, 200, "{\"tickets\":[{\"id\":2,\"external_id\":\"refund:ch_1\"}]}", VERDICT_DONE,
         0);
    assert_string_equal(tree_text(f->learned, "ticket"), "2");
}

static void a_named_ticket_gets_the_note(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "ticket", "12/../3");
    sends(f, START,
          "PUT https://x.zendesk.com/api/v2/tickets/12%2F..%2F3.json\n" WRITES
          "{\"ticket\":{\"comment\":{\"body\":\"note [usher:refund:ch_1]\",\"public\":false}}}");
    goes(f, START, 200, "{\"ticket\":{\"id\":12}}", VERDICT_STEP, TAGS);
    sends(f, TAGS,
          "PUT https://x.zendesk.com/api/v2/tickets/12%2F..%2F3/tags.json\n" WRITES
          "{\"tags\":[\"usher\"]}");
    goes(f, TAGS, 200, "{\"tags\":[\"billing\",\"usher\"]}", VERDICT_DONE, 0);
    goes(f, TAGS, 200, "{\"tags\":[\"member_active\",\"usher\"]}", VERDICT_STEP, UNTAG);
    sends(f, UNTAG,
          "DELETE https://x.zendesk.com/api/v2/tickets/12%2F..%2F3/tags.json\n" WRITES
          "{\"tags\":[\"member_active\"]}");
    goes(f, UNTAG, 200, "{\"tags\":[]}", VERDICT_DONE, 0);
    goes(f, UNTAG, 204, "", VERDICT_DONE, 0);
}

static void a_marker_counts_in_internal_comments_only(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "ticket", "12");
    f->task.repeat = true;
    goes(f, START, 200, "{\"comments\":[{\"body\":\"x [usher:refund:ch_1] y\",\"public\":false}]}",
         VERDICT_STEP, TAGS);
    goes(f, START, 200, "{\"comments\":[{\"body\":\"x [usher:refund:ch_1] y\",\"public\":true}]}",
         VERDICT_STEP, NOTE);
    goes(f, START, 200, "{\"comments\":[{\"body\":\"[usher:refund:ch_12]\"}]}", VERDICT_STEP, NOTE);
}

static void an_urgent_note_makes_its_ticket_urgent(void **state)
{
    struct fixture *f = *state;
    tree_set_flag(f->payload, "urgent", true);
    tree_set_text(f->payload, "ticket", "12");
    char *text = test_request(&support_zendesk, &f->task, NOTE);
    assert_non_null(strstr(text, "\"priority\":\"urgent\""));
    free(text);
}

#define CLOSED                                                                                     \
    "{\"error\":\"RecordInvalid\",\"details\":{\"status\":[{\"description\":\"Status: closed "     \
    "prevents ticket update\"}]}}"

static void a_closed_ticket_gets_a_follow_up(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "ticket", "12");
    assert_true(goes(f, NOTE, 422, CLOSED, VERDICT_STEP, CREATE).keep);
    char *text = test_request(&support_zendesk, &f->task, START);
    assert_memory_equal(text, "POST ", 5);
    assert_non_null(strstr(text, "\"via_followup_source_id\":\"12\""));
    assert_null(strstr(text, "requester"));
    free(text);
    f->task.repeat = true; /* its answer was lost: by its key it is found, or made */
    text = test_request(&support_zendesk, &f->task, START);
    assert_non_null(strstr(text, "external_id="));
    free(text);
    goes(f, START, 200, "{\"tickets\":[]}", VERDICT_STEP, CREATE);
    goes(f, TAGS, 422, CLOSED, VERDICT_DONE, 0);
    goes(f, NOTE, 422, "{\"error\":\"RecordInvalid\"}", VERDICT_NEVER, 0);
}

static void a_ticket_that_is_gone_is_replaced_unless_named(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "ticket", "9");
    assert_true(goes(f, NOTE, 404, "{}", VERDICT_STEP, CREATE).keep);
    assert_string_equal(tree_text(f->learned, "ticket"), "");
    goes(f, OPEN, 404, "{}", VERDICT_STEP, CREATE);
    tree_set_text(f->payload, "ticket", "12");
    goes(f, NOTE, 404, "{}", VERDICT_NEVER, 0);
    goes(f, COMMENTS, 404, "{}", VERDICT_NEVER, 0);
}

static void a_person_is_looked_up(void **state)
{
    struct fixture *f = *state;
    f->task.kind = SUPPORT_ASKS;
    f->task.repeat = true;
    tree_set_text(f->payload, "ticket", "35436");
    tree_set_text(f->payload, "customer", "20978392/x");
    sends(f, START, "GET https://x.zendesk.com/api/v2/users/20978392%2Fx.json\n" AGENT);
    goes(f, START, 404, "{}", VERDICT_NEVER, 0);
    goes(f, START, 200, "<html>", VERDICT_AGAIN, 0);
    goes(f, START, 200, "{\"user\":{\"email\":null,\"name\":7}}", VERDICT_DONE, 0);
    assert_string_equal(tree_text(f->learned, "email"), "");
    goes(f, START, 200, "{\"user\":{\"email\":\"ada@example.com\",\"name\":\"Ada\"}}", VERDICT_DONE,
         0);
    assert_string_equal(tree_text(f->learned, "email"), "ada@example.com");
    assert_string_equal(tree_text(f->learned, "name"), "Ada");
}

static void limits_of_the_account_and_of_one_ticket(void **state)
{
    struct fixture *f = *state;
    struct answer answer = {.status = 429,
                            .retry_after_ms = 7000,
                            .body = "Too many requests",
                            .len = 17,
                            .words = "",
                            .headers = "X-Rate-Limit: 700\nX-Rate-Limit-Remaining: 0\n"};
    struct verdict verdict = {.learned = f->learned};
    support_zendesk.outcome(&f->task, NOTE, &answer, &verdict);
    assert_int_equal(verdict.kind, VERDICT_AGAIN);
    assert_int_equal(verdict.retry_after_ms, 7000);
    assert_false(verdict.alone);
    answer.headers = "x-rate-limit-remaining: 631\n";
    verdict = (struct verdict){.learned = f->learned};
    support_zendesk.outcome(&f->task, NOTE, &answer, &verdict);
    assert_int_equal(verdict.kind, VERDICT_AGAIN);
    assert_int_equal(verdict.retry_after_ms, 7000);
    assert_true(verdict.alone);
    assert_non_null(strstr(verdict.words, "this ticket"));
    verdict = (struct verdict){.learned = f->learned};
    support_zendesk.outcome(&f->task, CREATE, &answer, &verdict);
    assert_false(verdict.alone);
}

static void answers_are_classified(void **state)
{
    struct fixture *f = *state;
    goes(f, CREATE, 0, "", VERDICT_AGAIN, 0);
    goes(f, CREATE, 401, "Couldn't authenticate you", VERDICT_REFUSED, 0);
    goes(f, CREATE, 403, "", VERDICT_FORBIDDEN, 0);
    goes(f, CREATE, 409, "", VERDICT_AGAIN, 0);
    goes(f, NOTE, 409, "{\"error\":\"UpdateConflict\"}", VERDICT_AGAIN, 0);
    goes(f, CREATE, 429, "text", VERDICT_AGAIN, 0);
    goes(f, CREATE, 500, "", VERDICT_AGAIN, 0);
    goes(f, CREATE, 404, "", VERDICT_NEVER, 0);
    goes(f, CREATE, 422, "closed", VERDICT_NEVER, 0);
    goes(f, USER, 422, "{}", VERDICT_NEVER, 0);
    goes(f, CREATE, 400, "{\"error\":\"IdempotentRequestError\"}", VERDICT_STEP, FIND_SURELY);
    goes(f, FIND_SURELY, 200, "{\"tickets\":[]}", VERDICT_NEVER, 0);
    goes(f, FIND_SURELY, 200, "{\"tickets\":[{\"id\":3,\"external_id\":\"refund:ch_1\"}]}",
         VERDICT_DONE, 0);
    goes(f, NOTE, 400, "{}", VERDICT_NEVER, 0);
}

static void a_good_status_is_not_yet_an_answer(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        "", "text", "<html>", "[]", "{\"ticket\":", "{}", "7", "null", "{\"error\":\"x\"}"};
    static const int steps[] = {COMMENTS, NOTE, TAGS,   FIND,     FIND_SURELY,
                                USER,     OPEN, CREATE, REQUESTER};
    tree_set_text(f->payload, "ticket", "12");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
            assert_true(goes(f, steps[k], 200, bodies[i], VERDICT_AGAIN, 0).ambiguous);
        }
    }
    goes(f, CREATE, 201, "{\"ticket\":{\"id\":\"5\"}}", VERDICT_AGAIN, 0);
    goes(f, COMMENTS, 200, "{\"comments\":7}", VERDICT_AGAIN, 0);
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
        TEST(a_ticket_is_made_with_its_key),
        TEST(the_members_open_ticket_is_looked_for),
        TEST(an_address_that_cannot_be_searched_makes_a_ticket),
        TEST(a_repeat_goes_where_the_first_went),
        TEST(a_repeat_looks_first),
        TEST(a_named_ticket_gets_the_note),
        TEST(a_marker_counts_in_internal_comments_only),
        TEST(an_urgent_note_makes_its_ticket_urgent),
        TEST(a_closed_ticket_gets_a_follow_up),
        TEST(a_ticket_that_is_gone_is_replaced_unless_named),
        TEST(a_person_is_looked_up),
        TEST(limits_of_the_account_and_of_one_ticket),
        TEST(answers_are_classified),
        TEST(a_good_status_is_not_yet_an_answer),
        TEST(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
