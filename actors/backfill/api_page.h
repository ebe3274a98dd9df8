/* api_page.h - an answer of Stripe's API, cut into the objects that it holds. Pure.
 *
 * Use        api_page_read() of a list or of one object. Each item is the object's own bytes, as
 *            the provider wrote them: what is kept in the journal is not written anew by us.
 * Promise    An item is whole JSON (RFC 8259), and an object. `last` is the last item's id, the
 *            cursor of the next page; a page that says that there is more always has one.
 * Ownership  Items point into the bytes given; `last` is a copy.
 * Faults     MALFORMED: nothing of Stripe's (a proxy's page, cut off, no list). TOO_LARGE: more
 *            than can be read at once (bytes, values or API_PAGE_ITEMS_MAX): a smaller page may do.
 * See        tests/unit/backfill/api_page_test.c, tests/fuzz/backfill/api_page.c */
#ifndef USHER_API_PAGE_H
#define USHER_API_PAGE_H

#include "digest.h"
#include "fault.h"
#include "json_tape.h"

#include <stdbool.h>

enum { API_PAGE_ITEMS_MAX = 100, API_ID_BYTES_MAX = 200 };

struct api_page {
    bool has_more;
    size_t count;
    struct slice items[API_PAGE_ITEMS_MAX];
    char last[API_ID_BYTES_MAX + 1]; /* "" if there are no items */
};

/* `tape` is used for the work and holds the whole answer afterwards. */
enum fault api_page_read(struct tape *tape, const char *body, size_t len,
                         struct api_page *page) NODISCARD;

/* A printable id that can stand in a path or as a cursor. */
bool api_is_id(const char *text);

#endif
