/* zap.h - libzmq asks at every handshake whether a key may come in (RFC 27, ZAP 1.0).
 *
 * zauth of czmq 4.2.1 answers without a user id, so nobody could tell whose key it was; hence our
 * own handler, a REP socket in the broker's loop. The user id is "<key> <name>".
 *
 * Use        zap_open() before any socket is bound; zap_serve() when zap_socket() is readable.
 * Threads    One. */
#ifndef USHER_ZAP_H
#define USHER_ZAP_H

#include "auth.h"
#include "fault.h"

#include <stddef.h>
#include <stdint.h>

#define ZAP_DOMAIN "usher"

enum { ZAP_FRAMES_MAX = 8, ZAP_FRAME_BYTES_MAX = 256 };

struct zap;

enum fault zap_open(void *context, struct auth *auth, struct zap **out) NODISCARD;
void zap_close(struct zap **zap);
void *zap_socket(const struct zap *zap);

/* Answers what is waiting. */
void zap_serve(struct zap *zap);

/* Handshakes refused since the start. */
uint64_t zap_refused(const struct zap *zap);

/* The decision by itself, for tests: the user id, or NULL. */
struct zap_request {
    size_t frames;
    size_t len[ZAP_FRAMES_MAX];
    uint8_t bytes[ZAP_FRAMES_MAX][ZAP_FRAME_BYTES_MAX];
};
const char *zap_decide(const struct auth *auth, const struct zap_request *request);

#endif
