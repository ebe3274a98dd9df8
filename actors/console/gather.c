#include "gather.h"

#include "must.h"
#include "problem_view.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

struct asked {
    struct gather *gather;
    char actor[32];
    json_t *question;
    json_t *answer;
    enum fault fault;
};

struct gather {
    struct visit visit;
    uint64_t ticket;
    gather_finish *finish; /* NULL: of nobody's request */
    json_t *context;
    gather_done *done;
    void *self;
    struct asked asked[GATHER_MAX];
    size_t count;
    size_t waiting;
};

const char *const gather_effect_actors[] = {"crm", "support", "mailer", "app", "alert", NULL};

json_t *gather_question(const char *word)
{
    json_t *question = json_object();
    tree_set_text(question, "ask", word);
    return question;
}

struct gather *gather_new(const struct visit *visit, gather_finish *finish, json_t *context)
{
    struct gather *gather = must_calloc(1, sizeof *gather);
    gather->visit = *visit;
    gather->visit.request = NULL;
    gather->visit.body = json_incref(visit->body);
    gather->ticket = web_ticket(visit->request);
    gather->finish = finish;
    gather->context = context;
    return gather;
}

struct gather *gather_alone(struct console *console, gather_done *done, void *self)
{
    struct gather *gather = must_calloc(1, sizeof *gather);
    gather->visit.console = console;
    gather->done = done;
    gather->self = self;
    return gather;
}

static void destroy(struct gather *gather)
{
    for (size_t i = 0; i < gather->count; i++) {
        json_decref(gather->asked[i].question);
        json_decref(gather->asked[i].answer);
    }
    json_decref(gather->visit.body);
    json_decref(gather->context);
    free(gather);
}

static void finish(struct gather *gather)
{
    if (gather->finish) {
        gather->visit.request = web_find(gather->visit.console->web, gather->ticket);
    }
    if (gather->visit.request) { /* else nobody waits any more */
        gather->finish(&gather->visit, gather, gather->context);
    } else if (gather->done) {
        gather->done(gather->self, gather);
    }
    destroy(gather);
}

void gather_ask(struct gather *gather, const char *actor, json_t *question)
{
    MUST(gather->count < GATHER_MAX);
    struct asked *asked = &gather->asked[gather->count++];
    asked->gather = gather;
    EVENT_SET(asked->actor, actor);
    asked->question = question;
}

static void on_answer(void *self, enum fault fault, json_t *answer)
{
    struct asked *asked = self;
    asked->fault = fault;
    asked->answer = json_incref(answer);
    if (--asked->gather->waiting == 0) {
        finish(asked->gather);
    }
}

/* Nobody could be asked: the request must be suspended before it is answered. */
static int finish_later(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    finish(self);
    return 0;
}

void gather_go(struct gather **out)
{
    struct gather *gather = *out;
    struct actor *actor = gather->visit.console->actor;
    *out = NULL;
    for (size_t i = 0; i < gather->count; i++) {
        struct asked *asked = &gather->asked[i];
        asked->fault = client_ask(actor_client(actor), asked->actor, asked->question, GATHER_MS,
                                  on_answer, asked);
        gather->waiting += asked->fault == OK;
    }
    if (gather->waiting == 0) {
        MUST(zloop_timer(actor_loop(actor), 0, 1, finish_later, gather) >= 0);
    }
}

static const struct asked *find(const struct gather *gather, const char *actor, size_t n)
{
    for (size_t i = 0; i < gather->count; i++) {
        if (strcmp(gather->asked[i].actor, actor) == 0 && n-- == 0) {
            return &gather->asked[i];
        }
    }
    return NULL;
}

const json_t *gather_answer(const struct gather *gather, const char *actor, size_t n)
{
    const struct asked *asked = find(gather, actor, n);
    return asked ? asked->answer : NULL;
}

enum fault gather_fault(const struct gather *gather, const char *actor, size_t n)
{
    const struct asked *asked = find(gather, actor, n);
    return asked ? asked->fault : FAULT_NOT_FOUND;
}

static bool has(const json_t *list, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        if (strcmp(json_string_value(entry), name) == 0) {
            return true;
        }
    }
    return false;
}

json_t *gather_partial(const struct gather *gather)
{
    json_t *list = json_array();
    for (size_t i = 0; i < gather->count; i++) {
        const struct asked *asked = &gather->asked[i];
        if (!asked->answer && fault_again(asked->fault) && !has(list, asked->actor)) {
            MUST(json_array_append_new(list, json_string(asked->actor)) == 0);
        }
    }
    return list;
}

void gather_problems(struct gather *gather)
{
    for (const char *const *actor = gather_effect_actors; *actor; actor++) {
        gather_ask(gather, *actor, gather_question("problems"));
    }
}

json_t *gathered_problems(const struct gather *gather)
{
    const json_t *answers[GATHER_MAX];
    size_t count = 0;
    for (const char *const *actor = gather_effect_actors; *actor; actor++) {
        answers[count++] = gather_answer(gather, *actor, 0);
    }
    return problem_views(answers, count);
}
