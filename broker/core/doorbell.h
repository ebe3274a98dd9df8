/* doorbell.h - one frame of the bell: the type, a NUL, the sequence number (8 bytes, big-endian). */
#ifndef USHER_DOORBELL_H
#define USHER_DOORBELL_H

#include "events.h"

#include <stddef.h>
#include <stdint.h>

enum { DOORBELL_BYTES_MAX = EVENT_NAME_BYTES_MAX + 1 + 8 };

#define DOORBELL_HEARTBEAT "heartbeat"

/* Returns the frame's length. */
size_t doorbell_frame(const char *type, uint64_t seq, uint8_t frame[DOORBELL_BYTES_MAX]);

#endif
