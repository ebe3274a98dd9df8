/* intercom_test.c - the Intercom adapter as a table of bytes. */
#include "../adapter_test.h"

#include "support.h"

extern const struct adapter support_intercom;

enum {
    START,
    PARTS,
    NOTE,
    TAG_ID,
    TAG,
    UNTAG,
    CONTACT,
    CONTACT_NEW,
    CONVERSATIONS,
    TICKETS,
    LOOK,
    CREATE
};

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
    f->settings = test_settings(f->home, support_intercom.settings,
                                "support\n    admin = \"9\"\n    ticket_type = \"88\"\n"
                                "    key = \"t1\"\n");
    f->payload = json_pack("{s:s, s:s, s:s, s:s, s:[s, s], s:[s], s:b}", "text",
                           "note & x\n[usher:refund:ch_1]", "subject", "A payment was refunded",
                           "email", "ada@example.com", "name", "Ada", "tags", "usher",
                           "member_active", "untags", "member_inactive", "urgent", 0);
    f->learned = json_object();
    f->task = (struct task){.key = "refund:ch_1",
                            .kind = "refund",
                            .member = "mem_1",
                            .attempt = 1,
                            .payload = f->payload,
                            .learned = f->learned,
                            .secret = "t1",
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
    char *text = test_request(&support_intercom, &f->task, step);
    assert_string_equal(text, expected);
    free(text);
}

static struct verdict goes(struct fixture *f, int step, int status, const char *body,
                           enum verdict_kind kind, int next)
{
    struct verdict verdict = test_outcome(&support_intercom, &f->task, step, status, body);
    if (verdict.kind != kind || (kind == VERDICT_STEP && verdict.step != next)) {
        fail_msg("step %d, %d %s: verdict %d, step %d", step, status, body, (int)verdict.kind,
                 verdict.step);
    }
    return verdict;
}

#define API    "https://api.intercom.io/"
#define READS  "Authorization: Bearer t1\nAccept: application/json\nIntercom-Version: 2.15\n"
#define WRITES READS "Content-Type: application/json\n"
#define ERROR(code, message)                                                                       \
    "{\"type\":\"error.list\",\"errors\":[{\"code\":\"" code "\",\"message\":\"" message "\"}]}"

static void the_contact_is_looked_for(void **state)
{
    struct fixture *f = *state;
    sends(f, START,
          "POST " API "contacts/search\n" WRITES
          "{\"pagination\":{\"per_page\":50},\"query\":{\"field\":\"email\",\"operator\":\"=\","
          "\"value\":\"ada@example.com\"}}");
    goes(f, START, 200, "{\"data\":[]}", VERDICT_STEP, CONTACT_NEW);
    goes(f, START, 200, "{\"data\":[{\"id\":\"c1\",\"email\":\"eve@example.com\"},{},7]}",
         VERDICT_STEP, CONTACT_NEW);
    goes(f, START, 200, "{\"data\":[{\"email\":\"ada@example.com\"}]}", VERDICT_STEP, CONTACT_NEW);
    goes(f, START, 200, "{\"data\":[{\"id\":\"c1\",\"email\":\"Ada@example.com\"}]}", VERDICT_STEP,
         CONVERSATIONS);
    assert_string_equal(tree_text(f->learned, "contact"), "c1");
    tree_set_text(f->payload, "user", "u7");
    sends(f, START,
          "POST " API "contacts/search\n" WRITES
          "{\"pagination\":{\"per_page\":50},\"query\":{\"operator\":\"OR\",\"value\":[{\"field\":"
          "\"external_id\",\"operator\":\"=\",\"value\":\"u7\"},{\"field\":\"email\",\"operator\":"
          "\"=\",\"value\":\"ada@example.com\"}]}}");
    goes(f, START, 200,
         "{\"data\":[{\"id\":\"c1\",\"email\":\"ada@example.com\"},{\"id\":\"c2\",\"external_id\":"
         "\"u7\"},{\"id\":\"c3\",\"email\":\"ada@example.com\"}]}",
         VERDICT_STEP, CONVERSATIONS);
    assert_string_equal(tree_text(f->learned, "contact"), "c2");
    json_object_del(f->payload, "email");
    sends(f, START,
          "POST " API "contacts/search\n" WRITES
          "{\"pagination\":{\"per_page\":50},\"query\":{\"field\":\"external_id\",\"operator\":\"="
          "\",\"value\":\"u7\"}}");
    json_object_del(f->payload, "user");
    sends(f, START, "fault malformed");
}

