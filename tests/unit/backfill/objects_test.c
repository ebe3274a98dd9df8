#include "test.h"

#include "objects.h"
#include "stripe_facts.h"

static struct tape tape;

static const struct row {
    const char *object;
    const char *type; /* NULL: tells nothing */
    int64_t time_s;
} rows[] = {
    {"{\"object\":\"subscription\",\"status\":\"active\",\"created\":5}",
     "customer.subscription.updated", 5},
    {"{\"object\":\"subscription\",\"status\":\"canceled\",\"created\":5,\"ended_at\":9}",
     "customer.subscription.updated", 9},
    {"{\"object\":\"subscription\",\"ended_at\":null,\"created\":5}",
     "customer.subscription.updated", 5},
    {"{\"object\":\"customer\",\"created\":5}", "customer.updated", 5},
    {"{\"object\":\"customer\",\"deleted\":true}", "customer.updated", 0},
    {"{\"object\":\"invoice\",\"status\":\"paid\",\"created\":5,"
     "\"status_transitions\":{\"paid_at\":8}}",
     "invoice.paid", 8},
    {"{\"object\":\"invoice\",\"status\":\"paid\",\"created\":5}", "invoice.paid", 5},
    {"{\"object\":\"invoice\",\"status\":\"open\",\"attempt_count\":2,\"created\":5}",
     "invoice.payment_failed", 5},
    {"{\"object\":\"invoice\",\"status\":\"open\",\"attempt_count\":0,\"created\":5}", NULL, 0},
    {"{\"object\":\"invoice\",\"status\":\"uncollectible\",\"attempt_count\":4,\"created\":5}",
     "invoice.payment_failed", 5},
    {"{\"object\":\"invoice\",\"status\":\"draft\",\"attempt_count\":1}", NULL, 0},
    {"{\"object\":\"invoice\",\"status\":\"void\",\"attempt_count\":1}", NULL, 0},
    {"{\"object\":\"charge\",\"status\":\"succeeded\",\"amount_refunded\":1,\"created\":5}",
     "charge.refunded", 5},
    {"{\"object\":\"charge\",\"status\":\"succeeded\",\"amount_refunded\":0,\"created\":5}",
     "charge.updated", 5},
    {"{\"object\":\"charge\",\"status\":\"failed\"}", NULL, 0},
    {"{\"object\":\"refund\",\"status\":\"failed\",\"created\":5}", "refund.updated", 5},
    {"{\"object\":\"dispute\",\"status\":\"won\",\"created\":5}", "charge.dispute.updated", 5},
    {"{\"object\":\"checkout.session\",\"status\":\"complete\",\"created\":5}",
     "checkout.session.completed", 5},
    {"{\"object\":\"checkout.session\",\"status\":\"open\",\"created\":5}", NULL, 0},
    {"{\"object\":\"invoice_payment\",\"status\":\"paid\",\"created\":5}", "invoice_payment.paid",
     5},
    {"{\"object\":\"invoice_payment\",\"status\":\"open\",\"created\":5}", NULL, 0},
    {"{\"object\":\"customer\",\"created\":99999999999999}", "customer.updated", 0},
    {"{\"object\":\"coupon\",\"created\":5}", NULL, 0},
    {"{\"object\":7}", NULL, 0},
    {"{}", NULL, 0},
    {"[]", NULL, 0},
};

static void test_what_an_object_tells(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(tape_parse(&tape, rows[i].object, strlen(rows[i].object)), OK);
        const char *type = object_type(&tape);
        if ((type == NULL) != (rows[i].type == NULL) || (type && strcmp(type, rows[i].type) != 0)) {
            fail_msg("row %zu: %s", i, type ? type : "nothing");
        }
        assert_int_equal(object_time(&tape), type ? rows[i].time_s * 1000 : 0);
    }
}

static void test_the_translator_reads_every_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool read = rows[i].type == NULL;
        const char *type;
        for (size_t n = 0; !read && (type = stripe_type_nth(n)); n++) {
            read = strcmp(type, rows[i].type) == 0;
        }
        assert_true(read);
    }
}

static void test_the_envelope_is_an_event(void **state)
{
    (void)state;
    static const char object[] =
        "{ \"id\":\"sub_1\",\"object\":\"subscription\",\"status\":"
        "\"active\",\"customer\":\"cus_1\",\"livemode\":true,\"created\":5}";
    struct envelope envelope = {"state:sub_1:ff",
                                "customer.subscription.updated",
                                1234567890999,
                                false,
                                {object, strlen(object)}};
    struct buf body = {0};
    assert_int_equal(tape_parse(&tape, object, strlen(object)), OK);
    object_envelope(&envelope, &tape, &body);
    assert_non_null(strstr(buf_text(&body), object)); /* its own bytes */
    struct provider_rules rules = {.live = true, .products = "", .app_user_keys = ""};
    struct translation out;
    assert_int_equal(tape_parse(&tape, body.bytes, body.len), OK);
    assert_int_equal(stripe_facts(&tape, &rules, &out), OK);
    assert_string_equal(out.id, "state:sub_1:ff");
    assert_string_equal(out.type, "subscription.changed");
    assert_string_equal(out.ignored, "");
    assert_int_equal(out.created_s, 1234567890);
    assert_string_equal(out.facts[0].customer, "cus_1");
    buf_fini(&body);
}

static void test_an_object_without_a_mode_is_of_ours(void **state)
{
    (void)state;
    static const char object[] = "{\"id\":\"re_1\",\"object\":\"refund\",\"livemode\":7}";
    struct envelope envelope = {"a", "refund.updated", 0, true, {object, strlen(object)}};
    struct buf body = {0};
    assert_int_equal(tape_parse(&tape, object, strlen(object)), OK);
    object_envelope(&envelope, &tape, &body);
    assert_non_null(strstr(buf_text(&body), "\"livemode\":true,\"data\""));
    buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_object_tells),
        cmocka_unit_test(test_the_translator_reads_every_type),
        cmocka_unit_test(test_the_envelope_is_an_event),
        cmocka_unit_test(test_an_object_without_a_mode_is_of_ours),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tape_fini(&tape);
    return failed;
}
