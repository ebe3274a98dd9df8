/* sns_test.c - messages of SNS: what is signed, under which certificate, from where. */
#include "post_test.h"

#include "certificate.h"
#include "sns.h"
#include "sources.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

extern const struct provider provider_ses;

#define TOPIC   "arn:aws:sns:eu-west-1:123456789012:bounces"
#define HOST    "https://sns.eu-west-1.amazonaws.com/"
#define CERT    "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
#define CONFIRM "?Action=ConfirmSubscription&TopicArn=x&Token=t"

enum { DAY_S = 86400 };

/* --- a certificate of our own ---------------------------------------------------------------- */

struct signer {
    EVP_PKEY *key;
    char *pem;
    size_t pem_len;
};

static void make(struct signer *signer, const char *name, int bits, int64_t from_s, int64_t until_s)
{
    signer->key = EVP_RSA_gen((unsigned)bits);
    X509 *x509 = X509_new();
    assert_true(signer->key && x509);
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_time_adj_ex(X509_getm_notBefore(x509), 0, 0, &(time_t){from_s});
    X509_time_adj_ex(X509_getm_notAfter(x509), 0, 0, &(time_t){until_s});
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_set_pubkey(x509, signer->key);
    assert_true(X509_sign(x509, signer->key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes;
    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
    signer->pem_len = (size_t)BIO_get_mem_data(bio, &bytes);
    signer->pem = malloc(signer->pem_len);
    memcpy(signer->pem, bytes, signer->pem_len);
    BIO_free(bio);
    X509_free(x509);
}

static void drop(struct signer *signer)
{
    EVP_PKEY_free(signer->key);
    free(signer->pem);
}

static char *sign(const struct signer *signer, const EVP_MD *md, const char *text)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t bytes[1024];
    size_t len = sizeof bytes;
    assert_int_equal(EVP_DigestSignInit(context, NULL, md, NULL, signer->key), 1);
    assert_int_equal(EVP_DigestSign(context, bytes, &len, (const uint8_t *)text, strlen(text)), 1);
    EVP_MD_CTX_free(context);
    char *base64 = malloc(len * 2);
    base64_encode(bytes, len, base64);
    return base64;
}

static struct signer amazon;
static char *home;
static struct settings *settings;
static void *own; /* what the provider made of them */

static struct settings *load(const char *text)
{
    const struct setting *const tables[] = {sources_settings, NULL};
    struct settings *made = NULL;
    struct buf why = {0};
    test_write_file(home, "usher.cfg", text);
    if (settings_load(home, "usher.cfg", tables, &made, &why) != OK) {
        fail_msg("%s", buf_text(&why));
    }
    buf_fini(&why);
    return made;
}

static int set_up(void **state)
{
    (void)state;
    struct buf why = {0};
    make(&amazon, "sns.amazonaws.com", 2048, POST_NOW_S - DAY_S, POST_NOW_S + DAY_S);
    home = test_folder();
    settings = load("webhook\n    mail\n        provider = ses\n");
    assert_int_equal(provider_ses.open(settings, &own, &why), OK);
    buf_fini(&why);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    drop(&amazon);
    provider_ses.close(&own);
    settings_destroy(&settings);
    test_rm_folder(&home);
    return 0;
}

/* --- messages -------------------------------------------------------------------------------- */

static json_t *notification(const char *message)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Type", "Notification",
                     "MessageId", "m-1", "TopicArn", TOPIC, "Message", message, "Timestamp",
                     "2026-11-25T10:00:00.000Z", "SignatureVersion", "1", "SigningCertURL",
                     HOST CERT, "Signature", "bm8=");
}

static json_t *confirmation(void)
{
    json_t *tree = notification("You have chosen to subscribe");
    json_object_set_new(tree, "Type", json_string("SubscriptionConfirmation"));
    json_object_set_new(tree, "Token", json_string("t"));
    json_object_set_new(tree, "SubscribeURL", json_string(HOST CONFIRM));
    return tree;
}

#define TAIL "MessageId\nm-1\nTimestamp\n2026-11-25T10:00:00.000Z\nTopicArn\n" TOPIC "\n"

static void set_signature(json_t *tree, const EVP_MD *md, const char *text)
{
    char *signature = sign(&amazon, md, text);
    json_object_set_new(tree, "Signature", json_string(signature));
    free(signature);
}

struct tried {
    enum verdict verdict;
    char url[URL_CHARS_MAX + 1];
};

