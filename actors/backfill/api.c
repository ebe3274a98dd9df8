#include "api.h"

#include "adapter.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Both shapes are read; this one is asked for. */
static const char version[] = "2026-05-27.dahlia";

/* --- asking ---------------------------------------------------------------------------------- */

static void add(struct buf *url, const char *name, const char *value)
{
    buf_printf(url, "%c%s=", memchr(url->bytes, '?', url->len) ? '&' : '?', name);
    call_escape(url, value);
}

static void add_number(struct buf *url, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    add(url, name, text);
}

enum fault api_request(const struct api_ask *ask, struct call *call)
{
    char bearer[512], key[256];
    secret_line(ask->key, key, sizeof key);
    snprintf(bearer, sizeof bearer, "Bearer %s", key);
    call->method = "GET";
    buf_printf(&call->url, "%s%s", ask->base, ask->path);
    if (*ask->query) {
        buf_printf(&call->url, "?%s", ask->query);
    }
    for (const char *const *type = ask->types; *type; type++) {
        add(&call->url, "types%5B%5D", *type);
    }
    if (ask->since_s) {
        add_number(&call->url, "created%5Bgte%5D", ask->since_s);
    }
    if (ask->until_s) {
        add_number(&call->url, "created%5Blte%5D", ask->until_s);
    }
    if (ask->limit) {
        add_number(&call->url, "limit", ask->limit);
    }
    if (*ask->after) {
        add(&call->url, "starting_after", ask->after);
    }
    enum fault fault = call_header(call, "Authorization", bearer);
    if (fault == OK) {
        fault = call_header(call, "Stripe-Version", version);
    }
    explicit_bzero(bearer, sizeof bearer);
    explicit_bzero(key, sizeof key);
    return fault;
}

const char *api_key_mode(const char *key)
{
    static const char *const kinds[] = {"sk", "rk", NULL};
    for (const char *const *kind = kinds; *kind; kind++) {
        char live[16], test[16];
        snprintf(live, sizeof live, "%s_live_", *kind);
        snprintf(test, sizeof test, "%s_test_", *kind);
        if (strncmp(key, live, strlen(live)) == 0) {
            return "live";
        }
        if (strncmp(key, test, strlen(test)) == 0) {
            return "test";
        }
    }
    return "";
}

/* --- what was said --------------------------------------------------------------------------- */

static void __attribute__((format(printf, 3, 4)))
say(struct api_answer *out, enum api_verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    out->verdict = verdict;
    vsnprintf(out->words, sizeof out->words, format, arguments);
    va_end(arguments);
}

static void no_answer(const struct answer *answer, const struct api_ask *ask,
                      struct api_answer *out)
{
    if (answer->fault == FAULT_DENIED) {
        say(out, API_NEVER, "the API's URL may not be called: https only");
    } else if (answer->fault == FAULT_TOO_LARGE && ask->limit > 1) {
        say(out, API_SMALLER, "the answer is too large");
    } else if (answer->fault == FAULT_TOO_LARGE) {
        say(out, API_NEVER, "one object is larger than what is read");
    } else {
        say(out, API_AGAIN, "no answer: %s", fault_words(answer->fault));
    }
}

static void status_said(int status, const struct api_ask *ask, struct api_answer *out)
{
    if (status == 401) {
        say(out, API_REFUSED, "the key is refused (401)");
    } else if (status == 403) {
        say(out, API_FORBIDDEN, "the key has no right to read this (403)");
    } else if (status == 404 || (status == 400 && *ask->after)) {
        say(out, API_MISSING, "there is no such object (%d)", status);
    } else if (status == 429) {
        say(out, API_AGAIN, "too many calls (429)");
    } else if (status == 408 || status == 409 || status == 425 || status >= 500) {
        say(out, API_AGAIN, "the provider is in trouble (%d)", status);
    } else if (status >= 300 && status < 400) {
        say(out, API_NEVER, "a redirect, which is not followed (%d): check the API's URL", status);
    } else {
        say(out, API_NEVER, "the provider says no (%d)", status);
    }
}

void api_said(const struct answer *answer, const struct api_ask *ask, struct tape *tape,
              struct api_page *page, struct api_answer *out)
{
    *out = (struct api_answer){.verdict = API_FINE, .retry_after_ms = answer->retry_after_ms};
    *page = (struct api_page){0};
    if (answer->fault != OK) {
        no_answer(answer, ask, out);
        return;
    }
    if (answer->status < 200 || answer->status >= 300) {
        status_said(answer->status, ask, out);
        return;
    }
    enum fault fault = api_page_read(tape, answer->body, answer->len, page);
    if (fault == FAULT_TOO_LARGE && ask->limit > 1) {
        say(out, API_SMALLER, "the answer is too large");
    } else if (fault == FAULT_TOO_LARGE) {
        say(out, API_NEVER, "one object is larger than what is read");
    } else if (fault != OK || (page->has_more && strcmp(page->last, ask->after) == 0)) {
        say(out, API_AGAIN, "the answer is not the provider's: something stands in between?");
    }
}
