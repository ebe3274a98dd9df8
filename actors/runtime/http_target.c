#include "http_target.h"

#include "hole.h"
#include "home.h"
#include "http_meaning.h"
#include "must.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 64 * 1024, ID_BYTES_MAX = 200 };

static const struct setting rows[] = {
    {"target/method", SETTING_CHOICE, "POST", 0, 0, "POST|PUT|PATCH|GET|DELETE", "HTTP method."},
    {"target/url", SETTING_SECRET, "", 0, 0, NULL, "The address."},
    {"target/body", SETTING_TEXT, "", 0, 100, NULL, "A JSON template beside the file."},
    {"target/header/name", SETTING_TEXT, "", 0, 100, NULL, "Name of a header."},
    {"target/header/value", SETTING_TEXT, "", 0, 1000, NULL, "Its value."},
    {"target/answers/done", SETTING_TEXT, "", 0, 400, NULL, "Codes that mean: done."},
    {"target/answers/again", SETTING_TEXT, "", 0, 400, NULL, "Codes that mean: later."},
    {"target/answers/never", SETTING_TEXT, "", 0, 400, NULL, "Codes that mean: never."},
    {"target/answers/refused", SETTING_TEXT, "", 0, 400, NULL, "Codes that refuse our key."},
    {"target/answers/path", SETTING_TEXT, "", 0, 200, NULL, "What has to be so in the answer."},
    {"target/answers/value", SETTING_TEXT, "", 0, 200, NULL, "What has to stand there."},
    {"target/answers/otherwise", SETTING_CHOICE, "again", 0, 0, "again|never", "What it is else."},
    {"target/answers/id", SETTING_TEXT, "", 0, 200, NULL, "Where the answer names the contact."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};
static const struct setting *const tables[] = {rows, NULL};

struct http_target {
    char *file;
    char *text;                /* of the file, for the lines of mistakes */
    struct settings *settings; /* NULL: no file */
    char *url;
    char *body;
    uint8_t meanings[HTTP_STATUS_MAX + 1];
};

/* --- the file ----------------------------------------------------------------------------------- */

static const char *text_of(const struct http_target *target, const char *path)
{
    return target->settings ? settings_text(target->settings, path) : "";
}

/* The line that names the n-th setting of that name (from 0); 1 if there is none. */
static int line_of(const struct http_target *target, const char *name, size_t n)
{
    int line = 1;
    size_t len = strlen(name);
    for (const char *at = target->text ? target->text : ""; *at; line++) {
        const char *word = at + strspn(at, " ");
        bool same = strncmp(word, name, len) == 0 && strchr(" \t=", word[len]);
        if (same && n-- == 0) {
            return line;
        }
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return 1;
}

static bool mistake(const struct http_target *target, const char *name, size_t n, const char *words,
                    struct buf *why)
{
    buf_printf(why, "%s:%d: %s: %s\n", target->file, line_of(target, name, n), name, words);
    return false;
}

/* A file of the same folder, or below `targets/`: never one from elsewhere. */
static bool name_is_safe(const char *name)
{
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("._-/", *at)) {
            return false;
        }
    }
    return *name && *name != '/' && *name != '.' && !strstr(name, "..");
}

static bool read_file(const struct http_target_use *use, const char *file, char **text,
                      struct buf *why)
{
    size_t len = 0;
    char *path = home_path(use->home, "%s", file);
    enum fault fault = home_read_file(path, FILE_BYTES_MAX, text, &len);
    free(path);
    if (fault != OK || strlen(*text) != len) {
        buf_printf(why, "%s:1: %s\n", file, fault != OK ? fault_words(fault) : "holds a NUL byte");
        return false;
    }
    return true;
}

static bool check_codes(struct http_target *target, struct buf *why)
{
    static const struct {
        const char *name;
        enum http_meaning meaning;
    } lists[] = {{"done", HTTP_DONE},
                 {"again", HTTP_AGAIN},
                 {"never", HTTP_NEVER},
                 {"refused", HTTP_REFUSED}};
    bool good = true;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char path[40];
        snprintf(path, sizeof path, "target/answers/%s", lists[i].name);
        const char *wrong = http_codes(text_of(target, path), lists[i].meaning, target->meanings);
        good = (!wrong || mistake(target, lists[i].name, 0, wrong, why)) && good;
    }
    return good;
}

/* Those that the engine and the signature set. */
static bool name_is_ours(const char *name)
{
    static const char *const ours[] = {
        "host",       "content-length",    "transfer-encoding", "connection",
        "webhook-id", "webhook-timestamp", "webhook-signature"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strcasecmp(name, ours[i]) == 0) {
            return true;
        }
    }
    return false;
}

static size_t header_count(const struct http_target *target)
{
    return target->settings ? settings_count(target->settings, "target/header") : 0;
}

static const char *header_text(const struct http_target *target, size_t n, const char *path)
{
    return settings_text(settings_nth(target->settings, "target/header", n), path);
}

