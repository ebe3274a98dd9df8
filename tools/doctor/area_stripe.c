/* area_stripe.c - the key for Stripe's API, and what Stripe says of our endpoint.
 *
 * Only lists are read. Whether a restricted key may write is seen without writing: an update of a
 * customer that cannot exist is refused with 403 when the key may not write, and with 404 when it
 * may, since Stripe looks at rights before it looks for the object. Nothing is sent that could be
 * stored, and the id has a form that Stripe never gives. A full key (sk_) is known by its name. */
#include "doctor_core.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char no_customer[] = "/v1/customers/cus_usher_doctor_looks";

enum { FAILED_AFTER_S = 15 * 60, FAILED_WITHIN_S = 3 * 24 * 3600, FAILED_MAX = 10 };

enum question { ASK_READ, ASK_ENDPOINTS, ASK_FAILED, ASK_WRITE };

/* One question to Stripe for one source. */
struct inquiry {
    struct source *source;
    enum question question;
    const char *right; /* what it needs, as the dashboard calls it */
};

static const char *key_of(const struct source *source)
{
    return source->section ? config_line(source->doctor->config, source->section, "key", "") : "";
}

/* --- the key by its looks --------------------------------------------------------------------- */

static bool key_is(const char *key, const char *mode)
{
    return (strncmp(key, "sk_", 3) == 0 || strncmp(key, "rk_", 3) == 0) &&
           strncmp(key + 3, mode, strlen(mode)) == 0;
}

static void todo_mode(const struct source *source)
{
    doctor_todo(
        source->doctor, CHECK_STRIPE_MODE,
        "Dashboard, in %s mode > Developers > API keys: take a restricted key of that mode.\n"
        "Or, if the mode is wrong: webhook/payment/mode in usher.cfg.",
        source->mode);
}

static void judge_looks(const struct source *source, const char *key)
{
    struct doctor *doctor = source->doctor;
    if (key_is(key, source->live ? "test_" : "live_")) {
        doctor_say(doctor, CHECK_STRIPE_MODE, HEALTH_TROUBLE, "%sa %s key, and the mode is %s",
                   source->label, source->live ? "test" : "live", source->mode);
        todo_mode(source);
    } else {
        doctor_fine(doctor, CHECK_STRIPE_MODE);
    }
    if (strncmp(key, "sk_", 3) == 0) {
        doctor_say(doctor, CHECK_STRIPE_EXCESS, HEALTH_WARNING,
                   "%sa secret key (sk_), which may do everything", source->label);
    } else {
        doctor_fine(doctor, CHECK_STRIPE_EXCESS);
    }
}

/* --- what Stripe says ------------------------------------------------------------------------- */

static void judge_refusal(const struct inquiry *inquiry, const struct answer *answer)
{
    struct doctor *doctor = inquiry->source->doctor;
    json_t *tree = doctor_json(answer);
    const char *code = tree_text(tree_get(tree, "error"), "code");
    bool expired = strcmp(code, "api_key_expired") == 0;
    enum check check = expired ? CHECK_STRIPE_EXPIRED : CHECK_STRIPE_REFUSED;
    doctor_say(doctor, check, HEALTH_TROUBLE, "%sStripe answers 401", inquiry->source->label);
    const char *raw = config_raw(doctor->config, inquiry->source->section, "key");
    doctor_todo(
        doctor, check,
        "Dashboard > Developers > API keys: make a new restricted key and put it into %s%s.",
        strncmp(raw, "file:", 5) == 0 ? doctor->options->home : "webhook/payment/key",
        strncmp(raw, "file:", 5) == 0 ? doctor_keep(doctor, "/%s", doctor_clean(doctor, raw + 5))
                                      : "");
    json_decref(tree);
}

/* Not having the right to see the endpoints is no trouble: then their checks could not tell. */
static void judge_forbidden(const struct inquiry *inquiry)
{
    struct source *source = inquiry->source;
    struct doctor *doctor = source->doctor;
    static const enum check blind[] = {CHECK_HOOK_MISSING, CHECK_HOOK_DISABLED, CHECK_HOOK_EVENTS};
    if (inquiry->question == ASK_ENDPOINTS) {
        for (size_t i = 0; i < sizeof blind / sizeof *blind; i++) {
            doctor_say(doctor, blind[i], HEALTH_UNKNOWN,
                       "the key may not read Webhook Endpoints; with that right it would be seen");
        }
        return;
    }
    doctor_say(doctor, CHECK_STRIPE_RIGHTS, HEALTH_TROUBLE, "%smay not read: %s", source->label,
               inquiry->right);
    doctor_todo(doctor, CHECK_STRIPE_RIGHTS,
                "Dashboard > Developers > API keys > the key > Edit: set %s to Read.",
                inquiry->right);
}

/* --- the endpoint ----------------------------------------------------------------------------- */

