#include "switchboard.h"

#include "must.h"

#include <stdlib.h>

/* A short list, walked: questions are rare, and there are at most a thousand. */
struct switchboard {
    struct ticket tickets[SWITCHBOARD_TICKETS_MAX];
    size_t count;
    int64_t number;
};

struct switchboard *switchboard_new(void)
{
    return must_calloc(1, sizeof(struct switchboard));
}

void switchboard_destroy(struct switchboard **board)
{
    free(*board);
    *board = NULL;
}

enum fault switchboard_open(struct switchboard *board, uint64_t asker, uint64_t target,
                            int64_t request, int64_t deadline_ms, int64_t *number)
{
    size_t asked = 0, waiting = 0;
    for (size_t i = 0; i < board->count; i++) {
        asked += board->tickets[i].asker == asker;
        waiting += board->tickets[i].target == target;
    }
    if (asked >= SWITCHBOARD_PEER_MAX || board->count == SWITCHBOARD_TICKETS_MAX) {
        return FAULT_BUSY;
    }
    if (waiting >= SWITCHBOARD_PEER_MAX) {
        return FAULT_UNAVAILABLE;
    }
    *number = ++board->number;
    board->tickets[board->count++] = (struct ticket){.number = *number,
                                                     .asker = asker,
                                                     .target = target,
                                                     .request = request,
                                                     .deadline_ms = deadline_ms};
    return OK;
}

static void take_out(struct switchboard *board, size_t at, struct ticket *out)
{
    *out = board->tickets[at];
    board->tickets[at] = board->tickets[--board->count];
}

bool switchboard_close(struct switchboard *board, int64_t number, uint64_t target,
                       struct ticket *out)
{
    for (size_t i = 0; i < board->count; i++) {
        if (board->tickets[i].number == number && board->tickets[i].target == target) {
            take_out(board, i, out);
            return true;
        }
    }
    return false;
}

bool switchboard_expired(struct switchboard *board, int64_t now_ms, struct ticket *out)
{
    for (size_t i = 0; i < board->count; i++) {
        if (board->tickets[i].deadline_ms <= now_ms) {
            take_out(board, i, out);
            return true;
        }
    }
    return false;
}

bool switchboard_gone(struct switchboard *board, uint64_t peer, struct ticket *out)
{
    for (size_t i = board->count; i-- > 0;) {
        if (board->tickets[i].asker == peer) {
            take_out(board, i, out);
        }
    }
    for (size_t i = 0; i < board->count; i++) {
        if (board->tickets[i].target == peer) {
            take_out(board, i, out);
            return true;
        }
    }
    return false;
}

size_t switchboard_count(const struct switchboard *board)
{
    return board->count;
}