static bool check_headers(const struct http_target *target, const json_t *sample, struct buf *why)
{
    bool good = true;
    json_t *names = json_copy((json_t *)sample);
    tree_set_text(names, "key", "x");
    if (header_count(target) > HTTP_TARGET_HEADERS_MAX) {
        good = mistake(target, "header", HTTP_TARGET_HEADERS_MAX, "too many", why);
    }
    for (size_t i = 0; i < header_count(target); i++) {
        const char *name = header_text(target, i, "target/header/name");
        const char *value = header_text(target, i, "target/header/value");
        size_t len =
            strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
        if (len == 0 || name[len]) {
            good = mistake(target, "name", i, "expected the name of a header", why);
        } else if (name_is_ours(name)) {
            good = mistake(target, "name", i, "this header is set by usher itself", why);
        }
        good = holes_check(value, HOLES_HEADER, names, target->file, line_of(target, "value", i),
                           why) &&
               good;
    }
    json_decref(names);
    return good;
}

static bool check_path(const struct http_target *target, const char *name, const char *path,
                       struct buf *why)
{
    const char *text = text_of(target, path);
    size_t len = strlen(text);
    bool good = len == 0 || (*text != '.' && text[len - 1] != '.' && !strstr(text, ".."));
    return good || mistake(target, name, 0, "expected names with dots between them", why);
}

/* The host is fixed: a placeholder comes behind the first slash of the path, at the earliest. */
static const char *url_fault(const char *url, struct buf *words)
{
    const char *hole = strstr(url, "{{");
    const char *host = strstr(url, "://");
    const char *slash = host ? strchr(host + 3, '/') : NULL;
    if (!*url) {
        return "expected where the endpoint is";
    }
    if (hole && (!slash || slash > hole)) {
        return "a placeholder may not name the host";
    }
    return http_out_url_allowed(url, false, words) ? NULL : buf_text(words);
}

/* The address is a secret: no mistake repeats it. */
static bool check_url(struct http_target *target, const struct http_target_use *use,
                      struct buf *why)
{
    struct buf words = {0};
    char *own = NULL;
    bool good = !target->settings || settings_secret(target->settings, "target/url", &own) == OK;
    bool given = own && *own;
    target->url = must_strdup(given ? own : use->url);
    const char *wrong = good ? url_fault(target->url, &words) : "cannot be read";
    if (wrong && (given || !good)) {
        good = mistake(target, "url", 0, wrong, why);
    } else if (wrong) {
        buf_printf(why, "%s: %s\n", use->url_from, wrong);
        good = false;
    }
    good = good &&
           holes_check(target->url, HOLES_URL, use->sample, given ? target->file : use->url_from,
                       given ? line_of(target, "url", 0) : 1, why);
    buf_fini(&words);
    free(own);
    return good;
}

static bool load_body(struct http_target *target, const struct http_target_use *use,
                      struct buf *why)
{
    const char *name = text_of(target, "target/body");
    if (!*name) {
        target->body = must_strdup(use->body);
        return holes_check(target->body, HOLES_JSON, use->sample, "the usual body", 1, why);
    }
    if (!name_is_safe(name) || strchr(name, '/')) {
        return mistake(target, "body", 0, "expected the name of a file beside this one", why);
    }
    const char *slash = strrchr(target->file, '/');
    char *file = must_sprintf("%.*s/%s", (int)(slash - target->file), target->file, name);
    bool good = read_file(use, file, &target->body, why) &&
                holes_check(target->body, HOLES_JSON, use->sample, file, 1, why);
    free(file);
    return good;
}

static bool load_file(struct http_target *target, const struct http_target_use *use,
                      struct buf *why)
{
    const char *wrong = strncmp(use->file, "targets/", 8) != 0 || !name_is_safe(use->file)
                            ? "expected a file in targets/, such as targets/zapier.cfg"
                            : NULL;
    if (wrong) {
        buf_printf(why, "%s: %s\n", use->file, wrong);
        return false;
    }
    static const char *const sections[] = {"target", NULL};
    return read_file(use, use->file, &target->text, why) &&
           settings_stray(use->home, use->file, sections, why) == OK &&
           settings_load(use->home, use->file, tables, &target->settings, why) == OK;
}

enum fault http_target_load(const struct http_target_use *use, struct http_target **out,
                            struct buf *why)
{
    struct http_target *target = must_calloc(1, sizeof *target);
    target->file = must_strdup(*use->file ? use->file : "usher.cfg");
    bool good = !*use->file || load_file(target, use, why);
    if (good) {
        good = check_url(target, use, why);
        good = check_headers(target, use->sample, why) && good;
        good = check_codes(target, why) && good;
        good = check_path(target, "path", "target/answers/path", why) && good;
        good = check_path(target, "id", "target/answers/id", why) && good;
        good = load_body(target, use, why) && good;
    }
    if (!good) {
        http_target_destroy(&target);
    }
    *out = target;
    return good ? OK : FAULT_CONFIG;
}

void http_target_destroy(struct http_target **target)
{
    struct http_target *self = *target;
    if (self) {
        settings_destroy(&self->settings);
        free(self->file);
        free(self->text);
        free(self->url);
        free(self->body);
        free(self);
        *target = NULL;
    }
}

