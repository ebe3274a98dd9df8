#include "alert.h"

#include "clock.h"
#include "console_link.h"
#include "money.h"
#include "must.h"
#include "providers.h"
#include "settings.h"
#include "sights.h"
#include "silences.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_MS = 500,
    NOTICES_SHOWN = 50,
    NOTICE_TOO_OLD_MS = 72 * 3600 * 1000,
    TEST_TOO_OLD_MS = 3600 * 1000,
    HOOKS_MAX = JOBS_SLOTS_MAX,
    HOOK_NAME_BYTES = 48
};

struct alert {
    struct actor *actor;
    struct jobs *jobs;
    struct watch watch;
    struct sights sights;
    struct watch_sight seen[SIGHTS_MAX];
    size_t seen_count;
    char names[HOOKS_MAX][HOOK_NAME_BYTES];
    struct jobs_slot hooks[HOOKS_MAX];
    size_t hook_count;
    int timer;
    char *console; /* where people reach the console, without a slash at the end */
    int64_t raised, cleared;
};

#define DECLARE(name) extern const struct adapter alert_##name;
#define ADDRESS(name) &alert_##name,
PROVIDERS(DECLARE)
static const struct adapter *const adapters[] = {PROVIDERS(ADDRESS) NULL};

static const struct setting alert_settings[] = {
    {"alert/crm_behind", SETTING_DURATION, "10m", 10, 86400000, NULL,
     "How long a member's newest version may be missing in the CRM."},
    {"alert/latency", SETTING_DURATION, "5m", 10, 86400000, NULL,
     "What 95 of 100 changes may take until the CRM has them."},
    {"alert/missing", SETTING_DURATION, "30s", 3000, 86400000, NULL,
     "How long a process may be away."},
    {"alert/lag", SETTING_DURATION, "60s", 100, 86400000, NULL, "How far a process may be behind."},
    {"alert/quiet", SETTING_DURATION, "0s", 0, INT64_C(31536000000), NULL,
     "How long the payment provider may say nothing at all, such as 26h; 0s: for ever."},
    {"alert/ticket_behind", SETTING_DURATION, "10m", 10, 86400000, NULL,
     "How long a ticket may wait for the member's context."},
    {"alert/disk", SETTING_NUMBER, "80", 1, 99, NULL, "How full the disk may be, in per cent."},
    JOBS_SETTINGS("alert"),
    {"alert/hook/provider", SETTING_CHOICE, "local", 0, 0, PROVIDER_NAMES,
     "Who is told: usher's own list (local), or a place where people read."},
    {"alert/hook/url", SETTING_SECRET, "", 0, 0, NULL,
     "Where it is: the URL of Slack's or Discord's webhook, of any HTTP address, or of PagerDuty's "
     "events."},
    {"alert/hook/key", SETTING_SECRET, "", 0, 0, NULL,
     "PagerDuty's integration key; what posts to any HTTP address are signed with."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

/* --- to the hooks ----------------------------------------------------------------------------- */

/* One job for each hook. Those of a hook go out in order. */
static enum fault deliver(struct alert *alert, struct store_txn *txn, const char *kind,
                          const char *what, const json_t *payload, bool too_old,
                          const struct event *event)
{
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < alert->hook_count; i++) {
        char key[JOBS_KEY_BYTES_MAX + 1];
        snprintf(key, sizeof key, "%.240s@%s", what, alert->names[i]);
        struct jobs_spec spec = {.key = key,
                                 .kind = kind,
                                 .member = tree_text(payload, "member"),
                                 .order = alert->names[i],
                                 .slot = alert->names[i],
                                 .payload = payload};
        fault = too_old ? jobs_skip(alert->jobs, txn, &spec, event, "too old")
                        : jobs_add(alert->jobs, txn, &spec, event);
    }
    return fault;
}

/* Where it is seen and mended: a member's page where it is about one. */
static void set_link(const struct alert *alert, json_t *payload, const char *page,
                     const char *member)
{
    struct buf link = {0};
    console_link(alert->console, page, member, &link);
    tree_set_text(payload, "link", buf_text(&link));
    buf_fini(&link);
}

/* Alerts that are mended at a member's page have the member for object. */
static bool about_member(const char *page)
{
    return strcmp(page, "members") == 0;
}

/* Our own alert.raised and alert.cleared, read back from the journal. */
static enum fault tell_hooks(struct alert *alert, struct store_txn *txn, const struct event *event,
                             const json_t *data)
{
    char what[JOBS_KEY_BYTES_MAX + 1];
    const char *state = strcmp(event->type, "alert.raised") == 0 ? "raised" : "cleared";
    snprintf(what, sizeof what, "%s:%.160s:%lld:%s", tree_text(data, "rule"),
             tree_text(data, "object"), (long long)tree_int(data, "n"), state);
    json_t *payload = json_deep_copy(data);
    tree_set_text(payload, "state", state);
    tree_set_int(payload, "time", event->time_ms);
    enum alert_rule rule = alert_rule_of(tree_text(data, "rule"));
    const char *page = rule < ALERT_RULES ? alert_row(rule)->page : "alerts";
    set_link(alert, payload, page, about_member(page) ? tree_text(data, "object") : "");
    enum fault fault = deliver(alert, txn, tree_text(data, "rule"), what, payload, false, event);
    json_decref(payload);
    return fault;
}

/* While it is silenced what is raised is held; what was held is over without a word. */
static enum fault deliver_alert(struct alert *alert, struct store_txn *txn,
                                const struct event *event, const json_t *data)
{
    const char *rule = tree_text(data, "rule"), *object = tree_text(data, "object");
    int64_t until_ms = 0;
    bool held = false;
    if (strcmp(event->type, "alert.cleared") == 0) {
        enum fault fault = silences_forget(txn, rule, object, &held);
        return fault != OK || held ? fault : tell_hooks(alert, txn, event, data);
    }
    enum fault fault = silences_until(txn, rule, object, event->time_ms, &until_ms);
    if (fault != OK) {
        return fault;
    }
    return until_ms ? silences_hold(txn, event, data) : tell_hooks(alert, txn, event, data);
}

/* A silence is over, and what it held still stands. */
static enum fault tell_held(void *self, struct store_txn *txn)
{
    struct alert *alert = self;
    json_t *held = NULL;
    enum fault fault = silences_due(txn, clock_wall_ms(), &held);
    while (fault == OK && held) {
        struct event event = {.time_ms = tree_int(held, "time"), .version = EVENT_VERSION};
        const json_t *data = tree_get(held, "data");
        bool was;
        EVENT_SET(event.id, tree_text(held, "event"));
        EVENT_SET(event.trace, tree_text(held, "trace"));
        EVENT_SET(event.type, "alert.raised");
        fault = tell_hooks(alert, txn, &event, data);
        if (fault == OK) {
            fault = silences_forget(txn, tree_text(data, "rule"), tree_text(data, "object"), &was);
        }
        json_decref(held);
        held = NULL;
        fault = fault == OK ? silences_due(txn, clock_wall_ms(), &held) : fault;
    }
    json_decref(held);
    return fault;
}

static const char *notice_title(const char *kind)
{
    static const struct {
        const char *kind;
        const char *title;
    } titles[] = {
#define X(kind, title) {kind, title},
#include "notice_table.h"
#undef X
    };
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
        if (strcmp(titles[i].kind, kind) == 0) {
            return titles[i].title;
        }
    }
    return kind;
}

