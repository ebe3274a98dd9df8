/* hubspot_answer.c - two bytes of status and step, then any bytes as HubSpot's answer. */
#include "crm.h"
#include "must.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const struct adapter crm_hubspot;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct settings *defaults(void)
{
    static struct settings *settings = NULL;
    const struct setting *const tables[] = {crm_hubspot.settings, NULL};
    struct buf why = {0};
    char home[] = "/tmp/usher-fuzz-XXXXXX";
    char path[64];
    if (!settings) {
        MUST(mkdtemp(home));
        snprintf(path, sizeof path, "%s/usher.cfg", home);
        FILE *file = fopen(path, "w");
        MUST(file && fputs("crm\n", file) >= 0 && fclose(file) == 0);
        MUST(settings_load(home, "usher.cfg", tables, &settings, &why) == OK);
        unlink(path);
        rmdir(home);
        buf_fini(&why);
    }
    return settings;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const int statuses[] = {200, 201, 400, 404, 409, 429, 403, 500};
    if (len < 2) {
        return 0;
    }
    struct buf body = {0};
    buf_add(&body, bytes + 2, len - 2);
    json_t *payload = json_pack("{s:{s:s, s:[s], s:[s]}}", "document", "email", "a@b.c", "tags",
                                "member", "all_tags", "member");
    json_t *learned = json_pack("{s:s}", "contact", "1");
    struct task task = {.key = "crm:m",
                        .kind = "contact",
                        .member = "m",
                        .attempt = 1,
                        .payload = payload,
                        .learned = learned,
                        .secret = "x",
                        .settings = defaults()};
    struct answer answer = {.status = statuses[bytes[0] % 8],
                            .sent = true,
                            .body = buf_text(&body),
                            .len = body.len,
                            .words = ""};
    struct verdict verdict = {.learned = learned};
    crm_hubspot.outcome(&task, bytes[1] % 5, &answer, &verdict);
    MUST(memchr(verdict.words, 0, sizeof verdict.words));
    if (verdict.kind == VERDICT_STEP) {
        struct call call = {0};
        (void)!crm_hubspot.request(&task, verdict.step, &call);
        call_fini(&call);
    }
    json_decref(payload);
    json_decref(learned);
    buf_fini(&body);
    return 0;
}
