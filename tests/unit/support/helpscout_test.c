/* helpscout_test.c - the Help Scout adapter as a table of bytes. */
#include "../adapter_test.h"

#include "support.h"

extern const struct adapter support_helpscout;

enum { START, THREADS, NOTE, READ, TAGS, FIND, LOOK, CREATE };

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
    f->settings = test_settings(f->home, support_helpscout.settings,
                                "support\n    app = \"a&1\"\n    key = \"s=1\"\n"
                                "    mailbox = 77\n");
    f->payload =
        json_pack("{s:s, s:s, s:s, s:s, s:[s, s], s:[s], s:b}", "text", "note\n[usher:refund:ch_1]",
                  "subject", "A payment was refunded", "email", "ada@example.com", "name", "Ada L",
                  "tags", "usher", "member_active", "untags", "member_inactive", "urgent", 0);
    f->learned = json_object();
    f->task = (struct task){.key = "refund:ch_1",
                            .kind = "refund",
                            .member = "mem_1",
                            .attempt = 1,
                            .payload = f->payload,
                            .learned = f->learned,
                            .created_ms = 1795430400000,
                            .secret = "s=1",
                            .token = "t1",
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
    char *text = test_request(&support_helpscout, &f->task, step);
    assert_string_equal(text, expected);
    free(text);
}

static struct verdict says(struct fixture *f, int step, int status, const char *headers,
                           const char *body)
{
    struct answer answer = {.fault = status > 0 ? OK : FAULT_TIMEOUT,
                            .sent = true,
                            .status = status,
                            .headers = headers,
                            .body = body,
                            .len = strlen(body),
                            .words = ""};
    struct verdict verdict = {.learned = f->learned};
    support_helpscout.outcome(&f->task, step, &answer, &verdict);
    return verdict;
}

static struct verdict goes(struct fixture *f, int step, int status, const char *body,
                           enum verdict_kind kind, int next)
{
    struct verdict verdict = says(f, step, status, "", body);
    if (verdict.kind != kind || (kind == VERDICT_STEP && verdict.step != next)) {
        fail_msg("step %d, %d %s: verdict %d, step %d", step, status, body, (int)verdict.kind,
                 verdict.step);
    }
    return verdict;
}

#define API                 "https://api.helpscout.net/v2/"
#define READS               "Authorization: Bearer t1\nAccept: application/json\n"
#define WRITES              READS "Content-Type: application/json\n"
#define PAGE(number, pages) "\"page\":{\"number\":" #number ",\"totalPages\":" #pages "}}"
#define CONVERSATIONS       "{\"_embedded\":{\"conversations\":["
#define HERS                "\"primaryCustomer\":{\"email\":\"Ada@example.com\"}"

static void the_key_logs_in(void **state)
{
    struct fixture *f = *state;
    struct call call = {0};
    assert_int_equal(support_helpscout.login(f->settings, "s=1", &call), OK);
    assert_string_equal(call.method, "POST");
    assert_string_equal(buf_text(&call.url), API "oauth2/token");
    assert_string_equal(buf_text(&call.headers),
                        "Content-Type: application/x-www-form-urlencoded\n");
    assert_string_equal(buf_text(&call.body),
                        "grant_type=client_credentials&client_id=a%261&client_secret=s%3D1");
    call_fini(&call);
}

