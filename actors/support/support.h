/* support.h - tells the support desk what an agent should know: one internal note per key.
 *
 * Use        An adapter is one file in providers/, found by the build. Its task's payload is
 *                {"text": the note with its marker, "subject", "ticket": id or absent,
 *                 "email", "name" (of the requester), "tags": [...], "urgent": bool}
 *            With a ticket the note goes there; without one a ticket is made whose only comment is
 *            the note, known by external_id = key.
 *            A desk whose webhook does not say whose a ticket is has a kind of job for it
 *            (adapter.asks, SUPPORT_ASKS); its payload is {"ticket", "customer"}, and its verdict
 *            learns {"email", "name"}. What came of it is told as ticket.identified.
 * Promise    One note per key: the marker `[usher:<key>]` stands in it and is looked for before a
 *            repeat. Notes are internal: a member never sees them. A ticket of another desk
 *            gets no note here: its number would name a stranger's. */
#ifndef USHER_SUPPORT_H
#define USHER_SUPPORT_H

#include "jobs.h"

#define SUPPORT_ASKS "requester" /* jobs of that kind: whose ticket is it? */

enum { SUPPORT_TABLE_NOTES = JOBS_TABLES };

extern const struct actor_class support_actor;

/* "[usher:refund:ch_1]" */
void support_marker(const char *key, struct buf *out);

/* The payload for a job: from its effect and the member's newest document. */
json_t *support_note(const char *key, const char *kind, const json_t *effect,
                     const json_t *document);

/* {"ask":"notes"}: what the local desk holds. */
json_t *support_local_notes(struct store *store, const json_t *question, enum fault *fault);

#endif
