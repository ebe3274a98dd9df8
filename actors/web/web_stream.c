#include "web_core.h"

#include "clock.h"
#include "must.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    BLOCK_BYTES = 8 * 1024,
    KERNEL_BYTES = 64 * 1024 /* else megabytes may lie in the kernel for who does not read */
};

/* --- what the library calls ------------------------------------------------------------------ */

static ssize_t take(void *self, uint64_t position, char *into, size_t room)
{
    (void)position;
    struct web_stream *stream = self;
    if (stream->cut) {
        stream->web->quiet = true; /* the library complains of it, and lets go */
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t waiting = stream->out.len - stream->taken;
    if (waiting == 0 && stream->ended) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (waiting == 0) { /* until web_stream_send; nothing tells of a client that leaves meanwhile */
        stream->suspended = true;
        stream->connection->deadline_ms = INT64_MAX;
        MHD_suspend_connection(stream->mhd);
        return 0;
    }
    size_t chars = waiting < room ? waiting : room;
    memcpy(into, stream->out.bytes + stream->taken, chars);
    stream->taken += chars;
    if (stream->taken == stream->out.len) {
        stream->taken = 0;
        buf_reset(&stream->out);
        if (stream->out.capacity > BODY_KEEP_BYTES) {
            buf_fini(&stream->out);
        }
    }
    stream->connection->deadline_ms = clock_mono_ms() + stream->web->options.limits.send_ms;
    return (ssize_t)chars;
}

/* The library lets go of the answer: once, whatever happened to it. */
static void let_go(void *self)
{
    struct web_stream *stream = self;
    struct connection *connection = stream->connection;
    if (connection) {
        connection->stream = NULL;
        connection->phase =
            connection->phase == PHASE_STREAM ? PHASE_SEND : connection->phase; /* its end */
    }
    stream->web->stream_count--;
    stream->web->quiet = false;
    stream->cut = true;
    stream->suspended = false;
    if (stream->closed) {
        stream->closed(stream->self, stream);
    }
    buf_fini(&stream->out);
    free(stream);
}

/* --- inside ---------------------------------------------------------------------------------- */

static void wake(struct web_stream *stream)
{
    if (stream->suspended) {
        stream->suspended = false;
        stream->connection->deadline_ms = clock_mono_ms() + stream->web->options.limits.send_ms;
        MHD_resume_connection(stream->mhd);
        web_run_again(stream->web);
    }
}

bool stream_is_gone(const struct web_stream *stream)
{
    struct pollfd item = {.fd = stream->connection->fd, .events = POLLRDHUP};
    return poll(&item, 1, 0) > 0;
}

void stream_cut(struct web_stream *stream)
{
    if (!stream->cut) {
        stream->cut = true;
        stream->taken = 0;
        buf_fini(&stream->out);
        shutdown(stream->connection->fd, SHUT_RDWR);
        wake(stream);
        web_run_again(stream->web);
    }
}

void streams_close(struct web *web)
{
    for (struct connection *c = web->connections; c; c = c->next) {
        if (c->stream) {
            c->stream->ended = true;
            wake(c->stream);
        }
    }
}

/* What was written at the end of `out` counts from here. */
static bool added(struct web_stream *stream)
{
    if (stream->out.len - stream->taken > stream->web->options.limits.stream_bytes_max) {
        web_note_refused(stream->web, "", "slow_reader");
        stream_cut(stream);
        return false;
    }
    wake(stream);
    return true;
}

/* What was taken already makes room before the buffer grows. */
static void make_room(struct web_stream *stream)
{
    if (stream->taken > stream->out.len / 2) {
        stream->out.len -= stream->taken;
        memmove(stream->out.bytes, stream->out.bytes + stream->taken, stream->out.len);
        stream->taken = 0;
    }
}

/* Each line of the text with the prefix; CR, LF, and both together end one. */
static void add_lines(struct buf *out, const char *prefix, const char *text)
{
    for (;;) {
        size_t chars = strcspn(text, "\r\n");
        buf_add_text(out, prefix);
        buf_add(out, text, chars);
        buf_add_text(out, "\n");
        text += chars;
        if (!*text) {
            return;
        }
        text += strncmp(text, "\r\n", 2) == 0 ? 2 : 1;
    }
}

static bool is_over(const struct web_stream *stream)
{
    return stream->cut || stream->ended;
}

/* --- what handlers call ---------------------------------------------------------------------- */

struct web_stream *web_stream_begin(struct web_request *request, const char *const *headers,
                                    web_stream_closed *closed, void *self)
{
    struct web *web = request->web;
    struct connection *connection = request->connection;
    if (web->stream_count >= web->options.limits.streams_max || web->closing) {
        web_refuse(request, 503, "too many streams are open", "streams");
        return NULL;
    }
    struct web_stream *stream = must_calloc(1, sizeof *stream);
    *stream = (struct web_stream){
        .web = web, .connection = connection, .mhd = request->mhd, .self = self};
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, take, stream, let_go);
    MUST(response);
    MUST(MHD_add_response_header(response, "Content-Type", "text/event-stream") == MHD_YES);
    MUST(MHD_add_response_header(response, "X-Accel-Buffering", "no") == MHD_YES); /* nginx */
    web_add_headers(web, response, headers);
    int bytes = KERNEL_BYTES;
    (void)setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    connection->stream = stream;
    web->stream_count++;
    buf_add_text(&stream->out, ":\n\n"); /* the head leaves together with a first piece only */
    if (!web_send_response(request, 200, response, PHASE_STREAM)) {
        MHD_destroy_response(response);
        return NULL;
    }
    stream->closed = closed;
    MHD_destroy_response(response);
    return stream;
}

bool web_stream_send(struct web_stream *stream, const char *name, const char *data)
{
    MUST(!name || !strpbrk(name, "\r\n"));
    if (is_over(stream)) {
        return false;
    }
    make_room(stream);
    if (name) {
        buf_printf(&stream->out, "event: %s\n", name);
    }
    add_lines(&stream->out, "data: ", data);
    buf_add_text(&stream->out, "\n");
    return added(stream);
}

bool web_stream_comment(struct web_stream *stream, const char *text)
{
    if (is_over(stream)) {
        return false;
    }
    make_room(stream);
    add_lines(&stream->out, ": ", text);
    buf_add_text(&stream->out, "\n");
    return added(stream);
}

void web_stream_end(struct web_stream **stream)
{
    if (*stream) {
        (*stream)->ended = true;
        (*stream)->closed = NULL;
        wake(*stream);
        *stream = NULL;
    }
}

size_t web_streams(const struct web *web)
{
    return web->stream_count;
}
