#include "door.h"

#include "secrets.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
const struct setting door_settings[] = {
    {"webhook/listen", SETTING_ADDRESS, "127.0.0.1:8080", 0, 0, NULL,
     "Where providers' posts arrive; TLS ends at a proxy in front."},
    {"webhook/trusted_proxies", SETTING_TEXT, "127.0.0.1 ::1", 0, 0, NULL,
     "Addresses or networks whose X-Forwarded-For is believed and whose connections are not limited."},
    {"webhook/payment/provider", SETTING_CHOICE, "stripe", 0, 0, "stripe",
     "The payment provider."},
    {"webhook/payment/mode", SETTING_CHOICE, "test", 0, 0, "live|test",
     "Events of the other mode are recorded and have no effect."},
    {"webhook/payment/secret", SETTING_SECRET, "file:secrets/stripe", 0, 0, NULL,
     "The endpoint's signing secret; one a line while rotating."},
    {"webhook/payment/products", SETTING_TEXT, "", 0, 0, NULL,
     "Price or product ids that are ours, separated by blanks; empty: all."},
    {"webhook/payment/app_user_key", SETTING_TEXT, "user_id app_user userId", 0, 0, NULL,
     "Names in the provider's metadata that hold the app's own user id."},
    {"webhook/payment/tolerance", SETTING_DURATION, "300s", 1000, 86400000, NULL,
     "How old, or how far in the future, a signature may be."},
    {"webhook/limits/body", SETTING_BYTES, "256k", 1024, 1 << 18, NULL,
     "The largest body that is taken."},
    {"webhook/limits/connections", SETTING_NUMBER, "1024", 8, 4096, NULL,
     "Connections in all."},
    {"webhook/limits/per_address", SETTING_NUMBER, "64", 1, 4096, NULL,
     "Connections of one address."},
    {"webhook/limits/answer", SETTING_DURATION, "5s", 100, 30000, NULL,
     "How long the journal may take before the provider is asked to come again."},
    {"webhook/limits/wrong", SETTING_NUMBER, "100", 1, 1000000, NULL,
     "Bad requests of one address before it has to slow down to one a second."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};
/* clang-format on */

/* --- checking -------------------------------------------------------------------------------------- */

enum fault secrets_read(const struct settings *settings, char **secrets)
{
    enum fault fault = settings_secret(settings, "webhook/payment/secret", secrets);
    if (fault == OK && strspn(*secrets, " \t\r\n") == strlen(*secrets)) {
        free(*secrets);
        *secrets = NULL;
        fault = FAULT_NOT_FOUND;
    }
    return fault;
}

void secrets_forget(char **secrets)
{
    if (*secrets) {
        OPENSSL_cleanse(*secrets, strlen(*secrets));
        free(*secrets);
        *secrets = NULL;
    }
}

enum fault door_check(const struct settings *settings, struct buf *why)
{
    char *secrets = NULL;
    enum fault fault = secrets_read(settings, &secrets);
    if (fault != OK) {
        buf_printf(why,
                   "usher.cfg: webhook/payment/secret: %s; without it nobody can be believed\n",
                   fault_words(fault));
        fault = FAULT_CONFIG;
    }
    secrets_forget(&secrets);
    if (!web_are_networks(settings_text(settings, "webhook/trusted_proxies"))) {
        buf_printf(why,
                   "usher.cfg: webhook/trusted_proxies: expected addresses or networks such as "
                   "10.0.0.0/8, separated by blanks\n");
        fault = FAULT_CONFIG;
    }
    return fault;
}
