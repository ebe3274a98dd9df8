/* Whatever headers and networks: an address that was named, or the peer's; never that of an
 * untrusted peer's choice. The input is the networks, a zero byte, and the headers, one a line. */
#include "addresses.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    enum { HEADERS_MAX = 8 };
    char *text = must_malloc(len + 2);
    memcpy(text, bytes, len);
    text[len] = text[len + 1] = '\0';
    const char *headers[HEADERS_MAX];
    size_t count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text + strlen(text) + 1, "\n", &rest); line && count < HEADERS_MAX;
         line = strtok_r(NULL, "\n", &rest)) {
        headers[count++] = line;
    }
    struct networks networks;
    struct address peer, found;
    char written[ADDRESS_TEXT_BYTES];
    MUST(address_parse("127.0.0.1", strlen("127.0.0.1"), &peer));
    if (networks_parse(text, &networks)) {
        found = address_forwarded(&networks, &peer, headers, count);
        MUST(*address_text(&found, written));
        MUST(networks_have(&networks, &peer) || address_same(&found, &peer));
    }
    free(text);
    return 0;
}
