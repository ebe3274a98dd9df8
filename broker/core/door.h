/* door.h - the broker's sockets and its loop: ROUTER for messages, PUB for bells, CURVE on both.
 *
 * The loop takes all that has arrived, up to a full batch; commits it; answers; rings. Nothing waits
 * for more to arrive: what comes during a commit is the next batch. Nothing blocks on a peer.
 *
 * Use        door_open() binds; door_run() returns OK after SIGTERM or SIGINT, FAULT_IO when the
 *            journal failed.
 * Promise    The ZAP handler answers before the first bind. The ipc folder is 0700.
 * Threads    One (libzmq has its own). SIGTERM and SIGINT are to be blocked before any thread. */
#ifndef USHER_DOOR_H
#define USHER_DOOR_H

#include "buf.h"
#include "fault.h"
#include "journal.h"

enum {
    DOOR_SEND_HWM = 1000,
    DOOR_RECEIVE_HWM = 1000,
    DOOR_BELL_HWM = 1000,
    /* Of a subscription, and of the handshake before it. libzmq keeps a node for each byte. */
    DOOR_BELL_BYTES_MAX = 1024,
    DOOR_HANDSHAKE_MS = 3000,
    DOOR_PING_MS = 2000,
    DOOR_PING_TIMEOUT_MS = 6000,
    DOOR_BACKLOG = 128,
    DOOR_KEYS_MS = 1000 /* how often the key files are looked at */
};

struct door;

enum fault door_open(const char *home, struct journal *journal, struct door **out,
                     struct buf *why) NODISCARD;
void door_close(struct door **door);
enum fault door_run(struct door *door) NODISCARD;

#endif
