/* Every body in tests/fixtures/stripe becomes the facts that stand beside it, written by hand. The
 * same for whole events of another project in the shape before basil, where that folder is there. */
#include "stripe_facts.h"

#include "bodies.h"

extern const struct provider provider_stripe;

static void test_own_bodies(void **state)
{
    (void)state;
    const char *folder = USHER_SOURCE "/tests/fixtures/stripe";
    assert_true(compare_all(&provider_stripe, NULL, folder, folder) >= 60);
}

static void test_bodies_of_another_project(void **state)
{
    (void)state;
    const char *bodies = USHER_SOURCE "/../shared/specs/stripe/sync-engine-events";
    size_t count = count_bodies(bodies);
    if (count == 0) {
        skip();
    }
    /* none without an expectation, and none expected that is not there */
    assert_int_equal(compare_all(&provider_stripe, NULL,
                                 USHER_SOURCE "/tests/fixtures/stripe/sync-engine", bodies),
                     count);
}

static enum fault translate(const char *body, struct translation *out)
{
    static struct tape tape;
    static const struct provider_rules rules = {.products = "", .app_user_keys = ""};
    enum fault fault = tape_parse(&tape, body, strlen(body));
    return fault != OK ? fault : stripe_facts(&tape, &rules, out);
}

static void test_what_is_not_an_event(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{}",
        "[]",
        "1",
        "null",
        "{\"id\":\"evt_1\"}",
        "{\"type\":\"invoice.paid\"}",
        "{\"id\":1,\"type\":\"invoice.paid\"}",
        "{\"id\":\"\",\"type\":\"invoice.paid\"}",
        "{\"id\":\"evt 1\",\"type\":\"invoice.paid\"}",
        "{\"id\":\"evt\\u00001\",\"type\":\"invoice.paid\"}",
        "{\"id\":\"evt_1\",\"type\":\"invoice.paid\",\"type\":\"payout.paid\"}",
        "{\"id\":\"evt_1\",\"id\":\"evt_2\",\"type\":\"invoice.paid\"}",
    };
    struct translation out;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (translate(bodies[i], &out) != FAULT_MALFORMED) {
            fail_msg("taken: %s", bodies[i]);
        }
    }
    char long_id[400] = "{\"type\":\"a\",\"id\":\"";
    memset(long_id + strlen(long_id), 'x', 201);
    strcat(long_id, "\"}");
    assert_int_equal(translate(long_id, &out), FAULT_MALFORMED);
    assert_int_equal(translate("{\"id\":\"evt_1\",\"type\":\"a\"}", &out), OK);
    assert_string_equal(out.type, "provider.ignored");
    assert_int_equal(out.fact_count, 0);
}

static void test_facts_are_bounded(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_add_text(&body, "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"invoice.paid\",\"data\":"
                        "{\"object\":{\"id\":\"in_1\",\"payments\":{\"data\":[");
    for (int i = 0; i < 100; i++) {
        buf_printf(&body, "%s{\"payment\":{\"payment_intent\":\"pi_%d\"}}", i ? "," : "", i);
    }
    buf_add_text(&body, "]}}}}");
    struct translation out;
    assert_int_equal(translate(buf_text(&body), &out), OK);
    assert_int_equal(out.fact_count, FACTS_MAX);
    buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_bodies),
        cmocka_unit_test(test_bodies_of_another_project),
        cmocka_unit_test(test_what_is_not_an_event),
        cmocka_unit_test(test_facts_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
