#include "jobs_core.h"

#include "must.h"

#include <string.h>

struct task flight_task(const struct flight *flight)
{
    return (struct task){.key = flight->key,
                         .kind = flight->kind,
                         .member = flight->member,
                         .version = flight->version,
                         .attempt = flight->attempt,
                         .repeat = flight->repeat,
                         .payload = flight->payload,
                         .learned = flight->learned,
                         .created_ms = flight->created_ms,
                         .began_ms = flight->began_ms,
                         .secret = flight->secret ? flight->secret : "",
                         .token = flight->token ? flight->token : "",
                         .settings = flight->slot->wanted.settings};
}

void flight_clear(struct flight *flight)
{
    struct jobs *jobs = flight->jobs;
    json_decref(flight->payload);
    json_decref(flight->learned);
    free(flight->secret);
    free(flight->token);
    *flight = (struct flight){.jobs = jobs, .stage = FLIGHT_FREE};
}

enum fault slot_secret(const struct slot *slot, char **secret)
{
    const char *path = slot->wanted.adapter->secret;
    if (!path) {
        *secret = must_strdup("");
        return OK;
    }
    char *all = NULL;
    enum fault fault = settings_secret(slot->wanted.settings, path, &all);
    if (fault != OK) {
        return fault;
    }
    if (slot->wanted.adapter->every_line) {
        *secret = all;
        return OK;
    }
    *secret = must_calloc(1, strlen(all) + 1);
    secret_line(all, *secret, strlen(all) + 1);
    free(all);
    return OK;
}

void flight_end(struct flight *flight)
{
    struct jobs *jobs = flight->jobs;
    if (flight->look) { /* what is as it should be, or not known, is nobody's news */
        bool differs = flight->verdict.kind == VERDICT_DIFFERS;
        flight->slot->breaker.trying = false;
        flight->stage = FLIGHT_ENDED;
        if (!differs) {
            flight_clear(flight);
        }
        jobs_wake(jobs, 0);
        return;
    }
    flight->stage = FLIGHT_ENDED;
    flight->slot->breaker.trying = false; /* also when no call left */
    if (flight->verdict.kind == VERDICT_DONE) {
        jobs->count_done++;
    } else {
        jobs->count_failed++;
    }
    if (flight->verdict.kind == VERDICT_REFUSED) {
        const char *secret = flight->secret;
        sha256(secret, strlen(secret), flight->slot->secret_hash);
    }
    jobs_wake(jobs, 0);
}

void flight_watch(struct flight *flight, const struct answer *answer)
{
    struct jobs *jobs = flight->jobs;
    struct slot *slot = flight->slot;
    int64_t now_ms = jobs_now_ms(jobs);
    /* The target's own trouble; a "no" to one mail or contact is an answer. */
    bool down =
        answer->fault != OK || (flight->mail ? answer->status == 421 : answer->status >= 500);
    breaker_ended(&slot->breaker, !down, &jobs->policy, now_ms);
    /* "Not now" is said to all of us, not to this one job. */
    bool many =
        !flight->mail && !flight->verdict.alone && answer->fault == OK && answer->status == 429;
    bool busy = !flight->mail && answer->fault == OK && answer->status == 503;
    int64_t wait_ms = many || busy ? flight->verdict.retry_after_ms : 0;
    wait_ms = many && wait_ms == 0 ? jobs->policy.first_ms : wait_ms;
    wait_ms = flight->verdict.hold_ms > wait_ms ? flight->verdict.hold_ms : wait_ms;
    if (wait_ms > 0) {
        slot_hold(slot, wait_ms, flight->verdict.words);
    }
    if (flight->verdict.bulk_hold_ms > 0) {
        slot->bulk_ms = now_ms + flight->verdict.bulk_hold_ms;
    }
}

static void on_held(void *self, int64_t id)
{
    struct flight *flight = self;
    (void)id;
    flight->stage = FLIGHT_HELD;
    jobs_wake(flight->jobs, 0);
}

/* What a probe's answer says of the key: nothing, if the target is in trouble itself. */
static enum probe_said probe_reads(const struct slot *slot, const struct answer *answer)
{
    int status = answer->status;
    bool mail = slot->probe_mail;
    bool refused = mail ? status >= 530 && status <= 538 : status == 401 || status == 403;
    bool trouble = mail ? status < 500 && status >= 300
                        : status >= 500 || status == 408 || status == 425 || status == 429;
    if (answer->fault != OK || trouble) {
        return PROBE_NONE;
    }
    return refused ? PROBE_REFUSED : PROBE_TAKEN;
}

