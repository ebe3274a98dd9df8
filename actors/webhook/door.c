#include "door.h"

#include "clock.h"
#include "errands.h"
#include "intake.h"
#include "logs.h"
#include "must.h"
#include "sources.h"
#include "throttle.h"
#include "unsubscribe.h"
#include "unsubscribe_page.h"

#include <stdlib.h>
#include <string.h>

enum { UNSUBSCRIBE_BODY_BYTES_MAX = 4096 }; /* nothing of it is read */
enum { RETRY_AFTER_S = 5, WRONG_REFILL_MS = 1000, LOOK_EVERY_MS = 100, LOG_EVERY_MS = 1000 };

/* One event on its way to the journal. */
struct delivery {
    struct door *door;
    struct delivery *next_free;
    uint64_t ticket;
    int64_t sent_mono_ms;
    int64_t at_ms;
    size_t bytes;
    bool ignored;
    bool page; /* a person waits, not a provider */
    bool under_way;
    char id[EVENT_ID_BYTES_MAX + 1];
};

struct door {
    struct web *web;
    struct client *client;
    const struct settings *settings;
    struct sources sources;
    struct errands *errands;
    struct unsubscribe_key unsubscribe_key;
    bool unsubscribe_known; /* the mailer has made the key */
    int answer_ms;
    struct throttle throttle;
    struct tape tape;
    struct buf data;
    struct buf packed;
    struct outcomes total, interval;
    struct deliveries deliveries;
    struct delivery *all[DOOR_IN_FLIGHT_MAX];
    size_t all_count;
    struct delivery *free_deliveries;
    size_t in_flight;
    size_t in_flight_bytes;
    int64_t looked_mono_ms;
    bool overdue;
    int64_t logged_mono_ms;
};

/* --- counting and answering ------------------------------------------------------------------ */

static void count(struct door *door, enum outcome outcome)
{
    door->total.counts[outcome]++;
    door->interval.counts[outcome]++;
}

/* What the server refused by itself. */
static void on_refused(void *self, const char *path, const char *reason)
{
    (void)path;
    enum outcome outcome = outcome_find(reason);
    MUST(outcome != OUTCOME_COUNT);
    count(self, outcome);
}

/* One answer for everything that is wrong with signature or body: who guesses learns nothing. */
static void refuse_bad(struct door *door, struct web_request *request, const struct source *source,
                       enum outcome outcome)
{
    int64_t now_ms = clock_mono_ms();
    count(door, outcome);
    throttle_charge(&door->throttle, web_address(request), now_ms);
    if (outcome_is_trouble(outcome) && now_ms - door->logged_mono_ms >= LOG_EVERY_MS) {
        door->logged_mono_ms = now_ms; /* all are counted, one a second is named */
        logs_write(LOGS_WARN, "refused", "source", source->name, "reason", outcome_name(outcome),
                   NULL);
    }
    web_problem(request, 400, "not a signed event", 0);
}

static void refuse_now(struct door *door, struct web_request *request, enum outcome outcome)
{
    count(door, outcome);
    web_problem(request, 503, "cannot be recorded now", RETRY_AFTER_S);
}

static void say_received(struct web_request *request, bool duplicate)
{
    web_json(request, 200,
             duplicate ? "{\"received\":true,\"duplicate\":true}"
                       : "{\"received\":true,\"duplicate\":false}");
}

/* --- deliveries under way -------------------------------------------------------------------- */

static struct delivery *delivery_new(struct door *door)
{
    struct delivery *delivery = door->free_deliveries;
    if (delivery) {
        door->free_deliveries = delivery->next_free;
    } else if (door->all_count < DOOR_IN_FLIGHT_MAX) {
        delivery = must_calloc(1, sizeof *delivery);
        delivery->door = door;
        door->all[door->all_count++] = delivery;
    }
    return delivery;
}

