/* Every body of tests/fixtures but Stripe's becomes the facts that stand beside it. */
#include "bodies.h"

#include "mapping.h"

extern const struct provider provider_paddle, provider_lemonsqueezy, provider_standard;

#define FIXTURES USHER_SOURCE "/tests/fixtures/"

static struct mapping *shipped(const char *name)
{
    struct mapping *mapping = NULL;
    struct buf why = {0};
    if (mapping_read("/nowhere", name, &mapping, &why) != OK) {
        fail_msg("%s", buf_text(&why));
    }
    return mapping;
}

/* None without an expectation, and none expected that is not there. */
static void compare_folder(const struct provider *provider, const void *own, const char *folder,
                           size_t at_least)
{
    size_t bodies = count_bodies(folder);
    assert_true(bodies >= at_least);
    assert_int_equal(compare_all(provider, own, folder, folder), bodies);
}

static void test_paddle(void **state)
{
    (void)state;
    compare_folder(&provider_paddle, NULL, FIXTURES "paddle", 30);
}

static void test_lemonsqueezy(void **state)
{
    (void)state;
    compare_folder(&provider_lemonsqueezy, NULL, FIXTURES "lemonsqueezy", 25);
}

static void test_polar(void **state)
{
    (void)state;
    struct mapping *mapping = shipped("polar");
    compare_folder(&provider_standard, mapping, FIXTURES "polar", 15);
    mapping_destroy(&mapping);
}

static void test_clerk(void **state)
{
    (void)state;
    struct mapping *mapping = shipped("clerk");
    compare_folder(&provider_standard, mapping, FIXTURES "clerk", 10);
    mapping_destroy(&mapping);
}

/* The id that a body has for want of its own: the same for the same bytes, and no other's. */
static void test_a_body_without_id_has_its_hash(void **state)
{
    (void)state;
    static const char body[] = "{\"meta\":{\"event_name\":\"x\",\"test_mode\":true},\"data\":{}}";
    /* sha256sum of another implementation */
    static const char hash[] = "064bf361e053ef1f8e9a2f410a497809befab4141d36c811ac2d5ff8b09fc9ce";
    struct tape tape = {0};
    struct translation out;
    assert_int_equal(
        translate_body(&provider_lemonsqueezy, NULL, body, strlen(body), NULL, &tape, &out), OK);
    assert_string_equal(out.id, hash);
    static const char other[] = "{\"meta\":{\"event_name\":\"y\",\"test_mode\":true},\"data\":{}}";
    assert_int_equal(
        translate_body(&provider_lemonsqueezy, NULL, other, strlen(other), NULL, &tape, &out), OK);
    assert_string_not_equal(out.id, hash);
    tape_fini(&tape);
}

static void test_what_is_not_an_event(void **state)
{
    (void)state;
    struct mapping *polar = shipped("polar");
    const struct {
        const struct provider *provider;
        const char *body;
    } rows[] = {
        {&provider_paddle, "{}"},
        {&provider_paddle, "[]"},
        {&provider_paddle, "{\"event_id\":\"evt_1\"}"},
        {&provider_paddle, "{\"event_id\":\"\",\"event_type\":\"a\"}"},
        {&provider_paddle, "{\"event_id\":\"e 1\",\"event_type\":\"a\"}"},
        {&provider_paddle, "{\"notification_id\":\"ntf_1\",\"event_type\":\"a\"}"},
        {&provider_paddle, "{\"event_id\":\"e\",\"event_id\":\"f\",\"event_type\":\"a\"}"},
        {&provider_lemonsqueezy, "{}"},
        {&provider_lemonsqueezy, "3"},
        {&provider_lemonsqueezy, "{\"meta\":{\"event_name\":7},\"data\":{}}"},
        {&provider_lemonsqueezy, "{\"meta\":{\"event_name\":\"a\"},\"data\":{},\"data\":{}}"},
        {&provider_standard, "{}"},
        {&provider_standard, "[\"type\"]"},
        {&provider_standard, "{\"type\":\"\"}"},
        {&provider_standard, "{\"type\":{}}"},
    };
    struct tape tape = {0};
    struct translation out;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *body = rows[i].body;
        if (translate_body(rows[i].provider, polar, body, strlen(body), NULL, &tape, &out) !=
            FAULT_MALFORMED) {
            fail_msg("taken: %s", body);
        }
    }
    tape_fini(&tape);
    mapping_destroy(&polar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paddle),
        cmocka_unit_test(test_lemonsqueezy),
        cmocka_unit_test(test_polar),
        cmocka_unit_test(test_clerk),
        cmocka_unit_test(test_a_body_without_id_has_its_hash),
        cmocka_unit_test(test_what_is_not_an_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
