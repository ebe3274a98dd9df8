#include "support.h"

#include "console_link.h"
#include "facts.h"
#include "must.h"
#include "providers.h"

#include <string.h>

struct support {
    struct actor *actor;
    struct jobs *jobs;
    const struct adapter *adapter;
    char *console; /* where links lead */
};

#define DECLARE(name) extern const struct adapter support_##name;
#define ADDRESS(name) &support_##name,
PROVIDERS(DECLARE)
static const struct adapter *const adapters[] = {PROVIDERS(ADDRESS) NULL};

static const struct setting support_settings[] = {
    {"support/provider", SETTING_CHOICE, "local", 0, 0, PROVIDER_NAMES,
     "Where support notes go: into usher itself (local), or to your support desk."},
    {"support/desk", SETTING_TEXT, "", 0, EVENT_NAME_BYTES_MAX, NULL,
     "Which source of webhook/support tells of this desk's tickets; empty: the one that is called "
     "as "
     "the provider."},
    JOBS_SETTINGS("support"),
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

/* A ticket of this source is one of the desk that notes go to. The embedded desk has no tickets of
 * its own: it keeps notes on anybody's. */
static bool is_our_desk(const struct support *support, const char *source)
{
    const char *desk = settings_text(actor_settings(support->actor), "support/desk");
    return support->adapter->perform || strcmp(*desk ? desk : support->adapter->name, source) == 0;
}

static json_t *support_prepare(void *self, struct store_txn *txn, const struct jobs_view *view,
                               enum fault *fault, struct buf *why)
{
    const struct support *support = self;
    (void)txn;
    *fault = OK;
    if (strcmp(view->kind, SUPPORT_ASKS) == 0) {
        return view->payload ? json_incref((json_t *)view->payload) : json_object();
    }
    const char *desk = tree_text(tree_get(view->payload, "data"), "desk");
    if (*desk && !is_our_desk(support, desk)) {
        buf_printf(why, "the ticket is of another desk (%.60s)", desk);
        *fault = FAULT_DENIED;
        return NULL;
    }
    return support_note(view->key, view->kind, view->payload, view->document, support->console);
}

/* --- whose ticket is it? ------------------------------------------------------------------------ */

static enum fault ask_requester(struct support *support, struct store_txn *txn,
                                const struct event *event, const struct fact *fact)
{
    char key[JOBS_KEY_BYTES_MAX + 1];
    char source[EVENT_NAME_BYTES_MAX + 1];
    int source_chars = (int)strcspn(event->id, ":"); /* as the ledger names its objects */
    snprintf(source, sizeof source, "%.*s", source_chars, event->id);
    int len = snprintf(key, sizeof key, SUPPORT_ASKS ":%s:%s", source, fact->key);
    if (!support->adapter->asks || !is_our_desk(support, source) || len >= (int)sizeof key) {
        return OK;
    }
    json_t *payload = json_object();
    tree_set_text(payload, "ticket", fact->key);
    tree_set_text(payload, "customer", fact->customer);
    struct jobs_spec spec = {
        .key = key, .kind = SUPPORT_ASKS, .slot = "support", .payload = payload};
    enum fault fault = jobs_add(support->jobs, txn, &spec, event);
    json_decref(payload);
    return fault;
}

static enum fault apply_ticket(struct support *support, struct store_txn *txn,
                               const struct event *event)
{
    json_t *data = event_data(event);
    const json_t *facts = tree_get(data, "facts");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < json_array_size(facts); i++) {
        struct fact fact;
        if (fact_read(json_array_get(facts, i), &fact) == OK && fact.kind == FACT_TICKET &&
            strcmp(fact.status, "open") == 0 && !*fact.email) {
            fault = ask_requester(support, txn, event, &fact);
        }
    }
    json_decref(data);
    return fault;
}

