/* adapter_fuzz.h - two bytes of status and step, then any bytes as a CRM's answer: of a job, and of
 * a look. */
#ifndef USHER_ADAPTER_FUZZ_H
#define USHER_ADAPTER_FUZZ_H

#include "crm.h"
#include "must.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static inline struct settings *fuzz_settings(const struct adapter *adapter, const char *text)
{
    static struct settings *settings = NULL;
    const struct setting *const tables[] = {adapter->settings, NULL};
    struct buf why = {0};
    char home[] = "/tmp/usher-fuzz-XXXXXX";
    char path[64];
    if (!settings) {
        MUST(mkdtemp(home));
        snprintf(path, sizeof path, "%s/usher.cfg", home);
        FILE *file = fopen(path, "w");
        MUST(file && fputs(text, file) >= 0 && fclose(file) == 0);
        MUST(settings_load(home, "usher.cfg", tables, &settings, &why) == OK);
        unlink(path);
        rmdir(home);
        buf_fini(&why);
    }
    return settings;
}

static inline void fuzz_look(const struct adapter *adapter, const struct task *task,
                             const struct answer *answer)
{
    json_t *learned = json_deep_copy(task->learned);
    struct verdict verdict = {.learned = learned};
    adapter->looked(task, 0, answer, &verdict);
    MUST(memchr(verdict.words, 0, sizeof verdict.words) && verdict.kind != VERDICT_STEP);
    json_decref(learned);
}

/* `steps`: how many an adapter has. */
static inline void fuzz_answer(const struct adapter *adapter, const char *settings, int steps,
                               const uint8_t *bytes, size_t len)
{
    static const int statuses[] = {200, 201, 202, 204, 400, 403, 404, 409, 422, 429, 500};
    if (len < 2) {
        return;
    }
    struct buf body = {0};
    buf_add(&body, bytes + 2, len - 2);
    json_t *payload = json_pack("{s:{s:s, s:[s], s:[ss]}}", "document", "email", "a@b.c", "tags",
                                "member", "all_tags", "member", "trial");
    json_t *learned = json_pack("{s:s}", "contact", "1");
    struct task task = {.key = "crm:m",
                        .kind = "contact",
                        .member = "m",
                        .attempt = 1,
                        .payload = payload,
                        .learned = learned,
                        .secret = "x-us1",
                        .settings = fuzz_settings(adapter, settings)};
    struct answer answer = {.status = statuses[bytes[0] % (sizeof statuses / sizeof *statuses)],
                            .sent = true,
                            .body = buf_text(&body),
                            .len = body.len,
                            .words = ""};
    struct verdict verdict = {.learned = learned};
    adapter->outcome(&task, bytes[1] % steps, &answer, &verdict);
    MUST(memchr(verdict.words, 0, sizeof verdict.words));
    if (verdict.kind == VERDICT_STEP) {
        struct call call = {0};
        (void)!adapter->request(&task, verdict.step, &call);
        call_fini(&call);
    }
    if (adapter->looked) {
        fuzz_look(adapter, &task, &answer);
    }
    json_decref(payload);
    json_decref(learned);
    buf_fini(&body);
}

#endif
