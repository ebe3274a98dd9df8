#include "attempts.h"

#include <string.h>

/* FNV-1a, with a secret start. */
static uint64_t hash_of(const struct attempts *attempts, const char *text)
{
    uint64_t hash = 14695981039346656037ULL ^ attempts->seed;
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211ULL;
    }
    return hash ? hash : 1;
}

static int64_t wait_of(const struct attempt *attempt, uint64_t who, int64_t most_ms, int64_t now_ms)
{
    if (attempt->who != who || attempt->failures < ATTEMPTS_FREE ||
        now_ms - attempt->last_ms > ATTEMPTS_FORGET_MS) {
        return 0;
    }
    int doublings = attempt->failures - ATTEMPTS_FREE;
    int64_t delay = doublings > 20 ? most_ms : (int64_t)ATTEMPTS_FIRST_MS << doublings;
    delay = delay < most_ms ? delay : most_ms;
    int64_t left = attempt->last_ms + delay - now_ms;
    return left > 0 ? left : 0;
}

int64_t attempts_wait_ms(const struct attempts *attempts, const char *account, const char *address,
                         int known, int64_t now_ms)
{
    uint64_t who = hash_of(attempts, account), where = hash_of(attempts, address);
    int64_t by_address = wait_of(&attempts->addresses[where % ATTEMPTS_SLOTS], where,
                                 ATTEMPTS_ADDRESS_MS_MAX, now_ms);
    int64_t by_account = known ? 0
                               : wait_of(&attempts->accounts[who % ATTEMPTS_SLOTS], who,
                                         ATTEMPTS_ACCOUNT_MS_MAX, now_ms);
    return by_address > by_account ? by_address : by_account;
}

static void count(struct attempt *attempt, uint64_t who, int64_t now_ms)
{
    if (attempt->who != who || now_ms - attempt->last_ms > ATTEMPTS_FORGET_MS) {
        *attempt = (struct attempt){.who = who};
    }
    attempt->failures++;
    attempt->last_ms = now_ms;
}

void attempts_failed(struct attempts *attempts, const char *account, const char *address,
                     int64_t now_ms)
{
    uint64_t who = hash_of(attempts, account), where = hash_of(attempts, address);
    count(&attempts->accounts[who % ATTEMPTS_SLOTS], who, now_ms);
    count(&attempts->addresses[where % ATTEMPTS_SLOTS], where, now_ms);
}

void attempts_good(struct attempts *attempts, const char *account, const char *address)
{
    uint64_t who = hash_of(attempts, account), where = hash_of(attempts, address);
    if (attempts->accounts[who % ATTEMPTS_SLOTS].who == who) {
        memset(&attempts->accounts[who % ATTEMPTS_SLOTS], 0, sizeof(struct attempt));
    }
    struct attempt *at = &attempts->addresses[where % ATTEMPTS_SLOTS];
    if (at->who == where && at->failures > 0) {
        at->failures--;
    }
}
