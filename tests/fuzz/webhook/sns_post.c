/* A body, a NUL, and what was found at its certificate's URL: never genuine, never a URL that is not
 * SNS's own; and whatever SES says in it. */
#include "provider.h"

#include "events.h"
#include "must.h"
#include "sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct provider provider_ses;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static size_t headers(const struct post *post, const char *name, const char **values, size_t room)
{
    (void)post;
    (void)name;
    if (room > 0) {
        values[0] = "Notification";
    }
    return 1;
}

/* Of the settings' defaults. It lives as long as the program. */
static void *own_of(void)
{
    const struct setting *const tables[] = {sources_settings, NULL};
    char home[] = "/tmp/usher-fuzz-XXXXXX", path[64];
    static struct settings *settings;
    struct buf why = {0};
    void *own = NULL;
    MUST(mkdtemp(home));
    snprintf(path, sizeof path, "%s/usher.cfg", home);
    FILE *file = fopen(path, "w");
    MUST(file && fputs("webhook\n", file) >= 0 && fclose(file) == 0);
    MUST(settings_load(home, "usher.cfg", tables, &settings, &why) == OK);
    MUST(provider_ses.open(settings, &own, &why) == OK);
    MUST(unlink(path) == 0 && rmdir(home) == 0);
    buf_fini(&why);
    return own;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct tape tape;
    static void *own;
    char url[URL_CHARS_MAX + 1] = "";
    own = own ? own : own_of();
    const uint8_t *end = len ? memchr(bytes, 0, len) : NULL;
    size_t body = end ? (size_t)(end - bytes) : len;
    struct post post = {.body = {bytes, body},
                        .headers = headers,
                        .own = own,
                        .document = {bytes + body, len - body},
                        .document_url = url};
    const char *topics = "arn:aws:sns:eu-west-1:123456789012:bounces";
    enum verdict verdict = provider_ses.verify(&post, topics, 1795600800, 300);
    MUST(verdict != VERDICT_GENUINE);
    static const char base[] = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-";
    MUST(!*url || strncmp(url, base, sizeof base - 1) == 0);
    struct provider_rules rules = {.own = own};
    struct translation out;
    if (tape_parse(&tape, post.body.bytes, post.body.len) == OK &&
        provider_ses.translate(&post, &tape, &rules, &out) == OK) {
        MUST(event_type_find(out.type) && *out.id && out.fact_count <= FACTS_MAX);
        MUST((strcmp(out.type, "provider.ignored") == 0) == (*out.ignored != '\0'));
    }
    return 0;
}
