#include "job_like.h"

#include "alike.h"
#include "values.h"

#include <string.h>

bool job_is_like(const json_t *job, const json_t *other)
{
    static const char *const fields[] = {"actor", "kind", "target", "state", NULL};
    for (const char *const *field = fields; *field; field++) {
        if (strcmp(tree_text(job, *field), tree_text(other, *field)) != 0) {
            return false;
        }
    }
    return words_alike(tree_text(job, "error"), tree_text(other, "error"));
}