static void delivery_free(struct delivery *delivery)
{
    struct door *door = delivery->door;
    if (delivery->under_way) {
        door->in_flight--;
        door->in_flight_bytes -= delivery->bytes;
        delivery->under_way = false;
    }
    delivery->next_free = door->free_deliveries;
    door->free_deliveries = delivery;
}

/* Whether the journal owes an answer for longer than a request waits: it takes nothing now. */
static bool is_overdue(struct door *door, int64_t now_ms)
{
    if (now_ms - door->looked_mono_ms < LOOK_EVERY_MS) {
        return door->overdue;
    }
    door->looked_mono_ms = now_ms;
    door->overdue = false;
    for (size_t i = 0; i < door->all_count && !door->overdue; i++) {
        const struct delivery *delivery = door->all[i];
        door->overdue = delivery->under_way && now_ms - delivery->sent_mono_ms > door->answer_ms;
    }
    return door->overdue;
}

/* The broker has answered. The request may be gone by then; the delivery is logged all the same. */
static void on_published(void *self, enum fault fault, uint64_t seq, bool duplicate)
{
    (void)seq;
    struct delivery *delivery = self;
    struct door *door = delivery->door;
    enum outcome outcome = fault != OK         ? OUTCOME_FAILED
                           : duplicate         ? OUTCOME_DUPLICATE
                           : delivery->ignored ? OUTCOME_IGNORED
                                               : OUTCOME_RECEIVED;
    count(door, outcome);
    deliveries_note(&door->deliveries, delivery->id, delivery->at_ms, outcome);
    struct web_request *request = web_find(door->web, delivery->ticket);
    if (fault != OK) {
        logs_write(LOGS_ERROR, "the broker refuses an event", "event", delivery->id, "fault",
                   fault_name(fault), NULL);
    }
    if (request && fault == OK && delivery->page) {
        unsubscribe_page_answer(request, UNSUBSCRIBE_DONE);
    } else if (request && fault == OK) {
        say_received(request, duplicate);
    } else if (request) {
        web_problem(request, 500, "cannot be recorded", 0);
    }
    delivery_free(delivery);
}

/* --- from a body to an event ----------------------------------------------------------------- */

/* Sends door->packed. NULL: it could not be, and the request was told; else what more is known
 * about it can be noted. */
static struct delivery *dispatch(struct door *door, struct web_request *request, const char *id,
                                 int64_t now_ms)
{
    struct delivery *delivery = delivery_new(door);
    if (!delivery || door->in_flight_bytes + door->packed.len > DOOR_IN_FLIGHT_BYTES_MAX) {
        if (delivery) {
            delivery_free(delivery);
        }
        refuse_now(door, request, OUTCOME_FULL);
        return NULL;
    }
    delivery->ticket = web_ticket(request);
    delivery->sent_mono_ms = clock_mono_ms();
    delivery->at_ms = now_ms;
    delivery->bytes = door->packed.len;
    delivery->ignored = delivery->page = false;
    snprintf(delivery->id, sizeof delivery->id, "%s", id);
    enum fault fault =
        client_publish(door->client, door->packed.bytes, door->packed.len, on_published, delivery);
    if (fault != OK) {
        delivery_free(delivery);
        refuse_now(door, request, fault_again(fault) ? OUTCOME_FULL : OUTCOME_FAILED);
        return NULL;
    }
    delivery->under_way = true;
    door->in_flight++;
    door->in_flight_bytes += delivery->bytes;
    return delivery;
}

static void publish(struct door *door, struct web_request *request, const struct source *source,
                    const struct translation *translation)
{
    int64_t now_ms = clock_wall_ms();
    char id[EVENT_ID_BYTES_MAX + 1];
    struct intake intake = {source->name, translation, web_body(request), now_ms, ""};
    intake_pack(&intake, id, &door->data, &door->packed);
    struct delivery *delivery = dispatch(door, request, id, now_ms);
    if (delivery) {
        delivery->ignored = *translation->ignored;
    }
}

