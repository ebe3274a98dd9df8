/* job_test.c - the core of the job engine: its states as a table, its promises one by one. */
#include "../test.h"

#include "job.h"

static const struct job_policy policy = {
    .first_ms = 5000, .max_ms = 3600000, .give_up_ms = 72 * 3600000LL, .timeout_ms = 10000};

static struct job step(struct job job, struct job_happened happened, int64_t now_ms,
                       enum job_news *news)
{
    return job_next(&job, &policy, &happened, now_ms, news);
}

/* One row: in this state, this happens; then this state and this news. */
struct row {
    enum job_state before;
    enum job_input input;
    enum job_state after;
    enum job_news news;
};

static const struct row once[] = {
    {JOB_WAITING, JOB_ON_START, JOB_SENDING, JOB_NEWS_NONE},
    {JOB_SETTLING, JOB_ON_START, JOB_SETTLING, JOB_NEWS_NONE},
    {JOB_DONE, JOB_ON_START, JOB_DONE, JOB_NEWS_NONE},
    {JOB_SENDING, JOB_ON_COMMIT, JOB_COMMITTING, JOB_NEWS_NONE},
    {JOB_WAITING, JOB_ON_COMMIT, JOB_WAITING, JOB_NEWS_NONE},
    {JOB_SENDING, JOB_ON_SUCCESS, JOB_DONE, JOB_NEWS_DONE},
    {JOB_COMMITTING, JOB_ON_SUCCESS, JOB_DONE, JOB_NEWS_DONE},
    {JOB_WAITING, JOB_ON_SUCCESS, JOB_WAITING, JOB_NEWS_NONE},
    {JOB_SENDING, JOB_ON_AGAIN, JOB_WAITING, JOB_NEWS_RETRYING},
    {JOB_COMMITTING, JOB_ON_AGAIN, JOB_WAITING, JOB_NEWS_RETRYING},
    {JOB_SENDING, JOB_ON_NEVER, JOB_DEAD, JOB_NEWS_DEAD},
    {JOB_SENDING, JOB_ON_REFUSED, JOB_WAITING, JOB_NEWS_NONE},
    {JOB_COMMITTING, JOB_ON_UNCERTAIN, JOB_UNCERTAIN, JOB_NEWS_UNCERTAIN},
    {JOB_SENDING, JOB_ON_CRASH, JOB_WAITING, JOB_NEWS_NONE},
    {JOB_COMMITTING, JOB_ON_CRASH, JOB_UNCERTAIN, JOB_NEWS_UNCERTAIN},
    {JOB_WAITING, JOB_ON_CRASH, JOB_WAITING, JOB_NEWS_NONE},
    {JOB_SETTLING, JOB_ON_SETTLED, JOB_WAITING, JOB_NEWS_NONE},
    {JOB_SETTLING, JOB_ON_GONE, JOB_SUPERSEDED, JOB_NEWS_SUPERSEDED},
    {JOB_WAITING, JOB_ON_GONE, JOB_SUPERSEDED, JOB_NEWS_SUPERSEDED},
    {JOB_SENDING, JOB_ON_GONE, JOB_SENDING, JOB_NEWS_NONE},
    {JOB_DONE, JOB_ON_GONE, JOB_DONE, JOB_NEWS_NONE},
    {JOB_SUPERSEDED, JOB_ON_WANTED, JOB_WAITING, JOB_NEWS_NONE},
    {JOB_DONE, JOB_ON_WANTED, JOB_DONE, JOB_NEWS_NONE},
    {JOB_DEAD, JOB_ON_WANTED, JOB_DEAD, JOB_NEWS_NONE},
    {JOB_UNCERTAIN, JOB_ON_WANTED, JOB_UNCERTAIN, JOB_NEWS_NONE},
    {JOB_SKIPPED, JOB_ON_WANTED, JOB_SKIPPED, JOB_NEWS_NONE},
    {JOB_DEAD, JOB_ON_RETRY, JOB_WAITING, JOB_NEWS_RETRYING},
    {JOB_UNCERTAIN, JOB_ON_RETRY, JOB_WAITING, JOB_NEWS_RETRYING},
    {JOB_SKIPPED, JOB_ON_RETRY, JOB_WAITING, JOB_NEWS_RETRYING},
    {JOB_DONE, JOB_ON_RETRY, JOB_DONE, JOB_NEWS_NONE},
    {JOB_DONE, JOB_ON_DIFFERS, JOB_DONE, JOB_NEWS_NONE},
    {JOB_SENDING, JOB_ON_RETRY, JOB_SENDING, JOB_NEWS_NONE},
    {JOB_WAITING, JOB_ON_SKIP, JOB_SKIPPED, JOB_NEWS_SKIPPED},
    {JOB_SETTLING, JOB_ON_SKIP, JOB_SKIPPED, JOB_NEWS_SKIPPED},
    {JOB_DEAD, JOB_ON_SKIP, JOB_SKIPPED, JOB_NEWS_SKIPPED},
    {JOB_UNCERTAIN, JOB_ON_SKIP, JOB_SKIPPED, JOB_NEWS_SKIPPED},
    {JOB_DONE, JOB_ON_SKIP, JOB_DONE, JOB_NEWS_NONE},
    {JOB_SENDING, JOB_ON_SKIP, JOB_SENDING, JOB_NEWS_NONE},
};

