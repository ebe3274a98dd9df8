/* home_view.h - "is everything fine?", in one sentence and one colour. Pure.
 *
 * Use        home_view() from what the projection counts, what the broker says of the processes, and
 *            the causes that fail now. Whatever is not known is said to be so, never taken for fine.
 * Shapes     numbers: projection_home(); status: the broker's {"ask":"status"}, NULL while it is
 *            away; problems: problem_views(); alerts: the alert actor's list, NULL while it is away. */
#ifndef USHER_HOME_VIEW_H
#define USHER_HOME_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    HOME_UNSYNCED_MS_MAX = 5 * 60 * 1000, /* sync latency's limit */
    HOME_BOUNCE_PERMILLE_MAX = 20,
    HOME_BOUNCE_MAILS_MIN = 50, /* of fewer mails no rate is made */
    HOME_LAG_MS_MAX = 60 * 1000
};

struct home_seen {
    const json_t *numbers;
    const json_t *status;
    const json_t *problems;
    const json_t *alerts;
    const json_t *partial; /* names of actors that did not answer */
    int64_t now_ms;
};

/* {color, sentence, advice, tiles, problems} (a new tree). */
json_t *home_view(const struct home_seen *seen);

/* Of the broker's peers, those that should always be there: people and the tools come and go. */
bool home_is_actor(const json_t *peer);

/* How one process is, of the broker's peers: "up", "lagging" or "missing". */
const char *home_actor_state(const json_t *peer);

#endif
