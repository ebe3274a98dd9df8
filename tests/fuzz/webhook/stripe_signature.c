/* Whatever header and secrets: a verdict, and never genuine, as nobody here knows how to sign. The
 * input is the header, a zero byte, and the secrets. */
#include "stripe_signature.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = must_malloc(len + 2);
    memcpy(text, bytes, len);
    text[len] = text[len + 1] = '\0';
    const char *header = text;
    const char *secrets = text + strlen(text) + 1;
    enum verdict verdict =
        stripe_signature_check(header, (struct slice){"body", 4}, secrets, 1700000000, 300);
    MUST(verdict != VERDICT_GENUINE && verdict != VERDICT_MISSING);
    free(text);
    return 0;
}
