#include "doorbell.h"

#include "must.h"

#include <string.h>

size_t doorbell_frame(const char *type, uint64_t seq, uint8_t frame[DOORBELL_BYTES_MAX])
{
    size_t len = strlen(type) + 1;
    MUST(len + 8 <= DOORBELL_BYTES_MAX);
    memcpy(frame, type, len);
    for (int shift = 56; shift >= 0; shift -= 8) {
        frame[len++] = (uint8_t)(seq >> shift);
    }
    return len;
}
