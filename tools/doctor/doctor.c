#include "doctor_core.h"

#include "clock.h"
#include "must.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 10, CLEAN_BYTES = 300 };

/* Memory that lives as long as the doctor: a list of pieces. */
struct room {
    struct room *next;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct finding_state {
    enum health health;
    bool awaited;
    struct buf seen;
    struct buf todo;
    json_t *records;
};

static const struct {
    const char *name, *wrong, *why, *todo;
} rows[CHECK_COUNT] = {
#define X(ID, name, wrong, why, todo) {name, wrong, why, todo},
#include "checks_table.h"
#undef X
};

void *doctor_room(struct doctor *doctor, size_t bytes)
{
    struct room *room = must_calloc(1, sizeof *room + bytes);
    room->next = doctor->rooms;
    doctor->rooms = room;
    return room->bytes;
}

char *doctor_keep(struct doctor *doctor, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    MUST(len >= 0);
    char *kept = doctor_room(doctor, (size_t)len + 1);
    memcpy(kept, text, (size_t)len);
    free(text);
    return kept;
}

/* --- findings --------------------------------------------------------------------------------- */

static void add_line(struct buf *buf, const char *format, va_list arguments)
{
    char *text = NULL;
    MUST(vasprintf(&text, format, arguments) >= 0);
    if (*text && !strstr(buf_text(buf), text)) { /* several sources may say the same */
        buf_printf(buf, "%s%s", buf->len > 0 ? "\n" : "", text);
    }
    free(text);
}

void doctor_say(struct doctor *doctor, enum check check, enum health health, const char *format,
                ...)
{
    struct finding_state *state = &doctor->findings[check];
    if (health < state->health) {
        return;
    }
    if (health > state->health) {
        buf_reset(&state->seen);
        buf_reset(&state->todo); /* said before a worse one of another thing */
    }
    state->health = health;
    va_list arguments;
    va_start(arguments, format);
    add_line(&state->seen, format, arguments);
    va_end(arguments);
}

void doctor_fine(struct doctor *doctor, enum check check)
{
    doctor_say(doctor, check, HEALTH_FINE, "%s", "");
}

void doctor_await(struct doctor *doctor, enum check check)
{
    doctor->findings[check].awaited = true;
}

void doctor_todo(struct doctor *doctor, enum check check, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_line(&doctor->findings[check].todo, format, arguments);
    va_end(arguments);
}

void doctor_record(struct doctor *doctor, enum check check, const char *name, const char *value)
{
    json_t *record = json_object();
    tree_set_text(record, "name", name);
    tree_set_text(record, "type", "TXT");
    tree_set_text(record, "value", value);
    json_array_append_new(doctor->findings[check].records, record);
}

struct finding doctor_finding(const struct doctor *doctor, enum check check)
{
    struct finding_state *state = &doctor->findings[check];
    return (struct finding){.name = rows[check].name,
                            .wrong = rows[check].wrong,
                            .why = rows[check].why,
                            .health = state->health,
                            .seen = buf_text(&state->seen),
                            .todo = state->todo.len > 0 ? buf_text(&state->todo) : rows[check].todo,
                            .records = state->records};
}

const char *health_word(enum health health)
{
    static const char *const words[] = {[HEALTH_SKIPPED] = "not applicable",
                                        [HEALTH_FINE] = "fine",
                                        [HEALTH_UNKNOWN] = "could not tell",
                                        [HEALTH_WARNING] = "warning",
                                        [HEALTH_TROUBLE] = "trouble"};
    return words[health];
}

/* --- errands ---------------------------------------------------------------------------------- */

struct errand {
    struct doctor *doctor;
    struct errand *next; /* of those that wait for a place */
    struct call call;
    bool outside;
    doctor_heard *heard;
    doctor_named *named;
    void *about;
};

/* The answer that shows our clock in the best light counts: a wrong one may be theirs. */
static void note_clock(struct doctor *doctor, const struct answer *answer)
{
    int64_t off_ms = clock_wall_ms() - answer->date_ms;
    if (answer->date_ms == 0) {
        return;
    }
    if (!doctor->heard_clock || llabs(off_ms) < llabs(doctor->clock_off_ms)) {
        doctor->clock_off_ms = off_ms;
    }
    doctor->heard_clock = true;
}

static void on_answer(void *self, const struct answer *answer)
{
    struct errand *errand = self;
    errand->doctor->pending--;
    if (errand->outside) {
        note_clock(errand->doctor, answer);
    }
    errand->heard(errand->doctor, errand->about, answer);
}

/* There is no answer, and there will be none. */
static void tell_fault(struct errand *errand, enum fault fault)
{
    struct answer answer = {.fault = fault, .body = "", .type = "", .redirect = ""};
    answer.words = fault == FAULT_DENIED
                       ? "the address is not one that usher calls: https:// is needed"
                       : fault_words(fault);
    on_answer(errand, &answer);
}

/* Starts what waits, as far as there are places. */
static void start_waiting(struct doctor *doctor)
{
    while (doctor->waiting && (doctor->late || http_out_running(doctor->http) < HTTP_CALLS_MAX)) {
        struct errand *errand = doctor->waiting;
        int64_t id;
        doctor->waiting = errand->next;
        enum fault fault = doctor->late ? FAULT_TIMEOUT
                                        : http_out_start(doctor->http, &errand->call, on_answer,
                                                         NULL, errand, &id);
        call_fini(&errand->call);
        if (fault != OK) {
            tell_fault(errand, fault);
        }
    }
}

void doctor_call(struct doctor *doctor, struct call *call, bool outside, doctor_heard *heard,
                 void *about)
{
    struct errand *errand = doctor_room(doctor, sizeof *errand);
    struct errand **last = &doctor->waiting;
    *errand = (struct errand){
        .doctor = doctor, .call = *call, .outside = outside, .heard = heard, .about = about};
    *call = (struct call){0};
    errand->call.timeout_ms = DOCTOR_CALL_MS;
    if (doctor->options->ca && errand->call.ca.len == 0) {
        buf_add_text(&errand->call.ca, doctor->options->ca);
    }
    while (*last) {
        last = &(*last)->next;
    }
    *last = errand;
    doctor->pending++;
}

static void on_texts(void *self, enum dns_answer answer, const char *const *texts, size_t count)
{
    struct errand *errand = self;
    errand->doctor->pending--;
    errand->named(errand->doctor, errand->about, answer, texts, count);
}

void doctor_texts(struct doctor *doctor, const char *name, doctor_named *named, void *about)
{
    struct errand *errand = doctor_room(doctor, sizeof *errand);
    *errand = (struct errand){.doctor = doctor, .named = named, .about = about};
    if (doctor->late || !doctor->dns) {
        named(doctor, about, DNS_SILENT, NULL, 0);
        return;
    }
    doctor->pending++;
    dns_texts(doctor->dns, name, on_texts, errand);
}

/* --- reading answers -------------------------------------------------------------------------- */

json_t *doctor_json(const struct answer *answer)
{
    json_t *tree = json_loadb(answer->body, answer->len, JSON_REJECT_DUPLICATES, NULL);
    if (tree && !json_is_object(tree)) {
        json_decref(tree);
        tree = NULL;
    }
    return tree;
}

const char *doctor_unreached(struct doctor *doctor, const struct answer *answer)
{
    if (answer->fault == FAULT_TIMEOUT) {
        return doctor_keep(doctor, "no answer within %d s", DOCTOR_CALL_MS / 1000);
    }
    if (answer->fault == FAULT_TOO_LARGE) {
        return "the answer does not end";
    }
    return *answer->words ? doctor_clean(doctor, answer->words) : fault_words(answer->fault);
}

const char *doctor_certificate_words(enum answer_tls tls)
{
    switch (tls) {
    case ANSWER_TLS_NAME:
        return "the certificate is for another name";
    case ANSWER_TLS_EXPIRED:
        return "the certificate has run out, or is not valid yet";
    case ANSWER_TLS_STRANGER:
        return "the certificate is signed by itself, or by nobody whom others trust";
    case ANSWER_TLS_BROKEN:
        return "no encrypted connection comes about";
    case ANSWER_TLS_NONE:
        return "there is no encryption";
    case ANSWER_TLS_FINE:
        break;
    }
    return "";
}

const char *doctor_clean(struct doctor *doctor, const char *text)
{
    char *out = doctor_room(doctor, CLEAN_BYTES);
    size_t len = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at && len < CLEAN_BYTES - 4;
         at++) {
        out[len++] = *at < ' ' || *at >= 0x7f ? '?' : (char)*at;
    }
    return out;
}