/* 403: a job that is not allowed, or a key that is not? */
static void on_doubt(void *self, const struct answer *answer)
{
    struct flight *flight = self;
    static const enum verdict_kind kinds[] = {[PROBE_NONE] = VERDICT_AGAIN,
                                              [PROBE_TAKEN] = VERDICT_NEVER,
                                              [PROBE_REFUSED] = VERDICT_REFUSED};
    flight->verdict.kind = kinds[probe_reads(flight->slot, answer)];
    flight_end(flight);
}

static bool probe_start(struct jobs *jobs, struct slot *slot, const char *secret, http_done *done,
                        void *self, int64_t *id)
{
    struct call call = {0};
    const struct adapter *adapter = slot->wanted.adapter;
    bool started = adapter->probe && adapter->probe(slot->wanted.settings, secret, &call) == OK;
    call.timeout_ms = jobs->timeout_ms;
    slot->probe_mail = started && strcmp(call.method, "NOOP") == 0;
    started = started && http_out_start(jobs->http, &call, done, NULL, self, id) == OK;
    bucket_charge(&slot->bucket, slot->per_10s, jobs_now_ms(jobs));
    call_fini(&call);
    return started;
}

static void doubt(struct flight *flight)
{
    const char *key = flight->token ? flight->token : flight->secret;
    flight->stage = FLIGHT_PROBING;
    if (!probe_start(flight->jobs, flight->slot, key, on_doubt, flight, &flight->call)) {
        flight->verdict.kind = VERDICT_NEVER;
        flight_end(flight);
    }
}

/* The next step of an attempt takes its token as the first one did. What the target holds for long
 * begins anew when it takes calls again. */
static void flight_go_on(struct flight *flight)
{
    struct jobs *jobs = flight->jobs;
    struct slot *slot = flight->slot;
    int64_t now_ms = jobs_now_ms(jobs);
    int64_t wait_ms = slot->breaker.hold_until_ms - now_ms;
    if (wait_ms > JOBS_HOLD_KEPT_MS) {
        verdict_set(&flight->verdict, VERDICT_AGAIN, "%s", slot->held_words);
        flight->verdict.hold_ms = wait_ms;
        flight_end(flight);
    } else if (wait_ms <= 0 &&
               bucket_take(&slot->bucket, slot->per_10s, flight->bulk, now_ms, &wait_ms)) {
        flight_launch(flight);
    } else {
        jobs_wake(jobs, wait_ms);
    }
}

void flights_go_on(struct jobs *jobs)
{
    for (int bulk = 0; bulk <= 1; bulk++) {
        for (size_t i = 0; i < JOBS_PLANNED_MAX; i++) {
            struct flight *flight = &jobs->flights[i];
            if (flight->stage == FLIGHT_NEXT && flight->bulk == bulk) {
                flight_go_on(flight);
            }
        }
    }
}

static void next_step(struct flight *flight)
{
    flight->step = flight->verdict.step;
    if (++flight->steps > flight->slot->wanted.adapter->steps_max) {
        verdict_set(&flight->verdict, VERDICT_NEVER, "too many steps for one job");
        flight_end(flight);
    } else if (flight->verdict.keep) {
        flight->stage = FLIGHT_KEEPING;
        jobs_wake(flight->jobs, 0);
    } else {
        flight->stage = FLIGHT_NEXT;
        flight_go_on(flight);
    }
}

static void on_done(void *self, const struct answer *answer)
{
    struct flight *flight = self;
    struct task task = flight_task(flight);
    const struct adapter *adapter = flight->slot->wanted.adapter;
    flight->latency_ms += answer->latency_ms;
    flight->verdict = (struct verdict){.learned = flight->learned};
    (flight->look ? adapter->looked : adapter->outcome)(&task, flight->step, answer,
                                                        &flight->verdict);
    if (flight->look) {
        flight_watch(flight, answer);
        flight_end(flight);
        return;
    }
    if (flight->verdict.kind == VERDICT_STEP) {
        next_step(flight);
        return;
    }
    if (login_again(flight)) {
        return;
    }
    flight_watch(flight, answer);
    if (flight->verdict.kind == VERDICT_FORBIDDEN) {
        doubt(flight);
        return;
    }
    if (flight->verdict.kind == VERDICT_REFUSED && !adapter->probe && !adapter->login) {
        flight->verdict.kind = VERDICT_NEVER; /* nothing could find out that it is taken again */
    }
    flight_end(flight);
}

