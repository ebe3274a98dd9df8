/* kit_test.c - the Kit adapter as a table of bytes. */
#include "crm_fixture.h"

extern const struct adapter crm_kit;

enum { START, MAKE, WRITE, LOOK, IDS, NEW_TAG, ADD, DROP };

#define API  "https://api.kit.com/v4/"
#define HEAD "X-Kit-Api-Key: kit-1\nAccept: application/json\n"
#define JSON HEAD "Content-Type: application/json\n"

static int set_up(void **state)
{
    *state = fixture_new(crm_kit.settings, "crm\n    key = \"kit-1\"\n", "kit-1");
    return 0;
}

static void unknown_subscriber_is_made_and_tagged(void **state)
{
    struct fixture *f = *state;
    sends(&crm_kit, f, START,
          "POST " API "subscribers\n" JSON
          "{\"email_address\":\"Ada@Example.com\",\"first_name\":\"Ada King Lovelace\"}");
    assert_int_equal(steps(&crm_kit, f, START, 201, "{\"subscriber\":{\"id\":12}}"), LOOK);
    sends(&crm_kit, f, LOOK, "GET " API "subscribers/12/tags?per_page=1000\n" HEAD);
    assert_int_equal(steps(&crm_kit, f, LOOK, 200, "{\"tags\":[{\"id\":5,\"name\":\"trial\"}]}"),
                     IDS);
    sends(&crm_kit, f, IDS, "GET " API "tags?per_page=1000&after=\n" HEAD);
    assert_int_equal(steps(&crm_kit, f, IDS, 200,
                           "{\"tags\":[{\"id\":1,\"name\":\"x\"}],\"pagination\":"
                           "{\"has_next_page\":true,\"end_cursor\":\"W=\"}}"),
                     IDS);
    sends(&crm_kit, f, IDS, "GET " API "tags?per_page=1000&after=W%3D\n" HEAD);
    assert_int_equal(steps(&crm_kit, f, IDS, 200, "{\"tags\":[]}"), NEW_TAG);
    sends(&crm_kit, f, NEW_TAG, "POST " API "tags\n" JSON "{\"name\":\"member\"}");
    assert_int_equal(steps(&crm_kit, f, NEW_TAG, 201, "{\"tag\":{\"id\":9,\"name\":\"member\"}}"),
                     ADD);
    sends(&crm_kit, f, ADD, "POST " API "tags/9/subscribers/12\n" JSON "{}");
    assert_int_equal(steps(&crm_kit, f, ADD, 201, "{\"subscriber\":{\"id\":12}}"), DROP);
    sends(&crm_kit, f, DROP, "DELETE " API "tags/5/subscribers/12\n" HEAD);
    assert_int_equal(test_outcome(&crm_kit, &f->task, DROP, 204, "").kind, VERDICT_DONE);
    char *learned = json_dumps(f->learned, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(learned, "{\"contact\":\"12\",\"ids\":{\"member\":9,\"trial\":5}}");
    free(learned);
}

static void a_known_one_takes_two_calls(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "12");
    sends(&crm_kit, f, START,
          "PUT " API "subscribers/12\n" JSON "{\"email_address\":\"Ada@Example.com\"}");
    assert_int_equal(steps(&crm_kit, f, START, 200, "{\"subscriber\":{\"id\":12}}"), LOOK);
    struct verdict verdict =
        test_outcome(&crm_kit, &f->task, LOOK, 200, "{\"tags\":[{\"id\":9,\"name\":\"member\"}]}");
    assert_int_equal(verdict.kind, VERDICT_DONE);
}

static void what_was_deleted_is_made_again(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "12");
    assert_int_equal(steps(&crm_kit, f, START, 404, "{}"), MAKE);
    assert_string_equal(crm_contact(&f->task), "");
    assert_int_equal(steps(&crm_kit, f, MAKE, 200, "{\"subscriber\":{\"id\":13}}"), LOOK);
    assert_int_equal(steps(&crm_kit, f, LOOK, 200, "{\"tags\":[]}"), IDS);
    assert_int_equal(steps(&crm_kit, f, IDS, 200, "{\"tags\":[{\"id\":9,\"name\":\"member\"}]}"),
                     ADD);
    assert_int_equal(steps(&crm_kit, f, ADD, 404, "{}"), LOOK); /* the tag is gone by now */
    assert_int_equal(steps(&crm_kit, f, LOOK, 200, "{\"tags\":[]}"), IDS);
}

