#include "job.h"

#include "must.h"

#include <string.h>

const char *job_state_name(enum job_state state)
{
    static const char *const names[] = {
#define X(name, word) word,
        JOB_STATES(X)
#undef X
    };
    MUST(state >= 0 && state < JOB_STATE_COUNT);
    return names[state];
}

bool job_state_of(const char *name, enum job_state *state)
{
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        if (strcmp(job_state_name((enum job_state)i), name) == 0) {
            *state = (enum job_state)i;
            return true;
        }
    }
    return false;
}

bool job_is_open(enum job_state state)
{
    return state <= JOB_COMMITTING;
}

static bool under_way(enum job_state state)
{
    return state == JOB_SENDING || state == JOB_COMMITTING;
}

const char *job_news_type(enum job_news news)
{
    switch (news) {
    case JOB_NEWS_DONE:
        return "job.done";
    case JOB_NEWS_RETRYING:
        return "job.retrying";
    case JOB_NEWS_DEAD:
        return "job.dead";
    case JOB_NEWS_UNCERTAIN:
        return "job.uncertain";
    case JOB_NEWS_SUPERSEDED:
        return "job.superseded";
    case JOB_NEWS_SKIPPED:
        return "job.skipped";
    case JOB_NEWS_NONE:
        break;
    }
    return NULL;
}

/* first * 2^(attempt - 1), at most max. */
static int64_t doubled_ms(const struct job_policy *policy, int attempt)
{
    int64_t wait_ms = policy->first_ms;
    for (int i = 1; i < attempt && wait_ms < policy->max_ms; i++) {
        wait_ms *= 2;
    }
    return wait_ms < policy->max_ms ? wait_ms : policy->max_ms;
}

int64_t job_backoff_ms(const struct job_policy *policy, int attempt, uint64_t dice)
{
    return (int64_t)(dice % (uint64_t)(doubled_ms(policy, attempt) + 1));
}

static void wait_from(struct job *job, int64_t next_ms)
{
    job->state = JOB_WAITING;
    job->next_ms = next_ms;
}

/* As if it had never been tried: its 72 hours begin anew. */
static void begin_anew(struct job *job, int64_t now_ms)
{
    wait_from(job, now_ms);
    job->attempt = 0;
    job->first_ms = 0;
}

static enum job_news start(struct job *job, int64_t now_ms)
{
    if (job->state == JOB_WAITING) {
        job->state = JOB_SENDING;
        job->attempt++;
        job->sent = job->wanted;
        job->skip = false;
        if (job->first_ms == 0) {
            job->first_ms = now_ms;
        }
    }
    return JOB_NEWS_NONE;
}

static enum job_news success(struct job *job, const struct job_policy *policy, int64_t now_ms)
{
    job->done = job->sent;
    job->repeat = false;
    job->skip = false;
    if (job->wanted != job->sent) {
        begin_anew(job, now_ms); /* a newer state waits already */
    } else if (job->assert_again) {
        /* The lost attempt may still arrive late and undo this one. */
        job->assert_again = false;
        job->first_ms = 0;
        wait_from(job, now_ms + policy->timeout_ms);
    } else {
        job->state = JOB_DONE;
    }
    return JOB_NEWS_DONE;
}

static void spend_nothing(struct job *job)
{
    job->attempt--;
    if (job->attempt == 0) {
        job->first_ms = 0;
    }
}

static enum job_news again(struct job *job, const struct job_policy *policy,
                           const struct job_happened *happened, int64_t now_ms)
{
    job->repeat = true;
    if (happened->ambiguous && job->wanted > 0) {
        job->assert_again = true;
    }
    if (job->skip) {
        job->state = JOB_SKIPPED;
        return JOB_NEWS_SKIPPED;
    }
    int64_t since_ms = job->first_ms > policy->accepted_ms ? job->first_ms : policy->accepted_ms;
    bool newer = job->wanted != job->sent;
    if (happened->held) {
        spend_nothing(job);
    } else if (!newer && now_ms - since_ms >= policy->give_up_ms) {
        job->state = JOB_DEAD;
        return JOB_NEWS_DEAD;
    }
    int64_t wait_ms = job_backoff_ms(policy, job->attempt, happened->dice);
    wait_from(job, now_ms + (wait_ms > happened->delay_ms ? wait_ms : happened->delay_ms));
    if (newer) {
        job->first_ms = 0;
        return JOB_NEWS_SUPERSEDED;
    }
    return JOB_NEWS_RETRYING;
}

static enum job_news never(struct job *job, int64_t now_ms)
{
    if (job->wanted != job->sent) {
        begin_anew(job, now_ms);
        return JOB_NEWS_SUPERSEDED;
    }
    job->state = job->skip ? JOB_SKIPPED : JOB_DEAD;
    return job->skip ? JOB_NEWS_SKIPPED : JOB_NEWS_DEAD;
}

static enum job_news refused(struct job *job, int64_t now_ms)
{
    if (job->skip) {
        job->state = JOB_SKIPPED;
        return JOB_NEWS_SKIPPED;
    }
    spend_nothing(job);
    wait_from(job, now_ms);
    return JOB_NEWS_NONE;
}

