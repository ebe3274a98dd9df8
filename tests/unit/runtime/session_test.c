/* session_test.c - how long a token is used, and which one a refusal takes away. */
#include "../test.h"

#include "adapter.h"
#include "session.h"

enum { NOW_MS = 1000000 };

static struct session took(int64_t lifetime_ms)
{
    struct session session = {0};
    char *token = strdup("t1");
    session_take(&session, &token, lifetime_ms, "key", NOW_MS);
    assert_null(token);
    return session;
}

static void a_token_is_let_go_before_it_ends(void **state)
{
    (void)state;
    static const struct {
        int64_t lifetime_ms;
        int64_t held_ms; /* 0: until it is refused */
    } rows[] = {
        {172800000, 172800000 - SESSION_EARLY_MS},
        {2 * SESSION_EARLY_MS, SESSION_EARLY_MS},
        {10000, 5000},
        {1, SESSION_LEAST_MS},
        {0, 0},
        {-5, 0},
        {INT64_MAX, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct session session = took(rows[i].lifetime_ms);
        assert_true(session_good(&session, NOW_MS));
        if (rows[i].held_ms > 0) {
            assert_true(session_good(&session, NOW_MS + rows[i].held_ms - 1));
            assert_false(session_good(&session, NOW_MS + rows[i].held_ms));
        } else {
            assert_true(session_good(&session, INT64_MAX - 1));
        }
        session_fini(&session);
    }
}

static void a_refusal_takes_away_the_token_it_names(void **state)
{
    (void)state;
    struct session session = took(0);
    session_lost(&session, "t0"); /* that of an earlier login */
    assert_true(session_good(&session, NOW_MS));
    session_lost(&session, "t1");
    assert_false(session_good(&session, NOW_MS));
    session_lost(&session, "t1");
    session_fini(&session);
}

static void another_key_needs_a_login_of_its_own(void **state)
{
    (void)state;
    struct session session = took(0);
    session_for(&session, "key");
    assert_true(session_good(&session, NOW_MS));
    session_for(&session, "key rotated");
    assert_false(session_good(&session, NOW_MS));
    session_for(&session, "key");
    assert_false(session_good(&session, NOW_MS));
}

static void a_newer_token_takes_the_place(void **state)
{
    (void)state;
    struct session session = took(10000);
    char *token = strdup("t2");
    session_take(&session, &token, 0, "key", NOW_MS);
    assert_string_equal(session.token, "t2");
    assert_true(session_good(&session, NOW_MS + 20000));
    session_fini(&session);
    assert_false(session_good(&session, NOW_MS));
}

static void a_login_is_refused_in_many_ways(void **state)
{
    (void)state;
    static const struct {
        enum fault fault;
        int status;
        enum verdict_kind kind;
    } rows[] = {
        {OK, 400, VERDICT_REFUSED}, {OK, 401, VERDICT_REFUSED}, {OK, 403, VERDICT_REFUSED},
        {OK, 404, VERDICT_REFUSED}, {OK, 302, VERDICT_REFUSED}, {OK, 429, VERDICT_AGAIN},
        {OK, 500, VERDICT_AGAIN},   {OK, 408, VERDICT_AGAIN},   {FAULT_TIMEOUT, 0, VERDICT_AGAIN},
        {OK, 200, VERDICT_DONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = {
            .fault = rows[i].fault, .status = rows[i].status, .sent = true, .words = ""};
        struct verdict verdict = {0};
        verdict_login(&answer, &verdict);
        assert_int_equal(verdict.kind, rows[i].kind);
        assert_false(verdict.ambiguous);
    }
}

static void an_oauth2_answer_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *token; /* NULL: none */
        int64_t lifetime_ms;
    } rows[] = {
        {"{\"access_token\":\"t1\",\"token_type\":\"bearer\",\"expires_in\":172800}", "t1",
         172800000},
        {"{\"access_token\":\"a.b-c_d~e+f/g=\"}", "a.b-c_d~e+f/g=", 0},
        {"{\"access_token\":\"t1\",\"expires_in\":\"soon\"}", "t1", 0},
        {"{\"access_token\":\"t1\",\"expires_in\":-1}", "t1", 0},
        {"{\"access_token\":\"t1\",\"expires_in\":9223372036854775807}", "t1", 0},
        {"{\"access_token\":\"\"}", NULL, 0},
        {"{\"access_token\":\"a b\"}", NULL, 0},
        {"{\"access_token\":\"a\\r\\nX: y\"}", NULL, 0},
        {"{\"access_token\":7}", NULL, 0},
        {"{\"error\":\"invalid_client\"}", NULL, 0},
        {"{\"access_token\":\"t", NULL, 0},
        {"<html>", NULL, 0},
        {"", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = {
            .status = 200, .body = rows[i].body, .len = strlen(rows[i].body), .words = ""};
        struct verdict verdict = {0};
        char *token = NULL;
        int64_t lifetime_ms = 0;
        token_oauth2(&answer, &token, &lifetime_ms, &verdict);
        assert_int_equal(verdict.kind, rows[i].token ? VERDICT_DONE : VERDICT_AGAIN);
        if (rows[i].token) {
            assert_string_equal(token, rows[i].token);
        } else {
            assert_null(token);
        }
        assert_int_equal(lifetime_ms, rows[i].lifetime_ms);
        free(token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_let_go_before_it_ends),
        cmocka_unit_test(a_refusal_takes_away_the_token_it_names),
        cmocka_unit_test(another_key_needs_a_login_of_its_own),
        cmocka_unit_test(a_newer_token_takes_the_place),
        cmocka_unit_test(a_login_is_refused_in_many_ways),
        cmocka_unit_test(an_oauth2_answer_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
