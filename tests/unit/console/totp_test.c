/* totp_test.c - RFC 6238's published codes, tolerance, and that a code counts once. */
#include "test.h"

#include "totp.h"

#include <string.h>

/* Appendix B, SHA-1, 8 digits, key "12345678901234567890". */
static void check_vectors(void **state)
{
    (void)state;
    static const struct {
        int64_t time_s;
        const char *code;
    } rows[] = {{59, "94287082"},         {1111111109, "07081804"}, {1111111111, "14050471"},
                {1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"}};
    const uint8_t *key = (const uint8_t *)"12345678901234567890";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char code[16];
        totp_code_of(key, 20, rows[i].time_s / TOTP_STEP_S, 8, code);
        assert_string_equal(code, rows[i].code);
    }
}

static void check_base32(void **state)
{
    (void)state;
    char code[TOTP_DIGITS + 1];
    assert_true(totp_code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 1, code)); /* the same key */
    assert_string_equal(code, "287082");
    assert_false(totp_code("gezdgnbvgy3tqojqgezdgnbvgy3tqojq", 1, code));
    assert_false(totp_code("GEZDGNBVGY3TQOJQ", 1, code));
    assert_false(totp_code("", 1, code));
    assert_false(totp_code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", 1, code));
}

static void check_once(void **state)
{
    (void)state;
    const char *secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    const int64_t now_ms = INT64_C(1111111111) * 1000;
    const int64_t step = now_ms / 1000 / TOTP_STEP_S;
    for (int64_t off = -2; off <= 2; off++) {
        int64_t last = 0;
        char code[TOTP_DIGITS + 1];
        assert_true(totp_code(secret, step + off, code));
        assert_int_equal(totp_check(secret, code, now_ms, &last), off >= -1 && off <= 1);
        assert_false(totp_check(secret, code, now_ms, &last)); /* again */
    }
    int64_t last = 0;
    char newer[TOTP_DIGITS + 1], older[TOTP_DIGITS + 1];
    assert_true(totp_code(secret, step, newer) && totp_code(secret, step - 1, older));
    assert_true(totp_check(secret, newer, now_ms, &last));
    assert_false(totp_check(secret, older, now_ms, &last)); /* below one that counted */
    assert_false(totp_check(secret, "", now_ms, &last));
    assert_false(totp_check(secret, "1234567", now_ms, &last));
}

static void check_secret(void **state)
{
    (void)state;
    char one[TOTP_SECRET_CHARS + 1], other[TOTP_SECRET_CHARS + 1], code[TOTP_DIGITS + 1];
    totp_secret(one);
    totp_secret(other);
    assert_string_not_equal(one, other);
    assert_true(totp_code(one, 1, code));
    char *uri = totp_uri(one, "ada");
    assert_true(strstr(uri, one) && strncmp(uri, "otpauth://totp/usher:ada?", 25) == 0);
    free(uri);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(check_vectors),
                                       cmocka_unit_test(check_base32), cmocka_unit_test(check_once),
                                       cmocka_unit_test(check_secret)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
