/* Whatever bytes: a mistake that is told, or lines of which each is reached exactly once. */
#include "zpl.h"

#include "must.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static size_t walk(const struct zpl *zpl, size_t parent)
{
    size_t count = 1;
    for (size_t i = zpl_child(zpl, parent); i != ZPL_NONE; i = zpl_next(zpl, i)) {
        const struct zpl_line *line = &zpl->lines[i];
        MUST(*line->name && line->depth == zpl->lines[parent].depth + 1);
        MUST(!line->value || strlen(line->value) < SIZE_MAX);
        count += walk(zpl, i);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct zpl zpl;
    struct buf why = {0};
    if (zpl_parse(&zpl, "x", bytes, len, &why) == OK) {
        MUST(why.len == 0 && walk(&zpl, ZPL_TOP) == zpl.count);
        zpl_fini(&zpl);
    } else {
        MUST(why.len > 0);
    }
    buf_fini(&why);
    return 0;
}
