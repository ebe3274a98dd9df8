#include "plan_view.h"

#include "must.h"
#include "values.h"

#include <string.h>

static void add(json_t *plan, const char *text, bool again, const char *why)
{
    json_t *line = json_object();
    tree_set(line, "text", json_string(text));
    tree_set_flag(line, "again", again);
    tree_set_text(line, "why", why);
    MUST(json_array_append_new(plan, line) == 0);
}

static const struct {
    const char *type;
    bool again;
    const char *why;
} fates[] = {
    {"job.done", false, "it was carried out, and its key is known for good"},
    {"job.dead", false, "it waits for a person; only a person's retry tries it again"},
    {"job.uncertain", false, "it is never repeated by itself; a person can send it again"},
    {"job.skipped", false, "a person or a rule decided so"},
    {"job.superseded", true, "only if its condition holds again"},
    {"job.retrying", true, "it is on its way all the same, with the same key"},
};

/* Of each key only the newest word counts. */
static bool is_newest(const json_t *events, size_t at)
{
    const json_t *event = json_array_get(events, at);
    for (size_t i = at + 1; i < json_array_size(events); i++) {
        const json_t *later = json_array_get(events, i);
        if (strncmp(tree_text(later, "type"), "job.", 4) == 0 &&
            strcmp(tree_text(later, "job"), tree_text(event, "job")) == 0) {
            return false;
        }
    }
    return true;
}

json_t *plan_view(const json_t *events)
{
    json_t *plan = json_array(), *event;
    size_t i;
    add(plan, "The event itself", false,
        "its id is in the journal: the same id again is answered and changes nothing");
    json_array_foreach(events, i, event)
    {
        for (size_t f = 0; f < sizeof fates / sizeof *fates; f++) {
            if (strcmp(tree_text(event, "type"), fates[f].type) == 0 && is_newest(events, i)) {
                add(plan, tree_text(event, "text"), fates[f].again, fates[f].why);
            }
        }
    }
    return plan;
}
