/* secret_words_test.c - what counts as a secret that stands openly in usher.cfg. */
#include "../test.h"

#include "secret_words.h"

static void secrets_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *path, *raw;
        bool written;
    } rows[] = {
        {"crm/key", "abc", true},
        {"crm/key", "file:secrets/hubspot", false},
        {"crm/key", "env:HUBSPOT", false},
        {"crm/key", "", false},
        {"webhook/payment/secret", "whsec_x", true},
        {"mailer/dkim/rsa/key", "file:secrets/dkim-rsa", false},
        {"webhook/payment/app_user_key", "user_id", false},
        {"webhook/payment/products", "prod_1 price_2", false},
        {"webhook/payment/products", "sk_live_0123456789", true},
        {"crm/url", "https://api.hubapi.com", false},
        {"crm/url", "https://user:password@api.test", true},
        {"crm/url", "https://user@api.test", false},
        {"crm/url", "https://api.test/a:b@c", false},
        {"mailer/from", "Club <hello@club.test>", false},
        {"mailer/user", "hello@club.test", false},
        {"alert/hook/url", "https://hooks.slack.com/services/T/B/X", true},
        {"alert/hook/url", "file:secrets/slack", false},
        {"some/thing", "https://hooks.slack.com/services/T0/B0/0123456789", true},
        {"some/thing", "rk_test_", false},
        {"key", "x", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (secret_is_written(rows[i].path, rows[i].raw) != rows[i].written) {
            fail_msg("%s = %s", rows[i].path, rows[i].raw);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(secrets_are_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