static bool same_url(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    while (a_len > 0 && a[a_len - 1] == '/') {
        a_len--;
    }
    while (b_len > 0 && b[b_len - 1] == '/') {
        b_len--;
    }
    return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

static bool sends(const json_t *endpoint, const char *type)
{
    size_t i;
    json_t *each;
    json_array_foreach(tree_get(endpoint, "enabled_events"), i, each)
    {
        const char *name = json_is_string(each) ? json_string_value(each) : "";
        if (strcmp(name, "*") == 0 || strcmp(name, type) == 0) {
            return true;
        }
    }
    return false;
}

static void judge_events(const struct source *source, const json_t *endpoint)
{
    static const char *const needed[] = {
#define EVENT(type) type,
#include "stripe_table.h"
    };
    struct doctor *doctor = source->doctor;
    struct buf missing = {0};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (!sends(endpoint, needed[i])) {
            buf_printf(&missing, "%s%s", missing.len ? " " : "", needed[i]);
        }
    }
    if (missing.len > 0) {
        doctor_say(doctor, CHECK_HOOK_EVENTS, HEALTH_TROUBLE, "%snot sent: %s", source->label,
                   buf_text(&missing));
        doctor_todo(doctor, CHECK_HOOK_EVENTS,
                    "Dashboard > Developers > Webhooks > the endpoint > Update details: add %s",
                    buf_text(&missing));
    } else {
        doctor_fine(doctor, CHECK_HOOK_EVENTS);
    }
    buf_fini(&missing);
}

static void judge_endpoint(const struct source *source, const json_t *endpoint)
{
    struct doctor *doctor = source->doctor;
    const char *status = tree_text(endpoint, "status");
    doctor_fine(doctor, CHECK_HOOK_MISSING);
    if (strcmp(status, "enabled") != 0) {
        doctor_say(doctor, CHECK_HOOK_DISABLED, HEALTH_TROUBLE, "%sits status is \"%s\"",
                   source->label, doctor_clean(doctor, status));
    } else {
        doctor_fine(doctor, CHECK_HOOK_DISABLED);
    }
    if (tree_flag(endpoint, "livemode") != source->live) {
        doctor_say(doctor, CHECK_SECRET_MODE, HEALTH_TROUBLE,
                   "%sthe endpoint at Stripe is a %s one, and the mode here is %s", source->label,
                   source->live ? "test" : "live", source->mode);
        doctor_todo(doctor, CHECK_SECRET_MODE,
                    "Make the same endpoint in %s mode, and put its signing secret here.",
                    source->mode);
    }
    judge_events(source, endpoint);
}

static void judge_endpoints(const struct source *source, const json_t *list)
{
    struct doctor *doctor = source->doctor;
    const json_t *endpoints = tree_get(list, "data");
    const json_t *found = NULL;
    size_t i;
    json_t *each;
    json_array_foreach(endpoints, i, each)
    {
        const char *url = tree_text(each, "url");
        bool ours =
            same_url(url, source->endpoint) || (*source->other && same_url(url, source->other));
        bool better = !found || strcmp(tree_text(each, "status"), "enabled") == 0;
        found = ours && better ? each : found;
    }
    if (found) {
        judge_endpoint(source, found);
        return;
    }
    doctor_say(doctor, CHECK_HOOK_MISSING, HEALTH_TROUBLE,
               "%snone of %zu endpoints at Stripe is %s", source->label, json_array_size(endpoints),
               source->endpoint);
    doctor_todo(doctor, CHECK_HOOK_MISSING,
                "Dashboard (%s mode) > Developers > Webhooks > Add endpoint: %s\n"
                "Put its signing secret into usher's, then: usher up",
                source->mode, source->endpoint);
}

/* --- what was not delivered ------------------------------------------------------------------- */