static struct tried try_post(json_t *tree, const char *pem, size_t pem_len, const char *topics)
{
    static const struct header headers[POST_HEADERS_MAX] = {{"x-amz-sns-message-type", "x"}};
    struct tried tried = {.url = ""};
    char *body = json_dumps(tree, 0);
    struct post post = post_of(headers, body);
    post.own = own;
    post.document_url = tried.url;
    post.document = (struct slice){pem, pem_len};
    tried.verdict = provider_ses.verify(&post, topics, POST_NOW_S, POST_TOLERANCE_S);
    free(body);
    return tried;
}

static void expect(json_t *tree, enum verdict verdict)
{
    struct tried tried = try_post(tree, amazon.pem, amazon.pem_len, TOPIC);
    assert_int_equal(tried.verdict, verdict);
}

static void what_is_signed_is_what_the_rules_say(void **state)
{
    (void)state;
    json_t *tree = notification("{\"a\":\"b\\n\"}");
    set_signature(tree, EVP_sha1(), "Message\n{\"a\":\"b\\n\"}\n" TAIL "Type\nNotification\n");
    expect(tree, VERDICT_GENUINE);
    json_object_set_new(tree, "MessageId", json_string("m-2"));
    expect(tree, VERDICT_FORGED);
    json_object_set_new(tree, "MessageId", json_string("m-1"));
    json_object_set_new(tree, "Subject", json_string("S"));
    expect(tree, VERDICT_FORGED);
    set_signature(tree, EVP_sha1(),
                  "Message\n{\"a\":\"b\\n\"}\nMessageId\nm-1\nSubject\nS\nTimestamp\n"
                  "2026-11-25T10:00:00.000Z\nTopicArn\n" TOPIC "\nType\nNotification\n");
    expect(tree, VERDICT_GENUINE);
    json_object_set_new(tree, "SignatureVersion", json_string("2"));
    expect(tree, VERDICT_FORGED);
    set_signature(tree, EVP_sha256(),
                  "Message\n{\"a\":\"b\\n\"}\nMessageId\nm-1\nSubject\nS\nTimestamp\n"
                  "2026-11-25T10:00:00.000Z\nTopicArn\n" TOPIC "\nType\nNotification\n");
    expect(tree, VERDICT_GENUINE);
    json_object_set_new(tree, "SignatureVersion", json_string("3"));
    expect(tree, VERDICT_FORGED);
    json_object_set_new(tree, "SignatureVersion", json_string("2"));
    json_object_set_new(tree, "Signature", json_string("not base64"));
    expect(tree, VERDICT_FORGED);
    json_decref(tree);

    tree = confirmation();
    set_signature(
        tree, EVP_sha1(),
        "Message\nYou have chosen to subscribe\nMessageId\nm-1\nSubscribeURL\n" HOST CONFIRM
        "\nTimestamp\n2026-11-25T10:00:00.000Z\nToken\nt\nTopicArn\n" TOPIC
        "\nType\nSubscriptionConfirmation\n");
    expect(tree, VERDICT_GENUINE);
    json_object_set_new(tree, "SubscribeURL", json_string(HOST CONFIRM "&x=1"));
    expect(tree, VERDICT_FORGED);
    json_object_del(tree, "Token");
    expect(tree, VERDICT_MALFORMED);
    json_decref(tree);
}

static void without_its_certificate_nothing_is_said(void **state)
{
    (void)state;
    json_t *tree = notification("x");
    set_signature(tree, EVP_sha1(), "Message\nx\n" TAIL "Type\nNotification\n");
    struct tried tried = try_post(tree, NULL, 0, "other\n" TOPIC "\n");
    assert_int_equal(tried.verdict, VERDICT_UNDECIDED);
    assert_string_equal(tried.url, HOST CERT);
    tried = try_post(tree, "no pem", 6, TOPIC);
    assert_int_equal(tried.verdict, VERDICT_FORGED);
    json_decref(tree);
}

