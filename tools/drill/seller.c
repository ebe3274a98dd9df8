#include "seller.h"

#include "clock.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

enum { TIMES = 4 };

#define X(provider) extern const struct seller seller_##provider;
#include "seller_table.h"
#undef X

static const struct seller *const sellers[] = {
#define X(provider) &seller_##provider,
#include "seller_table.h"
#undef X
};

const struct seller *seller_find(const char *provider)
{
    for (size_t i = 0; i < sizeof sellers / sizeof *sellers; i++) {
        if (strcmp(sellers[i]->provider, provider) == 0) {
            return sellers[i];
        }
    }
    return NULL;
}

const char *seller_id(const char *prefix, const char *email, int nth, int period,
                      char id[SELLER_TOKEN_CHARS + 16])
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    char *seed = must_sprintf("%s/%s/%d/%d", prefix, email, nth, period);
    sha256(seed, strlen(seed), hash);
    hex_encode(hash, sizeof hash, hex);
    snprintf(id, SELLER_TOKEN_CHARS + 16, "%.15s%.*s", prefix, SELLER_TOKEN_CHARS, hex);
    free(seed);
    return id;
}

const char *seller_time(const struct sale *sale, int64_t later_s)
{
    static char texts[TIMES][CLOCK_TEXT_BYTES];
    static size_t next;
    char *text = texts[next++ % TIMES];
    clock_rfc3339((sale->at_s + later_s) * 1000, text);
    return text;
}

void seller_mac(const char *secret, struct slice first, struct slice second,
                char hex[SHA256_HEX_CHARS + 1])
{
    uint8_t mac[SHA256_BYTES];
    struct slice parts[] = {first, second};
    hmac_sha256((struct slice){secret, strlen(secret)}, parts, 2, mac);
    hex_encode(mac, sizeof mac, hex);
}
