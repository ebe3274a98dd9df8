/* plan_view.h - what would happen again if a provider sent this event once more: nothing, and why.
 *
 * Use        plan_view() of the lines of a trace (projection_trace). Pure.
 * Why        The question behind a replay is "is anybody mailed twice?". Every effect of the trace is
 *            named with its key's fate. */
#ifndef USHER_PLAN_VIEW_H
#define USHER_PLAN_VIEW_H

#include <jansson.h>

/* [{text, again, why}] (a new tree): a line for the event, one for each effect. */
json_t *plan_view(const json_t *events);

#endif
