/* app.h - tells the founder's web app who has access, as it changes.
 *
 * One job for each member, "make the app know version n": a newer one takes the place of an older
 * (access.h has the object that is told). A member that became part of another one is told on under
 * its old id, with what its person has now. The app may ask instead, at the console.
 *
 * An adapter is one file in providers/, found by the build. */
#ifndef USHER_APP_H
#define USHER_APP_H

#include "actor.h"
#include "adapter.h"
#include "jobs.h"

extern const struct actor_class app_actor;

enum { APP_TABLE_ANSWERS = JOBS_TABLES };

#endif
