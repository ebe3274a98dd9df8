/* switchboard.h - questions on their way: who asked, who is to answer, until when.
 *
 * Pure bookkeeping: no sockets, no clock. Peers are named by their numbers (peers.h).
 *
 * Use        switchboard_open() gives a ticket for a question that is passed on;
 *            switchboard_close() takes it back with the answer; switchboard_expired() and
 *            switchboard_gone() take out, one a call, what will not be answered.
 * Limits     SWITCHBOARD_TICKETS_MAX questions in all, SWITCHBOARD_PEER_MAX from one asker (BUSY)
 *            or to one actor (UNAVAILABLE: it is full).
 * Threads    One. */
#ifndef USHER_SWITCHBOARD_H
#define USHER_SWITCHBOARD_H

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SWITCHBOARD_TICKETS_MAX = 1024, SWITCHBOARD_PEER_MAX = 64 };

struct ticket {
    int64_t number; /* 0: free */
    uint64_t asker;
    uint64_t target;
    int64_t request; /* the asker's */
    int64_t deadline_ms;
};

struct switchboard;

struct switchboard *switchboard_new(void);
void switchboard_destroy(struct switchboard **board);

enum fault switchboard_open(struct switchboard *board, uint64_t asker, uint64_t target,
                            int64_t request, int64_t deadline_ms, int64_t *number) NODISCARD;

/* False if there is no such ticket, or it is not this target's to answer. */
bool switchboard_close(struct switchboard *board, int64_t number, uint64_t target,
                       struct ticket *out);

/* Takes out one ticket whose deadline has passed. */
bool switchboard_expired(struct switchboard *board, int64_t now_ms, struct ticket *out);

/* A peer is gone: takes out one ticket that waits for its answer. Its own questions are dropped. */
bool switchboard_gone(struct switchboard *board, uint64_t peer, struct ticket *out);

size_t switchboard_count(const struct switchboard *board);

#endif