static enum outcome outcome_of(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_MISSING:
        return OUTCOME_UNSIGNED;
    case VERDICT_DOUBLED:
        return OUTCOME_DOUBLED;
    case VERDICT_FORGED:
        return OUTCOME_FORGED;
    case VERDICT_STALE:
        return OUTCOME_STALE;
    default:
        return OUTCOME_MALFORMED;
    }
}

static size_t headers_of(const struct post *post, const char *name, const char **values,
                         size_t room)
{
    return web_headers(post->request, name, values, room);
}

/* True if somebody was wrong too often; answered then. */
static bool refuse_guesser(struct door *door, struct web_request *request)
{
    if (throttle_allows(&door->throttle, web_address(request), clock_mono_ms())) {
        return false;
    }
    count(door, OUTCOME_THROTTLED);
    web_problem(request, 429, "too many bad requests", RETRY_AFTER_S);
    return true;
}

/* True if nothing can be taken now; answered then. */
static bool refuse_before_work(struct door *door, struct web_request *request)
{
    int64_t now_ms = clock_mono_ms();
    if (refuse_guesser(door, request)) {
        return true;
    }
    if (!client_is_up(door->client)) {
        refuse_now(door, request, OUTCOME_DOWN);
        return true;
    }
    bool refusing = client_trouble(door->client) != OK && client_in_flight(door->client) > 0;
    if (refusing || is_overdue(door, now_ms)) {
        refuse_now(door, request, OUTCOME_FULL);
        return true;
    }
    return false;
}

/* False if the request goes no further: it waits for the document, or is answered. */
static bool has_document(struct door *door, struct web_request *request,
                         const struct source *source, const char *url, struct slice *document)
{
    enum errand errand =
        errands_ask(door->errands, url, web_ticket(request), source->provider->kind, document);
    if (errand == ERRAND_FAILED) {
        throttle_charge(&door->throttle, web_address(request), clock_mono_ms());
        refuse_now(door, request, OUTCOME_UNCHECKED);
    }
    return errand == ERRAND_THERE;
}

static void take(struct door *door, struct web_request *request, struct source *source,
                 struct post *post)
{
    const struct provider *provider = source->provider;
    int64_t now_s = clock_wall_ms() / 1000;
    char url[URL_CHARS_MAX + 1] = "";
    post->own = source->own;
    post->document_url = url;
    enum verdict verdict = provider->verify(post, source->secrets, now_s, source->tolerance_s);
    if (verdict == VERDICT_UNDECIDED) {
        if (!has_document(door, request, source, url, &post->document)) {
            return;
        }
        verdict = provider->verify(post, source->secrets, now_s, source->tolerance_s);
    }
    if (verdict != VERDICT_GENUINE) {
        refuse_bad(door, request, source, outcome_of(verdict));
        return;
    }
    struct translation translation;
    struct slice visited;
    if (tape_parse(&door->tape, post->body.bytes, post->body.len) != OK) {
        refuse_bad(door, request, source, OUTCOME_NOT_JSON);
    } else if (provider->translate(post, &door->tape, &source->rules, &translation) != OK) {
        refuse_bad(door, request, source, OUTCOME_NOT_EVENT);
    } else if (!*translation.visit ||
               has_document(door, request, source, translation.visit, &visited)) {
        publish(door, request, source, &translation);
    }
}

static void on_post(struct door *door, struct web_request *request, enum source_kind kind)
{
    struct post post = {.body = web_body(request), .request = request, .headers = headers_of};
    const char *name = web_param(request, "source");
    struct source *source =
        name ? source_named(&door->sources, kind, name) : source_of(&door->sources, kind, &post);
    if (!source) {
        count(door, OUTCOME_NOT_FOUND);
        web_problem(request, 404, "no provider is configured for this", 0);
    } else if (!refuse_before_work(door, request)) {
        take(door, request, source, &post);
    }
}