static void a_retired_one_loses_our_tags_only(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "12");
    tree_set_flag(f->payload, "retire", true);
    sends(&crm_kit, f, START, "GET " API "subscribers/12/tags?per_page=1000\n" HEAD);
    assert_int_equal(
        steps(&crm_kit, f, START, 200,
              "{\"tags\":[{\"id\":9,\"name\":\"member\"},{\"id\":8,\"name\":\"vip\"}]}"),
        DROP);
    struct verdict verdict = test_outcome(&crm_kit, &f->task, DROP, 404, "{}");
    assert_int_equal(verdict.kind, VERDICT_DONE);
    assert_true(tree_flag(f->learned, "retired"));
}

static void an_address_that_is_taken_leaves_the_tags(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "12");
    assert_int_equal(
        steps(&crm_kit, f, WRITE, 422, "{\"errors\":[\"Email address has already been taken\"]}"),
        LOOK);
}

static void answers_are_classified(void **state)
{
    struct fixture *f = *state;
    static const struct answer_row rows[] = {
        {MAKE, 0, "", VERDICT_AGAIN, true, "no answer in time"},
        {LOOK, 0, "", VERDICT_AGAIN, false, "no answer in time"},
        {MAKE, 202, "{}", VERDICT_AGAIN, false, "background"},
        {MAKE, 200, "<html>", VERDICT_AGAIN, true, "not one"},
        {MAKE, 200, "{\"errors\":[\"ada@example.com\"]}", VERDICT_AGAIN, true, "not one"},
        {MAKE, 200, "{\"subscriber\":{\"id\":\"12\"}}", VERDICT_AGAIN, true, "not one"},
        {LOOK, 200, "{\"tags\":{}}", VERDICT_AGAIN, false, "not one"},
        {DROP, 200, "<html>", VERDICT_AGAIN, true, "not one"},
        {NEW_TAG, 201, "{\"tag\":{}}", VERDICT_AGAIN, true, "not one"},
        {MAKE, 401, "{}", VERDICT_REFUSED, false, "key"},
        {MAKE, 403, "{}", VERDICT_FORBIDDEN, false, "403"},
        {MAKE, 404, "{}", VERDICT_NEVER, false, "crm/url"},
        {MAKE, 422, "{\"errors\":[\"Email ada@example.com is invalid\"]}", VERDICT_NEVER, false,
         "e-mail"},
        {MAKE, 422, "{\"errors\":[7,null]}", VERDICT_NEVER, false, "422"},
        {MAKE, 422, "", VERDICT_NEVER, false, "422"},
        {MAKE, 429, "{}", VERDICT_AGAIN, false, "429"},
        {MAKE, 503, "", VERDICT_AGAIN, false, "503"},
    };
    classified(&crm_kit, f, rows, sizeof rows / sizeof *rows);
}

static void a_subscriber_is_looked_at(void **state)
{
    struct fixture *f = *state;
    static const struct look_row rows[] = {
        {200, "{\"tags\":[{\"id\":9,\"name\":\"member\"}]}", VERDICT_DONE, ""},
        {200, "{\"tags\":[]}", VERDICT_DIFFERS, "\"member\" was missing"},
        {404, "", VERDICT_DIFFERS, "gone"},
        {401, "", VERDICT_REFUSED, ""},
    };
    looks(&crm_kit, f, rows, sizeof rows / sizeof *rows);
}

static void a_missing_field_is_named(void **state)
{
    struct fixture *f = *state;
    settings_destroy(&f->settings);
    f->settings =
        test_settings(f->home, crm_kit.settings, "crm\n    key = x\n    state_field = mood\n");
    f->task.settings = f->settings;
    char *text = test_request(&crm_kit, &f->task, START);
    assert_non_null(strstr(text, "\"fields\":{\"mood\":\"active\"}"));
    free(text);
    struct verdict verdict = test_outcome(&crm_kit, &f->task, MAKE, 422,
                                          "{\"errors\":[\"Custom field does not exist\"]}");
    assert_int_equal(verdict.kind, VERDICT_NEVER);
    assert_non_null(strstr(verdict.words, "custom field \"mood\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_subscriber_is_made_and_tagged),
        TEST(a_known_one_takes_two_calls),
        TEST(what_was_deleted_is_made_again),
        TEST(a_retired_one_loses_our_tags_only),
        TEST(an_address_that_is_taken_leaves_the_tags),
        TEST(answers_are_classified),
        TEST(a_subscriber_is_looked_at),
        TEST(a_missing_field_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
