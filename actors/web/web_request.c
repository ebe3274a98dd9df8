#include "web_core.h"

#include "clock.h"
#include "must.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RETRY_AFTER_S = 5, ALLOW_CHARS = 128, SLOT_BITS = 32 };

/* --- the pool of requests -------------------------------------------------------------------- */

static struct web_request *request_new(struct web *web)
{
    struct web_request *request = web->free_requests;
    if (request) {
        web->free_requests = request->next_free;
    } else {
        request = must_calloc(1, sizeof *request);
        request->web = web;
        request->slot = (uint32_t)web->request_count;
        web->requests =
            must_realloc(web->requests, (web->request_count + 1) * sizeof(struct web_request *));
        web->requests[web->request_count++] = request;
    }
    request->generation++;
    return request;
}

static void drop_body(struct web_request *request)
{
    request->web->bodies_bytes -= request->body.len;
    buf_reset(&request->body);
    if (request->body.capacity > BODY_KEEP_BYTES) {
        buf_fini(&request->body);
    }
}

static void request_free(struct web_request *request)
{
    struct web *web = request->web;
    drop_body(request);
    *request = (struct web_request){.web = web,
                                    .body = request->body,
                                    .slot = request->slot,
                                    .generation = request->generation,
                                    .next_free = web->free_requests};
    web->free_requests = request;
}

void web_requests_fini(struct web *web)
{
    for (size_t i = 0; i < web->request_count; i++) {
        buf_fini(&web->requests[i]->body);
        free(web->requests[i]);
    }
    free(web->requests);
}

/* --- reading a request ----------------------------------------------------------------------- */

const char *web_method(const struct web_request *request)
{
    return request->method;
}

const char *web_path(const struct web_request *request)
{
    return request->path;
}

const char *web_query(const struct web_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_GET_ARGUMENT_KIND, name);
}

const char *web_cookie(const struct web_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_COOKIE_KIND, name);
}

const char *web_header(const struct web_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

struct gather {
    const char *name;
    const char **values;
    size_t room;
    size_t count;
};

static enum MHD_Result gather_header(void *self, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    (void)kind;
    struct gather *gather = self;
    if (strcasecmp(name, gather->name) == 0) {
        if (gather->count < gather->room) {
            gather->values[gather->count] = value ? value : "";
        }
        gather->count++;
    }
    return MHD_YES;
}

size_t web_headers(const struct web_request *request, const char *name, const char **values,
                   size_t room)
{
    struct gather gather = {.name = name, .values = values, .room = room};
    MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, gather_header, &gather);
    return gather.count;
}

struct slice web_body(const struct web_request *request)
{
    return (struct slice){request->body.bytes, request->body.len};
}

const char *web_address(const struct web_request *request)
{
    return request->address;
}

static void find_address(struct web_request *request)
{
    struct web *web = request->web;
    struct connection *connection = request->connection;
    const char *headers[FORWARDED_HEADERS_MAX];
    size_t count = 0;
    if (connection->trusted) {
        count = web_headers(request, "X-Forwarded-For", headers, FORWARDED_HEADERS_MAX);
        count = count < FORWARDED_HEADERS_MAX ? count : FORWARDED_HEADERS_MAX;
    }
    struct address address = address_forwarded(&web->trusted, &connection->peer, headers, count);
    address_text(&address, request->address);
}

/* --- routes ---------------------------------------------------------------------------------- */

static bool route_fits(const struct web_route *route, const char *path)
{
    size_t chars = strlen(route->path);
    if (chars >= 2 && strcmp(route->path + chars - 2, "/*") == 0) {
        return strncmp(route->path, path, chars - 1) == 0;
    }
    return strcmp(route->path, path) == 0;
}

