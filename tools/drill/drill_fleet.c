#include "drill_core.h"

#include "clock.h"
#include "must.h"
#include "process.h"
#include "values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 2, POLL_MS = 5, CHECK_MS = 10000, JOBS_MAX = 200 };

/* --- the loop ------------------------------------------------------------------------------- */

struct turn {
    int64_t until_ms;
    const bool *until;
};

/* Ends the turn of the loop. */
static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    const struct turn *turn = self;
    return (turn->until && *turn->until) || clock_mono_ms() >= turn->until_ms ? -1 : 0;
}

void drill_serve(struct drill *drill, int ms, const bool *until)
{
    struct turn turn = {clock_mono_ms() + ms, until};
    if (drill->stopped) {
        return;
    }
    int timer = zloop_timer(drill->loop, TICK_MS, 0, on_tick, &turn);
    int ended = zloop_start(drill->loop);
    zloop_timer_end(drill->loop, timer);
    drill->stopped = drill->stopped || ended == 0 || zsys_interrupted;
}

bool drill_wait(struct drill *drill, drill_condition *condition, void *about, int ms)
{
    int64_t until_ms = clock_mono_ms() + ms;
    bool holds = condition(drill, about);
    while (!holds && !drill->stopped && clock_mono_ms() < until_ms) {
        drill_serve(drill, POLL_MS, NULL);
        holds = condition(drill, about);
    }
    return holds;
}

/* --- processes ------------------------------------------------------------------------------ */

static const char *program_of(const struct drill *drill, const char *name)
{
    const struct drill_program *at = drill->options->programs;
    while (at->name && strcmp(at->name, name) != 0) {
        at++;
    }
    return at->path;
}

/* What the program itself says of its settings, or the end of its log. */
static void explain(struct drill *drill, const char *name, struct buf *why)
{
    const char *const check[] = {program_of(drill, name), "--home", drill->scratch.home, "--check",
                                 NULL};
    buf_printf(why, "%s does not start in the scratch home\n", name);
    (void)process_run(check, NULL, why, CHECK_MS);
}

static bool is_up(struct drill *drill, void *about)
{
    (void)about;
    return client_is_up(drill->client);
}

static enum fault connect_tools(struct drill *drill, struct buf *why)
{
    struct client_options options = {
        .home = drill->scratch.home, .name = "tools", .loop = drill->loop};
    enum fault fault = client_new(&options, &drill->client);
    if (fault == OK && !drill_wait(drill, is_up, NULL, DRILL_LATE_MS)) {
        fault = FAULT_UNAVAILABLE;
    }
    if (fault != OK) {
        buf_printf(why, "the broker of the scratch home does not answer: %s\n", fault_words(fault));
    }
    return fault;
}

enum fault drill_fleet_start(struct drill *drill, struct buf *why)
{
    int64_t until_ms = clock_mono_ms() + DRILL_START_MS;
    for (const struct drill_program *at = drill->options->programs; at->name; at++) {
        scratch_start(&drill->scratch, at->name, at->path);
    }
    const char *missing = scratch_wait(&drill->scratch, until_ms);
    if (missing) {
        explain(drill, missing, why);
        return FAULT_CONFIG;
    }
    return connect_tools(drill, why);
}

void drill_process_stop(struct drill *drill, const char *name)
{
    scratch_stop(&drill->scratch, name);
}

bool drill_process_start(struct drill *drill, const char *name)
{
    scratch_start(&drill->scratch, name, program_of(drill, name));
    return scratch_wait(&drill->scratch, clock_mono_ms() + DRILL_START_MS) == NULL;
}

void drill_fleet_end(struct drill *drill)
{
    client_destroy(&drill->client);
    http_out_destroy(&drill->http);
    scratch_end(&drill->scratch);
}

/* --- questions ------------------------------------------------------------------------------ */

struct asked {
    bool done;
    json_t *answer;
};

