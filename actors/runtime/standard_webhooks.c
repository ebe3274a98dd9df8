#include "standard_webhooks.h"

#include <string.h>

#define VERSION "v1,"

enum { SECRET_CHARS_MAX = 128, SIGNATURE_CHARS = sizeof VERSION + 44 };

bool sw_key(const char *secret, uint8_t *key, size_t *len)
{
    static const char prefix[] = "whsec_";
    if (strncmp(secret, prefix, sizeof prefix - 1) == 0) {
        secret += sizeof prefix - 1;
    }
    return base64_decode(secret, key, len) && *len >= SW_KEY_BYTES_MIN && *len <= SW_KEY_BYTES_MAX;
}

/* "v1,<base64>" of one secret; false if it is none. */
static bool signature_of(const char *secret, const char *id, const char *timestamp,
                         struct slice body, char text[SIGNATURE_CHARS])
{
    uint8_t key[SECRET_CHARS_MAX], mac[SHA256_BYTES];
    size_t len = sizeof key;
    if (!sw_key(secret, key, &len)) {
        return false;
    }
    struct slice parts[] = {
        {id, strlen(id)}, {".", 1}, {timestamp, strlen(timestamp)}, {".", 1}, body};
    hmac_sha256((struct slice){key, len}, parts, sizeof parts / sizeof *parts, mac);
    memcpy(text, VERSION, sizeof VERSION - 1);
    base64_encode(mac, sizeof mac, text + sizeof VERSION - 1);
    return true;
}

/* The next line that is not empty, without blanks at its end; NULL: none. Moves *at behind it. */
static const char *next_secret(const char **at, char line[SECRET_CHARS_MAX])
{
    while (**at) {
        size_t len = strcspn(*at, "\n"), used = len;
        const char *begin = *at;
        *at += len + ((*at)[len] == '\n');
        while (used > 0 && strchr(" \t\r", begin[used - 1])) {
            used--;
        }
        if (used > 0 && used < SECRET_CHARS_MAX) {
            memcpy(line, begin, used);
            line[used] = '\0';
            return line;
        }
    }
    return NULL;
}

bool sw_sign(const char *secrets, const char *id, const char *timestamp, struct slice body,
             struct buf *out)
{
    char line[SECRET_CHARS_MAX], text[SIGNATURE_CHARS];
    int count = 0;
    for (const char *at = secrets; count < SW_SECRETS_MAX && next_secret(&at, line);) {
        if (signature_of(line, id, timestamp, body, text)) {
            buf_printf(out, "%s%s", count > 0 ? " " : "", text);
            count++;
        }
    }
    return count > 0;
}

static bool among(const char *header, const char *wanted)
{
    bool found = false;
    size_t len = strlen(wanted);
    for (const char *at = header; *at;) {
        size_t word = strcspn(at, " ");
        found = (word == len && digest_same(at, wanted, len)) || found;
        at += word + (at[word] == ' ');
    }
    return found;
}

/* Decimal seconds, as strict as they are written. */
static bool is_now(const char *timestamp, int64_t now_ms)
{
    int64_t seconds = 0;
    size_t len = strlen(timestamp);
    if (len == 0 || len > 12 || strspn(timestamp, "0123456789") != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        seconds = seconds * 10 + (timestamp[i] - '0');
    }
    int64_t away = now_ms / 1000 - seconds;
    return away <= SW_TOLERANCE_S && away >= -SW_TOLERANCE_S;
}

bool sw_verify(const char *secrets, const char *id, const char *timestamp, struct slice body,
               const char *header, int64_t now_ms)
{
    char line[SECRET_CHARS_MAX], text[SIGNATURE_CHARS];
    bool good = false;
    int count = 0;
    for (const char *at = secrets; count < SW_SECRETS_MAX && next_secret(&at, line);) {
        if (signature_of(line, id, timestamp, body, text)) {
            good = among(header, text) || good;
            count++;
        }
    }
    return good && is_now(timestamp, now_ms);
}
