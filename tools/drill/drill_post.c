/* drill_post.c - what the providers post, in their place. */
#include "drill_core.h"

#include "must.h"
#include "seller.h"
#include "standard_webhooks.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { POST_MS = 10000, AT_ONCE = 8 };

struct posted {
    bool done; /* or not begun */
    int64_t id;
    int status;
    bool known;
};

static void on_posted(void *self, const struct answer *answer)
{
    struct posted *posted = self;
    json_t *body = answer->fault == OK ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    posted->status = answer->fault == OK ? answer->status : 0;
    posted->known = tree_flag(body, "duplicate");
    posted->done = true;
    json_decref(body);
}

/* Takes the headers: a list of name, value, ... that ends with NULL. */
static void begin_post(struct drill *drill, const struct drill_source *source, const char *body,
                       const char *const *headers, struct posted *posted)
{
    struct call call = {.method = "POST", .timeout_ms = POST_MS};
    buf_printf(&call.url, "http://127.0.0.1:%d/api/webhooks/%s/%s", drill->home.webhook_port,
               source->kind, source->name);
    buf_add_text(&call.body, body);
    MUST(call_header(&call, "Content-Type", "application/json; charset=utf-8") == OK);
    for (; *headers; headers += 2) {
        MUST(call_header(&call, headers[0], headers[1]) == OK);
    }
    *posted = (struct posted){0};
    posted->done = http_out_start(drill->http, &call, on_posted, NULL, posted, &posted->id) != OK;
    call_fini(&call);
}

static void end_post(struct drill *drill, struct posted *posted)
{
    while (!posted->done && !drill->stopped) { /* it comes, once, within POST_MS */
        drill_serve(drill, POST_MS, &posted->done);
    }
    if (!posted->done) {
        http_out_cancel(drill->http, posted->id);
    }
}

