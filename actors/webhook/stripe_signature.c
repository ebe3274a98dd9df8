#include "stripe_signature.h"

#include <ctype.h>
#include <string.h>

struct signature {
    const char *time; /* as it stands in the header: these characters are signed */
    size_t time_chars;
    int64_t time_s;
    uint8_t digests[SIGNATURE_DIGESTS_MAX][SHA256_BYTES];
    size_t count;
};

static bool read_time(const char *text, size_t chars, int64_t *seconds)
{
    enum { DIGITS_MAX = 15 };
    if (chars == 0 || chars > DIGITS_MAX) {
        return false;
    }
    *seconds = 0;
    for (size_t i = 0; i < chars; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return false;
        }
        *seconds = *seconds * 10 + (text[i] - '0');
    }
    return true;
}

/* A v1 that is not 64 hex digits cannot be right and is passed over, as another scheme is. */
static bool read_part(struct signature *signature, const char *name, size_t name_chars,
                      const char *value, size_t value_chars)
{
    if (name_chars == 1 && name[0] == 't') {
        if (signature->time) {
            return false;
        }
        signature->time = value;
        signature->time_chars = value_chars;
        return read_time(value, value_chars, &signature->time_s);
    }
    if (name_chars == 2 && memcmp(name, "v1", 2) == 0) {
        if (signature->count == SIGNATURE_DIGESTS_MAX) {
            return false;
        }
        if (hex_decode(value, value_chars, signature->digests[signature->count], SHA256_BYTES)) {
            signature->count++;
        }
    }
    return true;
}

static bool read_header(const char *header, struct signature *signature)
{
    if (strlen(header) > SIGNATURE_HEADER_CHARS_MAX) {
        return false;
    }
    for (const char *at = header;;) {
        at += strspn(at, " \t");
        size_t chars = strcspn(at, ",");
        const char *equals = memchr(at, '=', chars);
        if (!equals) {
            return false;
        }
        size_t name_chars = (size_t)(equals - at);
        size_t value_chars = chars - name_chars - 1;
        while (value_chars && strchr(" \t", equals[value_chars])) {
            value_chars--;
        }
        if (!read_part(signature, at, name_chars, equals + 1, value_chars)) {
            return false;
        }
        if (at[chars] == '\0') {
            break;
        }
        at += chars + 1;
    }
    return signature->time && signature->count;
}

static bool matches(const struct signature *signature, struct slice body, const char *secrets)
{
    const struct slice parts[] = {
        {signature->time, signature->time_chars}, {".", 1}, {body.bytes, body.len}};
    unsigned found = 0;
    size_t tried = 0;
    for (const char *at = secrets; *at && tried < SIGNATURE_SECRETS_MAX;) {
        size_t chars = strcspn(at, "\r\n");
        const char *next = at + chars;
        while (chars && isspace((unsigned char)*at)) {
            at++;
            chars--;
        }
        while (chars && isspace((unsigned char)at[chars - 1])) {
            chars--;
        }
        if (chars) {
            uint8_t mac[SHA256_BYTES];
            hmac_sha256((struct slice){at, chars}, parts, 3, mac);
            for (size_t i = 0; i < signature->count; i++) {
                found |= digest_same(mac, signature->digests[i], sizeof mac);
            }
            tried++;
        }
        at = next + strspn(next, "\r\n");
    }
    return found;
}

enum verdict stripe_signature_check(const char *header, struct slice body, const char *secrets,
                                    int64_t now_s, int64_t tolerance_s)
{
    struct signature signature = {0};
    if (!read_header(header, &signature)) {
        return VERDICT_MALFORMED;
    }
    if (!matches(&signature, body, secrets)) {
        return VERDICT_FORGED;
    }
    int64_t age_s = now_s - signature.time_s;
    return age_s > tolerance_s || age_s < -tolerance_s ? VERDICT_STALE : VERDICT_GENUINE;
}
