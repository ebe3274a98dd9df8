/* postmark.c - mail by Postmark's API. It has no idempotency key: each mail carries its mark as
 * metadata, and before a repeat that could be one too many Postmark is asked for it.
 *
 *   send (POST)
 *   an earlier attempt may have got through: look (GET, by metadata)
 *     -> there: done
 *     -> not there: look once more after mailer/look_after, because the list lags; then send
 *
 * Postmark signs (DKIM) and encodes by itself: it gets the mail in parts. A 200 may hold an error. */
#include "doubt.h"
#include "mailer.h"

#include <stdio.h>
#include <string.h>

static const struct setting own_settings[] = {
    {"mailer/url", SETTING_TEXT, "https://api.postmarkapp.com", 0, 300, NULL,
     "Base of Postmark's API."},
    {"mailer/key", SETTING_SECRET, "", 0, 0, NULL, "Server API token of Postmark."},
    {"mailer/stream", SETTING_TEXT, "outbound", 1, 60, NULL, "The message stream of Postmark."},
    {"mailer/look_after", SETTING_DURATION, "1m", 50, 3600000, NULL,
     "How long Postmark's list of sent mails may lag behind, before an answer that was lost is "
     "taken "
     "for a mail that was not."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

enum { START, SEND, LOOK };
enum { CREDITS_HOLD_MS = 3600 * 1000 };

/* Postmark's own error codes, inside 200 and 422. */
static const struct {
    int code;
    enum verdict_kind kind;
    int64_t hold_ms;
    const char *words;
} errors[] = {
    {10, VERDICT_REFUSED, 0, "the key is refused"},
    {100, VERDICT_AGAIN, 0, "Postmark is being maintained"},
    {300, VERDICT_NEVER, 0, "Postmark takes the mail for invalid"},
    {400, VERDICT_NEVER, 0, "Postmark does not know the sender: confirm mailer/from there"},
    {401, VERDICT_NEVER, 0, "the sender is not confirmed at Postmark: confirm mailer/from there"},
    {405, VERDICT_AGAIN, CREDITS_HOLD_MS, "Postmark's credits are used up: buy more there"},
    {406, VERDICT_NEVER, 0,
     "Postmark has this address as inactive: it bounced, or complained, before"},
    {412, VERDICT_NEVER, 0, "Postmark's account is not approved yet for this receiver"},
    {413, VERDICT_NEVER, 0, "Postmark's account may not send"},
    {1235, VERDICT_NEVER, 0, "Postmark has no message stream of this name: see mailer/stream"},
};

static int real_step(const struct task *task, int step)
{
    return step != START ? step : doubt_is(task) ? LOOK : SEND;
}

static bool postmark_check(const struct settings *settings, struct buf *why)
{
    bool good = true;
    struct buf words = {0};
    if (!http_out_url_allowed(settings_text(settings, "mailer/url"), false, &words)) {
        buf_printf(why, "usher.cfg: mailer/url: %s\n", buf_text(&words));
        good = false;
    }
    if (!settings_given(settings, "mailer/key")) {
        buf_add_text(why, "usher.cfg: mailer/key: expected a server API token of Postmark, such as "
                          "file:secrets/postmark\n");
        good = false;
    }
    buf_fini(&words);
    return good;
}

/* --- requests ----------------------------------------------------------------------------------- */

static enum fault begin(const struct settings *settings, const char *secret, struct call *call,
                        const char *method, const char *path)
{
    call->method = method;
    buf_printf(&call->url, "%s%s", settings_text(settings, "mailer/url"), path);
    enum fault fault = call_header(call, "X-Postmark-Server-Token", secret);
    return fault == OK ? call_header(call, "Accept", "application/json") : fault;
}

static json_t *headers_of(const json_t *payload)
{
    const char *name;
    json_t *value;
    json_t *list = json_array();
    json_object_foreach(tree_get(payload, "headers"), name, value)
    {
        json_array_append_new(list, json_pack("{s:s, s:O}", "Name", name, "Value", value));
    }
    return list;
}

static enum fault ask_send(const struct task *task, struct call *call)
{
    const json_t *payload = task->payload;
    enum fault fault = begin(task->settings, task->secret, call, "POST", "/email");
    if (fault != OK) {
        return fault;
    }
    json_t *mail = json_object();
    tree_set_text(mail, "From", tree_text(payload, "sender"));
    tree_set_text(mail, "To", tree_text(payload, "receiver"));
    tree_set_text(mail, "Subject", tree_text(payload, "subject"));
    json_object_set_new(mail, "TextBody", json_string(tree_text(payload, "text")));
    tree_set_text(mail, "HtmlBody", tree_text(payload, "html"));
    tree_set(mail, "Headers", headers_of(payload));
    tree_set_text(mail, "MessageStream", settings_text(task->settings, "mailer/stream"));
    tree_set(mail, "Metadata", json_pack("{s:s}", "usher", tree_text(payload, "mark")));
    return call_json(call, mail);
}

static enum fault postmark_request(const struct task *task, int given, struct call *call)
{
    if (real_step(task, given) == SEND) {
        return ask_send(task, call);
    }
    enum fault fault = begin(task->settings, task->secret, call, "GET", "/messages/outbound");
    buf_printf(&call->url, "?count=1&offset=0&metadata_usher=%s&messagestream=",
               tree_text(task->payload, "mark"));
    call_escape(&call->url, settings_text(task->settings, "mailer/stream"));
    return fault;
}

static enum fault postmark_probe(const struct settings *settings, const char *secret,
                                 struct call *call)
{
    return begin(settings, secret, call, "GET", "/server");
}

/* --- answers ------------------------------------------------------------------------------------ */

static const json_t *found_mail(const struct task *task, const json_t *tree)
{
    const json_t *mail = json_array_get(tree_get(tree, "Messages"), 0);
    const json_t *metadata = tree_get(mail, "Metadata");
    bool other = json_object_size(metadata) > 0 &&
                 strcmp(tree_text(metadata, "usher"), tree_text(task->payload, "mark")) != 0;
    return mail && !other && *tree_text(mail, "MessageID") ? mail : NULL;
}

/* What the list does not have is believed when the attempt before was a look, too. */
static void looked(const struct task *task, const json_t *tree, struct verdict *verdict)
{
    const json_t *mail = found_mail(task, tree);
    if (!json_is_array(tree_get(tree, "Messages"))) {
        verdict_set(verdict, VERDICT_AGAIN, "Postmark's answer is not one");
    } else if (mail) {
        tree_set_text(verdict->learned, "email", tree_text(mail, "MessageID"));
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    } else if (task->attempt > 1 && tree_int(task->learned, "looked") == task->attempt - 1) {
        doubt_ended(task->attempt - 1, verdict);
        verdict->kind = VERDICT_STEP;
        verdict->step = SEND;
    } else {
        tree_set_int(verdict->learned, "looked", task->attempt);
        verdict_set(verdict, VERDICT_AGAIN,
                    "Postmark does not have it yet; it is asked once more before a repeat");
        verdict->retry_after_ms = settings_number(task->settings, "mailer/look_after");
    }
}

static void explain(int64_t code, int status, struct verdict *verdict)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (errors[i].code == code) {
            verdict_set(verdict, errors[i].kind, "%s (%d)", errors[i].words, errors[i].code);
            verdict->hold_ms = errors[i].hold_ms;
            return;
        }
    }
    verdict_set(verdict, VERDICT_NEVER, "Postmark says no (%d), code %lld", status,
                (long long)code);
}

