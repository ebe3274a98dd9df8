/* job_simulation_test.c - one job against a random target with an injected clock: lost answers,
 * crashes, refused keys, newer revisions, people. A simple model of the target says what is true. */
#include "../test.h"

#include "job.h"

enum { SEEDS = 3000, STEPS = 400 };

static const struct job_policy policy = {
    .first_ms = 5000, .max_ms = 3600000, .give_up_ms = 72 * 3600000LL, .timeout_ms = 10000};

struct world {
    uint64_t seed;
    int64_t now_ms;
    struct job job;
    bool level;
    int64_t newest;
    int64_t shown;         /* at the target */
    int64_t late;          /* a lost request that may still arrive; 0: none */
    int64_t late_until_ms; /* and when it is surely over */
    int done_news;
    int64_t failing_since_ms;
    bool ended;
};

static uint64_t dice(struct world *world)
{
    world->seed ^= world->seed << 13;
    world->seed ^= world->seed >> 7;
    world->seed ^= world->seed << 17;
    return world->seed;
}

static enum job_news happen(struct world *world, struct job_happened happened)
{
    enum job_news news = JOB_NEWS_NONE;
    struct job before = world->job;
    happened.dice = dice(world);
    world->job = job_next(&before, &policy, &happened, world->now_ms, &news);
    assert_int_equal(world->job.change, before.change + (news != JOB_NEWS_NONE));
    assert_true(world->job.attempt >= 0);
    assert_true(world->job.wanted >= before.wanted);
    if (world->job.state == JOB_WAITING) {
        assert_true(world->job.next_ms <= world->now_ms + 2 * policy.max_ms);
    }
    if (news == JOB_NEWS_DEAD && happened.input == JOB_ON_AGAIN) {
        assert_true(world->now_ms - before.first_ms >= policy.give_up_ms);
    }
    world->done_news += news == JOB_NEWS_DONE;
    return news;
}

static void arrive(struct world *world)
{
    if (world->late != 0 && (dice(world) % 3 == 0 || world->now_ms >= world->late_until_ms)) {
        world->shown = world->late;
        world->late = 0;
    }
}

static void attempt(struct world *world)
{
    assert_true(world->now_ms >= world->job.next_ms); /* never before its schedule */
    happen(world, (struct job_happened){.input = JOB_ON_START});
    assert_int_equal(world->job.state, JOB_SENDING);
    int64_t sent = world->job.sent;
    if (world->level && dice(world) % 4 == 0) {
        world->newest++;
        happen(world, (struct job_happened){.input = JOB_ON_WANTED, .revision = world->newest});
    }
    world->now_ms += (int64_t)(dice(world) % 500);
    switch (dice(world) % 8) {
    case 0: /* the answer is lost; the request arrives now, or a little later */
        world->late = sent;
        world->late_until_ms = world->now_ms + policy.timeout_ms;
        happen(world, (struct job_happened){.input = JOB_ON_AGAIN, .ambiguous = true});
        break;
    case 1:
        happen(world, (struct job_happened){.input = JOB_ON_AGAIN,
                                            .held = dice(world) % 3 == 0,
                                            .delay_ms = (int64_t)(dice(world) % 100000)});
        break;
    case 2:
        world->late = sent;
        world->late_until_ms = world->now_ms + policy.timeout_ms;
        happen(world, (struct job_happened){.input = JOB_ON_CRASH});
        break;
    case 3: {
        int before = world->job.attempt;
        happen(world, (struct job_happened){.input = JOB_ON_REFUSED});
        assert_int_equal(world->job.attempt, before - 1);
        break;
    }
    default:
        world->shown = sent;
        happen(world, (struct job_happened){.input = JOB_ON_SUCCESS});
    }
}

static void play(struct world *world)
{
    for (int i = 0; i < STEPS; i++) {
        arrive(world);
        if (world->level && dice(world) % 20 == 0) {
            world->newest++;
            happen(world, (struct job_happened){.input = JOB_ON_WANTED, .revision = world->newest});
        }
        if (world->job.state == JOB_WAITING) {
            int64_t wait_ms = world->job.next_ms - world->now_ms;
            world->now_ms += wait_ms > 0 ? wait_ms : 0;
            arrive(world);
            attempt(world);
        } else if (job_is_open(world->job.state)) {
            fail_msg("stuck in %s", job_state_name(world->job.state));
        } else {
            world->now_ms += (int64_t)(dice(world) % 1000000);
        }
    }
    /* Calm: no new revision, every call succeeds. It ends, and the target shows the newest. */
    for (int i = 0; i < 5 && job_is_open(world->job.state); i++) {
        world->now_ms = world->job.next_ms > world->now_ms ? world->job.next_ms : world->now_ms;
        if (world->now_ms >= world->late_until_ms) {
            arrive(world);
        }
        happen(world, (struct job_happened){.input = JOB_ON_START});
        world->shown = world->job.sent;
        happen(world, (struct job_happened){.input = JOB_ON_SUCCESS});
    }
}

static void never_lost_and_the_newest_wins(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world = {.seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
                              .now_ms = 1000000,
                              .level = true,
                              .newest = 1};
        world.job = (struct job){.state = JOB_WAITING, .wanted = 1, .created_ms = 1000000};
        play(&world);
        if (world.job.state != JOB_DONE || world.job.done != world.newest) {
            fail_msg("seed %llu: %s", (unsigned long long)seed, job_state_name(world.job.state));
        }
        if (world.late != 0) {
            world.shown = world.late; /* the lost request may arrive at the worst moment */
        }
        if (world.shown != world.newest) {
            fail_msg("seed %llu: an older state stands at the target", (unsigned long long)seed);
        }
    }
}

static void a_job_that_happens_once_ends_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world = {.seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 7, .now_ms = 1000000};
        world.job = (struct job){.state = JOB_WAITING, .created_ms = 1000000};
        play(&world);
        assert_int_equal(world.job.state, JOB_DONE);
        assert_int_equal(world.done_news, 1);
    }
}

/* A target that is down for good: tried for 72 hours at least, then a dead letter; and not a storm. */
static void down_for_good_is_dead_after_72_hours(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct world world = {.seed = seed * 77 + 3, .now_ms = 1000000};
        world.job = (struct job){.state = JOB_WAITING};
        int attempts = 0;
        while (world.job.state == JOB_WAITING) {
            world.now_ms = world.job.next_ms > world.now_ms ? world.job.next_ms : world.now_ms;
            happen(&world, (struct job_happened){.input = JOB_ON_START});
            happen(&world, (struct job_happened){.input = JOB_ON_AGAIN});
            attempts++;
        }
        assert_int_equal(world.job.state, JOB_DEAD);
        assert_true(world.now_ms - 1000000 >= policy.give_up_ms);
        assert_in_range(attempts, 80, 400);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_lost_and_the_newest_wins),
        cmocka_unit_test(a_job_that_happens_once_ends_once),
        cmocka_unit_test(down_for_good_is_dead_after_72_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
