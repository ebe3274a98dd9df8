/* desks_test.c - tickets: signatures and translations of the support desks, as tables of bytes. */
#include "post_test.h"

#include "inbox.h"

#include <jansson.h>

extern const struct provider provider_zendesk, provider_helpscout, provider_intercom;

static const char body[] = "{\"id\":\"evt_1\"}";

/* Made with Python's hmac module. */
#define ZD_TIME        "2026-11-25T10:00:00Z"
#define ZD_GOOD        "exhWfVyYlVlk/9kAamfrNvfT8zpBX4wGtOMT3ARCNko="
#define ZD_OTHER_ORDER "L0gPqO6g6HCHsKqa9bT28kGnhA1IOmEcE4WvymMZiV8="
#define HS_GOOD        "Rh5kN5pG8DBedTmNEgN4lI+n6F4="
#define IC_GOOD        "sha1=9219d0c034271deacea9fd83af856c428ec0b489"

#define ZD       "X-Zendesk-Webhook-Signature"
#define ZD_TIMED ZD "-Timestamp"
#define HS       "X-HelpScout-Signature"
#define IC       "X-Hub-Signature"

static void signatures_are_checked(void **state)
{
    (void)state;
    static const struct {
        const struct provider *provider;
        struct header headers[POST_HEADERS_MAX];
        const char *secrets;
        int64_t late_s;
        enum verdict verdict;
    } rows[] = {
        {&provider_zendesk, {{ZD, ZD_GOOD}, {ZD_TIMED, ZD_TIME}}, "zd-secret", 0, VERDICT_GENUINE},
        {&provider_zendesk,
         {{ZD, ZD_GOOD}, {ZD_TIMED, ZD_TIME}},
         "new one\n  zd-secret \n",
         300,
         VERDICT_GENUINE},
        {&provider_zendesk, {{ZD, ZD_GOOD}, {ZD_TIMED, ZD_TIME}}, "zd-secret", 301, VERDICT_STALE},
        {&provider_zendesk, {{ZD, ZD_GOOD}, {ZD_TIMED, ZD_TIME}}, "zd-secret", -301, VERDICT_STALE},
        {&provider_zendesk, {{ZD, ZD_GOOD}, {ZD_TIMED, ZD_TIME}}, "hs-secret", 0, VERDICT_FORGED},
        {&provider_zendesk,
         {{ZD, ZD_OTHER_ORDER}, {ZD_TIMED, ZD_TIME}},
         "zd-secret",
         0,
         VERDICT_FORGED},
        {&provider_zendesk,
         {{ZD, ZD_GOOD}, {ZD_TIMED, "2026-11-25T10:00:01Z"}},
         "zd-secret",
         0,
         VERDICT_FORGED},
        {&provider_zendesk, {{ZD_TIMED, ZD_TIME}}, "zd-secret", 0, VERDICT_MISSING},
        {&provider_zendesk, {{ZD, ZD_GOOD}}, "zd-secret", 0, VERDICT_MISSING},
        {&provider_zendesk,
         {{ZD, ZD_GOOD}, {ZD, ZD_GOOD}, {ZD_TIMED, ZD_TIME}},
         "zd-secret",
         0,
         VERDICT_DOUBLED},
        {&provider_zendesk,
         {{ZD, ZD_GOOD}, {ZD_TIMED, ZD_TIME}, {ZD_TIMED, ZD_TIME}},
         "zd-secret",
         0,
         VERDICT_DOUBLED},
        {&provider_zendesk,
         {{ZD, "bm90IG9uZQ=="}, {ZD_TIMED, ZD_TIME}},
         "zd-secret",
         0,
         VERDICT_MALFORMED},
        {&provider_helpscout, {{HS, HS_GOOD}}, "hs-secret", 0, VERDICT_GENUINE},
        {&provider_helpscout, {{HS, HS_GOOD}}, "other\nhs-secret", 0, VERDICT_GENUINE},
        {&provider_helpscout, {{HS, HS_GOOD}}, "other", 0, VERDICT_FORGED},
        {&provider_helpscout, {{HS, "Rh5kN5pG"}}, "hs-secret", 0, VERDICT_MALFORMED},
        {&provider_helpscout, {{HS, HS_GOOD}, {HS, HS_GOOD}}, "hs-secret", 0, VERDICT_DOUBLED},
        {&provider_helpscout, {{NULL, NULL}}, "hs-secret", 0, VERDICT_MISSING},
        {&provider_intercom, {{IC, IC_GOOD}}, "ic-secret", 0, VERDICT_GENUINE},
        {&provider_intercom, {{IC, IC_GOOD}}, "zd-secret", 0, VERDICT_FORGED},
        {&provider_intercom, {{IC, IC_GOOD "00"}}, "ic-secret", 0, VERDICT_MALFORMED},
        {&provider_intercom, {{IC, "sha256=00"}}, "ic-secret", 0, VERDICT_MALFORMED},
        {&provider_intercom, {{IC, "sha1=zz"}}, "ic-secret", 0, VERDICT_MALFORMED},
        {&provider_intercom, {{IC, IC_GOOD}, {IC, IC_GOOD}}, "ic-secret", 0, VERDICT_DOUBLED},
        {&provider_intercom, {{NULL, NULL}}, "ic-secret", 0, VERDICT_MISSING},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum verdict verdict = post_verdict(rows[i].provider, rows[i].headers, body,
                                            rows[i].secrets, POST_NOW_S + rows[i].late_s);
        if (verdict != rows[i].verdict) {
            fail_msg("row %zu (%s): %d, not %d", i, rows[i].provider->name, (int)verdict,
                     (int)rows[i].verdict);
        }
    }
}