static void a_contact_is_made_or_known_already(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "user", "u7");
    sends(f, CONTACT_NEW,
          "POST " API "contacts\n" WRITES
          "{\"email\":\"ada@example.com\",\"external_id\":\"u7\",\"name\":\"Ada\",\"role\":"
          "\"user\"}");
    assert_true(goes(f, CONTACT_NEW, 200, "{\"id\":\"c4\"}", VERDICT_STEP, CREATE).keep);
    assert_string_equal(tree_text(f->learned, "contact"), "c4");
    goes(f, CONTACT_NEW, 409,
         ERROR("conflict", "A contact matching those details already exists with id=5f7f0d2172a"),
         VERDICT_STEP, CONVERSATIONS);
    assert_string_equal(tree_text(f->learned, "contact"), "5f7f0d2172a");
    goes(f, CONTACT_NEW, 409, ERROR("conflict", "id="), VERDICT_AGAIN, 0);
    goes(f, CONTACT_NEW, 409, "<html>", VERDICT_AGAIN, 0);
}

static void the_newest_that_is_open_gets_the_note(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "c1");
    sends(f, CONVERSATIONS,
          "POST " API "conversations/search\n" WRITES
          "{\"pagination\":{\"per_page\":50},\"query\":{\"operator\":\"AND\",\"value\":[{\"field\":"
          "\"contact_ids\",\"operator\":\"=\",\"value\":\"c1\"},{\"field\":\"open\",\"operator\":"
          "\"=\",\"value\":true}]}}");
    goes(f, CONVERSATIONS, 200, "{\"conversations\":[]}", VERDICT_STEP, TICKETS);
    goes(f, CONVERSATIONS, 200,
         "{\"conversations\":[{\"id\":\"1\",\"open\":false},{\"open\":true}]}", VERDICT_STEP,
         TICKETS);
    const char *some = "{\"conversations\":[{\"id\":\"1\",\"open\":true,\"updated_at\":5},{\"id\":"
                       "\"2\",\"open\":true,\"updated_at\":7},{\"id\":\"3\",\"open\":false,"
                       "\"updated_at\":9}]}";
    assert_true(goes(f, CONVERSATIONS, 200, some, VERDICT_STEP, NOTE).keep);
    assert_string_equal(tree_text(f->learned, "ticket"), "2");
    sends(f, NOTE,
          "POST " API "conversations/2/reply\n" WRITES
          "{\"admin_id\":\"9\",\"body\":\"note &amp; x<br>[usher:refund:ch_1]\",\"message_type\":"
          "\"note\",\"type\":\"admin\"}");
    assert_true(
        goes(f, TICKETS, 200, "{\"tickets\":[{\"id\":\"8\",\"open\":true}]}", VERDICT_STEP, NOTE)
            .keep);
    char *text = test_request(&support_intercom, &f->task, NOTE);
    assert_non_null(strstr(text, "/tickets/8/reply"));
    free(text);
    f->task.repeat = true;
    sends(f, START, "GET " API "tickets/8\n" READS);
}

