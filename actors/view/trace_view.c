#include "trace_view.h"

#include "clock.h"
#include "event_view.h"
#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 24 };

struct node {
    const json_t *of;
    bool job;
    bool placed;
    const char *id, *cause;
    int64_t time_ms;
};

struct tree {
    struct node *nodes;
    size_t count;
    int64_t first_ms;
    struct trace_lines *out;
};

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(word, *words) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_under_way(const json_t *job)
{
    static const char *const states[] = {"settling", "waiting", "sending", "committing", NULL};
    return is_one_of(tree_text(job, "state"), states);
}

bool trace_is_settled(const json_t *jobs)
{
    size_t i;
    json_t *job;
    json_array_foreach(jobs, i, job)
    {
        if (is_under_way(job)) {
            return false;
        }
    }
    return true;
}

/* Does an event tell of this job? */
static bool is_told(const json_t *events, const json_t *job)
{
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event)
    {
        const json_t *data = tree_get(event, "data");
        if (strncmp(tree_text(event, "type"), "job.", 4) == 0 &&
            strcmp(tree_text(data, "key"), tree_text(job, "key")) == 0 &&
            strcmp(tree_text(data, "actor"), tree_text(job, "actor")) == 0) {
            return true;
        }
    }
    return false;
}

static void add_node(struct tree *tree, const json_t *of, bool job)
{
    struct node *node = &tree->nodes[tree->count++];
    *node = (struct node){.of = of, .job = job, .id = "", .cause = tree_text(of, "cause")};
    if (job) {
        node->time_ms = tree_int(of, "created_at");
    } else {
        node->id = tree_text(of, "id");
        (void)clock_parse(tree_text(of, "time"), &node->time_ms);
    }
}

static bool is_known(const struct tree *tree, const char *id)
{
    for (size_t i = 0; *id && i < tree->count; i++) {
        if (strcmp(tree->nodes[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static char *words_of_job(const json_t *job)
{
    struct buf words = {0};
    const char *error = tree_text(job, "error");
    buf_printf(&words, "%s at %s, attempt %lld", tree_text(job, "kind"), tree_text(job, "target"),
               (long long)tree_int(job, "attempt"));
    if (*error) {
        buf_printf(&words, ": %s", error);
    }
    char *text = must_strdup(buf_text(&words));
    buf_fini(&words);
    return text;
}

static char *words_of_event(const json_t *event)
{
    struct buf words = {0};
    view_words(event, &words);
    char *text = must_strdup(buf_text(&words));
    buf_fini(&words);
    return text;
}

static void add_line(struct tree *tree, struct node *node, const char *branch)
{
    struct trace_lines *out = tree->out;
    struct trace_line *line = &out->lines[out->count++];
    node->placed = true;
    snprintf(line->branch, sizeof line->branch, "%s", branch);
    line->after_ms = node->time_ms - tree->first_ms;
    line->of = node->of;
    line->actor = tree_text(node->of, node->job ? "actor" : "source");
    line->type = node->job ? tree_text(node->of, "state") : tree_text(node->of, "type");
    line->words = node->job ? words_of_job(node->of) : words_of_event(node->of);
    if (!node->job && *tree_text(node->of, "who")) {
        line->actor = tree_text(node->of, "who");
    }
}

static struct node *next_child(struct tree *tree, const char *id, size_t *from)
{
    for (; *from < tree->count; (*from)++) {
        struct node *node = &tree->nodes[*from];
        if (!node->placed && *id && strcmp(node->cause, id) == 0) {
            return &tree->nodes[(*from)++];
        }
    }
    return NULL;
}

static void place(struct tree *tree, struct node *node, const char *lead, const char *joint,
                  const char *below, int depth)
{
    char branch[TRACE_BRANCH_BYTES_MAX], deeper[TRACE_BRANCH_BYTES_MAX];
    snprintf(branch, sizeof branch, "%s%s", lead, joint);
    snprintf(deeper, sizeof deeper, "%s%s", lead, below);
    add_line(tree, node, branch);
    if (depth == DEPTH_MAX) {
        return; /* what lies deeper gets lines of its own at the end */
    }
    size_t at = 0;
    struct node *child = next_child(tree, node->id, &at);
    while (child) {
        struct node *after = next_child(tree, node->id, &at);
        place(tree, child, deeper, after ? "├─ " : "└─ ", after ? "│  " : "   ", depth + 1);
        while (after && after->placed) {
            after = next_child(tree, node->id, &at);
        }
        child = after;
    }
}

void trace_tree(const json_t *events, const json_t *jobs, struct trace_lines *out)
{
    size_t most = json_array_size(events) + json_array_size(jobs), i;
    struct tree tree = {.nodes = must_calloc(most + 1, sizeof *tree.nodes), .out = out};
    *out = (struct trace_lines){.lines = must_calloc(most + 1, sizeof *out->lines)};
    json_t *of;
    json_array_foreach(events, i, of)
    {
        add_node(&tree, of, false);
    }
    json_array_foreach(jobs, i, of)
    {
        if (is_under_way(of) || !is_told(events, of)) {
            add_node(&tree, of, true);
        }
    }
    tree.first_ms = tree.count ? tree.nodes[0].time_ms : 0;
    for (i = 0; i < tree.count; i++) {
        struct node *node = &tree.nodes[i];
        if (!node->placed &&
            (!is_known(&tree, node->cause) || strcmp(node->cause, node->id) == 0)) {
            place(&tree, node, "", "", "", 0);
        }
    }
    for (i = 0; i < tree.count; i++) { /* circles, and what lies too deep */
        if (!tree.nodes[i].placed) {
            place(&tree, &tree.nodes[i], "", "", "", 0);
        }
    }
    free(tree.nodes);
}

void trace_lines_fini(struct trace_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->lines[i].words);
    }
    free(lines->lines);
    *lines = (struct trace_lines){0};
}
