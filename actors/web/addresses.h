/* addresses.h - network addresses as text and as bytes, and lists of trusted networks. Pure.
 *
 * An IPv4 address and the same one mapped into IPv6 are one address. */
#ifndef USHER_ADDRESSES_H
#define USHER_ADDRESSES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ADDRESS_TEXT_BYTES = INET6_ADDRSTRLEN, NETWORKS_MAX = 32 };

struct address {
    uint8_t bytes[16];
};

struct networks {
    size_t count;
    struct address prefix[NETWORKS_MAX];
    int bits[NETWORKS_MAX];
};

bool address_parse(const char *text, size_t chars, struct address *address);
bool address_of(const struct sockaddr *peer, struct address *address);
const char *address_text(const struct address *address, char text[ADDRESS_TEXT_BYTES]);
bool address_same(const struct address *a, const struct address *b);

/* "127.0.0.1 ::1, 10.0.0.0/8"; false at the first entry that is neither address nor network. */
bool networks_parse(const char *text, struct networks *networks);
bool networks_have(const struct networks *networks, const struct address *address);

/* The nearest address in X-Forwarded-For that is not a trusted proxy: `peer` unless it is trusted
 * itself. What stands left of something that is no address is not believed. */
struct address address_forwarded(const struct networks *trusted, const struct address *peer,
                                 const char *const *headers, size_t header_count);

#endif
