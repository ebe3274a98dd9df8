#include "member_view.h"

#include "event_view.h"
#include "money.h"
#include "must.h"
#include "shown.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

/* Always the same fields, whatever the actor says. */
json_t *member_lane(const json_t *answer, const char *actor)
{
    const char *state = tree_text(answer, "state");
    char *silent = must_sprintf("%s does not answer", actor);
    json_t *lane = json_pack("{s:s, s:I, s:I, s:o, s:o}", "state",
                             !answer  ? "unknown"
                             : *state ? state
                                      : "none",
                             "version", (json_int_t)tree_int(answer, "version"), "attempts",
                             (json_int_t)tree_int(answer, "attempts"), "at",
                             shown_time(tree_int(answer, "at")), "error",
                             shown_text(answer ? tree_text(answer, "error") : silent));
    free(silent);
    MUST(lane);
    tree_set(lane, "key", shown_text(tree_text(answer, "key")));
    return lane;
}

static json_t *timeline_json(const json_t *timeline)
{
    json_t *list = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(timeline, i, entry)
    {
        json_t *time = tree_get(entry, "time");
        json_t *line = json_pack("{s:o, s:s, s:s, s:o, s:o}", "time",
                                 json_is_string(time) ? json_incref(time)
                                                      : shown_time(json_integer_value(time)),
                                 "lane", tree_text(entry, "lane"), "text", tree_text(entry, "text"),
                                 "event", shown_text(view_bare_id(tree_text(entry, "event"))),
                                 "rule", shown_text(tree_text(entry, "rule")));
        MUST(line && json_array_append_new(list, line) == 0);
    }
    return list;
}

static void copy(json_t *to, const json_t *from, const char *key)
{
    json_t *value = tree_get(from, key);
    tree_set(to, key, value ? json_incref(value) : json_null());
}

json_t *member_json(const json_t *document, const json_t *crm, const json_t *support,
                    const json_t *mail, const json_t *app)
{
    static const char *const as_they_are[] = {"id",     "email",   "name",   "state",
                                              "access", "version", "reason", NULL};
    static const char *const behind[] = {"tags",      "rule",    "source",      "app_user",
                                         "customers", "aliases", "suggestions", NULL};
    json_t *member = json_object();
    for (const char *const *key = as_they_are; *key; key++) {
        copy(member, document, *key);
    }
    tree_set(member, "last_payment_at", shown_time(tree_int(document, "last_payment_at")));
    copy(member, document, "last_payment");
    tree_set(member, "until", shown_time(tree_int(document, "until")));
    for (const char *const *key = behind; *key; key++) {
        copy(member, document, *key);
    }
    tree_set(member, "crm", member_lane(crm, "crm"));
    tree_set(member, "support", member_lane(support, "support"));
    tree_set(member, "mail", member_lane(mail, "mailer"));
    tree_set(member, "app", member_lane(app, "app"));
    tree_set(member, "timeline", timeline_json(tree_get(document, "timeline")));
    return member;
}

size_t member_first(const json_t *documents)
{
    size_t best = 0, i;
    json_t *document;
    json_array_foreach(documents, i, document)
    {
        const json_t *there = json_array_get(documents, best);
        bool has = tree_flag(document, "access"), had = tree_flag(there, "access");
        if (has != had
                ? has
                : tree_int(document, "last_payment_at") > tree_int(there, "last_payment_at")) {
            best = i;
        }
    }
    return best;
}

/* --- as the pages have it ---------------------------------------------------------------------- */

static json_t *payment_facts(const json_t *document)
{
    const json_t *payment = tree_get(document, "last_payment");
    struct buf words = {0};
    if (!tree_int(document, "last_payment_at")) {
        return json_null();
    }
    json_t *facts = json_deep_copy(payment);
    money_words(tree_int(payment, "amount"), tree_text(payment, "currency"), &words);
    tree_set_text(facts, "text", buf_text(&words));
    buf_fini(&words);
    return facts;
}

json_t *member_facts(const json_t *document)
{
    static const char *const as_they_are[] = {
        "id",   "email", "name",     "state",  "access",    "version", "reason",
        "rule", "tags",  "app_user", "source", "customers", "aliases", NULL};
    json_t *facts = json_object();
    for (const char *const *key = as_they_are; *key; key++) {
        copy(facts, document, *key);
    }
    tree_set(facts, "until", shown_time(tree_int(document, "until")));
    tree_set(facts, "last_payment_at", shown_time(tree_int(document, "last_payment_at")));
    tree_set(facts, "last_payment", payment_facts(document));
    tree_set(facts, "suggestions", json_array());
    return facts;
}
