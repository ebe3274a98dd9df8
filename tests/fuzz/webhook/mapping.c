/* Whatever text as a mapping: mistakes that are told, or a mapping under which a body with much in it
 * is translated as translation.h has it. */
#include "translation.h"

#include "mapping.h"

extern const struct provider provider_standard;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char body[] =
        "{\"type\":\"a\",\"timestamp\":\"2026-10-01T10:00:00Z\",\"data\":{\"id\":\"x\",\"n\":7,"
        "\"status\":\"paid\",\"no\":false,\"nil\":null,\"email\":\"a@example.com\","
        "\"metadata\":{\"user_id\":\"u\"},\"list\":[{\"id\":\"x\",\"at\":1790000000},{}]}}";
    struct mapping *mapping = NULL;
    struct buf why = {0};
    if (mapping_parse("own.cfg", bytes, len, &mapping, &why) == OK) {
        MUST(mapping && why.len == 0);
        check_body(&provider_standard, mapping, (const uint8_t *)body, sizeof body - 1);
        mapping_destroy(&mapping);
    } else {
        MUST(!mapping && why.len > 0);
    }
    buf_fini(&why);
    return 0;
}
