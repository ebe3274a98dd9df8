#include "openapi.h"

#include "assets.h"
#include "must.h"
#include "roles.h"
#include "values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static json_t *schema_ref(const char *name)
{
    json_t *schema = json_object();
    char *path = must_sprintf("#/components/schemas/%s", name);
    tree_set_text(schema, "$ref", path);
    free(path);
    return schema;
}

static json_t *content_of(const char *media_type, json_t *schema)
{
    json_t *content = json_object(), *media = json_object();
    tree_set(media, "schema", schema);
    tree_set(content, media_type, media);
    return content;
}

static void add_response(json_t *responses, const char *status, const char *words, json_t *content)
{
    json_t *response = json_object();
    tree_set_text(response, "description", words);
    if (content) {
        tree_set(response, "content", content);
    }
    tree_set(responses, status, response);
}

static json_t *responses_of(const struct route_row *row)
{
    json_t *responses = json_object();
    add_response(responses, "200", row->summary,
                 *row->answer ? content_of("application/json", schema_ref(row->answer)) : NULL);
    add_response(responses, "default", "A problem, as RFC 9457 has it.",
                 content_of("application/problem+json", schema_ref("Problem9457")));
    return responses;
}

/* "{actor}" in the path. */
static json_t *parameters_of(const char *path)
{
    json_t *parameters = json_array();
    for (const char *at = strchr(path, '{'); at; at = strchr(at + 1, '{')) {
        size_t len = strcspn(at + 1, "}");
        json_t *parameter = json_object(), *schema = json_object();
        tree_set(parameter, "name", json_stringn(at + 1, len));
        tree_set_text(parameter, "in", "path");
        tree_set_flag(parameter, "required", true);
        tree_set_text(schema, "type", "string");
        tree_set(parameter, "schema", schema);
        MUST(json_array_append_new(parameters, parameter) == 0);
    }
    return parameters;
}

/* A session with the right, or (where the table has a scope) a key. */
static json_t *security_of(const struct route_row *row)
{
    json_t *security = json_array(), *session = json_object();
    tree_set(session, "session", json_array());
    MUST(json_array_append_new(security, session) == 0);
    if (row->scope) {
        json_t *key = json_object();
        tree_set(key, "key",
                 row->scope == ROUTES_ANY_SCOPE ? json_array() : scopes_list(row->scope));
        MUST(json_array_append_new(security, key) == 0);
    }
    return security;
}

static const char *right_name(unsigned bit)
{
    for (size_t i = 0; right_nth(i); i++) {
        if (right_nth(i)->bit == bit) {
            return right_nth(i)->name;
        }
    }
    return "";
}

static void add_row(json_t *paths, const struct route_row *row)
{
    json_t *path = tree_get(paths, row->path), *operation = json_object();
    char method[16];
    size_t len = strlen(row->method);
    for (size_t i = 0; i <= len; i++) {
        method[i] = (char)tolower((unsigned char)row->method[i]);
    }
    tree_set_text(operation, "summary", row->summary);
    tree_set_text(operation, "x-right", right_name(row->right));
    tree_set(operation, "parameters", parameters_of(row->path));
    tree_set(operation, "security", security_of(row));
    tree_set(operation, "responses", responses_of(row));
    if (routes_is_act(row)) {
        json_t *body = json_object();
        tree_set(body, "content", content_of("application/json", schema_ref("ActBody")));
        tree_set(operation, "requestBody", body);
    }
    if (!path) {
        path = json_object();
        tree_set(paths, row->path, path);
    }
    tree_set(path, method, operation);
}

static json_t *make(void)
{
    const struct asset *schemas = asset_find("schemas.json");
    json_t *paths = json_object();
    MUST(schemas);
    json_t *document = json_loadb(schemas->bytes, schemas->len, JSON_REJECT_DUPLICATES, NULL);
    MUST(document);
    for (size_t i = 0; routes_nth(i); i++) {
        if (strncmp(routes_nth(i)->path, "/api/", 5) == 0) {
            add_row(paths, routes_nth(i));
        }
    }
    tree_set(document, "paths", paths);
    tree_set_text(tree_get(document, "info"), "version", USHER_VERSION);
    return document;
}

char *openapi_text(void)
{
    json_t *document = make();
    char *text = json_dumps(document, JSON_INDENT(1));
    MUST(text);
    json_decref(document);
    return text;
}
