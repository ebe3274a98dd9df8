#include "standard_webhooks.h"

#include <string.h>

#define VERSION        "v1,"
#define VERSION_PUBLIC "v1a,"

static const char prefix[] = "whsec_", prefix_public[] = "whpk_";

enum { SECRET_CHARS_MAX = 128, SIGNATURE_CHARS = sizeof VERSION + 44 };

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool sw_key(const char *secret, uint8_t *key, size_t *len)
{
    secret += starts(secret, prefix) ? sizeof prefix - 1 : 0;
    return base64_decode(secret, key, len) && *len >= SW_KEY_BYTES_MIN && *len <= SW_KEY_BYTES_MAX;
}

/* What is signed. */
struct content {
    const char *id;
    const char *timestamp;
    struct slice body;
};

enum { PARTS = 5 };

static void parts_of(const struct content *content, struct slice parts[PARTS])
{
    parts[0] = (struct slice){content->id, strlen(content->id)};
    parts[1] = parts[3] = (struct slice){".", 1};
    parts[2] = (struct slice){content->timestamp, strlen(content->timestamp)};
    parts[4] = content->body;
}

/* "v1,<base64>" under one key. */
static void signature_of(struct slice key, const struct content *content,
                         char text[SIGNATURE_CHARS])
{
    uint8_t mac[SHA256_BYTES];
    struct slice parts[PARTS];
    parts_of(content, parts);
    hmac_sha256(key, parts, PARTS, mac);
    memcpy(text, VERSION, sizeof VERSION - 1);
    base64_encode(mac, sizeof mac, text + sizeof VERSION - 1);
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
    const struct content content = {id, timestamp, body};
    for (const char *at = secrets; count < SW_SECRETS_MAX && next_secret(&at, line);) {
        uint8_t key[SECRET_CHARS_MAX];
        size_t len = sizeof key;
        if (sw_key(line, key, &len)) {
            signature_of((struct slice){key, len}, &content, text);
            buf_printf(out, "%s%s", count > 0 ? " " : "", text);
            count++;
        }
    }
    return count > 0;
}

/* --- checking -------------------------------------------------------------------------------- */

/* The signatures of a header, by version; others are passed over. */
struct header {
    struct slice macs[SW_SIGNATURES_MAX]; /* "v1,..." as it stands there */
    size_t mac_count;
    uint8_t publics[SW_SIGNATURES_MAX][ED25519_SIGNATURE_BYTES];
    size_t public_count;
};

static void read_public(struct header *header, const char *word, size_t chars)
{
    char text[2 * ED25519_SIGNATURE_BYTES];
    uint8_t bytes[sizeof text];
    size_t len = sizeof bytes;
    word += sizeof VERSION_PUBLIC - 1;
    chars -= sizeof VERSION_PUBLIC - 1;
    if (chars < sizeof text) {
        memcpy(text, word, chars);
        text[chars] = '\0';
        if (base64_decode(text, bytes, &len) && len == ED25519_SIGNATURE_BYTES) {
            memcpy(header->publics[header->public_count++], bytes, len);
        }
    }
}

static void read_header(const char *text, struct header *header)
{
    header->mac_count = header->public_count = 0;
    for (const char *at = text; *at;) {
        size_t chars = strcspn(at, " ");
        if (starts(at, VERSION) && header->mac_count < SW_SIGNATURES_MAX) {
            header->macs[header->mac_count++] = (struct slice){at, chars};
        } else if (starts(at, VERSION_PUBLIC) && header->public_count < SW_SIGNATURES_MAX) {
            read_public(header, at, chars);
        }
        at += chars + (at[chars] == ' ');
    }
}

static bool among_macs(const struct header *header, struct slice key, const struct content *content)
{
    char text[SIGNATURE_CHARS];
    signature_of(key, content, text);
    size_t len = strlen(text);
    bool found = false;
    for (size_t i = 0; i < header->mac_count; i++) {
        const struct slice *mac = &header->macs[i];
        found = (mac->len == len && digest_same(mac->bytes, text, len)) || found;
    }
    return found;
}

static bool among_publics(const struct header *header, const char *secret,
                          const struct content *content)
{
    uint8_t key[SECRET_CHARS_MAX];
    size_t len = sizeof key;
    secret += sizeof prefix_public - 1;
    bool is_key = base64_decode(secret, key, &len) && len == ED25519_KEY_BYTES;
    if (!is_key || header->public_count == 0) {
        return false;
    }
    struct slice parts[PARTS];
    struct buf message = {0};
    parts_of(content, parts);
    for (int i = 0; i < PARTS; i++) {
        buf_add(&message, parts[i].bytes, parts[i].len);
    }
    bool found = false;
    for (size_t i = 0; i < header->public_count; i++) {
        found = ed25519_verify(key, message.bytes, message.len, header->publics[i]) || found;
    }
    buf_fini(&message);
    return found;
}

static bool made_with(const struct header *header, const char *secret,
                      const struct content *content)
{
    if (starts(secret, prefix_public)) {
        return among_publics(header, secret, content);
    }
    uint8_t key[SECRET_CHARS_MAX];
    size_t len = sizeof key;
    bool found = sw_key(secret, key, &len) && among_macs(header, (struct slice){key, len}, content);
    if (!starts(secret, prefix)) {
        found = among_macs(header, (struct slice){secret, strlen(secret)}, content) || found;
    }
    return found;
}

/* Decimal seconds, as strict as they are written. */
static bool read_seconds(const char *timestamp, int64_t *seconds)
{
    size_t len = strlen(timestamp);
    if (len == 0 || len > 12 || strspn(timestamp, "0123456789") != len) {
        return false;
    }
    *seconds = 0;
    for (size_t i = 0; i < len; i++) {
        *seconds = *seconds * 10 + (timestamp[i] - '0');
    }
    return true;
}

enum sw_verdict sw_check(const char *secrets, const char *id, const char *timestamp,
                         struct slice body, const char *signatures, int64_t now_s,
                         int64_t tolerance_s)
{
    struct header header;
    int64_t signed_s;
    read_header(signatures, &header);
    if (!read_seconds(timestamp, &signed_s) || header.mac_count + header.public_count == 0) {
        return SW_MALFORMED;
    }
    const struct content content = {id, timestamp, body};
    char line[SECRET_CHARS_MAX];
    bool good = false;
    int count = 0;
    for (const char *at = secrets; count < SW_SECRETS_MAX && next_secret(&at, line); count++) {
        good = made_with(&header, line, &content) || good;
    }
    if (!good) {
        return SW_FORGED;
    }
    int64_t age_s = now_s - signed_s;
    return age_s > tolerance_s || age_s < -tolerance_s ? SW_STALE : SW_GENUINE;
}

bool sw_verify(const char *secrets, const char *id, const char *timestamp, struct slice body,
               const char *header, int64_t now_ms)
{
    return sw_check(secrets, id, timestamp, body, header, now_ms / 1000, SW_TOLERANCE_S) ==
           SW_GENUINE;
}