static json_t *notice_of(const json_t *effect, const char *member, int64_t time_ms)
{
    const json_t *data = tree_get(effect, "data");
    const char *name = tree_text(effect, "name");
    struct buf text = {0};
    struct buf todo = {0};
    buf_printf(&text, "%s: ", notice_title(tree_text(effect, "kind")));
    if (tree_int(data, "amount") != 0) {
        money_words(tree_int(data, "amount"), tree_text(data, "currency"), &text);
        buf_add_text(&text, ", ");
    }
    buf_printf(&text, "%s (%s)", *name ? name : tree_text(effect, "email"),
               tree_text(data, "object"));
    buf_printf(&todo, "usher member %s", member);
    json_t *notice = json_object();
    tree_set_text(notice, "rule", tree_text(effect, "kind"));
    tree_set_text(notice, "object", tree_text(data, "object"));
    tree_set_text(notice, "member", member);
    tree_set_text(notice, "text", buf_text(&text));
    tree_set_text(notice, "todo", buf_text(&todo));
    tree_set_text(notice, "state", "notice");
    tree_set_int(notice, "time", time_ms);
    buf_fini(&text);
    buf_fini(&todo);
    return notice;
}

static enum fault deliver_notices(struct alert *alert, struct store_txn *txn,
                                  const struct event *event, const json_t *document)
{
    const json_t *effects = tree_get(document, "effects");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < json_array_size(effects); i++) {
        const json_t *effect = json_array_get(effects, i);
        const char *key = tree_text(effect, "key");
        if (strcmp(tree_text(effect, "to"), "alert") != 0 || !*key) {
            continue;
        }
        bool too_old = event->time_ms - tree_int(effect, "at") > NOTICE_TOO_OLD_MS;
        json_t *notice = notice_of(effect, tree_text(document, "id"), event->time_ms);
        set_link(alert, notice, "members", tree_text(document, "id"));
        fault = deliver(alert, txn, tree_text(effect, "kind"), key, notice, too_old, event);
        json_decref(notice);
    }
    return fault;
}