static char *part_of(const char *url, CURLUPart part)
{
    char *text = NULL;
    CURLU *parts = curl_url();
    MUST(parts);
    if (curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        (void)curl_url_get(parts, part, &text, 0);
    }
    curl_url_cleanup(parts);
    return text; /* curl_free */
}

const char *doctor_place(struct doctor *doctor, const char *url)
{
    char *scheme = part_of(url, CURLUPART_SCHEME);
    char *host = part_of(url, CURLUPART_HOST);
    char *port = part_of(url, CURLUPART_PORT);
    char *path = part_of(url, CURLUPART_PATH);
    const char *place = "(not an address)";
    if (scheme && host) {
        char *whole = doctor_keep(doctor, "%s://%s%s%s%s", scheme, host, port ? ":" : "",
                                  port ? port : "", path ? path : "");
        place = doctor_clean(doctor, whole);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    return place;
}

const char *doctor_host(struct doctor *doctor, const char *url)
{
    char *host = part_of(url, CURLUPART_HOST);
    size_t len = host ? strlen(host) : 0;
    bool bracketed = len > 2 && host[0] == '[' && host[len - 1] == ']'; /* IPv6 */
    char *kept = doctor_keep(doctor, "%.*s", (int)(bracketed ? len - 2 : len),
                             bracketed ? host + 1
                             : host    ? host
                                       : "");
    curl_free(host);
    for (char *at = kept; *at; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    }
    return kept;
}

/* --- the round -------------------------------------------------------------------------------- */

/* Of several sources of one provider the first has the path without a name, too. */
static bool is_first(const struct doctor *doctor, const struct source *source)
{
    for (const struct source *each = doctor->sources; each < source; each++) {
        if (strcmp(each->kind, source->kind) == 0 &&
            strcmp(each->provider, source->provider) == 0) {
            return false;
        }
    }
    return true;
}

static void add_source(struct doctor *doctor, const char *kind, size_t section, bool several)
{
    struct config_view *config = doctor->config;
    const char *base = config_text(config, ZPL_TOP, "webhook/url", "");
    int len = (int)strlen(base);
    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    struct source *source = &doctor->sources[doctor->source_count++];
    source->doctor = doctor;
    source->kind = kind;
    source->section = section;
    source->provider = section ? config_text(config, section, "provider", "stripe") : "stripe";
    source->name = section ? config_text(config, section, "name", source->provider) : "stripe";
    source->mode = section ? config_text(config, section, "mode", "test") : "test";
    source->live = strcmp(source->mode, "live") == 0;
    source->label = several ? doctor_keep(doctor, "%s: ", source->name) : "";
    source->endpoint = source->other = "";
    if (len > 0) {
        const char *plain = doctor_keep(doctor, "%.*s/api/webhooks/%s", len, base, kind);
        const char *named = doctor_keep(doctor, "%s/%s", plain, source->name);
        source->endpoint = several ? named : plain;
        source->other = !several ? named : is_first(doctor, source) ? plain : "";
    }
}

/* As the webhook actor reads them: without a section for payments there is one of Stripe. */
static void read_sources(struct doctor *doctor)
{
    static const char *const kinds[] = {"payment", "support", "mail"};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const char *path = doctor_keep(doctor, "webhook/%s", kinds[k]);
        bool several = config_section(doctor->config, path, 1) != ZPL_NONE;
        for (size_t i = 0; doctor->source_count < DOCTOR_SOURCES_MAX; i++) {
            size_t section = config_section(doctor->config, path, i);
            if (!section && (k > 0 || i > 0)) {
                break;
            }
            add_source(doctor, kinds[k], section, several);
        }
    }
}

