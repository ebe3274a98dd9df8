/* mailchimp_answer.c - see adapter_fuzz.h */
#include "adapter_fuzz.h"

extern const struct adapter crm_mailchimp;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_answer(&crm_mailchimp, "crm\n    list = x\n", 4, bytes, len);
    return 0;
}
