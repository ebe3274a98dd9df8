#include "support.h"

#include "must.h"
#include "providers.h"

#include <string.h>

struct support {
    struct actor *actor;
    struct jobs *jobs;
};

#define DECLARE(name) extern const struct adapter support_##name;
#define ADDRESS(name) &support_##name,
PROVIDERS(DECLARE)
static const struct adapter *const adapters[] = {PROVIDERS(ADDRESS) NULL};

static const struct setting support_settings[] = {
    {"support/provider", SETTING_CHOICE, "local", 0, 0, PROVIDER_NAMES,
     "Where support notes go: into usher itself (local), or to your support desk."},
    JOBS_SETTINGS("support"),
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

static json_t *support_prepare(void *self, struct store_txn *txn, const struct jobs_view *view,
                               enum fault *fault, struct buf *why)
{
    (void)self;
    (void)txn;
    (void)why;
    *fault = OK;
    return support_note(view->key, view->kind, view->payload, view->document);
}

static enum fault support_apply(void *self, struct store_txn *txn, const struct event *event)
{
    struct support *support = self;
    enum fault fault = jobs_apply(support->jobs, txn, event);
    return fault == OK ? jobs_member_effects(support->jobs, txn, event, "support", 0) : fault;
}

static void support_close(void **state)
{
    struct support *support = *state;
    if (support) {
        jobs_destroy(&support->jobs);
        free(support);
        *state = NULL;
    }
}

static enum fault support_open(struct actor *actor, bool check_only, void **state, struct buf *why)
{
    const struct settings *settings = actor_settings(actor);
    struct support *support = must_calloc(1, sizeof *support);
    support->actor = actor;
    struct jobs_slot slot = {
        .name = "support",
        .adapter = adapter_find(adapters, settings_text(settings, "support/provider")),
        .settings = settings};
    struct jobs_options options = {.actor = actor,
                                   .section = "support",
                                   .slots = &slot,
                                   .slot_count = 1,
                                   .prepare = support_prepare,
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
static const char *const support_topics[] = {"member.*", "job.*", "admin.*", "target.*", NULL};
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
