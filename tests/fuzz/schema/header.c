/* header.c - any bytes as a header frame, and as the body of an EVENTS message. */
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct wire_header header;
    char text[64];
    int64_t number;
    if (wire_parse(bytes, len, &header) == OK) {
        for (size_t i = 0; i <= header.argument_count; i++) {
            (void)wire_text(&header, i, text, sizeof text);
            (void)wire_int(&header, i, &number);
        }
    }
    struct value_cursor cursor = {bytes, bytes + len}, map;
    uint64_t seq;
    while (wire_next_event(&cursor, &seq, &map) == OK) {
    }
    return 0;
}
