/* mail_answer.c - two bytes of status, provider and step, then any bytes as the answer of Resend or
 * Postmark: a mail is done only if the answer names it. */
#include "mailer.h"
#include "must.h"

#include <string.h>
#include <unistd.h>

extern const struct adapter mailer_resend;
extern const struct adapter mailer_postmark;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A home without a word in it: the defaults. */
static const struct settings *settings_of(const struct adapter *adapter)
{
    static struct settings *all[2];
    struct settings **settings = &all[adapter == &mailer_postmark];
    if (!*settings) {
        char home[] = "/tmp/usher-fuzz-XXXXXX";
        MUST(mkdtemp(home));
        char *path = must_sprintf("%s/usher.cfg", home);
        FILE *file = fopen(path, "w");
        MUST(file && fputs("mailer\n", file) >= 0 && fclose(file) == 0);
        const struct setting *const tables[] = {adapter->settings, NULL};
        struct buf why = {0};
        MUST(settings_load(home, "usher.cfg", tables, settings, &why) == OK);
        buf_fini(&why);
        unlink(path);
        rmdir(home);
        free(path);
    }
    return *settings;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const int statuses[] = {200, 201, 400, 401, 403, 409, 422, 429};
    if (len < 2) {
        return 0;
    }
    const struct adapter *adapter = bytes[1] & 0x80 ? &mailer_postmark : &mailer_resend;
    struct buf body = {0};
    buf_add(&body, bytes + 2, len - 2);
    json_t *payload = json_pack("{s:s, s:s, s:s}", "to", "ada@example.org", "subject", "Welcome!",
                                "mark", "0123abcd");
    json_t *learned = json_object();
    if (bytes[1] & 0x20) {
        tree_set_int(learned, "doubt_ms", 1790000000000);
        tree_set_int(learned, "looked", bytes[1] & 0x10 ? 2 : 0);
    }
    struct task task = {.key = "welcome:m",
                        .kind = "welcome",
                        .member = "m",
                        .attempt = 3,
                        .repeat = true,
                        .began_ms = 1790090000000,
                        .payload = payload,
                        .learned = learned,
                        .settings = settings_of(adapter),
                        .secret = "x"};
    struct answer answer = {.status = statuses[bytes[0] % 8],
                            .sent = true,
                            .body = buf_text(&body),
                            .len = body.len,
                            .words = ""};
    struct verdict verdict = {.learned = learned};
    adapter->outcome(&task, (bytes[1] & 0x0f) % 3, &answer, &verdict);
    MUST(memchr(verdict.words, 0, sizeof verdict.words));
    MUST(verdict.kind != VERDICT_DONE || *tree_text(learned, "email"));
    MUST(verdict.kind == VERDICT_DONE || verdict.kind == VERDICT_STEP || *verdict.words);
    json_decref(payload);
    json_decref(learned);
    buf_fini(&body);
    return 0;
}
