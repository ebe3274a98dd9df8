#include "jobs_core.h"

#include "clock.h"
#include "must.h"

#include <stdio.h>
#include <string.h>

static const char *word_of(enum job_news news)
{
    switch (news) {
    case JOB_NEWS_DONE:
        return "done";
    case JOB_NEWS_RETRYING:
        return "waiting";
    case JOB_NEWS_DEAD:
        return "dead";
    case JOB_NEWS_UNCERTAIN:
        return "uncertain";
    case JOB_NEWS_SUPERSEDED:
        return "superseded";
    default:
        MUST(news == JOB_NEWS_SKIPPED);
        return "skipped";
    }
}

/* "crm:done:<key>:<change>": the same for the same news, whoever tells it again. */
static void news_id(char *id, const char *actor, const char *word, const struct record *record)
{
    char key[SHA256_HEX_CHARS + 1];
    const char *name = record->key;
    if (strlen(name) > 160) {
        uint8_t hash[SHA256_BYTES];
        sha256(name, strlen(name), hash);
        hex_encode(hash, sizeof hash, key);
        name = key;
    }
    snprintf(id, EVENT_ID_BYTES_MAX + 1, "%.63s:%s:%.160s:%lld", actor, word, name,
             (long long)record->job.change);
}

static json_t *news_data(struct jobs *jobs, const struct record *record, const char *word,
                         int64_t version, int64_t revision)
{
    json_t *data = json_object();
    struct slot *slot = jobs_slot_of(jobs, record->slot);
    const char *target = slot ? slot->wanted.adapter->name : record->slot;
    tree_set_text(data, "actor", actor_name(jobs->options.actor));
    tree_set_text(data, "kind", record->kind);
    tree_set_text(data, "key", record->key);
    tree_set_text(data, "member", record->member);
    tree_set_text(data, "target", target);
    tree_set_text(data, "slot", record->slot);
    tree_set_text(data, "state", word);
    tree_set_text(data, "error", record->error);
    tree_set_int(data, "attempt", record->job.attempt);
    tree_set_int(data, "next_at", record->job.state == JOB_WAITING ? record->job.next_ms : 0);
    tree_set_int(data, "latency_ms", record->latency_ms);
    tree_set_int(data, "created_at", record->job.created_ms);
    tree_set_int(data, "change", record->job.change);
    if (revision > 0) {
        tree_set_int(data, "version", version);
        tree_set_int(data, "revision", revision);
    }
    json_t *learned = record_learned(record, target);
    if (learned && json_object_size(learned) > 0) {
        tree_set(data, "learned", json_incref(learned));
    }
    return data;
}

static enum fault tell(struct jobs *jobs, struct store_txn *txn, const struct record *record,
                       enum job_news news, bool by_person, int64_t version, int64_t revision)
{
    struct event event = {.time_ms = clock_wall_ms(), .version = EVENT_VERSION};
    const char *word = word_of(news);
    news_id(event.id, actor_name(jobs->options.actor), word, record);
    EVENT_SET(event.type, job_news_type(news));
    EVENT_SET(event.subject, record->member);
    EVENT_SET(event.cause, record->cause);
    EVENT_SET(event.trace, record->trace);
    json_t *data = news_data(jobs, record, word, version, revision);
    if (by_person) { /* in the data: the event's own `who` is the broker's to stamp */
        tree_set_text(data, "who", record->who);
    }
    enum fault fault = actor_emit(jobs->options.actor, txn, &event, data);
    json_decref(data);
    return fault;
}

enum fault jobs_step(struct jobs *jobs, struct store_txn *txn, struct record *record,
                     const struct job_happened *happened)
{
    const struct job before = record->job;
    struct job_policy policy = jobs->policy;
    struct slot *slot = jobs_slot_of(jobs, record->slot);
    enum job_news news = JOB_NEWS_NONE;
    policy.accepted_ms = slot ? slot->accepted_ms : 0;
    record->job = job_next(&before, &policy, happened, jobs_now_ms(jobs), &news);
    record->updated_ms = jobs_now_ms(jobs);

    bool was_sending = before.state == JOB_SENDING || before.state == JOB_COMMITTING;
    int64_t version = was_sending ? record->sent_version : record->version;
    int64_t revision = was_sending ? before.sent : before.wanted;
    if (happened->input == JOB_ON_START) {
        record->sent_version = record->version;
    }
    if (happened->input == JOB_ON_SUCCESS) {
        record->done_version = record->sent_version;
        record->error[0] = '\0';
    }
    bool over = record->job.state == JOB_DONE || record->job.state == JOB_SUPERSEDED;
    if (over && record->payload) {
        json_decref(record->payload); /* nobody needs it any more, and it names a person */
        record->payload = NULL;
    }
    if (news == JOB_NEWS_NONE) {
        return OK;
    }
    bool by_person = happened->input == JOB_ON_RETRY || happened->input == JOB_ON_SKIP;
    return tell(jobs, txn, record, news, by_person, version, revision);
}