static void on_payment(void *self, struct web_request *request)
{
    on_post(self, request, SOURCE_PAYMENT);
}

static void on_support(void *self, struct web_request *request)
{
    on_post(self, request, SOURCE_SUPPORT);
}

static void on_mail(void *self, struct web_request *request)
{
    on_post(self, request, SOURCE_MAIL);
}

/* What a request waited for has come, or cannot be had. It may be gone by then. */
static void on_errand(void *self, uint64_t ticket, int kind)
{
    struct door *door = self;
    struct web_request *request = web_find(door->web, ticket);
    if (request) {
        on_post(door, request, (enum source_kind)kind);
    }
}

/* --- people who leave ------------------------------------------------------------------------ */

static void renew_unsubscribe_key(struct door *door)
{
    if (unsubscribe_key_open(settings_home(door->settings), false, &door->unsubscribe_key) == OK) {
        door->unsubscribe_known = true;
    }
}

/* The id that the link's token stands for; false, having answered, if it is none of ours. */
static bool token_of(struct door *door, struct web_request *request,
                     char id[UNSUBSCRIBE_ID_CHARS + 1])
{
    if (refuse_guesser(door, request)) {
        return false;
    }
    if (!door->unsubscribe_known) {
        renew_unsubscribe_key(door);
    }
    if (door->unsubscribe_known &&
        unsubscribe_check(&door->unsubscribe_key, web_param(request, "token"), id)) {
        return true;
    }
    count(door, OUTCOME_NOT_FOUND);
    throttle_charge(&door->throttle, web_address(request), clock_mono_ms());
    unsubscribe_page_answer(request, UNSUBSCRIBE_UNKNOWN);
    return false;
}

/* Mail programs look at links before people do: to look changes nothing. */
static void on_unsubscribe_look(void *self, struct web_request *request)
{
    char id[UNSUBSCRIBE_ID_CHARS + 1];
    if (token_of(self, request, id)) {
        unsubscribe_page_answer(request, UNSUBSCRIBE_ASK);
    }
}

/* By the page's button, or by a mail program as RFC 8058 has it: no cookies, whatever the body. */
static void on_unsubscribe(void *self, struct web_request *request)
{
    struct door *door = self;
    char id[UNSUBSCRIBE_ID_CHARS + 1];
    struct event event = {.time_ms = clock_wall_ms(), .version = EVENT_VERSION};
    if (!token_of(door, request, id) || refuse_before_work(door, request)) {
        return;
    }
    json_t *data = json_pack("{s:s}", "id", id);
    snprintf(event.id, sizeof event.id, "webhook:unsubscribe:%s", id);
    EVENT_SET(event.type, UNSUBSCRIBE_EVENT);
    EVENT_SET(event.trace, event.id);
    buf_reset(&door->packed);
    event_pack_tree(&event, data, &door->packed);
    json_decref(data);
    struct delivery *delivery = dispatch(door, request, event.id, event.time_ms);
    if (delivery) {
        delivery->page = true;
    }
}

static void on_head(void *self, struct web_request *request)
{
    (void)self;
    web_allow(request);
}

static void on_turned(void *self)
{
    struct door *door = self;
    client_flush(door->client);
}

/* --- opening --------------------------------------------------------------------------------- */

