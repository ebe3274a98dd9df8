/* throttle.h - how often somebody may be wrong: a token bucket per address, in bounded memory. Pure.
 *
 * Use        throttle_allows() before work is spent on a request, throttle_charge() when it turned
 *            out to be bad. Who is never wrong never waits.
 * Limits     THROTTLE_SLOTS addresses are remembered; a newcomer takes the place of one that hashes
 *            alike, so that a flood of addresses forgets, and never blocks a stranger. */
#ifndef USHER_THROTTLE_H
#define USHER_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

enum { THROTTLE_SLOTS = 1024 };

struct throttle {
    int burst;     /* so many at once */
    int refill_ms; /* then one each */
    uint64_t seed; /* random: nobody can aim at another's slot */
    struct {
        uint64_t who;
        int64_t full_ms; /* when the bucket is full again */
    } slots[THROTTLE_SLOTS];
};

bool throttle_allows(const struct throttle *throttle, const char *who, int64_t now_ms);
void throttle_charge(struct throttle *throttle, const char *who, int64_t now_ms);

#endif