static void the_open_conversation_is_looked_for(void **state)
{
    struct fixture *f = *state;
    sends(f, START,
          "GET " API "conversations?status=all&sortField=modifiedAt&sortOrder=desc&page=1&query="
          "%28email%3A%22ada%40example.com%22%29\n" READS);
    assert_true(goes(f, START, 200, "{" PAGE(1, 0), VERDICT_STEP, CREATE).keep);
    assert_true(tree_flag(f->learned, "creating"));
    static const char *const none[] = {
        CONVERSATIONS "{\"id\":5,\"status\":\"closed\"," HERS "}]}," PAGE(1, 1),
        CONVERSATIONS "{\"id\":5,\"status\":\"active\",\"state\":\"deleted\"," HERS
                      "}]}," PAGE(1, 1),
        CONVERSATIONS "{\"id\":5,\"status\":\"active\",\"primaryCustomer\":{\"email\":"
                      "\"eve@example.com\"}},7]}," PAGE(1, 1),
        CONVERSATIONS "{\"status\":\"active\"," HERS "}]}," PAGE(1, 1)};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        goes(f, FIND, 200, none[i], VERDICT_STEP, CREATE);
    }
    const char *some = CONVERSATIONS "{\"id\":5,\"status\":\"closed\"," HERS
                                     "},{\"id\":6,\"status\":\"pending\"," HERS "}]}," PAGE(1, 1);
    assert_true(goes(f, FIND, 200, some, VERDICT_STEP, NOTE).keep);
    assert_string_equal(tree_text(f->learned, "ticket"), "6");
    f->task.repeat = true;
    sends(f, START, "GET " API "conversations/6/threads?page=1\n" READS);
}

static void a_conversation_is_made_with_the_note(void **state)
{
    struct fixture *f = *state;
    sends(f, CREATE,
          "POST " API "conversations\n" WRITES
          "{\"customer\":{\"email\":\"ada@example.com\",\"firstName\":\"Ada\",\"lastName\":\"L\"},"
          "\"mailboxId\":77,\"status\":\"active\",\"subject\":\"A payment was refunded\","
          "\"tags\":[\"usher\",\"member_active\"],\"threads\":[{\"text\":\"note<br>"
          "[usher:refund:ch_1]\",\"type\":\"note\"}],\"type\":\"email\"}");
    assert_int_equal(says(f, CREATE, 201, "Resource-ID: 4711\n", "").kind, VERDICT_DONE);
    assert_string_equal(tree_text(f->learned, "ticket"), "4711");
    assert_int_equal(says(f, CREATE, 201, "Location: " API "conversations/12\n", "").kind,
                     VERDICT_DONE);
    assert_string_equal(tree_text(f->learned, "ticket"), "12");
    goes(f, CREATE, 201, "", VERDICT_AGAIN, 0);
    goes(f, CREATE, 200, "{\"id\":5}", VERDICT_AGAIN, 0);
    assert_int_equal(says(f, CREATE, 201, "Resource-ID: x\n", "").kind, VERDICT_AGAIN);
}

static void names_are_cut_as_the_desk_wants_them(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "name",
                  "1234567890123456789012345678901234567890123 "
                  "123456789012345678901234567890123456789\u00eb");
    char *text = test_request(&support_helpscout, &f->task, CREATE);
    assert_non_null(strstr(text, "\"firstName\":\"1234567890123456789012345678901234567890\","
                                 "\"lastName\":\"123456789012345678901234567890123456789\""));
    free(text);
    tree_set_text(f->payload, "name", " x");
    text = test_request(&support_helpscout, &f->task, CREATE);
    assert_null(strstr(text, "firstName"));
    free(text);
}

static void without_an_address_there_is_none(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "email", "a\") OR (email:\"b@example.com");
    sends(f, START, "fault malformed");
    json_object_del(f->payload, "email");
    sends(f, START, "fault malformed");
    sends(f, CREATE, "fault malformed");
    tree_set_text(f->payload, "ticket", "5");
    char *text = test_request(&support_helpscout, &f->task, START);
    assert_memory_equal(text, "POST ", 5);
    free(text);
}

