/* sns.h - messages of Amazon SNS: what they say, what is signed of them, where their certificates are.
 *
 * Use        sns_read() of the body's tape; sns_trusts() says whether we may fetch from the URLs that
 *            it names; sns_signed() checks it under the certificate's PEM. Pure.
 * Formats    Signed are names and values, a line each, in a fixed order that depends on the type.
 *            SignatureVersion 1 is SHA-1, 2 is SHA-256.
 * Promise    A certificate or a confirmation is only looked for at https://sns.<region>.amazonaws.com,
 *            in the region of the topic, and the topic has to be one of ours: a stranger can make us
 *            fetch nothing else.
 * See        https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html */
#ifndef USHER_SNS_H
#define USHER_SNS_H

#include "digest.h"
#include "json_tape.h"

#include <stdbool.h>

enum sns_kind { SNS_NOTIFICATION, SNS_CONFIRMATION, SNS_UNSUBSCRIBED };

enum sns_field {
    SNS_MESSAGE,
    SNS_MESSAGE_ID,
    SNS_SUBJECT,
    SNS_SUBSCRIBE_URL,
    SNS_TIMESTAMP,
    SNS_TOKEN,
    SNS_TOPIC,
    SNS_TYPE,
    SNS_SIGNATURE,
    SNS_VERSION,
    SNS_CERTIFICATE,
    SNS_FIELDS
};

/* Texts are the tape's; "" for what is not there. */
struct sns {
    enum sns_kind kind;
    const char *fields[SNS_FIELDS];
};

/* False if it is no message of SNS. */
bool sns_read(const struct tape *tape, struct sns *sns);

/* The topic is one of a list, one a line, and the URLs are SNS's own in the topic's region. Where
 * `base` is not "" it stands instead of https://sns.<region>.amazonaws.com/ (it ends with a slash). */
bool sns_trusts(const struct sns *sns, const char *topics, const char *base);

bool sns_signed(const struct sns *sns, struct slice pem, int64_t now_s);

#endif
