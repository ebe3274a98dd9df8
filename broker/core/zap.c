#include "zap.h"

#include "logs.h"
#include "must.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* A request: version, request id, domain, address, identity, mechanism, credentials. */
enum frame {
    FRAME_VERSION,
    FRAME_REQUEST,
    FRAME_DOMAIN,
    FRAME_ADDRESS,
    FRAME_IDENTITY,
    FRAME_MECHANISM,
    FRAME_KEY,
    FRAME_COUNT
};

struct zap {
    void *socket;
    struct auth *auth;
    uint64_t refused;
};

enum fault zap_open(void *context, struct auth *auth, struct zap **out)
{
    struct zap *zap = must_calloc(1, sizeof *zap);
    int linger = 0;
    zap->auth = auth;
    zap->socket = zmq_socket(context, ZMQ_REP);
    MUST(zap->socket);
    (void)zmq_setsockopt(zap->socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_bind(zap->socket, "inproc://zeromq.zap.01") != 0) {
        zap_close(&zap);
        return FAULT_BUSY;
    }
    *out = zap;
    return OK;
}

void zap_close(struct zap **zap)
{
    if (*zap) {
        zmq_close((*zap)->socket);
        free(*zap);
        *zap = NULL;
    }
}

void *zap_socket(const struct zap *zap)
{
    return zap->socket;
}

uint64_t zap_refused(const struct zap *zap)
{
    return zap->refused;
}

static bool frame_is(const struct zap_request *request, enum frame frame, const char *text)
{
    return request->len[frame] == strlen(text) &&
           memcmp(request->bytes[frame], text, request->len[frame]) == 0;
}

const char *zap_decide(const struct auth *auth, const struct zap_request *request)
{
    if (request->frames != FRAME_COUNT || !frame_is(request, FRAME_VERSION, "1.0") ||
        !frame_is(request, FRAME_DOMAIN, ZAP_DOMAIN) ||
        !frame_is(request, FRAME_MECHANISM, "CURVE")) {
        return NULL;
    }
    return auth_user(auth, request->bytes[FRAME_KEY], request->len[FRAME_KEY]);
}

/* False when nothing is waiting. What is too long or too much is cut, and so refused. */
static bool receive(void *socket, struct zap_request *request)
{
    int more = 1;
    request->frames = 0;
    while (more) {
        uint8_t bytes[ZAP_FRAME_BYTES_MAX];
        int len = zmq_recv(socket, bytes, sizeof bytes, ZMQ_DONTWAIT);
        if (len < 0) {
            return false;
        }
        if (request->frames < ZAP_FRAMES_MAX) {
            bool whole = (size_t)len <= sizeof bytes;
            request->len[request->frames] = whole ? (size_t)len : 0;
            memcpy(request->bytes[request->frames], bytes, whole ? (size_t)len : 0);
            request->frames++;
        }
        size_t size = sizeof more;
        MUST(zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0);
    }
    return true;
}

static void answer(struct zap *zap, const struct zap_request *request, const char *user)
{
    const char *frames[] = {user ? "200" : "400", user ? "OK" : "no", user ? user : ""};
    size_t id_len = request->frames > FRAME_REQUEST ? request->len[FRAME_REQUEST] : 0;
    (void)zmq_send(zap->socket, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(zap->socket, request->bytes[FRAME_REQUEST], id_len, ZMQ_SNDMORE);
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        (void)zmq_send(zap->socket, frames[i], strlen(frames[i]), ZMQ_SNDMORE);
    }
    (void)zmq_send(zap->socket, "", 0, 0);
}

void zap_serve(struct zap *zap)
{
    struct zap_request request;
    while (receive(zap->socket, &request)) {
        const char *user = zap_decide(zap->auth, &request);
        if (!user) {
            zap->refused++;
            logs_write(LOGS_WARN, "a key that is not in the allow-list was turned away", NULL);
        }
        answer(zap, &request, user);
    }
}
