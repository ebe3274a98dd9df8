/* stand_smtp.c - a mail server, for members' mails and for those to whoever minds the fleet. TLS
 * is left out: it would need a certificate that usher trusts. */
#include "stand.h"

const struct stand_kind stand_mailer_smtp = {
    .actor = "mailer",
    .provider = "smtp",
    .settings = {{"url", "{url}"}, {"key", "{key}"}, {"tls", "auto"}, {"ca", NULL}},
    .key_header = "AUTH",
    .key_scheme = ""};

const struct stand_kind stand_alert_email = {.actor = "alert",
                                             .provider = "email",
                                             .settings = {{"url", "{url}"}, {"key", "{key}"}},
                                             .key_header = "AUTH",
                                             .key_scheme = ""};