/* --- the vectors, where they are ------------------------------------------------------------- */

static const struct provider *provider_of(const char *scheme)
{
    return strncmp(scheme, "zendesk", 7) == 0  ? &provider_zendesk
           : strcmp(scheme, "help-scout") == 0 ? &provider_helpscout
           : strcmp(scheme, "intercom") == 0   ? &provider_intercom
                                               : NULL;
}

static void vectors_hold(void **state)
{
    (void)state;
    json_t *file =
        json_load_file(USHER_SOURCE "/../shared/specs/vectors/webhook-signatures.json", 0, NULL);
    size_t i, seen = 0;
    json_t *vector;
    if (!file) {
        skip();
    }
    json_array_foreach(json_object_get(file, "vectors"), i, vector)
    {
        const char *scheme = json_string_value(json_object_get(vector, "scheme"));
        const struct provider *provider = provider_of(scheme);
        if (!provider) {
            continue;
        }
        struct header headers[POST_HEADERS_MAX] = {{NULL, NULL}};
        size_t count = 0;
        const char *name;
        json_t *value;
        int64_t at_ms = 0;
        json_object_foreach(json_object_get(vector, "headers"), name, value)
        {
            headers[count++] = (struct header){name, json_string_value(value)};
            at_ms = strstr(name, "Timestamp") ? usable_time(json_string_value(value)) : at_ms;
        }
        enum verdict verdict =
            post_verdict(provider, headers, json_string_value(json_object_get(vector, "body")),
                         json_string_value(json_object_get(vector, "secret")), at_ms / 1000);
        bool good = strcmp(scheme, "zendesk-legacy-order") != 0;
        assert_int_equal(verdict, good ? VERDICT_GENUINE : VERDICT_FORGED);
        seen++;
    }
    assert_int_equal(seen, 4);
    json_decref(file);
}

/* --- translations ---------------------------------------------------------------------------- */

#define ZD_EVENT(type, event, detail)                                                              \
    "{\"id\":\"01H\",\"type\":\"zen:event-type:" type "\",\"time\":\"2026-11-25T10:00:00.25Z\","   \
    "\"subject\":\"zen:ticket:7\",\"event\":" event ",\"detail\":" detail "}"

