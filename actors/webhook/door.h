/* door.h - from a request to a published event, and back to an answer.
 *
 * Use        door_open() with the actor's loop, client and settings; everything else happens by
 *            itself. The actor takes counts and notes from it on a timer.
 * Promise    A request is answered 200 only after the broker has said that its event is on disk.
 *            One whose signature needs a document from elsewhere waits for it, a deadline long.
 *            Nothing that was not signed by the provider reaches the parser.
 * Limits     DOOR_IN_FLIGHT_MAX events and DOOR_IN_FLIGHT_BYTES_MAX wait for the broker; beyond
 *            that, while the broker is away, and while events older than the answer's deadline
 *            wait, the answer is 503 at once, so that an outage costs no memory.
 * Threads    One. */
#ifndef USHER_DOOR_H
#define USHER_DOOR_H

#include "client.h"
#include "deliveries.h"
#include "outcomes.h"
#include "settings.h"
#include "sources.h"
#include "web.h"

enum { DOOR_IN_FLIGHT_MAX = 2048, DOOR_IN_FLIGHT_BYTES_MAX = 4 << 20 };

struct door;

extern const struct setting door_settings[];

/* Looks at what the settings say, beyond their kinds; `why` gets a line for each mistake. */
enum fault door_check(const struct settings *settings, struct buf *why) NODISCARD;

enum fault door_open(zloop_t *loop, struct client *client, const struct settings *settings,
                     struct door **out, struct buf *why) NODISCARD;
void door_close(struct door **door);

/* Reads the secrets again; what cannot be read leaves those that are known. */
void door_renew_secrets(struct door *door);

const struct sources *door_sources(const struct door *door);
struct deliveries *door_deliveries(struct door *door);
/* Since the start. */
const struct outcomes *door_outcomes(const struct door *door);
/* Since the last call of door_interval_over(). */
const struct outcomes *door_interval(const struct door *door);
void door_interval_over(struct door *door);
size_t door_in_flight(const struct door *door);
size_t door_connections(const struct door *door);

#endif
