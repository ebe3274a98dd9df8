/* handle_problems.c - what fails, by cause; and all jobs of a cause at once. */
#include "handlers.h"

#include "act.h"
#include "gather.h"
#include "job_answers.h"
#include "must.h"
#include "reply.h"
#include "values.h"

#include <string.h>

enum { PROBLEM_JOBS = 50 };

static void list_finish(struct visit *visit, const struct gather *gather, json_t *context)
{
    (void)context;
    json_t *answer = json_object();
    tree_set(answer, "problems", gathered_problems(gather));
    reply_partial(visit, answer, gather_partial(gather));
}

void problems_list(struct visit *visit)
{
    struct gather *gather = gather_new(visit, list_finish, NULL);
    gather_problems(gather);
    gather_go(&gather);
}

/* The one of that id, a new reference; NULL if it is over, or its actor does not answer. */
static json_t *find_problem(const struct gather *gather, const char *id)
{
    json_t *problems = gathered_problems(gather), *problem, *found = NULL;
    size_t i;
    json_array_foreach(problems, i, problem)
    {
        if (!found && strcmp(tree_text(problem, "id"), id) == 0) {
            found = json_incref(problem);
        }
    }
    json_decref(problems);
    return found;
}

static void no_problem(const struct visit *visit, const struct gather *gather)
{
    json_t *partial = gather_partial(gather);
    if (json_array_size(partial)) {
        reply_problem(visit, 503, "not all of the fleet answers", "Try again in a moment.");
    } else {
        reply_problem(visit, 404, "this is over", "No job waits for this cause any more.");
    }
    json_decref(partial);
}

static json_t *like_question(const json_t *problem)
{
    json_t *question = gather_question("like");
    tree_set_text(question, "key", tree_text(tree_get(problem, "sample"), "key"));
    return question;
}

/* --- one --------------------------------------------------------------------------------------- */

static void show_finish(struct visit *visit, const struct gather *gather, json_t *problem)
{
    const char *actor = tree_text(problem, "actor");
    json_t *whole = json_deep_copy(problem);
    tree_set(whole, "jobs", job_answers_of(visit->console, gather, actor));
    reply_partial(visit, whole, gather_partial(gather));
}

/* Its first jobs, one question each: the keys are known, and they are few. */
static void show_keys(struct visit *visit, const struct gather *gather, json_t *problem)
{
    const char *actor = tree_text(problem, "actor");
    json_t *question = gather_question("jobs");
    json_t *keys = tree_get(gather_answer(gather, actor, 0), "keys"), *some = json_array(), *key;
    size_t i;
    json_array_foreach(keys, i, key)
    {
        if (i < PROBLEM_JOBS) {
            MUST(json_array_append(some, key) == 0);
        }
    }
    tree_set(question, "keys", some);
    struct gather *next = gather_new(visit, show_finish, json_incref(problem));
    gather_ask(next, actor, question);
    gather_go(&next);
}

static void show_found(struct visit *visit, const struct gather *gather, json_t *context)
{
    (void)context;
    json_t *problem = find_problem(gather, web_param(visit->request, "id"));
    if (!problem) {
        no_problem(visit, gather);
        return;
    }
    struct gather *next = gather_new(visit, show_keys, problem);
    gather_ask(next, tree_text(problem, "actor"), like_question(problem));
    gather_go(&next);
}

void problems_show(struct visit *visit)
{
    struct gather *gather = gather_new(visit, show_found, NULL);
    gather_problems(gather);
    gather_go(&gather);
}

/* --- all of one at once ------------------------------------------------------------------------ */

/* The count that the person saw is what they agreed to. */
static bool is_what_was_seen(const struct visit *visit, int64_t count)
{
    int64_t seen = tree_int(visit->body, "count");
    if (count <= seen) {
        return true;
    }
    reply_conflict(visit, "There are %lld jobs by now, not %lld. Look again before you go on.",
                   (long long)count, (long long)seen);
    return false;
}

static void decide_all(struct visit *visit, const struct gather *gather, json_t *context)
{
    const char *actor = tree_text(context, "actor");
    const json_t *answer = gather_answer(gather, actor, 0);
    const json_t *keys = tree_get(answer, "keys");
    if (!answer) {
        reply_fault(visit, gather_fault(gather, actor, 0));
        return;
    }
    if (!json_array_size(keys)) {
        reply_conflict(visit, "No job waits for this cause any more.");
        return;
    }
    if (is_what_was_seen(visit, (int64_t)json_array_size(keys))) {
        job_decide(visit, tree_text(context, "type"), actor, keys);
    }
}

void job_decide_like(struct visit *visit, const char *type, const char *actor, const char *key)
{
    json_t *context = json_object(), *question = gather_question("like");
    tree_set_text(context, "type", type);
    tree_set_text(context, "actor", actor);
    tree_set_text(question, "key", key);
    struct gather *gather = gather_new(visit, decide_all, context);
    gather_ask(gather, actor, question);
    gather_go(&gather);
}

static void decide_found(struct visit *visit, const struct gather *gather, json_t *context)
{
    json_t *problem = find_problem(gather, web_param(visit->request, "id"));
    if (!problem) {
        no_problem(visit, gather);
        return;
    }
    job_decide_like(visit, tree_text(context, "type"), tree_text(problem, "actor"),
                    tree_text(tree_get(problem, "sample"), "key"));
    json_decref(problem);
}

static void decide(struct visit *visit, const char *type)
{
    if (!act_reason(visit)) {
        return;
    }
    json_t *context = json_object();
    tree_set_text(context, "type", type);
    struct gather *gather = gather_new(visit, decide_found, context);
    gather_problems(gather);
    gather_go(&gather);
}

void problems_retry(struct visit *visit)
{
    decide(visit, "admin.retried");
}

void problems_skip(struct visit *visit)
{
    decide(visit, "admin.skipped");
}
