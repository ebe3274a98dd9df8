/* intercom_answer.c - two bytes of status and step, then any bytes as Intercom's answer: its headers
 * and body. */
#include "must.h"
#include "support.h"

#include <string.h>

extern const struct adapter support_intercom;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const int statuses[] = {200, 201, 400, 404, 409, 403, 429, 500};
    if (len < 2) {
        return 0;
    }
    struct buf body = {0};
    buf_add(&body, bytes + 2, len - 2);
    json_t *payload =
        json_pack("{s:s, s:s, s:s, s:[s, s], s:[s]}", "text", "x", "email", "a@b.c", "user", "u7",
                  "tags", "usher", "member_active", "untags", "member_inactive");
    json_t *learned = json_object();
    if (bytes[1] & 0x80) {
        tree_set_text(payload, "ticket", "1");
    }
    tree_set_flag(learned, "looked", true);
    struct task task = {.key = "refund:ch_1",
                        .kind = "refund",
                        .member = "m",
                        .attempt = 2,
                        .repeat = (bytes[1] & 0x40) != 0,
                        .payload = payload,
                        .learned = learned,
                        .secret = "x"};
    struct answer answer = {.status = statuses[bytes[0] % 8],
                            .sent = true,
                            .body = buf_text(&body),
                            .len = body.len,
                            .headers = buf_text(&body),
                            .at_ms = 1795430400000,
                            .words = ""};
    struct verdict verdict = {.learned = learned};
    support_intercom.outcome(&task, (bytes[1] & 0x3f) % 12, &answer, &verdict);
    MUST(memchr(verdict.words, 0, sizeof verdict.words));
    MUST(verdict.kind != VERDICT_STEP || verdict.step >> 8 < 2);
    MUST(verdict.retry_after_ms >= 0);
    json_decref(payload);
    json_decref(learned);
    buf_fini(&body);
    return 0;
}
