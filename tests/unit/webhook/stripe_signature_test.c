#include "stripe_signature.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define T      "t=1700000000"
/* of {"id":"evt_test_1","object":"event"} under whsec_test_secret, by another implementation */
#define GOOD   "29ab30b7065c11b28e53ac114fac5d6c492ed811a12d11ed2c2aad5bb4cf9809"
#define ZERO   "0000000000000000000000000000000000000000000000000000000000000000"
#define SECRET "whsec_test_secret"

enum { SIGNED_S = 1700000000, TOLERANCE_S = 300 };

static const char body[] = "{\"id\":\"evt_test_1\",\"object\":\"event\"}";

static enum verdict check(const char *header, const char *secrets, int64_t now_s)
{
    return stripe_signature_check(header, (struct slice){body, strlen(body)}, secrets, now_s,
                                  TOLERANCE_S);
}

static void test_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum verdict verdict;
    } rows[] = {
        {T ",v1=" GOOD, VERDICT_GENUINE},
        {"v1=" GOOD "," T, VERDICT_GENUINE},
        {" " T " , v1=" GOOD " ", VERDICT_GENUINE},
        {T ",v1=" ZERO ",v1=" GOOD ",v0=" ZERO, VERDICT_GENUINE},
        {T ",v1=" GOOD ",v1=" ZERO, VERDICT_GENUINE},
        {T ",v1=short,v1=" GOOD, VERDICT_GENUINE},
        {T ",v2=whatever,v1=" GOOD, VERDICT_GENUINE},
        {T ",v1=" ZERO, VERDICT_FORGED},
        {T ",v0=" GOOD, VERDICT_MALFORMED},
        {"t=1700000001,v1=" GOOD, VERDICT_FORGED},
        {"t=01700000000,v1=" GOOD, VERDICT_FORGED}, /* the characters are signed, not the number */
        {T ",t=1700000001,v1=" GOOD, VERDICT_MALFORMED},
        {T "," T ",v1=" GOOD, VERDICT_MALFORMED},
        {"v1=" GOOD, VERDICT_MALFORMED},
        {T, VERDICT_MALFORMED},
        {T ",v1=", VERDICT_MALFORMED},
        {T ",v1=" GOOD "0", VERDICT_MALFORMED},
        {"t=,v1=" GOOD, VERDICT_MALFORMED},
        {"t=-1,v1=" GOOD, VERDICT_MALFORMED},
        {"t=1e9,v1=" GOOD, VERDICT_MALFORMED},
        {"t=99999999999999999999,v1=" GOOD, VERDICT_MALFORMED},
        {"", VERDICT_MALFORMED},
        {",", VERDICT_MALFORMED},
        {"garbage", VERDICT_MALFORMED},
        {T ",v1=" GOOD ",", VERDICT_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (check(rows[i].header, SECRET, SIGNED_S) != rows[i].verdict) {
            fail_msg("%s: expected %d", rows[i].header, rows[i].verdict);
        }
    }
}

static void test_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *secrets;
        enum verdict verdict;
    } rows[] = {
        {SECRET, VERDICT_GENUINE},
        {"whsec_old\n" SECRET, VERDICT_GENUINE},
        {SECRET "\nwhsec_new\n", VERDICT_GENUINE},
        {"\r\n  " SECRET " \t\r\n\r\n", VERDICT_GENUINE},
        {"test_secret", VERDICT_FORGED}, /* the prefix is part of the key */
        {"whsec_old", VERDICT_FORGED},
        {"", VERDICT_FORGED},
        {"\n \n", VERDICT_FORGED},
        {"1\n2\n3\n4\n5\n6\n7\n" SECRET, VERDICT_GENUINE},
        {"1\n2\n3\n4\n5\n6\n7\n8\n" SECRET, VERDICT_FORGED}, /* one more than the limit */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (check(T ",v1=" GOOD, rows[i].secrets, SIGNED_S) != rows[i].verdict) {
            fail_msg("secrets %zu: expected %d", i, rows[i].verdict);
        }
    }
}

static void test_tolerance(void **state)
{
    (void)state;
    assert_int_equal(check(T ",v1=" GOOD, SECRET, SIGNED_S + 300), VERDICT_GENUINE);
    assert_int_equal(check(T ",v1=" GOOD, SECRET, SIGNED_S - 300), VERDICT_GENUINE);
    assert_int_equal(check(T ",v1=" GOOD, SECRET, SIGNED_S + 301), VERDICT_STALE);
    assert_int_equal(check(T ",v1=" GOOD, SECRET, SIGNED_S - 301), VERDICT_STALE);
    /* who has no secret learns nothing about our clock */
    assert_int_equal(check(T ",v1=" ZERO, SECRET, SIGNED_S + 301), VERDICT_FORGED);
}

static void test_every_byte_counts(void **state)
{
    (void)state;
    const char *header = T ",v1=" GOOD;
    for (size_t i = 0; i < strlen(body); i++) {
        char other[sizeof body];
        memcpy(other, body, sizeof body);
        other[i] ^= 1;
        assert_int_equal(stripe_signature_check(header, (struct slice){other, strlen(body)}, SECRET,
                                                SIGNED_S, TOLERANCE_S),
                         VERDICT_FORGED);
    }
}

static void test_vectors(void **state)
{
    (void)state;
    json_t *file =
        json_load_file(USHER_SOURCE "/../shared/specs/vectors/webhook-signatures.json", 0, NULL);
    if (!file) {
        skip();
    }
    size_t i, count = 0;
    json_t *row;
    json_array_foreach(json_object_get(file, "vectors"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "scheme")), "stripe") != 0) {
            continue;
        }
        const char *header =
            json_string_value(json_object_get(json_object_get(row, "headers"), "Stripe-Signature"));
        const char *bytes = json_string_value(json_object_get(row, "body"));
        const char *expect = json_string_value(json_object_get(row, "expect"));
        enum verdict verdict = stripe_signature_check(
            header, (struct slice){bytes, strlen(bytes)},
            json_string_value(json_object_get(row, "secret")), SIGNED_S, TOLERANCE_S);
        assert_int_equal(verdict == VERDICT_GENUINE, strncmp(expect, "valid", 5) == 0);
        count++;
    }
    assert_true(count >= 3);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),   cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_tolerance), cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