static void send_outcome(const struct answer *answer, const json_t *tree, struct verdict *verdict)
{
    int status = answer->fault == OK ? answer->status : 0;
    bool good = status >= 200 && status < 300;
    const json_t *code = tree_get(tree, "ErrorCode");
    const char *id = tree_text(tree, "MessageID");
    if (good && json_is_integer(code) && json_integer_value(code) == 0 && *id) {
        tree_set_text(verdict->learned, "email", id);
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    } else if ((good || status == 422) && json_integer_value(code) != 0) {
        explain(json_integer_value(code), status, verdict);
    } else if (good) {
        verdict_set(verdict, VERDICT_AGAIN, "Postmark's answer is not one (%d)", status);
        verdict->ambiguous = true;
    } else {
        verdict_http(answer, verdict);
    }
}

static void postmark_outcome(const struct task *task, int given, const struct answer *answer,
                             struct verdict *verdict)
{
    json_t *tree = answer->fault == OK ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    if (real_step(task, given) == SEND) {
        send_outcome(answer, tree, verdict);
        doubt_note(task, answer, verdict);
    } else {
        verdict_http(answer, verdict);
        if (verdict->kind == VERDICT_DONE) {
            looked(task, tree, verdict);
        }
    }
    json_decref(tree);
}

const struct adapter mailer_postmark = {.name = "postmark",
                                        .settings = own_settings,
                                        .secret = "mailer/key",
                                        .calls_per_10s = 100,
                                        .steps_max = 2,
                                        .check = postmark_check,
                                        .request = postmark_request,
                                        .outcome = postmark_outcome,
                                        .probe = postmark_probe};
