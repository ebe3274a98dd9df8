/* stripe.c - Stripe: payments. */
#include "stripe_facts.h"
#include "stripe_signature.h"

static enum verdict verify(const struct post *post, const char *secrets, int64_t now_s,
                           int64_t tolerance_s)
{
    enum verdict wrong;
    const char *header = post_header(post, "Stripe-Signature", &wrong);
    return header ? stripe_signature_check(header, post->body, secrets, now_s, tolerance_s) : wrong;
}

static enum fault translate(const struct post *post, const struct tape *tape,
                            const struct provider_rules *rules, struct translation *out)
{
    (void)post;
    return stripe_facts(tape, rules, out);
}

const struct provider provider_stripe = {
    .name = "stripe",
    .kind = SOURCE_PAYMENT,
    .signature_headers = "Stripe-Signature",
    .verify = verify,
    .translate = translate,
};
