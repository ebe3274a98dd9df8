#include "desk.h"

#include <stdio.h>
#include <string.h>

bool desk_check(const struct settings *settings, const char *what, struct buf *why)
{
    bool good = true;
    struct buf words = {0};
    if (!http_out_url_allowed(settings_text(settings, "support/url"), false, &words)) {
        buf_printf(why, "usher.cfg: support/url: %s\n", buf_text(&words));
        good = false;
    }
    if (!settings_given(settings, "support/key")) {
        buf_printf(why, "usher.cfg: support/key: expected %s, such as file:secrets/support\n",
                   what);
        good = false;
    }
    buf_fini(&words);
    return good;
}

enum fault desk_bearer(struct call *call, const char *token)
{
    struct buf bearer = {0};
    buf_printf(&bearer, "Bearer %s", token);
    enum fault fault = call_header(call, "Authorization", buf_text(&bearer));
    buf_fini(&bearer);
    return fault;
}

bool desk_searchable(const char *email)
{
    return *email && !strpbrk(email, "\"\\ \t\r\n");
}

bool desk_has(const json_t *tags, const json_t *tag)
{
    for (size_t i = 0; i < json_array_size(tags); i++) {
        if (json_equal(json_array_get(tags, i), tag)) {
            return true;
        }
    }
    return false;
}

void desk_step(struct verdict *verdict, int step)
{
    verdict->kind = VERDICT_STEP;
    verdict->step = step;
}

void desk_choose(struct verdict *verdict, int step)
{
    verdict->keep = true;
    desk_step(verdict, step);
}

void desk_make(struct verdict *verdict, int step)
{
    tree_set_flag(verdict->learned, "creating", true);
    json_object_del(verdict->learned, "ticket");
    json_object_del(verdict->learned, "looked");
    desk_choose(verdict, step);
}

void desk_not_made(const struct answer *answer, struct verdict *verdict)
{
    bool came = answer->fault == OK;
    bool good = came && answer->status >= 200 && answer->status < 300;
    if (!good && (came ? answer->status < 500 : !answer->sent)) {
        json_object_del(verdict->learned, "creating");
    }
}

bool desk_looked(const struct task *task, const char *desk, struct verdict *verdict)
{
    if (tree_flag(task->learned, "looked")) {
        return true;
    }
    tree_set_flag(verdict->learned, "looked", true);
    verdict_set(verdict, VERDICT_AGAIN,
                "%s's lists may be behind: looked at again before another is made", desk);
    verdict->retry_after_ms = settings_number(task->settings, "support/lag");
    return false;
}

void desk_done(struct verdict *verdict)
{
    verdict_set(verdict, VERDICT_DONE, "%s", "");
}

void desk_no_answer(const char *desk, const struct answer *answer, struct verdict *verdict)
{
    verdict_set(verdict, VERDICT_AGAIN, "%s's answer is not one (%d)", desk, answer->status);
    verdict->ambiguous = true;
}

void desk_learn(struct verdict *verdict, const char *name, const json_t *object)
{
    char id[32];
    const char *text = tree_text(object, "id");
    snprintf(id, sizeof id, "%lld", (long long)tree_int(object, "id"));
    tree_set_text(verdict->learned, name, *text ? text : id);
}
