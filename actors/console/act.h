/* act.h - what a person does, as an event.
 *
 * Use        act_begin(), act_add() for each event, act_commit(). What the events change in the
 *            console's own vault or files comes after act_commit() returned OK: a crash in between
 *            leaves an audit entry without an effect, never an effect without an audit entry.
 *            act_answer() answers the request once the events have come back through the journal, so
 *            that whoever asks next sees them.
 * Promise    An OK of act_commit() means that the events are on disk, in the outbox, and will be in
 *            the journal. Who did it is the session's person, stamped by the broker on our word.
 * Ownership  act_add takes the data.
 * Limits     ACT_EVENTS_MAX events at once; ACT_WAIT_MS until the answer. */
#ifndef USHER_ACT_H
#define USHER_ACT_H

#include "console.h"

enum {
    ACT_EVENTS_MAX = 10000,
    ACT_WAIT_MS = 2000,
    ACT_REASON_BYTES_MAX = 500,
    ACT_NOTE_BYTES_MAX = 2000
};

struct act;

/* NULL if nothing can be done now; the request has been answered then (503). */
struct act *act_begin(const struct visit *visit);
void act_add(struct act *act, const char *type, const char *member, const char *cause,
             const char *trace, json_t *data);
enum fault act_commit(struct act *act) NODISCARD;
/* Takes the act; `answer` (taken) is what the request is answered with, with "event" put in. */
void act_answer(struct act **act, json_t *answer);
/* Takes the act; nothing is answered. */
void act_drop(struct act **act);

/* One event, told before what it tells of is done: NULL, having answered, if it could not be. Then
 * act_finish(): {"event": id, ...} of `answer`, or what the fault means. Both take data and answer. */
struct act *act_announce(const struct visit *visit, const char *type, const char *member,
                         json_t *data);
void act_finish(struct act **act, enum fault fault, json_t *answer);

/* One event that is all there is to it. Takes data. */
void act_simple(const struct visit *visit, const char *type, const char *member, json_t *data);

/* One event that nobody waits for, kept in the outbox even while the broker is away. Takes data. */
void act_quietly(const struct visit *visit, const char *type, json_t *data);

/* The reason in the body of an act, or NULL: the request has been answered with 400 then. */
const char *act_reason(const struct visit *visit);

/* Events that came back: answers who waits for them. */
void acts_seen(struct console *console, const char *id);
/* Those that waited too long: answered all the same. Also called at the end, with no time left. */
void acts_sweep(struct console *console, int64_t now_ms);
/* Lets go of them all. */
void acts_fini(struct console *console);

#endif