static void a_job_that_happens_once_follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
        enum job_news news = JOB_NEWS_NONE;
        struct job before = {.state = once[i].before, .attempt = 1, .first_ms = 1000};
        struct job after = step(before, (struct job_happened){.input = once[i].input}, 2000, &news);
        if (after.state != once[i].after || news != once[i].news) {
            fail_msg("row %zu: %s, news %d", i, job_state_name(after.state), (int)news);
        }
        assert_int_equal(after.change, news == JOB_NEWS_NONE ? 0 : 1);
    }
}

static void skipped_while_under_way_ends_with_the_attempt(void **state)
{
    (void)state;
    enum job_news news = JOB_NEWS_NONE;
    struct job job = {.state = JOB_SENDING, .attempt = 1, .first_ms = 1};
    job = step(job, (struct job_happened){.input = JOB_ON_SKIP}, 2, &news);
    struct job failed = step(job, (struct job_happened){.input = JOB_ON_AGAIN}, 3, &news);
    assert_int_equal(failed.state, JOB_SKIPPED);
    struct job done = step(job, (struct job_happened){.input = JOB_ON_SUCCESS}, 3, &news);
    assert_int_equal(done.state, JOB_DONE);
}

static void backoff_doubles_up_to_its_most_with_full_jitter(void **state)
{
    (void)state;
    const int64_t most[] = {5000,   10000,  20000,   40000,   80000,   160000,
                            320000, 640000, 1280000, 2560000, 3600000, 3600000};
    for (int attempt = 1; attempt <= 12; attempt++) {
        int64_t low = INT64_MAX;
        int64_t high = 0;
        for (uint64_t dice = 0; dice < 4000; dice++) {
            int64_t wait_ms = job_backoff_ms(&policy, attempt, dice * UINT64_C(0x9e3779b97f4a7c15));
            assert_in_range(wait_ms, 0, most[attempt - 1]);
            low = wait_ms < low ? wait_ms : low;
            high = wait_ms > high ? wait_ms : high;
        }
        assert_true(low < most[attempt - 1] / 20);
        assert_true(high > most[attempt - 1] - most[attempt - 1] / 20);
    }
    assert_in_range(job_backoff_ms(&policy, 1000000, 17), 0, 3600000);
}

static void retry_after_is_waited_for(void **state)
{
    (void)state;
    enum job_news news = JOB_NEWS_NONE;
    struct job job = {.state = JOB_SENDING, .attempt = 1, .first_ms = 1000};
    job = step(job, (struct job_happened){.input = JOB_ON_AGAIN, .delay_ms = 90000}, 1000, &news);
    assert_int_equal(job.next_ms, 91000);
}

static void not_given_up_before_72_hours(void **state)
{
    (void)state;
    enum job_news news = JOB_NEWS_NONE;
    struct job job = {.state = JOB_SENDING, .attempt = 90, .first_ms = 1000};
    struct job_happened again = {.input = JOB_ON_AGAIN};
    struct job before = step(job, again, 1000 + policy.give_up_ms - 1, &news);
    assert_int_equal(before.state, JOB_WAITING);
    struct job after = step(job, again, 1000 + policy.give_up_ms, &news);
    assert_int_equal(after.state, JOB_DEAD);
    /* while its key was refused nobody tried: the time counts from when it was taken again */
    struct job_policy late = policy;
    late.accepted_ms = policy.give_up_ms;
    after = job_next(&job, &late, &again, 1000 + policy.give_up_ms, &news);
    assert_int_equal(after.state, JOB_WAITING);
}

