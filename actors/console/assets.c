#include "assets.h"

#include <string.h>

/* Of the generated file. */
extern const struct asset assets_table[];
extern const size_t assets_count;

const struct asset *asset_find(const char *name)
{
    for (size_t i = 0; i < assets_count; i++) {
        if (strcmp(assets_table[i].name, name) == 0) {
            return &assets_table[i];
        }
    }
    return NULL;
}
