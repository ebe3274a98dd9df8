/* handle_access.c - who has access, as the web app asks it; and the keys that its tokens are
 * signed with. */
#include "handlers.h"

#include "access.h"
#include "clock.h"
#include "must.h"
#include "projection.h"
#include "read.h"
#include "reply.h"
#include "tokens.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_S = 300, ETAG_BYTES = EVENT_ID_BYTES_MAX + 64 };

static enum fault look(struct store_txn *txn, const struct visit *visit, json_t **answer)
{
    return projection_member(txn, web_param(visit->request, "who"), answer);
}

static json_t *claims_of(const json_t *access, int64_t now_ms)
{
    json_t *claims = json_object();
    tree_set_text(claims, "iss", "usher");
    tree_set_text(claims, "sub", tree_text(access, "member"));
    tree_set_int(claims, "iat", now_ms / 1000);
    tree_set_int(claims, "exp", now_ms / 1000 + TOKEN_S);
    tree_set(claims, "access", json_deep_copy(access));
    return claims;
}

/* Not the pages' envelope: the object is what push and token carry, and nothing else. */
void access_show(struct visit *visit)
{
    json_t *document;
    char etag[ETAG_BYTES];
    enum fault fault = read_in(visit, look, &document);
    if (fault != OK) {
        reply_fault(visit, fault);
        return;
    }
    int64_t now = clock_wall_ms();
    /* Half of a token's life: who has one that is over must not hear that nothing changed. */
    snprintf(etag, sizeof etag, "\"%s-%lld-%lld\"", tree_text(document, "id"),
             (long long)tree_int(document, "version"), (long long)(now / (TOKEN_S * 500)));
    const char *headers[] = {"ETag", etag, "Cache-Control", "private, no-cache", NULL};
    if (web_not_modified(visit->request, etag)) {
        web_answer(visit->request, &(struct web_answer){.status = 304, .headers = headers});
        json_decref(document);
        return;
    }
    json_t *access = access_answer(document, now), *claims = claims_of(access, now);
    char *token = tokens_sign(visit->console->tokens, claims);
    tree_set_text(access, "token", token);
    char *text = json_dumps(access, JSON_COMPACT);
    MUST(text);
    web_answer(visit->request, &(struct web_answer){.status = 200,
                                                    .media_type = "application/json",
                                                    .body = text,
                                                    .len = strlen(text),
                                                    .headers = headers});
    free(text);
    free(token);
    json_decref(claims);
    json_decref(access);
    json_decref(document);
}

void access_keys(struct visit *visit)
{
    json_t *keys = tokens_jwks(visit->console->tokens);
    char *text = json_dumps(keys, JSON_COMPACT);
    MUST(text);
    web_json(visit->request, 200, text);
    free(text);
    json_decref(keys);
}
