/* email.c - a mail to whoever minds the fleet, by SMTP. STARTTLS is required but on loopback. The
 * Message-ID comes from the job's key; a mail that may or may not have been taken is sent again: an
 * alert twice is better than none. */
#include "hook.h"
#include "message.h"

#include "events.h"
#include "mail.h"

#include <stdio.h>
#include <string.h>

enum { SUBJECT_BYTES_MAX = 150 };

static const struct setting own_settings[] = {
    {"alert/hook/from", SETTING_TEXT, "", 0, 400, NULL, "The sender: usher <usher@example.com>."},
    {"alert/hook/to", SETTING_TEXT, "", 0, 254, NULL, "Who gets the mail."},
    {"alert/hook/user", SETTING_TEXT, "", 0, 200, NULL,
     "Login at the mail server, with alert/hook/key for password; empty: none."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

struct sender {
    char name[200];
    char address[MAIL_ADDRESS_BYTES_MAX + 1];
};

static bool split(const struct settings *settings, struct sender *sender)
{
    return mail_split(settings_text(settings, "alert/hook/from"), sender->name, sizeof sender->name,
                      sender->address, sizeof sender->address);
}

static bool email_check(const struct settings *settings, struct buf *why)
{
    struct buf url = {0}, words = {0};
    struct sender sender;
    bool there = hook_url(settings, &url) == OK && strncmp(buf_text(&url), "smtp", 4) == 0;
    bool good = there && http_out_url_allowed(buf_text(&url), true, &words);
    if (!good) {
        buf_printf(why, "usher.cfg: alert/hook/url: %s\n",
                   words.len ? buf_text(&words) : "expected smtp://host:port or smtps://host:port");
    }
    if (!split(settings, &sender)) {
        buf_add_text(why, "usher.cfg: alert/hook/from: expected usher <usher@example.com>\n");
        good = false;
    }
    if (!mail_address_good(settings_text(settings, "alert/hook/to"))) {
        buf_add_text(why, "usher.cfg: alert/hook/to: expected one e-mail address\n");
        good = false;
    }
    buf_fini(&url);
    buf_fini(&words);
    return good;
}

/* Whatever a name in the text has in it, the subject is one line. */
static void subject_of(const json_t *payload, char subject[SUBJECT_BYTES_MAX + 1])
{
    struct buf line = {0};
    buf_add_text(&line, message_is(payload, "cleared") ? "Over: " : "");
    for (const char *at = tree_text(payload, "text"); *at; at++) {
        message_plain(&line, (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at);
    }
    event_set_text(subject, SUBJECT_BYTES_MAX + 1, buf_text(&line));
    buf_fini(&line);
}

static void message_id(const struct task *task, const struct sender *sender, char *id, size_t room)
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    sha256(task->key, strlen(task->key), hash);
    hex_encode(hash, sizeof hash, hex);
    snprintf(id, room, "%.32s%s", hex, strchr(sender->address, '@'));
}

static enum fault write_mail(const struct task *task, const struct sender *sender, struct buf *out)
{
    char id[MAIL_ADDRESS_BYTES_MAX + 40], subject[SUBJECT_BYTES_MAX + 1];
    struct buf text = {0};
    message_words(task->payload, message_plain, &text);
    buf_add_text(&text, "\n");
    subject_of(task->payload, subject);
    message_id(task, sender, id, sizeof id);
    struct mail mail = {.from_name = sender->name,
                        .from = sender->address,
                        .to_name = "",
                        .to = settings_text(task->settings, "alert/hook/to"),
                        .subject = subject,
                        .message_id = id,
                        .date_ms = task->created_ms,
                        .text = buf_text(&text)};
    enum fault fault = mail_build(&mail, out);
    buf_fini(&text);
    return fault;
}

static enum fault email_request(const struct task *task, int step, struct call *call)
{
    (void)step;
    struct sender sender;
    const char *user = settings_text(task->settings, "alert/hook/user");
    if (!split(task->settings, &sender) || hook_url(task->settings, &call->url) != OK) {
        return FAULT_MALFORMED;
    }
    call->method = "MAIL";
    buf_add_text(&call->from, sender.address);
    buf_add_text(&call->to, settings_text(task->settings, "alert/hook/to"));
    if (*user) {
        buf_add_text(&call->user, user);
        buf_add_text(&call->password, task->secret);
    }
    return write_mail(task, &sender, &call->body);
}

static void email_outcome(const struct task *task, int step, const struct answer *answer,
                          struct verdict *verdict)
{
    (void)task;
    (void)step;
    verdict_smtp(answer, verdict);
    if (verdict->kind == VERDICT_UNCERTAIN) {
        verdict->kind = VERDICT_AGAIN;
        verdict->ambiguous = true;
    }
}

const struct adapter alert_email = {.name = "email",
                                    .settings = own_settings,
                                    .secret = "alert/hook/key",
                                    .steps_max = 1,
                                    .check = email_check,
                                    .request = email_request,
                                    .outcome = email_outcome};