static void a_ticket_is_made_that_the_member_does_not_see(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "c1");
    assert_true(goes(f, TICKETS, 200, "{\"tickets\":[]}", VERDICT_STEP, CREATE).keep);
    assert_true(tree_flag(f->learned, "creating"));
    sends(f, CREATE,
          "POST " API "tickets\n" WRITES
          "{\"contacts\":[{\"id\":\"c1\"}],\"skip_notifications\":true,\"ticket_attributes\":{"
          "\"_default_description_\":\"note & x\\n[usher:refund:ch_1]\",\"_default_title_\":"
          "\"A payment was refunded\"},\"ticket_type_id\":\"88\"}");
    goes(f, CREATE, 200, "{\"type\":\"ticket\",\"id\":\"8\"}", VERDICT_STEP, TAG_ID);
    assert_string_equal(tree_text(f->learned, "ticket"), "8");
    sends(f, TAG_ID, "POST " API "tags\n" WRITES "{\"name\":\"usher\"}");
    goes(f, TAG_ID, 200, "{\"type\":\"tag\",\"id\":\"70\"}", VERDICT_STEP, TAG);
    sends(f, TAG, "POST " API "tickets/8/tags\n" WRITES "{\"admin_id\":\"9\",\"id\":\"70\"}");
    goes(f, TAG, 200, "{\"id\":\"70\"}", VERDICT_STEP, TAG_ID | 1 << 8);
    sends(f, TAG_ID | 1 << 8, "POST " API "tags\n" WRITES "{\"name\":\"member_active\"}");
    goes(f, TAG_ID | 1 << 8, 200, "{\"id\":\"71\"}", VERDICT_STEP, TAG | 1 << 8);
    goes(f, TAG | 1 << 8, 200, "{\"id\":\"71\"}", VERDICT_DONE, 0);
}

static void what_was_begun_is_looked_at_twice(void **state)
{
    struct fixture *f = *state;
    tree_set_flag(f->learned, "creating", true);
    tree_set_text(f->learned, "contact", "c1");
    sends(f, START,
          "POST " API "tickets/search\n" WRITES
          "{\"pagination\":{\"per_page\":50},\"query\":{\"field\":\"contact_ids\",\"operator\":\"="
          "\",\"value\":\"c1\"}}");
    struct verdict verdict = goes(f, START, 200, "{\"tickets\":[]}", VERDICT_AGAIN, 0);
    assert_int_equal(verdict.retry_after_ms, 30000);
    goes(f, START, 200, "{\"tickets\":[]}", VERDICT_STEP, CONTACT);
    goes(f, START, 200,
         "{\"tickets\":[{\"id\":\"8\",\"category\":\"Customer\",\"ticket_attributes\":{"
         "\"_default_description_\":\"[usher:refund:ch_1]\"}}]}",
         VERDICT_STEP, CONTACT);
    goes(f, START, 200,
         "{\"tickets\":[7,{\"id\":\"8\",\"category\":\"Back-office\",\"ticket_attributes\":{"
         "\"_default_description_\":\"x [usher:refund:ch_1]\"}}]}",
         VERDICT_STEP, TAG_ID);
    assert_string_equal(tree_text(f->learned, "ticket"), "8");
    goes(f, CREATE, 500, "", VERDICT_AGAIN, 0);
    assert_true(tree_flag(f->learned, "creating"));
    goes(f, CREATE, 400, "", VERDICT_NEVER, 0);
    assert_false(tree_flag(f->learned, "creating"));
}

#define PART(kind)                                                                                 \
    "{\"id\":\"5\",\"conversation_parts\":{\"conversation_parts\":[{\"part_type\":\"" kind         \
    "\",\"body\":\"<p>[usher:refund:ch_1]</p>\"}]},\"tags\":{\"tags\":[{\"id\":\"70\",\"name\":"   \
    "\"usher\"},{\"id\":\"72\",\"name\":\"member_inactive\"},{\"id\":\"73\",\"name\":\"vip\"},"    \
    "{\"name\":\"x\"},7]}}"

static void a_repeat_reads_first_and_tags_follow(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "ticket", "5");
    f->task.repeat = true;
    sends(f, START, "GET " API "conversations/5\n" READS);
    goes(f, START, 200, PART("comment"), VERDICT_STEP, NOTE);
    goes(f, START, 200, PART("note"), VERDICT_STEP, TAG_ID | 1 << 8); /* the first is there */
    goes(f, TAG | 1 << 8, 200, "{\"id\":\"71\"}", VERDICT_STEP, UNTAG);
    sends(f, UNTAG, "DELETE " API "conversations/5/tags/72\n" WRITES "{\"admin_id\":\"9\"}");
    goes(f, UNTAG, 200, "{\"id\":\"72\"}", VERDICT_DONE, 0);
    goes(f, UNTAG, 404, ERROR("tag_not_found", "x"), VERDICT_DONE, 0);
}

