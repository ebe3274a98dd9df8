/* Whatever JSON: no event of Paddle's, or a translation as translation.h has it. */
#include "translation.h"

extern const struct provider provider_paddle;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    check_body(&provider_paddle, NULL, bytes, len);
    return 0;
}