static void what_was_begun_is_looked_at_twice(void **state)
{
    struct fixture *f = *state;
    tree_set_flag(f->learned, "creating", true);
    sends(f, START,
          "GET " API "conversations?status=all&sortField=modifiedAt&sortOrder=desc&tag=usher&embed="
          "threads&modifiedSince=2026-11-23T09:40:00Z&page=1&query=%28email%3A%22ada%40example.com"
          "%22%29\n" READS);
    goes(f, START, 200, "{" PAGE(1, 2), VERDICT_STEP, LOOK | 2 << 8);
    char *second = test_request(&support_helpscout, &f->task, LOOK | 2 << 8);
    assert_non_null(strstr(second, "&page=2&"));
    free(second);
    struct verdict verdict = goes(f, LOOK | 2 << 8, 200, "{" PAGE(2, 2), VERDICT_AGAIN, 0);
    assert_int_equal(verdict.retry_after_ms, 30000);
    goes(f, START, 200, "{" PAGE(1, 1), VERDICT_STEP, FIND);
    goes(f, FIND, 200, "{" PAGE(1, 0), VERDICT_STEP, CREATE);
    assert_false(tree_flag(f->learned, "looked"));
    const char *made = CONVERSATIONS
        "{\"id\":4},{\"id\":5,\"_embedded\":{\"threads\":[{\"type\":\"note\",\"body\":\"x "
        "[usher:refund:ch_1]\"}]}}]}," PAGE(1, 1);
    goes(f, START, 200, made, VERDICT_DONE, 0);
    assert_string_equal(tree_text(f->learned, "ticket"), "5");
}

static void what_was_surely_not_made_needs_no_look(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int status;
        bool sent;
        bool creating;
    } rows[] = {{400, true, false}, {429, true, false}, {401, true, false}, {500, true, true},
                {503, true, true},  {0, true, true},    {0, false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = {.fault = rows[i].status ? OK : FAULT_UNAVAILABLE,
                                .status = rows[i].status,
                                .sent = rows[i].sent,
                                .body = "",
                                .words = ""};
        struct verdict verdict = {.learned = f->learned};
        tree_set_flag(f->learned, "creating", true);
        support_helpscout.outcome(&f->task, CREATE, &answer, &verdict);
        assert_int_equal(tree_flag(f->learned, "creating"), rows[i].creating);
    }
}

static void a_named_conversation_gets_the_note_and_tags(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "ticket", "5/..");
    sends(f, START,
          "POST " API "conversations/5%2F../notes\n" WRITES
          "{\"text\":\"note<br>[usher:refund:ch_1]\"}");
    goes(f, START, 201, "", VERDICT_STEP, READ);
    goes(f, START, 200, "{}", VERDICT_AGAIN, 0);
    sends(f, READ, "GET " API "conversations/5%2F..\n" READS);
    goes(f, READ, 200,
         "{\"id\":5,\"tags\":[{\"tag\":\"vip\"},{\"tag\":\"member_inactive\"},{\"tag\":\"usher\"},"
         "{},7]}",
         VERDICT_STEP, TAGS);
    sends(f, TAGS,
          "PUT " API "conversations/5%2F../tags\n" WRITES
          "{\"tags\":[\"vip\",\"usher\",\"member_active\"]}");
    goes(f, TAGS, 204, "", VERDICT_DONE, 0);
    goes(f, READ, 200, "{\"id\":5,\"tags\":[{\"tag\":\"member_active\"},{\"tag\":\"usher\"}]}",
         VERDICT_DONE, 0);
    goes(f, READ, 404, "", VERDICT_DONE, 0);
}

static void a_repeat_looks_through_all_messages(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "ticket", "5");
    f->task.repeat = true;
    goes(f, START, 200,
         "{\"_embedded\":{\"threads\":[{\"type\":\"customer\",\"body\":\"[usher:refund:ch_1]\"}]}"
         "," PAGE(1, 2),
         VERDICT_STEP, THREADS | 2 << 8);
    goes(f, THREADS | 2 << 8, 200,
         "{\"_embedded\":{\"threads\":[{\"type\":\"note\",\"body\":\"[usher:refund:ch_1]\"}]}"
         "," PAGE(2, 2),
         VERDICT_STEP, READ);
    goes(f, THREADS | 2 << 8, 200, "{" PAGE(2, 2), VERDICT_STEP, NOTE);
}

