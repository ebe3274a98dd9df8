#include "unsubscribe_page.h"

#include <string.h>

/* clang-format off */
#define PAGE(title, body)                                                                          \
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"                              \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"                   \
    "<title>" title "</title>\n"                                                                   \
    "<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;"           \
    "padding:0 1rem}button{font:inherit;padding:.6rem 1.2rem}</style>\n"                           \
    "<h1>" title "</h1>\n" body "\n</html>\n"
/* clang-format on */

static const struct {
    int status;
    const char *text;
} pages[] = {
    [UNSUBSCRIBE_ASK] = {200, PAGE("Unsubscribe",
                                   "<p>You will get no more news from us by mail. What concerns "
                                   "your membership and your payments still reaches you.</p>\n"
                                   "<form method=\"post\"><input type=\"hidden\" "
                                   "name=\"List-Unsubscribe\" value=\"One-Click\">"
                                   "<button>Unsubscribe</button></form>")},
    [UNSUBSCRIBE_DONE] = {200, PAGE("You are unsubscribed",
                                    "<p>You will get no more news from us by mail. What concerns "
                                    "your membership and your payments still reaches you.</p>")},
    [UNSUBSCRIBE_UNKNOWN] = {404, PAGE("This link is not complete",
                                       "<p>Please use the link as it stands in the mail.</p>")},
};

static const char *const headers[] = {
    "Cache-Control",
    "no-store",
    "Referrer-Policy",
    "no-referrer",
    "X-Robots-Tag",
    "noindex",
    "X-Content-Type-Options",
    "nosniff",
    "Content-Security-Policy",
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    NULL};

void unsubscribe_page_answer(struct web_request *request, enum unsubscribe_page page)
{
    struct web_answer answer = {.status = pages[page].status,
                                .media_type = "text/html; charset=utf-8",
                                .body = pages[page].text,
                                .len = strlen(pages[page].text),
                                .headers = headers};
    web_answer(request, &answer);
}
