/* A byte that chooses the provider, a header's value up to the first newline, and a body: any verdict,
 * and a translation whose texts are whole and bounded, whose facts can be read back from the msgpack
 * that carries them, and whose type is in the table. */
#include "inbox.h"

#include "events.h"
#include "must.h"
#include "values.h"

#include <string.h>

extern const struct provider provider_zendesk, provider_helpscout, provider_intercom,
    provider_resend, provider_postmark;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { HEADER_CHARS_MAX = 300 };

static char value[HEADER_CHARS_MAX + 1];

/* Whatever header is asked for has that value. */
static size_t headers(const struct post *post, const char *name, const char **values, size_t room)
{
    (void)post;
    (void)name;
    if (room > 0) {
        values[0] = value;
    }
    return 1;
}

static void check_fact(const struct fact *fact)
{
    struct buf packed = {0};
    json_t *tree = NULL;
    struct fact read;
    fact_pack(fact, &packed);
    MUST(value_unpack(packed.bytes, packed.len, &tree) == OK);
    MUST(fact_read(tree, &read) == OK);
    MUST(read.kind != FACT_BOUNCE || strchr(read.email, '@'));
    json_decref(tree);
    buf_fini(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct tape tape;
    static const struct provider *const providers[] = {&provider_zendesk, &provider_helpscout,
                                                       &provider_intercom, &provider_resend,
                                                       &provider_postmark};
    if (len == 0) {
        return 0;
    }
    const struct provider *provider = providers[bytes[0] % 5];
    const uint8_t *line = bytes + 1, *end = memchr(line, '\n', len - 1);
    size_t chars = end ? (size_t)(end - line) : 0;
    snprintf(value, sizeof value, "%.*s", (int)(chars < HEADER_CHARS_MAX ? chars : 0), line);
    const uint8_t *body = end ? end + 1 : line;
    struct post post = {.body = {body, len - (size_t)(body - bytes)}, .headers = headers};
    struct provider_rules rules = {.live = true, .products = "", .app_user_keys = ""};
    MUST(provider->verify(&post, "secret\nwhsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                          1795600800, 300) != VERDICT_UNDECIDED);
    struct translation out;
    if (tape_parse(&tape, post.body.bytes, post.body.len) != OK ||
        provider->translate(&post, &tape, &rules, &out) != OK) {
        return 0;
    }
    MUST(event_type_find(out.type));
    MUST(*out.id && strlen(out.id) <= TRANSLATION_ID_CHARS_MAX);
    MUST(*out.provider_type && !*out.visit);
    MUST((strcmp(out.type, "provider.ignored") == 0) == (*out.ignored != '\0'));
    MUST(out.fact_count <= FACTS_MAX && (out.fact_count > 0) == !*out.ignored);
    for (size_t i = 0; i < out.fact_count; i++) {
        check_fact(&out.facts[i]);
    }
    return 0;
}