static void a_strangers_url_is_never_looked_at(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://sns.eu-west-1.amazonaws.com/" CERT,
        "https://sns.eu-west-1.amazonaws.com.evil.example/" CERT,
        "https://sns.eu-west-1.amazonaws.com@evil.example/" CERT,
        "https://evil.example/sns.eu-west-1.amazonaws.com/" CERT,
        "https://sns.us-east-1.amazonaws.com/" CERT,
        "https://s3.eu-west-1.amazonaws.com/" CERT,
        "https://sns.eu-west-1.amazonaws.com:8443/" CERT,
        "https://sns.eu-west-1.amazonaws.com/" CERT "?x",
        "https://sns.eu-west-1.amazonaws.com/" CERT "/..",
        "https://sns.eu-west-1.amazonaws.com/../" CERT,
        "https://sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com/",
        "https://sns.eu-west-1.amazonaws.com\\@evil.example/" CERT,
        "file:///etc/passwd",
        " " HOST CERT,
        HOST CERT " ",
    };
    json_t *tree = notification("x");
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        json_object_set_new(tree, "SigningCertURL", json_string(urls[i]));
        struct tried tried = try_post(tree, NULL, 0, TOPIC);
        if (tried.verdict != VERDICT_FORGED || *tried.url) {
            fail_msg("%s: %d", urls[i], (int)tried.verdict);
        }
    }
    json_decref(tree);

    static const char *const confirmations[] = {
        "https://evil.example/?Action=ConfirmSubscription&Token=t",
        "https://sns.eu-west-1.amazonaws.com/?Action=DeleteTopic&x=ConfirmSubscription",
        "https://sns.us-east-1.amazonaws.com/" CONFIRM,
        "http://127.0.0.1/" CONFIRM,
    };
    tree = confirmation();
    for (size_t i = 0; i < sizeof confirmations / sizeof *confirmations; i++) {
        json_object_set_new(tree, "SubscribeURL", json_string(confirmations[i]));
        struct tried tried = try_post(tree, NULL, 0, TOPIC);
        assert_int_equal(tried.verdict, VERDICT_FORGED);
    }
    json_decref(tree);
}

static void another_base_stands_for_amazons_hosts_alone(void **state)
{
    (void)state;
    static const struct {
        const char *base;
        bool good;
    } rows[] = {{"http://127.0.0.1:8000/", true},   {"https://sns.example.com/", true},
                {"http://127.0.0.1:8000", false},   {"http://sns.example.com/", false},
                {"https://sns.example.com", false}, {"ftp://127.0.0.1/", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[200];
        void *made = NULL;
        struct buf why = {0};
        snprintf(text, sizeof text,
                 "webhook\n    mail\n        provider = ses\n        certificates = \"%s\"\n",
                 rows[i].base);
        struct settings *its = load(text);
        const struct settings *view = settings_nth(its, "webhook/mail", 0);
        enum fault fault = provider_ses.open(view, &made, &why);
        if ((fault == OK) != rows[i].good) {
            fail_msg("%s: %s", rows[i].base, fault_name(fault));
        }
        provider_ses.close(&made);
        settings_destroy(&its);
        buf_fini(&why);
    }
}

static void only_our_topics_speak(void **state)
{
    (void)state;
    static const char *const topics[] = {"arn:aws:sns:eu-west-1:123456789012:other", TOPIC "x",
                                         "arn:aws:sns:eu-west-1:123456789012:bounce", "sns"};
    json_t *tree = notification("x");
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        struct tried tried = try_post(tree, NULL, 0, topics[i]);
        assert_int_equal(tried.verdict, VERDICT_FORGED);
    }
    json_object_set_new(tree, "TopicArn", json_string("nonsense"));
    struct tried tried = try_post(tree, NULL, 0, "nonsense");
    assert_int_equal(tried.verdict, VERDICT_FORGED);
    json_decref(tree);
}

static void a_certificate_has_to_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int bits;
        int64_t from_s, until_s;
        bool good;
    } rows[] = {
        {"sns.amazonaws.com", 2048, -DAY_S, DAY_S, true},
        {"sns.eu-west-1.amazonaws.com", 2048, -DAY_S, DAY_S, true},
        {"sns.us-east-1.amazonaws.com", 2048, -DAY_S, DAY_S, false},
        {"evil.example", 2048, -DAY_S, DAY_S, false},
        {"sns.amazonaws.com", 1024, -DAY_S, DAY_S, false},
        {"sns.amazonaws.com", 2048, -DAY_S, -60, false},
        {"sns.amazonaws.com", 2048, 60, DAY_S, false},
    };
    const struct slice part = {"text", 4};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct signer signer;
        uint8_t bytes[1024];
        size_t len = sizeof bytes;
        make(&signer, rows[i].name, rows[i].bits, POST_NOW_S + rows[i].from_s,
             POST_NOW_S + rows[i].until_s);
        char *base64 = sign(&signer, EVP_sha256(), "text");
        assert_true(base64_decode(base64, bytes, &len));
        struct certificate_wanted wanted = {
            .names = {"sns.amazonaws.com", "sns.eu-west-1.amazonaws.com"},
            .now_s = POST_NOW_S,
            .digest = CERTIFICATE_SHA256};
        bool good = certificate_signed((struct slice){signer.pem, signer.pem_len}, &wanted, &part,
                                       1, (struct slice){bytes, len});
        if (good != rows[i].good) {
            fail_msg("row %zu: %s", i, rows[i].name);
        }
        free(base64);
        drop(&signer);
    }
}

