#include "console_link.h"

#include "http_out.h"
#include "must.h"
#include "settings.h"

#include <string.h>

char *console_base(const char *home)
{
    char *url = NULL, *listen = NULL;
    (void)!settings_peek(home, "usher.cfg", "console/url", "", &url);
    (void)!settings_peek(home, "usher.cfg", "console/listen", "127.0.0.1:8081", &listen);
    char *base = *url ? must_strdup(url) : must_sprintf("http://%s", listen);
    free(url);
    free(listen);
    return base;
}

void console_link(const char *base, const char *page, const char *object, struct buf *out)
{
    buf_printf(out, "%s/%s", base, page);
    if (*object) {
        buf_add_text(out, "/");
        call_escape(out, object);
    }
}