/* The desk has answered: what it said is a fact about the ticket, and told as one. */
static enum fault support_ended(void *self, struct store_txn *txn, const struct jobs_view *view)
{
    const struct support *support = self;
    const char *email = tree_text(view->learned, "email");
    const char *source = strchr(view->key, ':'), *ticket = source ? strchr(source + 1, ':') : NULL;
    if (strcmp(view->kind, SUPPORT_ASKS) != 0 || view->job.state != JOB_DONE || !*email ||
        !ticket) {
        return OK;
    }
    struct event event = {.time_ms = view->job.created_ms, .version = EVENT_VERSION};
    struct fact fact = {.kind = FACT_TICKET,
                        .key = ticket + 1,
                        .status = "open",
                        .email = email,
                        .name = tree_text(view->learned, "name")};
    snprintf(event.id, sizeof event.id, "support:identified:%.200s", source + 1);
    EVENT_SET(event.type, "ticket.identified");
    EVENT_SET(event.cause, view->cause);
    EVENT_SET(event.trace, view->trace);
    json_t *data = json_object(), *facts = json_array(), *name = NULL;
    name = json_stringn(source + 1, (size_t)(ticket - source - 1));
    json_array_append_new(facts, fact_tree(&fact));
    tree_set(data, "facts", facts);
    tree_set(data, "source", name ? name : json_string(""));
    enum fault fault = actor_emit(support->actor, txn, &event, data);
    json_decref(data);
    return fault;
}

/* --- the actor ---------------------------------------------------------------------------------- */

static enum fault support_apply(void *self, struct store_txn *txn, const struct event *event)
{
    struct support *support = self;
    enum fault fault = jobs_apply(support->jobs, txn, event);
    if (fault == OK && strcmp(event->type, "ticket.opened") == 0) {
        return apply_ticket(support, txn, event);
    }
    return fault == OK ? jobs_member_effects(support->jobs, txn, event, "support", 0) : fault;
}

static void support_close(void **state)
{
    struct support *support = *state;
    if (support) {
        jobs_destroy(&support->jobs);
        free(support->console);
        free(support);
        *state = NULL;
    }
}

static enum fault support_open(struct actor *actor, bool check_only, void **state, struct buf *why)
{
    const struct settings *settings = actor_settings(actor);
    struct support *support = must_calloc(1, sizeof *support);
    support->actor = actor;
    support->console = console_base(actor_home(actor));
    support->adapter = adapter_find(adapters, settings_text(settings, "support/provider"));
    struct jobs_slot slot = {.name = "support", .adapter = support->adapter, .settings = settings};
    struct jobs_options options = {.actor = actor,
                                   .section = "support",
                                   .slots = &slot,
                                   .slot_count = 1,
                                   .prepare = support_prepare,
                                   .ended = support_ended,
                                   .self = support};
    enum fault fault = jobs_new(&options, check_only, &support->jobs, why);
    *state = support;
    if (fault != OK) {
        support_close(state);
    }
    return fault;
}

static void support_committed(void *self)
{
    struct support *support = self;
    jobs_committed(support->jobs);
}

static json_t *support_answer(void *self, const char *who, const json_t *question,
                              enum fault *fault)
{
    struct support *support = self;
    (void)who;
    if (strcmp(tree_text(question, "ask"), "notes") == 0) {
        return support_local_notes(actor_store(support->actor), question, fault);
    }
    return jobs_answer(support->jobs, question, fault);
}

static void support_report(void *self, json_t *into)
{
    struct support *support = self;
    jobs_report(support->jobs, into);
}

static const struct setting *const support_tables_of_settings[] = {support_settings, NULL};
static const char *const support_topics[] = {"member.*", "job.*",    "admin.*",
                                             "target.*", "ticket.*", NULL};
static const char *const support_tables[] = {JOBS_TABLE_NAMES, "notes", NULL};

const struct actor_class support_actor = {.name = "support",
                                          .settings = support_tables_of_settings,
                                          .adapters = adapters,
                                          .provider = "support/provider",
                                          .topics = support_topics,
                                          .tables = support_tables,
                                          .format = JOBS_FORMAT,
                                          .open = support_open,
                                          .close = support_close,
                                          .apply = support_apply,
                                          .committed = support_committed,
                                          .answer = support_answer,
                                          .report = support_report};