static void a_refused_key_spends_nothing(void **state)
{
    (void)state;
    enum job_news news = JOB_NEWS_NONE;
    struct job job = {.state = JOB_WAITING};
    job = step(job, (struct job_happened){.input = JOB_ON_START}, 1000, &news);
    assert_int_equal(job.attempt, 1);
    job = step(job, (struct job_happened){.input = JOB_ON_REFUSED}, 1100, &news);
    assert_int_equal(job.attempt, 0);
    assert_int_equal(job.first_ms, 0);
    assert_int_equal(job.state, JOB_WAITING);
}

/* --- level-triggered ---------------------------------------------------------------------------- */

static struct job want(struct job job, int64_t revision, int64_t now_ms, enum job_news *news)
{
    return step(job, (struct job_happened){.input = JOB_ON_WANTED, .revision = revision}, now_ms,
                news);
}

static void a_newer_revision_takes_the_place_of_a_waiting_one(void **state)
{
    (void)state;
    enum job_news news = JOB_NEWS_NONE;
    struct job job = {
        .state = JOB_WAITING, .wanted = 10, .attempt = 3, .first_ms = 5, .next_ms = 70000};
    job = want(job, 12, 60000, &news);
    assert_int_equal(news, JOB_NEWS_SUPERSEDED);
    assert_int_equal(job.wanted, 12);
    assert_int_equal(job.next_ms, 70000); /* no hurry: the target is in trouble */
    assert_int_equal(job.first_ms, 0);    /* but 72 hours of its own */
    job = want(job, 11, 60000, &news);
    assert_int_equal(job.wanted, 12);
    assert_int_equal(news, JOB_NEWS_NONE);
}

static void a_newer_revision_while_under_way_follows_at_once(void **state)
{
    (void)state;
    enum job_news news = JOB_NEWS_NONE;
    struct job job = {.state = JOB_WAITING, .wanted = 10};
    job = step(job, (struct job_happened){.input = JOB_ON_START}, 1000, &news);
    job = want(job, 11, 1001, &news);
    assert_int_equal(news, JOB_NEWS_NONE);
    struct job done = step(job, (struct job_happened){.input = JOB_ON_SUCCESS}, 1002, &news);
    assert_int_equal(news, JOB_NEWS_DONE);
    assert_int_equal(done.done, 10);
    assert_int_equal(done.state, JOB_WAITING);
    assert_int_equal(done.next_ms, 1002);
    struct job never = step(job, (struct job_happened){.input = JOB_ON_NEVER}, 1002, &news);
    assert_int_equal(never.state, JOB_WAITING);
    assert_int_equal(news, JOB_NEWS_SUPERSEDED);
}

static void an_ambiguous_attempt_is_asserted_once_more(void **state)
{
    (void)state;
    enum job_news news = JOB_NEWS_NONE;
    struct job_happened start = {.input = JOB_ON_START};
    struct job_happened lost = {.input = JOB_ON_AGAIN, .ambiguous = true};
    struct job_happened success = {.input = JOB_ON_SUCCESS};
    struct job job = {.state = JOB_WAITING, .wanted = 10};
    job = step(step(job, start, 1000, &news), lost, 2000, &news);
    assert_int_equal(news, JOB_NEWS_RETRYING);
    job = step(step(job, start, 9000, &news), success, 9500, &news);
    assert_int_equal(news, JOB_NEWS_DONE);
    assert_int_equal(job.state, JOB_WAITING);
    assert_int_equal(job.next_ms, 9500 + policy.timeout_ms);
    job = step(step(job, start, 19500, &news), success, 19600, &news);
    assert_int_equal(job.state, JOB_DONE);
    /* a mail or a note has no newest state to assert */
    struct job once_only = {.state = JOB_SENDING, .attempt = 1, .first_ms = 1};
    once_only = step(step(once_only, lost, 2, &news), start, 9000, &news);
    once_only = step(once_only, success, 9001, &news);
    assert_int_equal(once_only.state, JOB_DONE);
}

