/* dns.h - looking up TXT records on a loop: the one door to c-ares.
 *
 * Use        dns_new() on a loop; dns_texts(); `heard` comes once for each look-up, from the loop
 *            (at once for what is no name), also (with DNS_SILENT) when the server says nothing, or
 *            nothing that can be read.
 * Limits     DNS_TEXTS_MAX records of DNS_TEXT_BYTES_MAX bytes; what is beyond is left out. Records
 *            of several strings are joined as RFC 7208 and 6376 want. One with a NUL is left out.
 * Ownership  The texts are borrowed until `heard` returns.
 * Threads    One. dns_destroy() calls `heard` for what is still under way. */
#ifndef USHER_DNS_H
#define USHER_DNS_H

#include <czmq.h>
#include <stdbool.h>

enum { DNS_TEXTS_MAX = 64, DNS_TEXT_BYTES_MAX = 4096, DNS_TRY_MS = 1000, DNS_TRIES = 2 };

enum dns_answer {
    DNS_FOUND,
    DNS_NOTHING, /* there is no such name, or no such record */
    DNS_SILENT   /* no answer, or none that can be read */
};

struct dns;

/* `server` is ADDRESS or ADDRESS:PORT, NULL for the system's. NULL when it is not one. */
struct dns *dns_new(zloop_t *loop, const char *server);
void dns_destroy(struct dns **out);

typedef void dns_heard(void *self, enum dns_answer answer, const char *const *texts, size_t count);
void dns_texts(struct dns *dns, const char *name, dns_heard *heard, void *self);

/* The TXT records of one answer, as the server sent it: for `heard`, and for the fuzzer. */
enum dns_answer dns_read(const unsigned char *bytes, int len, dns_heard *heard, void *self);

#endif
