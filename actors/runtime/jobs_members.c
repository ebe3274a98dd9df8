#include "jobs_core.h"

#include "must.h"

#include <stdio.h>
#include <string.h>

enum { MEMBER_JOBS_MAX = 512 };

/* --- documents ------------------------------------------------------------------------------- */

enum fault document_keep(struct store_txn *txn, const json_t *document)
{
    const char *id = tree_text(document, "id");
    const json_t *aliases = tree_get(document, "aliases");
    if (!*id || strlen(id) > EVENT_ID_BYTES_MAX) {
        return OK;
    }
    enum fault fault = tree_save(txn, JOBS_TABLE_MEMBERS, text_slice(id), document);
    json_t *pointer = json_object();
    tree_set_text(pointer, "in", id);
    for (size_t i = 0; fault == OK && i < json_array_size(aliases); i++) {
        const char *alias = json_string_value(json_array_get(aliases, i));
        if (alias && *alias && strcmp(alias, id) != 0 && strlen(alias) <= EVENT_ID_BYTES_MAX) {
            fault = tree_save(txn, JOBS_TABLE_MEMBERS, text_slice(alias), pointer);
        }
    }
    json_decref(pointer);
    return fault;
}

enum fault document_load(struct store_txn *txn, const char *member, json_t **out)
{
    char id[EVENT_ID_BYTES_MAX + 1];
    EVENT_SET(id, member);
    *out = NULL;
    for (int hops = 0; hops < 8 && *id; hops++) { /* merged members of merged members */
        json_t *tree = NULL;
        enum fault fault = tree_load(txn, JOBS_TABLE_MEMBERS, text_slice(id), &tree);
        if (fault != OK || !tree) {
            json_decref(tree);
            return fault == FAULT_NOT_FOUND ? OK : fault;
        }
        const char *in = tree_text(tree, "in");
        if (!*in) {
            *out = tree;
            return OK;
        }
        EVENT_SET(id, in);
        json_decref(tree);
    }
    return OK;
}

enum fault jobs_member(struct jobs *jobs, struct store_txn *txn, const char *member, json_t **out)
{
    (void)jobs;
    return document_load(txn, member, out);
}

/* --- keys that name a member hold for all its aliases ------------------------------------------ */

static bool is_alias(const json_t *document, const char *id)
{
    const json_t *aliases = tree_get(document, "aliases");
    for (size_t i = 0; i < json_array_size(aliases); i++) {
        const char *alias = json_string_value(json_array_get(aliases, i));
        if (alias && strcmp(alias, id) == 0) {
            return true;
        }
    }
    return strcmp(tree_text(document, "id"), id) == 0;
}

/* "welcome:<alias>" -> "welcome:<id>"; any other key as it is. */
static void normal_key(const json_t *document, const char *key, char *normal)
{
    const char *colon = strrchr(key, ':');
    if (colon && is_alias(document, colon + 1)) {
        snprintf(normal, JOBS_KEY_BYTES_MAX + 1, "%.*s%s", (int)(colon + 1 - key), key,
                 tree_text(document, "id"));
    } else {
        event_set_text(normal, JOBS_KEY_BYTES_MAX + 1, key);
    }
}

const json_t *document_effect(const json_t *document, const char *key, const char *to)
{
    char normal[JOBS_KEY_BYTES_MAX + 1];
    const json_t *effects = tree_get(document, "effects");
    normal_key(document, key, normal);
    for (size_t i = 0; i < json_array_size(effects); i++) {
        const json_t *effect = json_array_get(effects, i);
        char named[JOBS_KEY_BYTES_MAX + 1];
        normal_key(document, tree_text(effect, "key"), named);
        if (strcmp(named, normal) == 0 && strcmp(tree_text(effect, "to"), to) == 0) {
            return effect;
        }
    }
    return NULL;
}

bool document_names(const json_t *document, const char *key, const char *to)
{
    return document_effect(document, key, to) != NULL;
}

