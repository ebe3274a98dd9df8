/* errands.h - documents that have to be there before a request can be answered: fetched once, kept,
 * and whoever waits for one is called when it has come.
 *
 * Use        errands_ask() with a URL and who asks: THERE gives the document, AWAITED means that
 *            `resume` will be called for the ticket, FAILED that it cannot be had now.
 * Promise    A URL is fetched once however many ask, again after ERRANDS_KEEP_MS, and after a failure
 *            not before ERRANDS_AGAIN_MS: who makes us ask makes no storm of calls. `resume` never
 *            comes from within errands_ask().
 * Limits     ERRANDS_KEPT documents of ERRANDS_BYTES_MAX, ERRANDS_AT_ONCE calls, ERRANDS_WAITING_MAX
 *            who wait; beyond that: FAILED. https only, and http to loopback (http_out.h).
 * Ownership  A document is borrowed until the next errands_ask() or turn of the loop.
 * Threads    One. */
#ifndef USHER_ERRANDS_H
#define USHER_ERRANDS_H

#include "digest.h"
#include "fault.h"

#include <czmq.h>

enum {
    ERRANDS_KEPT = 16,
    ERRANDS_AT_ONCE = 4,
    ERRANDS_WAITING_MAX = 64,
    ERRANDS_BYTES_MAX = 64 * 1024,
    ERRANDS_KEEP_MS = 24 * 3600 * 1000,
    ERRANDS_AGAIN_MS = 5000
};

enum errand { ERRAND_THERE, ERRAND_AWAITED, ERRAND_FAILED };

struct errands;

/* `tag` is what the asker gave. */
typedef void errands_resume(void *self, uint64_t ticket, int tag);

enum fault errands_new(zloop_t *loop, int timeout_ms, errands_resume *resume, void *self,
                       struct errands **out) NODISCARD;
void errands_destroy(struct errands **out);

enum errand errands_ask(struct errands *errands, const char *url, uint64_t ticket, int tag,
                        struct slice *document);

#endif
