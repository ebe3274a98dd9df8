/* member_view.h - one member as people and programs see it.
 *
 * Use        member_json() joins what the ledger knows with what the effect actors say, in the
 *            shape of `usher member --json`; member_print() shows it. Pure but for printing.
 * Ownership  member_json() gives a new tree; member_lane() and the ledger's document are borrowed. */
#ifndef USHER_MEMBER_VIEW_H
#define USHER_MEMBER_VIEW_H

#include "verbs.h"

/* `document`: of {"ask":"member"}. `crm`, `support`, `mail`: answers to the same question by those
 * actors, NULL from one that did not answer. */
json_t *member_json(const json_t *document, const json_t *crm, const json_t *support,
                    const json_t *mail);

void member_print(const struct cli *cli, const json_t *member);

/* The one of several members of one name to show first: with access, then the newest. */
size_t member_first(const json_t *documents);

#endif