static enum fault open_web(struct door *door, zloop_t *loop)
{
    const struct settings *settings = door->settings;
    size_t body = (size_t)settings_number(settings, "webhook/limits/body");
    const struct web_route routes[] = {
        {"POST", "/api/webhooks/payment", "application/json", body, on_payment},
        {"POST", "/api/webhooks/payment/{source}", "application/json", body, on_payment},
        {"POST", "/api/webhooks/support", "application/json", body, on_support},
        {"POST", "/api/webhooks/support/{source}", "application/json", body, on_support},
        {"POST", "/api/webhooks/mail", NULL, body, on_mail}, /* SNS says text/plain */
        {"POST", "/api/webhooks/mail/{source}", NULL, body, on_mail},
        {"GET", UNSUBSCRIBE_PATH "{token}", NULL, 0, on_unsubscribe_look},
        {"POST", UNSUBSCRIBE_PATH "{token}", NULL, UNSUBSCRIBE_BODY_BYTES_MAX, on_unsubscribe},
        {"HEAD", "/api/webhooks/payment", NULL, 0, on_head},
        {"HEAD", "/api/webhooks/payment/{source}", NULL, 0, on_head},
        {"HEAD", "/api/webhooks/support", NULL, 0, on_head},
        {"HEAD", "/api/webhooks/support/{source}", NULL, 0, on_head},
        {"HEAD", "/api/webhooks/mail", NULL, 0, on_head},
        {"HEAD", "/api/webhooks/mail/{source}", NULL, 0, on_head},
        {NULL, NULL, NULL, 0, NULL},
    };
    struct web_options options = {
        .loop = loop,
        .listen = settings_text(settings, "webhook/listen"),
        .routes = routes,
        .trusted_proxies = settings_text(settings, "webhook/trusted_proxies"),
        .limits = WEB_LIMITS_USUAL,
        .self = door,
        .refused = on_refused,
        .turned = on_turned,
    };
    options.limits.connections_max =
        (size_t)settings_number(settings, "webhook/limits/connections");
    options.limits.connections_per_address_max =
        (size_t)settings_number(settings, "webhook/limits/per_address");
    options.limits.answer_ms = door->answer_ms;
    return web_open(&options, &door->web);
}

enum fault door_open(zloop_t *loop, struct client *client, const struct settings *settings,
                     struct door **out, struct buf *why)
{
    *out = NULL;
    struct sources sources;
    enum fault fault = sources_open(settings, &sources, why);
    if (fault != OK) {
        return fault;
    }
    struct door *door = must_calloc(1, sizeof *door);
    door->client = client;
    door->settings = settings;
    door->sources = sources;
    door->answer_ms = (int)settings_number(settings, "webhook/limits/answer");
    door->throttle.burst = (int)settings_number(settings, "webhook/limits/wrong");
    door->throttle.refill_ms = WRONG_REFILL_MS;
    door->throttle.seed = random_u64();
    fault = errands_new(loop, door->answer_ms, on_errand, door, &door->errands);
    fault = fault == OK ? open_web(door, loop) : fault;
    if (fault != OK) {
        buf_printf(why, "webhook/listen: %s: %s\n", settings_text(settings, "webhook/listen"),
                   fault_words(fault));
        door_close(&door);
        return fault;
    }
    *out = door;
    return OK;
}

void door_close(struct door **door)
{
    struct door *self = *door;
    if (!self) {
        return;
    }
    errands_destroy(&self->errands);
    web_close(&self->web);
    for (size_t i = 0; i < self->all_count; i++) {
        free(self->all[i]);
    }
    sources_close(&self->sources);
    tape_fini(&self->tape);
    buf_fini(&self->data);
    buf_fini(&self->packed);
    deliveries_fini(&self->deliveries);
    free(self);
    *door = NULL;
}

void door_renew_secrets(struct door *door)
{
    for (size_t i = 0; i < door->sources.count; i++) {
        source_renew(&door->sources.all[i]);
    }
    renew_unsubscribe_key(door);
}

const struct sources *door_sources(const struct door *door)
{
    return &door->sources;
}

struct deliveries *door_deliveries(struct door *door)
{
    return &door->deliveries;
}

const struct outcomes *door_outcomes(const struct door *door)
{
    return &door->total;
}

const struct outcomes *door_interval(const struct door *door)
{
    return &door->interval;
}

void door_interval_over(struct door *door)
{
    door->interval = (struct outcomes){0};
}

size_t door_in_flight(const struct door *door)
{
    return door->in_flight;
}

size_t door_connections(const struct door *door)
{
    return web_connections(door->web);
}
