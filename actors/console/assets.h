/* assets.h - the files of pages/, as they stand in the program.
 *
 * Use        asset_find() by name. The table is made at build time by pages.cmake: every file of
 *            pages/, and the two libraries that ops/pages-modules brings.
 * Format     etag is quoted, of the content's SHA-256; gz is the same content by gzip -9.
 * Ownership  Static. Texts have a NUL behind them, not counted in len. */
#ifndef USHER_ASSETS_H
#define USHER_ASSETS_H

#include <stddef.h>

struct asset {
    const char *name;
    const char *media_type;
    const void *bytes;
    size_t len;
    const void *gz;
    size_t gz_len;
    const char *etag;
};

/* NULL if there is none of that name. */
const struct asset *asset_find(const char *name);

#endif
