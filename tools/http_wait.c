#include "http_wait.h"

#include "must.h"

#include <stdlib.h>

struct http_wait {
    zloop_t *loop;
    struct http_out *http;
    bool done;
    enum fault fault;
    int status;
    struct buf body;
    struct buf words;
};

struct http_wait *http_wait_new(void)
{
    struct http_wait *wait = must_calloc(1, sizeof *wait);
    wait->loop = zloop_new();
    MUST(wait->loop && http_out_new(wait->loop, &wait->http) == OK);
    return wait;
}

void http_wait_destroy(struct http_wait **wait)
{
    struct http_wait *self = *wait;
    if (self) {
        http_out_destroy(&self->http);
        zloop_destroy(&self->loop);
        buf_fini(&self->body);
        buf_fini(&self->words);
        free(self);
        *wait = NULL;
    }
}

static void on_done(void *self, const struct answer *answer)
{
    struct http_wait *wait = self;
    wait->done = true;
    wait->fault = answer->fault;
    wait->status = answer->status;
    buf_reset(&wait->body);
    buf_add(&wait->body, answer->body, answer->body ? answer->len : 0);
    buf_reset(&wait->words);
    buf_add_text(&wait->words, answer->words ? answer->words : "");
}

/* Ends the loop's turn once the answer is there. */
static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    return ((struct http_wait *)self)->done ? -1 : 0;
}

enum fault http_wait_call(struct http_wait *wait, const struct call *call, int *status,
                          const char **body, const char **words)
{
    int64_t id;
    wait->done = false;
    enum fault fault = http_out_start(wait->http, call, on_done, NULL, wait, &id);
    if (fault == OK) {
        int timer = zloop_timer(wait->loop, 1, 0, on_tick, wait);
        (void)zloop_start(wait->loop);
        zloop_timer_end(wait->loop, timer);
        if (!wait->done) { /* told to stop */
            http_out_cancel(wait->http, id);
        }
        fault = wait->done ? wait->fault : FAULT_UNAVAILABLE;
    }
    *status = wait->done ? wait->status : 0;
    *body = buf_text(&wait->body);
    *words = buf_text(&wait->words);
    return fault;
}
