/* Whatever JSON: no event of Lemon Squeezy's, or a translation as translation.h has it. */
#include "translation.h"

extern const struct provider provider_lemonsqueezy;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    check_body(&provider_lemonsqueezy, NULL, bytes, len);
    return 0;
}
