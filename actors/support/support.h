/* support.h - tells the support desk what an agent should know: one internal note per key.
 *
 * Use        An adapter is one file in providers/, found by the build. Its task's payload is
 *                {"text": the note with its marker, "subject", "ticket": id or absent,
 *                 "email", "name" (of the requester), "tags": [...], "urgent": bool}
 *            With a ticket the note goes there; without one a ticket is made whose only comment is
 *            the note, known by external_id = key.
 * Promise    One note per key: the marker `[usher:<key>]` stands in it and is looked for before a
 *            repeat. Notes are internal: a member never sees them. */
#ifndef USHER_SUPPORT_H
#define USHER_SUPPORT_H

#include "jobs.h"

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
