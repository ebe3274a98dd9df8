/* local.c - contacts in the actor's own store: for founders without a CRM, demos and tests. */
#include "crm.h"

#include "must.h"

#include <stdio.h>
#include <string.h>

enum { CONTACTS_ANSWER_MAX = 500 };

static json_t *tags_list(const char *joined)
{
    json_t *list = json_array();
    for (const char *at = joined; *at;) {
        size_t len = strcspn(at, "\n");
        json_array_append_new(list, json_stringn(at, len));
        at += len + (at[len] == '\n');
    }
    return list;
}

static void present_tags(const json_t *contact, struct buf *out)
{
    const json_t *tags = tree_get(contact, "tags");
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *tag = json_string_value(json_array_get(tags, i));
        buf_printf(out, "%s%s", i > 0 ? "\n" : "", tag ? tag : "");
    }
}

static void fill(json_t *contact, const struct task *task, bool retire)
{
    const json_t *document = tree_get(task->payload, "document");
    struct buf present = {0};
    struct buf tags = {0};
    present_tags(contact, &present);
    crm_tags(document, retire, buf_text(&present), '\n', &tags);
    tree_set(contact, "tags", tags_list(buf_text(&tags)));
    if (!retire) {
        tree_set_text(contact, "email", tree_text(document, "email"));
        tree_set_text(contact, "name", tree_text(document, "name"));
        tree_set_text(contact, "member", tree_text(document, "id"));
        tree_set_flag(contact, "access", tree_flag(document, "access"));
        tree_set_text(contact, "state", tree_text(document, "state"));
    } else {
        tree_set_flag(contact, "access", false);
        tree_set_text(contact, "state", "merged");
    }
    tree_set_int(contact, "version", task->version);
    /* Each version is applied once: a test that finds a count above one has found a double. */
    json_t *applied = tree_get(contact, "applied");
    if (!applied) {
        applied = json_object();
        json_object_set_new(contact, "applied", applied);
    }
    char key[64];
    snprintf(key, sizeof key, "%lld", (long long)task->version);
    tree_set_int(applied, key, tree_int(applied, key) + 1);
    buf_fini(&present);
    buf_fini(&tags);
}

static void local_perform(const struct task *task, struct store_txn *txn, struct verdict *verdict)
{
    char id[300];
    json_t *contact = NULL;
    bool retire = tree_flag(task->payload, "retire");
    event_set_text(id, sizeof id, crm_contact(task));
    if (!*id) {
        snprintf(id, sizeof id, "contact_%s", task->member);
    }
    enum fault fault = tree_load(txn, CRM_TABLE_CONTACTS, text_slice(id), &contact);
    if (fault == OK && !contact) {
        contact = json_object();
        tree_set_text(contact, "id", id);
    }
    if (fault == OK) {
        fill(contact, task, retire);
        fault = tree_save(txn, CRM_TABLE_CONTACTS, text_slice(id), contact);
    }
    json_decref(contact);
    if (fault != OK) {
        verdict_set(verdict, VERDICT_AGAIN, "the store: %s", fault_words(fault));
        return;
    }
    tree_set_text(verdict->learned, "contact", id);
    if (retire) {
        tree_set_flag(verdict->learned, "retired", true);
    } else {
        json_object_del(verdict->learned, "retired");
    }
    verdict_set(verdict, VERDICT_DONE, "%s", "");
}

const struct adapter crm_local = {.name = "local", .perform = local_perform};

/* --- looking at them ---------------------------------------------------------------------------- */

struct walk {
    json_t *list;
    const char *email;
    size_t most;
    char next[STORE_KEY_BYTES_MAX + 1];
};

static bool on_contact(void *self, struct slice key, struct slice value)
{
    struct walk *walk = self;
    json_t *contact = NULL;
    if (json_array_size(walk->list) == walk->most) {
        return false;
    }
    memcpy(walk->next, key.bytes, key.len);
    walk->next[key.len] = '\0';
    if (value_unpack(value.bytes, value.len, &contact) != OK) {
        return true;
    }
    if (!*walk->email || strcmp(tree_text(contact, "email"), walk->email) == 0) {
        json_array_append(walk->list, contact);
    }
    json_decref(contact);
    return true;
}

json_t *crm_local_contacts(struct store *store, const json_t *question, enum fault *fault)
{
    struct store_txn *txn = NULL;
    int64_t limit = tree_int(question, "limit");
    struct walk walk = {.list = json_array(),
                        .email = tree_text(question, "email"),
                        .most = limit > 0 && limit < CONTACTS_ANSWER_MAX ? (size_t)limit
                                                                         : CONTACTS_ANSWER_MAX};
    char from[STORE_KEY_BYTES_MAX + 1];
    event_set_text(from, sizeof from - 1, tree_text(question, "after"));
    size_t len = *from ? strlen(from) + 1 : 0; /* behind that key */
    *fault = store_begin(store, false, &txn);
    if (*fault == OK) {
        *fault = store_scan(txn, CRM_TABLE_CONTACTS, (struct slice){NULL, 0},
                            (struct slice){from, len}, false, on_contact, &walk);
    }
    store_abort(&txn);
    bool more = json_array_size(walk.list) == walk.most;
    json_t *answer = json_object();
    tree_set(answer, "contacts", walk.list);
    tree_set(answer, "next", json_string(more ? walk.next : ""));
    return answer;
}
