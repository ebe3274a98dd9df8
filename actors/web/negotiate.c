#include "negotiate.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t";

bool etags_have(const char *list, const char *etag)
{
    etag += strncmp(etag, "W/", 2) == 0 ? 2 : 0;
    size_t wanted = strlen(etag);
    for (const char *at = list; *(at += strspn(at, " \t,"));) {
        if (*at == '*') {
            return at[1 + strspn(at + 1, blanks)] == '\0';
        }
        at += strncmp(at, "W/", 2) == 0 ? 2 : 0;
        const char *close = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (!close) { /* not a list of tags: what follows is not believed */
            return false;
        }
        size_t chars = (size_t)(close - at) + 1;
        if (chars == wanted && memcmp(at, etag, chars) == 0) {
            return true;
        }
        at = close + 1;
    }
    return false;
}

/* "gzip", "gzip;q=0.5": false for q=0, q=0.0, ... */
static bool is_wanted(const char *parameters, size_t chars)
{
    const char *end = parameters + chars;
    const char *q = memchr(parameters, '=', chars);
    if (!q) {
        return true;
    }
    for (q++; q < end; q++) {
        if (*q >= '1' && *q <= '9') {
            return true;
        }
    }
    return false;
}

bool encodings_have_gzip(const char *list)
{
    bool any = false;
    for (const char *at = list; *(at += strspn(at, " \t,"));) {
        size_t chars = strcspn(at, ",");
        size_t name = strcspn(at, " \t;,");
        bool wanted = is_wanted(at + name, chars - name);
        if ((name == 4 && strncasecmp(at, "gzip", 4) == 0) ||
            (name == 6 && strncasecmp(at, "x-gzip", 6) == 0)) {
            return wanted;
        }
        if (name == 1 && *at == '*') {
            any = wanted;
        }
        at += chars;
    }
    return any;
}