/* How much a job of a key speaks against making it again. */
static int weight(enum job_state state)
{
    return state == JOB_SUPERSEDED ? 1 : job_is_open(state) ? 2 : 3;
}

/* The job that stands for a key under any alias: one that was carried out before one that waits
 * before a superseded one. NOT_FOUND. */
static enum fault standing(struct store_txn *txn, const json_t *document, const char *key,
                           struct record *best)
{
    const json_t *aliases = tree_get(document, "aliases");
    char normal[JOBS_KEY_BYTES_MAX + 1];
    normal_key(document, key, normal);
    const char *id = tree_text(document, "id");
    size_t len = strlen(normal);
    bool names = len > strlen(id) && strcmp(normal + len - strlen(id), id) == 0;
    enum fault fault = record_load(txn, normal, best);
    for (size_t i = 0; names && i < json_array_size(aliases); i++) {
        const char *alias = json_string_value(json_array_get(aliases, i));
        char other[JOBS_KEY_BYTES_MAX + 1];
        struct record record;
        if ((fault != OK && fault != FAULT_NOT_FOUND) || !alias || strcmp(alias, id) == 0) {
            continue;
        }
        snprintf(other, sizeof other, "%.*s%s", (int)(len - strlen(id)), normal, alias);
        enum fault found = record_load(txn, other, &record);
        if (found == OK &&
            (fault == FAULT_NOT_FOUND || weight(record.job.state) > weight(best->job.state))) {
            record_fini(best);
            *best = record;
            fault = OK;
        } else {
            record_fini(&record);
            fault = found == OK || found == FAULT_NOT_FOUND ? fault : found;
        }
    }
    return fault;
}

/* --- effects --------------------------------------------------------------------------------- */

struct effects {
    struct jobs *jobs;
    struct store_txn *txn;
    const struct event *event;
    const json_t *document;
    const char *to;
    int64_t too_old_ms;
};

static int64_t age_ms(const struct effects *effects, const json_t *effect)
{
    int64_t at_ms = tree_int(effect, "at");
    return at_ms > 0 ? effects->event->time_ms - at_ms : 0;
}

static enum fault effect_again(const struct effects *effects, const json_t *effect,
                               struct record *record)
{
    struct job_happened happened = {.input = JOB_ON_WANTED};
    if (record->job.state == JOB_SENDING || record->job.state == JOB_COMMITTING ||
        !(job_is_open(record->job.state) || record->job.state == JOB_SUPERSEDED)) {
        return OK;
    }
    if (record->job.state == JOB_SUPERSEDED) {
        happened.delay_ms = tree_int(effect, "settle_ms");
        EVENT_SET(record->cause, effects->event->id);
        EVENT_SET(record->trace, effects->event->trace);
    } else if (record->payload && json_equal(record->payload, effect)) {
        return OK;
    }
    enum fault fault = jobs_step(effects->jobs, effects->txn, record, &happened);
    json_decref(record->payload);
    record->payload = json_incref((json_t *)effect);
    return fault == OK ? record_keep(effects->jobs, effects->txn, record) : fault;
}

static enum fault effect_new(const struct effects *effects, const json_t *effect)
{
    struct jobs_spec spec = {.key = tree_text(effect, "key"),
                             .kind = tree_text(effect, "kind"),
                             .member = tree_text(effects->document, "id"),
                             .slot = effects->jobs->slots[0].wanted.name,
                             .payload = effect,
                             .settle_ms = tree_int(effect, "settle_ms"),
                             .bulk = age_ms(effects, effect) > JOBS_BULK_MS,
                             .from_document = true};
    if (effects->too_old_ms > 0 && age_ms(effects, effect) > effects->too_old_ms) {
        return jobs_skip(effects->jobs, effects->txn, &spec, effects->event, "too old");
    }
    return jobs_add(effects->jobs, effects->txn, &spec, effects->event);
}

