/* trace_view.h - the tree of cause and effect of one trace.
 *
 * Use        Events as event_json() makes them, in the order of their numbers; jobs as the actors
 *            answer {"ask":"jobs"}. trace_tree() puts each below what caused it and gives lines to
 *            print. Pure.
 * Promise    Every event gets one line, also one whose cause is not in the trace, or whose causes
 *            run in a circle. A job that an event of the trace tells of gets no line of its own,
 *            unless it still waits.
 * Ownership  Lines borrow from the trees, `words` apart. */
#ifndef USHER_TRACE_VIEW_H
#define USHER_TRACE_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRACE_BRANCH_BYTES_MAX = 128 };

struct trace_line {
    char branch[TRACE_BRANCH_BYTES_MAX]; /* "|  +- " in box drawing */
    int64_t after_ms;                    /* since the first event */
    const char *actor;
    const char *type; /* of an event, or "job" and its state */
    char *words;
    const json_t *of;
};

struct trace_lines {
    struct trace_line *lines;
    size_t count;
};

void trace_tree(const json_t *events, const json_t *jobs, struct trace_lines *out);
void trace_lines_fini(struct trace_lines *lines);

/* Is a job of these still under way? */
bool trace_is_settled(const json_t *jobs);

#endif
