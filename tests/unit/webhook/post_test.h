/* post_test.h - a post as a row of bytes: headers, body, and what a provider makes of them. */
#ifndef USHER_POST_TEST_H
#define USHER_POST_TEST_H

#include "test.h"

#include "provider.h"

#include <strings.h>

enum { POST_HEADERS_MAX = 6, POST_NOW_S = 1795600800, POST_TOLERANCE_S = 300 };

struct header {
    const char *name;
    const char *value;
};

static inline size_t post_test_headers(const struct post *post, const char *name,
                                       const char **values, size_t room)
{
    const struct header *headers = post->request;
    size_t count = 0;
    for (size_t i = 0; i < POST_HEADERS_MAX && headers[i].name; i++) {
        if (strcasecmp(headers[i].name, name) == 0) {
            if (count < room) {
                values[count] = headers[i].value;
            }
            count++;
        }
    }
    return count;
}

static inline struct post post_of(const struct header *headers, const char *body)
{
    return (struct post){
        .body = {body, strlen(body)}, .request = headers, .headers = post_test_headers};
}

static inline enum verdict post_verdict(const struct provider *provider,
                                        const struct header *headers, const char *body,
                                        const char *secrets, int64_t now_s)
{
    struct post post = post_of(headers, body);
    return provider->verify(&post, secrets, now_s, POST_TOLERANCE_S);
}

/* "id | type | what facts say, or why it is ignored"; "malformed". Frees nothing: the text is static,
 * and lives until the next call. */
static inline const char *post_translated(const struct provider *provider,
                                          const struct header *headers, const char *body)
{
    static char text[4096];
    struct tape tape = {0};
    struct translation out;
    void *own = NULL;
    struct provider_rules rules = {.live = true, .products = "", .app_user_keys = "", .own = own};
    struct post post = post_of(headers, body);
    snprintf(text, sizeof text, "malformed");
    if (tape_parse(&tape, post.body.bytes, post.body.len) == OK &&
        provider->translate(&post, &tape, &rules, &out) == OK) {
        int len = snprintf(text, sizeof text, "%s | %s |%s%s", out.id, out.type,
                           *out.ignored ? " " : "", out.ignored);
        for (size_t i = 0; i < out.fact_count; i++) {
            const struct fact *fact = &out.facts[i];
            len += snprintf(text + len, sizeof text - (size_t)len,
                            " %s %s %s at %lld <%s> \"%s\"%s%s", fact_kind_name(fact->kind),
                            fact->key, fact->status, (long long)fact->at_ms, fact->email,
                            fact->reason, *fact->customer ? " customer " : "", fact->customer);
        }
    }
    tape_fini(&tape);
    return text;
}

struct post_row {
    const char *body;
    const char *expected;
};

static inline void post_rows(const struct provider *provider, const struct header *headers,
                             const struct post_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = post_translated(provider, headers, rows[i].body);
        if (strcmp(got, rows[i].expected) != 0) {
            fail_msg("%s\n  expected %s\n  and not  %s", rows[i].body, rows[i].expected, got);
        }
    }
}

#endif
