#include "door.h"

/* clang-format off */
const struct setting door_settings[] = {
    {"webhook/listen", SETTING_ADDRESS, "127.0.0.1:8080", 0, 0, NULL,
     "Where providers' posts arrive; TLS ends at a proxy in front."},
    {"webhook/url", SETTING_TEXT, "", 0, 300, NULL,
     "Where the internet reaches it: https://hooks.example.com; for `usher doctor` and links in mail."},
    {"webhook/trusted_proxies", SETTING_TEXT, "127.0.0.1 ::1", 0, 0, NULL,
     "Addresses or networks whose X-Forwarded-For is believed and whose connections are not limited."},
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

enum fault door_check(const struct settings *settings, struct buf *why)
{
    struct sources sources;
    enum fault fault = sources_open(settings, &sources, why);
    if (fault == OK) {
        sources_close(&sources);
    }
    if (!web_are_networks(settings_text(settings, "webhook/trusted_proxies"))) {
        buf_printf(why,
                   "usher.cfg: webhook/trusted_proxies: expected addresses or networks such as "
                   "10.0.0.0/8, separated by blanks\n");
        fault = FAULT_CONFIG;
    }
    return fault;
}