static void zendesk_tells_of_tickets(void **state)
{
    (void)state;
    static const struct post_row rows[] = {
        {ZD_EVENT("ticket.created", "{}",
                  "{\"id\":\"7\",\"requester_id\":\"93\",\"subject\":\"Cannot log in\","
                  "\"status\":\"NEW\",\"tags\":[\"vip\"]}"),
         "01H | ticket.opened | ticket 7 open at 1795600800250 <> \"Cannot log in\" customer 93"},
        {ZD_EVENT("ticket.created", "{}",
                  "{\"id\":7,\"subject\":\"a\\u0000b\",\"requester_id\":\"9 3\"}"),
         "01H | ticket.opened | ticket 7 open at 1795600800250 <> \"\""},
        {ZD_EVENT("ticket.created", "{}", "{\"id\":\"7\",\"tags\":[\"usher\"]}"), /* a follow-up */
         "01H | ticket.opened | ticket 7 open at 1795600800250 <> \"\""},
        {ZD_EVENT("ticket.created", "{}", "{\"id\":\"7\",\"external_id\":\"refund:ch_1\"}"),
         "01H | provider.ignored | we opened it ourselves"},
        {ZD_EVENT("ticket.created", "{}",
                  "{\"id\":\"7\",\"description\":\"A refund [usher:refund:ch_1]\"}"),
         "01H | provider.ignored | we opened it ourselves"},
        {ZD_EVENT("ticket.status_changed", "{\"current\":\"SOLVED\"}", "{\"id\":\"7\"}"),
         "01H | ticket.closed | ticket 7 closed at 1795600800250 <> \"\""},
        {ZD_EVENT("ticket.status_changed", "{\"current\":\"OPEN\"}", "{\"id\":\"7\"}"),
         "01H | provider.ignored | a type that has no meaning here"},
        {ZD_EVENT("ticket.marked_as_spam", "{}", "{\"id\":\"7\"}"),
         "01H | ticket.closed | ticket 7 closed at 1795600800250 <> \"\""},
        {ZD_EVENT("ticket.comment_added", "{}", "{\"id\":\"7\"}"),
         "01H | provider.ignored | a type that has no meaning here"},
        {ZD_EVENT("ticket.created", "{}", "{\"id\":\"7 or 8\"}"),
         "01H | provider.ignored | names no object that it could be about"},
        {ZD_EVENT("user.created", "{}", "{}"),
         "01H | provider.ignored | a type that has no meaning here"},
        {"{\"type\":\"zen:event-type:ticket.created\"}", "malformed"},
        {"{\"id\":\"1\",\"type\":\"two words\"}", "malformed"},
        {"[]", "malformed"},
    };
    static const struct header none[POST_HEADERS_MAX] = {{NULL, NULL}};
    post_rows(&provider_zendesk, none, rows, sizeof rows / sizeof *rows);
}

static void help_scout(const char *event, const char *text, const char *expected)
{
    const struct header headers[POST_HEADERS_MAX] = {{"X-HelpScout-Event", event}};
    const char *got = post_translated(&provider_helpscout, headers, text);
    /* The id ends with 32 digits of the body's hash. */
    char plain[512];
    const char *bar = strstr(got, " | ");
    size_t hash = 32;
    if (bar && (size_t)(bar - got) > hash) {
        snprintf(plain, sizeof plain, "%.*s#%s", (int)((size_t)(bar - got) - hash), got, bar);
        got = plain;
    }
    assert_string_equal(got, expected);
}