/* Ends the loop's turn once all answers are there. */
static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    struct doctor *doctor = self;
    start_waiting(doctor);
    return doctor->pending == 0 || clock_mono_ms() >= doctor->started_ms + DOCTOR_MS ? -1 : 0;
}

static void judge_clock(struct doctor *doctor)
{
    long long off_s = (long long)(doctor->clock_off_ms / 1000);
    if (!doctor->heard_clock) {
        return; /* nobody outside was asked, or none said the time */
    }
    if (llabs(doctor->clock_off_ms) > DOCTOR_CLOCK_MS_MAX) {
        doctor_say(doctor, CHECK_CLOCK_OFF, HEALTH_TROUBLE, "it is %lld s %s", llabs(off_s),
                   off_s > 0 ? "ahead" : "behind");
    } else {
        doctor_fine(doctor, CHECK_CLOCK_OFF);
    }
}

static void end_waiting(struct doctor *doctor)
{
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        if (doctor->findings[i].awaited && doctor->findings[i].health == HEALTH_SKIPPED) {
            doctor_say(doctor, (enum check)i, HEALTH_UNKNOWN, "no answer in time");
        }
    }
}

struct doctor *doctor_new(const struct doctor_options *options)
{
    struct doctor *doctor = must_calloc(1, sizeof *doctor);
    doctor->options = options;
    doctor->started_ms = clock_mono_ms();
    doctor->findings = must_calloc(CHECK_COUNT, sizeof *doctor->findings);
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        doctor->findings[i].records = json_array();
    }
    doctor->config = config_view_open(options->home);
    doctor->loop = zloop_new();
    MUST(doctor->loop && http_out_new(doctor->loop, &doctor->http) == OK);
    doctor->dns = dns_new(doctor->loop, options->dns);
    read_sources(doctor);
