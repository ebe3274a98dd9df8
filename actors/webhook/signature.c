#include "signature.h"

#include <ctype.h>
#include <string.h>

struct signature {
    struct slice time; /* as it stands in the header: these characters are signed */
    int64_t time_s;
    uint8_t digests[SIGNATURE_DIGESTS_MAX][SHA256_BYTES];
    size_t count;
};

static bool read_time(struct slice text, int64_t *seconds)
{
    enum { DIGITS_MAX = 15 };
    if (text.len == 0 || text.len > DIGITS_MAX) {
        return false;
    }
    *seconds = 0;
    for (size_t i = 0; i < text.len; i++) {
        char digit = ((const char *)text.bytes)[i];
        if (!isdigit((unsigned char)digit)) {
            return false;
        }
        *seconds = *seconds * 10 + (digit - '0');
    }
    return true;
}

static bool is_word(struct slice text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.bytes, word, text.len) == 0;
}

/* A digest that is not 64 hex digits cannot be right and is passed over, as another name is. */
static bool read_part(struct signature *signature, const struct signature_scheme *scheme,
                      struct slice name, struct slice value)
{
    if (is_word(name, scheme->time)) {
        if (signature->time.bytes) {
            return false;
        }
        signature->time = value;
        return read_time(value, &signature->time_s);
    }
    if (is_word(name, scheme->digest)) {
        if (signature->count == SIGNATURE_DIGESTS_MAX) {
            return false;
        }
        if (hex_decode(value.bytes, value.len, signature->digests[signature->count],
                       SHA256_BYTES)) {
            signature->count++;
        }
    }
    return true;
}

static bool read_header(const char *header, const struct signature_scheme *scheme,
                        struct signature *signature)
{
    const char between[] = {scheme->between, '\0'};
    if (strlen(header) > SIGNATURE_HEADER_CHARS_MAX) {
        return false;
    }
    for (const char *at = header;;) {
        at += strspn(at, " \t");
        size_t chars = strcspn(at, between);
        const char *equals = memchr(at, '=', chars);
        if (!equals) {
            return false;
        }
        size_t name_chars = (size_t)(equals - at);
        size_t value_chars = chars - name_chars - 1;
        while (value_chars && strchr(" \t", equals[value_chars])) {
            value_chars--;
        }
        if (!read_part(signature, scheme, (struct slice){at, name_chars},
                       (struct slice){equals + 1, value_chars})) {
            return false;
        }
        if (at[chars] == '\0') {
            break;
        }
        at += chars + 1;
    }
    return signature->time.bytes && signature->count;
}

/* The next secret, without the blanks around it; false at the end. Moves *at behind it. */
static bool next_secret(const char **at, struct slice *secret)
{
    while (**at) {
        size_t chars = strcspn(*at, "\r\n");
        const char *begin = *at;
        *at += chars;
        *at += strspn(*at, "\r\n");
        while (chars && isspace((unsigned char)*begin)) {
            begin++;
            chars--;
        }
        while (chars && isspace((unsigned char)begin[chars - 1])) {
            chars--;
        }
        if (chars) {
            *secret = (struct slice){begin, chars};
            return true;
        }
    }
    return false;
}

bool signature_is_sha256(const char *secrets, const struct slice *parts, size_t count,
                         const uint8_t wanted[SHA256_BYTES])
{
    bool found = false;
    struct slice secret;
    for (int i = 0; i < SIGNATURE_SECRETS_MAX && next_secret(&secrets, &secret); i++) {
        uint8_t mac[SHA256_BYTES];
        hmac_sha256(secret, parts, count, mac);
        found = digest_same(mac, wanted, sizeof mac) || found;
    }
    return found;
}

bool signature_is_sha1(const char *secrets, const struct slice *parts, size_t count,
                       const uint8_t wanted[SHA1_BYTES])
{
    bool found = false;
    struct slice secret;
    for (int i = 0; i < SIGNATURE_SECRETS_MAX && next_secret(&secrets, &secret); i++) {
        uint8_t mac[SHA1_BYTES];
        hmac_sha1(secret, parts, count, mac);
        found = digest_same(mac, wanted, sizeof mac) || found;
    }
    return found;
}

/* Digests are compared, which have one length, whatever the secrets' are. */
bool signature_is_secret(const char *secrets, struct slice text)
{
    bool found = false;
    struct slice secret;
    uint8_t wanted[SHA256_BYTES];
    sha256(text.bytes, text.len, wanted);
    for (int i = 0; i < SIGNATURE_SECRETS_MAX && next_secret(&secrets, &secret); i++) {
        uint8_t digest[SHA256_BYTES];
        sha256(secret.bytes, secret.len, digest);
        found = digest_same(digest, wanted, sizeof digest) || found;
    }
    return found;
}

enum verdict signature_age(int64_t signed_s, int64_t now_s, int64_t tolerance_s)
{
    int64_t age_s = now_s - signed_s;
    return age_s > tolerance_s || age_s < -tolerance_s ? VERDICT_STALE : VERDICT_GENUINE;
}

/* Is one of the digests made of the parts with one of the secrets? */
static bool matches(const struct signature *signature, const struct slice *parts, size_t count,
                    const char *secrets)
{
    bool found = false;
    struct slice secret;
    const char *at = secrets;
    for (int tried = 0; tried < SIGNATURE_SECRETS_MAX && next_secret(&at, &secret); tried++) {
        uint8_t mac[SHA256_BYTES];
        hmac_sha256(secret, parts, count, mac);
        for (size_t i = 0; i < signature->count; i++) {
            found = digest_same(mac, signature->digests[i], sizeof mac) || found;
        }
    }
    return found;
}

enum verdict signature_check(const struct signature_scheme *scheme, const char *header,
                             struct slice body, const char *secrets, int64_t now_s,
                             int64_t tolerance_s)
{
    struct signature signature = {.count = 0};
    if (!read_header(header, scheme, &signature)) {
        return VERDICT_MALFORMED;
    }
    const struct slice parts[] = {
        signature.time, {scheme->joint, strlen(scheme->joint)}, {body.bytes, body.len}};
    if (!matches(&signature, parts, 3, secrets)) {
        return VERDICT_FORGED;
    }
    return signature_age(signature.time_s, now_s, tolerance_s);
}

enum verdict signature_check_body(const char *header, struct slice body, const char *secrets)
{
    struct signature signature = {.count = 1};
    if (!hex_decode(header, strlen(header), signature.digests[0], SHA256_BYTES)) {
        return VERDICT_MALFORMED;
    }
    return matches(&signature, &body, 1, secrets) ? VERDICT_GENUINE : VERDICT_FORGED;
}
