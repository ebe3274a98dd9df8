/* member_view.h - one member as people and programs see it. Pure.
 *
 * Use        member_json() joins what the ledger knows with what the effect actors say, in the
 *            shape of `usher member --json`; member_facts() and member_lane() are its parts, as the
 *            pages have them.
 * Ownership  New trees; documents and answers are borrowed. */
#ifndef USHER_MEMBER_VIEW_H
#define USHER_MEMBER_VIEW_H

#include <jansson.h>
#include <stddef.h>

/* `document`: of {"ask":"member"}. `crm`, `support`, `mail`, `app`: answers to the same question by
 * those actors, NULL from one that did not answer. */
json_t *member_json(const json_t *document, const json_t *crm, const json_t *support,
                    const json_t *mail, const json_t *app);

/* What an actor answers to {"ask":"member"}; always the same fields, whatever it says or NULL. */
json_t *member_lane(const json_t *answer, const char *actor);

/* The newest document of a member (member.* events): who, access and why, the last payment. */
json_t *member_facts(const json_t *document);

/* The one of several members of one name to show first: with access, then the newest. */
size_t member_first(const json_t *documents);

#endif