static void on_answer(void *self, enum fault fault, json_t *answer)
{
    struct asked *asked = self;
    asked->answer = fault == OK ? json_incref(answer) : NULL;
    asked->done = true;
}

json_t *drill_ask(struct drill *drill, const char *actor, json_t *question)
{
    struct asked asked = {0};
    MUST(question);
    enum fault fault = client_ask(drill->client, actor, question, DRILL_ASK_MS, on_answer, &asked);
    json_decref(question);
    while (fault == OK && !asked.done && !drill->stopped) { /* it comes, once, in time */
        drill_serve(drill, DRILL_ASK_MS, &asked.done);
    }
    return asked.answer;
}

json_t *drill_jobs(struct drill *drill, const char *actor, const char *member, const char *state)
{
    json_t *question = json_pack("{s:s, s:i}", "ask", "jobs", "limit", JOBS_MAX);
    tree_set_text(question, "member", member);
    tree_set_text(question, "state", state);
    json_t *answer = drill_ask(drill, actor, question);
    json_t *jobs = tree_get(answer, "jobs");
    jobs = jobs ? json_incref(jobs) : json_array();
    json_decref(answer);
    return jobs;
}

static bool has_open_jobs(struct drill *drill)
{
    static const char *const actors[] = {"crm", "support", "mailer", "app", "alert"};
    static const char *const states[] = {"waiting", "sending"};
    bool open = false;
    for (size_t i = 0; !open && i < sizeof actors / sizeof *actors; i++) {
        for (size_t j = 0; !open && j < sizeof states / sizeof *states; j++) {
            json_t *jobs = drill_jobs(drill, actors[i], NULL, states[j]);
            open = json_array_size(jobs) > 0;
            json_decref(jobs);
        }
    }
    return open;
}

static bool has_lag(struct drill *drill, int64_t *head)
{
    json_t *status = drill_ask(drill, "broker", json_pack("{s:s}", "ask", "status"));
    bool lag = !status;
    size_t i;
    json_t *peer;
    json_array_foreach(tree_get(status, "peers"), i, peer)
    {
        lag = lag || (tree_flag(peer, "connected") && tree_int(peer, "lag") > 0);
    }
    *head = tree_int(status, "head");
    json_decref(status);
    return lag;
}

struct quiet {
    int64_t since_ms;
    int64_t head;
};

static bool is_quiet(struct drill *drill, void *about)
{
    struct quiet *quiet = about;
    int64_t head, now_ms = clock_mono_ms();
    if (has_lag(drill, &head) || head != quiet->head || has_open_jobs(drill)) {
        *quiet = (struct quiet){now_ms, head};
        return false;
    }
    return now_ms - quiet->since_ms >= DRILL_QUIET_MS;
}

bool drill_quiet(struct drill *drill)
{
    struct quiet quiet = {clock_mono_ms(), -1};
    return drill_wait(drill, is_quiet, &quiet, DRILL_MEND_MS);
}

/* --- people --------------------------------------------------------------------------------- */

void drill_person_init(struct drill_person *person, const char *word)
{
    *person = (struct drill_person){0};
    snprintf(person->email, sizeof person->email, "%s@drill.example", word);
    snprintf(person->name, sizeof person->name, "Drill %s", word);
    for (char *at = person->name; *at; at++) {
        *at = *at == '-' ? ' ' : *at;
    }
    person->name[6] = (char)toupper((unsigned char)person->name[6]);
}

json_t *drill_member(struct drill *drill, struct drill_person *person)
{
    json_t *answer =
        drill_ask(drill, "ledger", json_pack("{s:s, s:s}", "ask", "member", "who", person->email));
    json_t *first = json_array_get(tree_get(answer, "members"), 0);
    if (first) {
        snprintf(person->member, sizeof person->member, "%s", tree_text(first, "id"));
        json_incref(first);
    }
    json_decref(answer);
    return first;
}
