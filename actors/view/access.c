#include "access.h"

#include "clock.h"
#include "values.h"

json_t *access_answer(const json_t *document, int64_t as_of_ms)
{
    char text[CLOCK_TEXT_BYTES];
    bool access = tree_flag(document, "access");
    int64_t until = tree_int(document, "until");
    json_t *tags = tree_get(document, "tags"), *answer = json_object();
    tree_set_text(answer, "member", tree_text(document, "id"));
    tree_set_int(answer, "version", tree_int(document, "version"));
    tree_set_flag(answer, "access", access);
    tree_set(answer, "until",
             access && until ? json_string(clock_rfc3339(until, text)) : json_null());
    tree_set(answer, "reason", json_string(tree_text(document, "reason")));
    tree_set(answer, "features", access && tags ? json_copy(tags) : json_array());
    tree_set(answer, "state", json_string(tree_text(document, "state")));
    tree_set(answer, "asOf", json_string(clock_rfc3339(as_of_ms, text)));
    return answer;
}