static void a_name_may_be_a_conversations_or_a_tickets(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "ticket", "5/..");
    char *text = test_request(&support_intercom, &f->task, START);
    assert_non_null(strstr(text, "/conversations/5%2F../reply"));
    free(text);
    goes(f, START, 404, ERROR("not_found", "x"), VERDICT_STEP, NOTE);
    text = test_request(&support_intercom, &f->task, START);
    assert_non_null(strstr(text, "/tickets/5%2F../reply"));
    free(text);
    goes(f, START, 404, ERROR("not_found", "x"), VERDICT_NEVER, 0);
    json_object_del(f->payload, "ticket");
    tree_set_text(f->learned, "ticket", "5");
    assert_true(goes(f, NOTE, 404, "", VERDICT_STEP, CREATE).keep);
}

static void the_limits_window_ends_at_a_moment(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *headers;
        int64_t retry_after_ms;
        int64_t wait_ms;
    } rows[] = {{"X-RateLimit-Reset: 1795430407\n", 0, 6500},
                {"X-RateLimit-Reset: 1795430407\n", 3000, 3000},
                {"X-RateLimit-Reset: 1795430400\n", 0, 10000}, /* past: our clocks differ */
                {"X-RateLimit-Reset: 1795439999\n", 0, 10000},
                {"X-RateLimit-Reset: soon\n", 0, 10000},
                {"X-RateLimit-Reset: 99999999999999999999\n", 0, 10000},
                {"", 0, 10000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = {.status = 429,
                                .headers = rows[i].headers,
                                .retry_after_ms = rows[i].retry_after_ms,
                                .at_ms = 1795430400500,
                                .body = "",
                                .words = ""};
        struct verdict verdict = {.learned = f->learned};
        support_intercom.outcome(&f->task, CONTACT, &answer, &verdict);
        assert_int_equal(verdict.kind, VERDICT_AGAIN);
        assert_int_equal(verdict.retry_after_ms, rows[i].wait_ms);
    }
}

static void words_name_a_code_and_no_more(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *body;
        const char *words;
    } rows[] = {{ERROR("parameter_invalid", "ada@example.com"),
                 "Intercom says no (400): parameter_invalid"},
                {ERROR("not ada@example.com", ""), "Intercom says no (400): not"},
                {ERROR("A", ""), "the target says no (400)"},
                {"{\"errors\":7}", "the target says no (400)"},
                {"ada@example.com", "the target says no (400)"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct verdict verdict = goes(f, CREATE, 400, rows[i].body, VERDICT_NEVER, 0);
        assert_string_equal(verdict.words, rows[i].words);
    }
}

static void a_good_status_is_not_yet_an_answer(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {"",     "<html>", "[]", "{",
                                         "null", "{}",     "7",  ERROR("server_error", "x")};
    static const int steps[] = {PARTS,       NOTE,          TAG_ID,  TAG,  UNTAG, CONTACT,
                                CONTACT_NEW, CONVERSATIONS, TICKETS, LOOK, CREATE};
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
    goes(f, CONTACT, 0, "", VERDICT_AGAIN, 0);
    goes(f, CONTACT, 401, ERROR("unauthorized", "x"), VERDICT_REFUSED, 0);
    goes(f, CREATE, 403, ERROR("api_plan_restricted", "x"), VERDICT_FORBIDDEN, 0);
    goes(f, CREATE, 404, "", VERDICT_NEVER, 0);
    goes(f, CONTACT, 500, "", VERDICT_AGAIN, 0);
    goes(f, NOTE, 409, "", VERDICT_AGAIN, 0);
    goes(f, TAG_ID, 404, "", VERDICT_NEVER, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_contact_is_looked_for),
        TEST(a_contact_is_made_or_known_already),
        TEST(the_newest_that_is_open_gets_the_note),
        TEST(a_ticket_is_made_that_the_member_does_not_see),
        TEST(what_was_begun_is_looked_at_twice),
        TEST(a_repeat_reads_first_and_tags_follow),
        TEST(a_name_may_be_a_conversations_or_a_tickets),
        TEST(the_limits_window_ends_at_a_moment),
        TEST(words_name_a_code_and_no_more),
        TEST(a_good_status_is_not_yet_an_answer),
        TEST(answers_are_classified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
