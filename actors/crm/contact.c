/* contact.c - what the adapters of CRMs share: which contact, which tags, and what it shows. */
#include "crm.h"

#include <string.h>

const char *crm_contact(const struct task *task)
{
    const json_t *learned = tree_get(task->learned, "contact");
    return learned ? tree_text(task->learned, "contact") : tree_text(task->payload, "contact");
}

static bool among(const json_t *list, const char *tag, size_t len)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one && strlen(one) == len && memcmp(one, tag, len) == 0) {
            return true;
        }
    }
    return false;
}

bool crm_among(const json_t *list, const char *tag)
{
    return among(list, tag, strlen(tag));
}

bool crm_wants(const json_t *document, const char *tag)
{
    return crm_among(tree_get(document, "tags"), tag);
}

static void join(struct buf *out, const char *tag, size_t len, char joint)
{
    if (len > 0) {
        if (out->len > 0) {
            buf_add(out, &joint, 1);
        }
        buf_add(out, tag, len);
    }
}

void crm_tags(const json_t *document, bool retire, const char *present, char joint, struct buf *out)
{
    const json_t *ours = tree_get(document, "all_tags");
    const json_t *tags = retire ? NULL : tree_get(document, "tags");
    const char stop[2] = {joint, '\0'};
    for (const char *at = present ? present : ""; *at;) {
        size_t len = strcspn(at, stop);
        if (!among(ours, at, len) && !among(tags, at, len)) {
            join(out, at, len, joint);
        }
        at += len + (at[len] == joint);
    }
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *tag = json_string_value(json_array_get(tags, i));
        join(out, tag ? tag : "", tag ? strlen(tag) : 0, joint);
    }
}

void crm_add_name(json_t *into, const char *first, const char *last, const char *name)
{
    const char *blank = last ? strchr(name, ' ') : NULL;
    if (blank) {
        tree_set(into, first, json_stringn(name, (size_t)(blank - name)));
        tree_set_text(into, last, blank + 1);
    } else {
        tree_set_text(into, first, name);
    }
}

void crm_learn_done(const struct task *task, struct verdict *verdict)
{
    if (tree_flag(task->payload, "retire")) {
        tree_set_flag(verdict->learned, "retired", true);
    } else {
        json_object_del(verdict->learned, "retired");
    }
    if (!tree_get(verdict->learned,
                  "contact")) { /* the actor found it, and no step named it anew */
        tree_set_text(verdict->learned, "contact", tree_text(task->payload, "contact"));
    }
}

void crm_forget_contact(struct verdict *verdict)
{
    json_object_set_new(verdict->learned, "contact", json_string("")); /* and not the payload's */
}

/* --- what a contact shows ----------------------------------------------------------------------- */

static bool shows(const json_t *present, const char *tag)
{
    for (size_t i = 0; i < json_array_size(present); i++) {
        const json_t *one = json_array_get(present, i);
        const char *name = json_is_string(one) ? json_string_value(one) : tree_text(one, "name");
        if (strcmp(name, tag) == 0) {
            return true;
        }
    }
    return false;
}

void crm_compare_tags(const json_t *document, const json_t *present, struct verdict *verdict)
{
    const json_t *all = tree_get(document, "all_tags");
    verdict_set(verdict, VERDICT_DONE, "%s", "");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const char *tag = json_string_value(json_array_get(all, i));
        bool wanted = tag && crm_wants(document, tag);
        if (tag && wanted != shows(present, tag)) {
            verdict_set(verdict, VERDICT_DIFFERS,
                        wanted ? "the tag \"%.60s\" was missing"
                               : "the tag \"%.60s\" was still there",
                        tag);
            return;
        }
    }
}

void crm_compare_gone(const json_t *document, struct verdict *verdict)
{
    bool missed = tree_flag(document, "access"); /* a founder may delete whoever has left */
    verdict_set(verdict, missed ? VERDICT_DIFFERS : VERDICT_DONE, "%s",
                missed ? "the contact was gone" : "");
}