static enum fault effects_wanted(const struct effects *effects)
{
    const json_t *list = tree_get(effects->document, "effects");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < json_array_size(list); i++) {
        const json_t *effect = json_array_get(list, i);
        const char *key = tree_text(effect, "key");
        if (strcmp(tree_text(effect, "to"), effects->to) != 0 || !*key ||
            strlen(key) > JOBS_KEY_BYTES_MAX) {
            continue;
        }
        struct record record;
        fault = standing(effects->txn, effects->document, key, &record);
        if (fault == OK) {
            fault = effect_again(effects, effect, &record);
        } else if (fault == FAULT_NOT_FOUND) {
            fault = effect_new(effects, effect);
        }
        record_fini(&record);
    }
    return fault;
}

/* Open jobs that the newest document no longer names, or that another job stands for. */
static enum fault effects_gone(const struct effects *effects, const char *member)
{
    struct key_list list;
    key_list_init(&list, MEMBER_JOBS_MAX);
    enum fault fault = member_keys(effects->txn, member, true, &list);
    for (size_t i = 0; fault == OK && i < list.count; i++) {
        struct record record;
        struct record best;
        record_init(&best);
        fault = record_load(effects->txn, list.keys[i], &record);
        if (fault == OK && record.from_document) {
            bool named = document_names(effects->document, record.key, effects->to);
            enum fault found = standing(effects->txn, effects->document, record.key, &best);
            fault = found == FAULT_NOT_FOUND ? OK : found;
            bool other = found == OK && strcmp(best.key, record.key) != 0;
            if (fault == OK && (!named || other)) {
                fault = jobs_happen(effects->jobs, effects->txn, &record, JOB_ON_GONE);
            }
        }
        record_fini(&record);
        record_fini(&best);
    }
    key_list_fini(&list);
    return fault;
}

enum fault jobs_rename(struct jobs *jobs, struct store_txn *txn, const char *alias,
                       const char *member)
{
    struct key_list list;
    if (strcmp(alias, member) == 0) {
        return OK;
    }
    key_list_init(&list, MEMBER_JOBS_MAX);
    enum fault fault = member_keys(txn, alias, false, &list);
    for (size_t i = 0; fault == OK && i < list.count; i++) {
        struct record record;
        fault = record_load(txn, list.keys[i], &record);
        if (fault == OK) {
            EVENT_SET(record.member, member);
            fault = record_save(txn, &record);
        }
        record_fini(&record);
    }
    for (size_t i = 0; i < JOBS_PLANNED_MAX; i++) {
        if (jobs->flights[i].stage != FLIGHT_FREE && strcmp(jobs->flights[i].member, alias) == 0) {
            EVENT_SET(jobs->flights[i].member, member);
        }
        if (strcmp(jobs->flights[i].order, alias) == 0) {
            EVENT_SET(jobs->flights[i].order, member);
        }
    }
    key_list_fini(&list);
    return fault;
}

enum fault jobs_member_effects(struct jobs *jobs, struct store_txn *txn, const struct event *event,
                               const char *to, int64_t too_old_ms)
{
    if (strncmp(event->type, "member.", 7) != 0 || strcmp(event->type, "member.due") == 0) {
        return OK;
    }
    json_t *document = event_data(event);
    const json_t *aliases = tree_get(document, "aliases");
    const char *id = tree_text(document, "id");
    struct effects effects = {jobs, txn, event, document, to, too_old_ms};
    enum fault fault = OK;
    for (size_t i = 0; *id && fault == OK && i < json_array_size(aliases); i++) {
        const char *alias = json_string_value(json_array_get(aliases, i));
        if (alias && *alias && strlen(alias) <= EVENT_ID_BYTES_MAX) {
            fault = jobs_rename(jobs, txn, alias, id);
        }
    }
    if (*id && fault == OK) {
        fault = effects_wanted(&effects);
    }
    if (*id && fault == OK) {
        fault = effects_gone(&effects, id);
    }
    json_decref(document);
    return fault;
}
