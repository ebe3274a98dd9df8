#include "addresses.h"

#include <arpa/inet.h>
#include <string.h>

enum { MAPPED_BYTES = 12, V4_BYTES = 4, BITS_MAX = 128, V4_BITS = 32 };

static const uint8_t mapped[MAPPED_BYTES] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const char separators[] = " \t\r\n,";

static void map_v4(const void *v4, struct address *address)
{
    memcpy(address->bytes, mapped, MAPPED_BYTES);
    memcpy(address->bytes + MAPPED_BYTES, v4, V4_BYTES);
}

static bool is_v4(const struct address *address)
{
    return memcmp(address->bytes, mapped, MAPPED_BYTES) == 0;
}

bool address_parse(const char *text, size_t chars, struct address *address)
{
    char copy[ADDRESS_TEXT_BYTES];
    if (chars == 0 || chars >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, chars);
    copy[chars] = '\0';
    uint8_t v4[V4_BYTES];
    if (inet_pton(AF_INET, copy, v4) == 1) {
        map_v4(v4, address);
        return true;
    }
    return inet_pton(AF_INET6, copy, address->bytes) == 1;
}

bool address_of(const struct sockaddr *peer, struct address *address)
{
    if (peer->sa_family == AF_INET) {
        map_v4(&((const struct sockaddr_in *)peer)->sin_addr, address);
        return true;
    }
    if (peer->sa_family == AF_INET6) {
        memcpy(address->bytes, &((const struct sockaddr_in6 *)peer)->sin6_addr,
               sizeof address->bytes);
        return true;
    }
    return false;
}

const char *address_text(const struct address *address, char text[ADDRESS_TEXT_BYTES])
{
    const char *written =
        is_v4(address) ? inet_ntop(AF_INET, address->bytes + MAPPED_BYTES, text, ADDRESS_TEXT_BYTES)
                       : inet_ntop(AF_INET6, address->bytes, text, ADDRESS_TEXT_BYTES);
    return written ? written : "";
}

bool address_same(const struct address *a, const struct address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool read_bits(const char *text, size_t chars, int most, int *bits)
{
    *bits = 0;
    for (size_t i = 0; i < chars; i++) {
        if (text[i] < '0' || text[i] > '9' || *bits > most) {
            return false;
        }
        *bits = *bits * 10 + (text[i] - '0');
    }
    return chars > 0 && *bits <= most;
}

static bool add_network(const char *text, size_t chars, struct networks *networks)
{
    if (networks->count == NETWORKS_MAX) {
        return false;
    }
    const char *slash = memchr(text, '/', chars);
    size_t address_chars = slash ? (size_t)(slash - text) : chars;
    struct address *prefix = &networks->prefix[networks->count];
    if (!address_parse(text, address_chars, prefix)) {
        return false;
    }
    int bits = BITS_MAX;
    if (slash) {
        bool v4 = is_v4(prefix);
        if (!read_bits(slash + 1, chars - address_chars - 1, v4 ? V4_BITS : BITS_MAX, &bits)) {
            return false;
        }
        bits += v4 ? BITS_MAX - V4_BITS : 0;
    }
    networks->bits[networks->count++] = bits;
    return true;
}

bool networks_parse(const char *text, struct networks *networks)
{
    networks->count = 0;
    for (;;) {
        text += strspn(text, separators);
        size_t chars = strcspn(text, separators);
        if (chars == 0) {
            return true;
        }
        if (!add_network(text, chars, networks)) {
            return false;
        }
        text += chars;
    }
}

static bool starts_with(const struct address *address, const struct address *prefix, int bits)
{
    size_t whole = (size_t)bits / 8;
    int rest = bits % 8;
    if (memcmp(address->bytes, prefix->bytes, whole) != 0) {
        return false;
    }
    uint8_t mask = (uint8_t)(0xff00 >> rest);
    return rest == 0 || ((address->bytes[whole] ^ prefix->bytes[whole]) & mask) == 0;
}

bool networks_have(const struct networks *networks, const struct address *address)
{
    for (size_t i = 0; i < networks->count; i++) {
        if (starts_with(address, &networks->prefix[i], networks->bits[i])) {
            return true;
        }
    }
    return false;
}

/* The last entry of a list that ends before `end`; moves *end before it. */
static const char *last_entry(const char *list, const char **end, size_t *chars)
{
    const char *stop = *end;
    while (stop > list && strchr(separators, stop[-1])) {
        stop--;
    }
    const char *start = stop;
    while (start > list && !strchr(separators, start[-1])) {
        start--;
    }
    *end = start;
    *chars = (size_t)(stop - start);
    return start;
}

struct address address_forwarded(const struct networks *trusted, const struct address *peer,
                                 const char *const *headers, size_t header_count)
{
    struct address nearest = *peer;
    if (!networks_have(trusted, peer)) {
        return nearest;
    }
    for (size_t i = header_count; i-- > 0;) {
        const char *end = headers[i] + strlen(headers[i]);
        size_t chars;
        for (const char *entry; entry = last_entry(headers[i], &end, &chars), chars > 0;) {
            struct address next;
            if (!address_parse(entry, chars, &next)) {
                return nearest;
            }
            nearest = next;
            if (!networks_have(trusted, &next)) {
                return nearest;
            }
        }
    }
    return nearest;
}