static void begin_event(struct drill *drill, const json_t *event, struct posted *posted)
{
    const struct drill_source *source = &drill->home.sources[drill->home.payments];
    const struct seller *seller = seller_find(source->provider);
    struct buf signature = {0};
    char *body = json_dumps(event, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    MUST(body && seller);
    seller->sign(source->secret, clock_wall_ms() / 1000, (struct slice){body, strlen(body)},
                 &signature);
    const char *const headers[] = {seller->header, buf_text(&signature), NULL};
    begin_post(drill, source, body, headers, posted);
    buf_fini(&signature);
    free(body);
}

static bool is_taken(int status)
{
    return status >= 200 && status < 300;
}

static int post_event(struct drill *drill, const json_t *event)
{
    struct posted posted;
    begin_event(drill, event, &posted);
    end_post(drill, &posted);
    return posted.status;
}

struct drill_posts drill_post_all(struct drill *drill, const json_t *events)
{
    struct posted flight[AT_ONCE];
    struct drill_posts posts = {0};
    size_t count = json_array_size(events);
    for (size_t i = 0; i < count + AT_ONCE; i++) {
        struct posted *posted = &flight[i % AT_ONCE];
        if (i >= AT_ONCE && i - AT_ONCE < count) {
            end_post(drill, posted);
            posts.taken += is_taken(posted->status);
            posts.known += is_taken(posted->status) && posted->known;
        }
        if (i < count) {
            begin_event(drill, json_array_get(events, i), posted);
        }
    }
    return posts;
}

/* --- money ---------------------------------------------------------------------------------- */

int64_t drill_tell(struct drill *drill, const struct drill_person *person, const char *word,
                   int64_t ago_ms)
{
    const struct drill_source *source = &drill->home.sources[drill->home.payments];
    struct sale sale = {.word = word,
                        .email = person->email,
                        .name = person->name,
                        .product = source->product,
                        .at_s = (clock_wall_ms() - ago_ms) / 1000};
    json_t *events = json_array(), *event;
    int main = seller_find(source->provider)->tell(&sale, events);
    int64_t since_ms = -1;
    size_t i;
    if (main < 0) {
        drill_not_applicable(drill, "%s tells of nothing like %s", source->provider, word);
    }
    json_array_foreach(events, i, event)
    {
        int64_t now_ms = clock_mono_ms();
        int status = post_event(drill, event);
        if (!is_taken(status)) {
            since_ms = -1;
            drill_check(drill, "the webhook takes it", false, -1, 0,
                        "%s, part %zu, was answered %d", word, i + 1, status);
            break;
        }
        since_ms = (int)i == main ? now_ms : since_ms;
    }
    json_array_extend(drill->told, events);
    json_decref(events);
    return since_ms;
}

/* --- mail ----------------------------------------------------------------------------------- */

static int post_json(struct drill *drill, const struct drill_source *source, json_t *body,
                     const char *const *headers)
{
    struct posted posted;
    char *text = json_dumps(body, JSON_COMPACT);
    MUST(text);
    begin_post(drill, source, text, headers, &posted);
    end_post(drill, &posted);
    free(text);
    json_decref(body);
    return posted.status;
}

/* Signed as Standard Webhooks, under Svix's names. */
static int resend_bounce(struct drill *drill, const struct drill_source *source, const char *email)
{
    char when[CLOCK_TEXT_BYTES], seconds[24];
    struct buf signature = {0};
    int64_t now_ms = clock_wall_ms();
    json_t *body = json_pack("{s:s, s:s, s:{s:s, s:[s], s:s, s:{s:s, s:s}}}", "type",
                             "email.bounced", "created_at", clock_rfc3339(now_ms, when), "data",
                             "email_id", "drill-bounce", "to", email, "subject", "drill", "bounce",
                             "type", "Permanent", "subType", "General");
    char *text = json_dumps(body, JSON_COMPACT);
    MUST(text);
    snprintf(seconds, sizeof seconds, "%lld", (long long)(now_ms / 1000));
    MUST(sw_sign(source->secret, "msg_drill_bounce", seconds, (struct slice){text, strlen(text)},
                 &signature));
    const char *const headers[] = {"svix-id", "msg_drill_bounce", "svix-timestamp",
                                   seconds,   "svix-signature",   buf_text(&signature),
                                   NULL};
    int status = post_json(drill, source, body, headers);
    free(text);
    buf_fini(&signature);
    return status;
}

/* Not signed: it shows the secret that it was given. */
static int postmark_bounce(struct drill *drill, const struct drill_source *source,
                           const char *email)
{
    char when[CLOCK_TEXT_BYTES];
    json_t *body = json_pack("{s:s, s:i, s:s, s:s, s:s, s:b, s:s}", "RecordType", "Bounce", "ID",
                             42, "Type", "HardBounce", "Email", email, "MessageID", "drill-bounce",
                             "Inactive", 1, "BouncedAt", clock_rfc3339(clock_wall_ms(), when));
    const char *const headers[] = {"X-Usher-Secret", source->secret, NULL};
    return post_json(drill, source, body, headers);
}

static const struct {
    const char *provider;
    int (*post)(struct drill *drill, const struct drill_source *source, const char *email);
} tellers[] = {{"resend", resend_bounce}, {"postmark", postmark_bounce}};

const char *drill_bounce_teller(const struct drill *drill)
{
    for (size_t i = 0; i < sizeof tellers / sizeof *tellers; i++) {
        if (drill_home_source(&drill->home, "mail", tellers[i].provider)) {
            return tellers[i].provider;
        }
    }
    return NULL;
}

int drill_post_bounce(struct drill *drill, const char *teller, const char *email)
{
    for (size_t i = 0; i < sizeof tellers / sizeof *tellers; i++) {
        if (strcmp(tellers[i].provider, teller) == 0) {
            return tellers[i].post(drill, drill_home_source(&drill->home, "mail", teller), email);
        }
    }
    return 0;
}