static void a_crash_is_ambiguous(void **state)
{
    (void)state;
    enum job_news news = JOB_NEWS_NONE;
    struct job job = {.state = JOB_SENDING, .wanted = 10, .sent = 10, .attempt = 1};
    job = step(job, (struct job_happened){.input = JOB_ON_CRASH}, 5, &news);
    assert_true(job.repeat);
    assert_true(job.assert_again);
    assert_int_equal(job.next_ms, 5);
    assert_int_equal(job.attempt, 1);
}

/* --- breaker and bucket ------------------------------------------------------------------------- */

static void the_breaker_lets_one_try(void **state)
{
    (void)state;
    struct breaker breaker = {0};
    for (int i = 0; i < BREAKER_FAILURES_MAX; i++) {
        assert_true(breaker_lets(&breaker, 1000));
        breaker_started(&breaker);
        breaker_ended(&breaker, false, &policy, 1000);
    }
    assert_false(breaker_lets(&breaker, 1001));
    assert_false(breaker_lets(&breaker, 1000 + policy.first_ms - 1));
    int64_t now_ms = 1000 + policy.first_ms;
    assert_true(breaker_lets(&breaker, now_ms));
    breaker_started(&breaker);
    assert_false(breaker_lets(&breaker, now_ms)); /* one at a time */
    breaker_ended(&breaker, false, &policy, now_ms);
    assert_false(breaker_lets(&breaker, now_ms + 2 * policy.first_ms - 1)); /* doubled */
    now_ms += 2 * policy.first_ms;
    assert_true(breaker_lets(&breaker, now_ms));
    breaker_started(&breaker);
    breaker_ended(&breaker, true, &policy, now_ms);
    assert_true(breaker_lets(&breaker, now_ms));
    breaker_started(&breaker);
    assert_true(breaker_lets(&breaker, now_ms));
}

static void the_breaker_waits_at_most_a_minute(void **state)
{
    (void)state;
    struct breaker breaker = {0};
    int64_t now_ms = 1000;
    for (int i = 0; i < 100; i++) {
        breaker_started(&breaker);
        breaker_ended(&breaker, false, &policy, now_ms);
        now_ms = breaker_until_ms(&breaker) > now_ms ? breaker_until_ms(&breaker) : now_ms;
    }
    assert_in_range(breaker.open_until_ms, 1000, now_ms + 60000);
}

static void after_a_hold_one_goes_first(void **state)
{
    (void)state;
    struct breaker breaker = {0};
    breaker_hold(&breaker, 5000);
    breaker_ended(&breaker, true, &policy, 1000); /* it was under way before */
    breaker_started(&breaker);
    assert_false(breaker_lets(&breaker, 5000));
    breaker_ended(&breaker, true, &policy, 5000);
    assert_true(breaker_lets(&breaker, 5000));
    breaker_started(&breaker);
    assert_true(breaker_lets(&breaker, 5000));
    breaker_hold(&breaker, 9000);
    breaker_unhold(&breaker); /* a person says so */
    assert_true(breaker_lets(&breaker, 5001));
    breaker_started(&breaker);
    assert_false(breaker_lets(&breaker, 5001)); /* and still one at a time */
}

static void a_used_up_quota_spends_nothing(void **state)
{
    (void)state;
    enum job_news news = JOB_NEWS_NONE;
    struct job job = {.state = JOB_SENDING, .attempt = 1, .first_ms = 5};
    int64_t now_ms = 5 + 2 * policy.give_up_ms;
    job = step(job, (struct job_happened){.input = JOB_ON_AGAIN, .held = true, .delay_ms = 3600000},
               now_ms, &news);
    assert_int_equal(news, JOB_NEWS_RETRYING);
    assert_int_equal(job.state, JOB_WAITING);
    assert_int_equal(job.attempt, 0);
    assert_int_equal(job.first_ms, 0);
    assert_true(job.next_ms >= now_ms + 3600000);
}

