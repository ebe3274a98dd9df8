/* Signatures against published bytes, and against everything that is nearly right. */
#include "test.h"

#include "standard_webhooks.h"

#include <string.h>

/* From the test of the reference library in JavaScript. */
#define SECRET    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID        "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIMESTAMP "1614265330"
#define BODY      "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define OTHER     "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
#define NOW_MS    INT64_C(1614265330000)

static const struct slice body = {BODY, sizeof BODY - 1};

static void check_published(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_true(sw_sign(SECRET, ID, TIMESTAMP, body, &out));
    assert_string_equal(buf_text(&out), SIGNATURE);
    assert_true(sw_verify(SECRET, ID, TIMESTAMP, body, SIGNATURE, NOW_MS));
    buf_fini(&out);
}

/* While a secret is changed both hold, the first line first. */
static void check_two_secrets(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_true(sw_sign(OTHER "\r\n\n" SECRET " \n", ID, TIMESTAMP, body, &out));
    const char *blank = strchr(buf_text(&out), ' ');
    assert_non_null(blank);
    assert_string_equal(blank + 1, SIGNATURE);
    assert_true(sw_verify(SECRET, ID, TIMESTAMP, body, buf_text(&out), NOW_MS));
    assert_true(sw_verify(OTHER, ID, TIMESTAMP, body, buf_text(&out), NOW_MS));
    assert_true(sw_verify(OTHER "\n" SECRET, ID, TIMESTAMP, body, SIGNATURE, NOW_MS));
    buf_fini(&out);
}

static void check_not_a_secret(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "\n", "whsec_", "whsec_c2hvcnQ=", "whsec_???", "plain text"};
    struct buf out = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(sw_sign(bad[i], ID, TIMESTAMP, body, &out));
        assert_int_equal(out.len, 0);
        assert_false(sw_verify(bad[i], ID, TIMESTAMP, body, SIGNATURE, NOW_MS));
    }
    buf_fini(&out);
}

static void check_refused(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *id, *timestamp, *header;
        int64_t now_ms;
    } rows[] = {
        {OTHER, ID, TIMESTAMP, SIGNATURE, NOW_MS},
        {SECRET, "msg_other", TIMESTAMP, SIGNATURE, NOW_MS},
        {SECRET, ID, "1614265331", SIGNATURE, NOW_MS},
        {SECRET, ID, TIMESTAMP, "", NOW_MS},
        {SECRET, ID, TIMESTAMP, "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", NOW_MS},
        {SECRET, ID, TIMESTAMP, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", NOW_MS},
        {SECRET, ID, TIMESTAMP, SIGNATURE, NOW_MS + 301000},
        {SECRET, ID, TIMESTAMP, SIGNATURE, NOW_MS - 301000},
        {SECRET, ID, "", SIGNATURE, NOW_MS},
        {SECRET, ID, "1614265330 ", SIGNATURE, NOW_MS},
        {SECRET, ID, "99999999999999999999", SIGNATURE, NOW_MS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_false(sw_verify(rows[i].secret, rows[i].id, rows[i].timestamp, body, rows[i].header,
                               rows[i].now_ms));
    }
    struct slice other = {BODY, sizeof BODY - 2};
    assert_false(sw_verify(SECRET, ID, TIMESTAMP, other, SIGNATURE, NOW_MS));
    assert_true(sw_verify(SECRET, ID, TIMESTAMP, body, "v1a,x " SIGNATURE " v1,", NOW_MS + 300000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_published), cmocka_unit_test(check_two_secrets),
        cmocka_unit_test(check_not_a_secret), cmocka_unit_test(check_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
