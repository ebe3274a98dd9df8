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

/* By another implementation, over the same id, time and body. */
#define TEXT_KEY   "polar_whs_made_for_this_test"
#define TEXT_MADE  "v1,RRrTnUTAXeYmTvTzIiZ7VgoOYtc06SmzLl3+nMxRdZI="
#define PUBLIC_KEY "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
#define PUBLIC_MADE                                                                                \
    "v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ=="

enum { NOW_S = 1614265330, TOLERANCE_S = 60 };

static void check_verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *secrets, *timestamp, *header;
        int64_t now_s;
        enum sw_verdict verdict;
    } rows[] = {
        {SECRET, TIMESTAMP, SIGNATURE, NOW_S, SW_GENUINE},
        {SECRET, TIMESTAMP, SIGNATURE, NOW_S + 60, SW_GENUINE},
        {SECRET, TIMESTAMP, SIGNATURE, NOW_S + 61, SW_STALE},
        {SECRET, TIMESTAMP, SIGNATURE, NOW_S - 61, SW_STALE},
        {OTHER, TIMESTAMP, SIGNATURE, NOW_S + 61, SW_FORGED}, /* learns nothing of our clock */
        {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", TIMESTAMP, SIGNATURE, NOW_S, SW_GENUINE},
        {TEXT_KEY, TIMESTAMP, TEXT_MADE, NOW_S, SW_GENUINE},
        {OTHER "\n" TEXT_KEY "\n", TIMESTAMP, SIGNATURE " " TEXT_MADE, NOW_S, SW_GENUINE},
        {"whsec_" TEXT_KEY, TIMESTAMP, TEXT_MADE, NOW_S, SW_FORGED},
        {TEXT_KEY, TIMESTAMP, SIGNATURE, NOW_S, SW_FORGED},
        {PUBLIC_KEY, TIMESTAMP, PUBLIC_MADE, NOW_S, SW_GENUINE},
        {PUBLIC_KEY, TIMESTAMP, "v1a,AAAA " SIGNATURE " " PUBLIC_MADE, NOW_S, SW_GENUINE},
        {PUBLIC_KEY, TIMESTAMP, PUBLIC_MADE, NOW_S + 61, SW_STALE},
        {PUBLIC_KEY, "1614265331", PUBLIC_MADE, NOW_S, SW_FORGED},
        {PUBLIC_KEY, TIMESTAMP, SIGNATURE, NOW_S, SW_FORGED},
        {SECRET, TIMESTAMP, PUBLIC_MADE, NOW_S, SW_FORGED},
        {"whpk_AAAA", TIMESTAMP, PUBLIC_MADE, NOW_S, SW_FORGED},
        {"", TIMESTAMP, SIGNATURE, NOW_S, SW_FORGED},
        {SECRET, TIMESTAMP, "", NOW_S, SW_MALFORMED},
        {SECRET, TIMESTAMP, "v2,x v3", NOW_S, SW_MALFORMED},
        {SECRET, TIMESTAMP, "v1a,short", NOW_S, SW_MALFORMED},
        {SECRET, "soon", SIGNATURE, NOW_S, SW_MALFORMED},
        {SECRET, "-1", SIGNATURE, NOW_S, SW_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum sw_verdict verdict = sw_check(rows[i].secrets, ID, rows[i].timestamp, body,
                                           rows[i].header, rows[i].now_s, TOLERANCE_S);
        if (verdict != rows[i].verdict) {
            fail_msg("row %zu: %d, expected %d", i, verdict, rows[i].verdict);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_published), cmocka_unit_test(check_two_secrets),
        cmocka_unit_test(check_not_a_secret), cmocka_unit_test(check_refused),
        cmocka_unit_test(check_verdicts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
