/* postmark.c - Postmark: bounces and complaints.
 *
 * Signature  None. What proves the sender is a secret that we gave it: "user:password", which comes as
 *            Basic credentials in the URL, or a text in a header of our own.
 * Traps      It never comes again after a 403: a wrong secret is answered with 400, and our own
 *            trouble with 503, which it repeats. An automatic answer is a bounce by its record's type
 *            and none by its sense. */
#include "inbox.h"
#include "signature.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OWN_HEADER "X-Usher-Secret"

enum { CREDENTIALS_BYTES_MAX = 400 };

/* "Basic dXNlcjpwYXNz" as "user:pass". */
static bool read_credentials(const char *header, uint8_t bytes[CREDENTIALS_BYTES_MAX], size_t *len)
{
    static const char scheme[] = "Basic ";
    *len = CREDENTIALS_BYTES_MAX;
    return strncasecmp(header, scheme, sizeof scheme - 1) == 0 &&
           strlen(header) < CREDENTIALS_BYTES_MAX &&
           base64_decode(header + sizeof scheme - 1, bytes, len);
}

static enum verdict verify(const struct post *post, const char *secrets, int64_t now_s,
                           int64_t tolerance_s)
{
    (void)now_s;
    (void)tolerance_s;
    enum verdict wrong;
    const char *own = post_header(post, OWN_HEADER, &wrong);
    if (own) {
        bool right = signature_is_secret(secrets, (struct slice){own, strlen(own)});
        return right ? VERDICT_GENUINE : VERDICT_FORGED;
    }
    if (wrong == VERDICT_DOUBLED) {
        return wrong;
    }
    const char *basic = post_header(post, "Authorization", &wrong);
    if (!basic) {
        return wrong;
    }
    uint8_t bytes[CREDENTIALS_BYTES_MAX];
    size_t len;
    if (!read_credentials(basic, bytes, &len)) {
        return VERDICT_MALFORMED;
    }
    bool right = signature_is_secret(secrets, (struct slice){bytes, len});
    return right ? VERDICT_GENUINE : VERDICT_FORGED;
}

/* What a type means; what is in no row is soft. */
static const struct {
    const char *type;
    const char *status; /* NULL: it is no bounce */
} types[] = {
    {"HardBounce", "hard"},  {"BadEmailAddress", "hard"},     {"SpamComplaint", "complaint"},
    {"AutoResponder", NULL}, {"AddressChange", NULL},         {"Subscribe", NULL},
    {"Unsubscribe", NULL},   {"ChallengeVerification", NULL}, {"OpenRelayTest", NULL},
};

static void came_back(struct reader *reader, const char *type)
{
    /* An address that it put out of use takes no more mail, for whatever reason. */
    bool out_of_use = tape_flag(reader->tape, tape_get(reader->tape, TAPE_ROOT, "Inactive"));
    const char *status = out_of_use ? "hard" : "soft";
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].type, type) == 0) {
            status = types[i].status;
        }
    }
    if (!status) {
        reader_ignore(reader, "is no bounce");
        return;
    }
    bool complaint = strcmp(status, "complaint") == 0;
    inbox_bounce(reader, read_word(reader, "MessageID"), read_word(reader, "Email"), status,
                 complaint ? "" : type, "");
}

static enum fault translate(const struct post *post, const struct tape *tape,
                            const struct provider_rules *rules, struct translation *out)
{
    struct reader reader = reader_begin(tape, rules, out);
    const char *record = read_word(&reader, "RecordType");
    const char *number = read_numbered(&reader, ":", "ID");
    snprintf(out->id_room, sizeof out->id_room, "%.40s%.40s", record, number);
    if (inbox_name(&reader, post, *number ? out->id_room : "", record, "",
                   read_time_path(&reader, "BouncedAt")) != OK) {
        return FAULT_MALFORMED;
    }
    if (strcmp(record, "SpamComplaint") == 0) {
        came_back(&reader, record);
    } else if (strcmp(record, "Bounce") == 0) {
        came_back(&reader, read_word(&reader, "Type"));
    }
    return OK;
}

const struct provider provider_postmark = {
    .name = "postmark",
    .kind = SOURCE_MAIL,
    .signature_headers = OWN_HEADER " Authorization",
    .verify = verify,
    .translate = translate,
};
