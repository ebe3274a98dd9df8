/* local.c - notes in the actor's own store: for founders without a helpdesk, demos and tests. */
#include "support.h"

#include <string.h>

enum { NOTES_ANSWER_MAX = 500 };

static void local_perform(const struct task *task, struct store_txn *txn, struct verdict *verdict)
{
    json_t *note = NULL;
    enum fault fault = tree_load(txn, SUPPORT_TABLE_NOTES, text_slice(task->key), &note);
    if (fault == OK) {
        note = note ? note : json_object();
        tree_set_text(note, "key", task->key);
        tree_set_text(note, "kind", task->kind);
        tree_set_text(note, "member", task->member);
        tree_set_text(note, "text", tree_text(task->payload, "text"));
        tree_set_text(note, "email", tree_text(task->payload, "email"));
        tree_set_text(note, "ticket", tree_text(task->payload, "ticket"));
        tree_set_flag(note, "urgent", tree_flag(task->payload, "urgent"));
        tree_set_int(note, "at", task->created_ms);
        /* A test that finds more than one has found a double. */
        tree_set_int(note, "applied", tree_int(note, "applied") + 1);
        fault = tree_save(txn, SUPPORT_TABLE_NOTES, text_slice(task->key), note);
    }
    json_decref(note);
    if (fault != OK) {
        verdict_set(verdict, VERDICT_AGAIN, "the store: %s", fault_words(fault));
    } else {
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    }
}

const struct adapter support_local = {.name = "local", .perform = local_perform};

struct walk {
    json_t *list;
    const char *member;
    size_t most;
    char next[STORE_KEY_BYTES_MAX + 1];
};

static bool on_note(void *self, struct slice key, struct slice value)
{
    struct walk *walk = self;
    json_t *note = NULL;
    if (json_array_size(walk->list) == walk->most) {
        return false;
    }
    memcpy(walk->next, key.bytes, key.len);
    walk->next[key.len] = '\0';
    if (value_unpack(value.bytes, value.len, &note) != OK) {
        return true;
    }
    if (!*walk->member || strcmp(tree_text(note, "member"), walk->member) == 0) {
        json_array_append(walk->list, note);
    }
    json_decref(note);
    return true;
}

json_t *support_local_notes(struct store *store, const json_t *question, enum fault *fault)
{
    struct store_txn *txn = NULL;
    int64_t limit = tree_int(question, "limit");
    struct walk walk = {.list = json_array(),
                        .member = tree_text(question, "member"),
                        .most = limit > 0 && limit < NOTES_ANSWER_MAX ? (size_t)limit
                                                                      : NOTES_ANSWER_MAX};
    char from[STORE_KEY_BYTES_MAX + 1];
    event_set_text(from, sizeof from - 1, tree_text(question, "after"));
    size_t len = *from ? strlen(from) + 1 : 0; /* behind that key */
    *fault = store_begin(store, false, &txn);
    if (*fault == OK) {
        *fault = store_scan(txn, SUPPORT_TABLE_NOTES, (struct slice){NULL, 0},
                            (struct slice){from, len}, false, on_note, &walk);
    }
    store_abort(&txn);
    bool more = json_array_size(walk.list) == walk.most;
    json_t *answer = json_object();
    tree_set(answer, "notes", walk.list);
    tree_set(answer, "next", json_string(more ? walk.next : ""));
    return answer;
}
