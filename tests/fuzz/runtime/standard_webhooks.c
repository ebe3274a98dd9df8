/* Whatever header, time and secrets: a verdict, and never genuine, as nobody here knows how to sign.
 * The input is the header, a zero byte, the time, a zero byte, and the secrets. */
#include "standard_webhooks.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = must_malloc(len + 3);
    memcpy(text, bytes, len);
    text[len] = text[len + 1] = text[len + 2] = '\0';
    const char *time = text + strlen(text) + 1;
    const char *secrets = time + strlen(time) + 1;
    enum sw_verdict verdict =
        sw_check(secrets, "id", time, (struct slice){"body", 4}, text, 1700000000, 300);
    MUST(verdict == SW_MALFORMED || verdict == SW_FORGED);
    free(text);
    return 0;
}
