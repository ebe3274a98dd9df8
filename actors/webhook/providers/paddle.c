/* paddle.c - Paddle Billing: payments.
 *
 * Its own libraries allow a signature five seconds. Ours has the tolerance of the settings, which
 * is longer: a post may have waited in a proxy while we were restarted, a clock may be a little
 * off, and an event is taken once for good however late it is repeated.
 *
 * See https://developer.paddle.com/webhooks/signature-verification */
#include "paddle_facts.h"
#include "signature.h"

static enum verdict verify(const struct post *post, const char *secrets, int64_t now_s,
                           int64_t tolerance_s)
{
    static const struct signature_scheme scheme = {
        .between = ';', .time = "ts", .digest = "h1", .joint = ":"};
    enum verdict wrong;
    const char *header = post_header(post, "Paddle-Signature", &wrong);
    return header ? signature_check(&scheme, header, post->body, secrets, now_s, tolerance_s)
                  : wrong;
}

static enum fault translate(const struct post *post, const struct tape *tape,
                            const struct provider_rules *rules, struct translation *out)
{
    (void)post;
    return paddle_facts(tape, rules, out);
}

const struct provider provider_paddle = {
    .name = "paddle",
    .kind = SOURCE_PAYMENT,
    .signature_headers = "Paddle-Signature",
    .verify = verify,
    .translate = translate,
};
