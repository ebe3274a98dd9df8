#include "errands.h"

#include "clock.h"
#include "http_out.h"
#include "logs.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

enum place_state { PLACE_EMPTY, PLACE_CALLING, PLACE_THERE, PLACE_FAILED };

struct place {
    struct errands *errands;
    enum place_state state;
    char *url;
    struct buf document;
    int64_t changed_ms;
};

struct waiting {
    const struct place *place; /* NULL: free */
    uint64_t ticket;
    int tag;
};

struct errands {
    struct http_out *http;
    int timeout_ms;
    errands_resume *resume;
    void *self;
    struct place places[ERRANDS_KEPT];
    struct waiting waiting[ERRANDS_WAITING_MAX];
};

enum fault errands_new(zloop_t *loop, int timeout_ms, errands_resume *resume, void *self,
                       struct errands **out)
{
    struct errands *errands = must_calloc(1, sizeof *errands);
    errands->timeout_ms = timeout_ms;
    errands->resume = resume;
    errands->self = self;
    for (size_t i = 0; i < ERRANDS_KEPT; i++) {
        errands->places[i].errands = errands;
    }
    enum fault fault = http_out_new(loop, &errands->http);
    if (fault != OK) {
        free(errands);
        errands = NULL;
    }
    *out = errands;
    return fault;
}

void errands_destroy(struct errands **out)
{
    struct errands *errands = *out;
    if (!errands) {
        return;
    }
    *out = NULL;
    http_out_destroy(&errands->http);
    for (size_t i = 0; i < ERRANDS_KEPT; i++) {
        free(errands->places[i].url);
        buf_fini(&errands->places[i].document);
    }
    free(errands);
}

/* --- places ---------------------------------------------------------------------------------- */

static bool is_stale(const struct place *place, int64_t now_ms)
{
    int64_t age_ms = now_ms - place->changed_ms;
    return (place->state == PLACE_THERE && age_ms > ERRANDS_KEEP_MS) ||
           (place->state == PLACE_FAILED && age_ms > ERRANDS_AGAIN_MS);
}

static struct place *find(struct errands *errands, const char *url)
{
    for (size_t i = 0; i < ERRANDS_KEPT; i++) {
        struct place *place = &errands->places[i];
        if (place->state != PLACE_EMPTY && strcmp(place->url, url) == 0) {
            return place;
        }
    }
    return NULL;
}

/* What may best be forgotten: nothing, a failure, then the oldest document. NULL: no more calls. */
static struct place *room(struct errands *errands)
{
    static const int worth[] = {[PLACE_EMPTY] = 0, [PLACE_FAILED] = 1, [PLACE_THERE] = 2};
    struct place *best = NULL;
    size_t calling = 0;
    for (size_t i = 0; i < ERRANDS_KEPT; i++) {
        struct place *place = &errands->places[i];
        if (place->state == PLACE_CALLING) {
            calling++;
        } else if (!best || worth[place->state] < worth[best->state] ||
                   (place->state == best->state && place->changed_ms < best->changed_ms)) {
            best = place;
        }
    }
    return calling < ERRANDS_AT_ONCE ? best : NULL;
}

/* --- calls ----------------------------------------------------------------------------------- */

static void call_waiting(struct errands *errands, const struct place *place)
{
    for (size_t i = 0; i < ERRANDS_WAITING_MAX; i++) {
        struct waiting waiting = errands->waiting[i];
        if (waiting.place == place) {
            errands->waiting[i].place = NULL;
            errands->resume(errands->self, waiting.ticket, waiting.tag);
        }
    }
}

static void on_done(void *self, const struct answer *answer)
{
    struct place *place = self;
    bool good = answer->fault == OK && answer->status >= 200 && answer->status < 300 &&
                answer->len > 0 && answer->len <= ERRANDS_BYTES_MAX;
    buf_reset(&place->document);
    if (good) {
        buf_add(&place->document, answer->body, answer->len);
    } else { /* not the URL: it may hold what only its owner should know */
        char status[12];
        snprintf(status, sizeof status, "%d", answer->status);
        logs_write(LOGS_WARN, "what a post has to be checked with cannot be had", "fault",
                   fault_name(answer->fault), "status", status, NULL);
    }
    place->state = good ? PLACE_THERE : PLACE_FAILED;
    place->changed_ms = clock_mono_ms();
    call_waiting(place->errands, place);
}

static bool begin(struct errands *errands, struct place *place, const char *url)
{
    struct call call = {.method = "GET", .timeout_ms = errands->timeout_ms};
    int64_t id;
    buf_add_text(&call.url, url);
    enum fault fault = http_out_start(errands->http, &call, on_done, NULL, place, &id);
    call_fini(&call);
    char *copy = must_sprintf("%s", url); /* `url` may be the place's own */
    free(place->url);
    place->url = copy;
    place->state = fault == OK ? PLACE_CALLING : PLACE_FAILED;
    place->changed_ms = clock_mono_ms();
    return fault == OK;
}

static bool wait_for(struct errands *errands, const struct place *place, uint64_t ticket, int tag)
{
    for (size_t i = 0; i < ERRANDS_WAITING_MAX; i++) {
        if (!errands->waiting[i].place) {
            errands->waiting[i] = (struct waiting){place, ticket, tag};
            return true;
        }
    }
    return false;
}

enum errand errands_ask(struct errands *errands, const char *url, uint64_t ticket, int tag,
                        struct slice *document)
{
    int64_t now_ms = clock_mono_ms();
    struct place *place = find(errands, url);
    if (!place || is_stale(place, now_ms)) {
        struct place *free_place = room(errands);
        place = place && free_place ? place : free_place;
        if (!place || !begin(errands, place, url)) {
            return ERRAND_FAILED;
        }
    }
    if (place->state == PLACE_THERE) {
        *document = (struct slice){place->document.bytes, place->document.len};
        return ERRAND_THERE;
    }
    bool awaited = place->state == PLACE_CALLING && wait_for(errands, place, ticket, tag);
    return awaited ? ERRAND_AWAITED : ERRAND_FAILED;
}
