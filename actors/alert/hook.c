#include "hook.h"

#include <stdlib.h>
#include <string.h>

enum { URL_BYTES_MAX = 1000 };

/* The first line of a secret of the hook; "" if there is none. */
static void read_line(const struct settings *settings, const char *path, char line[URL_BYTES_MAX])
{
    char *secret = NULL;
    line[0] = '\0';
    if (settings_secret(settings, path, &secret) == OK && secret) {
        secret_line(secret, line, URL_BYTES_MAX);
    }
    free(secret);
}

bool hook_url_good(const struct settings *settings, const char *expected, struct buf *why)
{
    char url[URL_BYTES_MAX];
    struct buf words = {0};
    read_line(settings, "alert/hook/url", url);
    bool good = *url && http_out_url_allowed(url, false, &words);
    if (!*url) {
        buf_printf(&words, "expected %s", expected);
    }
    if (!good) {
        buf_printf(why, "usher.cfg: alert/hook/url: %s\n", buf_text(&words));
    }
    buf_fini(&words);
    return good;
}

bool hook_key_good(const struct settings *settings, const char *expected, struct buf *why)
{
    char key[URL_BYTES_MAX];
    read_line(settings, "alert/hook/key", key);
    if (!*key) {
        buf_printf(why, "usher.cfg: alert/hook/key: expected %s\n", expected);
    }
    return *key;
}

void hook_post(const char *url, struct call *call)
{
    call->method = "POST";
    buf_add(&call->url, url, strcspn(url, "\r\n"));
}

enum fault hook_url(const struct settings *settings, struct buf *url)
{
    char line[URL_BYTES_MAX];
    read_line(settings, "alert/hook/url", line);
    buf_add_text(url, line);
    return *line ? OK : FAULT_MALFORMED;
}

void hook_outcome(const char *place, const struct answer *answer, struct verdict *verdict)
{
    verdict_http(answer, verdict);
    if (verdict->kind == VERDICT_REFUSED || verdict->kind == VERDICT_FORBIDDEN) {
        verdict_set(verdict, VERDICT_NEVER, "%s does not take messages at this URL (%d)", place,
                    answer->status);
    }
}
