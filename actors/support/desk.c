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
