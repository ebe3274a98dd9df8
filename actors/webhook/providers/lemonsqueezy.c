/* lemonsqueezy.c - Lemon Squeezy: payments.
 *
 * Nothing is told of time in the signature: the event's id, a hash of the body, is the only guard
 * against whoever repeats a post, and the journal keeps it for good.
 *
 * See https://docs.lemonsqueezy.com/help/webhooks/signing-requests */
#include "lemonsqueezy_facts.h"
#include "signature.h"

static enum verdict verify(const struct post *post, const char *secrets, int64_t now_s,
                           int64_t tolerance_s)
{
    (void)now_s;
    (void)tolerance_s;
    enum verdict wrong;
    const char *header = post_header(post, "X-Signature", &wrong);
    return header ? signature_check_body(header, post->body, secrets) : wrong;
}

static enum fault translate(const struct post *post, const struct tape *tape,
                            const struct provider_rules *rules, struct translation *out)
{
    return lemonsqueezy_facts(post->body, tape, rules, out);
}

const struct provider provider_lemonsqueezy = {
    .name = "lemonsqueezy",
    .kind = SOURCE_PAYMENT,
    .signature_headers = "X-Signature",
    .verify = verify,
    .translate = translate,
};
