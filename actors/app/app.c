#include "app.h"

#include "access.h"
#include "clock.h"
#include "must.h"
#include "providers.h"

#include <stdlib.h>
#include <string.h>

#define KEY_PREFIX "access:"

struct app {
    struct actor *actor;
    struct jobs *jobs;
};

#define DECLARE(name) extern const struct adapter app_##name;
#define ADDRESS(name) &app_##name,
PROVIDERS(DECLARE)
static const struct adapter *const adapters[] = {PROVIDERS(ADDRESS) NULL};

static const struct setting app_settings[] = {
    {"app/provider", SETTING_CHOICE, "local", 0, 0, PROVIDER_NAMES,
     "Who is told: nobody (the app asks the console), or the app by POST."},
    JOBS_SETTINGS("app"),
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

static void key_of(const char *member, char key[JOBS_KEY_BYTES_MAX + 1])
{
    snprintf(key, JOBS_KEY_BYTES_MAX + 1, KEY_PREFIX "%.255s", member);
}

/* What is told is what is so when it is told. A member that lives on under another id is told under
 * the one that the app knows: whoever kept the old id must not keep the old answer. */
static json_t *app_prepare(void *self, struct store_txn *txn, const struct jobs_view *view,
                           enum fault *fault, struct buf *why)
{
    (void)self;
    (void)txn;
    (void)why;
    *fault = OK;
    if (!view->document) {
        return NULL;
    }
    json_t *answer = access_answer(view->document, clock_wall_ms());
    tree_set_text(answer, "member", view->key + sizeof KEY_PREFIX - 1);
    return answer;
}

/* `known`: only if the app was told of that id before. */
static enum fault want_one(struct app *app, struct store_txn *txn, const json_t *document,
                           const struct event *event, const char *name, bool known)
{
    char key[JOBS_KEY_BYTES_MAX + 1];
    key_of(name, key);
    struct jobs_spec spec = {.key = key,
                             .kind = "access",
                             .member = tree_text(document, "id"),
                             .slot = "app",
                             .version = tree_int(document, "version"),
                             .bulk = strcmp(event->cause, "rebuild") == 0};
    enum fault fault = known ? jobs_find(app->jobs, txn, key, NULL, NULL, NULL) : OK;
    if (fault == FAULT_NOT_FOUND) {
        return OK;
    }
    return fault == OK ? jobs_want(app->jobs, txn, &spec, event) : fault;
}

static enum fault want(struct app *app, struct store_txn *txn, const json_t *document,
                       const struct event *event)
{
    const char *id = tree_text(document, "id");
    const json_t *aliases = tree_get(document, "aliases");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < json_array_size(aliases); i++) {
        const char *alias = json_string_value(json_array_get(aliases, i));
        if (alias && *alias && strcmp(alias, id) != 0 && strlen(alias) <= EVENT_ID_BYTES_MAX) {
            fault = jobs_rename(app->jobs, txn, alias, id);
            fault = fault == OK ? want_one(app, txn, document, event, alias, true) : fault;
        }
    }
    return fault == OK ? want_one(app, txn, document, event, id, false) : fault;
}

static enum fault app_apply(void *self, struct store_txn *txn, const struct event *event)
{
    struct app *app = self;
    enum fault fault = jobs_apply(app->jobs, txn, event);
    bool member = strncmp(event->type, "member.", 7) == 0 && strcmp(event->type, "member.due") != 0;
    if (fault == OK && member) {
        json_t *document = event_data(event);
        fault = *tree_text(document, "id") ? want(app, txn, document, event) : OK;
        json_decref(document);
    }
    return fault;
}

/* --- the actor --------------------------------------------------------------------------------- */

static void app_close(void **state)
{
    struct app *app = *state;
    if (app) {
        jobs_destroy(&app->jobs);
        free(app);
        *state = NULL;
    }
}

static enum fault app_open(struct actor *actor, bool check_only, void **state, struct buf *why)
{
    const struct settings *settings = actor_settings(actor);
    struct app *app = must_calloc(1, sizeof *app);
    app->actor = actor;
    *state = app;
    struct jobs_slot slot = {.name = "app",
                             .adapter =
                                 adapter_find(adapters, settings_text(settings, "app/provider")),
                             .settings = settings};
    struct jobs_options options = {.actor = actor,
                                   .section = "app",
                                   .slots = &slot,
                                   .slot_count = 1,
                                   .prepare = app_prepare,
                                   .self = app};
    enum fault fault = jobs_new(&options, check_only, &app->jobs, why);
    if (fault != OK) {
        app_close(state);
    }
    return fault;
}

static void app_committed(void *self)
{
    struct app *app = self;
    jobs_committed(app->jobs);
}

static json_t *app_answer(void *self, const char *who, const json_t *question, enum fault *fault)
{
    struct app *app = self;
    (void)who;
    return jobs_answer(app->jobs, question, fault);
}

static void app_report(void *self, json_t *into)
{
    struct app *app = self;
    jobs_report(app->jobs, into);
}

static const struct setting *const tables_of_settings[] = {app_settings, NULL};
static const char *const topics[] = {"member.*", "job.*", "admin.*", "target.*", NULL};
static const char *const tables[] = {JOBS_TABLE_NAMES, "answers", NULL};

const struct actor_class app_actor = {.name = "app",
                                      .settings = tables_of_settings,
                                      .adapters = adapters,
                                      .provider = "app/provider",
                                      .topics = topics,
                                      .tables = tables,
                                      .format = JOBS_FORMAT,
                                      .open = app_open,
                                      .close = app_close,
                                      .apply = app_apply,
                                      .committed = app_committed,
                                      .answer = app_answer,
                                      .report = app_report};
