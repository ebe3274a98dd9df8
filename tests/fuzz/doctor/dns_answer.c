/* Whatever a name server sends: heard once, texts within limits, none when nothing is found. */
#include "dns.h"

#include "must.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void hear(void *self, enum dns_answer answer, const char *const *texts, size_t count)
{
    (*(int *)self)++;
    MUST(count <= DNS_TEXTS_MAX && (answer == DNS_FOUND) == (count > 0));
    for (size_t i = 0; i < count; i++) {
        MUST(strlen(texts[i]) <= DNS_TEXT_BYTES_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    int times = 0;
    if (len > 65535) {
        return 0;
    }
    unsigned char *own = must_malloc(len + 1);
    memcpy(own, bytes, len);
    (void)dns_read(own, (int)len, hear, &times);
    MUST(times == 1);
    free(own);
    return 0;
}
