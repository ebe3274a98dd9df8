/* area_endpoint.c - what a provider would meet at the webhook's public address.
 *
 * The look is an unsigned POST of an empty object: it takes the way that a delivery takes, and the
 * door refuses it with words of its own, by which it is known. Nothing is recorded of it. */
#include "doctor_core.h"

#include <string.h>
#include <strings.h>

static const char refusal_of_ours[] = "not a signed event";
static const char no_source_of_ours[] = "no provider is configured for this";

static bool has_word(const char *text, size_t len, const char *const *words)
{
    for (; *words; words++) {
        size_t word = strlen(*words);
        for (size_t i = 0; i + word <= len; i++) {
            if (strncasecmp(text + i, *words, word) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_about_login(const char *text, size_t len)
{
    static const char *const words[] = {"login",   "log in",  "log-in",   "signin",
                                        "sign in", "sign-in", "password", "cloudflareaccess",
                                        "/sso",    NULL};
    return has_word(text, len, words);
}

static bool is_html(const struct answer *answer)
{
    return strncasecmp(answer->type, "text/html", 9) == 0;
}

enum door { DOOR_OURS, DOOR_UNKNOWING, DOOR_FOREIGN };

/* usher's door says what it refuses as application/problem+json. */
static enum door door_of(const struct answer *answer)
{
    json_t *tree = doctor_json(answer);
    const char *title = tree_text(tree, "title");
    bool problem = strncmp(answer->type, "application/problem+json", 24) == 0 && *title;
    bool refused = answer->status == 400 && strcmp(title, refusal_of_ours) == 0;
    bool busy = answer->status == 503 || answer->status == 429;
    bool unknowing = answer->status == 404 && strcmp(title, no_source_of_ours) == 0;
    json_decref(tree);
    return problem && (refused || busy) ? DOOR_OURS
           : problem && unknowing       ? DOOR_UNKNOWING
                                        : DOOR_FOREIGN;
}

static void judge_certificate(const struct source *source, const struct answer *answer)
{
    struct doctor *doctor = source->doctor;
    const char *host = doctor_host(doctor, source->endpoint);
    if (strncmp(source->endpoint, "https:", 6) != 0) {
        doctor_say(doctor, CHECK_ENDPOINT_CERTIFICATE, source->live ? HEALTH_TROUBLE : HEALTH_FINE,
                   "%s", source->live ? "the address is http://, without any encryption" : "");
        doctor_todo(
            doctor, CHECK_ENDPOINT_CERTIFICATE,
            "Put a proxy with TLS in front (ops/Caddyfile), and https:// into webhook/url.");
        return;
    }
    if (answer->tls != ANSWER_TLS_FINE) {
        doctor_say(doctor, CHECK_ENDPOINT_CERTIFICATE, HEALTH_TROUBLE, "%s%s: %s", source->label,
                   host, doctor_certificate_words(answer->tls));
        doctor_todo(doctor, CHECK_ENDPOINT_CERTIFICATE,
                    "Let the proxy in front get a certificate for %s; Caddy does it by itself "
                    "(ops/Caddyfile).",
                    host);
        return;
    }
    doctor_fine(doctor, CHECK_ENDPOINT_CERTIFICATE);
    int64_t left_ms = answer->tls_until_ms - (int64_t)time(NULL) * 1000;
    if (answer->tls_until_ms == 0) {
        doctor_say(doctor, CHECK_ENDPOINT_EXPIRING, HEALTH_UNKNOWN, "its end cannot be read");
    } else if (left_ms < INT64_C(86400000) * DOCTOR_CERTIFICATE_DAYS) {
        doctor_say(doctor, CHECK_ENDPOINT_EXPIRING, HEALTH_WARNING, "%s: in %lld days", host,
                   (long long)(left_ms / 86400000));
    } else {
        doctor_fine(doctor, CHECK_ENDPOINT_EXPIRING);
    }
}

static void judge_redirect(const struct source *source, const struct answer *answer)
{
    struct doctor *doctor = source->doctor;
    const char *to = doctor_place(doctor, answer->redirect);
    if (is_about_login(answer->redirect, strlen(answer->redirect))) {
        doctor_say(doctor, CHECK_ENDPOINT_LOGIN, HEALTH_TROUBLE, "%s sends to %s", source->endpoint,
                   to);
        return;
    }
    doctor_say(doctor, CHECK_ENDPOINT_REDIRECT, HEALTH_TROUBLE, "%s answers %d and sends to %s",
               source->endpoint, answer->status, *answer->redirect ? to : "nowhere");
    doctor_todo(doctor, CHECK_ENDPOINT_REDIRECT,
                "If that is the right place: set webhook/url to it, and the same at the provider.\n"
                "Else take the redirect out of the proxy in front.");
}

static void judge_content(const struct source *source, const struct answer *answer)
{
    struct doctor *doctor = source->doctor;
    int status = answer->status;
    bool login = status == 401 || status == 403 ||
                 (is_html(answer) && is_about_login(answer->body, answer->len));
    doctor_fine(doctor, CHECK_ENDPOINT_REDIRECT);
    if (login) {
        doctor_say(doctor, CHECK_ENDPOINT_LOGIN, HEALTH_TROUBLE, "%s answers %d%s",
                   source->endpoint, status, is_html(answer) ? " and a page to log in" : "");
        return;
    }
    doctor_fine(doctor, CHECK_ENDPOINT_LOGIN);
    enum door door = door_of(answer);
    if (door == DOOR_OURS) {
        doctor_fine(doctor, CHECK_ENDPOINT_DOOR);
        return;
    }
    doctor_say(doctor, CHECK_ENDPOINT_DOOR, HEALTH_TROUBLE, "%s answers %d%s", source->endpoint,
               status, is_html(answer) ? " and a web page" : "");
    if (door == DOOR_UNKNOWING) {
        doctor_todo(doctor, CHECK_ENDPOINT_DOOR,
                    "It is usher's, and was started with another usher.cfg: usher up");
    } else if (status == 502 || status == 504) {
        doctor_todo(doctor, CHECK_ENDPOINT_DOOR,
                    "The proxy is there and finds nothing behind it: usher up, then compare the "
                    "proxy's target with webhook/listen.");
    } else {
        doctor_todo(doctor, CHECK_ENDPOINT_DOOR,
                    "Let the proxy in front pass /api/webhooks/ on to webhook/listen of usher.cfg "
                    "(ops/Caddyfile).");
    }
}

static void on_answer(struct doctor *doctor, void *about, const struct answer *answer)
{
    const struct source *source = about;
    bool bad_tls = answer->tls != ANSWER_TLS_FINE;
    if (answer->fault != OK && !bad_tls) {
        doctor_say(doctor, CHECK_ENDPOINT_REACHABLE, HEALTH_TROUBLE, "%s: %s", source->endpoint,
                   doctor_unreached(doctor, answer));
        return;
    }
    doctor_fine(doctor, CHECK_ENDPOINT_REACHABLE);
    judge_certificate(source, answer);
    if (bad_tls) {
        return;
    }
    if (answer->status >= 300 && answer->status < 400) {
        judge_redirect(source, answer);
    } else {
        judge_content(source, answer);
    }
}

static void look_at(struct source *source)
{
    struct doctor *doctor = source->doctor;
    struct call call = {.method = "POST", .inspect = true};
    buf_add_text(&call.url, source->endpoint);
    buf_add_text(&call.body, "{}");
    if (call_header(&call, "Content-Type", "application/json") == OK) {
        doctor_await(doctor, CHECK_ENDPOINT_REACHABLE);
        doctor_call(doctor, &call, false, on_answer, source);
    }
}

void area_endpoint(struct doctor *doctor)
{
    bool live = false;
    for (size_t i = 0; i < doctor->source_count; i++) {
        struct source *source = &doctor->sources[i];
        live = live || source->live;
        if (*source->endpoint) {
            look_at(source);
        }
    }
    if (*doctor->sources[0].endpoint) {
        doctor_fine(doctor, CHECK_ENDPOINT_ADDRESS);
    } else if (live) {
        doctor_say(doctor, CHECK_ENDPOINT_ADDRESS, HEALTH_WARNING,
                   "usher.cfg: webhook/url is not set");
    }
}