static void help_scout_tells_of_conversations(void **state)
{
    (void)state;
    help_scout("convo.created",
               "{\"id\":291,\"subject\":\"Hi\",\"createdAt\":\"2026-11-25T10:00:00Z\","
               "\"primaryCustomer\":{\"id\":4,\"email\":\"ada@example.com\"},\"tags\":[]}",
               "convo.created:291:# | ticket.opened | ticket 291 open at 1795600800000 "
               "<ada@example.com> \"Hi\"");
    help_scout("convo.created", "{\"id\":291,\"customer\":{\"email\":\"ada@example.com\"}}",
               "convo.created:291:# | ticket.opened | ticket 291 open at 0 <ada@example.com> \"\"");
    help_scout("convo.created", "{\"id\":291,\"tags\":[{\"id\":1,\"tag\":\"usher\"}]}",
               "convo.created:291:# | provider.ignored | we opened it ourselves");
    help_scout("convo.created", "{\"id\":291,\"preview\":\"note [usher:refund:ch_1]\"}",
               "convo.created:291:# | provider.ignored | we opened it ourselves");
    help_scout("convo.status",
               "{\"id\":291,\"status\":\"closed\",\"closedAt\":\"2026-11-25T10:00:00Z\"}",
               "convo.status:291:# | ticket.closed | ticket 291 closed at 1795600800000 <> \"\"");
    help_scout("convo.status", "{\"id\":291,\"status\":\"active\"}",
               "convo.status:291:# | provider.ignored | a type that has no meaning here");
    help_scout("convo.deleted", "{\"id\":291}",
               "convo.deleted:291:# | ticket.closed | ticket 291 closed at 0 <> \"\"");
    help_scout("convo.note.created", "{\"id\":291}",
               "convo.note.created:291:# | provider.ignored | a type that has no meaning here");
    help_scout("convo.created", "{}",
               "convo.created:-:# | provider.ignored | names no object that it could be about");
    help_scout("two words", "{}", "malformed");
    help_scout("convo.created", "7", "malformed");
}

#define IC_EVENT(topic, item)                                                                      \
    "{\"type\":\"notification_event\",\"id\":\"notif_1\",\"topic\":\"" topic                       \
    "\",\"created_at\":1795600800,\"delivery_attempts\":2,\"data\":{\"item\":" item "}}"

static void intercom_tells_of_conversations(void **state)
{
    (void)state;
    static const struct post_row rows[] = {
        {IC_EVENT("conversation.user.created",
                  "{\"id\":\"53\",\"source\":{\"subject\":\"\",\"body\":\"<p>Help</p>\","
                  "\"author\":{\"id\":\"u1\",\"email\":\"ada@example.com\"}}}"),
         "notif_1 | ticket.opened | ticket 53 open at 1795600800000 <ada@example.com> \"\" "
         "customer u1"},
        {IC_EVENT("conversation.user.created",
                  "{\"id\":\"53\",\"source\":{\"body\":\"<p>x [usher:dispute:dp_1]</p>\"}}"),
         "notif_1 | provider.ignored | we opened it ourselves"},
        {IC_EVENT("conversation.admin.closed", "{\"id\":53}"),
         "notif_1 | ticket.closed | ticket 53 closed at 1795600800000 <> \"\""},
        {IC_EVENT("conversation.admin.noted", "{\"id\":\"53\"}"),
         "notif_1 | provider.ignored | a type that has no meaning here"},
        {"{\"type\":\"notification_event\",\"id\":null,\"topic\":\"ping\",\"data\":{\"item\":{"
         "\"type\":\"ping\"}}}",
         "ping:-:7a9af4a8d153124311e6ccd3ff6bdc1e | provider.ignored | a type that has no meaning "
         "here"},
        {"{\"type\":\"conversation\",\"id\":\"53\",\"topic\":\"ping\"}", "malformed"},
        {"{\"type\":\"notification_event\"}", "malformed"},
    };
    static const struct header none[POST_HEADERS_MAX] = {{NULL, NULL}};
    post_rows(&provider_intercom, none, rows, sizeof rows / sizeof *rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_checked),
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(zendesk_tells_of_tickets),
        cmocka_unit_test(help_scout_tells_of_conversations),
        cmocka_unit_test(intercom_tells_of_conversations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
