/* standard.c - whoever sends Standard Webhooks, under their own names or those of Svix: payments.
 *
 * What its events mean is told by a mapping (mapping.h): a shipped one, such as polar or clerk, or
 * a file of the home. The id of a delivery is the event's: it stays the same when it is sent again.
 *
 * See https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
#include "mapping.h"
#include "reader.h"
#include "standard_webhooks.h"

#include <stdlib.h>

struct names {
    const char *id, *timestamp, *signature;
};

static const struct names families[] = {
    {"webhook-id", "webhook-timestamp", "webhook-signature"},
    {"svix-id", "svix-timestamp", "svix-signature"},
};

/* The family that the post's id is of: the first, if it has both. */
static const struct names *family_of(const struct post *post)
{
    const char *id;
    return post->headers(post, families[0].id, &id, 1) ? &families[0] : &families[1];
}

static enum verdict verify(const struct post *post, const char *secrets, int64_t now_s,
                           int64_t tolerance_s)
{
    static const enum verdict verdicts[] = {
        [SW_GENUINE] = VERDICT_GENUINE,
        [SW_MALFORMED] = VERDICT_MALFORMED,
        [SW_FORGED] = VERDICT_FORGED,
        [SW_STALE] = VERDICT_STALE,
    };
    enum verdict wrong = VERDICT_MISSING;
    const struct names *names = family_of(post);
    const char *id = post_header(post, names->id, &wrong);
    const char *timestamp = id ? post_header(post, names->timestamp, &wrong) : NULL;
    const char *signature = timestamp ? post_header(post, names->signature, &wrong) : NULL;
    if (!signature) {
        return wrong;
    }
    return is_name(id, TRANSLATION_ID_CHARS_MAX)
               ? verdicts[sw_check(secrets, id, timestamp, post->body, signature, now_s,
                                   tolerance_s)]
               : VERDICT_MALFORMED;
}

static enum fault translate(const struct post *post, const struct tape *tape,
                            const struct provider_rules *rules, struct translation *out)
{
    enum verdict wrong;
    const struct names *names = family_of(post);
    const char *id = post_header(post, names->id, &wrong);
    const char *timestamp = post_header(post, names->timestamp, &wrong);
    return mapping_facts(rules->own, id ? id : "", timestamp ? strtoll(timestamp, NULL, 10) : 0,
                         tape, rules, out);
}

static enum fault open_mapping(const struct settings *settings, void **own, struct buf *why)
{
    struct mapping *mapping = NULL;
    enum fault fault = mapping_read(
        settings_home(settings), settings_text(settings, "webhook/payment/mapping"), &mapping, why);
    *own = mapping;
    return fault;
}

static void close_mapping(void **own)
{
    struct mapping *mapping = *own;
    mapping_destroy(&mapping);
    *own = NULL;
}

const struct provider provider_standard = {
    .name = "standard",
    .kind = SOURCE_PAYMENT,
    .signature_headers = "webhook-signature svix-signature",
    .verify = verify,
    .translate = translate,
    .open = open_mapping,
    .close = close_mapping,
};
