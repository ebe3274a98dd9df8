#include "problem_view.h"

#include "buf.h"
#include "line.h"
#include "must.h"
#include "secrets.h"
#include "shown.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

struct cause {
    const char *word;
    bool serious;
    const char *sentence;
    const char *todo;
    const char *todo_with_key;
};

static const struct cause causes[] = {
#define X(word, serious, sentence, todo, todo_with_key)                                            \
    {word, serious, sentence, todo, todo_with_key},
#include "cause_table.h"
#undef X
};

enum { CAUSE_COUNT = sizeof causes / sizeof *causes };

static const struct cause *cause_of(const char *word)
{
    for (size_t i = 0; i < CAUSE_COUNT; i++) {
        if (strcmp(causes[i].word, word) == 0) {
            return &causes[i];
        }
    }
    return &causes[CAUSE_COUNT - 1];
}

const char *problem_todo(const char *cause)
{
    return cause_of(cause)->todo;
}

bool problem_is_serious(const json_t *problem)
{
    return cause_of(tree_text(problem, "cause"))->serious;
}

static void set_sentence(json_t *problem, const json_t *group, const struct cause *cause)
{
    struct buf text = {0};
    buf_printf(&text, cause->sentence, line_target_name(tree_text(group, "target")));
    tree_set_text(problem, "sentence", buf_text(&text));
    buf_reset(&text);
    int64_t count = tree_int(group, "count");
    buf_printf(&text, count == 0 ? "nothing waits" : "%lld%s job%s, one cause", (long long)count,
               tree_flag(group, "more") ? " or more" : "", count == 1 ? "" : "s");
    tree_set_text(problem, "title", buf_text(&text));
    buf_fini(&text);
}

json_t *problem_view(const json_t *group)
{
    static const char *const copied[] = {"id",    "actor", "cause", "kind",    "slot",   "target",
                                         "state", "error", "count", "members", "sample", "more"};
    const struct cause *cause = cause_of(tree_text(group, "cause"));
    const char *secret =
        strcmp(cause->word, "refused") == 0 ? secrets_of(tree_text(group, "actor")) : NULL;
    json_t *problem = json_object();
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        json_t *value = tree_get(group, copied[i]);
        tree_set(problem, copied[i], value ? json_incref(value) : json_null());
    }
    set_sentence(problem, group, cause);
    bool with_key = secret && *cause->todo_with_key;
    tree_set_text(problem, "todo", with_key ? cause->todo_with_key : cause->todo);
    tree_set(problem, "secret", secret ? json_string(secret) : json_null());
    tree_set_flag(problem, "serious", cause->serious);
    tree_set_flag(problem, "paused", strcmp(cause->word, "paused") == 0);
    tree_set(problem, "since", shown_time(tree_int(group, "since")));
    tree_set_int(problem, "since_ms", tree_int(group, "since")); /* for whoever counts on */
    tree_set(problem, "next_at", shown_time(tree_int(group, "next_at")));
    return problem;
}

static int more_urgent(const void *a, const void *b)
{
    const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    int serious = (int)problem_is_serious(right) - (int)problem_is_serious(left);
    int64_t more = tree_int(right, "count") - tree_int(left, "count");
    return serious ? serious : more > 0 ? 1 : more < 0 ? -1 : 0;
}

json_t *problem_views(const json_t *const *answers, size_t count)
{
    json_t *list = json_array();
    size_t total = 0, i;
    for (size_t a = 0; a < count; a++) {
        total += json_array_size(tree_get(answers[a], "problems"));
    }
    json_t **sorted = must_calloc(total + 1, sizeof(json_t *));
    size_t used = 0;
    json_t *group;
    for (size_t a = 0; a < count; a++) {
        json_array_foreach(tree_get(answers[a], "problems"), i, group)
        {
            sorted[used++] = problem_view(group);
        }
    }
    qsort(sorted, used, sizeof(json_t *), more_urgent);
    for (size_t s = 0; s < used; s++) {
        MUST(json_array_append_new(list, sorted[s]) == 0);
    }
    free(sorted);
    return list;
}