/* Read once for an attempt: what rotates meanwhile is the next one's. */
static bool read_key(struct flight *flight)
{
    if (flight->secret) {
        return true;
    }
    enum fault fault = slot_secret(flight->slot, &flight->secret);
    if (fault != OK) {
        flight->secret = must_strdup("");
        verdict_set(&flight->verdict, VERDICT_AGAIN, "cannot read the key: %s", fault_words(fault));
        flight_end(flight);
        return false;
    }
    session_for(&flight->slot->session, flight->secret);
    return true;
}

void flight_launch(struct flight *flight)
{
    struct jobs *jobs = flight->jobs;
    struct call call = {0};
    if (!read_key(flight) || !login_flight(flight)) {
        return;
    }
    struct task task = flight_task(flight);
    flight->stage = FLIGHT_CALLING;
    const struct adapter *adapter = flight->slot->wanted.adapter;
    enum fault fault =
        (flight->look ? adapter->look : adapter->request)(&task, flight->step, &call);
    call.timeout_ms = jobs->timeout_ms;
    flight->mail = call.method && strcmp(call.method, "MAIL") == 0;
    if (fault == OK) {
        fault = http_out_start(jobs->http, &call, on_done, on_held, flight, &flight->call);
    }
    if (fault == OK) {
        jobs->count_calls++;
    } else if (flight->look && fault == FAULT_NOT_FOUND) {
        verdict_set(&flight->verdict, VERDICT_DIFFERS, "it was not there yet");
        flight_end(flight);
    } else {
        enum verdict_kind kind = fault_again(fault) ? VERDICT_AGAIN : VERDICT_NEVER;
        verdict_set(&flight->verdict, kind, "%s",
                    fault == FAULT_DENIED ? "the URL may not be called: https only"
                    : call.why            ? call.why
                                          : "the request cannot be made");
        flight_end(flight);
    }
    call_fini(&call);
}

/* --- a target that refused our key -------------------------------------------------------------- */

static void on_probe(void *self, const struct answer *answer)
{
    struct slot *slot = self;
    slot->probe_call = 0;
    slot->probe_said = probe_reads(slot, answer); /* nothing learned: asked again later */
    if (slot->probe_said == PROBE_TAKEN) {
        jobs_wake(slot->jobs, 0);
    }
}

static void probe_call(struct jobs *jobs, struct slot *slot, const char *key)
{
    if (!probe_start(jobs, slot, key, on_probe, slot, &slot->probe_call)) {
        slot->probe_call = 0;
    }
}

/* A login that succeeds says of the key what a probe would; its token may still be of no use. */
void probe_logged_in(struct slot *slot, const struct verdict *verdict)
{
    if (verdict->kind == VERDICT_DONE && slot->wanted.adapter->probe) {
        probe_call(slot->jobs, slot, slot->session.token);
    } else if (verdict->kind == VERDICT_DONE) {
        slot->probe_said = PROBE_TAKEN;
        jobs_wake(slot->jobs, 0);
    }
}

void slot_probe(struct jobs *jobs, struct slot *slot)
{
    uint8_t hash[SHA256_BYTES];
    char *secret = NULL;
    int64_t now_ms = jobs_now_ms(jobs);
    const struct adapter *adapter = slot->wanted.adapter;
    if (!adapter->probe && !adapter->login) { /* another provider by now, without a key to refuse */
        slot->probe_said = PROBE_TAKEN;
        return;
    }
    if (slot->probe_call != 0 || slot->probe_login || slot->probe_said == PROBE_TAKEN ||
        slot_secret(slot, &secret) != OK) {
        return;
    }
    sha256(secret, strlen(secret), hash);
    bool changed = !digest_same(hash, slot->secret_hash, sizeof hash);
    if (changed || now_ms >= slot->probe_ms) {
        memcpy(slot->secret_hash, hash, sizeof hash);
        slot->probe_ms = now_ms + jobs->probe_ms;
        if (adapter->login) {
            session_fini(&slot->session); /* whatever it is good for, it was given before */
            slot->probe_login = login_start(slot);
        } else {
            probe_call(jobs, slot, secret);
        }
    }
    free(secret);
}
