#include "stand.h"

#include "clock.h"
#include "digest.h"
#include "must.h"
#include "smtp_server.h"
#include "values.h"
#include "web.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BODY_BYTES_MAX = 1 << 20, KEY_BYTES_MAX = 512, FIRST_ID = 100, ID_BYTES = 24 };

#define X(actor, provider) extern const struct stand_kind stand_##actor##_##provider;
#include "stand_table.h"
#undef X

static const struct stand_kind *const kinds[] = {
#define X(actor, provider) &stand_##actor##_##provider,
#include "stand_table.h"
#undef X
};

const struct stand_kind *stand_find(const char *actor, const char *provider)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i]->actor, actor) == 0 && strcmp(kinds[i]->provider, provider) == 0) {
            return kinds[i];
        }
    }
    return NULL;
}

bool stand_is_embedded(const char *provider)
{
    return strcmp(provider, "local") == 0 || strcmp(provider, "maildir") == 0;
}

/* --- what kinds do -------------------------------------------------------------------------- */

void stand_saw(struct stand *stand, const char *who, json_t *what)
{
    MUST(what);
    tree_set(what, "who", json_string(who));
    tree_set_int(what, "at", clock_mono_ms());
    MUST(json_array_append_new(stand->seen, what) == 0);
}

const char *stand_setting(const struct stand *stand, const char *name, const char *fallback)
{
    return tree_get(stand->settings, name) ? tree_text(stand->settings, name) : fallback;
}

const char *stand_new_id(struct stand *stand)
{
    static char id[ID_BYTES];
    int64_t number = tree_int(stand->memory, "last_id");
    number = (number ? number : FIRST_ID) + 1;
    tree_set_int(stand->memory, "last_id", number);
    snprintf(id, sizeof id, "%lld", (long long)number);
    return id;
}

json_t *stand_keeps(struct stand *stand, const char *name)
{
    if (!tree_get(stand->memory, name)) {
        tree_set(stand->memory, name, json_object());
    }
    return tree_get(stand->memory, name);
}

bool stand_is_path(const struct stand_call *call, const char *path, const char **rest)
{
    size_t len = strlen(path);
    if (strncmp(call->path, path, len) != 0) {
        return false;
    }
    if (rest && call->path[len] == '/') {
        *rest = call->path + len + 1;
        return true;
    }
    return !rest && call->path[len] == '\0';
}

void stand_segment(const char *path, char *segment, size_t room)
{
    size_t len = strcspn(path, "/");
    snprintf(segment, room, "%.*s", (int)(len < room ? len : room - 1), path);
}

void stand_address(const char *mailbox, char *address, size_t room)
{
    const char *open = strrchr(mailbox, '<');
    size_t len = open ? strcspn(open + 1, ">") : strlen(mailbox);
    snprintf(address, room, "%.*s", (int)(len < room ? len : room - 1), open ? open + 1 : mailbox);
}

bool stand_bounces(const struct stand *stand, const char *address)
{
    return stand->bounces && strcasecmp(stand->bounces, address) == 0;
}

void stand_say(struct stand_answer *answer, int status, json_t *body)
{
    answer->status = status;
    answer->body = body;
}

json_t *stand_pick(json_t *object, const char *field, const char *value, const char **key)
{
    const char *name;
    json_t *one;
    json_object_foreach(object, name, one)
    {
        if (strcasecmp(tree_text(one, field), value) == 0) {
            if (key) {
                *key = name;
            }
            return one;
        }
    }
    return NULL;
}

/* --- HTTP ----------------------------------------------------------------------------------- */

/* "Basic" is base64 of "user:password", and the password is the key. */
static bool is_key(const struct stand *stand, const char *header)
{
    const char *scheme = stand->kind->key_scheme;
    size_t len = strlen(scheme);
    if (len == 0) {
        return strcmp(header, stand->key) == 0;
    }
    if (strncasecmp(header, scheme, len) != 0 || header[len] != ' ') {
        return false;
    }
    if (strcmp(scheme, "Basic") != 0) {
        return strcmp(header + len + 1, stand->key) == 0;
    }
    uint8_t bytes[KEY_BYTES_MAX + 1];
    size_t room = KEY_BYTES_MAX;
    if (strlen(header) > KEY_BYTES_MAX || !base64_decode(header + len + 1, bytes, &room)) {
        return false;
    }
    bytes[room] = '\0';
    const char *colon = strchr((char *)bytes, ':');
    return colon && strcmp(colon + 1, stand->key) == 0;
}