static bool method_fits(const struct web_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static const struct web_route *find_route(const struct web_request *request, bool *path_known)
{
    *path_known = false;
    for (const struct web_route *route = request->web->options.routes; route->method; route++) {
        if (route_fits(route, request->path)) {
            *path_known = true;
            if (method_fits(route, request->method)) {
                return route;
            }
        }
    }
    return NULL;
}

static void list_methods(const struct web_request *request, char allow[ALLOW_CHARS])
{
    allow[0] = '\0';
    for (const struct web_route *route = request->web->options.routes; route->method; route++) {
        if (route_fits(route, request->path) && !strstr(allow, route->method)) {
            size_t used = strlen(allow);
            snprintf(allow + used, ALLOW_CHARS - used, "%s%s", used ? ", " : "", route->method);
        }
    }
}

/* "application/json; charset=utf-8" is application/json. */
static bool is_media_type(const char *value, const char *wanted)
{
    if (!value) {
        return false;
    }
    value += strspn(value, " \t");
    size_t chars = strlen(wanted);
    return strncasecmp(value, wanted, chars) == 0 &&
           (value[chars] == '\0' || value[chars] == ';' || isspace((unsigned char)value[chars]));
}

/* --- answering ------------------------------------------------------------------------------- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    MUST(MHD_add_response_header(response, name, value) == MHD_YES);
}

void web_answer(struct web_request *request, const struct web_answer *answer)
{
    MUST(!request->answered);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->len, (void *)answer->body, MHD_RESPMEM_MUST_COPY);
    MUST(response);
    if (answer->media_type) {
        add_header(response, "Content-Type", answer->media_type);
    }
    add_header(response, "X-Content-Type-Options", "nosniff");
    bool cached = false;
    for (const char *const *pair = answer->headers; pair && *pair; pair += 2) {
        add_header(response, pair[0], pair[1]);
        cached |= strcasecmp(pair[0], "Cache-Control") == 0;
    }
    if (!cached) {
        add_header(response, "Cache-Control", "no-store");
    }
    struct connection *connection = request->connection;
    request->answered = true;
    connection->phase = PHASE_SEND;
    connection->deadline_ms = clock_mono_ms() + request->web->options.limits.send_ms;
    drop_body(request);
    /* MHD_NO: the connection is broken, which it finds out by itself. */
    (void)MHD_queue_response(request->mhd, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    if (request->suspended) {
        request->suspended = false;
        MHD_resume_connection(request->mhd);
        web_run_again(request->web);
    }
}

void web_json(struct web_request *request, int status, const char *text)
{
    web_answer(request, &(struct web_answer){.status = status,
                                             .media_type = "application/json",
                                             .body = text,
                                             .len = strlen(text)});
}

static void problem(struct web_request *request, int status, const char *title,
                    const char *const *headers)
{
    char text[256];
    snprintf(text, sizeof text, "{\"status\":%d,\"title\":\"%s\"}\n", status, title);
    web_answer(request, &(struct web_answer){.status = status,
                                             .media_type = "application/problem+json",
                                             .body = text,
                                             .len = strlen(text),
                                             .headers = headers});
}

void web_problem(struct web_request *request, int status, const char *title, int retry_after_s)
{
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", retry_after_s);
    const char *headers[] = {"Retry-After", seconds, NULL};
    problem(request, status, title, retry_after_s ? headers : NULL);
}

void web_allow(struct web_request *request)
{
    char allow[ALLOW_CHARS];
    list_methods(request, allow);
    const char *headers[] = {"Allow", allow, NULL};
    web_answer(request, &(struct web_answer){.status = 200, .body = "", .headers = headers});
}

static void refuse(struct web_request *request, int status, const char *title, const char *reason)
{
    char allow[ALLOW_CHARS];
    const char *headers[] = {"Allow", allow, NULL};
    web_note_refused(request->web, request->path, reason);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        list_methods(request, allow);
        problem(request, status, title, headers);
    } else {
        web_problem(request, status, title,
                    status == MHD_HTTP_SERVICE_UNAVAILABLE ? RETRY_AFTER_S : 0);
    }
}

uint64_t web_ticket(const struct web_request *request)
{
    return (uint64_t)request->generation << SLOT_BITS | request->slot;
}

struct web_request *web_find(struct web *web, uint64_t ticket)
{
    uint32_t slot = (uint32_t)ticket;
    struct web_request *request = slot < web->request_count ? web->requests[slot] : NULL;
    bool same = request && request->generation == ticket >> SLOT_BITS;
    return same && request->suspended ? request : NULL;
}

/* --- MHD's calls ----------------------------------------------------------------------------- */

/* What is wrong with a request by its head alone; true if it was answered. */
static bool refuse_by_head(struct web_request *request, bool path_known)
{
    const struct web_route *route = request->route;
    if (!path_known) {
        refuse(request, 404, "there is nothing here", "not_found");
    } else if (!route) {
        refuse(request, 405, "not with this method", "method");
    } else if (route->media_type &&
               !is_media_type(web_header(request, "Content-Type"), route->media_type)) {
        refuse(request, 415, "not a body of the expected media type", "media_type");
    } else {
        return false;
    }
    return true;
}