/* admin.tested: a word to every hook, whatever stands. */
static enum fault deliver_test(struct alert *alert, struct store_txn *txn,
                               const struct event *event)
{
    char what[JOBS_KEY_BYTES_MAX + 1];
    json_t *payload = json_object();
    snprintf(what, sizeof what, "test:%.230s", event->id);
    tree_set_text(payload, "rule", "test");
    tree_set_text(payload, "object", event->id);
    tree_set_text(payload, "state", "test");
    tree_set_text(payload, "text", "This is a test: alerts of usher arrive here");
    tree_set_int(payload, "time", event->time_ms);
    set_link(alert, payload, "alerts", "");
    bool too_old = clock_wall_ms() - event->time_ms > TEST_TOO_OLD_MS;
    enum fault fault = deliver(alert, txn, "test", what, payload, too_old, event);
    json_decref(payload);
    return fault;
}

/* --- events ----------------------------------------------------------------------------------- */

static enum fault alert_apply(void *self, struct store_txn *txn, const struct event *event)
{
    struct alert *alert = self;
    enum fault fault = jobs_apply(alert->jobs, txn, event);
    if (fault != OK) {
        return fault;
    }
    json_t *data = watch_reads(event->type) ? event_data(event) : NULL;
    fault = watch_event(&alert->watch, txn, event, data);
    if (fault == OK && strncmp(event->type, "alert.", 6) == 0) {
        fault = deliver_alert(alert, txn, event, data);
    } else if (fault == OK && (strcmp(event->type, "admin.silenced") == 0 ||
                               strcmp(event->type, "admin.unsilenced") == 0)) {
        fault = silences_apply(txn, event, data);
    } else if (fault == OK && strcmp(event->type, "admin.tested") == 0) {
        fault = deliver_test(alert, txn, event);
    } else if (fault == OK && strncmp(event->type, "member.", 7) == 0) {
        fault = deliver_notices(alert, txn, event, data);
    }
    json_decref(data);
    return fault;
}

/* --- judging ---------------------------------------------------------------------------------- */

