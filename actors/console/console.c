#include "console.h"

#include "act.h"
#include "clock.h"
#include "gate.h"
#include "live.h"
#include "logs.h"
#include "must.h"
#include "passwords.h"
#include "people.h"
#include "projection.h"
#include "routes.h"
#include "sessions.h"
#include "tokens.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 250, FORMAT = 1, LINES_KEPT_MAX = 256 };

static const struct setting console_settings[] = {
    {"console/listen", SETTING_ADDRESS, "127.0.0.1:8081", 0, 0, NULL,
     "Where the console listens; a proxy with TLS stands in front."},
    {"console/url", SETTING_TEXT, "", 0, 200, NULL,
     "Under which people reach it, such as https://usher.example.com; empty: http://<listen>."},
    {"console/trusted_proxies", SETTING_TEXT, "127.0.0.1 ::1", 0, 1000, NULL,
     "Addresses or networks whose X-Forwarded-For is believed."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

/* Of every answer; reliability is not left to handlers. */
static const char *const headers[] = {
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "Referrer-Policy", /* not no-referrer: a form of ours would come with the origin "null" */
    "same-origin",
    "Cross-Origin-Opener-Policy",
    "same-origin",
    "Cross-Origin-Resource-Policy",
    "same-origin",
    "X-Frame-Options",
    "DENY",
    NULL};

/* What the open batch made: pages are told, and acts answered, when it has been committed. */
struct happened {
    uint64_t seq;
    char id[EVENT_ID_BYTES_MAX + 1]; /* of what a person did; "" else */
    json_t *line;                    /* NULL: nothing to show */
};

struct feed {
    struct console console;
    struct happened *happened;
    size_t count, room;
    char *url;
    int timer;
};

/* --- the feed ---------------------------------------------------------------------------------- */

static void forget(struct feed *feed, size_t from)
{
    for (size_t i = from; i < feed->count; i++) {
        json_decref(feed->happened[i].line);
    }
    feed->count = from;
}

/* A batch that was given up comes again: what it had made is forgotten. */
static void remember(struct feed *feed, const struct event *event, json_t *line)
{
    size_t keep = feed->count;
    while (keep && feed->happened[keep - 1].seq >= event->seq) {
        keep--;
    }
    forget(feed, keep);
    bool ours = strncmp(event->type, "admin.", 6) == 0;
    bool shown = line && live_pages(feed->console.live) > 0;
    if (!ours && !shown) {
        json_decref(line);
        return;
    }
    if (feed->count == feed->room) {
        feed->room = feed->room ? 2 * feed->room : 64;
        feed->happened = must_realloc(feed->happened, feed->room * sizeof *feed->happened);
    }
    struct happened *one = &feed->happened[feed->count++];
    *one = (struct happened){.seq = event->seq, .line = line};
    EVENT_SET(one->id, ours ? event->id : "");
}

static enum fault console_apply(void *self, struct store_txn *txn, const struct event *event)
{
    struct feed *feed = self;
    json_t *line = NULL;
    enum fault fault = projection_apply(txn, event, &line);
    if (fault == OK) {
        remember(feed, event, line);
    } else {
        json_decref(line);
    }
    return fault;
}

/* A flood is shown by its newest: a page that was not there does not miss the rest. */
static void console_committed(void *self)
{
    struct feed *feed = self;
    size_t first = feed->count > LINES_KEPT_MAX ? feed->count - LINES_KEPT_MAX : 0;
    for (size_t i = 0; i < feed->count; i++) {
        if (*feed->happened[i].id) {
            acts_seen(&feed->console, feed->happened[i].id);
        }
        if (feed->happened[i].line && i >= first) {
            live_line(feed->console.live, feed->happened[i].line);
        }
    }
    forget(feed, 0);
}

static void console_connection(void *self, bool up)
{
    struct feed *feed = self;
    (void)up;
    if (feed->console.live) {
        live_state_changed(feed->console.live);
    }
}

static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    struct feed *feed = self;
    int64_t now = clock_mono_ms();
    acts_sweep(&feed->console, now);
    live_tick(feed->console.live, now);
    sessions_sweep(feed->console.vault, clock_wall_ms());
    return 0;
}

/* --- questions --------------------------------------------------------------------------------- */

struct told {
    struct actor *actor;
    struct event event;
    json_t *data;
};

static enum fault tell(void *self, struct store_txn *txn)
{
    struct told *told = self;
    return actor_emit(told->actor, txn, &told->event, told->data);
}

/* Somebody at the machine made a new link for a person: it stands in the audit as all that is done. */
static enum fault tell_rescue(struct feed *feed, const char *who, const char *name)
{
    struct told told = {.actor = feed->console.actor, .data = json_object()};
    snprintf(told.event.id, sizeof told.event.id, "console:%016llx",
             (unsigned long long)random_u64());
    EVENT_SET(told.event.type, "admin.person_changed");
    EVENT_SET(told.event.trace, told.event.id);
    told.event.time_ms = clock_wall_ms();
    told.event.version = EVENT_VERSION;
    tree_set_text(told.data, "person", name);
    tree_set_text(told.data, "what", "invited");
    tree_set_text(told.data, "by", who);
    tree_set_text(told.data, "reason", "at the machine: usher owner");
    enum fault fault = actor_change(feed->console.actor, tell, &told);
    json_decref(told.data);
    return fault;
}

/* `usher up` asks whether there is an owner, and prints the link that makes the first one; `usher owner`
 * asks for a new link for one. Whoever may ask has a key of this home. */
static json_t *console_answer(void *self, const char *who, const json_t *question,
                              enum fault *fault)
{
    struct feed *feed = self;
    char token[PEOPLE_TOKEN_CHARS + 1];
    const char *ask = tree_text(question, "ask"), *name = tree_text(question, "name");
    bool rescues = strcmp(ask, "rescue") == 0;
    if (!rescues && strcmp(ask, "first_owner") != 0) {
        *fault = FAULT_NOT_FOUND;
        return NULL;
    }
    json_t *answer = json_object();
    if (rescues) {
        struct person person;
        *fault = people_find(feed->console.vault, name, &person);
        *fault = *fault == OK ? tell_rescue(feed, who, name) : *fault;
        *fault = *fault == OK ? people_rescue(feed->console.vault, name, clock_wall_ms(), token)
                              : *fault;
    } else {
        *fault = people_first_link(feed->console.vault, clock_wall_ms(), token);
    }
    if (*fault == OK) {
        char *link = must_sprintf("%s/welcome?token=%s", feed->console.url, token);
        tree_set_text(answer, "link", link);
        free(link);
    } else if (*fault == FAULT_CONFLICT) { /* there is one */
        tree_set(answer, "link", json_null());
        *fault = OK;
    }
    if (*fault != OK) {
        json_decref(answer);
        answer = NULL;
    }
    return answer;
}

static void console_report(void *self, json_t *into)
{
    struct feed *feed = self;
    tree_set_int(into, "connections", (int64_t)web_connections(feed->console.web));
    tree_set_int(into, "pages", (int64_t)live_pages(feed->console.live));
    tree_set_int(into, "requests", feed->console.requests);
}

/* --- opening ----------------------------------------------------------------------------------- */

static bool check_url(const char *url, struct buf *why)
{
    size_t len = strlen(url);
    bool http = strncmp(url, "http://", 7) == 0, https = strncmp(url, "https://", 8) == 0;
    if (!*url || ((http || https) && url[len - 1] != '/')) {
        return true;
    }
    buf_add_text(why,
                 "usher.cfg: console/url: expected https://name, without a slash at the end\n");
    return false;
}

static enum fault check(const struct settings *settings, struct buf *why)
{
    bool fine = check_url(settings_text(settings, "console/url"), why);
    if (!web_are_networks(settings_text(settings, "console/trusted_proxies"))) {
        buf_add_text(why, "usher.cfg: console/trusted_proxies: expected addresses or networks\n");
        fine = false;
    }
    return fine ? OK : FAULT_CONFIG;
}

static void console_close(void **state)
{
    struct feed *feed = *state;
    if (feed) {
        web_close(&feed->console.web);
        acts_fini(&feed->console);
        live_destroy(&feed->console.live);
        tokens_destroy(&feed->console.tokens);
        vault_close(&feed->console.vault);
        forget(feed, 0);
        free(feed->happened);
        free(feed->url);
        free(feed);
        *state = NULL;
    }
}

static void read_mode(struct console *console)
{
    char *mode = NULL;
    const char *home = actor_home(console->actor);
    console->live_mode =
        settings_peek(home, "usher.cfg", "webhook/payment/mode", "test", &mode) == OK &&
        strcmp(mode, "live") == 0;
    free(mode);
}

static enum fault open_web(struct feed *feed, struct buf *why)
{
    struct console *console = &feed->console;
    const struct settings *settings = actor_settings(console->actor);
    struct web_route *routes = routes_for_web(gate_enter);
    struct web_limits limits = WEB_LIMITS_USUAL;
    struct web_options options = {.loop = actor_loop(console->actor),
                                  .listen = settings_text(settings, "console/listen"),
                                  .routes = routes,
                                  .trusted_proxies =
                                      settings_text(settings, "console/trusted_proxies"),
                                  .limits = limits,
                                  .headers = headers,
                                  .self = console};
    enum fault fault = web_open(&options, &console->web);
    free(routes);
    if (fault != OK) {
        buf_printf(why, "console/listen: %s: %s\n", options.listen, fault_words(fault));
        return fault;
    }
    const char *url = settings_text(settings, "console/url");
    feed->url = *url ? must_strdup(url) : must_sprintf("http://%s", options.listen);
    console->url = feed->url;
    console->secure = strncmp(feed->url, "https://", 8) == 0;
    return OK;
}

static enum fault console_open(struct actor *actor, bool check_only, void **state, struct buf *why)
{
    enum fault fault = check(actor_settings(actor), why);
    if (fault != OK || check_only) {
        return fault;
    }
    struct feed *feed = must_calloc(1, sizeof *feed);
    *state = feed;
    feed->console.actor = actor;
    feed->console.live = live_new(&feed->console);
    read_mode(&feed->console);
    /* makes nobody's hash, so that the first stranger waits no longer */
    (void)passwords_match(NULL, "");
    fault = vault_open(actor_home(actor), &feed->console.vault);
    if (fault == OK) {
        fault = tokens_open(actor_home(actor), &feed->console.tokens);
    }
    if (fault != OK) {
        buf_printf(why, "who may sign in: %s\n", fault_words(fault));
    } else {
        fault = open_web(feed, why);
    }
    if (fault != OK) {
        console_close(state);
        return fault;
    }
    feed->timer = zloop_timer(actor_loop(actor), TICK_MS, 0, on_tick, feed);
    MUST(feed->timer >= 0);
    return OK;
}

static const struct setting *const tables_of_settings[] = {console_settings, NULL};
static const char *const topics[] = {"*", NULL};
static const char *const tables[] = {PROJECTION_TABLE_NAMES, NULL};

const struct actor_class console_actor = {.name = "console",
                                          .settings = tables_of_settings,
                                          .topics = topics,
                                          .tables = tables,
                                          .format = FORMAT,
                                          .open = console_open,
                                          .close = console_close,
                                          .apply = console_apply,
                                          .committed = console_committed,
                                          .connection = console_connection,
                                          .answer = console_answer,
                                          .report = console_report};