static bool is_refused(struct stand *stand, struct web_request *request)
{
    const char *login = stand->kind->login_path;
    if (!stand->kind->key_header || (login && strcmp(web_path(request), login) == 0)) {
        return false;
    }
    const char *header = web_header(request, stand->kind->key_header);
    bool refused = !header || !is_key(stand, header);
    stand->wrong_keys += refused;
    return refused;
}

static void on_request(void *self, struct web_request *request)
{
    struct stand *stand = self;
    struct slice bytes = web_body(request);
    char *text = must_sprintf("%.*s", (int)bytes.len, bytes.len ? (const char *)bytes.bytes : "");
    json_t *body = json_loadb(text, strlen(text), 0, NULL);
    struct stand_call call = {web_method(request), web_path(request), body, text, request};
    struct stand_answer answer = {.status = 404};
    stand->calls++;
    if (is_refused(stand, request)) {
        stand_say(&answer, 401, json_pack("{s:s}", "message", "the key is not taken"));
    } else {
        stand->kind->answer(stand, &call, &answer);
    }
    bool plain = answer.text || answer.status == 204;
    char *said = plain         ? must_strdup(answer.text ? answer.text : "")
                 : answer.body ? json_dumps(answer.body, JSON_COMPACT)
                               : must_strdup("{}");
    MUST(said);
    struct web_answer whole = {.status = answer.status,
                               .media_type = plain ? "text/plain" : "application/json",
                               .body = said,
                               .len = strlen(said),
                               .headers = answer.headers[0] ? answer.headers : NULL};
    web_answer(request, &whole);
    free(said);
    json_decref(answer.body);
    json_decref(body);
    free(text);
}

static const struct web_route routes[] = {{"GET", "/*", NULL, BODY_BYTES_MAX, on_request},
                                          {"POST", "/*", NULL, BODY_BYTES_MAX, on_request},
                                          {"PUT", "/*", NULL, BODY_BYTES_MAX, on_request},
                                          {"PATCH", "/*", NULL, BODY_BYTES_MAX, on_request},
                                          {"DELETE", "/*", NULL, BODY_BYTES_MAX, on_request},
                                          {0}};

/* --- one stand-in --------------------------------------------------------------------------- */

static enum fault listen_again(struct stand *stand)
{
    char listen[32];
    snprintf(listen, sizeof listen, "127.0.0.1:%d", stand->port);
    if (!stand->kind->answer) {
        return smtp_server_open(stand, &stand->smtp);
    }
    struct web_options options = {.loop = stand->loop,
                                  .listen = listen,
                                  .routes = routes,
                                  .trusted_proxies = "127.0.0.1",
                                  .limits = WEB_LIMITS_USUAL,
                                  .self = stand};
    enum fault fault = web_open(&options, &stand->web);
    if (fault == OK) {
        stand->port = web_port(stand->web);
    }
    return fault;
}

static void hang_up(struct stand *stand)
{
    if (stand->web) {
        web_close(&stand->web);
    }
    if (stand->smtp) {
        smtp_server_close(&stand->smtp);
    }
}

enum fault stand_open(zloop_t *loop, const struct stand_kind *kind, const char *slot,
                      json_t *settings, struct stand **out)
{
    struct stand *stand = must_calloc(1, sizeof *stand);
    stand->kind = kind;
    stand->slot = must_strdup(slot);
    stand->settings = settings;
    stand->memory = json_object();
    stand->seen = json_array();
    stand->loop = loop;
    MUST(stand->memory && stand->seen);
    enum fault fault = listen_again(stand);
    *out = stand;
    if (fault != OK) {
        stand_close(out);
    }
    return fault;
}

void stand_close(struct stand **stand)
{
    struct stand *self = *stand;
    if (self) {
        hang_up(self);
        json_decref(self->settings);
        json_decref(self->memory);
        json_decref(self->seen);
        free(self->slot);
        free(self->secret_path);
        free(self->key);
        free(self->bounces);
        free(self);
        *stand = NULL;
    }
}

char *stand_url(const struct stand *stand)
{
    return must_sprintf("%s://127.0.0.1:%d", stand->kind->answer ? "http" : "smtp", stand->port);
}

enum fault stand_down(struct stand *stand, bool down)
{
    if (stand->down == down) {
        return OK;
    }
    stand->down = down;
    if (down) {
        hang_up(stand);
        return OK;
    }
    return listen_again(stand);
}

bool stand_has_key(const struct stand *stand)
{
    bool logs_in = stand->kind->answer || *stand_setting(stand, "user", "");
    return stand->secret_path && stand->kind->key_header && logs_in;
}
