#include "test.h"

#include "run.h"
#include "values.h"

static const char *const names[] = {"stripe", "second"};

/* The plan as words. */
static void plan(const struct run *run, struct buf *out)
{
    struct step step;
    for (int64_t n = 0; run_step(run, n, names, 2, 2, &step); n++) {
        buf_printf(out, "%s:%s", names[step.source], sweep_row(step.sweep)->word);
        if (step.sweep == SWEEP_EVENTS) {
            buf_printf(out, "%zu", step.batch);
        }
        buf_printf(out, "%s%s ", step.customer ? "/" : "", step.customer ? step.customer : "");
    }
}

static void assert_plan(const struct run *run, const char *wanted)
{
    struct buf words = {0};
    plan(run, &words);
    assert_string_equal(buf_text(&words), wanted);
    buf_fini(&words);
}

static void test_plans(void **state)
{
    (void)state;
    struct run run = {.kind = RUN_HOURLY};
    assert_plan(&run, "stripe:events0 stripe:events1 second:events0 second:events1 ");
    run = (struct run){.kind = RUN_DAILY, .states = true};
    assert_plan(&run, "stripe:events0 stripe:events1 stripe:customers stripe:subscriptions "
                      "stripe:checkouts stripe:refunds stripe:disputes second:events0 "
                      "second:events1 second:customers second:subscriptions second:checkouts "
                      "second:refunds second:disputes ");
    run = (struct run){.kind = RUN_MEMBER};
    run.customers = json_pack("[{s:s,s:s},{s:s,s:s}]", "source", "second", "id", "cus_1", "source",
                              "nobody", "id", "cus_2");
    assert_plan(&run, "second:customers/cus_1 second:subscriptions/cus_1 second:invoices/cus_1 "
                      "second:checkouts/cus_1 second:charges/cus_1 ");
    run_fini(&run);
}

static void test_a_run_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct run run = {.kind = RUN_ASKED,
                      .stage = RUN_LISTING,
                      .apply = true,
                      .since_s = 5,
                      .until_s = 7,
                      .step = 3,
                      .pages = 4,
                      .limit = 50,
                      .missing = 9,
                      .next_row = 12,
                      .failed = true};
    snprintf(run.id, sizeof run.id, "asked:1");
    snprintf(run.after, sizeof run.after, "evt_9");
    run_count(&run, "payment.refunded");
    run_count(&run, "payment.refunded");
    run_trouble(&run, "no %s", "right");
    run_trouble(&run, "no %s", "right"); /* said once */
    json_t *tree = run_tree(&run), *again;
    struct run back;
    assert_int_equal(run_read(tree, &back), OK);
    again = run_tree(&back);
    assert_true(json_equal(tree, again));
    assert_int_equal(back.step, 3);
    assert_string_equal(back.after, "evt_9");
    assert_int_equal(tree_int(back.types, "payment.refunded"), 2);
    assert_int_equal(json_array_size(back.troubles), 1);
    json_decref(tree);
    json_decref(again);
    run_fini(&run);
    run_fini(&back);
}

static void test_what_is_no_run(void **state)
{
    (void)state;
    struct run run;
    json_t *tree = json_pack("{s:s,s:s}", "kind", "asked", "stage", "nowhere");
    assert_int_equal(run_read(tree, &run), FAULT_MALFORMED);
    run_fini(&run);
    json_decref(tree);
    assert_int_equal(run_read(NULL, &run), FAULT_MALFORMED);
    run_fini(&run);
}

static void test_the_next_step_begins_anew(void **state)
{
    (void)state;
    struct run run = {.step = 1, .pages = 4, .tries = 2, .limit = 12, .after = "x", .words = "y"};
    run_next_step(&run);
    assert_int_equal(run.step, 2);
    assert_int_equal(run.pages + run.tries, 0);
    assert_int_equal(run.limit, 100);
    assert_string_equal(run.after, "");
    assert_string_equal(run.words, "");
}

static void test_waits_double_up_to_a_minute(void **state)
{
    (void)state;
    for (uint64_t salt = 0; salt < 1000; salt += 37) {
        for (int64_t tries = 1; tries < 100; tries++) {
            int64_t whole = tries < 7 ? 1000 << (tries - 1) : 60000;
            int64_t wait = run_wait_ms(tries, 1000, 0, salt);
            assert_in_range(wait, whole / 2, whole);
        }
    }
    assert_int_equal(run_wait_ms(1, 1000, 30000, 5), 30000);
    assert_int_equal(run_wait_ms(1, 1000, 86400000, 5), 600000);
}

static void test_how_far_back(void **state)
{
    (void)state;
    enum { HOUR = 3600, DAY = 86400, NOW = 2000000000 };
    assert_int_equal(run_since_s(NOW, 2 * HOUR, 0), NOW - 2 * HOUR);
    assert_int_equal(run_since_s(NOW, 2 * HOUR, NOW - HOUR), NOW - 2 * HOUR);
    assert_int_equal(run_since_s(NOW, 2 * HOUR, NOW - 9 * HOUR), NOW - 9 * HOUR);
    assert_int_equal(run_since_s(NOW, 2 * HOUR, NOW - 40 * DAY), NOW - 30 * DAY);
    assert_int_equal(run_since_s(NOW, 90 * DAY, 0), NOW - 30 * DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_a_run_is_read_as_it_was_written),
        cmocka_unit_test(test_what_is_no_run),
        cmocka_unit_test(test_the_next_step_begins_anew),
        cmocka_unit_test(test_waits_double_up_to_a_minute),
        cmocka_unit_test(test_how_far_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