static bool is_needed(const char *type)
{
    static const char *const needed[] = {
#define EVENT(type) type,
#include "stripe_table.h"
    };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (strcmp(type, needed[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* "Failed" is said of any endpoint of the account, and of what arrived at a later try elsewhere:
 * only what is missing in our journal counts, of what members depend on. */
static bool is_missing(const struct source *source, const json_t *event)
{
    const struct doctor_options *options = source->doctor->options;
    if (!is_needed(tree_text(event, "type"))) {
        return false;
    }
    char *id = doctor_keep(source->doctor, "%s:%s", source->name, tree_text(event, "id"));
    return !options->knows || !options->knows(options->self, id);
}

static void judge_failed(const struct source *source, const json_t *list)
{
    struct doctor *doctor = source->doctor;
    size_t i, count = 0;
    json_t *each;
    const json_t *first = NULL;
    json_array_foreach(tree_get(list, "data"), i, each)
    {
        if (count < FAILED_MAX && is_missing(source, each)) {
            first = first ? first : each;
            count++;
        }
    }
    if (count == 0) {
        doctor_fine(doctor, CHECK_HOOK_FAILED);
        return;
    }
    doctor_say(doctor, CHECK_HOOK_FAILED, HEALTH_TROUBLE,
               "%s%s%zu event%s of the last three days did not arrive%s; the newest is %s, %s",
               source->label, count == FAILED_MAX ? "at least " : "", count, count == 1 ? "" : "s",
               doctor->options->knows ? "" : " at one endpoint at least, perhaps this",
               doctor_clean(doctor, tree_text(first, "id")),
               doctor_clean(doctor, tree_text(first, "type")));
}

/* --- asking ----------------------------------------------------------------------------------- */

static void judge_list(const struct inquiry *inquiry, const json_t *list)
{
    switch (inquiry->question) {
    case ASK_ENDPOINTS:
        judge_endpoints(inquiry->source, list);
        break;
    case ASK_FAILED:
        judge_failed(inquiry->source, list);
        break;
    case ASK_READ:
    case ASK_WRITE:
        break;
    }
}

static void judge_write(const struct inquiry *inquiry, const struct answer *answer)
{
    json_t *tree = doctor_json(answer);
    const char *code = tree_text(tree_get(tree, "error"), "code");
    if (answer->fault == OK && answer->status == 404 && strcmp(code, "resource_missing") == 0) {
        doctor_say(inquiry->source->doctor, CHECK_STRIPE_EXCESS, HEALTH_WARNING,
                   "%sa restricted key that may write", inquiry->source->label);
    }
    json_decref(tree);
}

static void on_answer(struct doctor *doctor, void *about, const struct answer *answer)
{
    const struct inquiry *inquiry = about;
    if (inquiry->question == ASK_WRITE) {
        judge_write(inquiry, answer);
        return;
    }
    if (answer->fault != OK) {
        doctor_say(doctor, CHECK_STRIPE_REACHABLE, HEALTH_TROUBLE, "%s%s", inquiry->source->label,
                   doctor_unreached(doctor, answer));
        return;
    }
    if (answer->status == 401) {
        judge_refusal(inquiry, answer);
        return;
    }
    if (answer->status == 403) {
        judge_forbidden(inquiry);
        return;
    }
    json_t *list = doctor_json(answer);
    if (answer->status == 429 || answer->status >= 500) {
        doctor_say(doctor, CHECK_STRIPE_REACHABLE, HEALTH_UNKNOWN, "%sit answers %d just now",
                   inquiry->source->label, answer->status);
    } else if (answer->status != 200 || !json_is_array(tree_get(list, "data"))) {
        doctor_say(doctor, CHECK_STRIPE_REACHABLE, HEALTH_TROUBLE,
                   "%sit answers %d, and not as Stripe does", inquiry->source->label,
                   answer->status);
    } else {
        doctor_fine(doctor, CHECK_STRIPE_REACHABLE);
        doctor_fine(doctor, CHECK_STRIPE_REFUSED);
        doctor_fine(doctor, CHECK_STRIPE_EXPIRED);
        doctor_fine(doctor, CHECK_STRIPE_RIGHTS);
        judge_list(inquiry, list);
    }
    json_decref(list);
}

static void ask(struct source *source, enum question question, const char *path, const char *right)
{
    struct doctor *doctor = source->doctor;
    struct inquiry *inquiry = doctor_room(doctor, sizeof *inquiry);
    *inquiry = (struct inquiry){source, question, right};
    struct call call = {.method = question == ASK_WRITE ? "POST" : "GET"};
    const char *api = config_text(doctor->config, source->section, "api", "https://api.stripe.com");
    char *bearer = doctor_keep(doctor, "Bearer %s", key_of(source));
    buf_printf(&call.url, "%s%s", api, path);
    if (call_header(&call, "Authorization", bearer) == OK) {
        doctor_call(doctor, &call, true, on_answer, inquiry);
    } else {
        call_fini(&call);
        doctor_say(doctor, CHECK_STRIPE_REFUSED, HEALTH_TROUBLE,
                   "%sthe key holds characters that no key has", source->label);
    }
    memset(bearer, 0, strlen(bearer));
}

static void look_at(struct source *source)
{
    static const struct {
        const char *path, *right;
    } reads[] = {
#define READ(path, right) {path, right},
#include "stripe_table.h"
    };
    struct doctor *doctor = source->doctor;
    const char *key = key_of(source);
    judge_looks(source, key);
    doctor_await(doctor, CHECK_STRIPE_REACHABLE);
    doctor_await(doctor, CHECK_HOOK_FAILED);
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        ask(source, ASK_READ, reads[i].path, reads[i].right);
    }
    long long now_s = (long long)time(NULL);
    ask(source, ASK_FAILED,
        doctor_keep(doctor,
                    "/v1/events?delivery_success=false&limit=100&created%%5Bgte%%5D=%lld"
                    "&created%%5Blte%%5D=%lld",
                    now_s - FAILED_WITHIN_S, now_s - FAILED_AFTER_S),
        "Events");
    if (*source->endpoint) {
        ask(source, ASK_ENDPOINTS, "/v1/webhook_endpoints?limit=100", "Webhook Endpoints");
    }
    if (strncmp(key, "rk_", 3) == 0) {
        ask(source, ASK_WRITE, no_customer, "");
    }
}

void area_stripe(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->source_count; i++) {
        struct source *source = &doctor->sources[i];
        if (strcmp(source->provider, "stripe") == 0 && *key_of(source)) {
            look_at(source);
        }
    }
}
