/* zendesk.c - Zendesk: tickets, as its event webhooks tell of them.
 *
 * Signature  base64 of HMAC-SHA-256 over the timestamp's text and the body, with nothing between
 *            them; the secret is used as it stands.
 * Traps      The requester's address is not in the event: support asks for it. Our own note makes
 *            events of its own (comments, tags), and a ticket that we open is created, too: it is known
 *            by the mark in its text or by its external id. Not by our tag: a follow-up of a closed
 *            ticket inherits the tags, and is a person's. */
#include "inbox.h"
#include "signature.h"

#include <string.h>
#include <strings.h>

#define SIGNATURE "X-Zendesk-Webhook-Signature"

enum { TIME_CHARS_MAX = 40, BASE64_CHARS = 44, BASE64_ROOM = 48 };

static enum verdict verify(const struct post *post, const char *secrets, int64_t now_s,
                           int64_t tolerance_s)
{
    enum verdict wrong;
    const char *given = post_header(post, SIGNATURE, &wrong);
    const char *time = given ? post_header(post, SIGNATURE "-Timestamp", &wrong) : NULL;
    if (!time) {
        return wrong;
    }
    uint8_t mac[BASE64_ROOM];
    size_t len = sizeof mac;
    size_t time_chars = strnlen(time, TIME_CHARS_MAX + 1);
    if (strlen(given) != BASE64_CHARS || !base64_decode(given, mac, &len) || len != SHA256_BYTES ||
        time_chars > TIME_CHARS_MAX) {
        return VERDICT_MALFORMED;
    }
    const struct slice parts[] = {{time, time_chars}, post->body};
    return signature_is_sha256(secrets, parts, 2, mac)
               ? signature_age(usable_time(time) / 1000, now_s, tolerance_s)
               : VERDICT_FORGED;
}

static bool is_closed(const char *status)
{
    return strcasecmp(status, "solved") == 0 || strcasecmp(status, "closed") == 0;
}

/* What is over with these, however it stood. */
static bool ends(const char *what)
{
    static const char *const rows[] = {"soft_deleted", "permanently_deleted", "marked_as_spam",
                                       "merged"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i], what) == 0) {
            return true;
        }
    }
    return false;
}

/* The external id of a ticket that we opened is the key of its job. */
static bool is_ours(const struct reader *reader)
{
    const char *key = read_word(reader, "detail.external_id");
    return inbox_is_marked(reader, "detail.description") || strncmp(key, "refund:", 7) == 0 ||
           strncmp(key, "dispute:", 8) == 0;
}

static void opened(struct reader *reader, const char *key)
{
    if (is_ours(reader)) {
        reader_ignore(reader, "we opened it ourselves");
        return;
    }
    struct fact *fact = inbox_ticket(reader, key, !is_closed(read_word(reader, "detail.status")));
    if (fact) {
        fact->reason = read_words(reader, "detail.subject");
        fact->customer = read_numbered(reader, "", "detail.requester_id");
    }
}

static enum fault translate(const struct post *post, const struct tape *tape,
                            const struct provider_rules *rules, struct translation *out)
{
    static const char family[] = "zen:event-type:ticket.";
    struct reader reader = reader_begin(tape, rules, out);
    const char *id = read_word(&reader, "id"), *type = read_word(&reader, "type");
    const char *key = read_numbered(&reader, "", "detail.id");
    if (!*id || inbox_name(&reader, post, id, type, key, read_time_path(&reader, "time")) != OK) {
        return FAULT_MALFORMED;
    }
    const char *what = type + sizeof family - 1;
    if (strncmp(type, family, sizeof family - 1) != 0) {
        return OK;
    }
    if (strcmp(what, "created") == 0) {
        opened(&reader, key);
    } else if (ends(what) || (strcmp(what, "status_changed") == 0 &&
                              is_closed(read_word(&reader, "event.current")))) {
        inbox_ticket(&reader, key, false);
    }
    return OK;
}

const struct provider provider_zendesk = {
    .name = "zendesk",
    .kind = SOURCE_SUPPORT,
    .signature_headers = SIGNATURE,
    .verify = verify,
    .translate = translate,
};
