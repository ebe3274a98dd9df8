/* handle_jobs.c - jobs of the actors: listed, shown with their attempts, tried again, skipped. */
#include "handlers.h"

#include "act.h"
#include "gather.h"
#include "job_answers.h"
#include "must.h"
#include "problem_view.h"
#include "projection.h"
#include "read.h"
#include "reply.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

static bool is_effect_actor(const char *name)
{
    for (const char *const *actor = gather_effect_actors; *actor; actor++) {
        if (strcmp(*actor, name) == 0) {
            return true;
        }
    }
    return false;
}

/* --- the list ---------------------------------------------------------------------------------- */

/* Pages of several actors are one list: crm's to the end, then support's, and so on. A place in it
 * is "actor/place". */
static void list_finish(struct visit *visit, const struct gather *gather, json_t *context)
{
    const char *actor = tree_text(context, "actor");
    const json_t *said = gather_answer(gather, actor, 0);
    json_t *answer = json_object(), *partial = gather_partial(gather);
    const char *next = tree_text(said, "next");
    char *place = NULL;
    if (*next) {
        place = must_sprintf("%s/%s", actor, next);
    } else if (!*tree_text(context, "only")) {
        for (const char *const *at = gather_effect_actors; *at; at++) {
            if (strcmp(*at, actor) == 0 && at[1]) {
                place = must_sprintf("%s/", at[1]);
            }
        }
    }
    tree_set(answer, "jobs", job_answers_of(visit->console, gather, actor));
    tree_set(answer, "next", place ? json_string(place) : json_null());
    free(place);
    reply_partial(visit, answer, partial);
}

void jobs_list(struct visit *visit)
{
    const char *only = read_query(visit, "actor"), *after = read_query(visit, "after");
    char actor[32];
    size_t len = strcspn(after, "/");
    EVENT_SET(actor, *only ? only : gather_effect_actors[0]);
    if (after[len] == '/' && len < sizeof actor) {
        memcpy(actor, after, len);
        actor[len] = '\0';
        after += len + 1;
    }
    if (!is_effect_actor(actor) || (*only && strcmp(only, actor) != 0)) {
        reply_problem(visit, 400, "there is no such actor", "crm, support, mailer, app or alert");
        return;
    }
    json_t *context = json_object(), *question = gather_question("jobs");
    tree_set_text(context, "actor", actor);
    tree_set_text(context, "only", only);
    tree_set_text(question, "state", read_query(visit, "state"));
    tree_set_text(question, "member", read_query(visit, "member"));
    tree_set_text(question, "after", after);
    tree_set_int(question, "limit", (int64_t)read_limit(visit));
    struct gather *gather = gather_new(visit, list_finish, context);
    gather_ask(gather, actor, question);
    gather_go(&gather);
}

/* --- one --------------------------------------------------------------------------------------- */

/* NULL, having answered, if it is not there. */
static const json_t *found_job(struct visit *visit, const struct gather *gather)
{
    const char *actor = web_param(visit->request, "actor");
    const json_t *said = gather_answer(gather, actor, 0);
    const json_t *job = json_array_get(tree_get(said, "jobs"), 0);
    if (!said) {
        reply_problem(visit, 503, "the actor does not answer", "Try again in a moment.");
    } else if (!job) {
        reply_problem(visit, 404, "there is no such job", NULL);
    }
    return job;
}

static void show_finish(struct visit *visit, const struct gather *gather, json_t *context)
{
    (void)context;
    const char *actor = web_param(visit->request, "actor");
    const json_t *job = found_job(visit, gather);
    if (!job) {
        return;
    }
    struct store_txn *txn = NULL;
    json_t *attempts = NULL, *whole = json_object(), *like = json_object();
    enum fault fault = store_begin(actor_store(visit->console->actor), false, &txn);
    if (fault == OK) {
        fault = projection_job_history(txn, actor, tree_text(job, "key"), &attempts);
    }
    store_abort(&txn);
    const json_t *same = gather_answer(gather, actor, 1);
    tree_set_int(like, "count", tree_int(same, "count"));
    tree_set(whole, "job", job_answer(visit->console, job));
    tree_set(whole, "attempts", fault == OK ? attempts : json_array());
    tree_set(whole, "like", like);
    tree_set(whole, "todo", json_string(problem_todo(tree_text(job, "state"))));
    reply_partial(visit, whole, gather_partial(gather));
}

static void ask_job(struct visit *visit, gather_finish *finish, json_t *context, bool like)
{
    const char *actor = web_param(visit->request, "actor");
    const char *key = web_param(visit->request, "key");
    if (!is_effect_actor(actor)) {
        json_decref(context);
        reply_problem(visit, 404, "there is no such actor", NULL);
        return;
    }
    struct gather *gather = gather_new(visit, finish, context);
    json_t *question = gather_question("jobs");
    tree_set_text(question, "key", key);
    gather_ask(gather, actor, question);
    if (like) {
        question = gather_question("like");
        tree_set_text(question, "key", key);
        gather_ask(gather, actor, question);
    }
    gather_go(&gather);
}

void jobs_show(struct visit *visit)
{
    ask_job(visit, show_finish, NULL, true);
}

/* --- decisions --------------------------------------------------------------------------------- */

/* What is over is not tried again, nor skipped: somebody else was faster, perhaps oneself. */
static bool can_be_decided(const struct visit *visit, const json_t *job, bool retry)
{
    const char *state = tree_text(job, "state");
    if (strcmp(state, "done") == 0 || strcmp(state, "superseded") == 0 ||
        (!retry && strcmp(state, "skipped") == 0)) {
        reply_conflict(visit, "This job is %s by now: there is nothing to %s.", state,
                       retry ? "try again" : "skip");
        return false;
    }
    return true;
}

static void decide_finish(struct visit *visit, const struct gather *gather, json_t *context)
{
    const char *type = tree_text(context, "type");
    const json_t *job = found_job(visit, gather);
    if (job && can_be_decided(visit, job, strcmp(type, "admin.retried") == 0)) {
        json_t *keys = json_array();
        MUST(json_array_append(keys, tree_get(job, "key")) == 0);
        job_decide(visit, type, web_param(visit->request, "actor"), keys);
        json_decref(keys);
    }
}

static void decide(struct visit *visit, const char *type)
{
    if (act_reason(visit)) {
        json_t *context = json_object();
        tree_set_text(context, "type", type);
        ask_job(visit, decide_finish, context, false);
    }
}

void jobs_retry(struct visit *visit)
{
    decide(visit, "admin.retried");
}

void jobs_skip_one(struct visit *visit)
{
    decide(visit, "admin.skipped");
}

void jobs_retry_like(struct visit *visit)
{
    const char *actor = web_param(visit->request, "actor");
    if (!is_effect_actor(actor)) {
        reply_problem(visit, 404, "there is no such actor", NULL);
    } else if (act_reason(visit)) {
        job_decide_like(visit, "admin.retried", actor, web_param(visit->request, "key"));
    }
}
