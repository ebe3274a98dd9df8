/* mailchimp_test.c - the Mailchimp adapter as a table of bytes. */
#include "crm_fixture.h"

extern const struct adapter crm_mailchimp;

enum { START, LOOK, WRITE, TAGS };

#define HEAD   "Accept: application/json\n"
#define JSON   HEAD "Content-Type: application/json\nuser usher:0123-us21\n"
#define MEMBER "https://us21.api.mailchimp.com/3.0/lists/a1b2/members/"

static int set_up(void **state)
{
    *state = fixture_new(crm_mailchimp.settings, "crm\n    key = \"0123-us21\"\n    list = a1b2\n",
                         "0123-us21");
    return 0;
}

static const char *hash(void)
{
    static char hex[2 * MD5_BYTES + 1];
    uint8_t digest[MD5_BYTES];
    md5("ada@example.com", 15, digest);
    hex_encode(digest, sizeof digest, hex);
    return hex;
}

static void unknown_contact_is_looked_for_made_and_tagged(void **state)
{
    struct fixture *f = *state;
    struct buf expected = {0};
    buf_printf(&expected, "GET " MEMBER "%s?fields=id\n" HEAD "user usher:0123-us21\n", hash());
    sends(&crm_mailchimp, f, START, buf_text(&expected));
    assert_int_equal(steps(&crm_mailchimp, f, START, 404, "{}"), WRITE);
    buf_reset(&expected);
    buf_printf(&expected,
               "PUT " MEMBER "%s?skip_merge_validation=true\n" JSON
               "{\"email_address\":\"Ada@Example.com\",\"merge_fields\":{\"FNAME\":\"Ada\","
               "\"LNAME\":\"King Lovelace\"},\"status_if_new\":\"transactional\"}",
               hash());
    sends(&crm_mailchimp, f, WRITE, buf_text(&expected));
    assert_int_equal(steps(&crm_mailchimp, f, WRITE, 200, "{\"id\":\"abc\"}"), TAGS);
    sends(&crm_mailchimp, f, TAGS,
          "POST " MEMBER "abc/tags\n" JSON "{\"tags\":[{\"name\":\"member\",\"status\":\"active\"},"
          "{\"name\":\"trial\",\"status\":\"inactive\"},"
          "{\"name\":\"refunded\",\"status\":\"inactive\"}]}");
    assert_int_equal(test_outcome(&crm_mailchimp, &f->task, TAGS, 204, "").kind, VERDICT_DONE);
    assert_string_equal(tree_text(f->learned, "contact"), "abc");
    buf_fini(&expected);
}

static void a_changed_address_is_written_under_the_old_hash(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "old");
    sends(&crm_mailchimp, f, START,
          "PUT " MEMBER "old?skip_merge_validation=true\n" JSON
          "{\"email_address\":\"Ada@Example.com\",\"merge_fields\":{},"
          "\"status_if_new\":\"transactional\"}");
    assert_int_equal(steps(&crm_mailchimp, f, START, 200, "{\"id\":\"new\"}"), TAGS);
    assert_string_equal(tree_text(f->learned, "contact"), "new");
}

static void an_address_that_is_taken_leaves_the_tags(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "old");
    assert_int_equal(steps(&crm_mailchimp, f, WRITE, 400, "{\"title\":\"Member Exists\"}"), TAGS);
    assert_int_equal(steps(&crm_mailchimp, f, TAGS, 404, "{}"), LOOK); /* an answer was lost */
    assert_string_equal(crm_contact(&f->task), "");
}

static void a_retired_contact_loses_our_tags_only(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "abc");
    tree_set_flag(f->payload, "retire", true);
    char *text = test_request(&crm_mailchimp, &f->task, START);
    assert_non_null(strstr(text, "{\"name\":\"member\",\"status\":\"inactive\"}"));
    assert_null(strstr(text, "\"active\""));
    free(text);
    struct verdict verdict = test_outcome(&crm_mailchimp, &f->task, START, 404, "{}");
    assert_int_equal(verdict.kind, VERDICT_DONE);
    assert_true(tree_flag(f->learned, "retired"));
}

