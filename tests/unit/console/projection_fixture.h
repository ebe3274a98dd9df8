/* projection_fixture.h - a projection in a folder of its own, and events to put into it. */
#ifndef USHER_PROJECTION_FIXTURE_H
#define USHER_PROJECTION_FIXTURE_H

#include "test.h"

#include "projection.h"
#include "values.h"

static const int64_t first_ms = INT64_C(1795680000000); /* 2026-11-26T08:00:00Z */

/* An event to come; what is NULL is "". `data` is a JSON text with ' for ". */
struct told {
    const char *type, *id, *subject, *cause, *trace, *source, *who;
    json_t *data;
};

struct world {
    char *folder;
    struct store *store;
    struct store_txn *txn; /* the open batch */
    size_t batch, in_batch;
    uint64_t seq;
    json_t *line; /* of the newest event */
};

static inline struct world *world_new(size_t batch)
{
    static const char *const tables[] = {"meta", "outbox", PROJECTION_TABLE_NAMES, NULL};
    struct store_options options = {.tables = tables, .format = 1, .map_bytes = 1 << 30};
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->folder = test_folder();
    world->batch = batch;
    assert_int_equal(store_open(world->folder, &options, &world->store), OK);
    return world;
}

static inline void world_settle(struct world *world)
{
    if (world->txn) {
        assert_int_equal(store_commit(&world->txn), OK);
    }
    world->in_batch = 0;
}

static inline void world_destroy(struct world **out)
{
    struct world *world = *out;
    world_settle(world);
    store_close(&world->store);
    test_rm_folder(&world->folder);
    json_decref(world->line);
    free(world);
    *out = NULL;
}

static inline json_t *tree_of(const char *quoted)
{
    char *text = strdup(quoted);
    for (char *at = text; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    json_t *tree = json_loads(text, 0, NULL);
    assert_non_null(tree);
    free(text);
    return tree;
}

/* Applies it as the actor would; takes the data. One second lies between two events. */
static inline void happen(struct world *world, struct told told)
{
    struct buf packed = {0};
    struct event event = {.seq = ++world->seq, .version = EVENT_VERSION};
    event.time_ms = first_ms + (int64_t)world->seq * 1000;
    EVENT_SET(event.type, told.type);
    EVENT_SET(event.id, told.id);
    EVENT_SET(event.subject, told.subject ? told.subject : "");
    EVENT_SET(event.cause, told.cause ? told.cause : "");
    EVENT_SET(event.trace, told.trace ? told.trace : told.cause ? told.cause : told.id);
    EVENT_SET(event.source, told.source ? told.source : "");
    EVENT_SET(event.who, told.who ? told.who : "");
    value_pack(told.data, &packed);
    json_decref(told.data);
    event.data = packed.bytes;
    event.data_len = packed.len;
    if (!world->txn) {
        assert_int_equal(store_begin(world->store, true, &world->txn), OK);
    }
    json_decref(world->line);
    world->line = NULL;
    assert_int_equal(projection_apply(world->txn, &event, &world->line), OK);
    buf_fini(&packed);
    if (++world->in_batch == world->batch) {
        world_settle(world);
    }
}

/* A transaction to look with. */
static inline struct store_txn *look(struct world *world)
{
    struct store_txn *txn;
    world_settle(world);
    assert_int_equal(store_begin(world->store, false, &txn), OK);
    return txn;
}

/* --- members ----------------------------------------------------------------------------------- */

/* A member's document; change what is to differ. */
static inline json_t *document_of(const char *id, const char *email, const char *name)
{
    json_t *document = tree_of(
        "{'state':'active','access':true,'reason':'paid','app_user':'','source':'stripe',"
        "'customers':[],'tags':['member'],'all_tags':['member','ending'],'until':1798761600000,"
        "'last_payment_at':0,'last_payment':{},'effects':[{'to':'mailer','kind':'welcome'}],"
        "'version':1,'rule':'first access'}");
    tree_set(document, "id", json_string(id));
    tree_set(document, "email", json_string(email));
    tree_set(document, "name", json_string(name));
    json_t *aliases = json_array();
    json_array_append_new(aliases, json_string(id));
    tree_set(document, "aliases", aliases);
    return document;
}

static inline void set_list(json_t *document, const char *key, const char *a, const char *b)
{
    json_t *list = json_array();
    if (a) {
        json_array_append_new(list, json_string(a));
    }
    if (b) {
        json_array_append_new(list, json_string(b));
    }
    tree_set(document, key, list);
}

/* Publishes a document as the ledger does; takes it. `cause` may be NULL. */
static inline void tell_member(struct world *world, const char *type, const char *cause,
                               json_t *document)
{
    char id[EVENT_ID_BYTES_MAX + 1], subject[EVENT_ID_BYTES_MAX + 1];
    snprintf(id, sizeof id, "ledger:%llu", (unsigned long long)world->seq + 1);
    snprintf(subject, sizeof subject, "%s", tree_text(document, "id"));
    happen(world, (struct told){.type = type,
                                .id = id,
                                .subject = subject,
                                .cause = cause,
                                .source = "ledger",
                                .data = document});
}

static inline void tell_payment(struct world *world, const char *id, const char *customer,
                                const char *key)
{
    json_t *data = tree_of("{'created':1795680000,'livemode':true,'provider_type':'invoice.paid',"
                           "'raw':'{}','facts':[{'kind':'payment','status':'paid','amount':2900,"
                           "'currency':'usd'}]}");
    json_t *fact = json_array_get(tree_get(data, "facts"), 0);
    tree_set_text(fact, "customer", customer);
    tree_set_text(fact, "key", key);
    happen(world,
           (struct told){.type = "payment.succeeded", .id = id, .source = "webhook", .data = data});
}

/* A job's news; `key` "" if there is none. */
static inline void tell_job(struct world *world, const char *actor, const char *key,
                            const char *state, const char *member, int64_t version)
{
    char id[EVENT_ID_BYTES_MAX + 1], type[32];
    json_t *data = tree_of("{'kind':'contact','target':'hubspot','slot':'crm','error':'',"
                           "'attempt':1,'latency_ms':120}");
    snprintf(id, sizeof id, "%s:%llu", actor, (unsigned long long)world->seq + 1);
    snprintf(type, sizeof type, "job.%s", strcmp(state, "waiting") == 0 ? "retrying" : state);
    tree_set_text(data, "actor", actor);
    tree_set(data, "key", json_string(key));
    tree_set_text(data, "member", member);
    tree_set_text(data, "state", state);
    if (version) {
        tree_set_int(data, "version", version);
        tree_set_int(data, "revision", version);
    }
    happen(world,
           (struct told){.type = type, .id = id, .subject = member, .source = actor, .data = data});
}

/* --- looking ----------------------------------------------------------------------------------- */

static inline json_t *members_page(struct world *world, struct members_query query)
{
    json_t *answer;
    query.text = query.text ? query.text : "";
    query.state = query.state ? query.state : "";
    query.access = query.access ? query.access : "";
    query.after = query.after ? query.after : "";
    query.limit = query.limit ? query.limit : 50;
    struct store_txn *txn = look(world);
    assert_int_equal(projection_members(txn, &query, &answer), OK);
    store_abort(&txn);
    return answer;
}

/* The ids of a list, or whatever stands under `key`, with spaces between. */
static inline const char *said(const json_t *list, const char *key)
{
    static char text[65536];
    size_t i, len = 0;
    json_t *entry;
    text[0] = '\0';
    json_array_foreach(list, i, entry)
    {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i ? " " : "",
                                tree_text(entry, key));
        assert_true(len < sizeof text);
    }
    return text;
}

#endif
