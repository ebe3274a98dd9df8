#include "throttle.h"

/* FNV-1a, started with the seed and stirred at the end. */
static uint64_t hash(const struct throttle *throttle, const char *who)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325) ^ throttle->seed;
    for (; *who; who++) {
        value = (value ^ (uint8_t)*who) * UINT64_C(0x100000001b3);
    }
    value ^= value >> 33;
    value *= UINT64_C(0xff51afd7ed558ccd);
    return value ^ value >> 33;
}

bool throttle_allows(const struct throttle *throttle, const char *who, int64_t now_ms)
{
    uint64_t value = hash(throttle, who);
    int64_t owed_ms = throttle->slots[value % THROTTLE_SLOTS].full_ms - now_ms;
    return throttle->slots[value % THROTTLE_SLOTS].who != value ||
           owed_ms <= (int64_t)(throttle->burst - 1) * throttle->refill_ms;
}

void throttle_charge(struct throttle *throttle, const char *who, int64_t now_ms)
{
    uint64_t value = hash(throttle, who);
    int64_t *full_ms = &throttle->slots[value % THROTTLE_SLOTS].full_ms;
    if (throttle->slots[value % THROTTLE_SLOTS].who != value || *full_ms < now_ms) {
        throttle->slots[value % THROTTLE_SLOTS].who = value;
        *full_ms = now_ms;
    }
    *full_ms += throttle->refill_ms;
}