static enum fault publish(void *self, struct store_txn *txn, const struct watch_news *news)
{
    struct alert *alert = self;
    const struct alert_row *row = alert_row(news->rule);
    const char *word = news->raised ? "raised" : "cleared";
    struct event event = {.time_ms = clock_wall_ms(), .version = EVENT_VERSION};
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    sha256(news->object, strlen(news->object), hash); /* an object may hold anything */
    hex_encode(hash, sizeof hash, hex);
    snprintf(event.id, sizeof event.id, "alert:%s:%s:%.16s:%lld", word, row->name, hex,
             (long long)news->nth);
    EVENT_SET(event.type, news->raised ? "alert.raised" : "alert.cleared");
    EVENT_SET(event.trace, event.id);
    json_t *data = json_object();
    tree_set_text(data, "rule", row->name);
    tree_set_text(data, "object", news->object);
    tree_set_text(data, "text", news->text);
    tree_set_text(data, "todo", row->todo);
    tree_set_int(data, "since", news->since_ms);
    tree_set_int(data, "n", news->nth);
    enum fault fault = actor_emit(alert->actor, txn, &event, data);
    json_decref(data);
    alert->raised += news->raised;
    alert->cleared += !news->raised;
    return fault;
}

static enum fault judge(void *self, struct store_txn *txn)
{
    struct alert *alert = self;
    size_t count;
    return watch_judge(&alert->watch, txn, clock_wall_ms(), alert->seen, alert->seen_count, publish,
                       alert, &count);
}

/* Is there anything to tell? Most of the time there is not, and nothing is written. */
static bool anything(struct alert *alert)
{
    struct store_txn *txn = NULL;
    size_t count = 0;
    enum fault fault = store_begin(actor_store(alert->actor), false, &txn);
    if (fault == OK) {
        fault = watch_judge(&alert->watch, txn, clock_wall_ms(), alert->seen, alert->seen_count,
                            NULL, NULL, &count);
    }
    store_abort(&txn);
    return fault != OK || count > 0;
}

static bool anything_held(struct alert *alert)
{
    struct store_txn *txn = NULL;
    json_t *held = NULL;
    enum fault fault = store_begin(actor_store(alert->actor), false, &txn);
    if (fault == OK) {
        fault = silences_due(txn, clock_wall_ms(), &held);
    }
    store_abort(&txn);
    bool any = fault != OK || held;
    json_decref(held);
    return any;
}

static int on_timer(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    struct alert *alert = self;
    if (!actor_caught_up(alert->actor) || actor_rebuilding(alert->actor)) {
        return 0; /* what was is not what is */
    }
    alert->seen_count = sights_look(&alert->sights, clock_mono_ms(), alert->seen);
    enum fault fault = anything(alert) ? actor_change(alert->actor, judge, alert) : OK;
    if (fault == OK && anything_held(alert)) {
        fault = actor_change(alert->actor, tell_held, alert);
    }
    if (fault != OK && !fault_again(fault)) {
        actor_stop(alert->actor, fault, "the alerts could not be judged");
    }
    return 0;
}

static void on_actors(void *self, const char *name, bool connected, int64_t oldest_ms)
{
    struct alert *alert = self;
    sights_heard(&alert->sights, name, connected, oldest_ms, clock_mono_ms());
}

/* --- the actor -------------------------------------------------------------------------------- */

static void alert_close(void **state)
{
    struct alert *alert = *state;
    if (alert) {
        jobs_destroy(&alert->jobs);
        free(alert->console);
        free(alert);
        *state = NULL;
    }
}

static enum fault read_hooks(struct alert *alert, struct buf *why)
{
    const struct settings *settings = actor_settings(alert->actor);
    alert->hook_count = settings_count(settings, "alert/hook");
    if (alert->hook_count > HOOKS_MAX) {
        buf_printf(why, "usher.cfg: alert: at most %d hooks\n", HOOKS_MAX);
        return FAULT_CONFIG;
    }
    for (size_t i = 0; i < alert->hook_count; i++) {
        const struct settings *hook = settings_nth(settings, "alert/hook", i);
        const char *provider = settings_text(hook, "alert/hook/provider");
        snprintf(alert->names[i], HOOK_NAME_BYTES, "%.16s-%zu", provider, i + 1);
        alert->hooks[i] =
            (struct jobs_slot){alert->names[i], adapter_find(adapters, provider), hook};
    }
    return OK;
}