/* --- what SES says --------------------------------------------------------------------------- */

static const char *translated(json_t *tree, char *visit, size_t room)
{
    static char text[2048];
    struct provider_rules rules = {.own = own};
    struct tape tape = {0};
    struct translation out;
    char *body = json_dumps(tree, 0);
    static const struct header none[POST_HEADERS_MAX] = {{NULL, NULL}};
    struct post post = post_of(none, body);
    assert_int_equal(tape_parse(&tape, body, strlen(body)), OK);
    assert_int_equal(provider_ses.translate(&post, &tape, &rules, &out), OK);
    int len = snprintf(text, sizeof text, "%s | %s |%s%s", out.id, out.type,
                       *out.ignored ? " " : "", out.ignored);
    for (size_t i = 0; i < out.fact_count; i++) {
        const struct fact *fact = &out.facts[i];
        len += snprintf(text + len, sizeof text - (size_t)len, " %s %s %s %lld <%s> %s %s",
                        fact->key, fact_kind_name(fact->kind), fact->status, (long long)fact->at_ms,
                        fact->email, fact->reason, fact->object);
    }
    snprintf(visit, room, "%s", out.visit);
    tape_fini(&tape);
    free(body);
    json_decref(tree);
    return text;
}

static void ses_tells_of_mail(void **state)
{
    (void)state;
    char visit[300];
    assert_string_equal(
        translated(notification(
                       "{\"notificationType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Permanent\","
                       "\"bounceSubType\":\"NoEmail\",\"timestamp\":\"2026-11-25T10:00:00.000Z\","
                       "\"bouncedRecipients\":[{\"emailAddress\":\"a@x.com\"},{\"emailAddress\":"
                       "\"b@x.com\"}]},\"mail\":{\"messageId\":\"0100\",\"commonHeaders\":{"
                       "\"messageId\":\"<abc@example.com>\"}}}"),
                   visit, sizeof visit),
        "m-1 | mail.bounced | 0100 bounce hard 1795600800000 <a@x.com> NoEmail <abc@example.com> "
        "0100 bounce hard 1795600800000 <b@x.com> NoEmail <abc@example.com>");
    assert_string_equal(
        translated(
            notification("{\"eventType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Transient\","
                         "\"bouncedRecipients\":[{\"emailAddress\":\"a@x.com\"}]},"
                         "\"mail\":{\"messageId\":\"0100\"}}"),
            visit, sizeof visit),
        "m-1 | mail.bounced | 0100 bounce soft 1795600800000 <a@x.com>  ");
    assert_string_equal(
        translated(
            notification("{\"notificationType\":\"Complaint\",\"complaint\":{"
                         "\"complaintFeedbackType\":\"abuse\",\"complainedRecipients\":[{"
                         "\"emailAddress\":\"a@x.com\"}]},\"mail\":{\"messageId\":\"0100\"}}"),
            visit, sizeof visit),
        "m-1 | mail.complained | 0100 bounce complaint 1795600800000 <a@x.com> abuse ");
    assert_string_equal(
        translated(notification("{\"notificationType\":\"Delivery\"}"), visit, sizeof visit),
        "m-1 | provider.ignored | a type that has no meaning here");
    assert_string_equal(translated(notification("Successfully validated"), visit, sizeof visit),
                        "m-1 | provider.ignored | no notice of SES");
    assert_string_equal(visit, "");
    assert_string_equal(translated(confirmation(), visit, sizeof visit),
                        "m-1 | provider.ignored | a subscription that was confirmed");
    assert_string_equal(visit, HOST CONFIRM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_is_what_the_rules_say),
        cmocka_unit_test(without_its_certificate_nothing_is_said),
        cmocka_unit_test(a_strangers_url_is_never_looked_at),
        cmocka_unit_test(another_base_stands_for_amazons_hosts_alone),
        cmocka_unit_test(only_our_topics_speak),
        cmocka_unit_test(a_certificate_has_to_be_right),
        cmocka_unit_test(ses_tells_of_mail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
