/* event.c - any bytes as an event: parsed, or refused; what is parsed packs to an equal event. */
#include "events.h"
#include "must.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct event event, again;
    if (event_parse(bytes, len, &event) != OK) {
        return 0;
    }
    struct buf packed = {0};
    event_pack(&event, &packed);
    MUST(event_parse(packed.bytes, packed.len, &again) == OK);
    MUST(strcmp(event.id, again.id) == 0 && event.time_ms == again.time_ms);
    json_decref(event_json(&event));
    buf_fini(&packed);
    return 0;
}
