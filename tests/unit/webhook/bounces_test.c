/* bounces_test.c - mail that came back: Resend and Postmark, as tables of bytes. */
#include "post_test.h"

#include "standard_webhooks.h"

extern const struct provider provider_resend, provider_postmark;

#define SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER  "whsec_HxECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NOW    "1795600800"

static const char body[] = "{\"type\":\"email.bounced\"}";

static void resend_is_signed_as_svix_does(void **state)
{
    (void)state;
    struct buf good = {0};
    assert_true(sw_sign(SECRET, "msg_1", NOW, (struct slice){body, strlen(body)}, &good));
    char *two = NULL;
    assert_true(asprintf(&two, "v1,bm8= %s", buf_text(&good)) > 0);
    const struct {
        struct header headers[POST_HEADERS_MAX];
        const char *secrets;
        int64_t late_s;
        enum verdict verdict;
    } rows[] = {
#define SIGNED(id, time, signature)                                                                \
    {                                                                                              \
        {"svix-id", id},                                                                           \
        {"svix-timestamp", time},                                                                  \
        {"svix-signature", signature},                                                             \
    }
        {SIGNED("msg_1", NOW, buf_text(&good)), SECRET, 0, VERDICT_GENUINE},
        {SIGNED("msg_1", NOW, two), OTHER "\n" SECRET, 0, VERDICT_GENUINE},
        {SIGNED("msg_1", NOW, buf_text(&good)), SECRET, 301, VERDICT_STALE},
        {SIGNED("msg_1", NOW, buf_text(&good)), SECRET, -301, VERDICT_STALE},
        {SIGNED("msg_1", NOW, buf_text(&good)), OTHER, 0, VERDICT_FORGED},
        {SIGNED("msg_2", NOW, buf_text(&good)), SECRET, 0, VERDICT_FORGED},
        {SIGNED("msg_1", "1795600801", buf_text(&good)), SECRET, 0, VERDICT_FORGED},
        {SIGNED("msg_1", "soon", buf_text(&good)), SECRET, 0, VERDICT_MALFORMED},
        {SIGNED("msg_1", "999999999999999999", buf_text(&good)), SECRET, 0, VERDICT_MALFORMED},
        {SIGNED("msg_1", NOW, "v2,abc"), SECRET, 0, VERDICT_MALFORMED},
        {{{"svix-id", "msg_1"}, {"svix-timestamp", NOW}}, SECRET, 0, VERDICT_MISSING},
        {{{"svix-id", "msg_1"}, {"svix-signature", buf_text(&good)}}, SECRET, 0, VERDICT_MISSING},
        {{{"svix-signature", buf_text(&good)}, {"svix-signature", buf_text(&good)}},
         SECRET,
         0,
         VERDICT_DOUBLED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum verdict verdict = post_verdict(&provider_resend, rows[i].headers, body,
                                            rows[i].secrets, POST_NOW_S + rows[i].late_s);
        if (verdict != rows[i].verdict) {
            fail_msg("row %zu: %d, not %d", i, (int)verdict, (int)rows[i].verdict);
        }
    }
    free(two);
    buf_fini(&good);
}

#define RESEND(type, data)                                                                         \
    "{\"type\":\"email." type "\",\"created_at\":\"2026-11-25T10:00:00.000Z\",\"data\":{"          \
    "\"email_id\":\"56761188-7520\"," data "}}"

static void resend_tells_of_mail(void **state)
{
    (void)state;
    static const struct header headers[POST_HEADERS_MAX] = {{"svix-id", "msg_1"}};
    static const struct post_row rows[] = {
        {RESEND("bounced", "\"to\":[\"ada@example.com\"],\"bounce\":{\"type\":\"Permanent\","
                           "\"subType\":\"General\",\"message\":\"no\"}"),
         "msg_1 | mail.bounced | bounce 56761188-7520 hard at 1795600800000 <ada@example.com> "
         "\"General\""},
        {RESEND("bounced", "\"to\":[\"ada@example.com\"],\"bounce\":{\"type\":\"Transient\"}"),
         "msg_1 | mail.bounced | bounce 56761188-7520 soft at 1795600800000 <ada@example.com> "
         "\"\""},
        {RESEND("bounced", "\"to\":[\"a@x.com\",\"b@x.com\"],\"bounce\":{\"type\":\"Permanent\"}"),
         "msg_1 | mail.bounced | bounce 56761188-7520 soft at 1795600800000 <a@x.com> \"\" bounce "
         "56761188-7520 soft at 1795600800000 <b@x.com> \"\""},
        {RESEND("complained", "\"to\":[\"ada@example.com\"]"),
         "msg_1 | mail.complained | bounce 56761188-7520 complaint at 1795600800000 "
         "<ada@example.com> \"\""},
        {RESEND("suppressed", "\"to\":[\"ada@example.com\"]"),
         "msg_1 | mail.bounced | bounce 56761188-7520 hard at 1795600800000 <ada@example.com> "
         "\"Suppressed\""},
        {RESEND("bounced", "\"to\":[]"),
         "msg_1 | provider.ignored | a type that has no meaning here"},
        {RESEND("bounced", "\"to\":[\"a b@x.com\"]"),
         "msg_1 | provider.ignored | names no object that it could be about"},
        {RESEND("delivered", "\"to\":[\"ada@example.com\"]"),
         "msg_1 | provider.ignored | a type that has no meaning here"},
        {"{}", "malformed"},
    };
    post_rows(&provider_resend, headers, rows, sizeof rows / sizeof *rows);
}

static void postmark_shows_what_we_gave_it(void **state)
{
    (void)state;
    static const struct {
        struct header headers[POST_HEADERS_MAX];
        enum verdict verdict;
    } rows[] = {
        {{{"Authorization", "Basic cG9zdG1hcms6bG9uZyBhbmQgc2VjcmV0"}}, VERDICT_GENUINE},
        {{{"Authorization", "basic cG9zdG1hcms6bG9uZyBhbmQgc2VjcmV0"}}, VERDICT_GENUINE},
        {{{"Authorization", "Basic cG9zdG1hcms6c2hvcnQ="}}, VERDICT_FORGED},
        {{{"Authorization", "Basic cG9zdG1hcms6bG9uZyBhbmQgc2VjcmV0AA=="}}, VERDICT_FORGED},
        {{{"Authorization", "Basic "}}, VERDICT_FORGED},
        {{{"Authorization", "Basic !"}}, VERDICT_MALFORMED},
        {{{"Authorization", "Bearer cG9z"}}, VERDICT_MALFORMED},
        {{{"Authorization", "Basic cG9z"}, {"Authorization", "Basic cG9z"}}, VERDICT_DOUBLED},
        {{{"X-Usher-Secret", "a text of our own"}}, VERDICT_GENUINE},
        {{{"X-Usher-Secret", "a text of our ow"}}, VERDICT_FORGED},
        {{{"X-Usher-Secret", ""}}, VERDICT_FORGED},
        {{{"X-Usher-Secret", "a text of our own"}, {"X-Usher-Secret", "x"}}, VERDICT_DOUBLED},
        {{{NULL, NULL}}, VERDICT_MISSING},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum verdict verdict =
            post_verdict(&provider_postmark, rows[i].headers, "{}",
                         "postmark:long and secret\n\na text of our own\n", POST_NOW_S);
        if (verdict != rows[i].verdict) {
            fail_msg("row %zu: %d, not %d", i, (int)verdict, (int)rows[i].verdict);
        }
    }
}

#define POSTMARK(record, type, more)                                                               \
    "{\"RecordType\":\"" record "\",\"ID\":4323372036,\"Type\":\"" type                            \
    "\",\"MessageID\":\"883953f4\",\"Email\":\"ada@example.com\","                                 \
    "\"BouncedAt\":\"2026-11-25T05:00:00-05:00\"" more "}"
#define CAME "bounce 883953f4 "
#define WHO  " at 1795600800000 <ada@example.com> "

static void postmark_tells_of_mail(void **state)
{
    (void)state;
    static const struct header none[POST_HEADERS_MAX] = {{NULL, NULL}};
    static const struct post_row rows[] = {
        {POSTMARK("Bounce", "HardBounce", ",\"TypeCode\":1,\"Inactive\":true"),
         "Bounce:4323372036 | mail.bounced | " CAME "hard" WHO "\"HardBounce\""},
        {POSTMARK("Bounce", "SoftBounce", ",\"Inactive\":false"),
         "Bounce:4323372036 | mail.bounced | " CAME "soft" WHO "\"SoftBounce\""},
        {POSTMARK("Bounce", "Transient", ""),
         "Bounce:4323372036 | mail.bounced | " CAME "soft" WHO "\"Transient\""},
        {POSTMARK("Bounce", "Blocked", ",\"Inactive\":true"),
         "Bounce:4323372036 | mail.bounced | " CAME "hard" WHO "\"Blocked\""},
        {POSTMARK("SpamComplaint", "SpamComplaint", ""),
         "SpamComplaint:4323372036 | mail.complained | " CAME "complaint" WHO "\"\""},
        {POSTMARK("Bounce", "AutoResponder", ""),
         "Bounce:4323372036 | provider.ignored | is no bounce"},
        {POSTMARK("SubscriptionChange", "", ""),
         "SubscriptionChange:4323372036 | provider.ignored | a type that has no meaning here"},
        {"{\"RecordType\":\"Open\"}",
         "Open:-:a3f0d69837a76775bf164ff97d6c68c3 | provider.ignored | a type that has no meaning "
         "here"},
        {"{\"RecordType\":\"Bounce\",\"ID\":1,\"MessageID\":\"m\",\"Email\":\"nobody\"}",
         "Bounce:1 | provider.ignored | names no object that it could be about"},
        {"{\"ID\":1}", "malformed"},
    };
    post_rows(&provider_postmark, none, rows, sizeof rows / sizeof *rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resend_is_signed_as_svix_does),
        cmocka_unit_test(resend_tells_of_mail),
        cmocka_unit_test(postmark_shows_what_we_gave_it),
        cmocka_unit_test(postmark_tells_of_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
