/* resend.c - Resend: bounces and complaints. Signed as Standard Webhooks, under Svix's names.
 *
 * Traps      One mail has many events: the id is that of the message (svix-id), not of the mail. A mail
 *            to several people does not say whose bounced: none of them is closed for it. */
#include "inbox.h"
#include "signature.h"
#include "standard_webhooks.h"

#include <stdlib.h>
#include <string.h>

#define SIGNATURE "svix-signature"

enum { SECONDS_CHARS_MAX = 11 };

static int64_t seconds_of(const char *text)
{
    size_t chars = strspn(text, "0123456789");
    return chars > 0 && chars <= SECONDS_CHARS_MAX && !text[chars] ? atoll(text) : 0;
}

static enum verdict verify(const struct post *post, const char *secrets, int64_t now_s,
                           int64_t tolerance_s)
{
    enum verdict wrong;
    const char *given = post_header(post, SIGNATURE, &wrong);
    const char *id = given ? post_header(post, "svix-id", &wrong) : NULL;
    const char *time = id ? post_header(post, "svix-timestamp", &wrong) : NULL;
    if (!time) {
        return wrong;
    }
    int64_t time_s = seconds_of(time);
    if (!strstr(given, "v1,") || time_s == 0) {
        return VERDICT_MALFORMED;
    }
    return sw_verify(secrets, id, time, post->body, given, time_s * 1000)
               ? signature_age(time_s, now_s, tolerance_s)
               : VERDICT_FORGED;
}

static void came_back(struct reader *reader, const char *status, const char *reason)
{
    const struct tape *tape = reader->tape;
    uint32_t to = tape_path(tape, TAPE_ROOT, "data.to");
    uint32_t first = tape_first(tape, to);
    bool one = first && !tape_next(tape, to, first);
    for (uint32_t at = first; at; at = tape_next(tape, to, at)) {
        inbox_bounce(reader, read_word(reader, "data.email_id"), tape_text(tape, at),
                     one ? status : "soft", reason, read_word(reader, "data.message_id"));
    }
}

static enum fault translate(const struct post *post, const struct tape *tape,
                            const struct provider_rules *rules, struct translation *out)
{
    enum verdict wrong;
    struct reader reader = reader_begin(tape, rules, out);
    const char *id = post_header(post, "svix-id", &wrong);
    const char *type = read_word(&reader, "type");
    if (!id ||
        inbox_name(&reader, post, id, type, "", read_time_path(&reader, "created_at")) != OK) {
        return FAULT_MALFORMED;
    }
    if (strcmp(type, "email.bounced") == 0) {
        bool hard = strcmp(read_word(&reader, "data.bounce.type"), "Permanent") == 0;
        came_back(&reader, hard ? "hard" : "soft", read_words(&reader, "data.bounce.subType"));
    } else if (strcmp(type, "email.suppressed") == 0) {
        came_back(&reader, "hard", "Suppressed"); /* Resend's own list: it bounced before */
    } else if (strcmp(type, "email.complained") == 0) {
        came_back(&reader, "complaint", "");
    }
    return OK;
}

const struct provider provider_resend = {
    .name = "resend",
    .kind = SOURCE_MAIL,
    .signature_headers = SIGNATURE,
    .verify = verify,
    .translate = translate,
};
