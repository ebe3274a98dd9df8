/* Signatures of every payment provider but Stripe, as the door checks them: with the headers that
 * there are, under the secrets that there are. Good ones were made by another implementation. */
#include "test.h"

#include "provider.h"
#include "values.h"

#include <strings.h>

extern const struct provider provider_paddle, provider_lemonsqueezy, provider_standard;

#define BODY "{\"id\":\"evt_test_1\",\"object\":\"event\"}"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define T    "ts=1700000000"
#define H    "c2f9d42a5b0c67d610bce9ef143db30f3593b11ce9536c469edf0e46e47435f7"
#define X    "c5b20f19fd76640abc596e1e4c6b3ecbc3ebc889d7f496b1952e6559ccde370c"

enum { SIGNED_S = 1700000000, TOLERANCE_S = 5, HEADERS_MAX = 8 };

/* Pairs of name and value, in the order in which they came. */
struct headers {
    const char *pairs[2 * HEADERS_MAX];
};

static size_t find_headers(const struct post *post, const char *name, const char **values,
                           size_t room)
{
    const struct headers *headers = post->request;
    size_t count = 0;
    for (size_t i = 0; i < 2 * HEADERS_MAX && headers->pairs[i]; i += 2) {
        if (strcasecmp(headers->pairs[i], name) == 0) {
            if (count < room) {
                values[count] = headers->pairs[i + 1];
            }
            count++;
        }
    }
    return count;
}

struct row {
    struct headers headers;
    const char *secrets;
    int64_t now_s;
    enum verdict verdict;
};

static void check_rows(const struct provider *provider, const char *body, const struct row *rows,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct post post = {
            .body = {body, strlen(body)}, .request = &rows[i].headers, .headers = find_headers};
        enum verdict verdict = provider->verify(&post, rows[i].secrets, rows[i].now_s, TOLERANCE_S);
        if (verdict != rows[i].verdict) {
            fail_msg("%s, row %zu: %d, expected %d", provider->name, i, verdict, rows[i].verdict);
        }
    }
}

#define CHECK(provider, body, rows) check_rows(provider, body, rows, sizeof rows / sizeof *rows)

static void test_paddle(void **state)
{
    (void)state;
#define HEADER(value)                                                                              \
    {                                                                                              \
        {                                                                                          \
            "Paddle-Signature", value                                                              \
        }                                                                                          \
    }
    static const struct row rows[] = {
        {HEADER(T ";h1=" H), "pdl_ntfset_test", SIGNED_S, VERDICT_GENUINE},
        {HEADER("h1=" H ";" T), "pdl_ntfset_test", SIGNED_S, VERDICT_GENUINE},
        {HEADER(T ";h1=" ZERO ";h1=" H), "pdl_ntfset_test", SIGNED_S, VERDICT_GENUINE},
        {HEADER(T ";h1=" H), "pdl_ntfset_old\npdl_ntfset_test", SIGNED_S, VERDICT_GENUINE},
        {HEADER(T ";h1=" H), "pdl_ntfset_test", SIGNED_S + 5, VERDICT_GENUINE},
        {HEADER(T ";h1=" H), "pdl_ntfset_test", SIGNED_S + 6, VERDICT_STALE},
        {HEADER(T ";h1=" H), "pdl_ntfset_test", SIGNED_S - 6, VERDICT_STALE},
        {HEADER(T ";h1=" H), "pdl_ntfset_sandbox", SIGNED_S, VERDICT_FORGED},
        {HEADER(T ";h1=" H), "pdl_ntfset_sandbox", SIGNED_S + 6, VERDICT_FORGED},
        {HEADER(T ";h1=" ZERO), "pdl_ntfset_test", SIGNED_S, VERDICT_FORGED},
        {HEADER("ts=1700000001;h1=" H), "pdl_ntfset_test", SIGNED_S, VERDICT_FORGED},
        {HEADER(T ",h1=" H), "pdl_ntfset_test", SIGNED_S, VERDICT_MALFORMED},
        {HEADER("t=1700000000;v1=" H), "pdl_ntfset_test", SIGNED_S, VERDICT_MALFORMED},
        {HEADER(T ";" T ";h1=" H), "pdl_ntfset_test", SIGNED_S, VERDICT_MALFORMED},
        {HEADER(T ";h2=" H), "pdl_ntfset_test", SIGNED_S, VERDICT_MALFORMED},
        {HEADER(""), "pdl_ntfset_test", SIGNED_S, VERDICT_MALFORMED},
        {{{NULL}}, "pdl_ntfset_test", SIGNED_S, VERDICT_MISSING},
        {{{"X-Signature", H}}, "pdl_ntfset_test", SIGNED_S, VERDICT_MISSING},
        {{{"Paddle-Signature", T ";h1=" H, "paddle-signature", T ";h1=" H}},
         "pdl_ntfset_test",
         SIGNED_S,
         VERDICT_DOUBLED},
    };
#undef HEADER
    CHECK(&provider_paddle, BODY, rows);
    CHECK(&provider_paddle, BODY " ",
          ((const struct row[]){{.headers = rows[0].headers,
                                 .secrets = rows[0].secrets,
                                 .now_s = SIGNED_S,
                                 .verdict = VERDICT_FORGED}}));
}