static void a_key_names_the_host_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"0123", "0123-", "0123-us21.evil.example/", "0-us21@x",
                                       "0123-us2111111111111"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        f->task.secret = keys[i];
        sends(&crm_mailchimp, f, START, "fault unavailable");
    }
    f->task.secret = "0123-us21";
    json_object_del(tree_get(f->payload, "document"), "email");
    sends(&crm_mailchimp, f, START, "fault malformed");
}

static void answers_are_classified(void **state)
{
    struct fixture *f = *state;
    static const struct answer_row rows[] = {
        {WRITE, 0, "", VERDICT_AGAIN, true, "no answer in time"},
        {LOOK, 0, "", VERDICT_AGAIN, false, "no answer in time"},
        {WRITE, 200, "<html>", VERDICT_AGAIN, true, "not one"},
        {WRITE, 200, "{\"id\":7}", VERDICT_AGAIN, true, "not one"},
        {WRITE, 200, "{\"title\":\"Invalid Resource\",\"status\":400}", VERDICT_AGAIN, true,
         "not one"},
        {TAGS, 200, "<html>", VERDICT_AGAIN, true, "not one"},
        {LOOK, 200, "[]", VERDICT_AGAIN, false, "not one"},
        {WRITE, 404, "{}", VERDICT_NEVER, false, "crm/list"},
        {WRITE, 401, "{}", VERDICT_REFUSED, false, "key"},
        {WRITE, 403, "{}", VERDICT_FORBIDDEN, false, "403"},
        {WRITE, 429, "", VERDICT_AGAIN, false, "429"},
        {WRITE, 500, "", VERDICT_AGAIN, false, "500"},
        {WRITE, 400,
         "{\"title\":\"Forgotten Email Not Subscribed\",\"detail\":\"ada@example.com\"}",
         VERDICT_NEVER, false, "deleted this address for good"},
        {WRITE, 400, "{\"title\":\"Member In Compliance State\"}", VERDICT_NEVER, false,
         "unsubscribed"},
        {WRITE, 400, "{\"title\":\"Member Exists\"}", VERDICT_NEVER, false, "already"},
        {WRITE, 400, "{\"title\":\"Invalid Resource\"}", VERDICT_NEVER, false, "state_field"},
        {WRITE, 400,
         "{\"detail\":\"ada@example.com has signed up to a lot of lists very recently\"}",
         VERDICT_AGAIN, false, "many lists"},
        {WRITE, 400, "{\"title\":\"\\u0000ada@example.com\"}", VERDICT_NEVER, false, "400"},
        {WRITE, 302, "", VERDICT_NEVER, false, "redirect"},
    };
    classified(&crm_mailchimp, f, rows, sizeof rows / sizeof *rows);
}

static void a_contact_is_looked_at(void **state)
{
    struct fixture *f = *state;
    static const struct look_row rows[] = {
        {200, "{\"tags\":[{\"id\":1,\"name\":\"member\"},{\"name\":\"vip\"}]}", VERDICT_DONE, ""},
        {200, "{\"tags\":[{\"name\":\"vip\"}]}", VERDICT_DIFFERS, "\"member\" was missing"},
        {200, "{\"tags\":[{\"name\":\"member\"},{\"name\":\"refunded\"}]}", VERDICT_DIFFERS,
         "\"refunded\" was still there"},
        {200, "{\"tags\":{}}", VERDICT_DONE, ""}, /* no list: not known */
        {200, "<html>", VERDICT_DONE, ""},
        {404, "{}", VERDICT_DIFFERS, "gone"},
        {500, "", VERDICT_AGAIN, ""},
    };
    struct call call = {0};
    tree_set_text(f->learned, "contact", "abc");
    assert_int_equal(crm_mailchimp.look(&f->task, 0, &call), OK);
    assert_string_equal(buf_text(&call.url), MEMBER "abc/tags?count=1000");
    call_fini(&call);
    looks(&crm_mailchimp, f, rows, sizeof rows / sizeof *rows);
    tree_set_flag(tree_get(f->payload, "document"), "access", false);
    looks(&crm_mailchimp, f, &(struct look_row){404, "{}", VERDICT_DONE, ""}, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_contact_is_looked_for_made_and_tagged),
        TEST(a_changed_address_is_written_under_the_old_hash),
        TEST(an_address_that_is_taken_leaves_the_tags),
        TEST(a_retired_contact_loses_our_tags_only),
        TEST(a_key_names_the_host_and_nothing_else),
        TEST(answers_are_classified),
        TEST(a_contact_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
