/* helpscout_answer.c - two bytes of status and step, then any bytes as Help Scout's answer: its
 * headers and body, or that of its login. */
#include "must.h"
#include "support.h"

#include <string.h>

extern const struct adapter support_helpscout;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void log_in(const struct answer *answer)
{
    struct verdict verdict = {0};
    char *token = NULL;
    int64_t lifetime_ms = 0;
    support_helpscout.token(answer, &token, &lifetime_ms, &verdict);
    MUST((verdict.kind == VERDICT_DONE) == (token != NULL));
    MUST(lifetime_ms >= 0);
    free(token);
}

static void answer_step(const struct answer *answer, uint8_t chosen)
{
    json_t *payload = json_pack("{s:s, s:s, s:[s], s:[s]}", "text", "x", "email", "a@b.c", "tags",
                                "usher", "untags", "member_active");
    json_t *learned = json_object();
    if (chosen & 0x80) {
        tree_set_text(payload, "ticket", "1");
    }
    tree_set_flag(learned, "looked", true);
    struct task task = {.key = "refund:ch_1",
                        .kind = "refund",
                        .member = "m",
                        .attempt = 2,
                        .repeat = (chosen & 0x40) != 0,
                        .payload = payload,
                        .learned = learned,
                        .secret = "x",
                        .token = "y"};
    struct verdict verdict = {.learned = learned};
    support_helpscout.outcome(&task, (chosen & 0x3f) % 8, answer, &verdict);
    MUST(memchr(verdict.words, 0, sizeof verdict.words));
    MUST(verdict.kind != VERDICT_STEP || verdict.step >> 8 < 3);
    json_decref(payload);
    json_decref(learned);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const int statuses[] = {200, 201, 204, 301, 404, 412, 429, 500};
    if (len < 2) {
        return 0;
    }
    struct buf body = {0};
    buf_add(&body, bytes + 2, len - 2);
    struct answer answer = {.status = statuses[bytes[0] % 8],
                            .sent = true,
                            .body = buf_text(&body),
                            .len = body.len,
                            .headers = buf_text(&body),
                            .words = ""};
    if (bytes[0] & 0x80) {
        log_in(&answer);
    } else {
        answer_step(&answer, bytes[1]);
    }
    buf_fini(&body);
    return 0;
}