static void test_lemonsqueezy(void **state)
{
    (void)state;
#define HEADER(value)                                                                              \
    {                                                                                              \
        {                                                                                          \
            "X-Signature", value                                                                   \
        }                                                                                          \
    }
    static const struct row rows[] = {
        {HEADER(X), "lemonsecret", SIGNED_S, VERDICT_GENUINE},
        {HEADER(X), "lemonsecret", 0, VERDICT_GENUINE}, /* there is no time to be wrong about */
        {HEADER(X), "other\nlemonsecret\n", SIGNED_S, VERDICT_GENUINE},
        {HEADER(X), "testmodesecret", SIGNED_S, VERDICT_FORGED},
        {HEADER(X), "", SIGNED_S, VERDICT_FORGED},
        {HEADER(ZERO), "lemonsecret", SIGNED_S, VERDICT_FORGED},
        {HEADER(X "0"), "lemonsecret", SIGNED_S, VERDICT_MALFORMED},
        {HEADER("sha256=" X), "lemonsecret", SIGNED_S, VERDICT_MALFORMED},
        {HEADER(""), "lemonsecret", SIGNED_S, VERDICT_MALFORMED},
        {{{NULL}}, "lemonsecret", SIGNED_S, VERDICT_MISSING},
        {{{"X-Event-Name", "order_created"}}, "lemonsecret", SIGNED_S, VERDICT_MISSING},
        {{{"X-Signature", X, "X-Signature", X}}, "lemonsecret", SIGNED_S, VERDICT_DOUBLED},
    };
#undef HEADER
    CHECK(&provider_lemonsqueezy, BODY, rows);
}

#define ID    "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIME  "1614265330"
#define SIGN  "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define WHSEC "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

enum { STANDARD_S = 1614265330 };