static void what_is_not_shown_any_more_is_done_once_more(void **state)
{
    (void)state;
    enum job_news news = JOB_NEWS_NONE;
    const struct job done = {.state = JOB_DONE, .wanted = 7, .done = 7, .attempt = 3};
    struct job job = step(done, (struct job_happened){.input = JOB_ON_DIFFERS}, 90, &news);
    assert_int_equal(job.state, JOB_WAITING);
    assert_int_equal(job.next_ms, 90);
    assert_int_equal(job.attempt, 0);
    assert_int_equal(news, JOB_NEWS_NONE);
    struct job dead = {.state = JOB_DEAD, .wanted = 7};
    dead = step(dead, (struct job_happened){.input = JOB_ON_DIFFERS}, 90, &news);
    assert_int_equal(dead.state, JOB_DEAD);
}

static void a_target_may_ask_for_patience(void **state)
{
    (void)state;
    struct breaker breaker = {0};
    breaker_hold(&breaker, 5000);
    breaker_hold(&breaker, 3000);
    assert_false(breaker_lets(&breaker, 4999));
    assert_true(breaker_lets(&breaker, 5000));
}

/* The most that any ten seconds saw, with calls asked for at `every_ms` and a pause in between. */
static int most_in_10s(int per_10s, bool bulk, int64_t every_ms, int *taken)
{
    enum { CALLS_MAX = 4000 };
    static int64_t times[CALLS_MAX];
    struct bucket bucket = {0};
    int most = 0, first = 0;
    int64_t wait_ms = 0;
    *taken = 0;
    for (int64_t now_ms = 1; now_ms <= 90000; now_ms += now_ms == 30001 ? 20000 : every_ms) {
        while (*taken < CALLS_MAX && bucket_take(&bucket, per_10s, bulk, now_ms, &wait_ms)) {
            times[(*taken)++] = now_ms;
            while (times[first] < now_ms - 10000) {
                first++;
            }
            most = *taken - first > most ? *taken - first : most;
        }
    }
    return most;
}

static void no_ten_seconds_see_more_than_the_rate(void **state)
{
    (void)state;
    static const int rates[] = {1, 2, 5, 19, 20, 21, 50, 90, 100, 190, 400};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        for (int bulk = 0; bulk <= 1; bulk++) {
            int taken = 0;
            int most = most_in_10s(rates[i], bulk, 1, &taken);
            if (most > rates[i] || taken < rates[i] * 7 * 85 / 100) {
                fail_msg("rate %d: %d in ten seconds, %d in seventy", rates[i], most, taken);
            }
        }
    }
}

static void bulk_leaves_tokens_to_what_is_fresh(void **state)
{
    (void)state;
    struct bucket bucket = {0};
    int64_t wait_ms = 0;
    while (bucket_take(&bucket, 100, true, 1, &wait_ms)) {
    }
    assert_true(wait_ms > 0);
    assert_true(bucket_take(&bucket, 100, false, 1, &wait_ms));
    assert_true(bucket_take(&bucket, 100, false, 1, &wait_ms));
    while (bucket_take(&bucket, 100, false, 1, &wait_ms)) {
    }
    assert_true(bucket_take(&bucket, 100, false, 1 + wait_ms, &wait_ms));
    bucket_charge(&bucket, 100, 200);
    assert_true(bucket_take(&bucket, 0, false, 200, &wait_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_happens_once_follows_the_table),
        cmocka_unit_test(skipped_while_under_way_ends_with_the_attempt),
        cmocka_unit_test(backoff_doubles_up_to_its_most_with_full_jitter),
        cmocka_unit_test(retry_after_is_waited_for),
        cmocka_unit_test(not_given_up_before_72_hours),
        cmocka_unit_test(a_refused_key_spends_nothing),
        cmocka_unit_test(a_newer_revision_takes_the_place_of_a_waiting_one),
        cmocka_unit_test(a_newer_revision_while_under_way_follows_at_once),
        cmocka_unit_test(an_ambiguous_attempt_is_asserted_once_more),
        cmocka_unit_test(a_crash_is_ambiguous),
        cmocka_unit_test(the_breaker_lets_one_try),
        cmocka_unit_test(the_breaker_waits_at_most_a_minute),
        cmocka_unit_test(what_is_not_shown_any_more_is_done_once_more),
        cmocka_unit_test(a_target_may_ask_for_patience),
        cmocka_unit_test(after_a_hold_one_goes_first),
        cmocka_unit_test(a_used_up_quota_spends_nothing),
        cmocka_unit_test(no_ten_seconds_see_more_than_the_rate),
        cmocka_unit_test(bulk_leaves_tokens_to_what_is_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
