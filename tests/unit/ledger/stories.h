/* stories.h - histories of facts for the ledger's tests: told in some order, they end somewhere.
 *
 * A story is a list of events, each with a few facts or a person's act. story_end() says where it
 * ends, as one text: members with state, access, address, tags and the effects that hold. */
#ifndef USHER_STORIES_H
#define USHER_STORIES_H

#include "test.h"

#include "must.h"
#include "values.h"
#include "view.h"

/* Histories leave out what they do not say. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { STORY_FACTS_MAX = 4, STORY_EVENTS_MAX = 24 };
#define DAY   INT64_C(86400000)
#define START INT64_C(1790000000000)

struct story_event {
    struct fact facts[STORY_FACTS_MAX]; /* until one without a key */
    struct act act;
};

struct story {
    const char *name;
    const char *ends; /* NULL: only the same everywhere */
    struct story_event events[STORY_EVENTS_MAX];
};

static inline struct fact whole_fact(const struct fact *given)
{
    struct fact fact = *given;
    const char **texts[] = {&fact.key,    &fact.status,   &fact.customer,     &fact.email,
                            &fact.name,   &fact.app_user, &fact.subscription, &fact.payment_intent,
                            &fact.object, &fact.reason,   &fact.currency};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i] = *texts[i] ? *texts[i] : "";
    }
    return fact;
}

static inline size_t story_count(const struct story_event *events)
{
    size_t count = 0;
    while (count < STORY_EVENTS_MAX && (events[count].facts[0].key || events[count].act.id)) {
        count++;
    }
    return count;
}

static inline void story_tell(struct factset *set, const struct story_event *event)
{
    for (size_t i = 0; i < STORY_FACTS_MAX && event->facts[i].key; i++) {
        struct fact fact = whole_fact(&event->facts[i]);
        factset_add(set, "stripe", &fact, START);
    }
    if (event->act.id) {
        factset_add_act(set, &event->act);
    }
}

static inline json_t *story_members(const struct view *view)
{
    json_t *members = json_array();
    for (size_t i = 0; i < view->member_count; i++) {
        json_t *document = member_document(view, &view->members[i]);
        json_object_del(document, "all_tags");
        json_array_append_new(members, document);
    }
    return members;
}

static inline void story_name_orphan(void *self, const struct row *row)
{
    json_array_append_new(self, json_string(row->key));
}

/* One line for the oracle: what was told, and where it ended. */
static inline void story_line(FILE *file, const struct story_event *events, size_t count,
                              const struct view *view)
{
    json_t *line = json_object(), *told = json_array(), *orphans = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *facts = json_array(), *event = json_object();
        for (size_t f = 0; f < STORY_FACTS_MAX && events[i].facts[f].key; f++) {
            struct fact fact = whole_fact(&events[i].facts[f]);
            json_array_append_new(facts, fact_tree(&fact));
        }
        tree_set(event, "facts", facts);
        if (events[i].act.id) {
            const struct act *act = &events[i].act;
            tree_set(event, "act",
                     json_pack("{s:b,s:b,s:s,s:s,s:I,s:I}", "revoke", act->revoke, "lift",
                               act->lift, "id", act->id, "record", act->record, "at",
                               (json_int_t)act->at_ms, "until", (json_int_t)act->until_ms));
        }
        json_array_append_new(told, event);
    }
    view_orphans(view, story_name_orphan, orphans);
    tree_set_int(line, "now", view->now_ms);
    tree_set_int(line, "grace", view->rules->grace_ms);
    tree_set(line, "events", told);
    tree_set(line, "members", story_members(view));
    tree_set(line, "orphans", orphans);
    assert_int_equal(json_dumpf(line, file, JSON_COMPACT | JSON_SORT_KEYS), 0);
    fputc('\n', file);
    json_decref(line);
}

/* "active+ ada@example.com [member] mailer:welcome" for each member, joined by "; ". */
static inline char *story_words(const struct view *view)
{
    struct buf out = {0};
    json_t *members = story_members(view);
    for (size_t i = 0; i < json_array_size(members); i++) {
        const json_t *member = json_array_get(members, i);
        buf_printf(&out, "%s%s%s %s [", i ? "; " : "", tree_text(member, "state"),
                   tree_flag(member, "access") ? "+" : "-", tree_text(member, "email"));
        const json_t *tags = tree_get(member, "tags"), *effects = tree_get(member, "effects");
        for (size_t t = 0; t < json_array_size(tags); t++) {
            buf_printf(&out, "%s%s", t ? " " : "", json_string_value(json_array_get(tags, t)));
        }
        buf_add_text(&out, "]");
        for (size_t e = 0; e < json_array_size(effects); e++) {
            const json_t *effect = json_array_get(effects, e);
            const char *key = tree_text(effect, "key");
            bool welcome = strncmp(key, "welcome:", 8) == 0;
            if (welcome) {
                assert_string_equal(key + 8, tree_text(member, "id"));
            }
            buf_printf(&out, " %s/%s", tree_text(effect, "to"), welcome ? "welcome" : key);
        }
    }
    size_t orphans = view_orphans(view, NULL, NULL);
    if (orphans) {
        buf_printf(&out, " (%zu orphans)", orphans);
    }
    char *words = must_strdup(buf_text(&out));
    buf_fini(&out);
    json_decref(members);
    return words;
}

/* Runs the oracle over the lines of a file: the rules written a second time. */
static inline void story_ask_oracle(const char *path)
{
    char *command =
        must_sprintf("/usr/bin/python3 '%s/tests/oracle/oracle.py' '%s'", USHER_SOURCE, path);
    assert_int_equal(system(command), 0);
    free(command);
}

#endif