/* The head is complete. An answer given here closes the connection, which is wanted only when a
 * body would follow that nobody wants. */
static void begin(struct web_request *request)
{
    struct web *web = request->web;
    const char *lengths[2], *encodings[2];
    size_t length_count = web_headers(request, "Content-Length", lengths, 2);
    size_t encoding_count = web_headers(request, "Transfer-Encoding", encodings, 2);
    if (length_count > 1 || encoding_count > 1 || (length_count && encoding_count) ||
        web_headers(request, "Host", NULL, 0) > 1) {
        refuse(request, 400, "the length of the request is ambiguous", "ambiguous");
        return;
    }
    uint64_t announced = length_count ? strtoull(lengths[0], NULL, 10) : 0;
    bool has_body = announced > 0 || encoding_count;
    bool path_known;
    request->route = find_route(request, &path_known);
    request->body_bytes_max = request->route ? request->route->body_bytes_max : 0;
    find_address(request);
    if (!has_body) {
        return;
    }
    if (request->route && announced > request->body_bytes_max) {
        refuse(request, 413, "the body is too large", "too_large");
    } else if (!refuse_by_head(request, path_known)) {
        struct connection *connection = request->connection;
        connection->phase = PHASE_BODY;
        connection->body_since_ms = clock_mono_ms();
        connection->body_bytes = 0;
        connection->deadline_ms = connection->body_since_ms + web->options.limits.body_ms;
    }
}

/* A body without an announced length can only be refused at its end, so that it is swallowed, up
 * to twice the limit: then the connection goes. */
static enum MHD_Result take_body(struct web_request *request, const char *bytes, size_t len)
{
    struct web *web = request->web;
    request->body_seen += len;
    request->connection->body_bytes += len;
    if (request->body_seen > 2 * request->body_bytes_max) {
        web_note_refused(web, request->path, "too_large");
        return MHD_NO;
    }
    if (request->body_seen > request->body_bytes_max || request->no_room) {
        return MHD_YES;
    }
    if (web->bodies_bytes + len > web->options.limits.bodies_bytes_max) {
        request->no_room = true;
        return MHD_YES;
    }
    buf_add(&request->body, bytes, len);
    web->bodies_bytes += len;
    return MHD_YES;
}

static void dispatch(struct web_request *request)
{
    struct web *web = request->web;
    bool path_known;
    find_route(request, &path_known);
    if (refuse_by_head(request, path_known)) {
        return;
    }
    if (request->body_seen > request->body_bytes_max) {
        refuse(request, 413, "the body is too large", "too_large");
        return;
    }
    if (request->no_room) {
        refuse(request, 503, "too much is under way", "no_room");
        return;
    }
    struct connection *connection = request->connection;
    connection->phase = PHASE_ANSWER;
    connection->deadline_ms = clock_mono_ms() + web->options.limits.answer_ms;
    request->route->handle(web->options.self, request);
    if (!request->answered) {
        request->suspended = true;
        MHD_suspend_connection(request->mhd);
    }
}

enum MHD_Result web_on_access(void *self, struct MHD_Connection *mhd, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **context)
{
    (void)version;
    struct web *web = self;
    struct web_request *request = *context;
    if (!request) {
        request = request_new(web);
        *context = request;
        request->mhd = mhd;
        request->method = method;
        request->path = url;
        request->connection =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
        MUST(request->connection);
        request->connection->request = request;
        begin(request);
        return MHD_YES;
    }
    if (*upload_size) {
        size_t len = *upload_size;
        *upload_size = 0;
        return take_body(request, upload, len);
    }
    if (request->dispatched || request->answered) { /* its answer could not be queued */
        return MHD_NO;
    }
    request->dispatched = true;
    dispatch(request);
    return MHD_YES;
}

void web_on_completed(void *self, struct MHD_Connection *mhd, void **context,
                      enum MHD_RequestTerminationCode how)
{
    (void)mhd;
    (void)how;
    struct web *web = self;
    struct web_request *request = *context;
    if (request) {
        struct connection *connection = request->connection;
        connection->phase = PHASE_IDLE;
        connection->deadline_ms = clock_mono_ms() + web->options.limits.idle_ms;
        connection->request = NULL;
        request_free(request);
        *context = NULL;
    }
}
