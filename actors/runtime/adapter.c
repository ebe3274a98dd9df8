#include "adapter.h"

#include "must.h"
#include "standard_webhooks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void verdict_set(struct verdict *verdict, enum verdict_kind kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    verdict->kind = kind;
    vsnprintf(verdict->words, sizeof verdict->words, format, arguments);
    va_end(arguments);
}

/* No answer: what that means depends on whether the request had left. */
static void no_answer(const struct answer *answer, struct verdict *verdict)
{
    if (answer->fault == FAULT_DENIED) {
        verdict_set(verdict, VERDICT_NEVER, "the URL may not be called: https only");
        return;
    }
    verdict_set(verdict, VERDICT_AGAIN, "%s%s%s", fault_words(answer->fault),
                *answer->words ? ": " : "", answer->words);
    verdict->ambiguous = answer->sent;
}

void verdict_http(const struct answer *answer, struct verdict *verdict)
{
    int status = answer->status;
    if (answer->fault != OK) {
        no_answer(answer, verdict);
    } else if (status >= 200 && status < 300) {
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    } else if (status == 401) {
        verdict_set(verdict, VERDICT_REFUSED, "the key is refused (401)");
    } else if (status == 403) {
        verdict_set(verdict, VERDICT_FORBIDDEN, "not allowed (403)");
    } else if (status == 408 || status == 425 || status == 429 || status >= 500) {
        verdict_set(verdict, VERDICT_AGAIN, "%s (%d)",
                    status == 429 ? "too many calls" : "the target is in trouble", status);
        verdict->retry_after_ms = answer->retry_after_ms;
    } else if (status >= 300 && status < 400) {
        verdict_set(verdict, VERDICT_NEVER, "a redirect, which is not followed (%d): check the URL",
                    status);
    } else {
        verdict_set(verdict, VERDICT_NEVER, "the target says no (%d)", status);
    }
}

void verdict_login(const struct answer *answer, struct verdict *verdict)
{
    verdict_http(answer, verdict);
    if (verdict->kind == VERDICT_NEVER || verdict->kind == VERDICT_FORBIDDEN ||
        verdict->kind == VERDICT_REFUSED) {
        verdict_set(verdict, VERDICT_REFUSED, "the login is refused (%d)", answer->status);
    }
    verdict->ambiguous = false; /* nothing but a token was asked for */
}

/* It goes into a header. */
static bool is_token(const char *text)
{
    const char *at = text;
    while (*at > ' ' && *at < 0x7f) {
        at++;
    }
    return at > text && *at == '\0';
}

void token_oauth2(const struct answer *answer, char **token, int64_t *lifetime_ms,
                  struct verdict *verdict)
{
    verdict_login(answer, verdict);
    if (verdict->kind != VERDICT_DONE) {
        return;
    }
    json_t *tree = json_loadb(answer->body, answer->len, 0, NULL);
    const char *text = tree_text(tree, "access_token");
    int64_t seconds = tree_int(tree, "expires_in");
    if (is_token(text)) {
        *token = must_strdup(text);
        *lifetime_ms = seconds > 0 && seconds < INT32_MAX ? seconds * 1000 : 0;
    } else {
        verdict_set(verdict, VERDICT_AGAIN, "the login's answer has no token (%d)", answer->status);
    }
    json_decref(tree);
}

static bool login_refused(int status)
{
    return status == 530 || status == 534 || status == 535 || status == 538;
}

void verdict_smtp(const struct answer *answer, struct verdict *verdict)
{
    int status = answer->status;
    if (answer->fault != OK && answer->sent) {
        verdict_set(verdict, VERDICT_UNCERTAIN,
                    "the connection was lost after the mail's last byte: it may have been taken");
    } else if (answer->fault != OK) {
        no_answer(answer, verdict);
    } else if (status >= 200 && status < 300) {
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    } else if (login_refused(status)) {
        verdict_set(verdict, VERDICT_REFUSED, "the mail server refuses our login (%d)", status);
    } else if (status >= 500) {
        verdict_set(verdict, VERDICT_NEVER, "the mail server refuses this mail (%d)", status);
    } else {
        verdict_set(verdict, VERDICT_AGAIN, "the mail server says not now (%d)", status);
    }
}

enum fault call_json(struct call *call, json_t *tree)
{
    char *text = json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(tree);
    if (!text) {
        return FAULT_MALFORMED;
    }
    buf_add_text(&call->body, text);
    free(text);
    return call_header(call, "Content-Type", "application/json");
}

enum fault call_sign(struct call *call, const char *secrets, const char *id, int64_t now_ms)
{
    char timestamp[24];
    struct buf signature = {0};
    struct slice body = {call->body.bytes, call->body.len};
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)(now_ms / 1000));
    bool made = sw_sign(secrets, id, timestamp, body, &signature);
    enum fault fault = made ? OK : FAULT_MALFORMED;
    fault = fault == OK ? call_header(call, "webhook-id", id) : fault;
    fault = fault == OK ? call_header(call, "webhook-timestamp", timestamp) : fault;
    fault = fault == OK ? call_header(call, "webhook-signature", buf_text(&signature)) : fault;
    buf_fini(&signature);
    return fault;
}

void secret_line(const char *secret, char *line, size_t room)
{
    size_t len = strcspn(secret, "\r\n");
    len = len < room - 1 ? len : room - 1;
    memcpy(line, secret, len);
    line[len] = '\0';
}

const struct adapter *adapter_find(const struct adapter *const *adapters, const char *name)
{
    while (*adapters && strcmp((*adapters)->name, name) != 0) {
        adapters++;
    }
    MUST(*adapters);
    return *adapters;
}
