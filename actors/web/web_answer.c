#include "web_core.h"

#include "clock.h"
#include "must.h"

#include <string.h>
#include <strings.h>

/* --- headers --------------------------------------------------------------------------------- */

static bool names(const char *const *headers, const char *name)
{
    for (const char *const *pair = headers; pair && *pair; pair += 2) {
        if (strcasecmp(*pair, name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    MUST(MHD_add_response_header(response, name, value) == MHD_YES);
}

void web_add_headers(const struct web *web, struct MHD_Response *response,
                     const char *const *headers)
{
    static const char *const usual[] = {"X-Content-Type-Options", "nosniff", "Cache-Control",
                                        "no-store", NULL};
    const char *const *everywhere = web->options.headers;
    for (const char *const *pair = headers; pair && *pair; pair += 2) {
        add_header(response, pair[0], pair[1]);
    }
    for (const char *const *pair = everywhere; pair && *pair; pair += 2) {
        if (!names(headers, pair[0])) {
            add_header(response, pair[0], pair[1]);
        }
    }
    for (const char *const *pair = usual; *pair; pair += 2) {
        if (!names(headers, pair[0]) && !names(everywhere, pair[0])) {
            add_header(response, pair[0], pair[1]);
        }
    }
}

/* --- answers --------------------------------------------------------------------------------- */

bool web_send_response(struct web_request *request, int status, struct MHD_Response *response,
                       enum phase phase)
{
    MUST(!request->answered);
    struct connection *connection = request->connection;
    request->answered = true;
    connection->phase = phase;
    connection->deadline_ms = clock_mono_ms() + request->web->options.limits.send_ms;
    web_drop_body(request);
    bool queued = MHD_queue_response(request->mhd, (unsigned)status, response) == MHD_YES;
    if (request->suspended) {
        request->suspended = false;
        MHD_resume_connection(request->mhd);
        web_run_again(request->web);
    }
    return queued;
}

void web_answer(struct web_request *request, const struct web_answer *answer)
{
    bool bare = answer->status == MHD_HTTP_NOT_MODIFIED;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        bare ? 0 : answer->len, (void *)answer->body, MHD_RESPMEM_MUST_COPY);
    MUST(response);
    if (answer->media_type && !bare) {
        add_header(response, "Content-Type", answer->media_type);
    }
    web_add_headers(request->web, response, answer->headers);
    (void)web_send_response(request, answer->status, response, PHASE_SEND);
    MHD_destroy_response(response);
}

void web_json(struct web_request *request, int status, const char *text)
{
    web_answer(request, &(struct web_answer){.status = status,
                                             .media_type = "application/json",
                                             .body = text,
                                             .len = strlen(text)});
}

/* --- problems -------------------------------------------------------------------------------- */

static void add_json_text(struct buf *out, const char *text)
{
    buf_add_text(out, "\"");
    for (size_t room = strlen(text), chars; room; text += chars, room -= chars) {
        chars = utf8_chars(text, room);
        if (chars == 0) {
            buf_add_text(out, "\\ufffd");
            chars = 1;
        } else if (*text == '"' || *text == '\\') {
            buf_printf(out, "\\%c", *text);
        } else if ((unsigned char)*text < ' ') {
            buf_printf(out, "\\u%04x", *text);
        } else {
            buf_add(out, text, chars);
        }
    }
    buf_add_text(out, "\"");
}

static void problem(struct web_request *request, int status, const char *title, const char *detail,
                    const char *const *headers)
{
    struct buf text = {0};
    buf_printf(&text, "{\"status\":%d,\"title\":", status);
    add_json_text(&text, title);
    if (detail) {
        buf_add_text(&text, ",\"detail\":");
        add_json_text(&text, detail);
    }
    buf_add_text(&text, "}\n");
    web_answer(request, &(struct web_answer){.status = status,
                                             .media_type = "application/problem+json",
                                             .body = text.bytes,
                                             .len = text.len,
                                             .headers = headers});
    buf_fini(&text);
}

void web_problem(struct web_request *request, int status, const char *title, int retry_after_s)
{
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", retry_after_s);
    const char *headers[] = {"Retry-After", seconds, NULL};
    problem(request, status, title, NULL, retry_after_s ? headers : NULL);
}

void web_problem_detail(struct web_request *request, int status, const char *title,
                        const char *detail)
{
    problem(request, status, title, detail, NULL);
}

void web_allow(struct web_request *request)
{
    char allow[ALLOW_CHARS];
    web_list_methods(request, allow);
    const char *headers[] = {"Allow", allow, NULL};
    web_answer(request, &(struct web_answer){.status = 200, .body = "", .headers = headers});
}

void web_refuse(struct web_request *request, int status, const char *title, const char *reason)
{
    char allow[ALLOW_CHARS];
    const char *headers[] = {"Allow", allow, NULL};
    web_note_refused(request->web, request->path, reason);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        web_list_methods(request, allow);
        problem(request, status, title, NULL, headers);
    } else {
        web_problem(request, status, title,
                    status == MHD_HTTP_SERVICE_UNAVAILABLE ? RETRY_AFTER_S : 0);
    }
}
