#include "standard_webhooks.h"

#include <string.h>

enum { SECRET_CHARS_MAX = 128, SIGNATURE_CHARS = 45 };

bool sw_key(const char *secret, uint8_t *key, size_t *len)
{
    static const char prefix[] = "whsec_";
    if (strncmp(secret, prefix, sizeof prefix - 1) == 0) {
        secret += sizeof prefix - 1;
    }
    return base64_decode(secret, key, len) && *len >= SW_KEY_BYTES_MIN && *len <= SW_KEY_BYTES_MAX;
}

static bool add_signature(const char *secret, const char *id, const char *timestamp,
                          struct slice body, struct buf *out)
{
    uint8_t key[SECRET_CHARS_MAX], mac[SHA256_BYTES];
    char text[SIGNATURE_CHARS];
    size_t len = sizeof key;
    if (!sw_key(secret, key, &len)) {
        return false;
    }
    struct slice parts[] = {
        {id, strlen(id)}, {".", 1}, {timestamp, strlen(timestamp)}, {".", 1}, body};
    hmac_sha256((struct slice){key, len}, parts, sizeof parts / sizeof *parts, mac);
    base64_encode(mac, sizeof mac, text);
    buf_printf(out, "%sv1,%s", out->len ? " " : "", text);
    return true;
}

bool sw_sign(const char *secrets, const char *id, const char *timestamp, struct slice body,
             struct buf *out)
{
    int count = 0;
    for (const char *at = secrets; *at && count < SW_SECRETS_MAX; at += *at == '\n') {
        char line[SECRET_CHARS_MAX];
        size_t len = strcspn(at, "\n"), used = len;
        while (used && strchr(" \t\r", at[used - 1])) {
            used--;
        }
        if (used && used < sizeof line) {
            memcpy(line, at, used);
            line[used] = '\0';
            count += add_signature(line, id, timestamp, body, out);
        }
        at += len;
    }
    return count > 0;
}
