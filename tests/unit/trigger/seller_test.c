/* What the drill posts in a payment provider's place is what the door takes it for. */
#include "test.h"

#include "json_tape.h"
#include "must.h"
#include "provider.h"
#include "seller.h"

#include <stdlib.h>
#include <string.h>

enum { NOW_S = 1795600000 };
static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/* Of each word the event that counts becomes this type; NULL: the provider tells of no such thing. */
static const struct {
    const char *word;
    const char *stripe, *paddle, *lemonsqueezy;
} words[] = {
    {"payment.succeeded", "payment.succeeded", "payment.succeeded", "payment.succeeded"},
    {"reactivated", "payment.succeeded", "payment.succeeded", "payment.succeeded"},
    {"payment.failed", "payment.failed", "payment.failed", "payment.failed"},
    {"payment.refunded", "payment.refunded", "payment.refunded", "payment.refunded"},
    {"payment.partly_refunded", "payment.partly_refunded", "payment.partly_refunded",
     "payment.partly_refunded"},
    {"dispute.opened", "dispute.opened", "dispute.opened", NULL},
    {"subscription.ended", "subscription.ended", "subscription.ended", "subscription.ended"},
};

struct told {
    struct post post;
    const char *header;
    const char *value;
};

static size_t headers(const struct post *post, const char *name, const char **values, size_t room)
{
    const struct told *told = (const struct told *)post; /* its first member */
    bool asked = room > 0 && strcasecmp(name, told->header) == 0;
    if (asked) {
        values[0] = told->value;
    }
    return asked;
}

/* Genuine, and not with another secret or another body; then its type and subject. */
static void take(const struct seller *seller, const json_t *body, const char *type)
{
    const struct provider *provider = provider_find(seller->provider);
    const struct provider_rules rules = {.products = "", .app_user_keys = ""};
    char *text = json_dumps(body, JSON_COMPACT);
    struct slice bytes = {text, strlen(text)};
    struct buf signature = {0};
    seller->sign(secret, NOW_S, bytes, &signature);
    struct told told = {{.body = bytes, .headers = headers}, seller->header, buf_text(&signature)};
    assert_int_equal(provider->verify(&told.post, secret, NOW_S, 300), VERDICT_GENUINE);
    assert_int_equal(provider->verify(&told.post, "another", NOW_S, 300), VERDICT_FORGED);

    struct tape tape = {0};
    struct translation *out = must_calloc(1, sizeof *out);
    assert_int_equal(tape_parse(&tape, text, strlen(text)), OK);
    assert_int_equal(provider->translate(&told.post, &tape, &rules, out), OK);
    if (type) {
        assert_string_equal(out->ignored, "");
        assert_string_equal(out->type, type);
    }
    free(out);
    tape_fini(&tape);
    buf_fini(&signature);
    free(text);
}

static void tell(const struct seller *seller, const char *word, const char *type)
{
    struct sale sale = {word, "ada@example.com", "Ada", "", NOW_S - 60};
    json_t *events = json_array(), *event;
    int main = seller->tell(&sale, events);
    size_t i;
    assert_int_equal(main < 0, type == NULL);
    assert_true(type ? main < (int)json_array_size(events) : json_array_size(events) == 0);
    json_array_foreach(events, i, event)
    {
        take(seller, event, (int)i == main ? type : NULL);
    }
    json_decref(events);
}

static void test_the_door_takes_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        tell(seller_find("stripe"), words[i].word, words[i].stripe);
        tell(seller_find("paddle"), words[i].word, words[i].paddle);
        tell(seller_find("lemonsqueezy"), words[i].word, words[i].lemonsqueezy);
    }
}

/* Told again it is the same to the byte; of somebody else, or later, it is another. */
static void test_the_same_again_is_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"stripe", "paddle", "lemonsqueezy"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct seller *seller = seller_find(names[i]);
        struct sale ada = {"payment.refunded", "ada@example.com", "Ada", "", NOW_S};
        struct sale bob = ada, later = ada;
        json_t *lists[] = {json_array(), json_array(), json_array(), json_array()};
        bob.email = "bob@example.com";
        later.at_s += 10;
        (void)seller->tell(&ada, lists[0]);
        (void)seller->tell(&ada, lists[1]);
        (void)seller->tell(&bob, lists[2]);
        (void)seller->tell(&later, lists[3]);
        assert_true(json_equal(lists[0], lists[1]));
        assert_false(json_equal(lists[0], lists[2]));
        assert_false(json_equal(lists[0], lists[3]));
        for (size_t j = 0; j < 4; j++) {
            json_decref(lists[j]);
        }
    }
}

static void test_nobody_else_is_spoken_for(void **state)
{
    (void)state;
    assert_null(seller_find("standard"));
    assert_null(seller_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_door_takes_it),
        cmocka_unit_test(test_the_same_again_is_the_same),
        cmocka_unit_test(test_nobody_else_is_spoken_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
