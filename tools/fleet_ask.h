/* fleet_ask.h - questions that several verbs put to the fleet.
 *
 * Use        Each asks by the connection given and gives a new tree. What an actor does not answer
 *            is said on stderr once, and left out or marked.
 * See        the questions: schema/PROTOCOL.md */
#ifndef USHER_FLEET_ASK_H
#define USHER_FLEET_ASK_H

#include "verbs.h"

/* The actors that have jobs; ends with NULL. */
extern const char *const fleet_effect_actors[];

/* Jobs that match, from one actor or (actor NULL) from all of them, page by page, at most `limit`.
 * Filters that are NULL or "" do not count. *answered is how many actors did. */
json_t *fleet_jobs(const struct cli *cli, struct client *client, const char *actor,
                   const json_t *filters, size_t limit, size_t *answered);

/* The members known by that name: an array, empty if there is none. CLI_FINE, or it has said
 * what is wrong. */
int fleet_members_by(const struct cli *cli, struct client *client, const char *who, json_t **list);

/* The events of these numbers, as event_json() makes them. */
int fleet_events(const struct cli *cli, struct client *client, const json_t *seqs, json_t **list);

#endif
