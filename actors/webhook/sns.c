#include "sns.h"

#include "certificate.h"
#include "signature.h"

#include <stdio.h>
#include <string.h>

enum {
    PARTS_MAX = 28, /* name, newline, value, newline of each field that is signed */
    REGION_CHARS_MAX = 30,
    BASE_CHARS_MAX = 80,
    URL_BYTES_MAX = 900,
    SIGNATURE_CHARS_MAX = 1024
};

static const char *const names[SNS_FIELDS] = {
    [SNS_MESSAGE] = "Message",
    [SNS_MESSAGE_ID] = "MessageId",
    [SNS_SUBJECT] = "Subject",
    [SNS_SUBSCRIBE_URL] = "SubscribeURL",
    [SNS_TIMESTAMP] = "Timestamp",
    [SNS_TOKEN] = "Token",
    [SNS_TOPIC] = "TopicArn",
    [SNS_TYPE] = "Type",
    [SNS_SIGNATURE] = "Signature",
    [SNS_VERSION] = "SignatureVersion",
    [SNS_CERTIFICATE] = "SigningCertURL",
};

static const char *const kinds[] = {
    [SNS_NOTIFICATION] = "Notification",
    [SNS_CONFIRMATION] = "SubscriptionConfirmation",
    [SNS_UNSUBSCRIBED] = "UnsubscribeConfirmation",
};

enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

bool sns_read(const struct tape *tape, struct sns *sns)
{
    for (int i = 0; i < SNS_FIELDS; i++) {
        sns->fields[i] = tape_text(tape, tape_get(tape, TAPE_ROOT, names[i]));
    }
    int kind = 0;
    while (kind < KIND_COUNT && strcmp(kinds[kind], sns->fields[SNS_TYPE]) != 0) {
        kind++;
    }
    sns->kind = (enum sns_kind)kind;
    bool confirms = kind != SNS_NOTIFICATION;
    return kind < KIND_COUNT && *sns->fields[SNS_MESSAGE_ID] && *sns->fields[SNS_TOPIC] &&
           *sns->fields[SNS_TIMESTAMP] && *sns->fields[SNS_SIGNATURE] &&
           *sns->fields[SNS_CERTIFICATE] &&
           (!confirms || (*sns->fields[SNS_SUBSCRIBE_URL] && *sns->fields[SNS_TOKEN]));
}

/* --- where it may point ---------------------------------------------------------------------- */

/* "arn:aws:sns:eu-west-1:123456789012:bounces" -> "eu-west-1" */
static bool region_of(const char *topic, char region[REGION_CHARS_MAX + 1])
{
    const char *at = topic;
    for (int colons = 0; colons < 3; colons++) {
        at = strchr(at, ':');
        if (!at) {
            return false;
        }
        at++;
    }
    size_t chars = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-");
    snprintf(region, REGION_CHARS_MAX + 1, "%.*s", (int)chars, at);
    return strncmp(topic, "arn:aws", 7) == 0 && chars > 0 && chars <= REGION_CHARS_MAX &&
           at[chars] == ':';
}

static bool is_plain(const char *url)
{
    size_t chars = 0;
    for (; url[chars]; chars++) {
        if (chars == URL_BYTES_MAX || url[chars] <= ' ' || url[chars] > '~' ||
            strchr("\\\"<>#", url[chars])) {
            return false;
        }
    }
    return true;
}

/* The path below the base, or NULL: the base ends with the slash behind the host, so that nothing
 * in the rest of the URL can name another one. */
static const char *below(const char *url, const char *base)
{
    size_t len = strlen(base);
    return strncmp(url, base, len) == 0 && is_plain(url) ? url + len : NULL;
}

static bool is_certificate(const char *path)
{
    static const char begin[] = "SimpleNotificationService-";
    if (!path || strncmp(path, begin, sizeof begin - 1) != 0) {
        return false;
    }
    path += sizeof begin - 1;
    size_t word = strspn(path, "0123456789abcdefABCDEF");
    return word > 0 && strcmp(path + word, ".pem") == 0;
}

