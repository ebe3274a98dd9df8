/* attempts.h - how often somebody may guess: delays that grow, for an account and for an address. Pure.
 *
 * Use        attempts_wait_ms() before a guess is looked at; attempts_failed() and attempts_good()
 *            after.
 * Promise    ATTEMPTS_FREE guesses are free, then every further one waits twice as long: an address up
 *            to 15 minutes, an account up to one, and an account not at all for the address that it
 *            was used from last: nobody can keep its owner out by guessing from elsewhere.
 * Limits     ATTEMPTS_SLOTS of each are remembered; a newcomer takes the place of one that hashes
 *            alike: a flood of addresses forgets, and blocks no stranger. */
#ifndef USHER_ATTEMPTS_H
#define USHER_ATTEMPTS_H

#include <stdint.h>

enum {
    ATTEMPTS_FREE = 5,
    ATTEMPTS_SLOTS = 1024,
    ATTEMPTS_FIRST_MS = 1000,
    ATTEMPTS_ACCOUNT_MS_MAX = 60 * 1000,
    ATTEMPTS_ADDRESS_MS_MAX = 15 * 60 * 1000,
    ATTEMPTS_FORGET_MS = 60 * 60 * 1000
};

struct attempt {
    uint64_t who;
    int failures;
    int64_t last_ms;
};

struct attempts {
    uint64_t seed; /* random: nobody can aim at another's slot */
    struct attempt accounts[ATTEMPTS_SLOTS];
    struct attempt addresses[ATTEMPTS_SLOTS];
};

/* 0: go on. `known`: the address is the one that the account was used from last. */
int64_t attempts_wait_ms(const struct attempts *attempts, const char *account, const char *address,
                         int known, int64_t now_ms);
void attempts_failed(struct attempts *attempts, const char *account, const char *address,
                     int64_t now_ms);
/* The account begins anew. An address only gets one back: else one account of one's own would buy free
 * guesses at those of others. */
void attempts_good(struct attempts *attempts, const char *account, const char *address);

#endif
