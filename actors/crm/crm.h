/* crm.h - makes the CRM show what the ledger says: one job per member, the newest version wins.
 *
 * Use        An adapter (see adapter.h of the runtime) is one file in providers/, found by the build.
 *            Its task's payload is
 *                {"document": the member's newest document,
 *                 "contact":  the target's contact id, if one is known,
 *                 "retire":   true for a contact whose member lives on under another contact: our
 *                             tags are cleared, its state becomes "merged"}
 *            and it learns {"contact": id} and, for a retired one, {"retired": true}.
 * Promise    One contact per member: its id is kept and used, so that a changed e-mail makes no
 *            second one. Only tags of the document's all_tags are added or cleared. */
#ifndef USHER_CRM_H
#define USHER_CRM_H

#include "jobs.h"

enum { CRM_TABLE_CONTACTS = JOBS_TABLES };

extern const struct actor_class crm_actor;

/* The id that a task's contact is known by: learned, or found by the actor; "" if none. */
const char *crm_contact(const struct task *task);

/* (present - all_tags) + tags, joined by `joint`: what is not ours stays. `present` may be NULL. */
void crm_tags(const json_t *document, bool retire, const char *present, char joint,
              struct buf *out);

/* {"ask":"contacts"}: what the local CRM holds. */
json_t *crm_local_contacts(struct store *store, const json_t *question, enum fault *fault);

#endif
