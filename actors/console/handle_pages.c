/* handle_pages.c - what a browser loads: the shell, its scripts, and the plain forms to sign in. */
#include "handlers.h"

#include "act.h"
#include "assets.h"
#include "clock.h"
#include "forms.h"
#include "gate.h"
#include "must.h"
#include "people.h"
#include "reply.h"
#include "sessions.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEXT_BYTES_MAX = 512 };

/* --- files ------------------------------------------------------------------------------------- */

static void answer_asset(const struct visit *visit, const struct asset *asset)
{
    const struct web_request *request = visit->request;
    bool zipped = asset->gz_len && web_accepts_gzip(request);
    const char *headers[] = {"ETag",
                             asset->etag,
                             "Cache-Control",
                             "private, no-cache",
                             "Vary",
                             "Accept-Encoding",
                             zipped ? "Content-Encoding" : NULL,
                             "gzip",
                             NULL};
    if (web_not_modified(request, asset->etag)) {
        headers[6] = NULL;
        web_answer(visit->request, &(struct web_answer){.status = 304, .headers = headers});
        return;
    }
    web_answer(visit->request, &(struct web_answer){.status = 200,
                                                    .media_type = asset->media_type,
                                                    .body = zipped ? asset->gz : asset->bytes,
                                                    .len = zipped ? asset->gz_len : asset->len,
                                                    .headers = headers});
}

void pages_asset(struct visit *visit)
{
    const struct asset *asset = asset_find(web_param(visit->request, "name"));
    if (asset) {
        answer_asset(visit, asset);
    } else {
        reply_problem(visit, 404, "there is nothing here", NULL);
    }
}

void pages_login_style(struct visit *visit)
{
    answer_asset(visit, asset_find("login.css"));
}

void pages_shell(struct visit *visit)
{
    answer_asset(visit, asset_find("shell.html"));
}

/* --- forms ------------------------------------------------------------------------------------- */

/* Takes the values. */
static void answer_form(const struct visit *visit, int status, const char *page, json_t *values,
                        const char *const *headers)
{
    const struct asset *asset = asset_find(page);
    struct buf text = {0};
    MUST(asset);
    forms_fill(asset->bytes, asset->len, values, &text);
    web_answer(visit->request, &(struct web_answer){.status = status,
                                                    .media_type = "text/html; charset=utf-8",
                                                    .body = text.bytes,
                                                    .len = text.len,
                                                    .headers = headers});
    buf_fini(&text);
    json_decref(values);
}

/* A path of ours to go on to, never another host's: "//evil" and "/\evil" are. */
static bool is_path_of_ours(const char *next)
{
    for (const char *at = next; at && *at; at++) { /* browsers drop tabs and the like */
        if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '\\') {
            return false;
        }
    }
    return next && next[0] == '/' && next[1] != '/' && strlen(next) < NEXT_BYTES_MAX;
}

static void login_form(const struct visit *visit, int status, const char *error, bool code_needed,
                       const char *name, const char *next, int wait_s)
{
    json_t *values = json_object();
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", wait_s);
    const char *headers[] = {wait_s ? "Retry-After" : NULL, seconds, NULL};
    tree_set_text(values, "error", error);
    tree_set_text(values, "code_needed", code_needed ? "1" : "");
    tree_set_text(values, "name", name);
    tree_set_text(values, "next", is_path_of_ours(next) ? next : "/");
    answer_form(visit, status, "login.html", values, headers);
}

void pages_login(struct visit *visit)
{
    if (visit->identity.kind == IDENTITY_PERSON) {
        reply_redirect(visit, "/", NULL);
    } else {
        login_form(visit, 200, "", false, "", web_query(visit->request, "next"), 0);
    }
}

/* Who signs in gets a fresh session; it is told after the sign-in's event is on its way. */
static void start_session(struct visit *visit, const char *person, const char *to)
{
    char token[SESSION_TOKEN_CHARS + 1];
    const char *agent = web_header(visit->request, "User-Agent");
    enum fault fault = sessions_start(visit->console->vault, person, web_address(visit->request),
                                      agent ? agent : "", clock_wall_ms(), token);
    if (fault != OK) {
        reply_fault(visit, fault);
        return;
    }
    char *cookie = gate_cookie(visit->console, token);
    reply_redirect(visit, to, cookie);
    free(cookie);
}

