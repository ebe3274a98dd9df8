/* Whatever bytes: a fault, or a tape that can be walked whole, and never past its limits. */
#include "json_tape.h"

#include "must.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static size_t walk(const struct tape *tape, uint32_t at, int depth)
{
    MUST(depth <= TAPE_DEPTH_MAX);
    size_t count = 1;
    count += strlen(tape_text(tape, at)) == SIZE_MAX;
    for (uint32_t c = tape_first(tape, at); c; c = tape_next(tape, at, c)) {
        MUST(c > at);
        MUST(tape_kind(tape, at) != TAPE_OBJECT || tape_get(tape, at, tape_key(tape, c)) ||
             strlen(tape_key(tape, c)) == 0 || tape_key(tape, c));
        count += walk(tape, c, depth + 1);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct tape tape;
    if (tape_parse(&tape, bytes, len) == OK) {
        MUST(walk(&tape, TAPE_ROOT, 0) == tape.count - 1);
    } else {
        MUST(tape_kind(&tape, TAPE_ROOT) == TAPE_NOTHING);
    }
    return 0;
}
