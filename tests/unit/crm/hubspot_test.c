/* hubspot_test.c - the HubSpot adapter as a table of bytes. */
#include "../adapter_test.h"

#include "crm.h"

extern const struct adapter crm_hubspot;

enum { START, LOOK, WRITE, CREATE, WRITE_OTHERS };

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
    f->settings = test_settings(f->home, crm_hubspot.settings, "crm\n    key = \"pat-1\"\n");
    f->payload = json_pack("{s:{s:s, s:s, s:s, s:s, s:b, s:[ss], s:[sss]}}", "document", "id",
                           "mem_1", "email", "ada@example.com", "name", "Ada King Lovelace",
                           "state", "active", "access", 1, "tags", "member", "vip-us", "all_tags",
                           "member", "vip-us", "refunded");
    f->learned = json_object();
    f->task = (struct task){.key = "crm:mem_1",
                            .kind = "contact",
                            .member = "mem_1",
                            .version = 3,
                            .attempt = 1,
                            .payload = f->payload,
                            .learned = f->learned,
                            .secret = "pat-1",
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
    char *text = test_request(&crm_hubspot, &f->task, step);
    assert_string_equal(text, expected);
    free(text);
}

static void unknown_contact_is_created(void **state)
{
    struct fixture *f = *state;
    sends(
        f, START,
        "POST https://api.hubapi.com/crm/v3/objects/contacts\n"
        "Authorization: Bearer pat-1\nAccept: application/json\n"
        "Content-Type: application/json\n"
        "{\"properties\":{\"email\":\"ada@example.com\",\"firstname\":\"Ada\",\"lastname\":\"King "
        "Lovelace\",\"usher_active\":\"true\",\"usher_state\":\"active\",\"usher_tags\":"
        "\"member;vip-us\"}}");
    struct verdict verdict = test_outcome(&crm_hubspot, &f->task, START, 201, "{\"id\":\"512\"}");
    assert_int_equal(verdict.kind, VERDICT_DONE);
    assert_string_equal(tree_text(f->learned, "contact"), "512");
}

static void known_contact_is_read_and_written(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "512");
    sends(f, START,
          "GET https://api.hubapi.com/crm/v3/objects/contacts/512?properties=usher_tags\n"
          "Authorization: Bearer pat-1\nAccept: application/json\n");
    struct verdict verdict = test_outcome(
        &crm_hubspot, &f->task, START, 200,
        "{\"id\":\"513\",\"properties\":{\"usher_tags\":\"mine;refunded;member;also mine\"}}");
    assert_int_equal(verdict.kind, VERDICT_STEP);
    assert_int_equal(verdict.step, WRITE);
    sends(
        f, WRITE,
        "PATCH https://api.hubapi.com/crm/v3/objects/contacts/513\n"
        "Authorization: Bearer pat-1\nAccept: application/json\n"
        "Content-Type: application/json\n"
        "{\"properties\":{\"email\":\"ada@example.com\",\"usher_active\":\"true\",\"usher_state\":"
        "\"active\",\"usher_tags\":\"mine;also mine;member;vip-us\"}}");
    verdict = test_outcome(&crm_hubspot, &f->task, WRITE, 200, "{\"id\":\"513\"}");
    assert_int_equal(verdict.kind, VERDICT_DONE);
    assert_string_equal(tree_text(f->learned, "contact"), "513");
    assert_null(tree_get(f->learned, "present"));
}

