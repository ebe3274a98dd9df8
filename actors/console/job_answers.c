#include "job_answers.h"

#include "act.h"
#include "line.h"
#include "must.h"
#include "projection.h"
#include "reply.h"
#include "shown.h"
#include "values.h"

#include <string.h>

/* "Welcome mail by SMTP: waiting" */
static void set_sentence(json_t *shown, const json_t *job)
{
    struct buf text = {0};
    line_job_words(job, &text);
    tree_set_text(shown, "sentence", buf_text(&text));
    buf_fini(&text);
}

static void set_name(struct store_txn *txn, json_t *shown, const char *member)
{
    json_t *document = NULL;
    if (*member && projection_member(txn, member, &document) == OK) {
        const char *name = tree_text(document, "name");
        tree_set_text(shown, "name", *name ? name : tree_text(document, "email"));
    }
    json_decref(document);
}

static json_t *show(struct store_txn *txn, const json_t *job)
{
    static const char *const copied[] = {"actor", "kind",  "key",   "member",     "target",
                                         "slot",  "state", "error", "attempt",    "version",
                                         "trace", "cause", "who",   "latency_ms", NULL};
    json_t *shown = json_object();
    for (const char *const *key = copied; *key; key++) {
        json_t *value = tree_get(job, *key);
        tree_set(shown, *key, value ? json_incref(value) : json_null());
    }
    tree_set(shown, "next_at", shown_time(tree_int(job, "next_at")));
    tree_set(shown, "created_at", shown_time(tree_int(job, "created_at")));
    tree_set(shown, "updated_at", shown_time(tree_int(job, "updated_at")));
    set_sentence(shown, job);
    tree_set(shown, "name", json_null());
    if (txn) {
        set_name(txn, shown, tree_text(job, "member"));
    }
    return shown;
}

json_t *job_answer(struct console *console, const json_t *job)
{
    struct store_txn *txn = NULL;
    if (store_begin(actor_store(console->actor), false, &txn) != OK) {
        txn = NULL; /* without its name, then */
    }
    json_t *shown = show(txn, job);
    store_abort(&txn);
    return shown;
}

json_t *job_answers_of(struct console *console, const struct gather *gather, const char *actor)
{
    json_t *list = json_array(), *job;
    struct store_txn *txn = NULL;
    size_t i;
    if (store_begin(actor_store(console->actor), false, &txn) != OK) {
        txn = NULL;
    }
    json_array_foreach(tree_get(gather_answer(gather, actor, 0), "jobs"), i, job)
    {
        MUST(json_array_append_new(list, show(txn, job)) == 0);
    }
    store_abort(&txn);
    return list;
}

void job_decide(struct visit *visit, const char *type, const char *actor, const json_t *keys)
{
    const char *reason = act_reason(visit);
    struct act *act = reason ? act_begin(visit) : NULL;
    size_t i, count = json_array_size(keys);
    json_t *key;
    if (!act) {
        return;
    }
    json_array_foreach(keys, i, key)
    {
        json_t *data = json_object();
        tree_set_text(data, "actor", actor);
        tree_set_text(data, "key", json_string_value(key));
        tree_set_text(data, "reason", reason);
        act_add(act, type, "", "", "", data);
    }
    enum fault fault = act_commit(act);
    if (fault != OK) {
        reply_fault(visit, fault);
        act_drop(&act);
        return;
    }
    json_t *answer = json_object();
    tree_set_int(answer, "done", (int64_t)count);
    act_answer(&act, answer);
}
