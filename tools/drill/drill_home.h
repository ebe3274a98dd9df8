/* drill_home.h - the founder's configuration in a scratch home, with everything in it that could
 * reach the outside replaced.
 *
 * Use        drill_home_fill() writes usher.cfg, rules.cfg, templates, keys and secrets and opens a
 *            stand-in for each target; drill_home_sealed() then looks at what was written as if
 *            somebody else had.
 * Promise    Providers, rules, templates and limits stay as the founder has them. No secret of the
 *            founder's is copied, no address but loopback is left, and who finds one says so and
 *            the drill does not begin. Of times only back-off, probes, the pace of calls and the
 *            settle times of rules that have one by nature are changed; each change stands in
 *            `changed`. Nothing is written in the founder's home. */
#ifndef USHER_DRILL_HOME_H
#define USHER_DRILL_HOME_H

#include "buf.h"
#include "fault.h"
#include "stand.h"

enum { DRILL_STANDS_MAX = 32 };

#define DRILL_RETRY_FIRST "100ms"
#define DRILL_RETRY_MAX   "400ms"
#define DRILL_PROBE       "200ms"
#define DRILL_RATE        "100000" /* a stand-in has no limit of its own */
#define DRILL_SETTLE      "200ms"

/* Who posts to the webhook, as the drill does in their place. */
struct drill_source {
    char kind[16]; /* "payment", "support", "mail" */
    char provider[32];
    char name[48]; /* in its path */
    char secret[80];
    char product[80]; /* the first of those that count; "": all do */
};
enum { DRILL_SOURCES_MAX = 16 };

struct drill_home {
    zloop_t *loop;    /* for the stand-ins */
    const char *from; /* the founder's home */
    const char *home; /* the scratch home, made by `usher init` */
    int webhook_port, console_port;
    struct stand *stands[DRILL_STANDS_MAX];
    size_t stand_count;
    struct drill_source sources[DRILL_SOURCES_MAX];
    size_t source_count;
    size_t payments;     /* which of them tells of payments in the drill */
    bool keeps_notices;  /* a hook of the alert's is usher's own list */
    json_t *changed;     /* [{"setting", "now"}] */
    json_t *not_drilled; /* [{"actor", "provider"}]: nothing stands in for them */
    size_t secrets;      /* how many of the drill's own took a secret's place */
};

/* The first source of that kind and provider; NULL if there is none. */
const struct drill_source *drill_home_source(const struct drill_home *drill, const char *kind,
                                             const char *provider);

/* CONFIG, IO, ...: `why` says it, a line each. What was opened is there in any case. */
enum fault drill_home_fill(struct drill_home *drill, struct buf *why) NODISCARD;

/* Does that section of usher.cfg say where effects go? (The alert's hooks do beside these.) */
bool drill_home_is_target(const char *name);

/* OK if no value of `home`/usher.cfg leads anywhere but to loopback and into the home. */
enum fault drill_home_sealed(const char *home, struct buf *why) NODISCARD;

/* Closes the stand-ins and frees the lists; safe twice. */
void drill_home_fini(struct drill_home *drill);

#endif
