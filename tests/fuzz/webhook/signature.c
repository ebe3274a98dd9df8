/* Whatever headers and secrets: a verdict, and never genuine, as nobody here knows how to sign. The
 * input is the header, a zero byte, and the secrets. */
#include "provider.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>

extern const struct provider provider_paddle, provider_lemonsqueezy, provider_standard;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Every header is the same one, but for the time. */
static size_t same_header(const struct post *post, const char *name, const char **values,
                          size_t room)
{
    if (room > 0) {
        values[0] = strstr(name, "timestamp") ? "1700000000" : post->request;
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct provider *const providers[] = {&provider_paddle, &provider_lemonsqueezy,
                                                &provider_standard};
    char *text = must_malloc(len + 2);
    memcpy(text, bytes, len);
    text[len] = text[len + 1] = '\0';
    const struct post post = {.body = {"body", 4}, .request = text, .headers = same_header};
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        enum verdict verdict =
            providers[i]->verify(&post, text + strlen(text) + 1, 1700000000, 300);
        MUST(verdict == VERDICT_MALFORMED || verdict == VERDICT_FORGED);
    }
    free(text);
    return 0;
}
