/* What the alert actor looks at itself: the other actors, and the disk. */
#include "test.h"

#include "sights.h"

#include <string.h>

static const struct watch_sight *sight_of(const struct watch_sight *sights, size_t count,
                                          enum alert_rule rule, const char *object)
{
    for (size_t i = 0; i < count; i++) {
        if (sights[i].rule == rule && strcmp(sights[i].object, object) == 0) {
            return &sights[i];
        }
    }
    fail_msg("no sight of %s", object);
    return NULL;
}

static void test_sights(void **state)
{
    (void)state;
    struct sights sights;
    struct watch_sight seen[SIGHTS_MAX];
    sights_init(&sights, "/tmp", 60000, 99);
    size_t count = sights_look(&sights, 5000, seen);
    assert_false(sight_of(seen, count, ALERT_ACTOR_MISSING, "crm")->known); /* nothing heard yet */
    sights_heard(&sights, "crm", true, 61000, 10000);
    sights_heard(&sights, "mailer", false, 90000, 10000);
    count = sights_look(&sights, 10000, seen);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_MISSING, "crm")->for_ms, -1);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_LAGGING, "crm")->for_ms, 0);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_LAGGING, "mailer")->for_ms, -1);
    for (int64_t now = 10500; now <= 41000; now += 500) {
        sights_heard(&sights, "crm", true, 0, now);
        sights_heard(&sights, "mailer", false, 0, now);
    }
    count = sights_look(&sights, 41000, seen);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_MISSING, "crm")->for_ms, -1);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_LAGGING, "crm")->for_ms, -1);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_MISSING, "mailer")->for_ms, 31000);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_MISSING, "ledger")->for_ms, 31000);
    /* the broker was silent: what happened meanwhile is not known, and counting begins anew */
    count = sights_look(&sights, 45000, seen);
    assert_false(sight_of(seen, count, ALERT_ACTOR_MISSING, "mailer")->known);
    sights_heard(&sights, "mailer", false, 0, 60000);
    count = sights_look(&sights, 60000, seen);
    assert_int_equal(sight_of(seen, count, ALERT_ACTOR_MISSING, "mailer")->for_ms, -1);
    assert_true(sight_of(seen, count, ALERT_ACTOR_MISSING, "mailer")->known);
}

static void test_disk(void **state)
{
    (void)state;
    struct sights sights;
    struct watch_sight seen[SIGHTS_MAX];
    sights_init(&sights, "/proc/no/such/place", 60000, 80);
    size_t count = sights_look(&sights, 1000, seen);
    assert_false(sight_of(seen, count, ALERT_DISK, "home")->known);
    sights_init(&sights, "/", 60000, 100);
    count = sights_look(&sights, 1000, seen);
    assert_int_equal(sight_of(seen, count, ALERT_DISK, "home")->for_ms, -1);
    sights_init(&sights, "/", 60000, 0); /* anything is more than that */
    count = sights_look(&sights, 1000, seen);
    assert_int_equal(sight_of(seen, count, ALERT_DISK, "home")->for_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sights), cmocka_unit_test(test_disk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
