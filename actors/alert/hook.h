/* hook.h - what providers of hooks share. */
#ifndef USHER_HOOK_H
#define USHER_HOOK_H

#include "adapter.h"

/* Is alert/hook/url there, and one that may be called? Else says in `why` what is expected. */
bool hook_url_good(const struct settings *settings, const char *expected, struct buf *why);
/* The same for alert/hook/key: is there anything? */
bool hook_key_good(const struct settings *settings, const char *expected, struct buf *why);

/* Begins a POST to the first line of `url`. */
void hook_post(const char *url, struct call *call);

/* The first line of alert/hook/url, for an adapter whose secret is another setting. MALFORMED if it
 * cannot be read. */
enum fault hook_url(const struct settings *settings, struct buf *url) NODISCARD;

/* For places that know no keys to refuse: whatever says 401, 403 or 404 will not change its mind. */
void hook_outcome(const char *place, const struct answer *answer, struct verdict *verdict);

#endif
