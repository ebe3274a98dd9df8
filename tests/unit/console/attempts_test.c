/* attempts_test.c - delays grow, end, and keep nobody out who was there before. */
#include "test.h"

#include "attempts.h"

#include <stdio.h>

static const int64_t NOW = INT64_C(1790000000000);

static void check_growth(void **state)
{
    (void)state;
    struct attempts *attempts = calloc(1, sizeof *attempts);
    static const int64_t waits[] = {0, 0, 0, 0, 0, 1000, 2000, 4000, 8000, 16000, 32000, 64000};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        /* by the address: it is not held at one minute */
        assert_int_equal(attempts_wait_ms(attempts, "other", "10.0.0.1", 0, NOW), waits[i]);
        attempts_failed(attempts, "ada", "10.0.0.1", NOW);
    }
    for (int i = 0; i < 40; i++) {
        attempts_failed(attempts, "ada", "10.0.0.1", NOW);
    }
    assert_int_equal(attempts_wait_ms(attempts, "other", "10.0.0.1", 0, NOW),
                     ATTEMPTS_ADDRESS_MS_MAX);
    assert_int_equal(attempts_wait_ms(attempts, "ada", "10.0.0.2", 0, NOW),
                     ATTEMPTS_ACCOUNT_MS_MAX);
    assert_int_equal(attempts_wait_ms(attempts, "ada", "10.0.0.2", 1, NOW), 0); /* her own */
    assert_int_equal(attempts_wait_ms(attempts, "eve", "10.0.0.3", 0, NOW), 0);
    assert_int_equal(
        attempts_wait_ms(attempts, "ada", "10.0.0.1", 0, NOW + ATTEMPTS_ADDRESS_MS_MAX), 0);
    free(attempts);
}

static void check_end(void **state)
{
    (void)state;
    struct attempts *attempts = calloc(1, sizeof *attempts);
    for (int i = 0; i < 9; i++) {
        attempts_failed(attempts, "ada", "10.0.0.1", NOW);
    }
    assert_true(attempts_wait_ms(attempts, "ada", "10.0.0.1", 0, NOW) > 0);
    int64_t wait_ms = attempts_wait_ms(attempts, "ada", "10.0.0.1", 0, NOW);
    attempts_good(attempts, "ada", "10.0.0.1");
    assert_int_equal(attempts_wait_ms(attempts, "ada", "10.0.0.2", 0, NOW), 0);
    assert_int_equal(attempts_wait_ms(attempts, "eve", "10.0.0.1", 0, NOW), wait_ms / 2);
    free(attempts);
}

/* However many names and addresses: bounded, and nobody is held for another's guesses for long. */
static void check_flood(void **state)
{
    (void)state;
    struct attempts *attempts = calloc(1, sizeof *attempts);
    char name[32];
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "n%d", i);
        attempts_failed(attempts, name, name, NOW);
    }
    int held = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "stranger%d", i);
        held += attempts_wait_ms(attempts, name, name, 0, NOW) > 0;
    }
    assert_int_equal(held, 0);
    free(attempts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(check_growth), cmocka_unit_test(check_end),
                                       cmocka_unit_test(check_flood)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
