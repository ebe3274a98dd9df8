/* kit_answer.c - see adapter_fuzz.h */
#include "adapter_fuzz.h"

extern const struct adapter crm_kit;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_answer(&crm_kit, "crm\n    state_field = mood\n", 8, bytes, len);
    return 0;
}
