#include "reply.h"

#include "clock.h"
#include "event_view.h"
#include "must.h"
#include "roles.h"
#include "routes.h"
#include "values.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ETAG_BYTES = 48, ETAG_HASH_CHARS = 32, DETAIL_BYTES = 400 };

bool reply_shows_names(const struct visit *visit)
{
    const struct identity *identity = &visit->identity;
    return identity->kind == IDENTITY_KEY || (identity->rights & RIGHT_PERSONAL);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What somebody wrote, behind what was done: notes and reasons are about people. */
static void hide_words(json_t *tree)
{
    const char *key, *text = tree_text(tree, "text"), *behind = strstr(text, ": ");
    json_t *value;
    size_t i;
    bool act = strcmp(tree_text(tree, "lane"), "admin") == 0 ||
               begins(tree_text(tree, "what"), "admin.") ||
               begins(tree_text(tree, "type"), "admin.");
    if (act && behind) {
        tree_set(tree, "text", json_stringn(text, (size_t)(behind - text)));
    }
    if (act) {
        json_object_del(tree, "reason");
        json_object_del(tree_get(tree, "data"), "reason");
        json_object_del(tree_get(tree, "data"), "text");
    }
    json_object_foreach(tree, key, value)
    {
        hide_words(value);
    }
    json_array_foreach(tree, i, value)
    {
        hide_words(value);
    }
}

void reply_mask(const struct visit *visit, json_t *tree)
{
    if (!reply_shows_names(visit)) {
        hide_words(tree);
        view_redact(tree);
    }
}

/* A weak one, made before as_of is put in: of what is so, not of when it was asked. */
static void make_etag(const json_t *tree, char etag[ETAG_BYTES])
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    char *text = json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS);
    MUST(text);
    sha256(text, strlen(text), hash);
    hex_encode(hash, sizeof hash, hex);
    snprintf(etag, ETAG_BYTES, "W/\"%.*s\"", ETAG_HASH_CHARS, hex);
    free(text);
}

static void add_envelope(const struct visit *visit, json_t *tree, json_t *partial)
{
    bool up = client_is_up(actor_client(visit->console->actor));
    tree_set_text(tree, "fleet", up ? "up" : "down");
    tree_set(tree, "partial", partial);
}

static void send_tree(const struct visit *visit, int status, json_t *tree, json_t *partial)
{
    char etag[ETAG_BYTES];
    bool reads = status == 200 && !routes_is_act(visit->row);
    if (visit->row->masked) {
        reply_mask(visit, tree);
    }
    add_envelope(visit, tree, partial);
    if (reads) {
        make_etag(tree, etag);
    }
    const char *headers[] = {"ETag", etag, "Cache-Control", "private, no-cache", NULL};
    if (reads && web_not_modified(visit->request, etag)) {
        web_answer(visit->request, &(struct web_answer){.status = 304, .headers = headers});
    } else {
        char now[CLOCK_TEXT_BYTES];
        tree_set_text(tree, "as_of", clock_rfc3339(clock_wall_ms(), now));
        char *text = json_dumps(tree, JSON_COMPACT);
        MUST(text);
        web_answer(visit->request, &(struct web_answer){.status = status,
                                                        .media_type = "application/json",
                                                        .body = text,
                                                        .len = strlen(text),
                                                        .headers = reads ? headers : NULL});
        free(text);
    }
    json_decref(tree);
}

void reply_json(const struct visit *visit, int status, json_t *tree)
{
    send_tree(visit, status, tree, json_array());
}

void reply_partial(const struct visit *visit, json_t *tree, json_t *partial)
{
    send_tree(visit, 200, tree, partial);
}

void reply_problem(const struct visit *visit, int status, const char *title, const char *detail)
{
    visit->console->refused++;
    if (detail) {
        web_problem_detail(visit->request, status, title, detail);
    } else {
        web_problem(visit->request, status, title, 0);
    }
}

void reply_fault(const struct visit *visit, enum fault fault)
{
    switch (fault) {
    case FAULT_NOT_FOUND:
        reply_problem(visit, 404, "there is nothing here", NULL);
        break;
    case FAULT_CONFLICT:
        reply_problem(visit, 409, "it is not so any more", NULL);
        break;
    case FAULT_MALFORMED:
    case FAULT_TOO_LARGE:
        reply_problem(visit, 400, "not what was expected", fault_words(fault));
        break;
    case FAULT_DENIED:
        reply_problem(visit, 403, "that is not allowed", NULL);
        break;
    default:
        reply_problem(visit, fault_again(fault) ? 503 : 500,
                      fault_again(fault) ? "not now" : "that went wrong", fault_words(fault));
    }
}

void reply_conflict(const struct visit *visit, const char *format, ...)
{
    char detail[DETAIL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    reply_problem(visit, 409, "it is not so any more", detail);
}

void reply_redirect(const struct visit *visit, const char *to, const char *cookie)
{
    const char *headers[] = {"Location", to, cookie ? "Set-Cookie" : NULL, cookie, NULL};
    web_answer(visit->request, &(struct web_answer){.status = 303, .body = "", .headers = headers});
}