static void a_duplicate_names_its_id_in_the_message(void **state)
{
    struct fixture *f = *state;
    struct verdict verdict = test_outcome(
        &crm_hubspot, &f->task, START, 409,
        "{\"status\":\"error\",\"message\":\"Contact already exists. Existing ID: 77\","
        "\"correlationId\":\"x\",\"category\":\"CONFLICT\"}");
    assert_int_equal(verdict.kind, VERDICT_STEP);
    assert_int_equal(verdict.step, LOOK);
    assert_string_equal(tree_text(f->learned, "contact"), "77");
    verdict = test_outcome(&crm_hubspot, &f->task, CREATE, 409, "{\"message\":\"Existing ID: \"}");
    assert_int_equal(verdict.kind, VERDICT_NEVER);
    verdict =
        test_outcome(&crm_hubspot, &f->task, CREATE, 409,
                     "{\"message\":\"Existing ID: 1234567890123456789012345678901234567890\"}");
    assert_int_equal(verdict.kind, VERDICT_NEVER);
}

static void an_address_of_another_contact_is_left_alone(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "512");
    struct verdict verdict =
        test_outcome(&crm_hubspot, &f->task, WRITE, 409, "{\"message\":\"... Existing ID: 9\"}");
    assert_int_equal(verdict.kind, VERDICT_STEP);
    assert_int_equal(verdict.step, WRITE_OTHERS);
    char *text = test_request(&crm_hubspot, &f->task, WRITE_OTHERS);
    assert_null(strstr(text, "email"));
    free(text);
}

static void a_deleted_contact_is_made_again(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->payload, "contact", "512");
    struct verdict verdict = test_outcome(&crm_hubspot, &f->task, START, 404, "{}");
    assert_int_equal(verdict.kind, VERDICT_STEP);
    assert_int_equal(verdict.step, CREATE);
    assert_string_equal(crm_contact(&f->task), "");
}

static void a_retired_contact_loses_our_tags_only(void **state)
{
    struct fixture *f = *state;
    tree_set_text(f->learned, "contact", "512");
    tree_set_text(f->learned, "present", "mine;member");
    tree_set_flag(f->payload, "retire", true);
    char *text = test_request(&crm_hubspot, &f->task, WRITE);
    assert_non_null(strstr(text, "{\"properties\":{\"usher_active\":\"false\",\"usher_state\":"
                                 "\"merged\",\"usher_tags\":\"mine\"}}"));
    free(text);
    struct verdict verdict = test_outcome(&crm_hubspot, &f->task, WRITE, 200, "{\"id\":\"512\"}");
    assert_int_equal(verdict.kind, VERDICT_DONE);
    assert_true(tree_flag(f->learned, "retired"));
}

static void no_address_no_contact(void **state)
{
    struct fixture *f = *state;
    json_object_del(tree_get(f->payload, "document"), "email");
    sends(f, START, "fault malformed");
}

static void a_secret_with_a_line_end_does_not_leave(void **state)
{
    struct fixture *f = *state;
    f->task.secret = "pat\r\nX-Evil: 1";
    sends(f, START, "fault malformed");
}

