/* sights.h - what the alert actor looks at itself: the other actors, and the disk.
 *
 * Use        sights_heard() with each answer of the broker to a beat; sights_look() before each
 *            judgement.
 * Promise    Nothing is said of the actors while the broker is silent: not knowing is no alert.
 * Threads    One. Time is a parameter, monotonic. */
#ifndef USHER_SIGHTS_H
#define USHER_SIGHTS_H

#include "watch.h"

enum {
    SIGHTS_ACTORS_MAX = 16,
    SIGHTS_MAX = 2 * SIGHTS_ACTORS_MAX + 1,
    SIGHTS_STALE_MS = 3000, /* without news of the broker */
    SIGHTS_DISK_SLACK = 2,  /* per cent below the limit before it is over */
    SIGHTS_TEXT_BYTES = 200
};

struct sights_actor {
    const char *name;
    int64_t there_ms; /* when it was last seen connected; since knowing began if never */
    int64_t oldest_ms;
};

struct sights {
    const char *home;
    int64_t lag_ms_max;
    int64_t disk_percent_max;
    struct sights_actor actors[SIGHTS_ACTORS_MAX];
    size_t actor_count;
    int64_t heard_ms; /* 0: never */
    int disk_percent; /* last measured; -1: unknown */
    bool disk_full;
    char texts[SIGHTS_MAX][SIGHTS_TEXT_BYTES];
};

/* Expects every actor of the rights table that takes part, but not itself. */
void sights_init(struct sights *sights, const char *home, int64_t lag_ms_max,
                 int64_t disk_percent_max);
void sights_heard(struct sights *sights, const char *name, bool connected, int64_t oldest_ms,
                  int64_t now_ms);
/* Fills `out` (SIGHTS_MAX); texts live as long as `sights`. Returns how many. */
size_t sights_look(struct sights *sights, int64_t now_ms, struct watch_sight *out);

#endif
