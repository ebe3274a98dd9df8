#include "crm.h"

#include "must.h"
#include "providers.h"

#include <stdio.h>
#include <string.h>

struct crm {
    struct actor *actor;
    struct jobs *jobs;
};

#define DECLARE(name) extern const struct adapter crm_##name;
#define ADDRESS(name) &crm_##name,
PROVIDERS(DECLARE)
static const struct adapter *const adapters[] = {PROVIDERS(ADDRESS) NULL};

static const struct setting crm_settings[] = {
    {"crm/provider", SETTING_CHOICE, "local", 0, 0, PROVIDER_NAMES,
     "Where contacts are kept: in usher itself (local), or in your CRM."},
    {"crm/check_every", SETTING_DURATION, "24h", 0, INT64_C(31536000000), NULL,
     "How often each contact is looked at and put right if somebody changed it by hand; 0s: "
     "never."},
    JOBS_SETTINGS("crm"),
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

/* --- which contact ----------------------------------------------------------------------------- */

static void crm_key(char *key, const char *member)
{
    snprintf(key, JOBS_KEY_BYTES_MAX + 1, "crm:%s", member);
}

/* The contact that a member's job learned; "" if none, or if it was retired. */
static enum fault contact_of(struct crm *crm, struct store_txn *txn, const char *member,
                             char *contact, size_t room)
{
    char key[JOBS_KEY_BYTES_MAX + 1];
    json_t *learned = NULL;
    contact[0] = '\0';
    crm_key(key, member);
    enum fault fault = jobs_find(crm->jobs, txn, key, NULL, NULL, &learned);
    if (fault == OK && !tree_flag(learned, "retired")) {
        event_set_text(contact, room, tree_text(learned, "contact"));
    }
    json_decref(learned);
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

/* Of the contacts of a member and its aliases, the one that lives on: its own, else the first. */
static enum fault survivor(struct crm *crm, struct store_txn *txn, const json_t *document,
                           char *contact, size_t room)
{
    const json_t *aliases = tree_get(document, "aliases");
    enum fault fault = contact_of(crm, txn, tree_text(document, "id"), contact, room);
    for (size_t i = 0; fault == OK && !*contact && i < json_array_size(aliases); i++) {
        const char *alias = json_string_value(json_array_get(aliases, i));
        fault = contact_of(crm, txn, alias ? alias : "", contact, room);
    }
    return fault;
}

static json_t *crm_prepare(void *self, struct store_txn *txn, const struct jobs_view *view,
                           enum fault *fault, struct buf *why)
{
    struct crm *crm = self;
    char contact[256];
    bool retire = tree_flag(view->payload, "retire");
    if (view->look && tree_flag(view->learned, "retired")) {
        return NULL; /* nobody's contact any more */
    }
    if (!view->document) {
        buf_add_text(why, "nothing is known of this member");
        *fault = FAULT_NOT_FOUND;
        return NULL;
    }
    *fault = survivor(crm, txn, view->document, contact, sizeof contact);
    if (*fault != OK) {
        return NULL;
    }
    if (view->look && !*contact && !tree_flag(view->document, "access")) {
        return NULL; /* of another provider's time, and gone: the one that there is now has no use for it */
    }
    if (retire) {
        const char *own = tree_text(view->learned, "contact");
        if (!*own || strcmp(own, contact) == 0) {
            return NULL; /* it never had one, or it is the one that lives on */
        }
    }
    json_t *payload = json_object();
    tree_set(payload, "document", json_incref((json_t *)view->document));
    tree_set_text(payload, "contact", retire ? tree_text(view->learned, "contact") : contact);
    tree_set_flag(payload, "retire", retire);
    return payload;
}

/* --- events ------------------------------------------------------------------------------------ */

/* A contact of a member that became part of another one. */
static enum fault retire(struct crm *crm, struct store_txn *txn, const char *alias,
                         const json_t *document, const struct event *event)
{
    char key[JOBS_KEY_BYTES_MAX + 1];
    json_t *payload = NULL;
    json_t *learned = NULL;
    struct job job;
    crm_key(key, alias);
    enum fault fault = jobs_find(crm->jobs, txn, key, &job, &payload, &learned);
    if (fault == FAULT_NOT_FOUND) {
        return OK;
    }
    bool known = tree_flag(payload, "retire") || tree_flag(learned, "retired") ||
                 job.state == JOB_SUPERSEDED;
    if (fault == OK && !known) {
        json_t *order = json_pack("{s:b}", "retire", 1);
        struct jobs_spec spec = {.key = key,
                                 .kind = "contact",
                                 .member = tree_text(document, "id"),
                                 .slot = "crm",
                                 .payload = order,
                                 .version = tree_int(document, "version")};
        fault = jobs_want(crm->jobs, txn, &spec, event);
        json_decref(order);
    }
    json_decref(payload);
    json_decref(learned);
    return fault;
}

/* A renewal, say, changes nothing that a CRM shows: it is asserted behind what does. `before` is
 * the document that was known until now, or NULL. */
static bool is_bulk(const json_t *before, const json_t *document, const struct event *event)
{
    static const char *const shown[] = {"state", "access", "email", "tags"};
    bool same = strcmp(event->type, "member.changed") == 0;
    for (size_t i = 0; before && i < sizeof shown / sizeof *shown; i++) {
        same = same && json_equal(tree_get(before, shown[i]), tree_get(document, shown[i]));
    }
    return same || strcmp(event->cause, "rebuild") == 0;
}

static enum fault show(struct crm *crm, struct store_txn *txn, const json_t *before,
                       const json_t *document, const struct event *event)
{
    char key[JOBS_KEY_BYTES_MAX + 1];
    char contact[256];
    const char *id = tree_text(document, "id");
    const json_t *aliases = tree_get(document, "aliases");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < json_array_size(aliases); i++) {
        const char *alias = json_string_value(json_array_get(aliases, i));
        if (alias && *alias && strcmp(alias, id) != 0) {
            fault = jobs_rename(crm->jobs, txn, alias, id);
            fault = fault == OK ? retire(crm, txn, alias, document, event) : fault;
        }
    }
    if (fault == OK) {
        fault = survivor(crm, txn, document, contact, sizeof contact);
    }
    crm_key(key, id);
    enum fault known =
        fault == OK ? jobs_find(crm->jobs, txn, key, NULL, NULL, NULL) : FAULT_NOT_FOUND;
    bool addressed = *tree_text(document, "email") != '\0';
    bool tagged = json_array_size(tree_get(document, "tags")) > 0;
    if (fault == OK && (known == OK || *contact || (tagged && addressed))) {
        struct jobs_spec spec = {.key = key,
                                 .kind = "contact",
                                 .member = id,
                                 .slot = "crm",
                                 .version = tree_int(document, "version"),
                                 .bulk = is_bulk(before, document, event)};
        fault = jobs_want(crm->jobs, txn, &spec, event);
    }
    return fault;
}

static enum fault resync(struct crm *crm, struct store_txn *txn, const struct event *event)
{
    char key[JOBS_KEY_BYTES_MAX + 1];
    json_t *data = event_data(event);
    json_t *document = NULL;
    enum fault fault = jobs_member(crm->jobs, txn, tree_text(data, "member"), &document);
    if (fault == OK && document) {
        crm_key(key, tree_text(document, "id"));
        fault = jobs_resync(crm->jobs, txn, key, event);
    }
    json_decref(document);
    json_decref(data);
    return fault;
}

static enum fault on_member(struct crm *crm, struct store_txn *txn, const struct event *event)
{
    json_t *document = event_data(event);
    json_t *before = NULL;
    enum fault fault = jobs_member(crm->jobs, txn, tree_text(document, "id"), &before);
    if (fault == OK) {
        fault = jobs_apply(crm->jobs, txn, event); /* the document is the newest from here on */
    }
    if (fault == OK && *tree_text(document, "id")) {
        fault = show(crm, txn, before, document, event);
    }
    json_decref(before);
    json_decref(document);
    return fault;
}

static enum fault crm_apply(void *self, struct store_txn *txn, const struct event *event)
{
    struct crm *crm = self;
    if (strncmp(event->type, "member.", 7) == 0 && strcmp(event->type, "member.due") != 0) {
        return on_member(crm, txn, event);
    }
    enum fault fault = jobs_apply(crm->jobs, txn, event);
    if (fault == OK && strcmp(event->type, "admin.resynced") == 0) {
        fault = resync(crm, txn, event);
    }
    return fault;
}

/* --- the actor --------------------------------------------------------------------------------- */

static void crm_close(void **state)
{
    struct crm *crm = *state;
    if (crm) {
        jobs_destroy(&crm->jobs);
        free(crm);
        *state = NULL;
    }
}

static enum fault crm_open(struct actor *actor, bool check_only, void **state, struct buf *why)
{
    const struct settings *settings = actor_settings(actor);
    struct crm *crm = must_calloc(1, sizeof *crm);
    crm->actor = actor;
    struct jobs_slot slot = {.name = "crm",
                             .adapter =
                                 adapter_find(adapters, settings_text(settings, "crm/provider")),
                             .settings = settings};
    struct jobs_options options = {.actor = actor,
                                   .section = "crm",
                                   .slots = &slot,
                                   .slot_count = 1,
                                   .prepare = crm_prepare,
                                   .self = crm,
                                   .look_every_ms = settings_number(settings, "crm/check_every"),
                                   .differing = "crm.repaired"};
    enum fault fault = jobs_new(&options, check_only, &crm->jobs, why);
    *state = crm;
    if (fault != OK) {
        crm_close(state);
    }
    return fault;
}

static void crm_committed(void *self)
{
    struct crm *crm = self;
    jobs_committed(crm->jobs);
}

static json_t *crm_answer(void *self, const char *who, const json_t *question, enum fault *fault)
{
    struct crm *crm = self;
    (void)who;
    if (strcmp(tree_text(question, "ask"), "contacts") == 0) {
        return crm_local_contacts(actor_store(crm->actor), question, fault);
    }
    return jobs_answer(crm->jobs, question, fault);
}

static void crm_report(void *self, json_t *into)
{
    struct crm *crm = self;
    jobs_report(crm->jobs, into);
}

static const struct setting *const crm_tables_of_settings[] = {crm_settings, NULL};
static const char *const crm_topics[] = {"member.*", "job.*", "admin.*", "target.*", NULL};
static const char *const crm_tables[] = {JOBS_TABLE_NAMES, "contacts", NULL};

const struct actor_class crm_actor = {.name = "crm",
                                      .settings = crm_tables_of_settings,
                                      .adapters = adapters,
                                      .provider = "crm/provider",
                                      .topics = crm_topics,
                                      .tables = crm_tables,
                                      .format = JOBS_FORMAT,
                                      .open = crm_open,
                                      .close = crm_close,
                                      .apply = crm_apply,
                                      .committed = crm_committed,
                                      .answer = crm_answer,
                                      .report = crm_report};
