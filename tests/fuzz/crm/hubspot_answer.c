/* hubspot_answer.c - see adapter_fuzz.h */
#include "adapter_fuzz.h"

extern const struct adapter crm_hubspot;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_answer(&crm_hubspot, "crm\n", 5, bytes, len);
    return 0;
}
