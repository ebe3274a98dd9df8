/* Whatever JSON, under the shipped mappings: no event, or a translation as translation.h has it. */
#include "translation.h"

#include "mapping.h"

extern const struct provider provider_standard;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const names[] = {"polar", "clerk"};
    static struct mapping *mappings[2];
    for (size_t i = 0; i < 2; i++) {
        struct buf why = {0};
        MUST(mappings[i] || mapping_read("/", names[i], &mappings[i], &why) == OK);
        check_body(&provider_standard, mappings[i], bytes, len);
    }
    return 0;
}
