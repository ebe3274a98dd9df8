/* line.h - an event as one line of a timeline, in a founder's words.
 *
 * Use        line_of() of an event's tree (event_json, with "seq"). Pure.
 * Shape      {seq, time, lane, text, member, name, event, type, rule, who, state}; lane is money,
 *            access, tools (CRM, support, web app), mail, admin, alert or system; state a job's; name
 *            is null: who knows the member puts it in.
 * Promise    A line's text names no person and no address: whom it is about stands in `name`, which can
 *            be masked. */
#ifndef USHER_LINE_H
#define USHER_LINE_H

#include "buf.h"

#include <jansson.h>
#include <stdbool.h>

/* False if it is nothing that people want to see (a link between two objects, a deadline). */
bool line_of(const json_t *event, json_t **line);

/* "HubSpot" for "hubspot"; an unknown name as it is. Lives as long as the text given. */
const char *line_target_name(const char *target);

/* A job as its actor answers it, in a few words: "Welcome mail: waits for the mail server". */
void line_job_words(const json_t *job, struct buf *out);

#endif
