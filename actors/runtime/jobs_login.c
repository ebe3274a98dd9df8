/* jobs_login.c - targets whose key only opens a session (OAuth2 client credentials): one login of a
 * slot at a time, its token kept in memory, and the flights that wait for it. */
#include "jobs_core.h"

#include "must.h"

#include <string.h>

static void forget_key(struct slot *slot)
{
    if (slot->login_key) {
        explicit_bzero(slot->login_key, strlen(slot->login_key));
        free(slot->login_key);
        slot->login_key = NULL;
    }
}

static bool waits(const struct flight *flight, const struct slot *slot)
{
    return flight->stage == FLIGHT_LOGIN && flight->slot == slot;
}

/* Those that wait go on with the token, or end as the login did. */
static void serve_waiting(struct slot *slot, const struct answer *answer,
                          const struct verdict *verdict)
{
    struct jobs *jobs = slot->jobs;
    for (size_t i = 0; i < JOBS_PLANNED_MAX; i++) {
        struct flight *flight = &jobs->flights[i];
        if (!waits(flight, slot)) {
            continue;
        }
        flight->latency_ms += answer->latency_ms;
        if (verdict->kind == VERDICT_DONE) {
            flight_launch(flight);
            continue;
        }
        json_t *learned = flight->learned;
        flight->verdict = *verdict;
        flight->verdict.learned = learned;
        flight_watch(flight, answer);
        flight_end(flight);
    }
}

static void on_login(void *self, const struct answer *answer)
{
    struct slot *slot = self;
    struct verdict verdict = {0};
    char *token = NULL;
    int64_t lifetime_ms = 0;
    slot->login_call = 0;
    slot->wanted.adapter->token(answer, &token, &lifetime_ms, &verdict);
    if (verdict.kind == VERDICT_DONE) {
        MUST(token);
        session_take(&slot->session, &token, lifetime_ms, slot->login_key, jobs_now_ms(slot->jobs));
    }
    free(token);
    forget_key(slot);
    serve_waiting(slot, answer, &verdict);
    if (slot->probe_login) {
        slot->probe_login = false;
        probe_logged_in(slot, &verdict);
    }
}

static bool start(struct slot *slot)
{
    struct jobs *jobs = slot->jobs;
    struct call call = {0};
    if (slot_secret(slot, &slot->login_key) != OK) {
        return false;
    }
    bool started = slot->wanted.adapter->login(slot->wanted.settings, slot->login_key, &call) == OK;
    call.timeout_ms = jobs->timeout_ms;
    started =
        started && http_out_start(jobs->http, &call, on_login, NULL, slot, &slot->login_call) == OK;
    call_fini(&call);
    if (started) {
        jobs->count_calls++;
        bucket_charge(&slot->bucket, slot->per_10s, jobs_now_ms(jobs));
    } else {
        slot->login_call = 0;
        forget_key(slot);
    }
    return started;
}

bool login_start(struct slot *slot)
{
    return slot->login_call != 0 || start(slot);
}

bool login_flight(struct flight *flight)
{
    struct slot *slot = flight->slot;
    if (!slot->wanted.adapter->login) {
        return true;
    }
    if (session_good(&slot->session, jobs_now_ms(flight->jobs))) {
        free(flight->token);
        flight->token = must_strdup(slot->session.token);
        return true;
    }
    flight->stage = FLIGHT_LOGIN;
    if (!login_start(slot)) {
        verdict_set(&flight->verdict, VERDICT_AGAIN, "the login cannot be made");
        flight_end(flight);
    }
    return false;
}

bool login_again(struct flight *flight)
{
    struct slot *slot = flight->slot;
    if (flight->verdict.kind != VERDICT_REFUSED || !slot->wanted.adapter->login ||
        flight->renewed) {
        return false;
    }
    flight->renewed = true;
    session_lost(&slot->session, flight->token);
    bucket_charge(&slot->bucket, slot->per_10s, jobs_now_ms(flight->jobs));
    flight_launch(flight);
    return true;
}

void login_fini(struct slot *slot)
{
    session_fini(&slot->session);
    forget_key(slot);
}
