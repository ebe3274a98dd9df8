/* breaker.c - the part of job.h about a target as a whole: breaker and token bucket. */
#include "job.h"

enum { BREAKER_WAIT_MS_MAX = 60000, BUCKET_TOKEN = 1000000 };

bool breaker_lets(const struct breaker *breaker, int64_t now_ms)
{
    if (now_ms < breaker->hold_until_ms) {
        return false;
    }
    if (breaker->failures < BREAKER_FAILURES_MAX && !breaker->careful) {
        return true;
    }
    return !breaker->trying && now_ms >= breaker->open_until_ms;
}

void breaker_started(struct breaker *breaker)
{
    breaker->trying = breaker->careful || breaker->failures >= BREAKER_FAILURES_MAX;
}

void breaker_ended(struct breaker *breaker, bool reached, const struct job_policy *policy,
                   int64_t now_ms)
{
    if (reached) {
        breaker->failures = 0;
        breaker->careful = breaker->careful && !breaker->trying; /* some were under way before */
        breaker->trying = false;
        return;
    }
    if (breaker->failures >= BREAKER_FAILURES_MAX && !breaker->trying) {
        return; /* one of those that were under way when it opened */
    }
    breaker->failures++;
    breaker->trying = false;
    if (breaker->failures >= BREAKER_FAILURES_MAX) {
        int64_t wait_ms = policy->first_ms;
        for (int i = BREAKER_FAILURES_MAX; i < breaker->failures && wait_ms < policy->max_ms; i++) {
            wait_ms *= 2;
        }
        wait_ms = wait_ms < policy->max_ms ? wait_ms : policy->max_ms;
        breaker->open_until_ms =
            now_ms + (wait_ms < BREAKER_WAIT_MS_MAX ? wait_ms : BREAKER_WAIT_MS_MAX);
    }
}

void breaker_hold(struct breaker *breaker, int64_t until_ms)
{
    if (until_ms > breaker->hold_until_ms) {
        breaker->hold_until_ms = until_ms;
    }
    breaker->careful = true;
}

void breaker_unhold(struct breaker *breaker)
{
    breaker->hold_until_ms = 0;
}

int64_t breaker_until_ms(const struct breaker *breaker)
{
    int64_t until_ms = breaker->failures >= BREAKER_FAILURES_MAX ? breaker->open_until_ms : 0;
    return until_ms > breaker->hold_until_ms ? until_ms : breaker->hold_until_ms;
}

/* Half a second's worth, at least one token: what may leave at once. */
static int64_t most_of(int per_10s)
{
    int64_t most = (int64_t)per_10s * BUCKET_TOKEN / 20;
    return most > BUCKET_TOKEN ? most : BUCKET_TOKEN;
}

/* What ten seconds bring. With a full bucket at their beginning it stays below one call more than
 * allowed, and a twentieth is left out, for calls that arrive closer together than they left. */
static int64_t brought_by_10s(int per_10s)
{
    return ((int64_t)per_10s * BUCKET_TOKEN + BUCKET_TOKEN - most_of(per_10s)) / 20 * 19;
}

static void fill(struct bucket *bucket, int per_10s, int64_t now_ms)
{
    int64_t most = most_of(per_10s);
    if (bucket->filled_ms == 0) {
        bucket->level = most;
    } else if (now_ms > bucket->filled_ms) {
        int64_t past_ms = now_ms - bucket->filled_ms;
        past_ms = past_ms < 3600000 ? past_ms : 3600000;
        bucket->level += past_ms * brought_by_10s(per_10s) / 10000;
        bucket->level = bucket->level < most ? bucket->level : most;
    } else {
        return;
    }
    bucket->filled_ms = now_ms;
}

bool bucket_take(struct bucket *bucket, int per_10s, bool bulk, int64_t now_ms, int64_t *wait_ms)
{
    *wait_ms = 0;
    if (per_10s == 0) {
        return true;
    }
    fill(bucket, per_10s, now_ms);
    int64_t most = most_of(per_10s);
    int64_t need = bulk ? BUCKET_TOKEN + most / 2 : BUCKET_TOKEN;
    need = need < most ? need : most;
    if (bucket->level >= need) {
        bucket->level -= BUCKET_TOKEN;
        return true;
    }
    int64_t brought = brought_by_10s(per_10s);
    *wait_ms = ((need - bucket->level) * 10000 + brought - 1) / brought;
    return false;
}

void bucket_charge(struct bucket *bucket, int per_10s, int64_t now_ms)
{
    if (per_10s > 0) {
        fill(bucket, per_10s, now_ms);
        bucket->level -= BUCKET_TOKEN;
    }
}
