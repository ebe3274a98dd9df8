/* alert.h - the alert actor: what is wrong, told to people.
 *
 * Watches the events and the fleet (watch.h), publishes alert.raised and alert.cleared, and has the
 * job engine carry each to every hook. Effects that the rules send "to":"alert" are notices: told
 * once, never cleared.
 *
 * To add a kind of hook: one file in providers/ with a const struct adapter. */
#ifndef USHER_ALERT_H
#define USHER_ALERT_H

#include "actor.h"
#include "jobs.h"
#include "watch.h"

enum {
    ALERT_TABLE_WATCH = JOBS_TABLES,                             /* watch.h */
    ALERT_TABLE_NOTICES = ALERT_TABLE_WATCH + (int)WATCH_TABLES, /* what local hooks were told */
    ALERT_TABLE_SILENCES,                                        /* silences.h */
    ALERT_TABLE_HELD                                             /* raised while silenced */
};

extern const struct actor_class alert_actor;

/* The newest that local hooks were told, newest first, into `list`. */
enum fault alert_notices(struct store_txn *txn, size_t most, json_t *list) NODISCARD;

#endif
