#include "doubt.h"

bool doubt_is(const struct task *task)
{
    bool known = tree_int(task->learned, "doubt_ms") > 0;
    /* A person's retry counts from 1 again: the attempts before were dealt with then. */
    return task->repeat && (known || task->attempt - 1 > tree_int(task->learned, "sure"));
}

int64_t doubt_since_ms(const struct task *task)
{
    int64_t known_ms = tree_int(task->learned, "doubt_ms");
    return known_ms > 0 ? known_ms : task->created_ms;
}

static bool surely_refused(const struct answer *answer, const struct verdict *verdict)
{
    bool trouble = answer->fault != OK ? answer->sent : answer->status >= 500;
    return !trouble && !verdict->ambiguous && verdict->kind != VERDICT_DONE;
}

void doubt_note(const struct task *task, const struct answer *answer, struct verdict *verdict)
{
    bool unspent = verdict->hold_ms > 0 || verdict->kind == VERDICT_REFUSED;
    if (verdict->kind == VERDICT_DONE) {
        json_object_del(verdict->learned, "sure");
        json_object_del(verdict->learned, "doubt_ms");
    } else if (surely_refused(answer, verdict)) {
        /* An attempt that is not spent has its number once more. */
        tree_set_int(verdict->learned, "sure", task->attempt - unspent);
    } else if (tree_int(verdict->learned, "doubt_ms") == 0) {
        tree_set_int(verdict->learned, "doubt_ms", task->began_ms);
    }
}

void doubt_ended(int attempt, struct verdict *verdict)
{
    json_object_del(verdict->learned, "doubt_ms");
    tree_set_int(verdict->learned, "sure", attempt);
}