static void test_standard(void **state)
{
    (void)state;
#define NAMES(p, id, time, sign)                                                                   \
    {                                                                                              \
        {                                                                                          \
            p "-id", id, p "-timestamp", time, p "-signature", sign                                \
        }                                                                                          \
    }
    static const struct row rows[] = {
        {NAMES("webhook", ID, TIME, SIGN), WHSEC, STANDARD_S, VERDICT_GENUINE},
        {NAMES("svix", ID, TIME, SIGN), WHSEC, STANDARD_S, VERDICT_GENUINE},
        {NAMES("Svix", ID, TIME, "v1,x " SIGN), "whsec_AAAA\n" WHSEC, STANDARD_S, VERDICT_GENUINE},
        {NAMES("webhook", ID, TIME, SIGN), WHSEC, STANDARD_S + 6, VERDICT_STALE},
        {NAMES("webhook", ID, TIME, SIGN), WHSEC, STANDARD_S - 6, VERDICT_STALE},
        {NAMES("webhook", "msg_other", TIME, SIGN), WHSEC, STANDARD_S, VERDICT_FORGED},
        {NAMES("webhook", ID, "1614265331", SIGN), WHSEC, STANDARD_S, VERDICT_FORGED},
        {NAMES("svix", ID, TIME, SIGN), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", STANDARD_S,
         VERDICT_FORGED},
        {NAMES("webhook", ID, "now", SIGN), WHSEC, STANDARD_S, VERDICT_MALFORMED},
        {NAMES("webhook", ID, TIME, "v2,x"), WHSEC, STANDARD_S, VERDICT_MALFORMED},
        {NAMES("webhook", "", TIME, SIGN), WHSEC, STANDARD_S, VERDICT_MALFORMED},
        {NAMES("webhook", "two words", TIME, SIGN), WHSEC, STANDARD_S, VERDICT_MALFORMED},
        {{{NULL}}, WHSEC, STANDARD_S, VERDICT_MISSING},
        {{{"webhook-id", ID, "webhook-signature", SIGN}}, WHSEC, STANDARD_S, VERDICT_MISSING},
        {{{"webhook-id", ID, "svix-timestamp", TIME, "webhook-signature", SIGN}},
         WHSEC,
         STANDARD_S,
         VERDICT_MISSING},
        {{{"webhook-id", ID, "webhook-id", ID, "webhook-timestamp", TIME, "webhook-signature",
           SIGN}},
         WHSEC,
         STANDARD_S,
         VERDICT_DOUBLED},
        /* both families at once could name two ids */
        {{{"webhook-id", "msg_1", "webhook-timestamp", TIME, "webhook-signature", SIGN, "svix-id",
           ID, "svix-timestamp", TIME, "svix-signature", SIGN}},
         WHSEC,
         STANDARD_S,
         VERDICT_FORGED},
    };
#undef NAMES
    CHECK(&provider_standard, "{\"test\": 2432232314}", rows);
}

/* The vectors that stand beside the project, where they do. */
static void test_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *scheme;
        const struct provider *provider;
        int64_t now_s;
    } schemes[] = {
        {"paddle-billing", &provider_paddle, SIGNED_S},
        {"lemon-squeezy", &provider_lemonsqueezy, SIGNED_S},
        {"standard-webhooks", &provider_standard, STANDARD_S},
        {"svix-names", &provider_standard, STANDARD_S},
    };
    json_t *file =
        json_load_file(USHER_SOURCE "/../shared/specs/vectors/webhook-signatures.json", 0, NULL);
    if (!file) {
        skip();
    }
    size_t count = 0, i;
    json_t *vector;
    json_array_foreach(tree_get(file, "vectors"), i, vector)
    {
        for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++) {
            if (strcmp(tree_text(vector, "scheme"), schemes[s].scheme) != 0) {
                continue;
            }
            struct row row = {.secrets = tree_text(vector, "secret"), .now_s = schemes[s].now_s};
            const char *name;
            json_t *value;
            size_t at = 0;
            json_object_foreach(tree_get(vector, "headers"), name, value)
            {
                row.headers.pairs[at++] = name;
                row.headers.pairs[at++] = json_string_value(value);
            }
            row.verdict = VERDICT_GENUINE;
            assert_int_equal(strncmp(tree_text(vector, "expect"), "valid", 5), 0);
            check_rows(schemes[s].provider, tree_text(vector, "body"), &row, 1);
            count++;
        }
    }
    assert_int_equal(count, 4);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paddle),
        cmocka_unit_test(test_lemonsqueezy),
        cmocka_unit_test(test_standard),
        cmocka_unit_test(test_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
