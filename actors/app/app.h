/* app.h - tells the founder's web app who has access, as it changes.
 *
 * One job for each member, "make the app know version n": a newer one takes the place of an older
 * (access.h has the object that is told). A member that became part of another one is told on under
 * its old id, with what its person has now. The app may ask instead, at the console.
 *
 * An adapter is one file; app.c lists them. */
#ifndef USHER_APP_H
#define USHER_APP_H

#include "actor.h"
#include "adapter.h"
#include "jobs.h"

extern const struct actor_class app_actor;

extern const struct adapter app_local;   /* kept in the own store: nothing is sent */
extern const struct adapter app_webhook; /* POST, signed as Standard Webhooks */

extern const struct setting app_webhook_settings[];

enum { APP_TABLE_ANSWERS = JOBS_TABLES };

#endif