enum fault tell_differing(struct jobs *jobs, struct store_txn *txn, const struct record *record,
                          const char *reason)
{
    struct event event = {.time_ms = clock_wall_ms(), .version = EVENT_VERSION};
    struct slot *slot = jobs_slot_of(jobs, record->slot);
    json_t *data = json_object();
    news_id(event.id, actor_name(jobs->options.actor), "differing", record);
    EVENT_SET(event.type, jobs->options.differing);
    EVENT_SET(event.subject, record->member);
    EVENT_SET(event.cause, record->cause);
    EVENT_SET(event.trace, record->trace);
    tree_set_text(data, "actor", actor_name(jobs->options.actor));
    tree_set_text(data, "key", record->key);
    tree_set_text(data, "member", record->member);
    tree_set_text(data, "target", slot ? slot->wanted.adapter->name : record->slot);
    tree_set_text(data, "slot", record->slot);
    tree_set_text(data, "reason", reason);
    tree_set_int(data, "version", record->done_version);
    enum fault fault = actor_emit(jobs->options.actor, txn, &event, data);
    json_decref(data);
    return fault;
}

/* A job that came to an end lets those behind it go. */
static enum fault release(struct store_txn *txn, const char *order)
{
    struct key_list list;
    key_list_init(&list, 64);
    enum fault fault = *order ? member_keys(txn, order, true, &list) : OK;
    for (size_t i = 0; fault == OK && i < list.count; i++) {
        struct record record;
        fault = record_load(txn, list.keys[i], &record);
        if (fault == OK && record.held_ms > 0) {
            record.held_ms = 0;
            fault = record_save(txn, &record);
        }
        record_fini(&record);
    }
    key_list_fini(&list);
    return fault;
}

enum fault record_keep(struct jobs *jobs, struct store_txn *txn, struct record *record)
{
    bool was_open = record->old_state != JOB_STATE_COUNT && job_is_open(record->old_state);
    bool ended = !job_is_open(record->job.state);
    bool shown = record->job.wanted > 0 && record->job.done == record->job.wanted;
    enum fault fault = record_save(txn, record);
    if (fault == OK && was_open && ended) {
        fault = release(txn, record_order(record));
    }
    if (fault == OK && (ended || shown) && jobs->options.ended) {
        json_t *document = NULL;
        fault = document_load(txn, record->member, &document);
        if (fault == OK) {
            struct jobs_view view;
            record_view(jobs, record, document, &view);
            fault = jobs->options.ended(jobs->options.self, txn, &view);
        }
        json_decref(document);
    }
    return fault;
}

enum fault jobs_happen(struct jobs *jobs, struct store_txn *txn, struct record *record,
                       enum job_input input)
{
    struct job_happened happened = {.input = input};
    enum fault fault = jobs_step(jobs, txn, record, &happened);
    return fault == OK ? record_keep(jobs, txn, record) : fault;
}

enum fault tell_target(struct jobs *jobs, struct store_txn *txn, const struct slot *slot,
                       const char *trace)
{
    const char *actor = actor_name(jobs->options.actor);
    struct event event = {.time_ms = clock_wall_ms(), .version = EVENT_VERSION};
    int64_t counts[JOB_STATE_COUNT];
    enum fault fault = count_states(txn, counts);
    if (fault != OK) {
        return fault;
    }
    const char *word = slot->refused ? "refused" : "accepted";
    snprintf(event.id, sizeof event.id, "%s:%s:%s:%lld", actor, word, slot->wanted.name,
             (long long)slot->changed_ms);
    snprintf(event.type, sizeof event.type, "target.%s", word);
    EVENT_SET(event.trace, trace);
    json_t *data = json_object();
    tree_set_text(data, "actor", actor);
    tree_set_text(data, "target", *slot->target ? slot->target : slot->wanted.adapter->name);
    tree_set_text(data, "slot", slot->wanted.name);
    tree_set_text(data, "error", slot->error);
    tree_set_int(data, "at", slot->changed_ms);
    tree_set_int(data, "waiting",
                 counts[JOB_WAITING] + counts[JOB_SENDING] + counts[JOB_COMMITTING]);
    fault = actor_emit(jobs->options.actor, txn, &event, data);
    json_decref(data);
    return fault;
}

