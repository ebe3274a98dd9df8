/* resend.c - mail by Resend's API. The job's key is the Idempotency-Key: a repeat is safe, and a mail
 * never uncertain, for as long as Resend remembers keys (a day).
 *
 *   send (POST)
 *   a repeat later than that, when an earlier attempt may have got through:
 *     look (GET, the newest 100) -> there: done; not there: send; cannot be told: uncertain
 *
 * Resend signs (DKIM) and encodes by itself: it gets the mail in parts. */
#include "doubt.h"
#include "mailer.h"

#include "clock.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct setting own_settings[] = {
    {"mailer/url", SETTING_TEXT, "https://api.resend.com", 0, 300, NULL, "Base of Resend's API."},
    {"mailer/key", SETTING_SECRET, "", 0, 0, NULL,
     "API key of Resend; one that may only send is enough."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

enum { START, SEND, LOOK };
enum {
    KEY_LIFE_MS = 23 * 3600 * 1000, /* of 24 h: clocks differ */
    CLOCKS_MS = 300 * 1000,
    PAGE = 100, /* the most that one look shows */
    DAILY_HOLD_MS = 3600 * 1000,
    MONTHLY_HOLD_MS = 6 * 3600 * 1000
};

static int real_step(const struct task *task, int step)
{
    if (step != START) {
        return step;
    }
    bool late = doubt_is(task) && task->began_ms - doubt_since_ms(task) > KEY_LIFE_MS;
    return late ? LOOK : SEND;
}

static bool resend_check(const struct settings *settings, struct buf *why)
{
    bool good = true;
    struct buf words = {0};
    if (!http_out_url_allowed(settings_text(settings, "mailer/url"), false, &words)) {
        buf_printf(why, "usher.cfg: mailer/url: %s\n", buf_text(&words));
        good = false;
    }
    if (!settings_given(settings, "mailer/key")) {
        buf_add_text(why, "usher.cfg: mailer/key: expected an API key of Resend, such as "
                          "file:secrets/resend\n");
        good = false;
    }
    buf_fini(&words);
    return good;
}

/* --- requests ----------------------------------------------------------------------------------- */

static enum fault begin(const struct settings *settings, const char *secret, struct call *call,
                        const char *method, const char *path)
{
    char *bearer = NULL;
    call->method = method;
    buf_printf(&call->url, "%s%s", settings_text(settings, "mailer/url"), path);
    if (asprintf(&bearer, "Bearer %s", secret) < 0) {
        return FAULT_FULL;
    }
    enum fault fault = call_header(call, "Authorization", bearer);
    free(bearer);
    return fault == OK ? call_header(call, "Accept", "application/json") : fault;
}

static enum fault ask_send(const struct task *task, struct call *call)
{
    const json_t *payload = task->payload;
    const char *mark = tree_text(payload, "mark");
    enum fault fault = begin(task->settings, task->secret, call, "POST", "/emails");
    if (fault == OK) {
        fault = call_header(call, "Idempotency-Key", mark);
    }
    if (fault != OK) {
        return fault;
    }
    json_t *mail = json_object();
    tree_set_text(mail, "from", tree_text(payload, "sender"));
    tree_set(mail, "to", json_pack("[s]", tree_text(payload, "receiver")));
    tree_set_text(mail, "subject", tree_text(payload, "subject"));
    json_object_set_new(mail, "text", json_string(tree_text(payload, "text")));
    tree_set_text(mail, "html", tree_text(payload, "html"));
    tree_set(mail, "headers", json_incref(tree_get(payload, "headers")));
    tree_set(mail, "tags", json_pack("[{s:s, s:s}]", "name", "usher", "value", mark));
    return call_json(call, mail);
}

static enum fault resend_request(const struct task *task, int given, struct call *call)
{
    if (real_step(task, given) == LOOK) {
        return begin(task->settings, task->secret, call, "GET", "/emails?limit=100");
    }
    return ask_send(task, call);
}

/* A mail without a sender is sent by nobody: 422 from a key that is taken. What a key that may only
 * send is refused (any GET) would say nothing. */
static enum fault resend_probe(const struct settings *settings, const char *secret,
                               struct call *call)
{
    enum fault fault = begin(settings, secret, call, "POST", "/emails");
    return fault == OK ? call_json(call, json_object()) : fault;
}

/* --- answers ------------------------------------------------------------------------------------ */

/* "2023-04-03 22:13:42.674981+00", or RFC 3339; 0 if it is neither. */
static int64_t created_ms(const json_t *mail)
{
    char text[64];
    int64_t ms = 0;
    snprintf(text, sizeof text - 3, "%s", tree_text(mail, "created_at"));
    size_t len = strlen(text);
    char *blank = strchr(text, ' ');
    if (blank) {
        *blank = 'T';
    }
    if (len > 3 && strchr("+-", text[len - 3])) {
        strcat(text, ":00");
    }
    return clock_parse(text, &ms) ? ms : 0;
}

static bool to_whom(const json_t *mail, const char *address)
{
    const json_t *to = tree_get(mail, "to");
    for (size_t i = 0; i < json_array_size(to); i++) {
        const char *one = json_string_value(json_array_get(to, i));
        const char *open = one ? strrchr(one, '<') : NULL;
        const char *begin = open ? open + 1 : one;
        if (one && strcspn(begin, ">") == strlen(address) &&
            strncasecmp(begin, address, strlen(address)) == 0) {
            return true;
        }
    }
    return false;
}

/* The newest first. A member's mails leave in order, and none leaves while this one is under way: what
 * has its address, its subject and a time since the doubt is this one. */
static void looked(const struct task *task, const json_t *tree, struct verdict *verdict)
{
    const json_t *list = tree_get(tree, "data");
    int64_t since_ms = doubt_since_ms(task) - CLOCKS_MS;
    size_t count = json_array_size(list);
    bool all = json_is_array(list) && !tree_flag(tree, "has_more") && count < PAGE;
    for (size_t i = 0; i < count; i++) {
        const json_t *mail = json_array_get(list, i);
        int64_t at_ms = created_ms(mail);
        if (at_ms > 0 && at_ms < since_ms) {
            all = true;
            break;
        }
        if (at_ms > 0 && *tree_text(mail, "id") && to_whom(mail, tree_text(task->payload, "to")) &&
            strcmp(tree_text(mail, "subject"), tree_text(task->payload, "subject")) == 0) {
            tree_set_text(verdict->learned, "email", tree_text(mail, "id"));
            verdict_set(verdict, VERDICT_DONE, "%s", "");
            return;
        }
    }
    if (all) {
        doubt_ended(task->attempt - 1, verdict);
        verdict->kind = VERDICT_STEP;
        verdict->step = SEND;
    } else {
        verdict_set(verdict, VERDICT_UNCERTAIN,
                    "more than a day ago it may have been taken, and Resend's list does not tell");
    }
}

static void look_outcome(const struct task *task, const struct answer *answer, const json_t *tree,
                         struct verdict *verdict)
{
    verdict_http(answer, verdict);
    if (verdict->kind == VERDICT_DONE) {
        looked(task, tree, verdict);
    } else if (verdict->kind != VERDICT_AGAIN) {
        verdict_set(verdict, VERDICT_UNCERTAIN,
                    "more than a day ago it may have been taken, and the key may not look (%d)",
                    answer->status);
    }
}

static void explain_limit(const char *name, const struct answer *answer, struct verdict *verdict)
{
    verdict_http(answer, verdict);
    if (strcmp(name, "daily_quota_exceeded") == 0) {
        verdict_set(verdict, VERDICT_AGAIN, "Resend's daily quota is used up (429)");
        verdict->hold_ms = DAILY_HOLD_MS;
    } else if (strcmp(name, "monthly_quota_exceeded") == 0) {
        verdict_set(verdict, VERDICT_AGAIN,
                    "Resend's monthly quota is used up (429): raise the plan there");
        verdict->hold_ms = MONTHLY_HOLD_MS;
    } else if (verdict->retry_after_ms == 0) {
        verdict->retry_after_ms = 1000; /* the limit is by the second */
    }
}

static void explain_conflict(const char *name, struct verdict *verdict)
{
    if (strcmp(name, "concurrent_idempotent_requests") == 0) {
        verdict_set(verdict, VERDICT_AGAIN, "Resend still has this mail under way (409)");
        verdict->ambiguous = true;
    } else if (strcmp(name, "invalid_idempotent_request") == 0) {
        verdict_set(verdict, VERDICT_NEVER,
                    "Resend was given this mail before, in other words, and keeps to those (409)");
    } else {
        verdict_set(verdict, VERDICT_NEVER, "Resend reports a conflict (409)");
    }
}

static void send_outcome(const struct answer *answer, const json_t *tree, struct verdict *verdict)
{
    const char *name = tree_text(tree, "name");
    int status = answer->fault == OK ? answer->status : 0;
    if (status >= 200 && status < 300) {
        if (*tree_text(tree, "id")) {
            tree_set_text(verdict->learned, "email", tree_text(tree, "id"));
            verdict_set(verdict, VERDICT_DONE, "%s", "");
        } else {
            verdict_set(verdict, VERDICT_AGAIN, "Resend's answer is not one (%d)", status);
            verdict->ambiguous = true;
        }
    } else if (status == 409) {
        explain_conflict(name, verdict);
    } else if (status == 429) {
        explain_limit(name, answer, verdict);
    } else if (status == 403 && strcmp(name, "invalid_api_key") == 0) {
        verdict_set(verdict, VERDICT_REFUSED, "the key is refused (403)");
    } else if (status == 403) {
        verdict_set(verdict, VERDICT_FORBIDDEN,
                    "Resend does not send for this sender: is the domain of mailer/from verified "
                    "there? (403)");
    } else if (status == 400 || status == 422) {
        bool known = strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name);
        verdict_set(verdict, VERDICT_NEVER, "Resend takes the mail for invalid (%d)%s%.40s", status,
                    known && *name ? ", " : "", known ? name : "");
    } else {
        verdict_http(answer, verdict);
    }
}

static void resend_outcome(const struct task *task, int given, const struct answer *answer,
                           struct verdict *verdict)
{
    json_t *tree = answer->fault == OK ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    if (real_step(task, given) == LOOK) {
        look_outcome(task, answer, tree, verdict);
    } else {
        send_outcome(answer, tree, verdict);
        doubt_note(task, answer, verdict);
    }
    json_decref(tree);
}

const struct adapter mailer_resend = {.name = "resend",
                                      .settings = own_settings,
                                      .secret = "mailer/key",
                                      .calls_per_10s = 20,
                                      .steps_max = 2,
                                      .check = resend_check,
                                      .request = resend_request,
                                      .outcome = resend_outcome,
                                      .probe = resend_probe};
