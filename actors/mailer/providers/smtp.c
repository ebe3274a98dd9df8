/* smtp.c - mail over SMTP, one recipient a mail. STARTTLS is required, not tried, except for
 * loopback; the final dot leaves only after the job is durable as committing. */
#include "mailer.h"

#include "mail.h"

#include <string.h>

static const struct setting own_settings[] = {
    {"mailer/url", SETTING_TEXT, "smtp://127.0.0.1:25", 0, 300, NULL,
     "The mail server: smtp://host:port, or smtps://host:port."},
    {"mailer/user", SETTING_TEXT, "", 0, 200, NULL, "Login at the mail server; empty: none."},
    {"mailer/key", SETTING_SECRET, "", 0, 0, NULL, "Password at the mail server."},
    {"mailer/tls", SETTING_CHOICE, "auto", 0, 0, "auto|required|off",
     "auto: required except for loopback addresses; off: only inside a network that you trust."},
    {"mailer/ca", SETTING_TEXT, "", 0, 500, NULL,
     "File with the certificates to trust instead of the system's."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

static bool smtp_check(const struct settings *settings, struct buf *why)
{
    bool good = true;
    struct buf words = {0};
    const char *url = settings_text(settings, "mailer/url");
    if (strncmp(url, "smtp://", 7) != 0 && strncmp(url, "smtps://", 8) != 0) {
        buf_add_text(why,
                     "usher.cfg: mailer/url: expected smtp://host:port or smtps://host:port\n");
        good = false;
    } else if (!http_out_url_allowed(url, true, &words)) {
        buf_printf(why, "usher.cfg: mailer/url: %s\n", buf_text(&words));
        good = false;
    }
    buf_fini(&words);
    return good;
}

static void begin(const struct settings *settings, const char *secret, struct call *call)
{
    const char *tls = settings_text(settings, "mailer/tls");
    const char *user = settings_text(settings, "mailer/user");
    buf_add_text(&call->url, settings_text(settings, "mailer/url"));
    buf_add_text(&call->ca, settings_text(settings, "mailer/ca"));
    call->plain = strcmp(tls, "off") == 0;
    call->starttls = strcmp(tls, "required") == 0;
    if (*user) {
        buf_add_text(&call->user, user);
        buf_add_text(&call->password, secret);
    }
}

static enum fault smtp_request(const struct task *task, int step, struct call *call)
{
    (void)step;
    begin(task->settings, task->secret, call);
    call->method = "MAIL";
    call->hold = true;
    buf_add_text(&call->from, tree_text(task->payload, "from"));
    buf_add_text(&call->to, tree_text(task->payload, "to"));
    buf_add_text(&call->body, tree_text(task->payload, "message"));
    return OK;
}

static void smtp_outcome(const struct task *task, int step, const struct answer *answer,
                         struct verdict *verdict)
{
    (void)task;
    (void)step;
    verdict_smtp(answer, verdict);
}

static enum fault smtp_probe(const struct settings *settings, const char *secret, struct call *call)
{
    begin(settings, secret, call);
    call->method = "NOOP"; /* logs in and says nothing */
    return OK;
}

const struct adapter mailer_smtp = {.name = "smtp",
                                    .settings = own_settings,
                                    .secret = "mailer/key",
                                    .calls_per_10s = 0,
                                    .steps_max = 1,
                                    .check = smtp_check,
                                    .request = smtp_request,
                                    .outcome = smtp_outcome,
                                    .probe = smtp_probe};
