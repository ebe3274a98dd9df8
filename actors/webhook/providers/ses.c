/* ses.c - Amazon SES: bounces and complaints, as SNS delivers them.
 *
 * Signature  Stands in the body, under a certificate that SNS names; see sns.h. Instead of a secret
 *            the source has the ARNs of its topics.
 * Traps      The post says text/plain. A subscription has to be confirmed by a GET. SES's notice is
 *            JSON in a string of JSON. A post that SNS repeats keeps its time: how old it is says
 *            nothing, its id is the guard. */
#include "http_out.h"
#include "inbox.h"
#include "must.h"
#include "sns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ses {
    const char *base; /* "": SNS's own hosts */
    struct tape message;
};

static const char base_path[] = "webhook/mail/certificates";

static enum fault open_ses(const struct settings *settings, void **own, struct buf *why)
{
    const char *base = settings_text(settings, base_path);
    size_t len = strlen(base);
    struct buf words = {0};
    bool good = !len || (base[len - 1] == '/' && http_out_url_allowed(base, false, &words));
    if (!good) {
        buf_printf(why, "usher.cfg: %s: %s\n", base_path,
                   words.len ? buf_text(&words) : "expected a URL that ends with a slash");
    }
    buf_fini(&words);
    if (!good) {
        return FAULT_CONFIG;
    }
    struct ses *ses = must_calloc(1, sizeof *ses);
    ses->base = base;
    *own = ses;
    return OK;
}

static void close_ses(void **own)
{
    struct ses *ses = *own;
    if (ses) {
        tape_fini(&ses->message);
        free(ses);
        *own = NULL;
    }
}

static enum verdict check(const struct post *post, const struct sns *sns, const char *topics,
                          int64_t now_s)
{
    const struct ses *ses = post->own;
    if (!sns_trusts(sns, topics, ses->base)) {
        return VERDICT_FORGED;
    }
    if (post->document.len == 0) {
        snprintf(post->document_url, URL_CHARS_MAX + 1, "%s", sns->fields[SNS_CERTIFICATE]);
        return VERDICT_UNDECIDED;
    }
    return sns_signed(sns, post->document, now_s) ? VERDICT_GENUINE : VERDICT_FORGED;
}

static enum verdict verify(const struct post *post, const char *secrets, int64_t now_s,
                           int64_t tolerance_s)
{
    (void)tolerance_s;
    enum verdict verdict;
    struct tape tape = {0};
    struct sns sns;
    const char *type = post_header(post, "x-amz-sns-message-type", &verdict);
    if (!type) {
        return verdict;
    }
    bool whole = tape_parse(&tape, post->body.bytes, post->body.len) == OK && sns_read(&tape, &sns);
    verdict = whole ? check(post, &sns, secrets, now_s) : VERDICT_MALFORMED;
    tape_fini(&tape);
    return verdict;
}

/* --- what SES says --------------------------------------------------------------------------- */

static void came_back(struct reader *reader, const char *list, const char *status,
                      const char *reason)
{
    const struct tape *tape = reader->tape;
    uint32_t people = tape_path(tape, TAPE_ROOT, list);
    for (uint32_t at = tape_first(tape, people); at; at = tape_next(tape, people, at)) {
        inbox_bounce(reader, read_word(reader, "mail.messageId"),
                     tape_text(tape, tape_get(tape, at, "emailAddress")), status, reason,
                     read_word(reader, "mail.commonHeaders.messageId"));
    }
}

/* It may come from any of several recipients: then nobody's address is closed for it. */
static const char *complaint_status(const struct tape *tape, const char *list)
{
    uint32_t people = tape_path(tape, TAPE_ROOT, list);
    uint32_t first = tape_first(tape, people);
    return first && tape_next(tape, people, first) ? "soft" : "complaint";
}

/* The notice is read from a tape of its own, as `reader` is a copy that reads there. */
static void read_notice(struct reader reader, struct tape *notice, const char *text)
{
    static const char complained[] = "complaint.complainedRecipients";
    reader.tape = notice;
    if (tape_parse(notice, text, strlen(text)) != OK) {
        reader_ignore(&reader, "no notice of SES"); /* it greets a new topic in plain words */
        return;
    }
    const char *kind = read_word(&reader, "notificationType");
    kind = *kind ? kind : read_word(&reader, "eventType");
    if (strcmp(kind, "Bounce") == 0) {
        bool hard = strcmp(read_word(&reader, "bounce.bounceType"), "Permanent") == 0;
        came_back(&reader, "bounce.bouncedRecipients", hard ? "hard" : "soft",
                  read_word(&reader, "bounce.bounceSubType"));
    } else if (strcmp(kind, "Complaint") == 0) {
        came_back(&reader, complained, complaint_status(notice, complained),
                  read_word(&reader, "complaint.complaintFeedbackType"));
    }
}

static enum fault translate(const struct post *post, const struct tape *tape,
                            const struct provider_rules *rules, struct translation *out)
{
    struct ses *ses = (struct ses *)rules->own; /* the inner tape is room, nothing that is known */
    struct reader reader = reader_begin(tape, rules, out);
    struct sns sns;
    if (!sns_read(tape, &sns) ||
        inbox_name(&reader, post, sns.fields[SNS_MESSAGE_ID], sns.fields[SNS_TYPE], "",
                   usable_time(sns.fields[SNS_TIMESTAMP])) != OK) {
        return FAULT_MALFORMED;
    }
    if (sns.kind == SNS_NOTIFICATION) {
        read_notice(reader, &ses->message, sns.fields[SNS_MESSAGE]);
    } else if (sns.kind == SNS_CONFIRMATION) {
        reader_ignore(&reader, "a subscription that was confirmed");
        out->visit = sns.fields[SNS_SUBSCRIBE_URL];
    } else {
        reader_ignore(&reader, "the subscription was ended");
    }
    return OK;
}

const struct provider provider_ses = {
    .name = "ses",
    .kind = SOURCE_MAIL,
    .signature_headers = "x-amz-sns-message-type",
    .verify = verify,
    .translate = translate,
    .open = open_ses,
    .close = close_ses,
};