/* A sign-in is told even while the broker is away: the outbox keeps it. */
static void tell(struct visit *visit, const char *type, const char *person, const char *what)
{
    json_t *data = json_object();
    EVENT_SET(visit->identity.name, person);
    tree_set_text(data, "person", person);
    tree_set_text(data, "what", what);
    act_quietly(visit, type, data);
}

void pages_sign_in(struct visit *visit)
{
    char *name = web_form(visit->request, "name"), *password = web_form(visit->request, "password");
    char *code = web_form(visit->request, "code"), *next = web_form(visit->request, "next");
    struct sign_in said = {.name = name ? name : "",
                           .password = password ? password : "",
                           .code = code ? code : "",
                           .address = web_address(visit->request)};
    int wait_s = 0;
    enum sign_in_word word = people_sign_in(visit->console->vault, &said, clock_wall_ms(), &wait_s);
    switch (word) {
    case SIGN_IN_FINE:
        tell(visit, "admin.signed_in", said.name, "");
        start_session(visit, said.name, is_path_of_ours(next) ? next : "/");
        break;
    case SIGN_IN_CODE:
        login_form(visit, 200, "", true, said.name, next, 0);
        break;
    case SIGN_IN_WAIT:
        visit->console->refused++;
        login_form(visit, 429, "Too many attempts. Wait a moment, then try again.", false,
                   said.name, next, wait_s);
        break;
    default:
        visit->console->refused++;
        login_form(visit, 401, "Name, password or code is not right.", *said.code != '\0',
                   said.name, next, 0);
    }
    if (password) {
        memset(password, 0, strlen(password));
    }
    free(name);
    free(password);
    free(code);
    free(next);
}

void pages_sign_out(struct visit *visit)
{
    enum fault fault = sessions_end(visit->console->vault, visit->identity.session);
    char *cookie = gate_cookie(visit->console, "");
    if (fault == OK || fault == FAULT_NOT_FOUND) {
        reply_redirect(visit, "/login", cookie);
    } else {
        reply_fault(visit, fault);
    }
    free(cookie);
}

/* --- the one-time link ------------------------------------------------------------------------- */

static void welcome_form(const struct visit *visit, int status, const char *token,
                         const char *error)
{
    struct invitation invitation;
    json_t *values = json_object();
    enum fault fault =
        people_invitation(visit->console->vault, token, clock_wall_ms(), &invitation);
    if (fault == OK) {
        tree_set_text(values, "token", token);
        tree_set_text(values, "name", invitation.name);
        tree_set_text(values, "ask_name", *invitation.name ? "" : "1");
        tree_set_text(values, "error", error);
    } else {
        status = 404;
        tree_set_text(values, "over", "1");
    }
    answer_form(visit, status, "welcome.html", values, NULL);
}

void pages_welcome(struct visit *visit)
{
    const char *token = web_query(visit->request, "token");
    welcome_form(visit, 200, token ? token : "", "");
}

void pages_redeem(struct visit *visit)
{
    char *token = web_form(visit->request, "token"), *name = web_form(visit->request, "name");
    char *password = web_form(visit->request, "password");
    struct invitation invitation;
    const char *why = "";
    enum fault fault = people_redeem(visit->console->vault, token ? token : "", name ? name : "",
                                     password ? password : "", clock_wall_ms(), &invitation, &why);
    if (fault == OK) {
        tell(visit, "admin.person_changed", invitation.name, "password");
        start_session(visit, invitation.name, invitation.first ? "/start" : "/");
    } else {
        visit->console->refused++;
        welcome_form(visit, 400, token ? token : "", why);
    }
    if (password) {
        memset(password, 0, strlen(password));
    }
    free(token);
    free(name);
    free(password);
}