/* --- the call ----------------------------------------------------------------------------------- */

static enum fault add_headers(const struct http_target *target, const struct http_message *message,
                              struct call *call)
{
    enum fault fault = OK;
    bool typed = false;
    json_t *values = json_copy((json_t *)message->values);
    tree_set_text(values, "key", message->key);
    for (size_t i = 0; fault == OK && i < header_count(target); i++) {
        struct buf value = {0};
        const char *name = header_text(target, i, "target/header/name");
        fault =
            holes_fill(header_text(target, i, "target/header/value"), HOLES_HEADER, values, &value);
        fault = fault == OK ? call_header(call, name, buf_text(&value)) : fault;
        typed = typed || strcasecmp(name, "Content-Type") == 0;
        buf_fini(&value);
    }
    json_decref(values);
    bool untyped = call->body.len > 0 && !typed;
    return fault == OK && untyped ? call_header(call, "Content-Type", "application/json") : fault;
}

enum fault http_target_call(const struct http_target *target, const struct http_message *message,
                            struct call *call)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "GET", "DELETE"};
    const char *method = text_of(target, "target/method");
    call->method = methods[0];
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        call->method = strcmp(method, methods[i]) == 0 ? methods[i] : call->method;
    }
    bool bodiless = strcmp(call->method, "GET") == 0 || strcmp(call->method, "DELETE") == 0;
    enum fault fault = holes_fill(target->url, HOLES_URL, message->values, &call->url);
    if (fault == OK && !bodiless) {
        fault = holes_fill(target->body, HOLES_JSON, message->values, &call->body);
    }
    fault = fault == OK ? add_headers(target, message, call) : fault;
    if (fault != OK || *message->secrets) {
        return fault == OK ? call_sign(call, message->secrets, message->id, message->now_ms)
                           : fault;
    }
    return call_header(call, "webhook-id", message->id);
}

/* --- the answer --------------------------------------------------------------------------------- */

/* A 2xx may have an error inside. */
static void look_inside(const struct http_target *target, const struct answer *answer,
                        struct verdict *verdict, struct buf *id)
{
    const char *path = text_of(target, "target/answers/path");
    const char *id_path = text_of(target, "target/answers/id");
    struct buf found = {0};
    json_t *tree = json_loadb(answer->body, answer->len, 0, NULL);
    holes_plain(http_path(tree, path), &found);
    bool never = strcmp(text_of(target, "target/answers/otherwise"), "never") == 0;
    verdict_set(verdict, VERDICT_DONE, "%s", "");
    if (*path && !tree) {
        verdict_set(verdict, VERDICT_AGAIN, "the endpoint's answer is not one (%d)",
                    answer->status);
        verdict->ambiguous = true;
    } else if (*path && strcmp(buf_text(&found), text_of(target, "target/answers/value")) != 0) {
        verdict_set(verdict, never ? VERDICT_NEVER : VERDICT_AGAIN,
                    "the endpoint says %d, and \"%.60s\" in its answer is not as it has to be",
                    answer->status, path);
    }
    buf_reset(&found);
    holes_plain(*id_path ? http_path(tree, id_path) : NULL, &found);
    if (id && found.len <= ID_BYTES_MAX) {
        buf_add(id, found.bytes, found.len);
    }
    json_decref(tree);
    buf_fini(&found);
}

void http_target_verdict(const struct http_target *target, const struct answer *answer,
                         struct verdict *verdict, struct buf *id)
{
    bool named = answer->fault == OK && answer->status >= HTTP_STATUS_MIN &&
                 answer->status <= HTTP_STATUS_MAX;
    enum http_meaning meaning =
        named ? (enum http_meaning)target->meanings[answer->status] : HTTP_USUAL;
    verdict_http(answer, verdict);
    if (meaning == HTTP_USUAL && verdict->kind == VERDICT_DONE) {
        meaning = HTTP_DONE;
    } else if (meaning == HTTP_USUAL && verdict->kind == VERDICT_REFUSED) {
        meaning = HTTP_REFUSED;
    } else if (meaning == HTTP_USUAL && verdict->kind == VERDICT_FORBIDDEN) {
        meaning = HTTP_NEVER;
    }
    switch (meaning) {
    case HTTP_DONE:
        look_inside(target, answer, verdict, id);
        break;
    case HTTP_AGAIN:
        verdict_set(verdict, VERDICT_AGAIN, "the endpoint says not now (%d)", answer->status);
        verdict->retry_after_ms = answer->retry_after_ms;
        break;
    case HTTP_NEVER:
        verdict_set(verdict, VERDICT_NEVER, "the endpoint says no (%d)", answer->status);
        break;
    case HTTP_REFUSED: /* no harmless call is known that would find out: one real one does */
        verdict_set(verdict, VERDICT_AGAIN, "the endpoint refuses our key (%d)", answer->status);
        verdict->hold_ms = HTTP_TARGET_REFUSED_MS;
        break;
    case HTTP_USUAL:
        break;
    }
}
