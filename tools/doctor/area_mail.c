/* area_mail.c - the mail server: there, encrypted, and does it take our login? Connects, logs in
 * and leaves; no mail is sent. */
#include "doctor_core.h"

#include <string.h>

/* RFC 4954: authentication required, too weak, invalid, only over TLS. */
static bool is_about_login(int status)
{
    return status == 530 || status == 534 || status == 535 || status == 538;
}

static void on_answer(struct doctor *doctor, void *about, const struct answer *answer)
{
    const char *place = about;
    if (answer->tls == ANSWER_TLS_NONE) {
        doctor_fine(doctor, CHECK_MAIL_REACHABLE);
        doctor_say(doctor, CHECK_MAIL_STARTTLS, HEALTH_TROUBLE, "%s offers no STARTTLS", place);
    } else if (answer->tls != ANSWER_TLS_FINE) {
        doctor_fine(doctor, CHECK_MAIL_REACHABLE);
        doctor_say(doctor, CHECK_MAIL_CERTIFICATE, HEALTH_TROUBLE, "%s: %s", place,
                   doctor_certificate_words(answer->tls));
        doctor_todo(
            doctor, CHECK_MAIL_CERTIFICATE,
            "Use the server's own name in mailer/url. If its certificate is made by yourself: "
            "mailer/ca.");
    } else if (answer->fault != OK) {
        doctor_say(doctor, CHECK_MAIL_REACHABLE, HEALTH_TROUBLE, "%s: %s", place,
                   doctor_unreached(doctor, answer));
        doctor_todo(doctor, CHECK_MAIL_REACHABLE,
                    "Check mailer/url in usher.cfg. Many hosts close port 25: use 465 or 587.");
    } else if (is_about_login(answer->status)) {
        doctor_fine(doctor, CHECK_MAIL_REACHABLE);
        doctor_fine(doctor, CHECK_MAIL_STARTTLS);
        doctor_fine(doctor, CHECK_MAIL_CERTIFICATE);
        doctor_say(doctor, CHECK_MAIL_LOGIN, HEALTH_TROUBLE, "%s answers %d", place,
                   answer->status);
        doctor_todo(
            doctor, CHECK_MAIL_LOGIN,
            "Compare mailer/user with the provider's page, and put the password (often an \"app "
            "password\" of its own) into the file that mailer/key names.");
    } else if (answer->status >= 500) {
        doctor_say(doctor, CHECK_MAIL_REACHABLE, HEALTH_TROUBLE, "%s answers %d before any mail",
                   place, answer->status);
        doctor_todo(
            doctor, CHECK_MAIL_REACHABLE,
            "It does not want this machine: ask the provider, or use the address that its page "
            "names.");
    } else if (answer->status >= 400) {
        doctor_say(doctor, CHECK_MAIL_REACHABLE, HEALTH_UNKNOWN, "%s answers %d just now", place,
                   answer->status);
    } else {
        doctor_fine(doctor, CHECK_MAIL_REACHABLE);
        doctor_fine(doctor, CHECK_MAIL_STARTTLS);
        doctor_fine(doctor, CHECK_MAIL_CERTIFICATE);
        doctor_fine(doctor, CHECK_MAIL_LOGIN);
    }
}

void area_mail(struct doctor *doctor)
{
    struct config_view *config = doctor->config;
    if (strcmp(config_text(config, ZPL_TOP, "mailer/provider", "maildir"), "smtp") != 0) {
        return;
    }
    const char *url = config_text(config, ZPL_TOP, "mailer/url", "smtp://127.0.0.1:25");
    const char *tls = config_text(config, ZPL_TOP, "mailer/tls", "auto");
    const char *user = config_text(config, ZPL_TOP, "mailer/user", "");
    struct call call = {.method = "NOOP"};
    buf_add_text(&call.url, url);
    buf_add_text(&call.ca, config_text(config, ZPL_TOP, "mailer/ca", ""));
    call.plain = strcmp(tls, "off") == 0;
    call.starttls = strcmp(tls, "required") == 0;
    if (*user) {
        buf_add_text(&call.user, user);
        buf_add_text(&call.password, config_line(config, ZPL_TOP, "mailer/key", ""));
    }
    doctor_await(doctor, CHECK_MAIL_REACHABLE);
    doctor_await(doctor, CHECK_MAIL_LOGIN);
    doctor_call(doctor, &call, false, on_answer, (void *)doctor_place(doctor, url));
}
