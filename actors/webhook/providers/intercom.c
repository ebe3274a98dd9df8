/* intercom.c - Intercom: conversations.
 *
 * Signature  "sha1=" and the hex of HMAC-SHA-1 over the body, under the app's client secret.
 * Traps      The ping of the set-up has no id and wants a 200. A delivery that is repeated has the
 *            same id and another count of attempts. */
#include "inbox.h"
#include "signature.h"

#include <string.h>

#define SIGNATURE "X-Hub-Signature"

static enum verdict verify(const struct post *post, const char *secrets, int64_t now_s,
                           int64_t tolerance_s)
{
    (void)now_s;
    (void)tolerance_s;
    static const char scheme[] = "sha1=";
    enum verdict wrong;
    const char *given = post_header(post, SIGNATURE, &wrong);
    if (!given) {
        return wrong;
    }
    uint8_t mac[SHA1_BYTES];
    if (strncmp(given, scheme, sizeof scheme - 1) != 0 ||
        !hex_decode(given + sizeof scheme - 1, strlen(given) - (sizeof scheme - 1), mac,
                    sizeof mac)) {
        return VERDICT_MALFORMED;
    }
    return signature_is_sha1(secrets, &post->body, 1, mac) ? VERDICT_GENUINE : VERDICT_FORGED;
}

static void opened(struct reader *reader, const char *key)
{
    if (inbox_is_marked(reader, "data.item.source.body")) {
        reader_ignore(reader, "we opened it ourselves");
        return;
    }
    struct fact *fact = inbox_ticket(reader, key, true);
    if (fact) {
        fact->reason = read_words(reader, "data.item.source.subject");
        fact->email = read_word(reader, "data.item.source.author.email");
        fact->customer = read_word(reader, "data.item.source.author.id");
    }
}

static enum fault translate(const struct post *post, const struct tape *tape,
                            const struct provider_rules *rules, struct translation *out)
{
    struct reader reader = reader_begin(tape, rules, out);
    const char *topic = read_word(&reader, "topic"), *id = read_word(&reader, "id");
    const char *key = read_numbered(&reader, "", "data.item.id");
    int64_t at_ms = usable_ms(tape_int(tape, tape_get(tape, TAPE_ROOT, "created_at")));
    if (strcmp(read_word(&reader, "type"), "notification_event") != 0 ||
        inbox_name(&reader, post, id, topic, key, at_ms) != OK) {
        return FAULT_MALFORMED;
    }
    if (strcmp(topic, "conversation.user.created") == 0) {
        opened(&reader, key);
    } else if (strcmp(topic, "conversation.admin.closed") == 0 ||
               strcmp(topic, "conversation.deleted") == 0) {
        inbox_ticket(&reader, key, false);
    }
    return OK;
}

const struct provider provider_intercom = {
    .name = "intercom",
    .kind = SOURCE_SUPPORT,
    .signature_headers = SIGNATURE,
    .verify = verify,
    .translate = translate,
};
