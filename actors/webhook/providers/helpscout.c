/* helpscout.c - Help Scout: conversations.
 *
 * Signature  base64 of HMAC-SHA-1 over the body. What happened stands in a header that is not signed.
 * Traps      No time and no id of the event: the id is made of event, conversation and body, and the
 *            journal's memory is the only guard against a post that is sent again. */
#include "inbox.h"
#include "signature.h"

#include <string.h>

#define SIGNATURE "X-HelpScout-Signature"

enum { BASE64_CHARS = 28, BASE64_ROOM = 24 };

static enum verdict verify(const struct post *post, const char *secrets, int64_t now_s,
                           int64_t tolerance_s)
{
    (void)now_s;
    (void)tolerance_s;
    enum verdict wrong;
    const char *given = post_header(post, SIGNATURE, &wrong);
    if (!given) {
        return wrong;
    }
    uint8_t mac[BASE64_ROOM];
    size_t len = sizeof mac;
    if (strlen(given) != BASE64_CHARS || !base64_decode(given, mac, &len) || len != SHA1_BYTES) {
        return VERDICT_MALFORMED;
    }
    return signature_is_sha1(secrets, &post->body, 1, mac) ? VERDICT_GENUINE : VERDICT_FORGED;
}

/* Where it stands depends on the version of the payload. */
static const char *customer_of(const struct reader *reader)
{
    const char *email = read_word(reader, "primaryCustomer.email");
    return *email ? email : read_word(reader, "customer.email");
}

static void opened(struct reader *reader, const char *key)
{
    if (inbox_is_tagged(reader, "tags", "tag") || inbox_is_tagged(reader, "tags", "name") ||
        inbox_is_marked(reader, "preview")) {
        reader_ignore(reader, "we opened it ourselves");
        return;
    }
    struct fact *fact = inbox_ticket(reader, key, true);
    if (fact) {
        fact->reason = read_words(reader, "subject");
        fact->email = customer_of(reader);
    }
}

/* The event has no time of its own: the conversation's, that fits best. */
static int64_t time_of(const struct reader *reader, bool created)
{
    int64_t closed_ms = created ? 0 : read_time_path(reader, "closedAt");
    return created     ? read_time_path(reader, "createdAt")
           : closed_ms ? closed_ms
                       : read_time_path(reader, "userUpdatedAt");
}

static enum fault translate(const struct post *post, const struct tape *tape,
                            const struct provider_rules *rules, struct translation *out)
{
    enum verdict wrong;
    struct reader reader = reader_begin(tape, rules, out);
    const char *type = post_header(post, "X-HelpScout-Event", &wrong);
    bool created = type && strcmp(type, "convo.created") == 0;
    const char *key = read_numbered(&reader, "", "id");
    if (!type || tape_kind(tape, TAPE_ROOT) != TAPE_OBJECT ||
        inbox_name(&reader, post, "", type, key, time_of(&reader, created)) != OK) {
        return FAULT_MALFORMED;
    }
    const char *status = read_word(&reader, "status");
    bool is_over = strcmp(status, "closed") == 0 || strcmp(status, "spam") == 0;
    if (created) {
        opened(&reader, key);
    } else if (strcmp(type, "convo.deleted") == 0 || strcmp(type, "convo.merged") == 0 ||
               (strcmp(type, "convo.status") == 0 && is_over)) {
        inbox_ticket(&reader, key, false);
    }
    return OK;
}

const struct provider provider_helpscout = {
    .name = "helpscout",
    .kind = SOURCE_SUPPORT,
    .signature_headers = SIGNATURE,
    .verify = verify,
    .translate = translate,
};
