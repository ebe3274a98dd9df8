/* console.h - the founder's page and the web app's question: what the console's files share.
 *
 * The console is an actor like the others: it reads the journal into a projection of its own
 * (projection.h), asks the other actors what only they know (gather.h), and publishes what people do
 * (act.h). Who may come in is decided at one place (gate.h) by one table (route_table.h).
 *
 *   console.c        the actor: settings, the web server, the feed
 *   gate.c           a request until its handler: who, may they, CSRF
 *   reply.c          answers: the envelope, masking, problems
 *   gather.c         questions to other actors, all at once
 *   act.c            what a person does, as an event
 *   handle_*.c       the handlers of route_table.h, one file a room
 *   *_view.c         pure: from what was gathered to what is shown
 *   people.c ...     who may sign in (vault.h): no projection, never in the journal
 * Threads    One: everything happens in the actor's loop. */
#ifndef USHER_CONSOLE_H
#define USHER_CONSOLE_H

#include "actor.h"
#include "vault.h"
#include "web.h"

#include <stdbool.h>
#include <stdint.h>

extern const struct actor_class console_actor;

struct act;
struct live;
struct tokens;

struct console {
    struct actor *actor;
    struct web *web;
    struct vault *vault;
    struct live *live;
    struct tokens *tokens; /* what access answers are signed with */
    struct act *acts;      /* whose event has not come back yet */
    const char *url;       /* under which people reach it, without a slash at the end */
    bool secure;           /* by https: cookies say so */
    bool live_mode;        /* of the payment provider */
    int64_t requests, refused;
};

/* --- a request at its handler ------------------------------------------------------------------ */

enum identity_kind { IDENTITY_NONE, IDENTITY_PERSON, IDENTITY_KEY };

struct identity {
    enum identity_kind kind;
    char name[64];    /* of the person, or the key's */
    unsigned rights;  /* of the role (roles_table.h) */
    unsigned scopes;  /* of the key (scopes_table.h) */
    char session[17]; /* its public id */
    char csrf[65];
};

struct route_row;

/* Lives as long as the handler runs; what goes on later copies `ticket` and `identity`. */
struct visit {
    struct console *console;
    struct web_request *request;
    const struct route_row *row;
    struct identity identity;
    json_t *body; /* of an act: the object that came; NULL else */
};

typedef void visit_handler(struct visit *visit);

#endif
