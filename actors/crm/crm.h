/* crm.h - makes the CRM show what the ledger says: one job per member, the newest version wins.
 *
 * Use        An adapter (see adapter.h of the runtime) is one file in providers/, found by the
 *            build. Its task's payload is
 *                {"document": the member's newest document,
 *                 "contact":  the target's contact id, if one is known,
 *                 "retire":   true for a contact whose member lives on under another contact: our
 *                             tags are cleared, its state becomes "merged"}
 *            and it learns {"contact": id} and, for a retired one, {"retired": true}.
 *            look() reads the contact of a job that is done, and looked() compares:
 *            crm_compare_tags().
 * Promise    One contact per member: its id is kept and used, so that a changed e-mail makes no
 *            second one. Only tags of the document's all_tags are added or cleared.
 *            Where the adapter can look, each contact is looked at every crm/check_every; what
 *            somebody changed there by hand is put right and told as crm.repaired, with what was
 *            wrong. */
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

/* Is the tag one of a list of texts; one that the document wants to be shown? */
bool crm_among(const json_t *list, const char *tag);
bool crm_wants(const json_t *document, const char *tag);

/* "Ada King" -> first: "Ada", last: "King"; all of it is the first where `last` is NULL. */
void crm_add_name(json_t *into, const char *first, const char *last, const char *name);

/* A contact has what it should have: keeps its id as it is, and that it is (or is not) retired. */
void crm_learn_done(const struct task *task, struct verdict *verdict);
/* It is not there any more. */
void crm_forget_contact(struct verdict *verdict);

/* DONE if of our tags exactly those are present that should be; else DIFFERS, with words. `present`
 * is a list of texts, or of objects with a "name". A contact that is gone is missed where there is
 * access. */
void crm_compare_tags(const json_t *document, const json_t *present, struct verdict *verdict);
void crm_compare_gone(const json_t *document, struct verdict *verdict);

/* {"ask":"contacts"}: what the local CRM holds. */
json_t *crm_local_contacts(struct store *store, const json_t *question, enum fault *fault);

#endif
