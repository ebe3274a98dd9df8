#include "throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

static void test_burst_and_refill(void **state)
{
    (void)state;
    struct throttle throttle = {.burst = 3, .refill_ms = 100, .seed = 7};
    int64_t now = 1000000;
    for (int i = 0; i < 3; i++) {
        assert_true(throttle_allows(&throttle, "a", now));
        throttle_charge(&throttle, "a", now);
    }
    assert_false(throttle_allows(&throttle, "a", now));
    assert_true(throttle_allows(&throttle, "b", now));
    assert_false(throttle_allows(&throttle, "a", now + 99));
    assert_true(throttle_allows(&throttle, "a", now + 100));
    throttle_charge(&throttle, "a", now + 100);
    assert_false(throttle_allows(&throttle, "a", now + 199));
    /* a long rest gives the burst back, and no more */
    now += 1000000;
    for (int i = 0; i < 3; i++) {
        assert_true(throttle_allows(&throttle, "a", now));
        throttle_charge(&throttle, "a", now);
    }
    assert_false(throttle_allows(&throttle, "a", now));
}

/* However many there are, a stranger is never blocked by others. */
static void test_flood_of_addresses(void **state)
{
    (void)state;
    static struct throttle throttle = {.burst = 1, .refill_ms = 1000, .seed = 7};
    char who[32];
    for (int i = 0; i < 10 * THROTTLE_SLOTS; i++) {
        snprintf(who, sizeof who, "10.0.%d.%d", i / 256, i % 256);
        assert_true(throttle_allows(&throttle, who, 1));
        throttle_charge(&throttle, who, 1);
        assert_false(throttle_allows(&throttle, who, 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_and_refill),
        cmocka_unit_test(test_flood_of_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