/* status, body -> verdict, wait, words */
static const struct {
    int status;
    const char *body;
    enum verdict_kind kind;
    int64_t retry_after_ms;
    bool ambiguous;
    const char *words;
} answers[] = {
    {0, "", VERDICT_AGAIN, 0, true, "no answer in time"},
    {200, "<html>", VERDICT_AGAIN, 0, true, "not one"},
    {200, "[]", VERDICT_AGAIN, 0, true, "not one"},
    {201, "{\"id\":17}", VERDICT_AGAIN, 0, true, "not one"},
    {302, "", VERDICT_NEVER, 0, false, "redirect"},
    {401, "{}", VERDICT_REFUSED, 0, false, "key"},
    {403, "{}", VERDICT_FORBIDDEN, 0, false, "403"},
    {404, "{}", VERDICT_NEVER, 0, false, "404"},
    {408, "", VERDICT_AGAIN, 0, false, "408"},
    {425, "", VERDICT_AGAIN, 0, false, "425"},
    {429, "{\"policyName\":\"SECONDLY\"}", VERDICT_AGAIN, 1000, false, "429"},
    {429, "{\"policyName\":\"TEN_SECONDLY_ROLLING\"}", VERDICT_AGAIN, 10000, false, "429"},
    {429, "{\"policyName\":\"DAILY\"}", VERDICT_AGAIN, 0, false, "daily"},
    {429, "", VERDICT_AGAIN, 10000, false, "429"},
    {500, "", VERDICT_AGAIN, 0, false, "500"},
    {503, "garbage", VERDICT_AGAIN, 0, false, "503"},
    {400,
     "{\"message\":\"[{\\\"error\\\":\\\"PROPERTY_DOESNT_EXIST\\\",\\\"name\\\":\\\"usher_"
     "state\\\"}]\"}",
     VERDICT_NEVER, 0, false, "no contact property \"usher_state\""},
    {400, "{\"message\":\"INVALID_OPTION usher_tags: x was not one of the allowed options\"}",
     VERDICT_NEVER, 0, false, "a tag is not among the options"},
    {400, "{\"message\":\"INVALID_OPTION: refunded was not one of the allowed options: [member]\"}",
     VERDICT_NEVER, 0, false, "the tag \"refunded\" is not among the options"},
    {207,
     "{\"status\":\"COMPLETE\",\"numErrors\":1,\"errors\":[{\"category\":\"VALIDATION_ERROR\","
     "\"message\":\"Property \\\"usher_tags\\\" does not exist\"}]}",
     VERDICT_NEVER, 0, false, "no contact property"},
    {200, "{\"id\":\"7\",\"numErrors\":2}", VERDICT_AGAIN, 0, true, "error inside"},
    {200, "{\"id\":\"7\",\"errors\":[{\"message\":\"ada@example.com\"}]}", VERDICT_AGAIN, 0, true,
     "error inside"},
    {400, "{\"message\":\"INVALID_EMAIL\"}", VERDICT_NEVER, 0, false, "e-mail"},
    {400, "{\"category\":\"VALIDATION_ERROR\",\"message\":\"ada@example.com\"}", VERDICT_NEVER, 0,
     false, "VALIDATION_ERROR"},
    {400, "", VERDICT_NEVER, 0, false, "400"},
};

static void answers_are_classified(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct verdict verdict =
            test_outcome(&crm_hubspot, &f->task, CREATE, answers[i].status, answers[i].body);
        if (verdict.kind != answers[i].kind || verdict.ambiguous != answers[i].ambiguous ||
            verdict.retry_after_ms != answers[i].retry_after_ms ||
            !strstr(verdict.words, answers[i].words)) {
            fail_msg("row %zu: verdict %d, \"%s\"", i, (int)verdict.kind, verdict.words);
        }
        assert_null(strstr(verdict.words, "ada@"));
    }
}

static void a_daily_limit_holds_the_whole_target(void **state)
{
    struct fixture *f = *state;
    static const char *const policies[] = {"DAILY", "TEN_SECONDLY_ROLLING", "SECONDLY", "OTHER"};
    static const int64_t holds_ms[] = {3600000, 0, 0, 0};
    for (size_t i = 0; i < 4; i++) {
        char body[100];
        snprintf(body, sizeof body, "{\"errorType\":\"RATE_LIMIT\",\"policyName\":\"%s\"}",
                 policies[i]);
        struct verdict verdict = test_outcome(&crm_hubspot, &f->task, CREATE, 429, body);
        assert_int_equal(verdict.kind, VERDICT_AGAIN);
        assert_int_equal(verdict.hold_ms, holds_ms[i]);
    }
}

static void the_rest_of_a_day_is_kept_for_what_is_fresh(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *headers;
        int64_t hold_ms;
    } rows[] = {
        {NULL, 0},
        {"X-HubSpot-RateLimit-Daily: 250000\n", 0},
        {"X-HubSpot-RateLimit-Daily: 250000\nX-HubSpot-RateLimit-Daily-Remaining: 20000\n", 0},
        {"x-hubspot-ratelimit-daily: 250000\nX-HubSpot-RateLimit-Daily-Remaining: 9000\n", 3600000},
        {"X-HubSpot-RateLimit-Daily: x\nX-HubSpot-RateLimit-Daily-Remaining: y\n", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *body = "{\"id\":\"7\"}";
        struct answer answer = {.status = 200,
                                .sent = true,
                                .headers = rows[i].headers,
                                .body = body,
                                .len = strlen(body),
                                .words = ""};
        struct verdict verdict = {.learned = f->learned};
        crm_hubspot.outcome(&f->task, WRITE, &answer, &verdict);
        assert_int_equal(verdict.kind, VERDICT_DONE);
        assert_int_equal(verdict.bulk_hold_ms, rows[i].hold_ms);
    }
}

