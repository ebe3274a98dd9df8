#include "web_core.h"

#include "clock.h"
#include "must.h"
#include "negotiate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SLOT_BITS = 32, VALUES_MAX = 8 };

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

void web_drop_body(struct web_request *request)
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
    web_drop_body(request);
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

size_t web_route_index(const struct web_request *request)
{
    return (size_t)(request->route - request->web->options.routes);
}

const char *web_query(const struct web_request *request, const char *name)
{
    const char *value = MHD_lookup_connection_value(request->mhd, MHD_GET_ARGUMENT_KIND, name);
    for (const char *at = value; at && *at;) {
        size_t chars = utf8_chars(at, strlen(at));
        if (!chars) {
            return NULL;
        }
        at += chars;
    }
    return value;
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

const char *web_param(const struct web_request *request, const char *name)
{
    return path_param(&request->segments, request->route->path, name);
}

struct slice web_body(const struct web_request *request)
{
    return (struct slice){request->body.bytes, request->body.len};
}

char *web_form(const struct web_request *request, const char *name)
{
    return form_field((const char *)request->body.bytes, request->body.len, name);
}

static bool any_value(const struct web_request *request, const char *header,
                      bool (*fits)(const char *value, const char *wanted), const char *wanted)
{
    const char *values[VALUES_MAX];
    size_t count = web_headers(request, header, values, VALUES_MAX);
    for (size_t i = 0; i < count && i < VALUES_MAX; i++) {
        if (fits(values[i], wanted)) {
            return true;
        }
    }
    return false;
}

bool web_not_modified(const struct web_request *request, const char *etag)
{
    return any_value(request, "If-None-Match", etags_have, etag);
}

static bool has_gzip(const char *value, const char *wanted)
{
    (void)wanted;
    return encodings_have_gzip(value);
}

bool web_accepts_gzip(const struct web_request *request)
{
    return any_value(request, "Accept-Encoding", has_gzip, NULL);
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

static bool method_fits(const struct web_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static void find_route(struct web_request *request)
{
    const struct web_route *best = NULL, *route = request->web->options.routes;
    for (; request->verdict == PATH_FINE && route->method; route++) {
        if (path_fits(&request->segments, route->path)) {
            request->path_known = true;
            if (method_fits(route, request->method) &&
                (!best || pattern_before(route->path, best->path))) {
                best = route;
            }
        }
    }
    request->route = best;
}

void web_list_methods(const struct web_request *request, char allow[ALLOW_CHARS])
{
    allow[0] = '\0';
    for (const struct web_route *route = request->web->options.routes; route->method; route++) {
        if (path_fits(&request->segments, route->path) && !strstr(allow, route->method)) {
            size_t used = strlen(allow);
            snprintf(allow + used, ALLOW_CHARS - used, "%s%s", used ? ", " : "", route->method);
        }
    }
}

static void read_path(struct web_request *request)
{
    struct connection *connection = request->connection;
    request->verdict = connection->target_long
                           ? PATH_LONG
                           : path_cut((char *)connection->target.bytes, &request->segments);
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

/* --- tickets ------------------------------------------------------------------------------------ */

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
static bool refuse_by_head(struct web_request *request)
{
    const struct web_route *route = request->route;
    if (request->verdict == PATH_BAD) {
        web_refuse(request, 400, "this is not a path", "path");
    } else if (request->verdict == PATH_LONG) {
        web_refuse(request, 414, "the path is too long", "path");
    } else if (!request->path_known) {
        web_refuse(request, 404, "there is nothing here", "not_found");
    } else if (!route) {
        web_refuse(request, 405, "not with this method", "method");
    } else if (route->media_type &&
               !is_media_type(web_header(request, "Content-Type"), route->media_type)) {
        web_refuse(request, 415, "not a body of the expected media type", "media_type");
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
        web_refuse(request, 400, "the length of the request is ambiguous", "ambiguous");
        return;
    }
    uint64_t announced = length_count ? strtoull(lengths[0], NULL, 10) : 0;
    bool has_body = announced > 0 || encoding_count;
    read_path(request);
    find_route(request);
    request->body_bytes_max = request->route ? request->route->body_bytes_max : 0;
    find_address(request);
    if (!has_body) {
        return;
    }
    if (request->route && announced > request->body_bytes_max) {
        web_refuse(request, 413, "the body is too large", "too_large");
    } else if (!refuse_by_head(request)) {
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
    if (refuse_by_head(request)) {
        return;
    }
    if (request->body_seen > request->body_bytes_max) {
        web_refuse(request, 413, "the body is too large", "too_large");
        return;
    }
    if (request->no_room || web->closing) {
        web_refuse(request, 503, "too much is under way", "no_room");
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