static void read_limits(struct alert *alert)
{
    const struct settings *settings = actor_settings(alert->actor);
    watch_init(&alert->watch, ALERT_TABLE_WATCH);
    alert->watch.hold_ms[ALERT_CRM_BEHIND] = settings_number(settings, "alert/crm_behind");
    alert->watch.hold_ms[ALERT_TICKET_BARE] = settings_number(settings, "alert/ticket_behind");
    alert->watch.quiet_ms_max = settings_number(settings, "alert/quiet");
    alert->watch.hold_ms[ALERT_ACTOR_MISSING] = settings_number(settings, "alert/missing");
    alert->watch.latency_ms_max = settings_number(settings, "alert/latency");
    sights_init(&alert->sights, actor_home(alert->actor), settings_number(settings, "alert/lag"),
                settings_number(settings, "alert/disk"));
}

static enum fault alert_open(struct actor *actor, bool check_only, void **state, struct buf *why)
{
    struct alert *alert = must_calloc(1, sizeof *alert);
    alert->actor = actor;
    *state = alert;
    enum fault fault = read_hooks(alert, why);
    struct jobs_options options = {.actor = actor,
                                   .section = "alert",
                                   .slots = alert->hooks,
                                   .slot_count = alert->hook_count,
                                   .self = alert};
    fault = fault == OK ? jobs_new(&options, check_only, &alert->jobs, why) : fault;
    if (fault != OK) {
        alert_close(state);
        return fault;
    }
    read_limits(alert);
    alert->console = console_base(actor_home(actor));
    if (!check_only) {
        client_on_actors(actor_client(actor), on_actors, alert);
        alert->timer = zloop_timer(actor_loop(actor), LOOK_MS, 0, on_timer, alert);
    }
    return OK;
}

static void alert_committed(void *self)
{
    struct alert *alert = self;
    jobs_committed(alert->jobs);
}

/* What stands, with where to go and whether it is silenced. */
static enum fault add_standing(struct alert *alert, struct store_txn *txn, int64_t now_ms,
                               json_t *alerts)
{
    enum fault fault = watch_list(&alert->watch, txn, alerts);
    for (size_t i = 0; fault == OK && i < json_array_size(alerts); i++) {
        json_t *one = json_array_get(alerts, i);
        const char *name = tree_text(one, "rule");
        enum alert_rule rule = alert_rule_of(name);
        int64_t until_ms = 0;
        struct buf href = {0};
        const char *page = rule < ALERT_RULES ? alert_row(rule)->page : "alerts";
        buf_printf(&href, "/%s", page);
        if (about_member(page)) {
            buf_add_text(&href, "/");
            call_escape(&href, tree_text(one, "object"));
        }
        tree_set_text(one, "href", buf_text(&href));
        buf_fini(&href);
        fault = silences_until(txn, name, tree_text(one, "object"), now_ms, &until_ms);
        tree_set_int(one, "silenced_until", until_ms);
    }
    return fault;
}

static void quiet_words(int64_t quiet_ms_max, struct buf *out)
{
    if (quiet_ms_max) {
        buf_printf(out, "for longer than %lld min", (long long)quiet_ms_max / 60000);
    } else {
        buf_add_text(out, "off: alert/quiet in usher.cfg says how long is too long");
    }
}