static bool is_confirmation(const char *path)
{
    static const char begin[] = "?Action=ConfirmSubscription&";
    return path && strncmp(path, begin, sizeof begin - 1) == 0;
}

static bool trusts_under(const struct sns *sns, const char *base)
{
    return is_certificate(below(sns->fields[SNS_CERTIFICATE], base)) &&
           (sns->kind != SNS_CONFIRMATION ||
            is_confirmation(below(sns->fields[SNS_SUBSCRIBE_URL], base)));
}

bool sns_trusts(const struct sns *sns, const char *topics, const char *base)
{
    char region[REGION_CHARS_MAX + 1], own[BASE_CHARS_MAX], china[BASE_CHARS_MAX];
    const char *topic = sns->fields[SNS_TOPIC];
    if (!signature_is_secret(topics, (struct slice){topic, strlen(topic)}) ||
        !region_of(topic, region)) {
        return false;
    }
    if (*base) {
        return trusts_under(sns, base);
    }
    snprintf(own, sizeof own, "https://sns.%s.amazonaws.com/", region);
    snprintf(china, sizeof china, "https://sns.%s.amazonaws.com.cn/", region);
    return trusts_under(sns, own) || (strncmp(region, "cn-", 3) == 0 && trusts_under(sns, china));
}

/* --- what is signed -------------------------------------------------------------------------- */

static size_t signed_parts(const struct sns *sns, struct slice parts[PARTS_MAX])
{
    static const enum sns_field notification[] = {
        SNS_MESSAGE, SNS_MESSAGE_ID, SNS_SUBJECT, SNS_TIMESTAMP, SNS_TOPIC, SNS_TYPE, SNS_FIELDS};
    static const enum sns_field confirmation[] = {SNS_MESSAGE,   SNS_MESSAGE_ID, SNS_SUBSCRIBE_URL,
                                                  SNS_TIMESTAMP, SNS_TOKEN,      SNS_TOPIC,
                                                  SNS_TYPE,      SNS_FIELDS};
    size_t count = 0;
    const enum sns_field *field = sns->kind == SNS_NOTIFICATION ? notification : confirmation;
    for (; *field != SNS_FIELDS; field++) {
        const char *value = sns->fields[*field];
        if (*field == SNS_SUBJECT && !*value) {
            continue; /* only where there is one */
        }
        parts[count++] = (struct slice){names[*field], strlen(names[*field])};
        parts[count++] = (struct slice){"\n", 1};
        parts[count++] = (struct slice){value, strlen(value)};
        parts[count++] = (struct slice){"\n", 1};
    }
    return count;
}

bool sns_signed(const struct sns *sns, struct slice pem, int64_t now_s)
{
    char region[REGION_CHARS_MAX + 1], own[BASE_CHARS_MAX], china[BASE_CHARS_MAX];
    uint8_t signature[SIGNATURE_CHARS_MAX];
    struct slice parts[PARTS_MAX];
    size_t len = sizeof signature;
    const char *version = sns->fields[SNS_VERSION];
    bool sha1 = strcmp(version, "1") == 0;
    if ((!sha1 && strcmp(version, "2") != 0) || !region_of(sns->fields[SNS_TOPIC], region) ||
        strlen(sns->fields[SNS_SIGNATURE]) > SIGNATURE_CHARS_MAX ||
        !base64_decode(sns->fields[SNS_SIGNATURE], signature, &len)) {
        return false;
    }
    snprintf(own, sizeof own, "sns.%s.amazonaws.com", region);
    snprintf(china, sizeof china, "sns.%s.amazonaws.com.cn", region);
    const struct certificate_wanted wanted = {.names = {"sns.amazonaws.com", own, china},
                                              .now_s = now_s,
                                              .digest =
                                                  sha1 ? CERTIFICATE_SHA1 : CERTIFICATE_SHA256};
    size_t count = signed_parts(sns, parts);
    return certificate_signed(pem, &wanted, parts, count, (struct slice){signature, len});
}