static void a_conversation_that_takes_no_note_is_replaced_unless_named(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "ticket", "5");
    assert_true(goes(f, NOTE, 412, "{}", VERDICT_STEP, CREATE).keep);
    assert_string_equal(tree_text(f->learned, "ticket"), "");
    tree_set_text(f->learned, "ticket", "5");
    goes(f, THREADS, 404, "{}", VERDICT_STEP, CREATE);
    tree_set_text(f->payload, "ticket", "5");
    goes(f, NOTE, 404, "{}", VERDICT_NEVER, 0);
    assert_non_null(strstr(goes(f, NOTE, 412, "{}", VERDICT_NEVER, 0).words, "100"));
}

static void a_merged_conversation_leads_to_its_new_one(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "ticket", "5");
    struct verdict verdict = says(f, NOTE, 301, "Location: " API "conversations/9\n", "");
    assert_int_equal(verdict.kind, VERDICT_STEP);
    assert_int_equal(verdict.step, NOTE);
    assert_true(verdict.keep);
    char *text = test_request(&support_helpscout, &f->task, START);
    assert_non_null(strstr(text, "conversations/9/notes"));
    free(text);
    assert_int_equal(says(f, NOTE, 301, "Location: " API "conversations/9\n", "").kind,
                     VERDICT_NEVER); /* in a circle */
    assert_int_equal(says(f, NOTE, 301, "Location: https://evil.example.com/\n", "").kind,
                     VERDICT_NEVER);
    assert_int_equal(says(f, NOTE, 301, "", "").kind, VERDICT_NEVER);
}

static void limits_are_read_from_their_own_header(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *headers;
        int64_t wait_ms;
    } rows[] = {{"X-RateLimit-Retry-After: 7\n", 7000},
                {"X-RateLimit-Retry-After: x\n", 0},
                {"X-RateLimit-Retry-After: -7\n", 0},
                {"X-RateLimit-Retry-After: 99999999999999999999\n", 0},
                {"", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct verdict verdict = says(f, FIND, 429, rows[i].headers, "text");
        assert_int_equal(verdict.kind, VERDICT_AGAIN);
        assert_int_equal(verdict.retry_after_ms, rows[i].wait_ms);
    }
}

static void a_good_status_is_not_yet_an_answer(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {"",     "<html>", "[]", "{",
                                         "null", "{}",     "7",  "{\"error\":\"x\"}"};
    static const int steps[] = {THREADS, NOTE, READ, TAGS, FIND, LOOK, CREATE};
    tree_set_text(f->payload, "ticket", "5");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
            assert_true(goes(f, steps[k], 200, bodies[i], VERDICT_AGAIN, 0).ambiguous);
        }
    }
}

static void answers_are_classified(void **state)
{
    struct fixture *f = *state;
    goes(f, FIND, 0, "", VERDICT_AGAIN, 0);
    goes(f, FIND, 401, "", VERDICT_REFUSED, 0);
    goes(f, FIND, 403, "", VERDICT_FORBIDDEN, 0);
    goes(f, FIND, 404, "", VERDICT_NEVER, 0);
    goes(f, CREATE, 400, "{}", VERDICT_NEVER, 0);
    goes(f, CREATE, 500, "", VERDICT_AGAIN, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_key_logs_in),
        TEST(the_open_conversation_is_looked_for),
        TEST(a_conversation_is_made_with_the_note),
        TEST(names_are_cut_as_the_desk_wants_them),
        TEST(without_an_address_there_is_none),
        TEST(what_was_begun_is_looked_at_twice),
        TEST(what_was_surely_not_made_needs_no_look),
        TEST(a_named_conversation_gets_the_note_and_tags),
        TEST(a_repeat_looks_through_all_messages),
        TEST(a_conversation_that_takes_no_note_is_replaced_unless_named),
        TEST(a_merged_conversation_leads_to_its_new_one),
        TEST(limits_are_read_from_their_own_header),
        TEST(a_good_status_is_not_yet_an_answer),
        TEST(answers_are_classified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