/* What is watched, as people are told: "for longer than 10 minutes". */
static json_t *watched(const struct alert *alert)
{
    json_t *list = json_array();
    for (enum alert_rule rule = 0; rule < ALERT_RULES; rule++) {
        const struct alert_row *row = alert_row(rule);
        json_t *one = json_object();
        struct buf threshold = {0};
        int64_t seconds = alert->watch.hold_ms[rule] / 1000;
        if (row->kind == WATCH_COUNTED) {
            buf_printf(&threshold, "more than %d in %d minutes", WATCH_REFUSED_MAX,
                       WATCH_REFUSED_MS / 60000);
        } else if (row->kind == WATCH_RATED) {
            buf_printf(&threshold, "more than %d in a hundred, of at least %d in a day",
                       WATCH_BOUNCE_PERCENT_MAX, WATCH_BOUNCE_MAILS_MIN);
        } else if (row->kind == WATCH_QUIET) {
            quiet_words(alert->watch.quiet_ms_max, &threshold);
        } else if (row->kind == WATCH_MEASURED) {
            buf_printf(&threshold, "95 of 100 take longer than %lld s",
                       (long long)(alert->watch.latency_ms_max / 1000));
        } else if (seconds) {
            buf_printf(&threshold, "for longer than %lld s", (long long)seconds);
        } else {
            buf_add_text(&threshold, "at once");
        }
        tree_set_text(one, "rule", row->name);
        tree_set_text(one, "title", row->title);
        tree_set_text(one, "todo", row->todo);
        tree_set_text(one, "threshold", buf_text(&threshold));
        buf_fini(&threshold);
        MUST(json_array_append_new(list, one) == 0);
    }
    return list;
}

static json_t *hook_names(const struct alert *alert)
{
    json_t *list = json_array();
    for (size_t i = 0; i < alert->hook_count; i++) {
        MUST(json_array_append_new(list, json_string(alert->names[i])) == 0);
    }
    return list;
}

static json_t *answer_alerts(struct alert *alert, enum fault *fault)
{
    int64_t now_ms = clock_wall_ms();
    json_t *silences = json_array();
    struct store_txn *txn = NULL;
    json_t *alerts = json_array();
    json_t *notices = json_array();
    *fault = store_begin(actor_store(alert->actor), false, &txn);
    if (*fault == OK) {
        *fault = add_standing(alert, txn, now_ms, alerts);
    }
    if (*fault == OK) {
        *fault = silences_list(txn, now_ms, silences);
    }
    if (*fault == OK) {
        *fault = alert_notices(txn, NOTICES_SHOWN, notices);
    }
    store_abort(&txn);
    json_t *answer = json_object();
    tree_set(answer, "alerts", alerts);
    tree_set(answer, "notices", notices);
    tree_set(answer, "silences", silences);
    tree_set(answer, "watched", watched(alert));
    tree_set(answer, "hooks", hook_names(alert));
    return answer;
}

static json_t *alert_answer(void *self, const char *who, const json_t *question, enum fault *fault)
{
    struct alert *alert = self;
    (void)who;
    if (strcmp(tree_text(question, "ask"), "alerts") == 0) {
        return answer_alerts(alert, fault);
    }
    return jobs_answer(alert->jobs, question, fault);
}

static void alert_report(void *self, json_t *into)
{
    struct alert *alert = self;
    jobs_report(alert->jobs, into);
    tree_set_int(into, "raised", alert->raised);
    tree_set_int(into, "cleared", alert->cleared);
    tree_set_int(into, "disk_percent", alert->sights.disk_percent);
}

static const struct setting *const alert_tables_of_settings[] = {alert_settings, NULL};

/* Of the provider's own events only the time is looked at. */
static const char *const alert_topics[] = {
    "member.*",        "job.*",     "target.*",  "admin.*",        "alert.*",    "ticket.*",
    "mail.*",          "payment.*", "dispute.*", "subscription.*", "customer.*", "provider.ignored",
    "webhook.refused", NULL};
static const char *const alert_tables[] = {
    JOBS_TABLE_NAMES, WATCH_TABLE_NAMES, "notices", "silences", "held", NULL};

const struct actor_class alert_actor = {.name = "alert",
                                        .settings = alert_tables_of_settings,
                                        .adapters = adapters,
                                        .topics = alert_topics,
                                        .tables = alert_tables,
                                        .format = JOBS_FORMAT,
                                        .open = alert_open,
                                        .close = alert_close,
                                        .apply = alert_apply,
                                        .committed = alert_committed,
                                        .answer = alert_answer,
                                        .report = alert_report};