/* --- read again ------------------------------------------------------------------------------ */

static enum fault reread_target(struct jobs *jobs, struct store_txn *txn, const struct event *event,
                                const json_t *data)
{
    struct slot *slot = jobs_slot_of(jobs, tree_text(data, "slot"));
    if (!slot || tree_int(data, "at") <= slot->changed_ms) {
        return OK;
    }
    slot->refused = strcmp(event->type, "target.refused") == 0;
    slot->changed_ms = tree_int(data, "at");
    if (!slot->refused) {
        slot->accepted_ms = slot->changed_ms;
    }
    EVENT_SET(slot->error, tree_text(data, "error"));
    EVENT_SET(slot->target, tree_text(data, "target"));
    return slot_save(txn, slot);
}

static void adopt(struct record *record, const json_t *data, enum job_state state)
{
    struct job *job = &record->job;
    int64_t revision = tree_int(data, "revision");
    job->change = tree_int(data, "change") > job->change ? tree_int(data, "change") : job->change;
    job->attempt = (int)tree_int(data, "attempt");
    record->latency_ms = tree_int(data, "latency_ms");
    EVENT_SET(record->error, tree_text(data, "error"));
    record_learn(record, tree_text(data, "target"), tree_get(data, "learned"));
    if (state == JOB_DONE && revision > 0) {
        job->done = revision;
        record->done_version = tree_int(data, "version");
        job->wanted = job->wanted > revision ? job->wanted : revision;
        state = job->wanted > revision ? JOB_WAITING : JOB_DONE;
    } else if (revision > 0 && (revision < job->wanted || state == JOB_SUPERSEDED)) {
        return; /* the end of an older revision */
    }
    job->state = state;
    if (state == JOB_WAITING) {
        job->next_ms = tree_int(data, "next_at");
    }
    if (state == JOB_DONE || state == JOB_SUPERSEDED) {
        json_decref(record->payload);
        record->payload = NULL;
    }
}

static void from_news(struct record *record, const struct event *event, const json_t *data)
{
    record_fini(record);
    EVENT_SET(record->key, tree_text(data, "key"));
    EVENT_SET(record->kind, tree_text(data, "kind"));
    EVENT_SET(record->member, tree_text(data, "member"));
    EVENT_SET(record->slot, tree_text(data, "slot"));
    EVENT_SET(record->cause, event->cause);
    EVENT_SET(record->trace, event->trace);
    record->number = event->seq * 256;
    record->job.created_ms = tree_int(data, "created_at");
}

/* In ordinary life the store is ahead of the journal and this changes nothing. A store that is made
 * anew learns here what was carried out before. */
static enum fault reread_job(struct jobs *jobs, struct store_txn *txn, const struct event *event,
                             const json_t *data)
{
    struct record record;
    enum job_state state = JOB_DONE;
    const char *key = tree_text(data, "key");
    if (!*key || strlen(key) > JOBS_KEY_BYTES_MAX ||
        !job_state_of(tree_text(data, "state"), &state)) {
        return OK;
    }
    enum fault fault = record_load(txn, key, &record);
    if (fault == FAULT_NOT_FOUND) {
        if (job_is_open(state)) {
            return OK; /* what made it will come again, or is gone */
        }
        from_news(&record, event, data);
        fault = OK;
    } else if (fault != OK) {
        return fault;
    }
    int64_t revision = tree_int(data, "revision");
    bool done = state == JOB_DONE &&
                (revision > 0 ? revision > record.job.done : record.job.state != JOB_DONE);
    bool calling = record.job.state == JOB_SENDING || record.job.state == JOB_COMMITTING;
    if (!calling && (done || tree_int(data, "change") > record.job.change)) {
        adopt(&record, data, state);
        record.updated_ms = event->time_ms;
        fault = record_keep(jobs, txn, &record);
    }
    record_fini(&record);
    return fault;
}

enum fault reread(struct jobs *jobs, struct store_txn *txn, const struct event *event)
{
    json_t *data = event_data(event);
    enum fault fault = OK;
    if (strcmp(tree_text(data, "actor"), actor_name(jobs->options.actor)) == 0) {
        fault = strncmp(event->type, "target.", 7) == 0 ? reread_target(jobs, txn, event, data)
                                                        : reread_job(jobs, txn, event, data);
    }
    json_decref(data);
    return fault;
}
