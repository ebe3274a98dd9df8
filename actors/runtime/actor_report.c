#include "actor_core.h"

#include "clock.h"
#include "digest.h"

#include <string.h>
#include <unistd.h>

static const char *state_word(const struct actor *actor)
{
    return actor->draining        ? "stopping"
           : actor->trouble       ? "waiting"
           : actor->rebuild_until ? "rebuilding"
           : actor->caught_up     ? "up"
                                  : "catching up";
}

static int64_t outbox_rows(struct actor *actor)
{
    struct store_txn *txn;
    if (store_begin(actor->store, false, &txn) != OK) {
        return -1;
    }
    uint64_t rows = store_count(txn, ACTOR_TABLE_OUTBOX);
    store_abort(&txn);
    return (int64_t)rows;
}

void report_update(struct actor *actor)
{
    json_t *report = json_object();
    tree_set_int(report, "pid", getpid());
    tree_set_text(report, "version", USHER_VERSION);
    tree_set_text(report, "state", state_word(actor));
    tree_set_text(report, "trouble", actor->trouble);
    tree_set_int(report, "uptime_ms", clock_mono_ms() - actor->started_ms);
    tree_set_int(report, "applied", (int64_t)actor->applied);
    tree_set_int(report, "batches", (int64_t)actor->batches);
    tree_set_int(report, "retried", (int64_t)actor->retried);
    tree_set_int(report, "emitted", (int64_t)actor->emitted);
    tree_set_int(report, "refused", (int64_t)actor->refused);
    tree_set_int(report, "damaged", (int64_t)actor->damaged);
    tree_set_int(report, "outbox", outbox_rows(actor));
    tree_set_int(report, "store_bytes", (int64_t)store_used_bytes(actor->store));
    if (actor->class->report && actor->opened) {
        actor->class->report(actor->state, report);
    }
    client_report(actor->client, actor->cursor, report);
}

/* The skeleton's own tables differ between a store and its rebuilt twin; the actor's do not. */
static bool skip_own(int table)
{
    return table < ACTOR_TABLES;
}

static json_t *answer_digest(struct actor *actor, enum fault *fault)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    struct store_txn *txn;
    *fault = store_begin(actor->store, false, &txn);
    if (*fault != OK) {
        return NULL;
    }
    *fault = store_digest(txn, skip_own, digest);
    store_abort(&txn);
    if (*fault != OK) {
        return NULL;
    }
    hex_encode(digest, sizeof digest, hex);
    json_t *answer = json_object();
    tree_set_text(answer, "digest", hex);
    tree_set_int(answer, "cursor", (int64_t)actor->cursor);
    return answer;
}

json_t *report_answer(void *self, const char *who, const json_t *question, enum fault *fault)
{
    struct actor *actor = self;
    json_t *answer = NULL;
    *fault = FAULT_NOT_FOUND;
    if (actor->class->answer) {
        *fault = OK;
        answer = actor->class->answer(actor->state, who, question, fault);
    }
    if (!answer && *fault == FAULT_NOT_FOUND && strcmp(tree_text(question, "ask"), "digest") == 0) {
        answer = answer_digest(actor, fault);
    }
    return answer;
}
