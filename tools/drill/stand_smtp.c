/* stand_smtp.c - a mail server. TLS is left out: it would need a certificate that usher trusts. */
#include "stand.h"

const struct stand_kind stand_mailer_smtp = {
    .actor = "mailer",
    .provider = "smtp",
    .settings = {{"url", "{url}"}, {"key", "{key}"}, {"tls", "auto"}, {"ca", NULL}},
    .key_header = "AUTH",
    .key_scheme = ""};
