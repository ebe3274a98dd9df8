/* trace_view_test.c - the tree of a trace: everything has one line, below its cause. */
#include "test.h"

#include "trace_view.h"
#include "values.h"

static void add_event(json_t *events, const char *id, const char *cause, const char *time)
{
    json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{}}", "id", id, "source", "x", "type",
                              "member.changed", "time", time, "cause", cause, "data");
    assert_non_null(event);
    json_array_append_new(events, event);
}

static void expect_line(const struct trace_lines *tree, size_t n, const char *branch,
                        const char *id)
{
    assert_true(n < tree->count);
    assert_string_equal(tree->lines[n].branch, branch);
    assert_string_equal(tree_text(tree->lines[n].of, "id"), id);
}

static void check_tree(void **state)
{
    (void)state;
    json_t *events = json_array(), *jobs = json_array();
    struct trace_lines tree;
    add_event(events, "a", "", "2026-11-23T10:00:00Z");
    add_event(events, "b", "a", "2026-11-23T10:00:00.012Z");
    add_event(events, "c", "b", "2026-11-23T10:00:00.020Z");
    add_event(events, "d", "b", "2026-11-23T10:00:01Z");
    add_event(events, "e", "a", "2026-11-23T10:00:02Z");
    trace_tree(events, jobs, &tree);
    assert_int_equal(tree.count, 5);
    expect_line(&tree, 0, "", "a");
    expect_line(&tree, 1, "├─ ", "b");
    expect_line(&tree, 2, "│  ├─ ", "c");
    expect_line(&tree, 3, "│  └─ ", "d");
    expect_line(&tree, 4, "└─ ", "e");
    assert_int_equal(tree.lines[1].after_ms, 12);
    assert_int_equal(tree.lines[4].after_ms, 2000);
    trace_lines_fini(&tree);
    json_decref(events);
    json_decref(jobs);
}

/* A cause elsewhere, a cause that is itself, and a circle: a line for each. */
static void check_odd_causes(void **state)
{
    (void)state;
    json_t *events = json_array(), *jobs = json_array();
    struct trace_lines tree;
    add_event(events, "lost", "elsewhere", "2026-11-23T10:00:00Z");
    add_event(events, "self", "self", "2026-11-23T10:00:00Z");
    add_event(events, "x", "y", "2026-11-23T10:00:00Z");
    add_event(events, "y", "x", "2026-11-23T10:00:00Z");
    trace_tree(events, jobs, &tree);
    assert_int_equal(tree.count, 4);
    expect_line(&tree, 0, "", "lost");
    expect_line(&tree, 1, "", "self");
    expect_line(&tree, 2, "", "x");
    expect_line(&tree, 3, "└─ ", "y");
    trace_lines_fini(&tree);
    json_decref(events);
    json_decref(jobs);
}

/* Deeper than anything real: nothing is left out, nothing overflows. */
static void check_depth(void **state)
{
    (void)state;
    enum { EVENTS = 200 };
    json_t *events = json_array(), *jobs = json_array();
    struct trace_lines tree;
    for (int i = 0; i < EVENTS; i++) {
        char id[16], cause[16];
        snprintf(id, sizeof id, "e%d", i);
        snprintf(cause, sizeof cause, "e%d", i - 1);
        add_event(events, id, i ? cause : "", "2026-11-23T10:00:00Z");
    }
    trace_tree(events, jobs, &tree);
    assert_int_equal(tree.count, EVENTS);
    trace_lines_fini(&tree);
    json_decref(events);
    json_decref(jobs);
}

static json_t *job(const char *state)
{
    json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:s}", "actor", "crm", "key", "crm:m", "state",
                            state, "cause", "a", "kind", "contact");
    assert_non_null(one);
    return one;
}

static void check_jobs(void **state)
{
    (void)state;
    json_t *events = json_array(), *jobs = json_array();
    struct trace_lines tree;
    add_event(events, "a", "", "2026-11-23T10:00:00Z");
    json_array_append_new(jobs, job("waiting"));
    assert_false(trace_is_settled(jobs));
    trace_tree(events, jobs, &tree);
    assert_int_equal(tree.count, 2);
    assert_string_equal(tree.lines[1].type, "waiting");
    assert_string_equal(tree.lines[1].branch, "└─ ");
    trace_lines_fini(&tree);

    json_array_append_new(events,
                          json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "id", "d", "type",
                                    "job.done", "time", "2026-11-23T10:00:00Z", "cause", "a",
                                    "source", "crm", "data", "actor", "crm", "key", "crm:m"));
    json_array_clear(jobs);
    json_array_append_new(jobs, job("done"));
    assert_true(trace_is_settled(jobs));
    trace_tree(events, jobs, &tree);
    assert_int_equal(tree.count, 2); /* the event tells of it */
    assert_string_equal(tree.lines[1].type, "job.done");
    trace_lines_fini(&tree);
    json_decref(events);
    json_decref(jobs);
}

static void check_empty(void **state)
{
    (void)state;
    json_t *nothing = json_array();
    struct trace_lines tree;
    trace_tree(nothing, nothing, &tree);
    assert_int_equal(tree.count, 0);
    trace_lines_fini(&tree);
    json_decref(nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_tree),  cmocka_unit_test(check_odd_causes),
        cmocka_unit_test(check_depth), cmocka_unit_test(check_jobs),
        cmocka_unit_test(check_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