static void a_contact_is_looked_at(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int status;
        const char *tags, *state, *active;
        enum verdict_kind kind;
        const char *words;
    } rows[] = {
        {200, "mine;vip-us;member", "active", "true", VERDICT_DONE, ""},
        {200, "vip-us", "active", "true", VERDICT_DIFFERS, "\"member\" was missing"},
        {200, "vip-us;member;refunded", "active", "true", VERDICT_DIFFERS,
         "\"refunded\" was still"},
        {200, "vip-us;member", "ended", "true", VERDICT_DIFFERS, "usher_state"},
        {200, "vip-us;member", "active", "false", VERDICT_DIFFERS, "usher_active"},
        {404, "", "", "", VERDICT_DIFFERS, "gone"},
        {500, "", "", "", VERDICT_AGAIN, ""},
    };
    struct call call = {0};
    assert_int_equal(crm_hubspot.look(&f->task, 0, &call), FAULT_NOT_FOUND);
    tree_set_text(f->learned, "contact", "512");
    assert_int_equal(crm_hubspot.look(&f->task, 0, &call), OK);
    assert_string_equal(buf_text(&call.url),
                        "https://api.hubapi.com/crm/v3/objects/contacts/512?properties=usher_tags,"
                        "usher_state,usher_active");
    call_fini(&call);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char body[300];
        snprintf(body, sizeof body,
                 "{\"id\":\"512\",\"properties\":{\"usher_tags\":\"%s\",\"usher_state\":\"%s\","
                 "\"usher_active\":\"%s\"}}",
                 rows[i].tags, rows[i].state, rows[i].active);
        struct answer answer = {
            .status = rows[i].status, .sent = true, .body = body, .len = strlen(body), .words = ""};
        struct verdict verdict = {.learned = f->learned};
        crm_hubspot.looked(&f->task, 0, &answer, &verdict);
        if (verdict.kind != rows[i].kind || !strstr(verdict.words, rows[i].words)) {
            fail_msg("row %zu: verdict %d, \"%s\"", i, (int)verdict.kind, verdict.words);
        }
    }
}

static void settings_are_checked(void **state)
{
    struct fixture *f = *state;
    struct buf why = {0};
    assert_true(crm_hubspot.check(f->settings, &why));
    struct settings *bad =
        test_settings(f->home, crm_hubspot.settings, "crm\n    url = \"http://api.hubapi.com\"\n");
    assert_false(crm_hubspot.check(bad, &why));
    assert_non_null(strstr(buf_text(&why), "crm/url: http:// is taken for loopback"));
    assert_non_null(strstr(buf_text(&why), "crm/key: expected"));
    settings_destroy(&bad);
    buf_fini(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_contact_is_created),
        TEST(known_contact_is_read_and_written),
        TEST(a_duplicate_names_its_id_in_the_message),
        TEST(an_address_of_another_contact_is_left_alone),
        TEST(a_deleted_contact_is_made_again),
        TEST(a_retired_contact_loses_our_tags_only),
        TEST(no_address_no_contact),
        TEST(a_secret_with_a_line_end_does_not_leave),
        TEST(answers_are_classified),
        TEST(a_daily_limit_holds_the_whole_target),
        TEST(the_rest_of_a_day_is_kept_for_what_is_fresh),
        TEST(a_contact_is_looked_at),
        TEST(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