static enum job_news uncertain(struct job *job)
{
    job->state = JOB_UNCERTAIN;
    job->repeat = true;
    return JOB_NEWS_UNCERTAIN;
}

static enum job_news crash(struct job *job, int64_t now_ms)
{
    if (job->state == JOB_COMMITTING) {
        return uncertain(job);
    }
    job->repeat = true;
    job->assert_again = job->wanted > 0;
    wait_from(job, now_ms);
    return JOB_NEWS_NONE;
}

static enum job_news outcome(struct job *job, const struct job_policy *policy,
                             const struct job_happened *happened, int64_t now_ms)
{
    if (!under_way(job->state)) {
        return JOB_NEWS_NONE;
    }
    switch (happened->input) {
    case JOB_ON_SUCCESS:
        return success(job, policy, now_ms);
    case JOB_ON_AGAIN:
        return again(job, policy, happened, now_ms);
    case JOB_ON_NEVER:
        return never(job, now_ms);
    case JOB_ON_REFUSED:
        return refused(job, now_ms);
    case JOB_ON_UNCERTAIN:
        return uncertain(job);
    default:
        MUST(happened->input == JOB_ON_CRASH);
        return crash(job, now_ms);
    }
}

static enum job_news wanted_once(struct job *job, const struct job_happened *happened,
                                 int64_t now_ms)
{
    if (job->state == JOB_SUPERSEDED) {
        begin_anew(job, now_ms + happened->delay_ms);
        job->state = happened->delay_ms > 0 ? JOB_SETTLING : JOB_WAITING;
    }
    return JOB_NEWS_NONE;
}

static enum job_news wanted(struct job *job, const struct job_happened *happened, int64_t now_ms)
{
    if (happened->revision == 0) {
        return wanted_once(job, happened, now_ms);
    }
    if (happened->revision <= job->wanted) {
        return JOB_NEWS_NONE;
    }
    bool shown = job->done == job->wanted;
    job->wanted = happened->revision;
    job->skip = false;
    if (under_way(job->state)) {
        return JOB_NEWS_NONE;
    }
    if (job->state != JOB_WAITING) {
        begin_anew(job, now_ms);
        return JOB_NEWS_NONE;
    }
    job->first_ms = 0;
    if (shown) { /* it waited only to be asserted once more: that comes behind the newer one */
        job->assert_again = true;
        job->next_ms = now_ms;
        return JOB_NEWS_NONE;
    }
    return JOB_NEWS_SUPERSEDED; /* next_ms stays: the target asked for patience, or is down */
}

static enum job_news retry(struct job *job, int64_t now_ms)
{
    if (under_way(job->state) || job->state == JOB_SUPERSEDED ||
        (job->state == JOB_DONE && job->wanted == 0)) {
        return JOB_NEWS_NONE;
    }
    begin_anew(job, now_ms);
    return JOB_NEWS_RETRYING;
}

static enum job_news skip(struct job *job)
{
    if (under_way(job->state)) {
        job->skip = true;
        return JOB_NEWS_NONE;
    }
    if (job->state == JOB_DONE || job->state == JOB_SUPERSEDED || job->state == JOB_SKIPPED) {
        return JOB_NEWS_NONE;
    }
    job->state = JOB_SKIPPED;
    return JOB_NEWS_SKIPPED;
}

static enum job_news condition(struct job *job, bool holds, int64_t now_ms)
{
    if (holds && job->state == JOB_SETTLING) {
        wait_from(job, now_ms);
    } else if (!holds && (job->state == JOB_SETTLING || job->state == JOB_WAITING)) {
        job->state = JOB_SUPERSEDED;
        return JOB_NEWS_SUPERSEDED;
    }
    return JOB_NEWS_NONE;
}

struct job job_next(const struct job *before, const struct job_policy *policy,
                    const struct job_happened *happened, int64_t now_ms, enum job_news *news)
{
    struct job job = *before;
    *news = JOB_NEWS_NONE;
    switch (happened->input) {
    case JOB_ON_START:
        *news = start(&job, now_ms);
        break;
    case JOB_ON_COMMIT:
        job.state = job.state == JOB_SENDING ? JOB_COMMITTING : job.state;
        break;
    case JOB_ON_SUCCESS:
    case JOB_ON_AGAIN:
    case JOB_ON_NEVER:
    case JOB_ON_REFUSED:
    case JOB_ON_UNCERTAIN:
    case JOB_ON_CRASH:
        *news = outcome(&job, policy, happened, now_ms);
        break;
    case JOB_ON_SETTLED:
    case JOB_ON_GONE:
        *news = condition(&job, happened->input == JOB_ON_SETTLED, now_ms);
        break;
    case JOB_ON_DIFFERS:
        if (job.state == JOB_DONE && job.wanted > 0) {
            begin_anew(&job, now_ms);
        }
        break;
    case JOB_ON_WANTED:
        *news = wanted(&job, happened, now_ms);
        break;
    case JOB_ON_RETRY:
        *news = retry(&job, now_ms);
        break;
    case JOB_ON_SKIP:
        *news = skip(&job);
        break;
    case JOB_INPUT_COUNT:
        MUST(false);
    }
    if (*news != JOB_NEWS_NONE) {
        job.change++;
    }
    return job;
}
