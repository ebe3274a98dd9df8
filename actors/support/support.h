/* support.h - tells the support desk what an agent should know: one internal note per key.
 *
 * Use        An adapter is one file in providers/, found by the build. Its task's payload is
 *                {"text": the note, its marker last, "link": the member's page in it,
 *                 "subject", "ticket": id or absent, "email", "name", "user" (of the requester;
 *                 the last one is the founder's own id), "tags": [...], "untags": [...],
 *                 "urgent": bool}
 *            With a ticket the note goes there. Without one it goes to the member's open ticket,
 *            or to a new one if there is none; which one it is is kept before it is written, so
 *            that a repeat goes there again. `tags` are added to a ticket, `untags` belie them and
 *            go, all others stay.
 *            A desk whose webhook does not say whose a ticket is has a kind of job for it
 *            (adapter.asks, SUPPORT_ASKS); its payload is {"ticket", "customer"}, and its verdict
 *            learns {"email", "name"}. What came of it is told as ticket.identified.
 * Promise    One note per key: the marker `[usher:<key>]` stands in it and is looked for before a
 *            repeat. Notes are internal: a member never sees them. What members typed can neither
 *            break a line, nor hold a marker, nor turn what stands around it. A ticket of another
 *            desk gets no note here: its number would name a stranger's.
 * See        tests/unit/support, tests/scenario/effects/test_zendesk.py, test_helpscout.py,
 *            test_intercom.py */
#ifndef USHER_SUPPORT_H
#define USHER_SUPPORT_H

#include "jobs.h"

#define SUPPORT_ASKS "requester" /* jobs of that kind: whose ticket is it? */

enum { SUPPORT_TABLE_NOTES = JOBS_TABLES };

extern const struct actor_class support_actor;

/* "[usher:refund:ch_1]" */
void support_marker(const char *key, struct buf *out);
bool support_marked(const char *body, const char *key);

/* The payload for a job: from its effect and the member's newest document, NULL if there is no such
 * member. `console` is the base of links. */
json_t *support_note(const char *key, const char *kind, const json_t *effect,
                     const json_t *document, const char *console);

/* The payload's text for a desk that takes HTML: nothing in it is markup but ours. */
void support_html(const json_t *payload, struct buf *out);

/* {"ask":"notes"}: what the local desk holds. */
json_t *support_local_notes(struct store *store, const json_t *question, enum fault *fault);

#endif