#define X(name) area_##name(doctor);
#include "areas_table.h"
#undef X
    int timer = zloop_timer(doctor->loop, TICK_MS, 0, on_tick, doctor);
    (void)zloop_start(doctor->loop);
    zloop_timer_end(doctor->loop, timer);
    doctor->late = true;
    start_waiting(doctor);
    http_out_destroy(&doctor->http);
    dns_destroy(&doctor->dns); /* tells what is still under way that nothing came */
    judge_clock(doctor);
    end_waiting(doctor);
    doctor->options = NULL;
    return doctor;
}

void doctor_destroy(struct doctor **out)
{
    struct doctor *doctor = *out;
    if (!doctor) {
        return;
    }
    zloop_destroy(&doctor->loop);
    config_view_close(&doctor->config);
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        buf_fini(&doctor->findings[i].seen);
        buf_fini(&doctor->findings[i].todo);
        json_decref(doctor->findings[i].records);
    }
    free(doctor->findings);
    while (doctor->rooms) {
        struct room *room = doctor->rooms;
        doctor->rooms = room->next;
        free(room);
    }
    free(doctor);
    *out = NULL;
}

bool doctor_dns_good(const char *server)
{
    zloop_t *loop = zloop_new();
    struct dns *dns = dns_new(loop, server);
    bool good = dns != NULL;
    dns_destroy(&dns);
    zloop_destroy(&loop);
    return good;
}
